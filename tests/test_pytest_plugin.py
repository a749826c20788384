"""``pytest --tmrun``: sessions of pytest on notebooks, each in a process of its own."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import nbformat
import pytest
from checking import Bench

import tmrun

pytest_plugins = ["pytester"]

CELLS = (
    "import time",
    "rate = 0.1",
    "# the model\nmodel = {'weights': [rate, 2.0]}",
    "total = sum(model['weights'])",
)


@pytest.fixture
def bench(pytester: pytest.Pytester) -> Bench:
    """A notebook in pytest's directory, with its baseline."""
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider -p no:randomly\n")
    bench = Bench(pytester.path, *CELLS)
    assert bench.update().status == "made"
    return bench


def run(pytester: pytest.Pytester, *options: str) -> Any:
    return pytester.runpytest_subprocess("--tmrun", *options)


def test_notebooks_are_collected_only_when_asked(pytester: pytest.Pytester, bench: Bench) -> None:
    pytester.runpytest_subprocess().assert_outcomes()
    pytester.makeini("[pytest]\ntmrun = true\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=4)


def test_each_cell_is_a_test_with_its_number_and_label(
    pytester: pytest.Pytester, bench: Bench
) -> None:
    bench.book.cells[3].metadata.name = "the total: all/of it"
    bench.book.cells.insert(1, bench.book.cells[0].copy())
    bench.book.cells[1].update(id="empty", source="")
    bench.write()
    found = run(pytester, "--collect-only", "-q")
    assert found.outlines[:4] == [
        "study.ipynb::cell-1-import-time",
        "study.ipynb::cell-2-rate-0.1",
        "study.ipynb::cell-3-model-weights-rate-2.0",
        "study.ipynb::cell-4-the-total-all-of-it",
    ]


def test_a_failure_shows_the_cell_the_variable_the_difference_and_a_command(
    pytester: pytest.Pytester, bench: Bench
) -> None:
    bench.replace(2, "0.1", "0.2")
    found = run(pytester)
    found.assert_outcomes(passed=1, failed=3)
    found.stdout.fnmatch_lines(
        [
            "*study.ipynb, cell 2: rate = 0.2*",
            "~ rate: 0.1 -> 0.2 (absolute 0.1; relative 1)",
            "*tmrun show *study.out.ipynb 2",
            "*tmrun check --update study.ipynb",
            "*the cell was edited since",
            "~ model[[]'weights'][[]0]: 0.1 -> 0.2 *",
            "FAILED study.ipynb::cell-2-rate-0.2 - ~ rate: 0.1 -> 0.2*",
        ]
    )
    line = next(line for line in found.outlines if "tmrun show" in line)
    shown = line.split("tmrun show ")[1].rsplit(" ", 1)[0]
    assert tmrun.vars(shown, 2)["rate"] == 0.2


def test_a_cell_that_raises_fails_and_those_after_it_are_skipped(
    pytester: pytest.Pytester, bench: Bench
) -> None:
    bench.replace(3, "rate", "rte")
    found = run(pytester, "-rs")
    found.assert_outcomes(passed=2, failed=1, skipped=1)
    found.stdout.fnmatch_lines(
        [
            "*NameError: name 'rte' is not defined*",
            "*line 2: model = *",
            "SKIPPED*not run: cell 3: NameError*",
        ]
    )
    assert "Traceback" not in str(found.stdout)


def test_a_notebook_that_cannot_be_checked_fails_once_for_each_cell_with_the_reason(
    pytester: pytest.Pytester, bench: Bench
) -> None:
    bench.book.metadata.tmrun = {"rtol": "small"}
    bench.write()
    found = run(pytester)
    found.assert_outcomes(failed=4)
    found.stdout.fnmatch_lines(["*tmrun.rtol = 'small': give a number of at least 0"])


def test_without_a_baseline_a_notebook_is_collected_only_by_its_name(
    pytester: pytest.Pytester, bench: Bench
) -> None:
    Bench(pytester.path, "x = 1", name="other.ipynb")
    run(pytester).assert_outcomes(passed=4)
    found = run(pytester, "other.ipynb")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(
        ["*other.ipynb has no baseline; make one with: tmrun check --update other.ipynb"]
    )


def test_what_is_no_notebook_is_an_error_of_collection(
    pytester: pytest.Pytester, bench: Bench
) -> None:
    bench.path.write_text("{")
    found = run(pytester)
    found.assert_outcomes(errors=1)
    found.stdout.fnmatch_lines(["*study.ipynb is no notebook*"])


def test_update_makes_baselines_anew_and_says_what_it_left_out(
    pytester: pytest.Pytester, bench: Bench
) -> None:
    bench.replace(2, "rate = 0.1", "rate, now = 0.2, time.time()")
    found = pytester.runpytest_subprocess("--tmrun-update")
    found.assert_outcomes(passed=1)
    found.stdout.fnmatch_lines(["*its baseline is updated*", "*cell 2: now: a time*"])
    run(pytester).assert_outcomes(passed=4)
    bench.replace(4, "sum(", "undefined(")
    found = pytester.runpytest_subprocess("--tmrun-update")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["*the baseline is left as it was*"])


