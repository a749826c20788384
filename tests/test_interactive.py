"""Recording in a kernel that someone works in: each command, and what must never be felt."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from conftest import ROOT
from live import PATIENCE, Live

import tmrun
from kernel_payload.varchive import Varchive

Start = Callable[..., Live]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start kernels in a folder; they end with the test."""
    kernels: list[Live] = []

    def begin(*cells: str, notebook: str | None = "study.ipynb", **environment: str) -> Live:
        if notebook is not None:
            nbformat.write(nbformat.v4.new_notebook(), tmp_path / notebook)
        kernels.append(Live(tmp_path, notebook, **environment))
        kernels[-1].ok(*cells)
        return kernels[-1]

    yield begin
    for kernel in kernels:
        kernel.close()


HOOK = "import tmrun as tm; tm.hook()"


# -- each row of the table


def test_past_goes_back(start: Start) -> None:
    live = start(HOOK, "x = [1]\nx", "x.append(2)\ny = 1")
    assert live.ok("tm.past(2)")[0].answer == "[1]"
    assert live.ok("x, 'y' in globals()")[0].answer == "([1], False)"
    live.ok("%past 3")
    assert live.ok("x, y")[0].answer == "([1, 2], 1)"


def test_vars_looks_at_a_cell_of_this_notebook_or_of_any_varchive(
    start: Start, tmp_path: Path
) -> None:
    live = start(HOOK, "x = [1]", "x.append(2)")
    assert (
        live.ok("dict(tm.vars(2))['x'], tm.vars(-1)['x'], x")[0].answer == "([1], [1, 2], [1, 2])"
    )
    assert live.ok("tm.vars('study.varchive', 2)['x']")[0].answer == "[1]"
    assert live.ok("tm.vars(tm.archive, 3)['x']")[0].answer == "[1, 2]"
    # from outside, too: the notebook knows its varchive
    assert tmrun.vars(live.written().with_suffix(".ipynb"), 2)["x"] == [1]
    assert "recorded: 1-6" in str(live.run("tm.vars(50)").error)
    assert "say which cell" in str(live.run("tm.vars()").error)


def test_ans_gives_an_answer(start: Start) -> None:
    live = start(HOOK, "[1, 'two']", "x = 1")
    assert live.ok("tm.ans(2), tm.ans(3)")[0].answer == "([1, 'two'], None)"


def test_saving_can_be_turned_off_and_on(start: Start) -> None:
    live = start(
        HOOK, "x = [1]", "tm.saving(False)", "x.append(2); y = 1", "tm.saving(True)", "z=1"
    )
    assert live.ok("tm.archive.states()")[0].answer == "[1, 2, 5, 6]"
    fifth = tmrun.open(live.written()).state(5)
    # what happened meanwhile is not lost
    assert (fifth.made, fifth.changed, fifth.parent) == (("y",), ("x",), 2)
    live.ok("tm.past(2)")
    assert live.ok("x")[0].answer == "[1]"


def test_a_job_works_while_nothing_is_saved(start: Start) -> None:
    live = start(HOOK, "x = 1", "tm.saving(False)", "x = 2", "%%thread\nx += 1\nx", "tm.wait()")
    assert live.ok("Out[5], x")[0].answer == "(3, 2)"
    assert live.ok("tm.vars(5)['x']")[0].answer == "3"


@pytest.mark.parametrize(
    ("stop", "again"),
    [(stop, again) for stop in ("tm.unhook()", "%unload_ext tmrun")
     for again in ("tm.hook()", "%load_ext tmrun")],
)  # fmt: skip
def test_unhook_stops_and_hook_takes_it_up_again(start: Start, stop: str, again: str) -> None:
    live = start("%load_ext tmrun", "import tmrun as tm", "x = [1]")
    assert "tmrun has stopped recording" in live.ok(stop)[0].out
    (ran,) = live.ok("x.append(2); y = 1")
    assert ran.out == ran.err == ""
    # what was recorded can be looked at, and the rest says how to go on
    assert live.ok("tm.vars(3)['x']")[0].answer == "[1]"
    assert "tm.hook() takes it up again" in str(live.run("tm.past(3)").error).replace(
        "tmrun.", "tm."
    )
    assert "`%past` not found" in live.run("%past 3").err
    assert live.ok(again)[0].out == ""
    state = tmrun.open(live.written()).state(-1)
    assert (state.n, state.parent, state.made, state.changed) == (9, 3, ("y",), ("x",))
    live.ok("%past 3")
    assert live.ok("x, 'y' in globals()")[0].answer == "([1], False)"
    assert len(Varchive.at(live.written()).runs()) == 1


def test_a_cell_that_spawns_a_job_and_unhooks_cancels_it(start: Start) -> None:
    live = start(HOOK, "%thread 1 + 1\ntm.unhook()")
    assert live.ok("tm.jobs[2].status")[0].answer == "'cancelled'"
    live.ok("tm.hook()", "x = 1")
    states = tmrun.open(live.written())
    assert [states.state(n).status for n in (2, 4, 5)] == ["cancelled", "ok", "ok"]
    assert [states.state(n).job is None for n in (2, 4, 5)] == [False, True, True]


