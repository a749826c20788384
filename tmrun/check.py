"""A notebook, run and compared with its baseline; or a new baseline made of it. Prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kernel_payload.varchive import Entry
from kernel_payload.varchive.errors import Damaged, TmrunError

from .baseline import (
    NoBaseline,
    cells_of,
    how_to_update,
    open_baseline,
    refuse_others,
    replace_baseline,
    unsteady,
)
from .checked import Checked, CheckedCell
from .differ import CellDiff, Diff, compare_recordings
from .reader import Recording
from .report import Report
from .shortfall import shortfalls
from .subject import Notify, Settings, Subject

if TYPE_CHECKING:
    from .difference import Measure


def check(notebook: Path, into: Path, settings: Settings, notify: Notify) -> Checked:
    """Run a notebook and compare it with its baseline.

    Parameters
    ----------
    notebook : Path
        The notebook.
    into : Path
        A directory for the output notebook and the varchive.
    settings : Settings
        How.
    notify : callable
        Called with every event of the run.
    """
    try:
        baseline = open_baseline(notebook)
        subject = Subject.prepare(notebook, into, settings)
        ignored = unsteady(baseline, cells_of(baseline), subject.numbered())
        subject = subject.ignoring(ignored)
        report, plain = subject.run(notify, "check")
        found = None
        if plain is not None:
            found = compare_recordings(baseline, plain, subject.measure(report.cells))
    except NoBaseline as error:
        return Checked(notebook, "no baseline", str(error))
    except Damaged as error:
        mend = f"take one side of a merge, or make it anew: {how_to_update(notebook)}"
        return Checked(notebook, "error", f"{error}; {mend}")
    except (TmrunError, OSError, RecursionError) as error:
        return Checked(notebook, "error", str(error))
    count = sum(map(len, ignored.values()))
    return _checked(notebook, report, found, count)


def update(notebook: Path, into: Path, settings: Settings, notify: Notify) -> Checked:
    """Run a notebook twice, and make a baseline of what both runs have in common.

    Parameters
    ----------
    notebook, into, settings, notify
        As for `check`.
    """
    try:
        refuse_others(notebook)
        subject = Subject.prepare(notebook, into, settings)
        report, first = subject.run(notify, "first")
        if first is None or report.status != "ok":
            return _not_updated(notebook, report)
        report, second = subject.run(notify, "second", but=first)
        if second is None or report.status != "ok":
            return _not_updated(notebook, report)
        if cells_of(first) != cells_of(second):
            return Checked(notebook, "error", "two runs did not run the same cells", report)
        before = _left_out(notebook, subject)
        changes = _changes(notebook, second, subject.measure(report.cells))
        status = replace_baseline(notebook, second.archive.path)
    except (TmrunError, OSError) as error:
        return Checked(notebook, "error", str(error))
    found = tuple(dict.fromkeys(subject.found))
    notes = [*shortfalls(second, subject.by_number(report.cells))]
    paths = {(each.n, each.path) for each in found}
    for n, names in sorted(before.items()):
        if again := [name for name in names if (n, name) not in paths]:
            what = ", ".join(again)
            notes.append(f"cell {n}: both runs agree, and what was left out is checked: {what}")
    return Checked(
        notebook, status, report=report, diff=changes, unsteady=found, notes=tuple(notes)
    )


def _left_out(notebook: Path, subject: Subject) -> dict[int, tuple[str, ...]]:
    """Give what the baseline that there is leaves out; nothing when there is none."""
    try:
        baseline = open_baseline(notebook)
        return unsteady(baseline, cells_of(baseline), subject.numbered())
    except (NoBaseline, Damaged):
        return {}


def _changes(
    notebook: Path, made: Recording, measure: Callable[[str, Entry], Measure]
) -> Diff | None:
    """Give what differs from the baseline that there is; None when there is none."""
    try:
        found = compare_recordings(open_baseline(notebook), made, measure)
        return None if found.troubled else found
    except (NoBaseline, Damaged):  # what is damaged is replaced
        return None


def _not_updated(notebook: Path, report: Report) -> Checked:
    kept = "the baseline is left as it was"
    reason = f"{report.reason or 'its record is incomplete'}; {kept}"
    found = _checked(notebook, report, None, 0)
    return replace(found, status="failed", reason=reason, notes=(kept,))


def _checked(notebook: Path, report: Report, found: Diff | None, ignored: int) -> Checked:
    by_number = {cell.b: cell for cell in found.cells if cell.b is not None} if found else {}
    gone = _missing(found, whole=report.status == "ok")
    cells = tuple(CheckedCell(cell, *(_of(cell.n, by_number, gone))) for cell in report.cells)
    status = "ok"
    if report.status != "ok":
        status = "failed"
    elif found is None:
        reason = report.reason or "what it computed could not be told"
        return Checked(notebook, "error", reason, report, None, cells)
    elif not found.equal:
        status = "different"
    return Checked(
        notebook,
        status,
        report.reason or "",
        report,
        found,
        cells,
        ignored=ignored,
        missing=gone.get(0, ()),
    )


def _of(
    n: int | None, found: dict[int, CellDiff], gone: dict[int, tuple[CellDiff, ...]]
) -> tuple[CellDiff | None, tuple[CellDiff, ...]]:
    return (None, ()) if n is None else (found.get(n), gone.get(n, ()))


def _missing(found: Diff | None, *, whole: bool) -> dict[int, tuple[CellDiff, ...]]:
    """Give the cells that only the baseline has, by the cell before them, or else the first.

    A run that ended early (not ``whole``) has not come to those behind its last cell.
    """
    cells = found.cells if found else ()
    if not whole:
        last_run = max((i for i, cell in enumerate(cells) if cell.b is not None), default=0)
        cells = cells[:last_run]
    numbers = [cell.b for cell in cells if cell.b is not None]
    last = numbers[0] if numbers else 0
    gone: dict[int, tuple[CellDiff, ...]] = {}
    for cell in cells:
        if cell.b is None:
            gone[last] = (*gone.get(last, ()), cell)
        else:
            last = cell.b
    return gone
