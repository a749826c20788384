"""What the tests of checking share: a notebook with its baseline, changed and checked again."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import nbformat
from conftest import notebook

from tmrun.baseline import files_of
from tmrun.check import check, update
from tmrun.check_words import about_cell, in_words
from tmrun.checked import Checked, CheckedCell
from tmrun.subject import Settings


class Bench:
    """A notebook in a directory, that can be changed, checked and updated."""

    def __init__(self, folder: Path, *sources: str, name: str = "study.ipynb") -> None:
        self.folder = folder
        self.path = folder / name
        self.book = notebook(*sources)
        for place, cell in enumerate(self.book.cells, 1):
            cell.id = f"cell-{place}"
        self.write()

    def write(self) -> None:
        nbformat.write(self.book, self.path)

    @property
    def baseline(self) -> Path:
        return self.path.with_name(self.path.stem + ".baseline.varchive")

    @property
    def files(self) -> dict[str, bytes]:
        return files_of(self.baseline)

    def into(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="into-", dir=self.folder))

    def update(self, **settings: Any) -> Checked:
        return update(self.path, self.into(), Settings(**settings), lambda event: None)

    def check(self, **settings: Any) -> Checked:
        return check(self.path, self.into(), Settings(**settings), lambda event: None)

    def replace(self, n: int, old: str, new: str) -> None:
        cell = self.book.cells[n - 1]
        assert old in cell.source
        cell.source = cell.source.replace(old, new)
        self.write()


def text_of(checked: Checked) -> str:
    return "\n".join(line for _, line in in_words(checked))


def text_of_cell(checked: Checked, n: int) -> str:
    return "\n".join(line for _, line in about_cell(cell_of(checked, n), checked))


def cell_of(checked: Checked, n: int) -> CheckedCell:
    return next(cell for cell in checked.cells if cell.report.n == n)


def wrong(checked: Checked) -> list[int | None]:
    """Give the cells that are not as they should be."""
    return [cell.report.n for cell in checked.cells if cell.status not in ("ok", "skipped")]


def paths(checked: Checked, n: int) -> dict[str, str]:
    """Give what differs after a cell: path -> kind of the difference."""
    diff = cell_of(checked, n).diff
    assert diff is not None
    found = {}
    for variable in diff.variables:
        if variable.comparison is None:
            found[variable.name] = variable.kind
            continue
        for each in variable.comparison.differences:
            found[variable.name + each.path] = each.kind
    return {path: kind for path, kind in found.items() if kind != "unsaved"}