def test_what_is_shown_while_nothing_is_recorded_stands_in_its_own_cell(start: Start) -> None:
    live = start(HOOK, "%%thread\nprint('said')", "tm.wait()", "tm.unhook()", "1")
    assert live.ok("tm.jobs[2].replay()")[0].out == "said\n"
    assert len(live.ok("tm.hook(); tm.panel()")[0].displays) == 1


def test_unhook_cancels_jobs_and_says_so(start: Start) -> None:
    live = start(HOOK, "%%thread --name long\nimport time\nwhile True: time.sleep(0.01)")
    (ran,) = live.ok("tm.unhook()")
    assert "cancelled: job 2 long" in ran.out
    assert live.ok("tm.hook()", "tm.jobs[2].status")[1].answer == "'cancelled'"


def test_dontsave_takes_names_patterns_and_objects(start: Start) -> None:
    live = start(
        HOOK,
        "x, tmp_a, other, big, keep = [1], [2], [3], [4], [5]\nalias = big",
        "tm.dontsave('x', 'tmp_*')\ntm.dontsave(big)",
        "tmp_b = 1; equal = [4]\nbig",
    )
    found = tmrun.vars(live.written(), 4)
    assert sorted(found) == ["equal", "keep", "other", "tm"]
    state = found.state
    assert state.withheld == ("alias", "big", "tmp_a", "tmp_b", "x")
    # they are there: nothing says that they were deleted
    states = tmrun.open(live.written())
    assert [states.state(n).deleted for n in (3, 4)] == [(), ()]
    with pytest.raises(tmrun.NotSaved, match="dontsave"):
        found["big"]
    with pytest.raises(tmrun.NotSaved, match="not to be saved"):
        states.ans(4)
    assert tmrun.vars(live.written(), 2)["big"] == [4]


def test_an_object_that_is_not_saved_is_not_kept_alive(start: Start) -> None:
    live = start(
        HOOK,
        "class Big(list):\n    def __del__(self): print('freed')\nbig = Big([1]); tm.dontsave(big)",
        "1",
    )
    assert live.ok("del big", "2")[0].out == "freed\n"
    assert live.ok("big = Big([2])", "sorted(tm.vars(-1))")[1].answer == "['Big', 'big', 'tm']"


def test_one_in_a_circle_or_referred_to_weakly_is_not_kept_alive_either(start: Start) -> None:
    big = "class Big: pass\nbig = Big(); big.me = big; tm.dontsave(big)\nimport gc, weakref"
    live = start(HOOK, big + "\nref = weakref.ref(big)")
    assert live.ok("del big", "gc.collect(); ref()")[1].answer is None


def test_what_is_withheld_stays_so_on_going_back_and_in_another_varchive(start: Start) -> None:
    noisy = "class Noisy:\n    def __setstate__(self, state): print('loaded')\n"
    live = start(
        HOOK,
        noisy + "big, alone, other = [1, 2], Noisy(), [3]\nalone.v = 1; alias = big; pair = [big]",
        "tm.dontsave(big, alone, 'secret')\nsecret = 'k'; marks = id(big), id(alone)",
        "other.append(4); pair.append(5); keep = marks",
    )
    (ran,) = live.ok("there = id(big), id(alone)\nprint(there == keep)\ntm.past(2)")
    # it is neither loaded nor replaced, though it is in what is
    assert ran.out == "True\n"
    assert live.ok("alias is big, other, pair, pair[0] is big")[0].answer == (
        "(True, [3], [[1, 2]], False)"
    )
    assert {"big", "alias", "alone"}.isdisjoint(tmrun.vars(live.written(), -1))
    live.ok("tm.unhook(); tm.hook(varchive='b.varchive')", "secret = big")
    assert {"other", "tm"} <= {*tmrun.vars(live.written("b.varchive"), -1)}
    assert {"big", "alias", "alone", "secret"}.isdisjoint(
        tmrun.vars(live.written("b.varchive"), -1)
    )


@pytest.mark.parametrize("value", ["5", "None", "1.5", "()", "True", "b'x'"])
def test_a_value_that_many_may_have_is_not_withheld(start: Start, value: str) -> None:
    error = start(HOOK).run(f"tm.dontsave('y', {value})").error
    assert error is not None
    assert "say the name" in error


def disk(path: Path) -> set[str]:
    """Give the files of a varchive that hold something."""
    return {str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()}


def test_clear_past_frees_what_only_those_states_held(start: Start) -> None:
    live = start(
        HOOK,
        "a = bytes(range(256)) * 40_000",
        "b = a[::-1]",
        "c = b * 2; del b",
        "c = 1",
    )
    path = live.written()
    before = {n: dict(tmrun.vars(path, n)) for n in (2, 5)}
    full = disk(path)
    (ran,) = live.ok("tm.clear_past(range(3, 5))")
    assert re.search(r"2 states cleared, \d+(\.\d)? MB freed", ran.out)
    freed = full - disk(path)
    assert {f"states/00000{n}.json" for n in (3, 4)} <= {
        p.partition("/states/")[0] and "states/" + p.split("/states/")[-1]
        for p in freed
        if "/states/" in p
    }
    assert Varchive.at(path).verify() == []
    for n, values in before.items():
        assert {k: v for k, v in dict(tmrun.vars(path, n)).items() if k in "abc"} == {
            k: v for k, v in values.items() if k in "abc"
        }
    with pytest.raises(tmrun.NoSuchState):
        tmrun.vars(path, 3)
    assert "recorded: 1-2, 5-6" in str(live.run("tm.clear_past([2, 3])").error)
    assert tmrun.vars(path, 2)["a"] == before[2]["a"]


