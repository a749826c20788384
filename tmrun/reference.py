"""What names a run or a state on the command line: ``PATH``, ``PATH@RUN``, ``PATH:N``."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from .reader import Recording, open_recording

_REFERENCE = re.compile(r"(?P<path>.+?)(@(?P<run>[\w.-]+))?(:(?P<cell>[\w-]+))?", re.DOTALL)


def open_reference(given: Any) -> tuple[Recording, int | str | None]:
    """Open what a reference names.

    Parameters
    ----------
    given : str, path-like, Recording or Report
        A path as `tmrun.open` takes it; as a str also with ``@RUN`` and ``:N``.

    Returns
    -------
    recording : Recording
        The run.
    cell : int, str or None
        The cell's number or id; None: the whole run.

    Raises
    ------
    NotAVarchive, NoSuchRun
        When it leads to none.
    """
    if not isinstance(given, str) or Path(given).exists():
        return open_recording(given), None
    path, run, cell = split(given)
    number = cell is not None and cell.removeprefix("-").isdecimal()
    return open_recording(path, run), int(cell) if cell is not None and number else cell


def split(given: str) -> tuple[str, str | None, str | None]:
    """Split a reference: ``study.out.varchive@-2:7`` -> path, run, cell."""
    found = _REFERENCE.fullmatch(given)
    if found is None:
        return given, None, None
    path, run, cell = found["path"], found["run"], found["cell"]
    if run is not None and not os.path.lexists(path) and Path(f"{path}@{run}").exists():
        return f"{path}@{run}", None, cell  # the path itself has an @
    return path, run, cell
