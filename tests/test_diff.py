"""`tmrun diff`: two runs -> where they part, by cell and variable; its words, JSON and status."""

from __future__ import annotations

import dataclasses
import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import notebook
from hypothesis import given
from hypothesis import strategies as st
from test_cli import environment
from test_cli import tmrun as command

import tmrun
from kernel_payload.varchive import State, Varchive
from tmrun import cli, diff_words
from tmrun.differ import CellDiff, Diff
from tmrun.match import Cell, match
from tmrun.reference import split
from tmrun.show import first_line
from tmrun.variable_diff import Snapshot, VariableDiff

CELLS = (
    "import numpy as np, pandas as pd",
    "rate = 0.1\nhandle = open(__file__ if '__file__' in globals() else '/dev/null')",
    "class Layer:\n    def __init__(self, n):\n        self.me = self\n"
    "        self.weights = np.full(n, rate)\n"
    "        self.names = {f'w{i}' for i in range(n)}",
    "def scale(x):\n    return x * 3\n"
    "class Odd:\n    def __eq__(self, other): raise ValueError\n    __hash__ = None\nodd = Odd()",
    "model = {'layers': [Layer(2), Layer(3)], 'name': 'mlp'}\nsame = model",
    "frame = pd.DataFrame({'x': np.arange(4.0), 'who': list('abcd')})\nframe.loc[2, 'x'] *= rate",
    "frame.describe()",
    "total = scale(rate)",
)


@dataclasses.dataclass
class Runs:
    """Three runs of one notebook, of which the second has another constant in one cell."""

    folder: Path
    first: Any
    again: Any
    changed: Any


def write(path: Path, book: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    nbformat.write(book, path)
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: Any) -> Runs:
    folder = tmp_path_factory.mktemp("runs")
    book = notebook(*CELLS)
    first = tmrun.run(write(folder / "a/study.ipynb", book))
    again = tmrun.run(folder / "a/study.ipynb")
    book.cells[1].source = book.cells[1].source.replace("0.1", "0.2")
    changed = tmrun.run(write(folder / "b/study.ipynb", book))
    assert {first.status, again.status, changed.status} == {"ok"}
    return Runs(folder, first, again, changed)


def named(cell: CellDiff) -> dict[str, VariableDiff]:
    return {variable.name: variable for variable in cell.variables}


def path_of(cell: CellDiff, name: str) -> str:
    comparison = named(cell)[name].comparison
    assert comparison is not None
    return name + comparison.differences[0].path


def test_two_runs_of_one_notebook_are_equal(runs: Runs) -> None:
    found = tmrun.diff(runs.first, runs.again)
    assert found.equal
    assert found.first is None
    assert [cell.by for cell in found.cells] == ["id"] * len(CELLS)
    told = [(v.name, v.kind) for cell in found.cells for v in cell.variables]
    assert told == [("handle", "unsaved")], "functions, sets and instances included"


def test_a_changed_constant_is_located_to_its_cell_and_variable(runs: Runs) -> None:
    found = tmrun.diff(runs.first, runs.changed)
    assert (found.equal, found.troubled) == (False, False)
    assert found.first is found.cells[1]
    assert (found.first.a, found.first.b, found.first.edited) == (2, 2, True)
    assert {name for name, v in named(found.first).items() if v.differs} == {"rate"}
    assert [cell.parts for cell in found.cells] == [0, 1, 0, 0, 1, 1, 1, 1]
    assert path_of(found.cells[4], "model") == "model['layers'][0].weights[0]"
    assert path_of(found.cells[5], "frame") == "frame['x'].loc[2]"
    assert path_of(found.cells[6], "Out").startswith("Out['x'].loc['")
    assert found.cells[6].still == ("frame", "model", "rate", "same")
    assert set(named(found.cells[4])) == {"model", "same"}, "each is told once"


def test_numbers_that_are_close_enough_are_equal(runs: Runs) -> None:
    assert tmrun.diff(runs.first, runs.changed, rtol=1.01, atol=1).equal
    found = tmrun.diff(runs.first, runs.changed, atol=0.15)
    assert found.first is found.cells[5]


def test_what_has_equal_digests_is_not_loaded(runs: Runs, monkeypatch: Any) -> None:
    loaded: list[str] = []
    load = Snapshot.load

    def watched(snapshot: Snapshot, name: str) -> Any:
        loaded.append(name)
        return load(snapshot, name)

    monkeypatch.setattr(Snapshot, "load", watched)
    assert tmrun.diff(runs.first, runs.first).equal
    assert loaded == []
    tmrun.diff(runs.first, runs.changed)
    assert loaded.count("rate") == 2, "one pair of values is loaded once, whatever the cells"
    assert "handle" not in loaded


