"""What a run tells: events while it goes, one report at its end. Frozen data, no behaviour.

The runner makes them; the command line, the progress display and Python callers read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


ENDS = frozenset({"failed", "timeout", "interrupted", "died"})
"""Statuses of a cell that end the run; that of a job does not, and makes it fail at its end."""


@dataclass(frozen=True)
class CellError:
    """The error a cell ended with.

    Attributes
    ----------
    ename, evalue
        Name of the exception's class, and its text.
    traceback
        The traceback's lines as the kernel sent them (ANSI colours included).
    lineno, line
        The line of the cell that failed, counted from 1; None where the kernel does not say.
    """

    ename: str
    evalue: str
    traceback: tuple[str, ...] = ()
    lineno: int | None = None
    line: str | None = None


@dataclass(frozen=True)
class CellReport:
    """What became of one code cell.

    Attributes
    ----------
    index, id
        Its place in the output notebook, counted from 0, and its id (None before nbformat 4.5).
    n
        The cell number, ``In [n]``; None when it did not run.
    status
        ``ok``; ``failed``; ``allowed`` (it failed, as its tag or an option allows); ``timeout``;
        ``interrupted``; ``died`` (the kernel, while it ran); ``skipped`` (empty, or tagged
        skip-execution); ``not run`` (the run ended before it).  Of a job also ``running``, while
        it does, and ``cancelled``; it ``died`` when its worker did.
    seconds
        How long it ran, recording included; None when it did not run.
    job
        It ran in the background.
    made, changed, deleted, unsaved
        Names of variables; empty without a record.
    recorded
        Its state is in the varchive.
    """

    index: int
    id: str | None
    n: int | None = None
    status: str = "not run"
    seconds: float | None = None
    error: CellError | None = None
    made: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    unsaved: tuple[str, ...] = ()
    recorded: bool = False
    job: bool = False


@dataclass(frozen=True)
class Report:
    """What became of one run.

    Attributes
    ----------
    status
        ``ok``, ``failed``, ``died``, ``timeout`` or ``interrupted``.
    cells
        One report per code cell of the output notebook, in its order.
    seconds
        From the start of the kernel to its end.
    output
        The output notebook; None when it went to standard output or could not be written.
    varchive, run
        Where the record is, and its id there; None without a record.
    complete
        Nothing is missing of the record that was asked for.
    written
        The output notebook was written.
    reason
        What went wrong, for people; None when nothing did.
    signal
        The number of the signal that stopped the run, if one did.
    """

    status: str
    cells: tuple[CellReport, ...]
    seconds: float
    output: Path | None
    varchive: Path | None
    run: str | None
    complete: bool
    written: bool
    reason: str | None = None
    signal: int | None = None

    @property
    def stopped_at(self) -> CellReport | None:
        """The cell that ended the run early, or else the first whose job did not end well."""
        bad = [cell for cell in self.cells if cell.status in ENDS]
        return next((cell for cell in bad if not cell.job), bad[0] if bad else None)


@dataclass(frozen=True)
class Started:
    """The kernel is ready, and recording is on if it was asked for."""

    name: str
    cells: int
    kernel: str


@dataclass(frozen=True)
class CellStarted:
    """A cell was sent to the kernel; `place` counts the cells that run, from 1."""

    place: int
    first_line: str


@dataclass(frozen=True)
class CellOutput:
    """A cell printed or displayed something."""

    stream: str
    text: str


@dataclass(frozen=True)
class CellEnded:
    """A cell ended; `variables` in its state, and `size` new bytes that the state stored."""

    place: int
    cell: CellReport
    variables: int
    size: int


@dataclass(frozen=True)
class JobsNow:
    """How many jobs wait and run, from now on."""

    waiting: int
    running: int


@dataclass(frozen=True)
class JobEnded:
    """A job ended: its title, and how; `quiet` when the notebook wants no word of it."""

    cell: CellReport
    title: str
    told: str
    quiet: bool = False


@dataclass(frozen=True)
class Warned:
    """Something is not as it should be, and the run goes on."""

    message: str


@dataclass(frozen=True)
class NotebookText:
    """The output notebook's text, of a run whose output is standard output."""

    text: str


Event = Started | CellStarted | CellOutput | CellEnded | JobsNow | JobEnded | Warned | NotebookText
"""What a run tells while it goes."""

if TYPE_CHECKING:
    Notify = Callable[[Event], None]
