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


def test_the_documentation_draws_it_as_it_is_drawn() -> None:
    text = (ROOT / "docs/past.md").read_text(encoding="utf-8")
    start = text.index("cell          first line")
    lines = text[start:].splitlines()[1:6]
    assert [line[8:11].rstrip() for line in lines] == [
        rail.rstrip() for rail in rails([None, 0, 1, 1, 3])
    ]