def test_states_are_named_with_a_colon_and_runs_with_an_at(runs: Runs) -> None:
    archive, notebook = str(runs.first.varchive), str(runs.first.output)
    assert tmrun.diff(f"{archive}@0", f"{archive}@{runs.again.run}").equal
    assert tmrun.diff(archive, f"{archive}@0").a.run == runs.again.run, "the latest"
    within = tmrun.diff(f"{archive}@0:2", f"{notebook}:-1")
    assert (within.a.cell, within.b.cell, len(within.cells)) == (2, 8, 1)
    assert {v.kind for v in within.cells[0].variables if v.name != "handle"} == {"added"}
    one = tmrun.diff(f"{archive}:5", str(runs.changed.output))
    assert [(cell.a, cell.b, cell.by) for cell in one.cells] == [(5, 5, "id")]
    assert set(named(one.cells[0])) >= {"model", "rate"}
    identity = tmrun.open(archive).state(5).cell_id
    assert tmrun.diff(f"{archive}:{identity}", f"{archive}@0:5").equal


def test_a_path_may_hold_the_signs_of_references(tmp_path: Path) -> None:
    assert split("a.varchive@2026-x:3") == ("a.varchive", "2026-x", "3")
    assert split("dir/a.ipynb:-1") == ("dir/a.ipynb", None, "-1")
    assert split("a@b/c.ipynb") == ("a@b/c.ipynb", None, None)
    (tmp_path / "x@1").mkdir()
    assert split(f"{tmp_path}/x@1:2") == (f"{tmp_path}/x@1", None, "2")


def test_cells_that_only_one_run_has_are_told_and_their_variables(runs: Runs) -> None:
    book = nbformat.read(runs.first.output, 4)
    del book.cells[3]
    book.cells.insert(5, nbformat.v4.new_code_cell("extra = 1"))
    book.cells[-1].source = "total = 1 / 0"
    other = tmrun.run(write(runs.folder / "c/study.ipynb", book))
    found = tmrun.diff(runs.first, other)
    numbers = [(cell.a, cell.b) for cell in found.cells]
    assert numbers == [(1, 1), (2, 2), (3, 3), (4, None), (5, 4), (6, 5), (None, 6), (7, 7), (8, 8)]
    assert found.first is found.cells[3]
    kinds = {name: v.kind for name, v in named(found.cells[3]).items()}
    assert kinds == {"Odd": "removed", "odd": "removed", "scale": "removed"}
    assert named(found.cells[4]) == {}, "not told of the next cell as well"
    assert {name: v.kind for name, v in named(found.cells[6]).items()} == {"extra": "added"}
    assert found.cells[8].outcomes == ("ok", "ZeroDivisionError: division by zero")
    words = text(found)
    assert "They part at cell 4, which only A has: def scale(x):" in words
    assert "it ended: ok -> ZeroDivisionError: division by zero" in words
    assert "cell 6, which only B has: extra = 1" in words
    with pytest.raises(tmrun.NoSuchState, match="B has no cell like cell 4 of A; name one: B:N"):
        tmrun.diff(f"{runs.first.output}:4", other)


def test_what_cannot_be_loaded_or_was_not_saved_is_told(tmp_path: Path) -> None:
    cells = (
        "import os, random",
        "class Stuck:\n    def __setstate__(self, state): print('loud'); raise SystemExit('no')\n"
        "stuck = Stuck(); stuck.x = X",
        "def gen(): yield\nlazy = gen() if X == 1 else 1\ntmp_a = X\nsizes = [Stuck()] * X\n"
        "sizes[0].x = X",
    )
    reports = []
    for x in (1, 2):
        book = notebook(*(cell.replace("X", str(x)) for cell in cells))
        report = tmrun.run(write(tmp_path / str(x) / "nb.ipynb", book), dontsave=["tmp_*"])
        reports.append(report)
    found = tmrun.diff(*reports)
    assert (found.equal, found.troubled) == (False, True)
    assert diff_words.exit_status(found) == diff_words.TROUBLE
    told = named(found.cells[1])["stuck"]
    assert (told.kind, "SystemExit: no" in told.reason) == ("unknown", True)
    kinds = {name: v.kind for name, v in named(found.cells[2]).items()}
    assert kinds == {"lazy": "changed", "sizes": "changed", "tmp_a": "unsaved"}
    words = text(found)
    assert "sizes: of another length: 1 -> 2" in words
    assert "? stuck: not compared: SystemExit: no" in words
    assert "lazy: generator not saved: " in words
    assert "tmp_a: not compared: it was not to be saved (dontsave)" in words


