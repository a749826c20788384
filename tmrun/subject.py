"""A notebook that is checked: run, and what it computed told by its kernel, as its cells wish."""

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
from kernel_payload.varchive.errors import UsageError

from . import expectations
from .baseline import UNSTEADY, baseline_of
from .expectations import Expectation
from .match import Cell
from .plan import Options, runs
from .preparation import prepare
from .reader import Recording, open_recording
from .report import CellReport, Report
from .runner import run_plan
from .shortfall import of_this_machine
from .steady import Unsteady, unsteady_between

if TYPE_CHECKING:
    from .difference import Measure
    from .kernel import Kernel
    from .plan import Plan
    from .report import Event

Json = dict[str, Any]
Notify = Callable[["Event"], None]


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


@dataclass
class Subject:
    """A notebook that is checked: its plan, and how each of its cells is to be judged."""

    plan: Plan
    base: Expectation
    expected: dict[int, Expectation]
    ids: list[str]
    into: Path
    found: list[Unsteady] = field(default_factory=list)

    @classmethod
    def prepare(cls, notebook: Path, into: Path, settings: Settings) -> Subject:
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

    def ignoring(self, more: dict[int, tuple[str, ...]]) -> Subject:
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
            about[UNSTEADY] = {str(n): sorted({*names}) for n, names in sorted(more.items())}
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
