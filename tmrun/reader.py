"""A path and a cell -> what was recorded: the door for scripts and for `tmrun show`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kernel_payload.thaw import Namespace, Variables, resolve_cell
from kernel_payload.varchive import PLAIN, Run, State, Varchive, ranges
from kernel_payload.varchive.copying import save
from kernel_payload.varchive.errors import NoSuchRun, NotAVarchive, UsageError


class Recording:
    """An opened varchive: its runs, and one of them that is looked at.

    Attributes
    ----------
    archive : Varchive
        The archive.
    run : Run
        The run that cell numbers refer to.
    """

    def __init__(self, archive: Varchive, run: Run, *, trusted: bool = False) -> None:
        self.archive = archive
        self.run = run
        self._trusted = trusted

    def __repr__(self) -> str:
        return f"<run {self.run.id} of {self.archive.path}, {len(self.states())} cells recorded>"

    def states(self) -> list[int]:
        """Give the numbers of the cells that were recorded."""
        return self.archive.states(self.run.id)

    def state(self, n: int | str) -> State:
        """Give the state of a cell: a number, negative from the end, or a cell's id.

        Raises
        ------
        NoSuchState
            With the cells that were recorded.
        """
        return self.archive.state(self.run.id, resolve_cell(self.archive, self.run.id, n))

    def vars(self, n: int | str) -> Variables:
        """Give the variables after a cell; see `tmrun.vars`."""
        return Variables(self._namespace(n))

    def ans(self, n: int | str) -> Any:
        """Give ``Out[n]``; None when the cell had none."""
        return self._namespace(n).loader.load_answer()

    def describe(self, n: int | str) -> Variables:
        """Give the variables after a cell, to be looked at and not loaded."""
        return Variables(Namespace(self.archive, self.run, self.state(n)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Make a varchive of its own elsewhere, with all runs of this one.

        One that is there already gets what it lacks.

        Raises
        ------
        NotAVarchive
            When something else is there.
        UsageError
            When it is this one.
        """
        save(self.archive, Path(path))

    def _namespace(self, n: int | str) -> Namespace:
        if not self._trusted and not self.run.about.get(PLAIN):
            self.archive.require_trust(self.run.id)
        return Namespace(self.archive, self.run, self.state(n))


class Runs(Mapping[int, Recording]):
    """The runs before one, in its varchive: -1 is the one before it, -2 that before, ….

    Parameters
    ----------
    recording : Recording
        The run whose earlier ones these are.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        earlier = recording.archive.before(recording.run.id)
        self._runs = {-place: run for place, run in enumerate(reversed(earlier), 1)}

    def __getitem__(self, place: int) -> Recording:
        if place not in self._runs:
            raise NoSuchRun(f"there is no run {place} before this one\n{self!r}")
        archive = self._recording.archive
        return Recording(archive, archive.run(self._runs[place]), trusted=self._recording._trusted)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._runs))

    def __len__(self) -> int:
        return len(self._runs)

    def __repr__(self) -> str:
        lines = [self._line(f"{place:4}", self[place]) for place in self]
        lines.append(self._line("this", self._recording))
        return "\n".join([f"runs of {self._recording.archive.path}", *lines])

    def _line(self, place: str, recording: Recording) -> str:
        numbers = recording.states()
        notebook = recording.run.about.get("notebook") or ""
        return f"  {place}  {recording.run.id}  cells {ranges(numbers)}  {notebook}".rstrip()


def open_recording(path: Any, run: str | int | None = None, *, trusted: bool = False) -> Recording:
    """Open a varchive by its path, or by that of the output notebook that knows it."""
    if isinstance(path, Recording):
        if run is None:
            return path
        return Recording(path.archive, path.archive.run(run), trusted=path._trusted or trusted)
    if isinstance(path, Varchive):
        archive, known = path, None
    elif getattr(path, "varchive", None) is not None:  # a report of tmrun.run
        archive, known = Varchive.at(path.varchive), path.run
    elif isinstance(path, (str, os.PathLike)):
        archive, known = _find(Path(path))
    else:
        raise UsageError(f"{path!r} is no path; give a .varchive or the output notebook of a run")
    wanted = run if run is not None else known if known is not None else -1
    return Recording(archive, archive.run(wanted), trusted=trusted)


def _find(path: Path) -> tuple[Varchive, str | None]:
    """Give the varchive at or behind a path, and the run that the path means."""
    if path.is_dir():
        return Varchive.at(path), None
    if not path.exists():
        raise NotAVarchive(
            f"{path} does not exist; give a .varchive or the output notebook of a run"
        )
    about = _about(path)
    try:
        archive = Varchive.at(path.parent / about["varchive"])
    except NotAVarchive:
        raise NotAVarchive(
            f"{path} was recorded in {about['varchive']}, which is no longer beside it;"
            " move the two together"
        ) from None
    return archive, about["run"]


def _about(path: Path) -> Mapping[str, Any]:
    try:
        about = json.loads(path.read_bytes())["metadata"]["tmrun"]
    except (ValueError, KeyError, TypeError):
        about = {}
    if not isinstance(about, dict) or not {"varchive", "run"} <= about.keys():
        beside = path.with_suffix(".varchive")
        if beside.is_dir():  # recorded while one worked in it
            return {"varchive": beside.name, "run": None}
        raise NotAVarchive(
            f"{path} is neither a varchive nor the output notebook of a recorded run;"
            f" record it with: tmrun {path}"
        )
    return about
