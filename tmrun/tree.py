"""Cells and their parents -> the tree that they form, as rails beside a list. Pure.

A cell that goes on from the one before stands under it; going back to an earlier one begins a rail
of its own, which leaves from there::

    o    1
    o-.  2
    o |  3
      o  4  past(2)

What nothing goes on from, because it ran in the background, is marked on the rail of its parent
with an asterisk.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass
class _Branch:
    """Cells that follow each other: the place that it leaves from, and those of its cells."""

    leaves: int | None
    places: list[int]
    rail: int = 0

    @property
    def start(self) -> int:
        """The first line that it takes."""
        return self.places[0] if self.leaves is None else self.leaves


def rails(parents: Sequence[int | None], jobs: Collection[int] = ()) -> list[str]:
    """Draw the tree.

    Parameters
    ----------
    parents : sequence of int or None
        For each cell, in order, the place of its parent (from 0); None where there is none.
    jobs : collection of int
        The places of those that ran in the background.

    Returns
    -------
    list of str
        A line for each cell, all equally wide; empty texts when no cell went back.
    """
    jobs = {*jobs} - {*parents}
    branches = _branches(parents, jobs)
    if len(branches) < 2:
        return [""] * len(parents)
    laid: list[_Branch] = []
    for branch in branches:
        taken = {other.rail for other in laid if other.places[-1] >= branch.start}
        branch.rail = next(rail for rail in range(len(branches)) if rail not in taken)
        laid.append(branch)
    width = 2 * max(branch.rail for branch in branches) + 1
    lines = [[" "] * width for _ in parents]
    home = {place: branch.rail for branch in branches for place in branch.places}
    for branch in branches:
        _draw(branch, home, jobs, lines)
    return ["".join(line) for line in lines]


def _draw(
    branch: _Branch, home: dict[int, int], jobs: Collection[int], lines: list[list[str]]
) -> None:
    column = 2 * branch.rail
    for place in range(branch.start, branch.places[-1] + 1):
        lines[place][column] = "|"
    for place in branch.places:
        lines[place][column] = "*" if place in jobs else "o"
    if branch.leaves is not None:
        line = lines[branch.leaves]
        line[column] = "."
        left, right = sorted((2 * home[branch.leaves], column))
        for between in range(left + 1, right):
            if line[between] == " ":
                line[between] = "-"


def _branches(parents: Sequence[int | None], jobs: Collection[int]) -> list[_Branch]:
    branches: list[_Branch] = []
    tips: dict[int | None, _Branch] = {}
    home: dict[int | None, _Branch] = {}
    for place, parent in enumerate(parents):
        if place in jobs and parent in home:
            home[parent].places.append(place)
            continue
        branch = tips.pop(parent, None)
        if branch is None:
            branches.append(branch := _Branch(parent, []))
        branch.places.append(place)
        tips[place] = home[place] = branch
    return branches
