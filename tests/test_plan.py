"""What is decided before a run: places, limits, parameters, and what a notebook's file may be."""

from __future__ import annotations

import datetime
import json
import math
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import notebook

from tmrun import UsageError
from tmrun import notebook as files
from tmrun.parameters import assigned, collect, inject, literal, plain, typed_value
from tmrun.plan import Options, make_plan, may_fail, places, runs
from tmrun.preparation import prepare


@pytest.mark.parametrize(
    ("options", "output", "varchive"),
    [
        (Options("a/study.ipynb"), "a/study.out.ipynb", "a/study.out.varchive"),
        (Options("a/study.ipynb", output="b/x.ipynb"), "b/x.ipynb", "b/x.varchive"),
        (Options("a/study.ipynb", output="b/x"), "b/x", "b/x.varchive"),
        (Options("a/study.ipynb", inplace=True), "a/study.ipynb", "a/study.varchive"),
        (Options("a/study.ipynb", output="-"), None, "a/study.out.varchive"),
        (Options("a/v1.2"), "a/v1.2.out.ipynb", "a/v1.2.out.varchive"),
        (Options("-"), None, "notebook.out.varchive"),
        (Options("-", output="x.ipynb"), "x.ipynb", "x.varchive"),
        (Options("-", output="-"), None, "notebook.out.varchive"),
    ],
)
def test_output_and_varchive_stand_side_by_side(
    options: Options, output: str | None, varchive: str
) -> None:
    assert places(options) == (None if output is None else Path(output), Path(varchive))


@pytest.mark.parametrize(
    "options",
    [
        Options("a.ipynb", output="a.ipynb"),
        Options("a.ipynb", output="./b/../a.ipynb"),
        Options("a.ipynb", output="b.ipynb", inplace=True),
        Options("-", inplace=True),
    ],
)
def test_places_that_would_overwrite_by_accident_are_refused(options: Options) -> None:
    with pytest.raises(UsageError, match=r"--inplace"):
        places(options)


def test_the_notebooks_own_limits_hold_unless_an_option_says_otherwise() -> None:
    nb = notebook("1")
    nb.metadata["execution"] = {"timeout": 7, "allow_errors": True}
    plan = make_plan(nb, Options("a.ipynb"))
    assert (plan.timeout, plan.allow_errors) == (7.0, True)
    plan = make_plan(nb, Options("a.ipynb", timeout=-1, allow_errors=False))
    assert (plan.timeout, plan.allow_errors) == (None, False)
    assert make_plan(notebook("1"), Options("a.ipynb")).timeout is None


@pytest.mark.parametrize("timeout", ["soon", True, [1]])
def test_a_senseless_timeout_in_the_notebook_is_refused(timeout: Any) -> None:
    nb = notebook("1")
    nb.metadata["execution"] = {"timeout": timeout}
    with pytest.raises(UsageError, match=r"metadata\.execution\.timeout"):
        make_plan(nb, Options("a.ipynb"))


def test_kernel_cwd_and_threads_have_defaults_that_options_replace() -> None:
    nb = notebook("1")
    nb.metadata["kernelspec"]["name"] = "mine"
    plan = make_plan(nb, Options("a/b.ipynb"))
    assert (plan.kernel, plan.cwd, plan.threads) == ("mine", Path("a"), None)
    plan = make_plan(nb, Options("a/b.ipynb", kernel="k", cwd="c", threads=9))
    assert (plan.kernel, plan.cwd, plan.threads) == ("k", Path("c"), 9)
    del nb.metadata["kernelspec"]
    assert make_plan(nb, Options("b.ipynb")).kernel == "python3"
    assert make_plan(nb, Options("-", record=False)).varchive is None


@pytest.mark.parametrize("bad", [{"threads": -1}, {"startup_timeout": 0.0}])
def test_numbers_out_of_range_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="must be"):
        make_plan(notebook("1"), Options("a.ipynb", **bad))


def test_empty_tagged_and_other_cells_do_not_run_and_tags_allow_errors() -> None:
    nb = notebook("1", "  \n", "3", "4", tags={3: ["skip-execution"], 4: ["raises-exception"]})
    nb.cells.append(nbformat.v4.new_markdown_cell("text"))
    assert [runs(cell) for cell in nb.cells] == [True, False, False, True, False]
    plan = make_plan(nb, Options("a.ipynb"))
    assert [may_fail(cell, plan) for cell in nb.cells[:4]] == [False, False, False, True]