def test_clear_past_of_everything_leaves_the_notebook_and_later_states_whole(start: Start) -> None:
    live = start(
        HOOK,
        "import numpy as np\na = np.arange(500_000.); v = a[3:]\nclass C: pass\nc = C(); c.v = v",
        "x = 1",
    )
    live.ok("tm.clear_past()")
    path = live.written()
    live.ok("x = 2")
    live.written()
    assert Varchive.at(path).verify() == []
    found = tmrun.vars(path, 5)
    assert found["c"].v is found["v"]
    assert np.shares_memory(found["v"], found["a"])
    state = found.state
    # those that were there are not told as made anew
    assert (state.made, state.changed) == ((), ("x",))
    live.ok("a[0] = 7", "%past 5")
    assert (
        live.ok("a[0], np.shares_memory(v, a), type(c) is C")[0].answer
        == "(np.float64(0.0), True, True)"
    )


def test_what_is_cleared_before_it_is_on_the_disk_itself_ends_nothing(start: Start) -> None:
    large = "import os; a = os.urandom(40_000_000)"
    live = start(HOOK, large, "tm.clear_past()", large, "tm.clear_past([4])", "b = 1")
    assert live.ok("tm.archive.states()")[0].answer == "[3, 5, 6]"
    assert Varchive.at(live.written()).verify() == []


def test_a_clearing_that_is_interrupted_harms_no_later_state(start: Start) -> None:
    live = start(
        HOOK,
        "x = [1] * 1000",
        "import kernel_payload.varchive.clearing as c; whole = c._Going.remove_objects\n"
        "def stopped(self):\n    whole(self); raise KeyboardInterrupt\n"
        "c._Going.remove_objects = stopped",
    )
    assert "KeyboardInterrupt" in str(live.run("tm.clear_past()").error)
    live.ok("c._Going.remove_objects = whole", "y = 1")
    assert Varchive.at(live.written()).verify() == []
    assert tmrun.vars(live.written(), -1)["x"] == [1] * 1000


@pytest.mark.parametrize(
    ("cells", "left"),
    [("3", [1, 2, 4]), ("[-1]", [1, 2, 3]), ("(n for n in (2, 3))", [1, 4]), ("range(2, 5)", [1])],
)
def test_cells_to_clear_are_named_as_for_past(start: Start, cells: str, left: list[int]) -> None:
    live = start(HOOK, "x = 1", "x = 2", "x = 3", f"tm.clear_past({cells})")
    assert tmrun.open(live.written()).states() == [*left, 5]


@pytest.mark.parametrize("cells", ["['5']", "[5.0]", "[None]", "[True]", "'5'", "[9]"])
def test_what_is_no_cell_is_not_cleared(start: Start, cells: str) -> None:
    live = start(HOOK, "x = 1")
    error = str(live.run(f"tm.clear_past({cells})").error)
    assert error.startswith(("NoSuchState", "UsageError"))
    assert tmrun.open(live.written()).states() == [1, 2, 3]


def test_a_child_process_changes_nothing_of_what_is_recorded(start: Start) -> None:
    child = (
        "import os, sys\npid = os.fork()\nif pid == 0:\n    told = []\n"
        "    for ask in (tm.clear_past, tm.unhook, lambda: tm.saving(False)):\n"
        "        try: ask()\n        except tm.UsageError as e: told.append(str(e))\n"
        "    open('told', 'w').write(str(len([t for t in told if 'child process' in t])))\n"
        "    os._exit(0)\nos.waitpid(pid, 0)"
    )
    live = start(HOOK, "x = [1]", child, "x.append(2)")
    assert (live.folder / "told").read_text() == "3"
    assert tmrun.open(live.written()).states() == [1, 2, 3, 4]
    assert Varchive.at(live.written()).verify() == []


def test_a_job_whose_state_was_cleared_says_so(start: Start) -> None:
    live = start(HOOK, "%%thread\nprint('said'); 5", "tm.wait()", "tm.clear_past([2])")
    for ask in ("output", "replay()"):
        assert "the state of job 2 was cleared" in str(live.run(f"tm.jobs[2].{ask}").error)
    assert live.ok("Out[2]")[0].answer == "5"


def test_what_was_cleared_while_nothing_was_recorded_is_stored_again(start: Start) -> None:
    one = start(HOOK, "a = list(range(1000))", "tm.unhook()")
    path = one.folder / "study.varchive"
    assert Varchive.at(path).run().end is not None
    other = start(HOOK)
    other.ok("tm.clear_past(run=-1)")
    one.ok("tm.hook()", "b = 1")
    # it goes on, so it has not ended, and no other kernel clears it
    assert "is being recorded" in str(other.run("tm.clear_past(run=-1)").error)
    assert Varchive.at(one.written()).verify() == []
    assert Varchive.at(path).run(0).end is None
    assert tmrun.vars(path, -1, run=0)["a"] == list(range(1000))


