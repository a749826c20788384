"""The magics of a session: ``%past``, ``%thread`` and ``%%thread``."""

from __future__ import annotations

from typing import Any

from .hold import Magics
from .magic import past_options
from .shell import IN_A_JOB, Session
from .varchive.errors import UsageError


def magics_of(session: Session) -> Magics:
    """Give the magics: name -> kind and function."""

    def past(line: str) -> Any:
        """Go back to the state after a cell: ``%past N [--run RUN]``, N as for `tmrun.past`."""
        return session.past(*past_options(line))

    def thread(line: str, cell: str | None = None) -> None:
        """Run a cell in the background: ``%%thread [--name NAME] [--timeout SECONDS]``, or an
        expression: ``%thread [--name NAME] [--timeout SECONDS] EXPRESSION``."""
        session.spawn(line, cell)

    # braces and dollars in the expression are Python's
    thread._ipython_magic_no_var_expand = True  # type: ignore[attr-defined]
    if session.is_worker:
        return {"past": ("line", _refuse), "thread": ("line_cell", _refuse)}
    return {"past": ("line", past), "thread": ("line_cell", thread)}


def _refuse(*_: Any) -> None:
    raise UsageError(IN_A_JOB)