def test_what_another_user_wrote_is_told_and_not_loaded(runs: Runs, monkeypatch: Any) -> None:
    monkeypatch.setattr(os, "getuid", lambda: -1)
    found = tmrun.diff(runs.first, runs.changed)
    assert found.troubled
    told = named(found.cells[1])["rate"]
    assert (told.kind, "written by another user" in told.reason) == ("unknown", True)
    found = tmrun.diff(f"{runs.first.output}:5", f"{runs.first.output}:6")
    assert {v.kind for v in found.cells[0].variables} == {"added", "unsaved"}
    opened = [tmrun.open(x, trusted=True) for x in (runs.first, runs.changed)]
    assert not tmrun.diff(*opened).troubled


def test_a_damaged_state_is_told_and_the_others_are_compared(runs: Runs, tmp_path: Path) -> None:
    copy = tmp_path / "copy.varchive"
    shutil.copytree(runs.first.varchive, copy)
    states = copy / "runs" / runs.first.run / "states"
    (states / "000002.json").write_text("{", encoding="utf-8")
    broken = json.loads((states / "000003.json").read_text())
    (states / "000003.json").write_text(json.dumps({**broken, "base": "x" + "0" * 32}))
    found = tmrun.diff(f"{copy}@{runs.first.run}", runs.first)
    assert found.troubled
    assert {cell.a for cell in found.cells if cell.trouble} == {2, 3}
    assert "000002.json is not JSON" in text(found)


# -- words, JSON, status


def text(found: Diff) -> str:
    return "\n".join(line for _, line in diff_words.in_words(found))


def test_the_command_names_the_first_cell_first_and_tells_by_its_status(runs: Runs) -> None:
    done = command("diff", "a/study.out.ipynb", "b/study.out.varchive", cwd=runs.folder)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[2] == "They part at cell 2: rate = 0.1 (edited)"
    assert "  ~ rate: 0.1 -> 0.2 (absolute 0.1; relative 1)" in lines
    assert (
        "  ~ model['layers'][0].weights[0]: 0.1 -> 0.2 (2 of 2 elements differ;"
        " absolute at most 0.1 at [0]; relative at most 1 at [0])"
    ) in lines
    assert "    still different: frame, model, rate, same" in lines
    assert lines[-1] == "different: 7 of 8 cells"