# -- parameters


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("True", True),
        ("None", None),
        ("3", 3),
        ("1e3", 1000.0),
        ("-2.5", -2.5),
        ("inf", math.inf),
        ("a b", "a b"),
        ("true", "true"),
        ("", ""),
        ("0x10", "0x10"),
    ],
)
def test_a_typed_parameter_reads_as_papermill_reads_it(text: str, value: Any) -> None:
    got = typed_value(text)
    assert (got, type(got)) == (value, type(value))


def test_a_later_source_of_parameters_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "1.yaml", tmp_path / "2.json"
    first.write_text("a: file1\nb: file1\nc: file1\nd: file1\n", encoding="utf-8")
    second.write_text('{"b": "file2", "c": "file2", "d": "file2"}', encoding="utf-8")
    got = collect(
        files=[str(first), str(second)],
        yamls=["{c: yaml, d: yaml}", ""],
        typed=[("d", "1"), ("e", "2")],
        raw=[("e", "2")],
    )
    assert got == {"a": "file1", "b": "file2", "c": "yaml", "d": 1, "e": "2"}


def test_dates_in_yaml_stay_the_texts_they_are() -> None:
    assert collect(yamls=["day: 2026-11-22"]) == {"day": "2026-11-22"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"typed": [("not a name", "1")]},
        {"typed": [("class", "1")]},
        {"yamls": ["1: 2"]},
        {"yamls": ["[1, 2]"]},
        {"yamls": ["{a: 1"]},
        {"yamls": ["a: &x [*x]"]},
        {"yamls": ["a: !!timestamp 2026-11-22"]},
        {"yamls": ["a: !!python/object:os.system {}"]},
        {"files": ["/no/such/file"]},
    ],
)
def test_parameters_that_cannot_be_used_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        collect(**arguments)


def test_a_literal_makes_the_value_again() -> None:
    value = {
        "numbers": [1, -2.5, math.inf, -math.inf, True, None],
        "texts": ("it's", 'a "b"\n\\', "é\U0001f600", b"\0"),
        "sets": [{1, 2}, set(), ()],
        3: {"deep": [[[]], {}]},
    }
    assert eval(literal(value)) == value
    assert math.isnan(eval(literal(math.nan)))
    with pytest.raises(TypeError, match="date"):
        literal([datetime.date(2026, 11, 22)])


def test_parameters_in_metadata_are_strict_json() -> None:
    value = plain({"a": [math.nan, {1}], 2: b"x", "c": None})
    assert json.loads(json.dumps(value, allow_nan=False)) == {
        "a": ["nan", [1]],
        "2": "b'x'",
        "c": None,
    }


def test_parameters_follow_the_tagged_cell_and_replace_an_earlier_injection() -> None:
    nb = notebook("import os", "alpha = 1", "alpha", tags={2: ["parameters"]})
    once, warnings = inject(nb, {"alpha": 2})
    assert warnings == []
    assert [cell.source for cell in once.cells[1:3]] == ["alpha = 1", "# Parameters\nalpha = 2"]
    assert once.cells[2].metadata.tags == ["injected-parameters"]
    twice, _ = inject(once, {"alpha": [3]})
    assert len(twice.cells) == 4
    assert twice.cells[2].source.endswith("alpha = [3]")
    assert len(nb.cells) == 3, "the notebook that was given is left as it is"
    assert inject(nb, {})[0] is nb


def test_parameters_without_a_tagged_cell_come_first_with_a_warning() -> None:
    injected, warnings = inject(notebook("x"), {"x": 1})
    assert injected.cells[0].source == "# Parameters\nx = 1"
    assert "tagged 'parameters'" in warnings[0]


def test_a_parameter_that_the_cell_does_not_know_is_warned_about() -> None:
    nb = notebook("%matplotlib inline\na: int = 1\nfor b in (): pass", tags={1: ["parameters"]})
    _, warnings = inject(nb, {"a": 1, "b": 2, "typo": 3})
    assert warnings == ["the cell tagged 'parameters' does not set typo"]
    assert assigned("a = = 1") is None


@pytest.mark.parametrize(("minor", "has_id"), [(5, True), (4, False)])
def test_the_injected_cell_has_an_id_only_where_the_format_has_ids(
    minor: int, has_id: bool
) -> None:
    nb = notebook("1")
    nb.nbformat_minor = minor
    if not has_id:
        del nb.cells[0]["id"]
    injected, _ = inject(nb, {"x": 1})
    assert ("id" in injected.cells[0]) is has_id
    nbformat.validate(injected)