def test_what_was_cleared_can_be_made_again(start: Start) -> None:
    make = "a = bytes(range(256)) * 8_000"
    live = start(HOOK, make, "a = 1", "tm.clear_past([2])", make, "a = 2", "b = 1")
    live.ok("tm.past(5)", "tm.clear_past([3, 4, 5])", "a = a + b''", make + "\nb = 3")
    path = live.written()
    assert Varchive.at(path).verify() == []
    assert tmrun.vars(path, -1)["a"] == bytes(range(256)) * 8_000


def test_the_run_of_another_kernel_that_lives_is_not_cleared(start: Start) -> None:
    one = start(HOOK, "x = [1]")
    one.written()
    other = start(HOOK, "y = 1")
    error = other.run("tm.clear_past(run=-1)").error
    assert error is not None
    assert "is being recorded by another kernel" in error
    one.manager.signal_kernel(9)
    one.manager.provisioner.process.wait()
    other.ok("tm.clear_past(run=-1)", "x = 1")
    assert Varchive.at(other.written()).verify() == []


def test_the_state_of_a_job_that_runs_is_not_cleared(start: Start) -> None:
    live = start(
        HOOK,
        "x = 1",
        "%%thread\nimport os, time\nwhile not os.path.exists('go'): time.sleep(.01)\nx = 5",
    )
    error = live.run("tm.clear_past([2, 3])").error
    assert error is not None
    assert "the job of cell 3 runs" in error
    live.ok("tm.clear_past()")
    (live.folder / "go").touch()
    assert live.ok("tm.wait(), tm.jobs[3].status")[0].answer == "(True, 'finished')"
    assert tmrun.vars(live.written(), 3)["x"] == 5
    assert Varchive.at(live.written()).verify() == []


def test_archive_saves_a_varchive_of_its_own_elsewhere(start: Start, tmp_path: Path) -> None:
    live = start(HOOK, "x = [1]", "x.append(2)", "tm.archive.save('copy.varchive')")
    live.ok("tm.clear_past([2])", "tm.archive.save('copy.varchive')")
    copy = live.written("copy.varchive")
    assert tmrun.open(copy).states() == [1, 2, 3, 4, 5]
    assert tmrun.vars(copy, 2)["x"] == [1]
    assert Varchive.at(copy).verify() == []
    assert "UsageError" in str(live.run("tm.archive.save('study.varchive')").error)


def test_dict_to_main_puts_variables_into_the_notebook(start: Start) -> None:
    live = start(HOOK, "x, rate = 1, 2\ndef f(): return rate * x", "x, rate = 5, 5; del f")
    live.ok("tm.dict_to_main(tm.vars(2))", "rate = 10")
    assert live.ok("f(), x")[0].answer == "(10, 1)"
    live.ok("tm.dict_to_main({'x': 3})")
    assert live.ok("f()")[0].answer == "30"


def test_threads_run_in_the_background(start: Start) -> None:
    live = start(HOOK, "items = [1]")
    live.ok("%%thread --name fit\nprint('said'); items.append(2); items", "%thread sum(items)")
    assert live.ok("tm.wait()", "Out[3], Out[4], items")[1].answer == "([1, 2], 1, [1])"
    assert live.ok("tm.jobs[3].output")[0].answer == repr("said\n[1, 2]\n")


def test_jobs_running_finished_and_spawned_tell_of_them(start: Start) -> None:
    live = start(
        HOOK,
        "%%thread\nimport os, time\nwhile not os.path.exists('go'): time.sleep(.01)",
        "%thread 1/0",
        "tm.jobs[3].wait()",
        "import time\nwhile tm.jobs[2].status == 'waiting': time.sleep(.01)",
    )
    told = "[list(j) for j in (tm.jobs, tm.spawned, tm.running, tm.finished)]"
    assert live.ok(told)[0].answer == "[[2, 3], [2, 3], [2], [3]]"
    (live.folder / "go").touch()
    assert live.ok("tm.wait()", told)[1].answer == "[[2, 3], [2, 3], [], [2, 3]]"


def test_the_ends_of_jobs_are_told_where_one_wishes(start: Start) -> None:
    live = start(HOOK, "tm.notify_jupyter(True); tm.notify_terminal(False)")
    wait = "%%thread\nimport os, time\nwhile not os.path.exists({!r}): time.sleep(.01)"
    live.ok(wait.format("one"))
    let_go = "open({!r}, 'w').close(); tm.wait()"
    assert "tmrun: job 3 finished" in live.ok(let_go.format("one"))[0].out
    live.ok("tm.notify_jupyter(False)", wait.format("two"))
    assert live.ok(let_go.format("two"))[0].out == ""
    assert live.ok("%config TimeMachine.notify_terminal")[0].answer == "False"


def test_what_happens_is_in_the_logger_tmrun(start: Start) -> None:
    debug = (
        "import logging, sys\nlog = logging.getLogger('tmrun')\nlog.setLevel('DEBUG')\n"
        "log.addHandler(logging.StreamHandler(sys.stdout))"
    )
    live = start(HOOK, debug)
    assert "cell 3 recorded in" in live.ok("x = 1")[0].out
    live.ok("log.handlers[-1].setLevel('ERROR')")
    assert live.ok("x = 2")[0].out == ""


