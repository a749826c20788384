"""`tmrun check`: what a notebook computes, held against its baseline, in real kernels."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from checking import Bench, cell_of, paths, text_of, text_of_cell, wrong
from conftest import ROOT, in_new_process
from test_cli import environment
from test_cli import tmrun as command

import tmrun
from kernel_payload.varchive import Varchive
from tmrun.check_words import line_of, workflow_commands

KINDS = """\
import dataclasses, datetime, enum
import numpy as np, pandas as pd
class Layer:
    def __init__(self, n):
        self.weights, self.me = np.full((2, n), 0.5), self
@dataclasses.dataclass
class Point:
    x: float
    tags: set
class Mode(enum.Enum):
    FAST = 1
    SLOW = 2
def scaled(k):
    return lambda x: k * x
"""
VALUES = """\
number = 0.1
model = {'layers': [Layer(1), Layer(3)], 'name': 'mlp'}
points = [Point(1.0, {'a', 'b'}), Point(2.0, set())]
frame = pd.DataFrame({'x': [1.0, 2.0, np.nan], 'who': ['a', 'b', 'c']}, index=['r', 's', 't'])
series = pd.Series([1, 2, 3], name='s')
signal = np.sin(np.arange(20_000) / 100)
names = {'one', 'two'}
table = {(1, 'a'): [1.0, 2.0], 'b': None}
when = datetime.datetime(2026, 11, 28)
mode = Mode.FAST
twice = scaled(2)
text = 'abc' * 10
flags = np.array([True, False])
mixed = np.array([1, 'a'], dtype=object)
long = [0.5] * 50_000
"""


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A notebook with a value of each kind, and its baseline."""
    bench = Bench(tmp_path_factory.mktemp("kinds"), KINDS, VALUES, "frame.describe()")
    assert bench.update().status == "made"
    return bench


@pytest.fixture
def changed(kinds: Bench, tmp_path: Path) -> Callable[..., Any]:
    """Check that notebook with its second cell changed, and followed by code."""

    def run(*changes: tuple[str, str], then: str = "", **settings: Any) -> Any:
        bench = Bench(tmp_path, KINDS, VALUES + then, "frame.describe()")
        shutil.copytree(kinds.baseline, bench.baseline, dirs_exist_ok=True)
        for old, new in changes:
            bench.replace(2, old, new)
        return bench.check(**settings)

    return run


def test_a_notebook_that_computes_the_same_is_as_before(kinds: Bench) -> None:
    checked = kinds.check()
    assert (checked.status, wrong(checked), checked.ok) == ("ok", [], True)
    assert checked.unsteady == ()
    assert text_of(checked).startswith(f"{kinds.path}: ok, 3 cells in ")


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("number = 0.1", "number = 0.2", {"number": "value"}),
        ("number = 0.1", "number = 1", {"number": "type"}),
        ("Layer(3)]", "Layer(4)]", {"model['layers'][1].weights": "shape"}),
        ("'mlp'", "'mlq'", {"model['name']": "value"}),
        (", 'name': 'mlp'", "", {"model['name']": "missing"}),
        ("'name': 'mlp'", "'name': 'mlp', 'more': 1", {"model['more']": "added"}),
        ("Point(1.0", "Point(1.5", {"points[0].x": "value"}),
        ("{'a', 'b'}", "{'a'}", {"points[0].tags{'b'}": "missing"}),
        ("Point(2.0, set())]", "Point(2.0, set()), 3]", {"points": "length"}),
        ("[1.0, 2.0, np.nan]", "[1.0, 2.5, np.nan]", {"frame['x'].loc['s']": "value"}),
        ("[1.0, 2.0, np.nan]", "[1.0, 2.0, 3.0]", {"frame['x'].loc['t']": "value"}),
        ("'who'", "'whom'", {"frame['who']": "missing", "frame['whom']": "added"}),
        ("[1, 2, 3]", "[1, 2, 4]", {"series.iloc[2]": "value"}),
        ("[1, 2, 3]", "[1., 2, 3]", {"series": "dtype"}),
        ("name='s'", "name='t'", {"series.name": "value"}),
        ("/ 100", "/ 101", {"signal.mean()": "value", "signal.std()": "value"}),
        ("20_000", "20_001", {"signal": "shape"}),
        ("'two'}", "'six'}", {"names{'two'}": "missing", "names{'six'}": "added"}),
        ("[1.0, 2.0], 'b'", "[1.0, 3.0], 'b'", {"table[(1, 'a')][1]": "value"}),
        ("11, 28)", "11, 29)", {"when": "value"}),
        ("Mode.FAST", "Mode.SLOW", {"mode.name": "value", "mode.value": "value"}),
        ("scaled(2)", "scaled(3)", {"twice.k": "value"}),
        ("'abc' * 10", "'abd' * 10", {"text": "value"}),
        ("[True, False]", "[True, True]", {"flags[1]": "value"}),
        ("[1, 'a']", "[1, 'b']", {"mixed[1]": "value"}),
        ("50_000", "50_001", {"long": "length"}),
        ("[0.5]", "[0.6]", {"long.mean()": "value"}),
    ],
)  # fmt: skip
def test_each_kind_of_difference_is_found_at_its_path(
    changed: Any, old: str, new: str, where: dict[str, str]
) -> None:
    checked = changed((old, new))
    assert checked.status == "different"
    assert wrong(checked)[0] == 2
    found = paths(checked, 2)
    assert found.items() >= where.items()
    assert {path.partition("[")[0].partition(".")[0].partition("{")[0] for path in found} == {
        next(iter(where)).partition("[")[0].partition(".")[0].partition("{")[0]
    }, "and nothing else"


