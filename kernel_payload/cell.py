"""A cell that has run -> the manifest of the state after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from .manifest import Changes, Manifest
from .varchive import Entry, State


@dataclass
class Running:
    """A cell that runs: source, id, when it began (ISO 8601; seconds of ``time.perf_counter``).

    ``n`` is its number, once it runs other cells inside.
    """

    raw: str
    cell_id: str | None
    started: str
    began: float
    n: int | None = None


@dataclass(frozen=True)
class Cell:
    """A cell that has run: number, id, source as written and as IPython ran it, status, times."""

    n: int
    cell_id: str | None
    source: str
    code: str
    status: str
    error: dict[str, Any] | None
    started: str
    ended: str
    seconds: float

    def state(
        self, manifest: Manifest, changes: Changes, answer: Entry | str | None, **rest: Any
    ) -> State:
        """Give the state after it.

        Parameters
        ----------
        manifest, changes : Manifest, Changes
            The entries, and what the cell did to the variables.
        answer : Entry, str or None
            ``Out[n]``; the name of the variable that it is; None for none.
        **rest
            Further fields of `State`.
        """
        facts = {name: value for name, value in vars(self).items() if name != "code"}
        return State(
            **facts,
            **vars(changes),
            **rest,
            base=manifest.base,
            entries=dict(manifest.delta),
            gone=tuple(sorted(manifest.gone)),
            answer=replace(answer, n=self.n) if isinstance(answer, Entry) else answer,
            variables=manifest.saved(),
        )


def now() -> str:
    """Give the time as a state tells it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