def test_functions_and_types_are_saved(start: Start) -> None:
    live = start(
        HOOK, "class A:\n    n = 1\ndef f(): return A.n\na = A()", "A.n = 2; del f", "%past 2"
    )
    assert live.ok("f(), A.n, type(a) is A")[0].answer == "(1, 1, True)"


# -- where the varchive stands, and earlier sessions


def test_a_message_says_once_where_the_varchive_is(start: Start, tmp_path: Path) -> None:
    live = start()
    path = tmp_path / "study.varchive"
    (ran,) = live.ok("%load_ext tmrun")
    expected = f"tmrun records the variables after each cell in {path} (next to the notebook)\n"
    assert (ran.out, ran.err) == (expected, "")
    later = live.ok("x = 1", "import tmrun; tmrun.hook()", "%reload_ext tmrun")
    assert [ran.out.count("records the variables") for ran in later] == [0, 0, 0]
    assert (path.stat().st_mode & 0o777) == 0o700


def test_without_a_notebook_it_stands_with_the_users_data(start: Start, tmp_path: Path) -> None:
    live = start(notebook=None)
    (ran,) = live.ok("%load_ext tmrun")
    assert f"{tmp_path}/data/tmrun/{tmp_path.name}-" in ran.out
    assert "the notebook's path is not known here" in ran.out
    live.ok("x = 1")
    live.restart()
    live.ok("import tmrun as tm; tm.hook()")
    assert live.ok("tm.vars(2, run=-1)['x']")[0].answer == "1"
    # a console's name is no file's
    live = start(notebook=None, JPY_SESSION_NAME=str(tmp_path / "console-1-abc"))
    assert "not known here" in live.ok("%load_ext tmrun")[0].out


def test_vs_code_tells_the_notebook_in_a_variable(start: Start, tmp_path: Path) -> None:
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "code.ipynb")
    live = start(notebook=None)
    live.run(f"__vsc_ipynb_file__ = {str(tmp_path / 'code.ipynb')!r}", silent=True)
    assert f"{tmp_path}/code.varchive" in live.ok("%load_ext tmrun")[0].out
    live.ok("x = 1", "import tmrun as tm")
    assert live.ok("sorted(tm.vars(2))")[0].answer == "['x']"


def test_where_nothing_can_be_written_it_goes_to_the_users_data(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "study.varchive").write_text("no varchive")
    live = start()
    (ran,) = live.ok("%load_ext tmrun")
    assert f"{tmp_path}/data/tmrun/" in ran.out
    assert "study.varchive cannot be" in ran.out
    assert (tmp_path / "study.varchive").read_text() == "no varchive"


def test_a_place_may_be_given(start: Start, tmp_path: Path) -> None:
    live = start("import tmrun as tm; tm.hook(varchive='there/mine.varchive')", "x = 1")
    assert tmrun.vars(live.written("there/mine.varchive"), 2)["x"] == 1
    live.ok("tm.unhook()", "tm.hook(varchive='other.varchive')", "x = 2")
    assert tmrun.vars(live.written("other.varchive"), 5)["x"] == 2
    assert not (tmp_path / "study.varchive").exists()


def test_states_of_earlier_sessions_are_there_after_a_restart(start: Start) -> None:
    live = start(HOOK, "import numpy as np\na = np.arange(5)\ndef f(): return a.sum()", "x = 1")
    live.restart()
    live.ok(HOOK, "x = 2")
    live.restart()
    (ran,) = live.ok("%load_ext tmrun\nimport tmrun as tm")
    assert "earlier runs there: 2, see tmrun.runs" in ran.out
    assert live.ok("tm.vars(2, run=-1)['x'], tm.vars(3, run=-2)['x']")[0].answer == "(2, 1)"
    assert live.ok("tm.runs[-2].vars(3)['x'], list(tm.runs)")[0].answer == "(1, [-2, -1])"
    lines = str(live.ok("tm.runs")[0].answer).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["-2", "-1", "this"]
    assert "cells 1-3  study.ipynb" in lines[1]
    live.ok("tm.past(3, run=-2)")
    assert live.ok("f(), x")[0].answer == "(np.int64(10), 1)"
    live.ok("%past 2 --run -1")
    assert live.ok("x, 'f' in globals()")[0].answer == "(2, False)"
    assert "-3 is no run of" in str(live.run("tm.past(1, run=-3)").error)
    live.ok("tm.clear_past(run=-2)")
    assert live.ok("tm.runs[-2].states()")[0].answer == "[]"
    ends = [Varchive.at(live.written()).run(i).end for i in range(3)]
    assert [end and end["status"] for end in ends] == ["ended", "ended", None]


def test_a_run_of_another_user_is_not_gone_back_to(start: Start) -> None:
    live = start(HOOK, "x = 1")
    live.restart()
    live.ok(HOOK, "import os; mine = os.getuid(); os.getuid = lambda: mine + 1")
    for ask in (
        "tm.past(2, run=-1)",
        "%past 2 --run -1",
        "tm.vars(2, run=-1)",
        "tm.ans(2, run=-1)",
    ):
        assert str(live.run(ask).error).startswith("Untrusted"), ask