def test_what_is_equal_by_meaning_is_no_difference(changed: Any) -> None:
    """Order of dicts and sets, shared objects, code that is written otherwise."""
    checked = changed(
        ("'layers': [Layer(1), Layer(3)], ", ""),
        ("'name': 'mlp'", "'name': 'mlp', 'layers': [Layer(1), Layer(3)]"),
        ("{'one', 'two'}", "{'two', 'one'}"),
        ("[True, False]", "[1 == 1, 1 == 2]"),
        then="import os\ndef helper(): return 3\nclass More: pass\n",
    )  # fmt: skip
    assert (checked.status, wrong(checked)) == ("ok", [])
    assert cell_of(checked, 2).diff.edited


def test_numbers_may_differ_by_the_tolerance_also_in_what_is_kept_as_statistics(
    changed: Any,
) -> None:
    noise = "number += 1e-12\nsignal += 1e-12\nframe['x'] *= 1 + 1e-12\nlong[3] += 1e-12\n"
    assert changed(then=noise).status == "different"
    assert changed(then=noise, rtol=1e-9).status == "ok"
    assert changed(then=noise, atol=1e-9).status == "ok"
    for then in (
        "signal += 1e-3",
        "signal = signal[::-1].copy()",
        "signal[[3, 9]] = signal[[9, 3]]",
        "long[7], long[8] = 0.5 + 1e-4, 0.5 - 1e-4",
    ):
        assert changed(then=then + "\n", rtol=1e-9).status == "different", then


def test_what_a_cell_adds_deletes_and_leaves_to_the_next_is_told_once(changed: Any) -> None:
    checked = changed(then="del number\nextra = 5\n")
    assert paths(checked, 2) == {"number": "removed", "extra": "added"}
    assert wrong(checked) == [2]
    text = text_of_cell(checked, 2)
    assert "- number: float 0.1" in text
    assert "+ extra: int 5" in text


def test_a_difference_is_told_with_the_command_that_opens_the_state(changed: Any) -> None:
    checked = changed(("number = 0.1", "number = 0.2"))
    text = text_of_cell(checked, 2)
    assert "~ number: 0.1 -> 0.2 (absolute 0.1; relative 1)" in text
    shown = text[text.index("tmrun show ") :].splitlines()[0]
    done = command(*shown.split()[1:], cwd=ROOT)
    assert done.returncode == 0
    assert "number" in done.stdout
    assert tmrun.vars(checked.report.output, 2)["number"] == 0.2


def test_a_broken_constant_in_a_fixture_is_located_to_its_cell_and_variable(tmp_path: Path) -> None:
    source = ROOT / "fixtures/notebooks/study.ipynb"
    book = tmp_path / "study.ipynb"
    shutil.copytree(
        source.with_name("study.baseline.varchive"), tmp_path / "study.baseline.varchive"
    )
    text = source.read_text()
    assert text.count("feed = 0.037") == 1
    book.write_text(text.replace("feed = 0.037", "feed = 0.0371"))
    done = command("check", "study.ipynb", "-o", "out", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1].strip() == "they part at cell 2: n = 40 (edited)"
    first = lines.index("cell 2: n = 40 (edited)")
    assert lines[first + 1].strip() == "~ feed: 0.037 -> 0.0371 (absolute 0.0001; relative 0.0027)"


# -- baselines


def test_a_baseline_has_the_same_bytes_each_time(kinds: Bench, tmp_path: Path) -> None:
    again = Bench(tmp_path, KINDS, VALUES, "frame.describe()")
    assert again.update().status == "made"
    assert again.files == kinds.files
    assert again.update().status == "unchanged"


def test_a_baseline_is_plain_text_with_a_line_for_each_variable_and_no_pickle(kinds: Bench) -> None:
    for name, data in kinds.files.items():
        assert name.endswith(".json")
        json.loads(data.decode("ascii"))
    state = kinds.files["runs/baseline/states/000002.json"].decode().splitlines()
    assert sum(line.startswith('  "number":{') for line in state) == 1
    assert len(b"".join(kinds.files.values())) < 20_000, "400 kB of numbers are not in it"
    assert Varchive.at(kinds.baseline).verify() == []