def within(folder: Path, monkeypatch: Any, *arguments: str) -> int:
    """Run the command line here, which spares a process; gives its exit status."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["tmrun", "diff", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_equal_runs_are_said_to_be_so_in_one_line(
    runs: Runs, monkeypatch: Any, capsys: Any
) -> None:
    archive = "a/study.out.varchive"
    assert within(runs.folder, monkeypatch, f"{archive}@0", f"{archive}@1") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "no difference in 8 cells"
    options = ["--rtol", "1.01", "--atol", "1"]
    assert within(runs.folder, monkeypatch, archive, "b/study.out.ipynb", *options) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a/study.out.ipynb", "no.ipynb"], "no.ipynb does not exist"),
        (["a/study.out.ipynb:99", "a/study.out.ipynb"], "cell 99 was not recorded"),
        (["a/study.out.varchive@7", "a/study.out.ipynb"], "7 is no run of"),
        (["a/study.ipynb", "a/study.out.ipynb"], "record it with"),
        (["a/study.out.ipynb"], "Missing argument 'B'"),
        (["a/study.out.ipynb", "a/study.out.ipynb", "--rtol", "-1"], "at least 0"),
    ],
)
def test_trouble_is_one_message_and_exit_status_2(
    runs: Runs, monkeypatch: Any, capfd: Any, arguments: list[str], words: str
) -> None:
    assert within(runs.folder, monkeypatch, *arguments) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert words in said.err


def test_json_says_the_same_to_programs(runs: Runs, monkeypatch: Any, capsys: Any) -> None:
    arguments = ["a/study.out.ipynb", "b/study.out.ipynb", "--json"]
    assert within(runs.folder, monkeypatch, *arguments) == 1
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (told["equal"], told["troubled"], told["first"]) == (False, False, {"a": 2, "b": 2})
    variables = {v["name"]: v for v in told["cells"][4]["variables"]}
    assert variables["model"]["comparison"]["differences"][0] == {
        "path": "['layers'][0].weights[0]",
        "kind": "value",
        "a": "0.1",
        "b": "0.2",
        "amount": {
            "elements": 2,
            "of": 2,
            "absolute": pytest.approx(0.1),
            "absolute_at": "[0]",
            "relative": pytest.approx(1),
            "relative_at": "[0]",
        },
    }


@pytest.mark.parametrize(("no_color", "coloured"), [(None, True), ("1", False)])
def test_a_terminal_gets_colours_unless_it_wants_none(
    runs: Runs, no_color: str | None, coloured: bool
) -> None:
    env = {**environment(), "TERM": "xterm-256color", "COLUMNS": "100"}
    env.pop("NO_COLOR", None)
    if no_color is not None:
        env["NO_COLOR"] = no_color
    terminal, end = pty.openpty()
    arguments = ["diff", "a/study.out.ipynb:2", "b/study.out.ipynb:2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tmrun", *arguments], cwd=runs.folder, env=env, stdout=end
    )
    os.close(end)
    shown = b""
    while part := _read(terminal):
        shown += part
    os.close(terminal)
    assert process.wait() == 1
    assert b"rate: 0.1 -> 0.2" in shown
    assert (b"\x1b[33m" in shown) == coloured


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # how Linux says that the other end is closed
        return b""


def test_the_door_is_a_function_before_and_after_its_first_call(runs: Runs) -> None:
    assert tmrun.diff(runs.first, runs.first).equal
    assert callable(tmrun.diff)
    with pytest.raises(tmrun.UsageError, match="no path"):
        tmrun.diff(3, runs.first)


# -- matching


def cells(*known: tuple[str | None, str]) -> list[Cell]:
    return [Cell(n, *one) for n, one in enumerate(known, 1)]


def matched(left: list[Cell], right: list[Cell]) -> list[tuple[int | None, int | None, str]]:
    return [(m.a and m.a.n, m.b and m.b.n, m.by) for m in match(left, right)]


def test_cells_match_by_id_then_by_source_then_by_place() -> None:
    left = cells(("i", "a"), (None, "b"), (None, "c"), (None, "d"), ("j", "e"))
    right = cells(("k", "b"), ("i", "changed"), (None, "c"), (None, "other"), (None, "e"))
    assert matched(left, right) == [
        (1, 2, "id"),
        (2, 1, "source"),
        (3, 3, "source"),
        (4, 4, "place"),
        (5, 5, "source"),
    ]
    right.insert(3, Cell(9, None, "one more"))
    assert matched(left, right)[3:6] == [(4, None, ""), (None, 9, ""), (None, 4, "")]


def test_a_cell_that_ran_several_times_is_matched_time_by_time() -> None:
    left, right = cells(("i", "a"), ("i", "b"), ("i", "c")), cells(("i", "a"), ("i", "x"))
    assert matched(left, right) == [(1, 1, "id"), (2, 2, "id"), (3, None, "")]


def test_equal_sources_match_in_order() -> None:
    left = cells(*((None, s) for s in "abcab"))
    right = cells(*((None, s) for s in "abab"))
    assert matched(left, right) == [
        (1, 1, "source"),
        (2, 2, "source"),
        (3, None, ""),
        (4, 3, "source"),
        (5, 4, "source"),
    ]


known = st.lists(st.tuples(st.none() | st.sampled_from("ij"), st.sampled_from("abc")), max_size=6)


@given(known, known)
def test_every_cell_is_in_exactly_one_match(a: Any, b: Any) -> None:
    left, right = cells(*a), cells(*b)
    found = match(left, right)
    assert [m.a for m in found if m.a] == left
    assert sorted(m.b.n for m in found if m.b) == [cell.n for cell in right]
    assert all((m.a is None or m.b is None) == (m.by == "") for m in found)
    assert all(m.by == "id" or not m.by for m in match(left, left) if m.a and m.a.id)
    assert all(m.a == m.b for m in match(left, left))


def test_the_words_of_a_job_whose_end_is_not_recorded(tmp_path: Path) -> None:
    archive = Varchive.create(tmp_path / "x.varchive")
    for run, status in (("20260101T000000-a", "ok"), ("20260101T000000-b", "spawned")):
        archive.begin_run(run, {"notebook": "x.ipynb"})
        archive.put_state(run, State(n=1, source="# title\nf()", status=status))
    found = tmrun.diff(f"{archive.path}@0", f"{archive.path}@1")
    assert found.cells[0].outcomes == ("ok", "spawned")
    assert "cell 1: f()" in text(found)
    assert first_line("# title\nf()") == "f()"