def test_what_was_recorded_survives_a_kill(start: Start) -> None:
    live = start(HOOK, "x = 1", "x = 2")
    live.run("x = 3")
    live.written()
    live.manager.signal_kernel(9)
    live.start()
    live.ok(HOOK)
    assert live.ok("tm.vars(4, run=-1)['x']")[0].answer == "3"


# -- settings


def configure(folder: Path, text: str) -> None:
    profile = folder / "ipython/profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text(text)


CONFIG = """
c.InteractiveShellApp.extensions = ["tmrun"]
c.TimeMachine.threads = 3
c.TimeMachine.dontsave = ["secret*"]
c.TimeMachine.job_timeout = 50
"""


def test_a_configuration_file_loads_it_and_sets_it_up(start: Start, tmp_path: Path) -> None:
    configure(tmp_path, CONFIG)
    live = start()
    assert not (tmp_path / "study.varchive").exists()
    # told where it can be read
    assert "study.varchive (next to the notebook)" in live.ok("secret_a = 1; x = 1")[0].out
    assert live.ok("%config TimeMachine.threads")[0].answer == "3"
    assert sorted(tmrun.vars(live.written(), 1)) == ["x"]
    live.ok("import tmrun as tm", "%thread 1 + 1", "tm.wait()")
    assert live.ok("tm.jobs[4].result, tm.jobs[4].timeout")[0].answer == "(2, 50.0)"
    # kernels of jobs load it too, and record nothing of their own
    assert len(Varchive.at(tmp_path / "study.varchive").runs()) == 1


def test_settings_can_be_changed_from_cells(start: Start) -> None:
    live = start("import tmrun as tm; tm.hook(threads=1, dontsave=['tmp*'])", "tmp = x = 1")
    assert sorted(tmrun.vars(live.written(), 2)) == ["tm", "x"]
    wait = "%%thread\nimport os, time\nwhile not os.path.exists('go'): time.sleep(.01)"
    live.ok(wait, wait, "import time\nwhile not tm.running: time.sleep(.01)")
    assert live.ok("[job.status for job in tm.jobs.values()]")[0].answer == "['running', 'waiting']"
    live.ok("%config TimeMachine.threads = 2", "while len(tm.running) < 2: time.sleep(.01)")
    (live.folder / "go").touch()
    live.ok("tm.wait()", "%config TimeMachine.dontsave = ['x']", "y = 1")
    assert sorted(tmrun.vars(live.written(), -1)) == ["time", "tm", "y"]
    for wrong, told in (("thread=2", "no setting 'thread'; there are"), ("threads=0", "threads")):
        assert told in str(live.run(f"tm.hook({wrong})").error)