def test_a_baseline_is_read_without_the_libraries_that_made_it(kinds: Bench) -> None:
    code = (
        "import sys, tmrun\n"
        "v = tmrun.vars(sys.argv[1], 2)\n"
        "print(v['model']['layers'][1].weights.items, v['frame'].columns, v['number'])\n"
        "print([m for m in ('numpy', 'pandas', 'pickle5') if m in sys.modules])"
    )
    told = in_new_process(code, kinds.baseline).splitlines()
    assert told[0].startswith("[0.5, 0.5, 0.5, 0.5, 0.5, 0.5] ['x', 'who'] 0.1")
    assert told[1] == "[]"


def test_a_baseline_is_shown_and_compared_like_any_varchive(kinds: Bench) -> None:
    shown = command("show", kinds.baseline, 2, cwd=kinds.folder)
    assert "numpy.ndarray float64" in shown.stdout
    report = tmrun.run(kinds.path)
    found = tmrun.diff(kinds.baseline, report)
    assert found.equal
    assert tmrun.diff(report, kinds.baseline).equal


def test_a_baseline_never_unpickles_whatever_it_claims(kinds: Bench, tmp_path: Path) -> None:
    report = tmrun.run(kinds.path, output=tmp_path / "x.ipynb")
    run = report.varchive / "runs" / report.run / "run.json"
    run.write_text(json.dumps({**json.loads(run.read_bytes()), "plain": 1}))
    with pytest.raises(tmrun.Damaged, match="plain data only"):
        tmrun.vars(report, 2)["number"]


def test_what_no_run_does_twice_is_found_told_and_left_out(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        "import time, random, os, tempfile, datetime",
        "started = time.time()\nreport = {'loss': 0.5, 'seconds': time.perf_counter()}\n"
        "rows = [{'n': 1, 'at': time.time()}, {'n': 2, 'at': time.time()}]\n"
        "dice = [random.random() for _ in range(5)]\nplace = repr(object())\n"
        "folder = tempfile.mkdtemp()\nnow = datetime.datetime.now()\nsteady = 7",
        "started -= 1\nsteady += 1\nos.getpid()",
    )
    made = bench.update()
    assert made.status == "made"
    found = {(each.n, each.path): each.kind for each in made.unsteady}
    random = "not the same twice: random, without a seed?"
    assert found == {
        (2, "started"): "a time",
        (2, "report['seconds']"): random,
        (2, "rows[*]['at']"): "a time",
        (2, "dice"): random,
        (2, "place"): "an address",
        (2, "folder"): "a temporary path",
        (2, "now"): "a time",
        (3, "started"): "a time",
        (3, "Out"): random,
    }
    assert "cell 2: started: a time (" in text_of(made)
    assert '"tmrun": {"ignore": ["started", "Out"]}' in text_of(made)
    files = bench.files
    assert bench.update().status == "unchanged"
    assert bench.files == files
    checked = bench.check()
    assert (checked.status, checked.ignored) == ("ok", 9)
    bench.replace(2, "'loss': 0.5", "'loss': 0.6")
    assert paths(bench.check(), 2) == {"report['loss']": "value"}


def test_what_is_left_out_follows_its_cell_when_cells_are_put_before_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "import time", "started = time.time()\nsteady = 7")
    assert bench.update().unsteady
    bench.book.cells.insert(0, nbformat.v4.new_code_cell("early = 1"))
    bench.write()
    checked = bench.check()
    assert wrong(checked) == [1]
    assert paths(checked, 3) == {}
    bench.replace(3, "steady = 7", "steady = 8")
    assert paths(bench.check(), 3) == {"steady": "value"}


def test_a_notebook_that_fails_leaves_the_baseline_as_it_was(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "x = 1", "y = x + 1")
    bench.update()
    files = bench.files
    bench.replace(2, "x + 1", "x / 0")
    failed = bench.update()
    assert failed.status == "failed"
    assert "division by zero; the baseline is left as it was" in failed.reason
    assert bench.files == files


def test_an_update_tells_what_is_no_longer_as_it_was(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "x = 1", "y = x + 1")
    bench.update()
    bench.replace(1, "x = 1", "x = 2")
    updated = bench.update()
    assert updated.status == "updated"
    assert "~ x: 1 -> 2" in text_of(updated)
    assert bench.check().status == "ok"


def test_what_is_no_baseline_is_not_replaced(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "x = 1")
    report = tmrun.run(bench.path)
    shutil.copytree(report.varchive, bench.baseline)
    for checked in (bench.update(), bench.check()):
        assert checked.status == "error"
        assert "is no baseline; move it away" in checked.reason
    assert tmrun.vars(bench.baseline, 1)["x"] == 1


def test_a_baseline_with_the_marks_of_a_merge_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "x = 1")
    bench.update()
    state = bench.baseline / "runs/baseline/states/000001.json"
    state.write_text("<<<<<<< ours\n" + state.read_text())
    checked = bench.check()
    assert checked.status == "error"
    assert "000001.json is not JSON" in checked.reason


