"""Archives of each released format are read for ever."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

import tmrun

np = pytest.importorskip("numpy")
GOLDEN = ROOT / "fixtures/archives/format-1.varchive"
SAME_PYTHON = sys.implementation.cache_tag == "cpython-311"


def variables(n: int) -> Any:
    """Give the variables of a cell."""
    return tmrun.vars(GOLDEN, n)


def test_every_byte_is_what_its_name_says() -> None:
    assert tmrun.open(GOLDEN).archive.verify() == []


def test_the_run_and_its_cells_are_described() -> None:
    recording = tmrun.open(GOLDEN)
    assert recording.run.end is not None
    assert recording.run.end["status"] == "ok"
    assert recording.states() == list(range(1, 11))
    state = recording.state("cell-8")
    assert (state.n, state.parent, state.status) == (8, 7, "error")
    assert state.error == {"ename": "ZeroDivisionError", "evalue": "division by zero"}
    assert state.source == "first.x = 10\n1 / 0"
    assert state.changed == ("first", "points")
    assert recording.state(5).deleted == ("fixed",)


def test_plain_data() -> None:
    found = variables(2)
    assert found["numbers"] == [0, -1, 2**70, 1.5, math.inf, 1 + 2j, True, None]
    assert (found["text"], found["raw"]) == ("Grüße, 世界", b"\x00\xff")
    assert found["long"] == "abc" * 60_000
    assert found["math"] is math


def test_sharing() -> None:
    for n, expected in ((3, [1, 2]), (10, [1, 2, 3])):
        found = variables(n)
        assert found["both"] == {"left": expected, "right": expected}
        assert found["both"]["left"] is found["both"]["right"] is found["shared"]
        assert found["loop"][0] is found["loop"]


def test_arrays() -> None:
    before, after = variables(4), variables(5)
    assert before["grid"][3, 0] == 3000
    assert after["grid"][3, 0] == -1
    assert np.array_equal(before["grid"].ravel()[3001:], np.arange(3001.0, 300_000.0))
    after["row"][1] = 77
    assert after["grid"][3, 1] == 77
    assert not before["fixed"].flags.writeable
    assert before["fortran"].flags.f_contiguous
    assert before["days"] == np.array(["2020-02-29"], "M8[D]")
    assert before["records"].dtype.names == ("a", "b")
    assert "fixed" not in after


def test_functions_and_classes() -> None:
    found = variables(6)
    if not SAME_PYTHON:
        with pytest.raises(tmrun.CannotLoad, match=r"recorded by Python 3\.11"):
            found["scale"]
        return
    assert found["scale"](2) == 6
    assert type(found["first"]) is found["Point"]
    assert found["points"][0] is found["first"]
    assert found["Point"].made == 2
    assert found["red"] is found["Color"].RED
    assert variables(8)["first"].x == 10


def test_what_was_not_saved_is_listed_with_its_reason() -> None:
    with pytest.raises(tmrun.NotSaved, match="lock"):
        variables(7)["lock"]
    assert tmrun.ans(GOLDEN, 7) == 2**70 - 1


def test_a_state_that_differs_from_a_table_is_whole() -> None:
    found = variables(10)
    assert [found[f"v{i}"] for i in range(3)] == ["last", 1, 2]
    assert len(found) == len(variables(9))
    assert tmrun.open(GOLDEN).state(10).base is not None


def test_the_archive_holds_no_absolute_path() -> None:
    for path in Path(GOLDEN).rglob("*.json"):
        text = json.dumps(json.loads(path.read_text()))
        assert str(ROOT) not in text
        assert '"/' not in text
