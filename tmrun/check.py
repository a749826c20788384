"""A notebook, run and compared with its baseline; or a new baseline made of it. Prints nothing."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernel_payload.conversation import KernelDiedError
from kernel_payload.distil import RUN
from kernel_payload.injection import answer as answer_of
from kernel_payload.injection import command
from kernel_payload.varchive import Entry
from kernel_payload.varchive.errors import Damaged, TmrunError, UsageError

from . import expectations
from .baseline import (
    UNSTEADY,
    NoBaseline,
    baseline_of,
    cells_of,
    open_baseline,
    refuse_others,
    replace_baseline,
    unsteady,
)
from .differ import CellDiff, Diff, compare_recordings
from .expectations import Expectation
from .match import Cell
from .plan import Options, runs
from .preparation import prepare
from .reader import Recording, open_recording
from .report import ENDS, CellReport, Report
from .runner import run_plan
from .shortfall import of_this_machine, shortfalls
from .steady import Unsteady, unsteady_between

if TYPE_CHECKING:
    from .difference import Measure
    from .kernel import Kernel
    from .plan import Plan
    from .report import Event

Json = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """How notebooks are run and compared, where they do not say it themselves.

    Attributes
    ----------
    rtol, atol : float
        Numbers are equal when ``abs(a - b) <= atol + rtol * abs(a)``.
    timeout : float, optional
        Seconds that a notebook may run.
    options : dict
        Attributes of `tmrun.plan.Options`: ``kernel``, ``cwd``, ``timeout``, ….
    """

    rtol: float = 0.0
    atol: float = 0.0
    timeout: float | None = None
    options: Json = field(default_factory=dict)


@dataclass(frozen=True)
class CheckedCell:
    """What became of one code cell.

    Attributes
    ----------
    report : CellReport
        How it ran.
    diff : CellDiff or None
        What differs from the baseline; None where that was not looked at.
    missing : tuple of CellDiff
        Cells of the baseline, after this one, that are no longer there.
    """

    report: CellReport
    diff: CellDiff | None = None
    missing: tuple[CellDiff, ...] = ()

    @property
    def status(self) -> str:
        """``ok``, ``different``, ``failed``, ``not compared`` or ``not run``."""
        if self.report.status in ENDS:
            return "failed"
        if self.report.status in ("not run", "skipped"):
            return self.report.status
        if self.diff is None:
            return "not compared"
        bad = self.diff.parts or self.diff.troubled or self.missing
        return "different" if bad else "ok"


@dataclass(frozen=True)
class Checked:
    """What became of one notebook.

    Attributes
    ----------
    notebook : Path
        The notebook.
    status : str
        ``ok``; ``different``; ``failed`` (a cell did, or the kernel); ``no baseline``; of an update
        ``made``, ``updated`` or ``unchanged``; ``error`` (it could not be run at all).
    reason : str
        What went wrong, for people.
    report : Report or None
        How it ran.
    diff : Diff or None
        What differs from the baseline (A).
    cells : tuple of CheckedCell
        Its code cells.
    unsteady : tuple of Unsteady
        Of an update: what two runs did not have in common.
    ignored : int
        How many names and paths the baseline ignores because two runs differed in them.
    missing : tuple of CellDiff
        Cells of the baseline that are no longer there, when no others are.
    notes : tuple of str
        Of an update, what is not checked, and why.
    """

    notebook: Path
    status: str
    reason: str = ""
    report: Report | None = None
    diff: Diff | None = None
    cells: tuple[CheckedCell, ...] = ()
    unsteady: tuple[Unsteady, ...] = ()
    ignored: int = 0
    missing: tuple[CellDiff, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.status in ("ok", "made", "updated", "unchanged")


Notify = Callable[["Event"], None]


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
        subject = _Subject.prepare(notebook, into, settings)
        ignored = unsteady(baseline, cells_of(baseline), subject.numbered())
        subject = subject.ignoring(ignored)
        report, plain = subject.run(notify, "check")
        found = None
        if plain is not None:
            found = compare_recordings(baseline, plain, subject.measure(report.cells))
    except NoBaseline as error:
        return Checked(notebook, "no baseline", str(error))
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
        subject = _Subject.prepare(notebook, into, settings)
        report, first = subject.run(notify, "first")
        if first is None or report.status != "ok":
            return _not_updated(notebook, report)
        report, second = subject.run(notify, "second", but=first)
        if second is None or report.status != "ok":
            return _not_updated(notebook, report)
        if cells_of(first) != cells_of(second):
            return Checked(notebook, "error", "two runs did not run the same cells", report)
        changes = _changes(notebook, second, subject.measure(report.cells))
        status = replace_baseline(notebook, second.archive.path)
    except (TmrunError, OSError) as error:
        return Checked(notebook, "error", str(error))
    return Checked(
        notebook,
        status,
        report=report,
        diff=changes,
        unsteady=tuple(dict.fromkeys(subject.found)),
        notes=tuple(shortfalls(second, subject.by_number(report.cells))),
    )


def _changes(
    notebook: Path, made: Recording, measure: Callable[[str, Entry], Measure]
) -> Diff | None:
    """Give what differs from the baseline that there is; None when there is none."""
    try:
        return compare_recordings(open_baseline(notebook), made, measure)
    except (NoBaseline, Damaged):  # what is damaged is replaced
        return None


def _not_updated(notebook: Path, report: Report) -> Checked:
    reason = f"{report.reason or 'its record is incomplete'}; the baseline is left as it was"
    return replace(_checked(notebook, report, None, 0), status="failed", reason=reason)


def _checked(notebook: Path, report: Report, found: Diff | None, ignored: int) -> Checked:
    by_number = {cell.b: cell for cell in found.cells if cell.b is not None} if found else {}
    # a run that ended early has not come to the others
    gone = _missing(found if report.status == "ok" else None)
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


def _missing(found: Diff | None) -> dict[int, tuple[CellDiff, ...]]:
    """Give the cells that only the baseline has, by the cell before them, or else the first."""
    cells = found.cells if found else ()
    numbers = [cell.b for cell in cells if cell.b is not None]
    last = numbers[0] if numbers else 0
    gone: dict[int, tuple[CellDiff, ...]] = {}
    for cell in cells:
        if cell.b is None:
            gone[last] = (*gone.get(last, ()), cell)
        else:
            last = cell.b
    return gone


@dataclass
class _Subject:
    """A notebook that is checked: its plan, and how each of its cells is to be judged."""

    plan: Plan
    base: Expectation
    expected: dict[int, Expectation]
    ids: list[str]
    into: Path
    found: list[Unsteady] = field(default_factory=list)

    @classmethod
    def prepare(cls, notebook: Path, into: Path, settings: Settings) -> _Subject:
        """Read the notebook, and what it says of itself."""
        output = str(into / f"{baseline_stem(notebook)}.out.ipynb")
        # thorough: a change must be seen in the same cell in each run
        options = Options(str(notebook), output=output, thorough=True, **settings.options)
        plan = prepare(options)
        base = expectations.of_notebook(plan.notebook, settings.rtol, settings.atol)
        if plan.notebook_timeout is None:
            own = expectations.timeout_of(plan.notebook)
            plan = replace(plan, notebook_timeout=settings.timeout if own is None else own or None)
        expected = expectations.of_cells(plan.notebook, base)
        return cls(plan, base, expected, ids_in(notebook), into)

    def numbered(self) -> list[Cell]:
        """Give the cells by the numbers that they will get."""
        cells = [cell for cell in self.plan.notebook.cells if runs(cell)]
        return [
            Cell(n, cell.get("id") if cell.get("id") in self.ids else None, cell.source)
            for n, cell in enumerate(cells, 1)
        ]

    def ignoring(self, more: dict[int, tuple[str, ...]]) -> _Subject:
        """Give one that ignores more; number of a cell -> names, paths."""
        places = [place for place, cell in enumerate(self.plan.notebook.cells) if runs(cell)]
        expected = dict(self.expected)
        for n, names in more.items():
            expected[places[n - 1]] = expected[places[n - 1]].ignoring(names)
        return replace(self, expected=expected)

    def measure(self, cells: Iterable[CellReport]) -> Callable[[str, Entry], Measure]:
        """Give by what a variable is judged that a cell of a run has made."""
        known = self.by_number(cells)
        return lambda name, entry: known.get(entry.n, self.base).measure(name)

    def by_number(self, cells: Iterable[CellReport]) -> dict[int, Expectation]:
        """Give what is expected of cells by their numbers."""
        return {cell.n: self.expected[cell.index] for cell in cells if cell.n is not None}

    def run(
        self, notify: Notify, name: str, but: Recording | None = None
    ) -> tuple[Report, Recording | None]:
        """Run the notebook, and tell what it computed.

        Parameters
        ----------
        notify : callable
            Called with every event.
        name : str
            Of what is told, in ``into``.
        but : Recording, optional
            Told of another run; what differs there is not told.

        Returns
        -------
        report : Report
            How it ran.
        plain : Recording or None
            What it computed; None when the kernel died first.
        """
        path = self.into / f"{Path(self.plan.name).stem}.{name}.varchive"

        async def tell(kernel: Kernel, run: str, cells: list[CellReport]) -> None:
            await self._distil(kernel, run, cells, path, {})
            if but is None:
                return
            made = open_recording(path)
            places = [str(self.plan.cwd.resolve()), str(Path.home())]
            self.found = [
                *unsteady_between(but, made, self.measure(cells)),
                *of_this_machine(made, [place for place in places if len(place) > 1]),
            ]
            if self.found:
                shutil.rmtree(path)
                more: dict[int, tuple[str, ...]] = {}
                for each in self.found:
                    more[each.n] = (*more.get(each.n, ()), each.path)
                await self._distil(kernel, run, cells, path, more)

        report = run_plan(self.plan, notify, _unless_it_dies(tell))
        return report, open_recording(path) if _is_whole(path) else None

    async def _distil(
        self,
        kernel: Kernel,
        run: str,
        cells: list[CellReport],
        into: Path,
        more: dict[int, tuple[str, ...]],
    ) -> None:
        assert self.plan.varchive is not None
        about: Json = {"notebook": self.plan.name}
        if more:
            about[UNSTEADY] = {str(n): sorted(names) for n, names in sorted(more.items())}
        wishes = {}
        for n, expected in self.by_number(cells).items():
            wishes[str(n)] = expected.ignoring(more.get(n, ())).wish().as_data()
        given = {
            "varchive": str(self.plan.varchive.absolute()),
            "run": run,
            "into": str(into.absolute()),
            "about": about,
            "wishes": wishes,
            "base": self.base.wish().as_data(),
            "ids": self.ids,
        }
        answer_of(await kernel.silent(*command("distil", given)))


def _unless_it_dies(tell: Any) -> Any:
    async def told(*given: Any) -> None:
        # the report says what became of it
        with contextlib.suppress(KernelDiedError):
            await tell(*given)

    return told


def _is_whole(path: Path) -> bool:
    return (path / "runs" / RUN / "end.json").exists()


def baseline_stem(notebook: Path) -> str:
    """study.ipynb --> study."""
    return baseline_of(notebook).name.partition(".baseline.")[0]


def ids_in(notebook: Path) -> list[str]:
    """Give the ids of cells that stand in a notebook's file; others are made up when it is read."""
    try:
        cells = json.loads(notebook.read_bytes()).get("cells", [])
        return sorted({cell["id"] for cell in cells if isinstance(cell.get("id"), str)})
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise UsageError(f"cannot read {notebook}: {error}") from None