# -- what a notebook says of itself


def test_metadata_and_tags_choose_what_is_checked_and_how(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        "import time\nnow = time.time()\nkept = 1",
        "loss, noise, lr = 0.5, time.time(), 1",
        "w = 1.0\nother = time.time()",
        "unchecked = time.time()",
        "log = {'loss': 1.0, 'at': time.time()}",
        "last = 1.0",
    )
    cells = bench.book.cells
    bench.book.metadata.tmrun = {"ignore": ["now"], "atol": 0.01}
    cells[1].metadata.tmrun = {"check": ["loss", "l*"]}
    cells[2].metadata.tags = ["check:w", "rtol:1e-3", "atol:0"]
    cells[3].metadata.tags = ["no-check"]
    cells[4].metadata.tmrun = {"ignore": ["log['at']"]}
    bench.write()
    made = bench.update()
    assert (made.status, made.unsteady) == ("made", ())
    assert bench.check().status == "ok"
    for old, new, n in (("0.5", "0.505", 2), ("w = 1.0", "w = 1.0005", 3), ("1.0", "1.005", 5)):
        bench.replace(n, old, new)
    assert bench.check().status == "ok"
    for old, new, n in (("0.505", "0.52", 2), ("1.0005", "1.005", 3), ("1.005", "1.02", 5)):
        bench.replace(n, old, new)
    bench.replace(6, "1.0", "1.02")
    checked = bench.check()
    assert wrong(checked) == [2, 3, 5, 6]
    assert [*paths(checked, 5)] == ["log['loss']"]


def test_an_ignored_variable_counts_again_once_another_cell_makes_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "import time", "x = time.time()", "y = 1", "x = 5")
    bench.book.cells[1].metadata.tmrun = {"ignore": ["x"]}
    bench.write()
    assert bench.update().unsteady == ()
    bench.replace(4, "5", "6")
    checked = bench.check()
    assert wrong(checked) == [4]
    assert paths(checked, 4) == {"x": "value"}


def test_what_the_author_wrote_stays_in_the_output_notebook_and_in_place(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "x = 1")
    bench.book.metadata.tmrun = {"rtol": 1e-6}
    bench.book.cells[0].metadata.tmrun = {"ignore": ["x"]}
    bench.write()
    for _ in range(2):
        assert tmrun.run(bench.path, inplace=True).status == "ok"
        found = nbformat.read(bench.path, 4)
        assert found.metadata.tmrun["rtol"] == 1e-6
        assert found.cells[0].metadata.tmrun["ignore"] == ["x"]
        assert found.cells[0].metadata.tmrun["status"] == "ok"
    assert bench.update().status == "made"


# -- cells that come, go and fail


def test_cells_that_are_new_gone_or_moved_are_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "a = 1", "b = 2", "c = 3")
    bench.update()
    del bench.book.cells[1]
    bench.book.cells.append(nbformat.v4.new_code_cell("d = 4"))
    bench.write()
    checked = bench.check()
    assert checked.status == "different"
    assert wrong(checked) == [1, 3]
    text = text_of_cell(checked, 1)
    assert "cell 2, which only the baseline has: b = 2\n  - b: int 2" in text
    text = text_of_cell(checked, 3)
    assert "cell 3, which only this run has: d = 4\n  + d: int 4" in text


def test_a_cell_that_fails_is_told_and_those_before_it_are_compared(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "a = 1", "b = 2", "c = 1 / a", "d = 4")
    bench.update()
    bench.replace(1, "1", "0")
    checked = bench.check()
    assert checked.status == "failed"
    assert [cell.status for cell in checked.cells] == ["different", "ok", "failed", "not run"]
    text = text_of_cell(checked, 3)
    assert "ZeroDivisionError: division by zero" in text
    assert "line 1: c = 1 / a" in text
    assert "which only" not in text_of(checked)


def test_a_cell_that_may_fail_is_to_fail_as_it_did(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "a = 0", "raise ValueError(object.__repr__(1), a)")
    bench.book.cells[1].metadata.tags = ["raises-exception"]
    bench.write()
    assert bench.update().status == "made"
    assert bench.check().status == "ok"
    bench.replace(2, "ValueError(", "KeyError(")
    assert "it ended: ValueError" in text_of_cell(bench.check(), 2)


def test_a_kernel_that_dies_is_told_of_its_cell(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "a = 1", "import os")
    bench.update()
    bench.replace(2, "import os", "import os; os.kill(os.getpid(), 9)")
    checked = bench.check()
    assert checked.status == "failed"
    assert [cell.status for cell in checked.cells] == ["not compared", "failed"]
    assert "the kernel died in cell 2" in text_of(checked)


