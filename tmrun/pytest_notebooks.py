"""Notebooks as files of tests: an item for each cell, which all lean on one run of the notebook."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Generator, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from kernel_payload.varchive.errors import TmrunError, UsageError

from .baseline import baseline_of, orphans
from .check import check, update
from .check_words import BAD, about_cell, in_words
from .checked import Checked, CheckedCell
from .notebook import read
from .plan import runs
from .scratch import scratch, temporary_top
from .show import first_line
from .subject import Settings, baseline_stem

_LABEL = 40  # characters
_SECTION = "tmrun"
_SCHEDULERS = {
    "load": "LoadScopeScheduling",
    "worksteal": "LoadScopeScheduling",
    "loadgroup": "LoadGroupScheduling",
}
SETTINGS = pytest.StashKey[Settings]()
"""How a session checks notebooks."""


class NotAsBefore(Exception):
    """A cell, or a notebook, is not as its baseline has it; says all that is to be said."""


class Notebooks:
    """What takes part in a session of pytest that collects notebooks."""

    def __init__(self, config: pytest.Config) -> None:
        config.stash[SETTINGS] = _settings(config)

    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> None:
        """Warn of baselines whose notebooks are gone: nothing tests what they hold."""
        for orphan in orphans(path, deep=False):
            parent.warn(pytest.PytestCollectionWarning(f"{orphan} has no notebook"))

    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> pytest.Collector | None:
        """Collect a notebook that has a baseline, or that is named."""
        if file_path.suffix != ".ipynb" or ".ipynb_checkpoints" in file_path.parts:
            return None
        is_named = parent.session.isinitpath(file_path)
        is_output = file_path.name.endswith(".out.ipynb")
        if is_named or (baseline_of(file_path).exists() and not is_output):
            found: pytest.Collector = NotebookFile.from_parent(parent, path=file_path)
            return found
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Say of a cell how long it ran, not how long the notebook did that it waited for."""
        report = yield
        if isinstance(item, CellItem) and report.when == "call" and item.seconds is not None:
            report.duration = item.seconds
        return report

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Keep the cells of a notebook on one worker, which runs it once."""
        from xdist import scheduler

        # those that would part the cells of a notebook
        name = _SCHEDULERS.get(config.getoption("dist"))
        if name is None:
            return None
        found = getattr(scheduler, name)(config, log)
        alone = found._split_scope if name == "LoadGroupScheduling" else str
        found._split_scope = lambda nodeid: _notebook_in(nodeid) or alone(nodeid)
        return found

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show what updates have left out, and what they have changed."""
        for report in terminalreporter.stats.get("passed", ()):
            for name, text in report.sections if report.when == "call" else ():
                if name == f"Captured {_SECTION} call":  # as pytest names it
                    terminalreporter.write_line(text)


def _notebook_in(nodeid: str) -> str | None:
    book, ending, _ = nodeid.partition(".ipynb::")
    return book + ".ipynb" if ending else None


def _settings(config: pytest.Config) -> Settings:
    kernel = config.getoption("tmrun_kernel")
    rtol, atol, timeout = (_number(config, name) for name in ("rtol", "atol", "timeout"))
    return Settings(rtol, atol, timeout or None, {"kernel": kernel})


def _number(config: pytest.Config, name: str) -> float:
    text = str(config.getini(f"tmrun_{name}")).strip()
    try:
        number = float(text or 0)
        if 0 <= number < math.inf:
            return number
    except ValueError:
        pass
    raise pytest.UsageError(f"the ini option tmrun_{name} is {text!r}, not a number of at least 0")


