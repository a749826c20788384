"""The tree of cells, drawn."""

from __future__ import annotations

import pytest
from conftest import ROOT

from tmrun.tree import rails

DRAWN = {
    "one line": ([None, 0, 1], ["", "", ""]),
    "nothing": ([], []),
    "back once": ([None, 0, 1, 1], ["o  ", "o-.", "o |", "  o"]),
    "back and forth": ([None, 0, 0, 1], ["o-.", "o |", "| o", "o  "]),
    "twice to one place": ([None, 0, 0, 0], ["o-.-.", "o | |", "  o |", "    o"]),
    "a rail is used again": ([None, 0, 0, 2, 3, 3], ["o-.", "o |", "  o", ".-o", "| o", "o  "]),
    "from another run": ([None, None, 1], ["o", "o", "o"]),
}


@pytest.mark.parametrize(("parents", "lines"), DRAWN.values(), ids=list(DRAWN))
def test_a_tree_is_drawn(parents: list[int | None], lines: list[str]) -> None:
    assert rails(parents) == lines


IN_BACKGROUND = {
    "on the rail of its parent": ([None, 0, 0], {1}, ["", "", ""]),
    "beside another rail": ([None, 0, 0, 2, 2], {1}, ["o  ", "*  ", "o-.", "o |", "  o"]),
    "one that another goes on from": ([None, 0, 0], {1, 2}, ["", "", ""]),
    "one of which the next went on": ([None, 0, 1, 1], {1}, ["o  ", "o-.", "o |", "  o"]),
    "all of a rail": ([None, 0, 0, 0, 0], {2, 3}, ["o-.", "o |", "* |", "* |", "  o"]),
    "the first": ([None, None, 1, 1], {0}, ["*  ", "o-.", "o |", "  o"]),
}


@pytest.mark.parametrize(
    ("parents", "jobs", "lines"), IN_BACKGROUND.values(), ids=list(IN_BACKGROUND)
)
def test_what_ran_in_the_background_leaves_no_rail(
    parents: list[int | None], jobs: set[int], lines: list[str]
) -> None:
    assert rails(parents, jobs) == lines


def test_the_documentation_draws_it_as_it_is_drawn() -> None:
    text = (ROOT / "docs/past.md").read_text(encoding="utf-8")
    start = text.index("cell          first line")
    lines = text[start:].splitlines()[1:6]
    assert [line[8:11].rstrip() for line in lines] == [
        rail.rstrip() for rail in rails([None, 0, 1, 1, 3])
    ]
