"""Where the baseline of a notebook is, what it says, and how a new one takes its place."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
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


def orphans(directory: Path, *, deep: bool = True) -> list[Path]:
    """Give the baselines in a directory, and if ``deep`` below it, that have no notebook."""
    found = sorted(directory.rglob(f"*{SUFFIX}") if deep else directory.glob(f"*{SUFFIX}"))
    shown = [path for path in found if not path.name.startswith(".")]
    return [path for path in shown if not _notebook_of(path).exists()]


def _notebook_of(baseline: Path) -> Path:
    return baseline.with_name(baseline.name[: -len(SUFFIX)] + ".ipynb")


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
    try:
        said = (recording.run.about.get(UNSTEADY) or {}).items()
        known = {int(n): tuple(map(str, names)) for n, names in said}
    except MISREAD as error:
        raise Damaged(f"{recording.archive.path} cannot be read ({error})") from None
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
    refuse_others(notebook)
    # where the name is a link, what it leads to is replaced
    path = Path(os.path.realpath(baseline_of(notebook)))
    there = path.exists()
    if there and files_of(path) == files_of(made):
        return "unchanged"
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    old = beside.with_name(beside.name + ".old")
    try:
        shutil.copytree(made, beside)
        if there:
            path.rename(old)
        beside.rename(path)
    except BaseException:
        if old.exists() and not path.exists():
            old.rename(path)
        raise
    finally:
        for left in (beside, old):
            shutil.rmtree(left, ignore_errors=True)
    return "updated" if there else "made"


def refuse_others(notebook: Path) -> None:
    """Refuse to put a baseline in the place of anything else; one that is damaged is replaced.

    Raises
    ------
    NotAVarchive
        When something else is there.
    """
    with contextlib.suppress(NoBaseline, Damaged):
        open_baseline(notebook)


def files_of(path: Path) -> dict[str, bytes]:
    """Give the files of a baseline: relative name -> content."""
    found = (p for p in sorted(path.rglob("*")) if p.is_file())
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in found}