def test_a_notebook_that_runs_too_long_is_stopped(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "a = 1", "import threading", "threading.Event().wait()")
    bench.book.cells[2].source = "b = 2"
    bench.write()
    bench.update()
    bench.replace(3, "b = 2", "threading.Event().wait()")
    checked = bench.check(options={"notebook_timeout": 5.0})
    assert checked.status == "failed"
    assert "the notebook ran longer than 5 s" in checked.reason
    assert (checked.report.status, checked.report.signal) == ("timeout", None)
    bench.book.metadata.tmrun = {"timeout": 4}
    bench.write()
    assert "the notebook ran longer than 4 s" in bench.check().reason


def test_jobs_are_checked_like_other_cells(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path, "a = 2", "%%thread\nb = a * 3\nb + 1", "import tmrun\ntmrun.wait()", "c = Out[2]"
    )
    assert bench.update().status == "made"
    assert bench.check().status == "ok"
    bench.replace(2, "a * 3", "a * 4")
    checked = bench.check()
    assert paths(checked, 2) == {"Out": "value", "b": "value"}
    assert paths(checked, 4) == {"c": "value"}


@pytest.mark.parametrize("minor", [2, 4])
def test_notebooks_without_ids_have_steady_baselines(tmp_path: Path, minor: int) -> None:
    bench = Bench(tmp_path, "a = 1", "b = 2")
    for cell in bench.book.cells:
        del cell["id"]
    bench.book.nbformat_minor = minor
    bench.write()
    assert bench.update().status == "made"
    assert bench.update().status == "unchanged"
    bench.replace(2, "b = 2", "b = 3")
    checked = bench.check()
    assert paths(checked, 2) == {"b": "value"}


def test_ids_that_are_made_up_when_a_file_is_read_are_not_kept(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "a = 1", "b = 2")
    data = json.loads(bench.path.read_text())
    for cell in data["cells"]:
        del cell["id"]
    assert (data["nbformat"], data["nbformat_minor"]) == (4, 5)
    bench.path.write_text(json.dumps(data))
    assert bench.update().status == "made"
    assert bench.update().status == "unchanged"
    assert b"cell_id" not in b"".join(bench.files.values())


# -- the command


def test_the_command_checks_many_with_a_table_and_an_exit_status(tmp_path: Path) -> None:
    good, bad = (Bench(tmp_path, "x = 1", name=f"{name}.ipynb") for name in ("good", "bad"))
    Bench(tmp_path, "x = 1", name="without.ipynb")
    made = command("check", "--update", "good.ipynb", "bad.ipynb", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert command("check", ".", cwd=tmp_path).returncode == 0
    bad.replace(1, "1", "2")
    done = command("check", ".", cwd=tmp_path)
    assert done.returncode == 1
    table = [line.split()[:2] for line in done.stdout.splitlines()[-2:]]
    assert table == [["bad.ipynb", "different"], ["good.ipynb", "ok"]]
    assert "without" not in done.stdout
    assert good.path.exists()


def test_the_command_says_what_is_missing_and_how_to_mend_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "x = 1", name="a b.ipynb")
    done = command("check", "a b.ipynb", cwd=tmp_path)
    assert done.returncode == 2
    assert "has no baseline; make one with: tmrun check --update 'a b.ipynb'" in done.stdout
    for given, said in (
        ("none.ipynb", "there is no notebook none.ipynb"),
        (".", "no notebook in . has a baseline"),
    ):
        done = command("check", given, cwd=tmp_path)
        assert done.returncode == 2
        assert said in done.stderr
    bench.book.metadata.tmrun = {"ingore": ["x"]}
    bench.write()
    done = command("check", "--update", "a b.ipynb", cwd=tmp_path)
    assert done.returncode == 2
    assert "tmrun.ingore, which means nothing: did you mean ignore?" in done.stdout


