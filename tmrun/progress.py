"""What the user sees while a notebook runs: a bar on a terminal, a few lines elsewhere.

Hears the run's events; writes through what it is given, and knows nothing of the runner.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Protocol, cast

from kernel_payload.card import size

from .report import (
    CellEnded,
    CellOutput,
    CellStarted,
    JobEnded,
    JobsNow,
    NotebookText,
    Started,
    Warned,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import IO

    from .report import CellReport, Event

_LINE = 60


def counted(count: int, thing: str) -> str:
    """Count things as people do: 1 cell, 2 cells."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def changes(cell: CellReport) -> str:
    """Names a cell touched: ``+made ~changed -deleted !unsaved``."""
    marks = (("+", cell.made), ("~", cell.changed), ("-", cell.deleted), ("!", cell.unsaved))
    return " ".join(mark + name for mark, names in marks for name in names)


class Stderr:
    """Standard error; when its terminal is closed, what is written goes nowhere."""

    def __init__(self) -> None:
        self._file = sys.stderr

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        """Write, and take the end of the reader for no failure."""
        try:
            self._file.write(text)
        except OSError:
            self._lose()
        return len(text)

    def flush(self) -> None:
        """Flush likewise."""
        try:
            self._file.flush()
        except OSError:
            self._lose()

    def _lose(self) -> None:
        # what is still in its buffer must not fail once more when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._file.fileno())


class Display(Protocol):
    """Shows a run's events between entering and leaving it."""

    def __call__(self, event: Event) -> None:
        """Show one event."""

    def __enter__(self) -> Display:
        """Begin to show."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""


class Lines:
    """Shows events as lines.

    Parameters
    ----------
    write
        Called with text for people, line ends included.
    print_notebook
        Called with the output notebook's text, when it goes to standard output.
    verbosity
        Below 0: nothing; 0: the start and warnings; above: a line per cell.
    log_output
        Write what the cells print, too.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        print_notebook: Callable[[str], None],
        *,
        verbosity: int = 0,
        log_output: bool = False,
    ) -> None:
        self._write = write
        self._print_notebook = print_notebook
        self._verbosity = verbosity
        self._log_output = log_output
        self._started: Started | None = None
        self._first_line = ""

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case NotebookText(text):
                self._print_notebook(text)
            case CellOutput(_, text) if self._log_output:
                self._write(text)
            case Started(name, cells, kernel):
                self._started = event
                self._say(0, f"tmrun: {name}: {counted(cells, 'cell')}, kernel {kernel}")
            case Warned(message):
                self._say(0, f"tmrun: warning: {message}")
            case CellStarted(_, first_line):
                self._first_line = first_line
            case JobEnded(_, title, told, quiet):
                if not quiet:
                    self._say(0, f"tmrun: {title} {told.splitlines()[0]}")
            case CellEnded():
                self._say(1, self._cell(event))
            case _:
                pass

    def _say(self, level: int, line: str) -> None:
        if self._verbosity >= level:
            self._write(line + "\n")

    def _cell(self, event: CellEnded) -> str:
        total = self._started.cells if self._started else event.place
        cell = event.cell
        number = f"[{cell.n}]" if cell.n is not None else "[ ]"
        return (
            f"{event.place:>{len(str(total))}}/{total} {number} {cell.status} "
            f"{cell.seconds or 0:.2f} s  {self._first_line[:_LINE]}  {changes(cell)}"
        ).rstrip()


class Bar:
    """Shows events as one live bar over the cells; everything else in lines above it.

    Parameters
    ----------
    print_notebook, verbosity
        As for `Lines`, which says what is said in lines.
    """

    def __init__(self, print_notebook: Callable[[str], None], *, verbosity: int = 0) -> None:
        # rich takes longer to import than a small notebook to run; whoever has no terminal
        # does not pay for it
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )
        from rich.table import Column

        rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[record]}", markup=False, style="dim"),
            TextColumn("{task.fields[line]}", markup=False, style="cyan", table_column=rest),
            expand=True,
            console=Console(file=cast("IO[str]", Stderr())),
            refresh_per_second=4,
            transient=True,
        )
        self._lines = Lines(self._write, print_notebook, verbosity=verbosity)
        self._task: Any = None
        self._bytes = 0
        self._record = self._jobs = ""

    def __enter__(self) -> Bar:
        self._progress.start()
        self._task = self._progress.add_task("starting the kernel", total=None, record="", line="")
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Started(name, cells, _):
                self._progress.update(self._task, description=name, total=cells)
            case CellStarted(_, first_line):
                self._progress.update(self._task, line=first_line[:_LINE])
            case CellEnded(place, cell, variables, count):
                self._bytes += count
                what = f"{counted(variables, 'variable')}, {size(self._bytes)}"
                self._record = what if cell.recorded else ""
                self._progress.update(self._task, completed=place)
                self._show_record()
            case JobsNow(waiting, running):
                parts = [counted(running, "job")] if running else []
                parts += [f"{waiting} waiting"] if waiting else []
                self._jobs = ", ".join(parts)
                self._show_record()
        if not isinstance(event, Started):
            self._lines(event)

    def _show_record(self) -> None:
        record = "; ".join(filter(None, (self._record, self._jobs)))
        self._progress.update(self._task, record=record)

    def _write(self, text: str) -> None:
        self._progress.console.print(text, end="", markup=False, highlight=False)