def test_the_command_line_sets_the_same(
    record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    configure(tmp_path, CONFIG)
    cells = (
        "import tmrun as tm\ntm.hook(threads=9, job_timeout=9, dontsave=['hidden'])",
        "secret, hidden, mine, x = 1, 2, 3, 4",
        "get = lambda name: [c for c in get_ipython().configurables if type(c).__name__ == "
        "'TimeMachine'][0].trait_values()[name]\n"
        "print([get(n) for n in ('threads', 'job_timeout')])",
    )
    report = record(*cells, threads=2, dontsave=("mine",))
    assert report.status == "ok"
    assert report.complete
    outputs = [cell.outputs for cell in nbformat.read(report.output, 4).cells]
    # the command line goes before, a cell before the configuration; nothing is told of it
    assert [o.text for cell in outputs for o in cell] == ["[2, 9.0]\n"]
    assert sorted(tmrun.vars(report, 3)) == ["get", "tm", "x"]
    assert len(Varchive.at(report.varchive).runs()) == 1


def test_what_the_configuration_cannot_have_is_told_and_passed_over(
    start: Start, tmp_path: Path
) -> None:
    configure(tmp_path, "c.TimeMachine.threads = 0\nc.TimeMachine.dontsave = ['secret']\n")
    live = start()
    (ran,) = live.ok("%load_ext tmrun")
    assert "the configuration cannot be followed" in ran.err
    live.ok("import tmrun as tm; secret = 1")
    live.run("%config TimeMachine.threads = -3")
    live.ok("tm.unhook()", "tm.hook(threads=2)")
    assert live.ok("%config TimeMachine.threads")[0].answer == "2"
    assert sorted(tmrun.vars(live.written(), -1)) == ["tm"]


def test_another_place_is_refused_while_it_is_recorded(start: Start) -> None:
    live = start(HOOK)
    path = str(live.folder / "study.varchive")
    assert "tm.unhook() first" in str(live.run("tm.hook(varchive='other.varchive')").error)
    live.run("%config TimeMachine.varchive = 'other'")
    assert live.ok("%config TimeMachine.varchive")[0].answer == repr(path)
    live.ok("tm.hook(varchive='study.varchive', job_timeout=-1)")
    assert live.ok("%config TimeMachine.job_timeout")[0].answer is None


def test_where_another_place_cannot_be_had_recording_goes_on_in_the_old_one(start: Start) -> None:
    live = start(HOOK, "x = 1", "tm.unhook()")
    assert "give a place" in str(live.run("tm.hook(varchive='/proc/no/such')").error)
    live.ok("tm.hook()", "y = 2")
    assert tmrun.vars(live.written(), -1)["y"] == 2


@pytest.mark.parametrize("loads", ["a cell", "the configuration"])
def test_without_a_record_nothing_is_recorded_whatever_is_loaded(
    record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loads: str
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    configure(tmp_path, CONFIG if loads == "the configuration" else "")
    load = "%load_ext tmrun" if loads == "a cell" else "x = 1"
    report = record(load, "x = 1", record=False)
    assert report.status == "ok"
    assert [cell.outputs for cell in nbformat.read(report.output, 4).cells] == [[], []]
    assert not [*tmp_path.rglob("*.varchive")]


def test_no_cell_overrules_the_command_line(record: Any) -> None:
    read = "print([c for c in get_ipython().configurables if type(c).__name__ == 'TimeMachine']"
    report = record("%config TimeMachine.threads = 9", read + "[0].threads)", threads=1)
    assert nbformat.read(report.output, 4).cells[1].outputs[0].text == "1\n"


def test_the_tmrun_of_another_environment_gives_way_to_that_of_the_orchestrator(
    record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    for name in ("tmrun", "kernel_payload"):
        shutil.copytree(ROOT / name, other / name)
    commands = other / "kernel_payload/commands.py"
    commands.write_text(commands.read_text().replace("def adopt(", "def embrace("))
    for path in (other / "kernel_payload").glob("*.py"):
        path.write_text(path.read_text().replace("adopt", "embrace"))
    monkeypatch.setenv("PYTHONPATH", str(other))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    configure(tmp_path, CONFIG)
    report = record("x = 1", "%past 1", "%thread x + 1")
    assert (report.status, report.complete) == ("ok", True)
    assert tmrun.ans(report, 3) == 2


def test_a_notebook_that_a_cell_runs_is_not_recorded_into_that_cells_varchive(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "inner").mkdir()
    inner = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%load_ext tmrun\ny = 2")])
    nbformat.write(inner, tmp_path / "inner/inner.ipynb")
    run_it = (
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import nbclient, nbformat;"
        'nbclient.execute(nbformat.read("inner/inner.ipynb", 4))\'], check=True)'
    )
    live = start(HOOK, "x = 1", run_it)
    assert len(Varchive.at(live.written()).runs()) == 1
    (theirs,) = (tmp_path / "data/tmrun").iterdir()
    assert "y" in tmrun.vars(theirs, 1)


# -- headless, the same


def test_a_notebook_runs_headless_with_all_its_commands(record: Any) -> None:
    report = record(
        "import tmrun as tm\ntm.hook()",
        "x = [1]",
        "tm.saving(False)",
        "x.append(2)",
        "tm.saving(True)",
        "tm.dontsave('tmp'); tmp = 1",
        "tm.past(2); assert x == tm.vars(2)['x'] == [1] and tm.ans(2) is None",
        "tm.clear_past([5]); tm.archive.save('copy.varchive'); tm.runs",
        "tm.unhook()",
        "x = 5",
        "tm.hook()",
        "x",
    )
    assert [cell.error for cell in report.cells if cell.error] == []
    assert (report.status, report.complete) == ("ok", True)
    recorded = [cell.n for cell in report.cells if cell.recorded]
    assert recorded == [1, 2, 5, 6, 7, 8, 11, 12]
    assert tmrun.open(report).states() == [1, 2, 6, 7, 8, 11, 12]
    assert tmrun.vars(report, 12)["x"] == 5


PLAIN = [
    "import random\nrandom.seed(1)\nx = [1]\nclass A: pass\na = A(); a.x = x",
    "x.append(random.random())\nx",
    "1/0",
    "%%thread --name job\nx.append('job')\nx",
    "import tmrun\ntmrun.wait()",
    "del a\ny = (i for i in x)",
    "%past 2",
    "x",
]


def test_the_same_cells_give_the_same_states_as_headless(record: Any, start: Start) -> None:
    report = record("%load_ext tmrun", *PLAIN, allow_errors=True)
    live = start("%load_ext tmrun")
    answers = [live.run(cell).answer for cell in PLAIN]
    live.close()
    live.start()
    cells = nbformat.read(report.output, 4).cells[1:]
    theirs = [
        [
            o.data["text/plain"]
            for o in c.outputs
            if "data" in o and o.output_type == "execute_result"
        ]
        for c in cells
    ]
    assert [[a] for a in answers if a] == [t for i, t in enumerate(theirs) if t and i != 3]
    ours, headless = tmrun.open(live.written()), tmrun.open(report)
    for n in range(1, 10):
        one, other = ours.state(n), headless.state(n)
        for name in (
            "parent",
            "source",
            "status",
            "made",
            "changed",
            "deleted",
            "unsaved",
            "variables",
        ):
            assert getattr(one, name) == getattr(other, name), (n, name)
        told = [
            {
                k: (e.type, e.preview, e.digest if k == "x" else "")
                for k, e in r.describe(n).entries.items()
            }
            for r in (ours, headless)
        ]
        assert told[0] == told[1]


# -- nothing of it reaches the user's cells


BREAK = """
from kernel_payload import commands
recorder = commands.current().recorder
def fail(*a, **k): raise RuntimeError('inside the recorder')
recorder.record = recorder.notice = fail
del recorder, fail
"""


def test_errors_in_the_recorder_are_counted_logged_and_shown_once(start: Start) -> None:
    live = start(
        HOOK,
        "import logging, io; text = io.StringIO()\n"
        "logging.getLogger('tmrun').addHandler(logging.StreamHandler(text))",
    )
    first, second = live.ok(BREAK, "x = 1\nx")
    assert "this cell could not be recorded (RuntimeError: inside the recorder)" in first.err
    assert (second.out, second.err, second.answer) == ("", "", "1")
    assert live.ok("text.getvalue().count('inside the recorder') >= 2")[0].answer == "True"
    assert (
        live.ok("commands.status()['stopped']")[0].answer
        == "'3 cells could not be recorded, see the log'"
    )
    live.ok("tm.unhook()")
    assert live.ok("x")[0].answer == "1"


def test_unhook_works_whatever_has_become_of_the_shell(start: Start) -> None:
    live = start(
        HOOK,
        "ip = get_ipython(); ip.events.callbacks['post_run_cell'].clear()\n"
        "ip.input_transformers_cleanup.clear(); ip.configurables.clear()\n"
        "ip.magics_manager.magics['line'].pop('past')",
    )
    assert "stopped recording" in live.ok("tm.unhook()")[0].out
    assert live.ok("tm.unhook()", "1 + 1")[1].answer == "2"


def test_a_full_or_vanished_disk_stops_the_record_and_no_cell(start: Start) -> None:
    live = start(HOOK, "x = 1")
    path = live.written()
    path.rename(path.with_name("moved"))
    path.write_text("in its place")
    results = live.ok("x = 2\nx", "x = 3\nx", "x = 4\nx")
    assert [ran.answer for ran in results] == ["2", "3", "4"]
    told = "".join(ran.err for ran in results)
    assert told.count("nothing is recorded any longer") == 1, told
    path.unlink()
    assert "study.varchive" in live.ok("tm.unhook()", "tm.hook()\ny = x")[1].out
    found = tmrun.vars(live.written(), -1)
    assert (found["x"], found["y"]) == (4, 4)


def test_hook_takes_hold_again_where_a_cell_has_removed_it(start: Start) -> None:
    live = start(HOOK, "x = 1", "get_ipython().events.callbacks['post_run_cell'].clear()", "x = 2")
    live.ok("tm.hook()", "y = 1")
    states = tmrun.open(live.written())
    assert states.states() == [1, 2, 5, 6]
    assert states.state(5).changed == ("x",)


def test_a_name_that_python_cannot_have_is_no_trouble(start: Start) -> None:
    live = start(HOOK, "x = 1", "globals()[''] = 7", "y = 1", "tm.past(2)")
    assert [ran.err for ran in live.ok("x")] == [""]
    assert tmrun.open(live.written()).states() == [1, 2, 3, 4, 5, 6]


def test_in_a_job_the_recording_cannot_be_changed(start: Start) -> None:
    cells = [
        f"%%thread\nimport tmrun as tm\ntm.{call}"
        for call in ("unhook()", "saving(False)", "clear_past()", "past(1)", "dontsave('x')")
    ]
    live = start(HOOK, "x = 1", *cells, "tm.wait()")
    told = live.ok("[job.error['ename'] for job in tm.jobs.values()]")[0].answer
    assert told == str(["UsageError"] * 5)
    live.ok("%%thread\nimport tmrun as tm\ntm.hook(); tm.vars(2)['x'] + 1", "tm.wait()")
    assert live.ok("Out[10]")[0].answer == "2"


def test_in_plain_ipython_it_serves_too(tmp_path: Path) -> None:
    script = "\n".join(
        ["%load_ext tmrun", "import tmrun as tm", "x = [1]", "x.append(2)", "%past 3", "x",
         "%thread sum(x)", "tm.wait()", "Out[7]", "tm.vars(4)['x']", "tm.panel()", "exit"]
    )  # fmt: skip
    environment = {
        **os.environ,
        "IPYTHONDIR": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    environment.pop("JPY_SESSION_NAME", None)
    command = [
        sys.executable,
        "-m",
        "IPython",
        "--simple-prompt",
        "--no-banner",
        "--colors=NoColor",
    ]
    done = subprocess.run(
        command, input=script, capture_output=True, text=True, cwd=tmp_path, env=environment,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    text = done.stdout
    assert done.returncode == 0, done.stderr
    assert "Out[6]: [1]" in text
    assert "Out[9]: 1" in text
    assert "Out[10]: [1, 2]" in text
    assert "tmrun records the variables" in text
    (path,) = (tmp_path / "data/tmrun").iterdir()
    assert tmrun.open(path).run.end is not None


def test_outside_of_notebooks_each_command_says_what_it_is_for() -> None:
    for call in ("hook()", "vars(3)", "past(3)", "archive", "runs", "panel()", "saving(True)"):
        code = f"import tmrun\ntry: tmrun.{call}\nexcept tmrun.TmrunError as e: print(e)"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert "%load_ext tmrun" in done.stdout, call
    code = "import tmrun; tmrun.unhook(); print(list(tmrun.jobs))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
