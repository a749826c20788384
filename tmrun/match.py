"""The cells of two runs -> which belong together: by id, then by source, then by place. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple


class Cell(NamedTuple):
    """What a cell is known by: its number, the notebook's id of it, its source."""

    n: int
    id: str | None
    source: str


class Match(NamedTuple):
    """Two cells that belong together; None where a run has no such cell.

    ``by`` is ``id``, ``source`` or ``place``; empty where there is one only.
    """

    a: Cell | None
    b: Cell | None
    by: str = ""


def match(left: Sequence[Cell], right: Sequence[Cell]) -> list[Match]:
    """Match the cells of two runs.

    Cells of one id belong together; one that ran several times is matched time by time.  Of those
    that are left, equal sources in the same order do; and where as many are left on both sides
    between two matches, they do, one after the other.

    Parameters
    ----------
    left, right : sequence of Cell
        The cells, in the order in which they ran.

    Returns
    -------
    list of Match
        In the order of ``left``; what only ``right`` has stands behind the match that it followed,
        and what only ``left`` has there.
    """
    found = {i: (j, "id") for i, j in _by_id(left, right)}
    found |= {i: (j, "source") for i, j in _by_source(left, right, found)}
    found |= {i: (j, "place") for i, j in _by_place(left, right, found)}
    return [*_merged(left, right, found)]


Found = dict[int, tuple[int, str]]


def _by_id(left: Sequence[Cell], right: Sequence[Cell]) -> Iterator[tuple[int, int]]:
    places: dict[str, list[int]] = {}
    for j, cell in enumerate(right):
        if cell.id is not None:
            places.setdefault(cell.id, []).append(j)
    for i, cell in enumerate(left):
        if cell.id is not None and places.get(cell.id):
            yield i, places[cell.id].pop(0)


def _by_source(
    left: Sequence[Cell], right: Sequence[Cell], found: Found
) -> Iterator[tuple[int, int]]:
    rows, columns = _rest(left, right, found)
    sources = [left[i].source for i in rows], [right[j].source for j in columns]
    for a, b, size in SequenceMatcher(None, *sources, autojunk=False).get_matching_blocks():
        yield from zip(rows[a : a + size], columns[b : b + size], strict=True)


def _by_place(
    left: Sequence[Cell], right: Sequence[Cell], found: Found
) -> Iterator[tuple[int, int]]:
    rows, columns = _rest(left, right, found)
    back = {j: i for i, (j, _) in found.items()}
    gaps: dict[int, list[int]] = {}
    for j in columns:
        gaps.setdefault(_before(j, [*back]), []).append(j)
    for before, others in gaps.items():
        start = back.get(before, -1)
        inside = [i for i in rows if _before(i, [*found]) == start]
        if len(inside) == len(others):
            yield from zip(inside, others, strict=True)


def _before(place: int, matched: Sequence[int]) -> int:
    """Give the last place before one that has a match; -1 when there is none."""
    return max((other for other in matched if other < place), default=-1)


def _rest(left: Sequence[Cell], right: Sequence[Cell], found: Found) -> tuple[list[int], list[int]]:
    taken = {j for j, _ in found.values()}
    rows = [i for i in range(len(left)) if i not in found]
    return rows, [j for j in range(len(right)) if j not in taken]


def _merged(left: Sequence[Cell], right: Sequence[Cell], found: Found) -> Iterator[Match]:
    back = {j: i for i, (j, _) in found.items()}
    following: dict[int, list[Match]] = {}
    last = -1
    for j, cell in enumerate(right):
        last = back.get(j, last)
        if j not in back:
            following.setdefault(last, []).append(Match(None, cell))
    waiting = following.get(-1, [])
    for i, cell in enumerate(left):
        if i not in found:
            yield Match(cell, None)
            continue
        j, by = found[i]
        yield from waiting
        yield Match(cell, right[j], by)
        waiting = following.get(i, [])
    yield from waiting