def test_a_cell_is_chosen_by_k_and_by_what_failed_last(
    pytester: pytest.Pytester, bench: Bench
) -> None:
    pytester.makeini("[pytest]\n")
    run(pytester, "-k", "cell-3- or total").assert_outcomes(passed=2, deselected=2)
    bench.replace(4, "sum(", "1 + sum(")
    run(pytester).assert_outcomes(passed=3, failed=1)
    found = run(pytester, "--lf")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["*cell 4: total = 1 + sum*"])
    run(pytester, "study.ipynb::cell-2-rate-0.1").assert_outcomes(passed=1)


def test_junit_has_a_case_for_each_cell_with_the_cells_own_seconds(
    pytester: pytest.Pytester, bench: Bench
) -> None:
    bench.replace(4, "total =", "time.sleep(0.5)\ntotal = 1 +")
    run(pytester, "--junitxml=report.xml", "-o", "junit_duration_report=call")
    cases = [*ET.parse(pytester.path / "report.xml").iter("testcase")]
    assert [case.get("name") for case in cases][1:3] == [
        "cell-2-rate-0.1",
        "cell-3-model-weights-rate-2.0",
    ]
    assert {case.get("classname") for case in cases} == {"study.ipynb"}
    failure = cases[3].find("failure")
    assert failure is not None
    assert "~ total: 2.1 -> 3.1" in str(failure.get("message"))
    seconds = [float(str(case.get("time"))) for case in cases]
    assert seconds[3] >= 0.5, "of sleep"
    assert seconds[1] < seconds[3], "the run of the whole notebook is not the second cell's"


@pytest.mark.parametrize("options", [("-n", "2"), ("-n", "2", "--dist", "loadgroup")])
def test_workers_share_notebooks_and_run_each_once(
    pytester: pytest.Pytester, bench: Bench, options: tuple[str, ...]
) -> None:
    """Each run of a notebook adds a line to a file; two notebooks and a test are shared out."""
    counts = "with open(NAME, 'a') as file: file.write('x')"
    for name in ("one", "two"):
        book = Bench(
            pytester.path,
            "a = 1",
            counts.replace("NAME", repr(name)),
            "b = a",
            name=f"{name}.ipynb",
        )
        book.book.cells[1].metadata.tags = ["no-check"]
        book.write()
        assert book.update().status == "made"
        (pytester.path / name).unlink()
    pytester.makepyfile(test_plain="def test_one(): pass\ndef test_two(): pass")
    found = run(pytester, *options)
    found.assert_outcomes(passed=4 + 3 + 3 + 2)
    assert [(pytester.path / name).read_text() for name in ("one", "two")] == ["x", "x"]


def test_a_notebook_has_so_many_seconds(pytester: pytest.Pytester, bench: Bench) -> None:
    bench.replace(4, "total =", "import threading; threading.Event().wait(600)\ntotal =")
    found = run(pytester, "-o", "tmrun_timeout=5")
    found.assert_outcomes(passed=3, failed=1)
    found.stdout.fnmatch_lines(["the notebook ran longer than 5 s*"])