def test_parameters_for_another_language_are_refused() -> None:
    nb = notebook("1")
    nb.metadata["kernelspec"] = {"name": "ir", "language": "R"}
    with pytest.raises(UsageError, match="Python"):
        inject(nb, {"x": 1})


# -- notebook files


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "JSON"),
        (b"[1]", "nbformat"),
        (b"{}", "nbformat"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "nbformat"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [1]}', "nbformat"),
        (b'{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}', "nbformat"),
        (b"\xff\xfe", "UTF-8"),
        (b"print('a script')", "JSON"),
    ],
)
def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        files.read(str(path))


def test_a_missing_notebook_and_a_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no notebook"):
        files.read(str(tmp_path / "no.ipynb"))
    with pytest.raises(UsageError, match="directory"):
        files.read(str(tmp_path))


def test_a_notebook_of_format_3_is_read_as_format_4(tmp_path: Path) -> None:
    path = tmp_path / "old.ipynb"
    cell = {"cell_type": "code", "input": ["1"], "language": "python", "metadata": {}}
    sheet = {"cells": [{**cell, "outputs": [], "collapsed": False}], "metadata": {}}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "x"}, "worksheets": [sheet]}
    path.write_text(json.dumps(old), encoding="utf-8")
    assert files.read(str(path)).cells[0].source == "1"


def test_missing_and_doubled_cell_ids_are_mended_in_silence(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    nb = notebook("1", "2", "3")
    del nb.cells[0]["id"]
    nb.cells[2]["id"] = nb.cells[1]["id"]
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(nb), encoding="utf-8")
    got = files.read(str(path))
    assert len({cell["id"] for cell in got.cells}) == 3
    assert got.cells[1]["id"] == nb.cells[1]["id"]
    assert not recwarn.list


def test_a_notebook_is_written_as_nbformat_writes_it(tmp_path: Path) -> None:
    nb = notebook("a\nb")
    nb.cells[0].outputs = [nbformat.v4.new_output("stream", text="é\U0001f600\n")]
    theirs, ours = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    nbformat.write(nb, theirs)
    files.write(ours, files.text_of(nb))
    assert ours.read_bytes() == theirs.read_bytes()


def test_writing_keeps_mode_and_symlink_and_leaves_nothing_behind(tmp_path: Path) -> None:
    real, link = tmp_path / "real.ipynb", tmp_path / "link.ipynb"
    real.write_text("old", encoding="utf-8")
    real.chmod(0o640)
    link.symlink_to(real.name)
    files.write(link, "new")
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "new"
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.ipynb", "real.ipynb"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "x.ipynb"
    target.mkdir()
    with pytest.raises(OSError, match="directory"):
        files.write(target, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["x.ipynb"]


def test_a_lone_surrogate_is_written_as_json_can_carry_it() -> None:
    nb = notebook("1")
    nb.cells[0].outputs = [nbformat.v4.new_output("stream", text="\udcff")]
    again = json.loads(files.encode(files.text_of(nb)).decode("utf-8"))
    assert again["cells"][0]["outputs"][0]["text"] == ["\udcff"]


# -- what the disk forbids


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.ipynb"
    nbformat.write(notebook("1"), path)
    return path


def test_places_that_cannot_be_written_are_refused_before_the_run(study: Path) -> None:
    missing = study.parent / "no" / "x.ipynb"
    with pytest.raises(UsageError, match="no directory"):
        prepare(Options(str(study), output=str(missing)))
    with pytest.raises(UsageError, match="is a directory"):
        prepare(Options(str(study), output=str(study.parent)))
    with pytest.raises(UsageError, match="--cwd"):
        prepare(Options(str(study), cwd=str(missing)))


def test_another_name_of_the_notebook_itself_is_refused(study: Path) -> None:
    link = study.with_name("link.ipynb")
    link.symlink_to(study)
    with pytest.raises(UsageError, match="--inplace"):
        prepare(Options(str(study), output=str(link)))


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_something_else_in_the_place_of_the_varchive_is_refused(study: Path, kind: str) -> None:
    place = study.with_name("study.out.varchive")
    if kind == "file":
        place.write_text("mine", encoding="utf-8")
    else:
        place.mkdir()
        (place / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="--no-record"):
        prepare(Options(str(study)))
    assert prepare(Options(str(study), record=False)).varchive is None
