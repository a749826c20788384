"""Where the baseline of a notebook is, what it says, and how a new one takes its place."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from kernel_payload.distil import RUN
from kernel_payload.varchive import PLAIN
from kernel_payload.varchive.archive import MISREAD
from kernel_payload.varchive.errors import Damaged, NotAVarchive, TmrunError

from .match import Cell, match
from .reader import Recording, open_recording

SUFFIX = ".baseline.varchive"

UNSTEADY = "unsteady"
"""In what a baseline says of itself: cell number -> what differed between two runs."""


class NoBaseline(TmrunError):
    """A notebook has no baseline."""


def baseline_of(notebook: Path) -> Path:
    """Give the place of a notebook's baseline: study.ipynb --> study.baseline.varchive."""
    name = notebook.name
    stem = name[: -len(".ipynb")] if name.endswith(".ipynb") else name
    return notebook.with_name(stem + SUFFIX)


def how_to_update(notebook: Path) -> str:
    """Give the command that makes the baseline of a notebook anew."""
    return f"tmrun check --update {shlex.quote(str(notebook))}"


def open_baseline(notebook: Path) -> Recording:
    """Open the baseline of a notebook.

    Raises
    ------
    NoBaseline
        When there is none.
    NotAVarchive, Damaged
        When what is there is none.
    """
    path = baseline_of(notebook)
    if not os.path.lexists(path):
        raise NoBaseline(f"{notebook} has no baseline; make one with: {how_to_update(notebook)}")
    recording = open_recording(path)
    if not recording.run.about.get(PLAIN) or recording.run.id != RUN:
        raise NotAVarchive(
            f"{path} is no baseline; move it away, and make one with: {how_to_update(notebook)}"
        )
    return recording


def cells_of(recording: Recording) -> list[Cell]:
    """Give the cells of a run.

    Raises
    ------
    Damaged
        When a state cannot be read: a merge has left its marks, say.
    """
    try:
        states = [recording.state(n) for n in recording.states()]
    except MISREAD as error:
        raise Damaged(f"{recording.archive.path} cannot be read ({error})") from None
    return [Cell(state.n, state.cell_id, state.source) for state in states]


def unsteady(
    recording: Recording, known_cells: list[Cell], cells: list[Cell]
) -> dict[int, tuple[str, ...]]:
    """Give what a baseline says that no run does twice: number of a cell of these -> names, paths.

    Parameters
    ----------
    recording : Recording
        The baseline.
    known_cells : list of Cell
        Its cells.
    cells : list of Cell
        Those of the notebook as it is now.
    """
    said = recording.run.about.get(UNSTEADY)
    if not isinstance(said, Mapping):
        return {}
    known = {int(n): tuple(names) for n, names in said.items()}
    pairs = match(known_cells, cells)
    return {b.n: known[a.n] for a, b, _ in pairs if a and b and a.n in known}


def replace_baseline(notebook: Path, made: Path) -> str:
    """Put what was made in the place of the baseline; gives ``made``, ``updated`` or ``unchanged``.

    Raises
    ------
    NotAVarchive
        When something else is in its place.
    OSError
        When it cannot be written; the old one is still there then.
    """
    path = baseline_of(notebook)
    there = os.path.lexists(path)
    if there:
        open_baseline(notebook)
        if files_of(path) == files_of(made):
            return "unchanged"
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        shutil.copytree(made, beside)
        if there:
            old = beside.with_name(beside.name + ".old")
            path.rename(old)
            beside.rename(path)
            shutil.rmtree(old)
        else:
            beside.rename(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return "updated" if there else "made"


def files_of(path: Path) -> dict[str, bytes]:
    """Give the files of a baseline: relative name -> content."""
    found = (p for p in sorted(path.rglob("*")) if p.is_file())
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in found}