def test_outputs_are_kept_where_one_asks_or_something_differs(
    tmp_path: Path, monkeypatch: Any
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    bench = Bench(tmp_path, "x = 1")
    assert command("check", "--update", "study.ipynb", cwd=tmp_path).returncode == 0
    assert command("check", "study.ipynb", cwd=tmp_path).returncode == 0
    assert [*temporary.glob("tmrun-check-*/*")] == []
    for _ in range(2):
        done = command("check", "study.ipynb", "-o", "kept", cwd=tmp_path)
        assert done.returncode == 0, done.stdout
    assert tmrun.vars(tmp_path / "kept/study.out.ipynb", 1)["x"] == 1
    bench.replace(1, "1", "2")
    for _ in range(2):
        assert command("check", "study.ipynb", cwd=tmp_path).returncode == 1
    (kept,) = temporary.glob("tmrun-check-*/*")
    assert tmrun.vars(kept / "study.out.ipynb", 1)["x"] == 2
    assert not (tmp_path / "study.out.ipynb").exists()


def test_json_is_for_programs(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "x = 1")
    bench.update()
    bench.replace(1, "1", "2")
    done = command("check", "--json", "study.ipynb", cwd=tmp_path)
    (told,) = json.loads(done.stdout)
    assert (done.returncode, told["status"]) == (1, "different")
    (cell,) = told["cells"]
    assert cell["diff"]["variables"][0]["comparison"]["differences"][0]["amount"]["absolute"] == 1.0


def test_github_gets_annotations_at_the_cell_and_a_summary(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "x = 1", "y = 'a%b'")
    bench.update()
    bench.replace(2, "a%b", "a%c")
    summary = tmp_path / "summary.md"
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    env["GITHUB_WORKSPACE"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "tmrun", "check", "study.ipynb"],
        cwd=tmp_path,
        env={**environment(), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    (told,) = [line for line in done.stdout.splitlines() if line.startswith("::")]
    lines = bench.path.read_text().splitlines()
    number = next(i for i, line in enumerate(lines, 1) if '"id": "cell-2"' in line)
    assert told.startswith(
        f"::error file=study.ipynb,line={number},title=study.ipynb%2C cell 2::"
        "cell 2: y = 'a%25b' (edited)%0A~ y: 'a%25b' -> 'a%25c'%0A"
    )
    assert "| study.ipynb | different | 2 | 1 |" in summary.read_text()


def test_a_cell_without_an_id_is_found_by_its_place(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "x = '\"cell_type\": '", "y = 1")
    lines = bench.path.read_text().splitlines()
    places = [i for i, line in enumerate(lines, 1) if line.strip().startswith('"cell_type"')]
    assert [line_of(bench.path, index, None) for index in (0, 1, 7)] == [*places, 1]


def test_what_could_not_be_checked_is_annotated_too(tmp_path: Path) -> None:
    checked = Bench(tmp_path, "x = 1").check()
    (told,) = workflow_commands(checked)
    assert "has no baseline" in told


# -- what a reader of the first version found


def test_the_measure_of_the_cell_that_made_a_value_counts(tmp_path: Path) -> None:
    """A pair of values that was close enough once is judged anew where less is."""
    bench = Bench(tmp_path, "x = 1.0", "del x", "y = 0", "x = 1.0")
    bench.book.cells[0].metadata.tmrun = {"atol": 10}
    bench.write()
    bench.update()
    for n in (1, 4):
        bench.replace(n, "1.0", "2.0")
    checked = bench.check()
    assert wrong(checked) == [4]
    assert paths(checked, 4) == {"x": "value"}


def test_what_code_holds_is_checked_and_what_it_says_is_not(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        "class Tally:\n    total = 0\n    names = ('a',)\n    def add(self, n): return n\n"
        "Tally.total = 5",
        "def make(k):\n    def scale(x, by=2):\n        return k * x * by\n    return scale\n"
        "scale = make(2)",
        "def plain(x, y=1): return x",
    )
    bench.update()
    bench.replace(3, "y=1): return x", "y=3): return x + 0")
    bench.replace(1, "return n", "return n + 0")
    assert bench.check().status == "ok"
    bench.replace(1, "total = 5", "total = 6")
    bench.replace(2, "make(2)", "make(3)")
    checked = bench.check()
    assert paths(checked, 1) == {"Tally.total": "value"}
    assert paths(checked, 2) == {"scale.k": "value"}


def test_a_star_is_for_one_step_and_keys_are_met_in_whichever_quotes(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        "import time",
        "rows = [{'t': time.time(), 'meta': {'t': 1}} for _ in range(2)]\n"
        """odd = {"it's": time.time(), 'say "x"': time.time(), 'kept': 1}""",
    )
    bench.book.cells[1].metadata.tmrun = {
        "ignore": ["rows[*]['t']", """odd["it's"]""", """odd["say \\"x\\""]"""]
    }
    bench.write()
    assert bench.update().unsteady == ()
    bench.replace(2, "{'t': 1}", "{'t': 2}")
    bench.replace(2, "'kept': 1", "'kept': 2")
    assert paths(bench.check(), 2) == {
        "rows[0]['meta']['t']": "value",
        "rows[1]['meta']['t']": "value",
        "odd['kept']": "value",
    }


def test_an_unsteady_value_under_an_odd_key_costs_only_that_key(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "import random", """d = {"it's": random.random(), 'ok': 1}""")
    assert [each.path for each in bench.update().unsteady] == ["""d["it's"]"""]


def test_an_update_says_what_is_not_checked(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        "deep = []\nfor _ in range(300): deep = [deep]",
        "gen = (i for i in [])",
        "loss = 1",
    )
    bench.book.cells[2].metadata.tmrun = {"check": ["los", "loss"]}
    bench.write()
    text = text_of(bench.update())
    assert "cell 1: not checked, for it cannot be compared: it is nested more than 100" in text
    assert "cell 2: not checked, for it cannot be saved: gen (generator)" in text
    assert "cell 3: 'los' is to be checked, and is nothing that it makes" in text
    assert "'loss'" not in text


def test_names_of_this_machine_are_left_out(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path, "import os\nhere = {'cwd': os.getcwd(), 'n': 1}\nfiles = [os.path.abspath('x')]"
    )
    found = {(each.path, each.kind) for each in bench.update().unsteady}
    kind = "a path of this machine"
    assert found == {("here['cwd']", kind), ("files", kind)}
    shutil.copytree(tmp_path, tmp_path.with_name("elsewhere"))
    bench.path = tmp_path.with_name("elsewhere") / "study.ipynb"
    assert bench.check().status == "ok"


def test_an_error_that_is_never_the_same_is_known_by_its_name(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "import time", "raise ValueError(time.time())")
    bench.book.cells[1].metadata.tags = ["raises-exception"]
    bench.write()
    assert [(each.n, each.path) for each in bench.update().unsteady] == [(2, "Error")]
    assert bench.check().status == "ok"
    bench.replace(2, "ValueError", "KeyError")
    assert bench.check().status == "different"


def test_an_answer_may_be_ignored_without_an_update(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "x = 1\nx + 4")
    bench.update()
    bench.book.cells[0].metadata.tags = ["ignore:Out"]
    bench.replace(1, "x + 4", "x + 5")
    assert bench.check().status == "ok"


def test_tags_add_to_what_metadata_says(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "a, b, c = 1, 1, 1")
    bench.book.cells[0].metadata.update(tmrun={"check": ["a"]}, tags=["check:b"])
    bench.write()
    bench.update()
    bench.replace(1, "1, 1, 1", "2, 2, 2")
    assert paths(bench.check(), 1) == {"a": "value", "b": "value"}


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"check": ["report['x']"]}, "a path: check takes names of variables"),
        ({"timeout": 5}, "which is for a notebook: say it there"),
        ({"rtol": -1}, "give a number of at least 0"),
        ({"ignore": 5}, "give a list of names"),
    ],
)
def test_what_cannot_be_followed_is_told_before_anything_runs(
    tmp_path: Path, about: Any, said: str
) -> None:
    bench = Bench(tmp_path, "open('ran', 'w').close()")
    bench.book.cells[0].metadata.tmrun = about
    bench.write()
    checked = bench.update()
    assert (checked.status, said in checked.reason) == ("error", True), checked.reason
    assert not (tmp_path / "ran").exists()