def test_tolerances_and_the_kernel_are_given_by_options(
    pytester: pytest.Pytester, bench: Bench
) -> None:
    bench.replace(2, "0.1", "0.1 + 1e-12")
    run(pytester, "-o", "tmrun_rtol=1e-9").assert_outcomes(passed=4)
    run(pytester, "-o", "tmrun_atol=1e-9").assert_outcomes(passed=4)
    found = run(pytester, "--tmrun-kernel", "none-such")
    found.assert_outcomes(failed=4)
    found.stdout.fnmatch_lines(["*none-such*"])
    found = run(pytester, "-o", "tmrun_rtol=small")
    found.stderr.fnmatch_lines(["*the ini option tmrun_rtol is 'small', not a number*"])


def test_what_was_recorded_stays_in_pytests_cache_where_something_differs(
    pytester: pytest.Pytester, bench: Bench
) -> None:
    pytester.makeini("[pytest]\n")
    cache = pytester.path / ".pytest_cache/d/tmrun"
    run(pytester).assert_outcomes(passed=4)
    assert [*cache.iterdir()] == []
    bench.replace(2, "0.1", "0.2")
    for _ in range(2):
        run(pytester)
        (kept,) = cache.iterdir()
        assert tmrun.vars(kept / "study.out.ipynb", 2)["rate"] == 0.2


def test_the_fixture_records_in_a_temporary_directory(
    pytester: pytest.Pytester, bench: Bench
) -> None:
    bench.book.cells[1].metadata.tags = ["parameters"]
    bench.write()
    (pytester.path / "deep").mkdir()
    pytester.makepyfile(
        **{
            "deep/test_study": """
                import tmrun

                def test_study(tmrun_run, tmp_path):
                    first = tmrun_run("../study.ipynb")
                    second = tmrun_run("study.ipynb", parameters={"rate": 1.0})
                    assert second.varchive.is_relative_to(tmp_path)
                    assert first.varchive != second.varchive
                    assert tmrun.vars(first, 4)["total"] == 2.1
                    assert tmrun.vars(second, -1)["total"] == 3.0
            """
        }
    )
    pytester.runpytest_subprocess("deep").assert_outcomes(passed=1)
    assert {path.name for path in pytester.path.iterdir()} & {"study.out.ipynb"} == set()


def test_a_baseline_whose_notebook_is_gone_is_warned_of(
    pytester: pytest.Pytester, bench: Bench
) -> None:
    bench.path.rename(pytester.path / "renamed.ipynb")
    found = run(pytester)
    found.assert_outcomes(warnings=1)
    found.stdout.fnmatch_lines(["*study.baseline.varchive has no notebook"])


def test_a_notebook_of_text_alone_has_no_tests(pytester: pytest.Pytester, bench: Bench) -> None:
    bench.book.cells = [nbformat.v4.new_markdown_cell("# nothing")]
    bench.write()
    run(pytester).assert_outcomes()


def test_options_are_explained_in_the_help(pytester: pytest.Pytester) -> None:
    found = pytester.runpytest_subprocess("--help")
    found.stdout.fnmatch_lines(["*--tmrun *", "*--tmrun-update*", "*tmrun_timeout*"])


def test_other_sessions_of_pytest_load_nothing_heavy(pytester: pytest.Pytester) -> None:
    heavy = ["nbclient", "nbformat", "jupyter_client", "numpy", "rich", "click"]
    pytester.makepyfile(
        "import sys\ndef test_it():\n"
        f"    assert [m for m in {json.dumps(heavy)} if m in sys.modules] == []"
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_ctrl_c_ends_the_session(pytester: pytest.Pytester, bench: Bench) -> None:
    """The notebook interrupts its own run's process, as a terminal would."""
    bench.replace(4, "total =", "import os, signal; os.kill(os.getppid(), signal.SIGINT)\ntotal =")
    found = run(pytester)
    assert found.ret == pytest.ExitCode.INTERRUPTED
    assert Path(bench.baseline).exists()