class NotebookFile(pytest.File):
    """A notebook: run when the first of its cells is, and once."""

    def collect(self) -> Iterator[pytest.Item]:
        """Give an item for each cell that runs; of an update, one for the notebook."""
        if self.config.getoption("tmrun_update"):
            yield UpdateItem.from_parent(self, name="baseline")
            return
        try:
            cells = read(str(self.path)).cells
        except UsageError as error:
            raise self.CollectError(str(error)) from None
        n = 0
        for index, cell in enumerate(cells):
            if runs(cell):
                n += 1
                name = f"cell-{n}-{_label(cell)}".rstrip("-")
                line = first_line(cell.source)
                yield CellItem.from_parent(self, name=name, index=index, n=n, line=line)

    @cached_property
    def checked(self) -> Checked:
        """What became of the notebook: it is run and compared when this is asked for first."""
        return self._act(check)

    def update(self) -> Checked:
        """Make the baseline anew."""
        return self._act(update)

    def _act(self, act: Any) -> Checked:
        into = self._place()
        checked: Checked = act(
            _shortest(self.path), into, self.config.stash[SETTINGS], lambda event: None
        )
        if checked.ok:
            shutil.rmtree(into, ignore_errors=True)
        if checked.report is not None and checked.report.signal is not None:
            raise KeyboardInterrupt
        return checked

    def _place(self) -> Path:
        """Give an empty directory for what is recorded: pytest's cache, or a temporary one."""
        cache = getattr(self.config, "cache", None)
        top = temporary_top() if cache is None else cache.mkdir("tmrun")
        return scratch(top, baseline_stem(self.path), self.nodeid)


class _Item(pytest.Item):
    parent: NotebookFile

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Say what is not as before; whatever else was raised is shown with its traceback."""
        if isinstance(excinfo.value, (NotAsBefore, TmrunError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class CellItem(_Item):
    """A cell of a notebook.

    Attributes
    ----------
    index, n : int
        Its place in the notebook, counted from 0; the number that it gets.
    line : str
        The first line of its source.
    seconds : float or None
        How long it ran; None as long as it has not.
    """

    def __init__(self, *, index: int, n: int, line: str, **given: Any) -> None:
        super().__init__(**given)
        self.index = index
        self.n = n
        self.line = line
        self.seconds: float | None = None

    def runtest(self) -> None:
        """Look at what became of the cell.

        Raises
        ------
        NotAsBefore
            It failed, or differs from the baseline.
        """
        checked = self.parent.checked
        cell = next((c for c in checked.cells if c.report.index == self.index), None)
        if cell is not None:
            self.seconds = cell.report.seconds
        verdict(cell, checked)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Say where it is."""
        return self.path, None, f"{self.path.name}, cell {self.n}: {self.line}"


class UpdateItem(_Item):
    """A notebook whose baseline is made anew."""

    def runtest(self) -> None:
        """Make it.

        Raises
        ------
        NotAsBefore
            It could not be made.
        """
        checked = self.parent.update()
        text = "\n".join(line for _, line in in_words(checked))
        if not checked.ok:
            raise NotAsBefore(text)
        if checked.unsteady or checked.notes or checked.status == "updated":
            self.add_report_section("call", _SECTION, text)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Say where it is."""
        return self.path, None, f"{self.path.name}, its baseline"


def verdict(cell: CheckedCell | None, checked: Checked) -> None:
    """Raise what a test of one cell says; nothing when all is well.

    Raises
    ------
    NotAsBefore
        It failed, or differs; or nothing of the notebook could be compared.
    pytest.skip.Exception
        It did not run, or was not compared, because of another cell.
    """
    if cell is None:  # the notebook was not run at all
        raise NotAsBefore(checked.reason)
    if cell.status in BAD:
        # what is different comes first: pytest's summary has the first line
        lines = [line for style, line in about_cell(cell, checked) if line and style != "bold"]
        if cell.diff is not None and cell.diff.edited:
            lines.append("  the cell was edited since")
        raise NotAsBefore("\n".join(lines).strip())
    bad = next((other for other in checked.cells if other.status in BAD), None)
    if cell.status == "ok" and (checked.ok or bad is not None):
        return
    reason = checked.reason or checked.status
    if bad is None:
        raise NotAsBefore(reason)
    pytest.skip(f"{cell.status}: {reason}")


def _label(cell: Any) -> str:
    """Give what a cell is called: its name, or first line, in characters that no shell minds."""
    name = cell.metadata.get("name")
    text = name if isinstance(name, str) and name else first_line(cell.source)
    return re.sub(r"[^\w.]+", "-", text, flags=re.ASCII)[:_LABEL].strip("-.")


def _shortest(path: Path) -> Path:
    """Give a path from the current directory, for commands that a user copies."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