def test_a_damaged_baseline_is_replaced_and_anything_else_is_refused_at_once(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, "open('ran', 'a').write('x')", "y = 1")
    bench.book.cells[0].metadata.tags = ["no-check"]
    bench.write()
    bench.update()
    files = bench.files
    for name in ("run.json", "states/000002.json"):
        place = bench.baseline / "runs/baseline" / name
        place.write_bytes(b"<<<<<<< ours\n" + place.read_bytes())
        assert bench.check().status == "error"
        assert bench.update().status == "updated"
        assert bench.files == files
    run = bench.baseline / "runs/baseline/run.json"
    run.write_text(json.dumps({**json.loads(run.read_bytes()), "unsteady": {"x": 5}}))
    checked = bench.check()
    assert (checked.status, "cannot be read" in checked.reason) == ("error", True)
    shutil.rmtree(bench.baseline)
    bench.baseline.write_text("precious")
    (tmp_path / "ran").unlink()
    assert bench.update().status == "error"
    assert bench.baseline.read_text() == "precious"
    assert not (tmp_path / "ran").exists()


def test_the_baseline_is_there_again_when_a_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk on which the second renaming fails cannot be had: renaming itself is made to."""
    bench = Bench(tmp_path, "x = 1")
    bench.update()
    files, there = bench.files, {path.name for path in tmp_path.iterdir()}
    rename = Path.rename

    def fails(path: Path, target: Any) -> Path:
        if Path(target) == bench.baseline and not path.name.endswith(".old"):
            raise OSError(28, "No space left on device")
        return rename(path, target)

    bench.replace(1, "1", "2")
    monkeypatch.setattr(Path, "rename", fails)
    checked = bench.update()
    assert (checked.status, "No space left" in checked.reason) == ("error", True)
    assert bench.files == files
    left = {path.name for path in tmp_path.iterdir()} - there
    assert all(name.startswith("into-") or name.startswith("study.") for name in left), left


def test_a_link_to_a_baseline_stays_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "x = 1")
    bench.update()
    kept = tmp_path / "kept"
    bench.baseline.rename(kept)
    bench.baseline.symlink_to(kept)
    assert bench.check().status == "ok"
    bench.replace(1, "1", "2")
    assert bench.update().status == "updated"
    assert bench.baseline.is_symlink()
    assert tmrun.vars(kept, 1)["x"] == 2
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_baseline_without_its_notebook_is_told(tmp_path: Path) -> None:
    bench, other = (Bench(tmp_path, "x = 1", name=f"{name}.ipynb") for name in ("one", "two"))
    bench.update()
    other.update()
    bench.path.rename(tmp_path / "renamed.ipynb")
    done = command("check", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert "one.baseline.varchive: error\n  this baseline has no notebook" in done.stdout
    assert "two.ipynb: ok" in done.stdout


def test_a_notebook_with_nothing_left_is_told_what_is_missing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "x = 1")
    bench.update()
    bench.book.cells = [nbformat.v4.new_markdown_cell("# nothing")]
    bench.write()
    checked = bench.check()
    assert checked.status == "different"
    assert "cell 1, which only the baseline has: x = 1" in text_of(checked)


def test_tags_that_are_no_list_are_none(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "x = 1")
    data = json.loads(bench.path.read_text())
    data["cells"][0]["metadata"]["tags"] = None
    bench.path.write_text(json.dumps(data))
    assert bench.update().status == "made"


def test_a_kernel_elsewhere_needs_no_library_here(tmp_path: Path) -> None:
    """What is compared is compared without numpy, which only the kernel has loaded."""
    bench = Bench(tmp_path, "import numpy as np\na = np.arange(4.0)\nb = np.arange(9999.0)")
    bench.update()
    bench.replace(1, "4.0", "5.0")
    code = (
        "import sys, tmrun.cli\n"
        "sys.argv = ['tmrun', 'check', sys.argv[1]]\n"
        "try: tmrun.cli.main()\n"
        "except SystemExit as end: print(end.code, 'numpy' in sys.modules)"
    )
    told = in_new_process(code, bench.path)
    assert "~ a: of another shape: (4,) -> (5,)" in told
    assert told.splitlines()[-1] == "1 False"


# -- what a user of the first version found


def test_keys_that_are_never_the_same_are_left_out_whatever_they_are(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        "import uuid\nimport pandas as pd",
        "jobs = {str(uuid.uuid4()): {'n': i} for i in range(3)}\n"
        "cols = pd.DataFrame({str(uuid.uuid4()): [1, 2], 'b': [3, 4]})\nkept = 1",
    )
    found = {each.path for each in bench.update().unsteady}
    assert found == {"jobs[*]", "cols[*]"}
    files = bench.files
    assert bench.check().status == "ok"
    assert bench.update().status == "unchanged"
    assert bench.files == files
    bench.replace(2, "kept = 1", "kept = 2")
    assert paths(bench.check(), 2) == {"kept": "value"}


def test_a_cell_that_is_gone_is_named_where_the_notebooks_part(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "a = 1", "b = 2", "c = 3", "d = 4")
    bench.update()
    del bench.book.cells[1]
    bench.write()
    text = text_of(bench.check())
    assert "they part at cell 2, which only the baseline has: b = 2" in text
    bench.replace(2, "c = 3", "c = b")
    checked = bench.check()
    assert checked.status == "failed"
    text = text_of(checked)
    assert "they part at cell 2, which only the baseline has: b = 2" in text
    assert "cell 2, which only the baseline has: b = 2\n  - b: int 2" in text
    assert text.count("NameError: name 'b' is not defined") == 1
    assert "d = 4" not in text, "the run has not come to it"


@pytest.mark.parametrize("said", [{"ignore": ["msd"]}, {"check": ["other"]}, {"check": []}])
def test_what_is_ignored_is_so_as_an_answer_too_and_at_once(tmp_path: Path, said: Any) -> None:
    bench = Bench(tmp_path, "other = 1\nmsd = 2.5\nmsd", "raise ValueError(1)")
    bench.book.cells[1].metadata.tags = ["raises-exception"]
    bench.write()
    bench.update()
    bench.book.cells[0].metadata.tmrun = said
    bench.book.cells[1].metadata.tmrun = {"ignore": ["Error"]}
    bench.write()
    assert bench.check().status == "ok"


def test_process_ids_and_the_environment_are_of_this_machine(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "import os\nenv = dict(os.environ)\npp = {'parent': os.getppid()}")
    found = {(each.path, each.kind) for each in bench.update().unsteady}
    assert found >= {("env", "the environment"), ("pp['parent']", "a process id")}
    done = command("check", "study.ipynb", cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def test_what_was_left_out_and_is_steady_now_is_said_to_be_checked(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "import time", "coin = time.time()")
    bench.update()
    bench.replace(2, "time.time()", "5")
    made = bench.update()
    assert "cell 2: both runs agree, and what was left out is checked: coin" in text_of(made)


def test_the_answer_of_a_new_cell_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "a = 1")
    bench.update()
    bench.book.cells.append(nbformat.v4.new_code_cell("a + 6"))
    bench.write()
    assert "+ Out: int 7" in text_of_cell(bench.check(), 2)


def test_a_baseline_says_what_each_cell_made_changed_and_deleted(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "import numpy as np\na = np.float64(1.5)", "a += 1\nb = 2", "del a")
    bench.update()
    states = [tmrun.open(bench.baseline).state(n) for n in (1, 2, 3)]
    assert [(s.made, s.changed, s.deleted) for s in states] == [
        (("a",), (), ()),
        (("b",), ("a",), ()),
        ((), (), ("a",)),
    ]
    assert states[0].entries["a"].preview == "1.5"
