"""What a notebook says of how it is to be checked: its metadata and tags -> data. Pure.

::

    notebook, or cell: metadata.tmrun = {"check": ["loss", "w_*"], "ignore": ["report['seconds']"],
                                         "rtol": 1e-9, "atol": 0, "size": 16384}
    tags of a cell:    check:loss  ignore:started  rtol:1e-9  atol:0  no-check
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from math import inf
from typing import Any

from kernel_payload.distil import Wish
from kernel_payload.plain import SIZE
from kernel_payload.varchive.errors import UsageError

from .difference import Measure
from .metadata import WISHES

_TAGS = ("check", "ignore", "rtol", "atol")
_NO_CHECK = "no-check"
# what runs write there
_OF_RUNS = (
    *("n", "status", "started", "seconds", "made", "changed", "deleted", "job"),
    *("parameters", "versions", "run", "varchive"),
)


@dataclass(frozen=True)
class Expectation:
    """How what a cell made is checked.

    Attributes
    ----------
    check : tuple of str, or None
        Names, or patterns of names, that are checked; None: all.
    ignore : tuple of str
        Those that are not; also paths in a variable, as Python has them, with ``*``.
    rtol, atol : float
        Numbers are equal when ``abs(a - b) <= atol + rtol * abs(a)``.
    size : int
        Bytes up to which a value is kept in full.
    """

    check: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    rtol: float = 0.0
    atol: float = 0.0
    size: int = SIZE

    def wish(self) -> Wish:
        """Give what is to be told of what the cell made."""
        return Wish(self.check, self.ignore, self.size)

    def measure(self, name: str) -> Measure:
        """Give by what a variable is judged."""
        return Measure(self.rtol, self.atol, self.wish().ignored(name))

    def ignoring(self, more: tuple[str, ...]) -> Expectation:
        """Give one that ignores more."""
        return replace(self, ignore=tuple(dict.fromkeys((*self.ignore, *more))))


def of_notebook(notebook: Any, rtol: float = 0.0, atol: float = 0.0) -> Expectation:
    """Give what a notebook's own metadata says, for all of its cells.

    Parameters
    ----------
    notebook
        The notebook, nbformat 4.
    rtol, atol : float
        Where it does not say them.

    Raises
    ------
    UsageError
        What it says cannot be followed.
    """
    if not (0 <= rtol < inf and 0 <= atol < inf):
        raise UsageError("a tolerance is a number of at least 0; 0 compares exactly")
    base = Expectation(rtol=rtol, atol=atol)
    return _overlaid(base, notebook.metadata.get("tmrun"), "the notebook's metadata")


def of_cells(notebook: Any, base: Expectation) -> dict[int, Expectation]:
    """Give what is said of each code cell: place in the notebook -> expectation.

    Raises
    ------
    UsageError
        What one says cannot be followed.
    """
    return {
        place: _of_cell(cell, place, base)
        for place, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
    }


def timeout_of(notebook: Any) -> float | None:
    """Give the seconds that a notebook says it may run; None when it does not.

    Raises
    ------
    UsageError
        What it says is no number.
    """
    about = notebook.metadata.get("tmrun")
    found = about.get("timeout") if isinstance(about, Mapping) else None
    return None if found is None else _number(found, "timeout", "the notebook's metadata")


def _of_cell(cell: Any, place: int, base: Expectation) -> Expectation:
    where = f"the metadata of cell {cell.get('id') or place + 1}"
    about = cell.metadata.get("tmrun")
    if isinstance(about, Mapping) and "timeout" in about:
        raise UsageError(f"{where} says tmrun.timeout, which is for a notebook: say it there")
    found = _overlaid(base, about, where)
    tags = cell.metadata.get("tags", [])
    said: dict[str, list[str]] = {}
    for tag in tags:
        kind, colon, value = str(tag).partition(":")
        if colon and kind in _TAGS:
            said.setdefault(kind, []).append(value.strip())
    tagged: dict[str, Any] = {
        kind: values if kind in ("check", "ignore") else _text_number(values[-1], kind, where)
        for kind, values in said.items()
    }
    if "check" in tagged and isinstance(about, Mapping) and about.get("check") is not None:
        tagged["check"] += _READ["check"](about["check"], "check", where)
    if _NO_CHECK in tags:
        tagged["check"] = []
    return _overlaid(found, tagged, where)


def _overlaid(base: Expectation, said: Any, where: str) -> Expectation:
    if not isinstance(said, Mapping):
        return base
    for name in said:
        if name not in WISHES and name not in _OF_RUNS:
            near = get_close_matches(name, WISHES, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(WISHES)}"
            raise UsageError(f"{where} says tmrun.{name}, which means nothing: {hint}")
    changes: dict[str, Any] = {}
    for name, read in _READ.items():
        if said.get(name) is not None:
            changes[name] = read(said[name], name, where)
    return replace(base, **changes).ignoring(base.ignore)


def _names(value: Any, name: str, where: str) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(item, str) and item for item in found):
        raise UsageError(f"{where} says tmrun.{name} = {value!r}: give a list of names")
    return tuple(found)


def _plain_names(value: Any, name: str, where: str) -> tuple[str, ...]:
    found = _names(value, name, where)
    if paths := [item for item in found if "[" in item or "." in item]:
        raise UsageError(
            f"{where} says tmrun.check = {paths[0]!r}, a path: check takes names of variables;"
            " ignore what else is in one"
        )
    return found


def _number(value: Any, name: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < inf:
        raise UsageError(f"{where} says tmrun.{name} = {value!r}: give a number of at least 0")
    return value


def _text_number(value: str, name: str, where: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise UsageError(f"a tag says {name}:{value} ({where}): give a number") from None


def _size(value: Any, name: str, where: str) -> int:
    return int(_number(value, name, where))


_READ: dict[str, Callable[[Any, str, str], Any]] = {
    "check": _plain_names,
    "ignore": _names,
    "rtol": _number,
    "atol": _number,
    "size": _size,
}
