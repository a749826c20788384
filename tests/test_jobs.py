"""Jobs as the notebook sees them: cells that run in the background, in kernels of their own.

No cell sleeps in order to be right: who must come second waits for a file that the first one makes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import nbformat
import numpy as np
import psutil
import pytest

import tmrun
from tmrun.plan import Options
from tmrun.report import JobEnded
from tmrun.runner import run

if TYPE_CHECKING:
    from pathlib import Path

    from tmrun.report import Event

BEGIN = """
import os, pathlib, sys, time
import tmrun
def until(name):
    while not os.path.exists(name): time.sleep(0.005)
def say(name):
    pathlib.Path(name).touch()
def until_status(n, *statuses):
    while tmrun.jobs[n].status not in statuses: time.sleep(0.005)
"""
"""The first cell: with it, cells and jobs wait for each other."""

PATIENT = {"threads": 2, "timeout": 100, "job_timeout": 100}
"""Options by which a notebook that waits in vain ends."""


def play(record: Any, *sources: str, **options: Any) -> Any:
    """Run `BEGIN` and cells."""
    return record(BEGIN, *sources, **{**PATIENT, **options})


def failures(report: Any) -> list[str]:
    """Give the errors of the cells, those that asserts found among them."""
    return [f"cell {c.n}: {c.error.ename}: {c.error.evalue}" for c in report.cells if c.error]


def outputs(report: Any, n: int) -> list[Any]:
    """Give the outputs that stand in a cell of the output notebook, streams joined."""
    found: list[Any] = []
    for output in nbformat.read(report.output, 4).cells[n - 1].outputs:
        last: Any = found[-1] if found else {}
        if "text" in output and last.get("name") == output.name:
            # where a stream is cut is a matter of time
            last.text += output.text
        else:
            found.append(output)
    return found


def said(report: Any, n: int, stream: str = "stdout") -> str:
    """Give what stands in a cell as printed."""
    return "".join(o.text for o in outputs(report, n) if o.get("name") == stream)


def status(report: Any, n: int) -> tuple[str, bool]:
    """Give what the report says of a cell: its status, and whether it is a job."""
    return report.cells[n - 1].status, report.cells[n - 1].job


# -- what a job works on, and what becomes of it


def test_nothing_that_later_cells_do_reaches_a_job_and_nothing_that_it_does_the_notebook(
    record: Any,
) -> None:
    report = play(
        record,
        "x, items, other, gone = 1, [1], [0], 1\nrates = {'a': items}",
        "%%thread --name 'the fit' --timeout 50\nuntil('changed')\n"
        "assert (x, items, rates['a'] is items, gone) == (1, [1], True, 1)\n"
        "x = 'job'\nitems.append('job')\nmade = 1\ndel gone\nx, items",
        "x = 2\nitems.append(2)\nlater = 1\nassert tmrun.jobs[3].status in ('waiting', 'running')\n"
        "say('changed')",
        "assert tmrun.jobs[3].wait() is True\n"
        "assert (x, items, rates, gone) == (2, [1, 2], {'a': [1, 2]}, 1)\n"
        "assert 'made' not in globals()",
        "job = tmrun.jobs[3]\nassert Out[3] == _3 == job.result == ('job', [1, 'job'])\n"
        "assert (job.n, job.name, job.timeout, job.status) == (3, 'the fit', 50.0, 'finished')\n"
        "assert job.error is None and job.reason is None",
        "%thread --name=short --timeout 40.5 sum(items)",
        "job = tmrun.jobs[7]\nassert job.wait() and Out[7] == _7 == job.result == 3\n"
        "assert (job.name, job.timeout) == ('short', 40.5)",
    )
    assert failures(report) == []
    assert report.status == "ok"
    recording = tmrun.open(report)
    after = recording.vars(3)
    assert (after["x"], after["items"], after["made"], after["other"]) == (
        "job",
        [1, "job"],
        1,
        [0],
    )
    assert after["rates"]["a"] is after["items"]
    assert "gone" not in after
    assert "later" not in after
    state = recording.state(3)
    assert (state.made, state.changed, state.deleted) == (
        ("made",),
        ("items", "rates", "x"),
        ("gone",),
    )
    assert (state.status, state.parent, recording.state(4).parent) == ("ok", 2, 2)
    assert state.job is not None
    assert (state.job["name"], state.job["status"]) == ("the fit", "finished")
    beyond = recording.vars(4)
    assert (beyond["x"], beyond["items"], beyond["gone"]) == (2, [1, 2], 1)
    assert "made" not in beyond
    assert recording.ans(3) == ("job", [1, "job"])
    assert recording.ans(7) == 3


def test_a_mixed_cell_spawns_on_the_variables_of_that_moment(record: Any) -> None:
    report = play(
        record,
        "def f(x): return [x, 'f']\nlog = []",
        "x = 5\n%thread f(x)\nx = 9\nlog.append('cell')",
        "assert x == 9 and tmrun.jobs[3].wait() and Out[3] == [5, 'f'] and log == ['cell']",
        "log = ['new']\n%thread log.append('job')\nlog.append('cell')\nonly = 1",
        "assert tmrun.jobs[5].wait() and log == ['new', 'cell'] and 5 not in Out",
        "for i in range(3, 4):\n    %thread i + x",
        "assert tmrun.jobs[7].wait() and Out[7] == 12",
    )
    assert failures(report) == []
    recording = tmrun.open(report)
    assert (recording.vars(3)["x"], recording.vars(3)["log"]) == (9, ["cell"])
    assert (recording.vars(4)["x"], recording.vars(4)["log"]) == (9, ["cell"])
    # what the job did is laid over what its cell did beside it
    assert (recording.vars(5)["log"], recording.vars(5)["only"]) == (["new", "job"], 1)
    assert recording.vars(6)["log"] == ["new", "cell"]


def test_the_answer_is_there_at_the_next_cell_without_waiting_for_the_job(record: Any) -> None:
    report = play(
        record,
        "%%thread\n{'loss': 1}",
        "until_status(2, 'finished')",
        "assert Out[2] == _2 == {'loss': 1} and _2 is Out[2]",
        "%%thread\nmade = 5",
        "tmrun.wait()\nassert 5 not in Out and tmrun.jobs[5].result is None",
        "%thread Out[2], _2",
        "tmrun.wait()\nassert Out[7] == ({'loss': 1}, {'loss': 1}) and Out[7][0] is not Out[2]",
    )
    assert failures(report) == []
    assert tmrun.ans(report, 5) is None


def test_a_failure_keeps_traceback_output_and_the_state_at_the_failure(record: Any) -> None:
    report = play(
        record,
        "x = [1]\nuntouched = 'as it was'\ndef halve(v): return v / 0",
        "%%thread --name bad\nx.append(2)\nmade = 1\nprint('so far')\nhalve(2)\nmade = 2",
        "job = tmrun.jobs[3]\nassert job.wait() and job.status == 'failed' and x == [1]\n"
        "assert (job.error['ename'], job.error['evalue']) == ('ZeroDivisionError', "
        "'division by zero')\n"
        "assert any('halve' in line for line in job.error['traceback'])\n"
        "try: job.result\n"
        "except tmrun.TmrunError as error: print(error)\n"
        "assert 3 not in Out",
        tags={3: ["raises-exception"]},
    )
    assert failures(report)[0] == "cell 3: ZeroDivisionError: division by zero"
    assert len(failures(report)) == 1
    assert status(report, 3) == ("allowed", True)
    assert said(report, 4) == (
        "job 3 bad has no result: failed: ZeroDivisionError: division by zero; see job.output\n"
    )
    printed, error = outputs(report, 3)
    assert printed.text == "so far\n"
    assert (error.output_type, error.ename) == ("error", "ZeroDivisionError")
    text = "\n".join(error.traceback)
    assert "halve" in text
    # numbered as in the cell, of which %%thread is the first line
    assert "line 5" in text
    found = tmrun.vars(report, 3)
    assert (found["x"], found["made"], found["untouched"]) == ([1, 2], 1, "as it was")
    state = tmrun.open(report).state(3)
    assert (state.status, state.error) == (
        "error",
        {"ename": "ZeroDivisionError", "evalue": "division by zero"},
    )


def test_functions_classes_arrays_and_closures_of_the_notebook_work_in_a_job(record: Any) -> None:
    report = play(
        record,
        "import numpy as np, enum, dataclasses\n"
        "class Model:\n    made = []\n    def __init__(self, rate): self.rate = rate\n"
        "    def step(self): return scale * self.rate\n"
        "class Color(enum.Enum): RED = 1\n"
        "@dataclasses.dataclass\nclass Point:\n    x: int\n"
        "scale = 2\nmodel = Model(3)\na = np.arange(200_000.)\nv = a[:3]\n"
        "def counter():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n"
        "        return n\n    return up\nup = counter()\nup()",
        "%%thread\nassert type(model) is Model and np.shares_memory(v, a) and model.step() == 6\n"
        "a[0] = -1\nscale = 5\nModel.made.append(1)\nup()\n"
        "class Fresh:\n    def tell(self): return scale\n"
        "[model, Model(up()), Color.RED, Point(1), model.step(), v[0], Fresh()]",
        "assert tmrun.wait()\nfirst, second, red, point, step, head, fresh = Out[3]\n"
        "assert type(first) is type(second) is Model and red is Color.RED\n"
        "assert type(point) is Point and point == Point(1)\n"
        "assert first is not model and first.rate == 3 and second.rate == 3\n"
        "assert (step, head) == (15, -1) and (a[0], v[0], scale, Model.made) == (0, 0, 2, [])\n"
        "assert up() == 2 and first.step() == 6\n"
        "assert type(fresh).__name__ == 'Fresh' and fresh.tell() == 2",
    )
    assert failures(report) == []
    found = tmrun.vars(report, 3)
    assert (found["a"][0], found["v"][0], found["scale"]) == (-1, -1, 5)
    assert np.shares_memory(found["v"], found["a"])
    assert type(found["model"]) is found["Model"]
    assert found["Model"].made == [1]
    assert (found["up"](), found["model"].step(), found["Fresh"]().tell()) == (4, 15, 5)
    assert tmrun.vars(report, 4)["Model"].made == []


def test_a_job_loads_only_the_variables_that_it_may_use(record: Any) -> None:
    report = play(
        record,
        "class Loud:\n    def __init__(self, name): self.name = name\n"
        "    def __setstate__(self, state):\n        self.__dict__ = state\n"
        "        pathlib.Path('loaded-' + self.name).touch()\n"
        "idle, named, reached = Loud('a'), Loud('b'), Loud('c')\n"
        "def through(): return reached.name",
        "%%thread\nnamed.name",
        "assert tmrun.wait()\n"
        "tmrun.loaded = sorted(p.name for p in pathlib.Path().glob('loaded-*'))\n"
        "assert tmrun.loaded == ['loaded-b'], tmrun.loaded",
        "%%thread\nthrough()",
        "assert tmrun.wait() and _5 == 'c'\n"
        "tmrun.loaded = sorted(p.name for p in pathlib.Path().glob('loaded-*'))\n"
        "assert tmrun.loaded == ['loaded-b', 'loaded-c'], tmrun.loaded",
        "%%thread\nlen(globals())",
        "assert tmrun.wait()\n"
        "tmrun.loaded = sorted(p.name for p in pathlib.Path().glob('loaded-*'))\n"
        "assert tmrun.loaded == ['loaded-a', 'loaded-b', 'loaded-c'], tmrun.loaded",
    )
    assert failures(report) == []
    states = [tmrun.open(report).state(n) for n in (3, 5, 7)]
    assert [state.changed for state in states] == [()] * 3
    # what was not loaded is in the state all the same
    assert [[*tmrun.vars(report, n)] for n in (3, 5, 7)] == [[*tmrun.vars(report, 2)]] * 3


def test_a_variable_that_is_named_at_the_begin_of_a_line_is_one_that_is_used(record: Any) -> None:
    """In the text of a cell magic, what stands before it is an escaped line feed: ``\\nx``."""
    report = record(
        "import tmrun\nx, y = [1], [1]",
        "first = 1\nx.append(2)\nx",
        "%%thread\n%%time\nfirst = 1\nx.append(3)\nx",
        "%%thread\nfirst = 1\nx.append(4)\nx",
        "%%time\nfirst = 1\ny.append(2)",
        "tmrun.wait()",
        tags={2: ["thread"]},
        **PATIENT,
    )
    assert failures(report) == []
    assert [tmrun.ans(report, n) for n in (2, 3, 4)] == [[1, 2], [1, 3], [1, 4]]
    assert tmrun.vars(report, 5)["y"] == [1, 2]


def test_the_generators_of_random_numbers_are_as_at_the_spawn(record: Any) -> None:
    draw = "draws = random.random(), np.random.rand(), rng.random()\ndraws"
    report = play(
        record,
        "import random\nimport numpy as np\nrandom.seed(7); np.random.seed(8)\n"
        "rng = np.random.default_rng(9)\nrandom.random(); np.random.rand(); rng.random()",
        f"%%thread\nuntil('drawn')\n{draw}",
        f"{draw}",
        "say('drawn')\nassert tmrun.wait() and Out[3] == draws",
        # what the job drew is no matter of the notebook's
        "tmrun.more = random.random(), np.random.rand(), rng.random()",
        "%past 3",
        "assert (random.random(), np.random.rand(), rng.random()) == tmrun.more",
    )
    assert failures(report) == []
    assert tmrun.vars(report, 3)["draws"] == tmrun.vars(report, 4)["draws"]


def test_directory_environment_and_paths_are_those_of_the_notebook_at_the_spawn(
    record: Any,
) -> None:
    tell = (
        "[os.getcwd(), os.environ.get('TMRUN_PROBE'), 'PATH' in os.environ, sys.path,"
        " sys.executable]"
    )
    report = play(
        record,
        "import tempfile\ntop = os.getcwd()\nos.mkdir('deeper')\nos.chdir('deeper')\n"
        "sys.path.insert(0, os.getcwd())\n"
        "pathlib.Path('probe_module.py').write_text('value = 5')\n"
        "os.environ['TMRUN_PROBE'] = 'set'",
        f"%%thread\nimport probe_module\nos.chdir('..')\nos.environ['TMRUN_PROBE'] = 'job'\n"
        f"sys.path.clear()\nprobe_module.value, {tell}",
        f"mine = {tell}",
        f"tmrun.wait()\nassert mine == {tell} and mine[0].endswith('deeper') and mine[1] == 'set'\n"
        "assert Out[3] == (5, [top, 'job', True, [], sys.executable])",
        f"%%thread\n{tell}",
        f"tmrun.wait()\nassert Out[6] == {tell}",
        "del os.environ['TMRUN_PROBE']\nos.chdir(top)\nsys.path.pop(0)",
        f"%%thread\n{tell}",
        f"tmrun.wait()\nassert Out[9] == {tell} and Out[9][1] is None",
    )
    assert failures(report) == []
    recording = tmrun.open(report)
    assert [recording.state(n).cwd for n in (3, 4, 6, 9)] == [".", "deeper", "deeper", "."]


def test_going_back_to_the_state_of_a_job_and_on(record: Any) -> None:
    report = play(
        record,
        "x, items = 1, [1]\nclass A: level = 1\na = A()\nwas = id(A)",
        "%%thread\nuntil('go')\nx = 2\nitems.append(2)\nA.level = 2\nmade = A()\n'the answer'",
        "x = 3\nitems.append(3)",
        # as long as it has not ended, its state is that at the spawn
        "%past 3\nassert (x, items, A.level) == (1, [1], 1) and 'made' not in globals()\nsay('go')",
        "assert tmrun.wait() and (x, items) == (1, [1])",
        "answer = tmrun.past(3)\nassert answer == 'the answer'\n"
        "assert (x, items, A.level) == (2, [1, 2], 2) and type(made) is A is type(a)\n"
        "assert id(A) == was",
        "x += 10\nmade.note = 1",
        "%%thread\nx += 100\nx",
        "tmrun.wait()\nassert Out[9] == 112 and x == 12",
        "%past 4\nassert (x, items, A.level) == (3, [1, 3], 1) and 'made' not in globals()",
        "%past 9\nassert x == 112 and made.note == 1 and items == [1, 2]",
    )
    assert failures(report) == []
    parents = [tmrun.open(report).state(n).parent for n in range(3, 13)]
    assert parents == [2, 2, 3, 5, 3, 7, 8, 8, 4, 9]


# -- what is refused

REFUSED = {
    "%thread 1\n%thread 2": "cell 2 has a job already, and a cell has one at most",
    "%%thread --nam x\n1": "%thread has no option --nam; there are --name and --timeout",
    "%%thread --timeout soon\n1": "--timeout takes a number of seconds above 0, not 'soon'",
    "%%thread --timeout -1\n1": "--timeout takes a number of seconds above 0, not '-1'",
    "%thread --timeout 0 1": "--timeout takes a number of seconds above 0, not '0'",
    "%%thread --timeout\n1": "--timeout takes a value",
    "%%thread fit(x)\n1": "cannot make sense of 'fit(x)': say %%thread --name NAME",
    "%%thread\n\n": "there is nothing to run: put code below %%thread, or after %thread",
    "%thread": "there is nothing to run",
    "%thread --name only": "there is nothing to run",
    "get_ipython().run_cell('%thread 5', store_history=False).raise_error()": None,
}
"""Cell -> what is said of it; None: it has a job like others."""

IN_A_JOB = {
    "%%thread\n%thread 1": "this cell is a job: it can neither go back nor have jobs of its own",
    "%%thread\n%past 1": "this cell is a job: it can neither go back nor",
    "%%thread\ntmrun.past(1)": "this cell is a job: it can neither go back nor",
    "%thread get_ipython().run_line_magic('thread', '1')": "this cell is a job",
}


def test_what_is_refused_is_said_and_the_notebook_goes_on(record: Any) -> None:
    report = record(
        "import tmrun",
        *REFUSED,
        *IN_A_JOB,
        "tmrun.wait()\nprint(*tmrun.jobs)\nprint([job.status for job in tmrun.jobs.values()])",
        "assert tmrun.jobs[2].result == 1\n"
        "try: tmrun.jobs[3]\nexcept KeyError as error: print(error.args[0])",
        **PATIENT,
        allow_errors=True,
    )
    cells = report.cells[1:]
    told = {**REFUSED, **IN_A_JOB}
    for cell, (source, message) in zip(cells, told.items(), strict=False):
        found = cell.error and cell.error.evalue
        assert (message is None and found is None) or message in (found or ""), (source, found)
    last = len(REFUSED) + 1
    spawned = [2, last, *range(last + 1, last + 1 + len(IN_A_JOB))]
    numbers, statuses = said(report, len(told) + 2).splitlines()
    assert numbers == " ".join(map(str, spawned))
    assert statuses == str(["finished", "finished", *["failed"] * len(IN_A_JOB)])
    assert said(report, len(told) + 3) == (
        f"cell 3 has no job (jobs: {', '.join(map(str, spawned))})\n"
    )
    assert report.cells[-1].error is None


def test_the_tag_makes_a_job_of_a_cell(record: Any) -> None:
    sources = (
        "x = [1]",
        "length = len(x)\nx.append('job')\nx",
        "%%thread --name own\nx.append('own')\nx",
        "%%time\nlength = len(x)\nx.append('timed')\nx",
        "x.append('notebook')\nx / 0",
        "import tmrun\ntmrun.wait()\nassert Out[2] == [1, 'job'] and x == [1]\n"
        "assert Out[3] == [1, 'own'] and tmrun.jobs[3].name == 'own'\n"
        "print(*tmrun.jobs)",
    )
    thread = {n: ["thread"] for n in (2, 3, 4)} | {5: ["thread", "raises-exception"]}
    report = record(*sources, tags=thread, **PATIENT)
    assert [c.n for c in report.cells if c.error] == [5]
    assert said(report, 6) == "2 3 4 5\n"
    assert [status(report, n) for n in range(1, 7)] == [
        ("ok", False),
        *[("ok", True)] * 3,
        ("allowed", True),
        ("ok", False),
    ]
    assert tmrun.vars(report, 4)["x"] == [1, "timed"]
    assert "Wall time" in said(report, 4)
    assert report.cells[4].error is not None
    assert report.cells[4].error.lineno == 2
    source = nbformat.read(report.output, 4).cells[1].source
    assert source == tmrun.open(report).state(2).source == sources[1]
    # where there is no record, the cell is one like any other
    plain = record(
        "x = [1]", "x.append('cell')", "assert x == [1, 'cell']", tags={2: ["thread"]}, record=False
    )
    assert failures(plain) == []
    assert plain.cells[1].job is False


# -- the jobs of a notebook


def test_at_most_so_many_run_at_once_and_tables_tell_of_all(record: Any) -> None:
    report = play(
        record,
        "assert repr(tmrun.jobs) == 'no jobs' and len(tmrun.jobs) == 0 and tmrun.wait()\n"
        "try: tmrun.jobs[1]\nexcept KeyError as error: print(error.args[0])",
        "%%thread --name <first>\nprint('<b>line</b>', flush=True)\nuntil('one')\n'<i>'",
        "%%thread\nuntil('two')\n2",
        "%%thread\n3",
        "until_status(3, 'running')\n"
        "while '<b>' not in tmrun.jobs[3].output: time.sleep(0.005)\n"
        "assert [job.status for job in tmrun.jobs.values()] == ['running', 'waiting', 'waiting']\n"
        "assert [*tmrun.running] == [3] and [*tmrun.finished] == []\n"
        "assert [*tmrun.spawned] == [3, 4, 5]\n"
        "assert tmrun.jobs[3].seconds > 0 and tmrun.jobs[4].seconds is None\n"
        "assert tmrun.jobs[4].output == '' and tmrun.jobs[4].outputs == []\n"
        "assert tmrun.jobs[4].wait(0.01) is False and tmrun.wait(0.01) is False\n"
        "print(tmrun.jobs)\nprint(repr(tmrun.jobs[4]))\ntmrun.jobs[3]",
        "for n in (3, 4):\n"
        "    try: tmrun.jobs[n].result\n    except tmrun.TmrunError as error: print(error)\n"
        "say('one')\nassert tmrun.jobs[3].wait(90) is True\n"
        "until_status(4, 'running')\nassert tmrun.jobs[5].status == 'waiting'\n"
        "assert [*tmrun.running] == [4] and [*tmrun.finished] == [3]\n",
        "say('two')\nassert tmrun.wait(90) is True and tmrun.wait() is True\n"
        "assert len(tmrun.running) == 0 and [*tmrun.finished] == [*tmrun.jobs] == [3, 4, 5]\n"
        "assert [job.result for job in tmrun.jobs.values()] == ['<i>', 2, 3]\n"
        "print(tmrun.jobs)\ntmrun.finished",
        threads=1,
    )
    assert failures(report) == []
    assert said(report, 2) == "cell 1 has no job (jobs: none)\n"
    table = said(report, 6).splitlines()
    assert table[0].split() == ["cell", "name", "status", "time", "CPU", "memory", "last", "output"]
    assert table[1].split()[:3] == ["3", "<first>", "running"]
    assert table[1].endswith("<b>line</b>")
    assert table[2].split() == ["4", "waiting"]
    assert table[4] == "job 4: waiting"
    card = outputs(report, 6)[-1].data
    assert card["text/plain"].startswith("job 3 <first>: running, ")
    assert card["text/plain"].endswith("\n  <b>line</b>")
    assert "&lt;first&gt;" in card["text/html"]
    assert "&lt;b&gt;line&lt;/b&gt;" in card["text/html"]
    assert "<first>" not in card["text/html"]
    assert said(report, 7).splitlines() == [
        "job 3 <first> has no result: running; wait for it with job.wait()",
        "job 4 has no result: waiting; wait for it with job.wait()",
    ]
    last = said(report, 8).splitlines()
    assert [line.split()[0] for line in last] == ["cell", "3", "4", "5"]
    assert [line.split()[-1] for line in last[1:]] == ["'<i>'", "2", "3"]
    page = outputs(report, 8)[-1].data["text/html"]
    assert page.startswith("<table>")
    assert page.count("<tr>") == 4
    assert "<td>&lt;first&gt;</td>" in page


def test_jobs_run_at_the_same_time(record: Any) -> None:
    meet = "%%thread\nsay('{0}')\nuntil('{1}')\nuntil('{2}')\n'{0}'"
    report = play(
        record,
        meet.format("a", "b", "c"),
        meet.format("b", "c", "a"),
        meet.format("c", "a", "b"),
        "assert tmrun.wait() and (Out[2], Out[3], Out[4]) == ('a', 'b', 'c')",
        threads=3,
    )
    assert failures(report) == []


def test_many_jobs_each_have_their_own_output_and_none_is_in_another_cell(record: Any) -> None:
    many = 8
    job = "for i in range(200): print(n, i)\nsys.stderr.write(f'{n}\\n')\nn"
    report = play(
        record,
        *(f"n = {n}\n%thread exec({job!r})" for n in range(many)),
        "print('mine')\nassert tmrun.wait()\nprint('mine')",
        threads=4,
    )
    assert failures(report) == []
    for n in range(many):
        assert said(report, n + 2) == "".join(f"{n} {i}\n" for i in range(200))
        assert said(report, n + 2, "stderr") == f"{n}\n"
        assert tmrun.vars(report, n + 2)["n"] == n
    assert said(report, many + 2) == "mine\nmine\n"
    assert len(outputs(report, many + 2)) == 1


def test_a_job_that_waits_and_one_that_runs_are_cancelled(record: Any) -> None:
    report = play(
        record,
        "x = [1]",
        "%%thread\nx.append(2)\nprint('begun', flush=True)\nsay('begun')\nuntil('never')",
        "%%thread\nsay('it ran')",
        "%%thread\n'after'",
        "until('begun')\ntmrun.jobs[4].cancel()\nassert tmrun.jobs[4].wait()\n"
        "statuses = [job.status for job in tmrun.jobs.values()]\n"
        "assert statuses == ['running', 'cancelled', 'waiting']\n"
        "tmrun.jobs[4].cancel()\n"
        "tmrun.jobs[3].cancel()\ntmrun.jobs[3].cancel()\nassert tmrun.jobs[3].wait()\n"
        "assert tmrun.jobs[3].status == 'cancelled' and tmrun.jobs[5].wait()\n"
        "assert not os.path.exists('it ran') and tmrun.jobs[5].result == 'after'\n"
        "for n in (3, 4):\n"
        "    try: tmrun.jobs[n].result\n    except tmrun.TmrunError as error: print(error)\n"
        "job = tmrun.jobs[4]\n"
        "assert (job.seconds, job.cpu_seconds, job.peak_memory) == (None, 0, 0)\n"
        "assert job.output == 'tmrun: job 4 cancelled\\n'",
        threads=1,
    )
    assert failures(report) == ["cell 3: KeyboardInterrupt: "]
    assert [status(report, n)[0] for n in (3, 4, 5)] == ["cancelled", "cancelled", "ok"]
    assert said(report, 6).splitlines() == [
        "job 3 has no result: cancelled; see job.output",
        "job 4 has no result: cancelled; see job.output",
    ]
    assert said(report, 3) == "begun\n"
    recording = tmrun.open(report)
    assert recording.vars(3)["x"] == [1, 2]
    assert recording.vars(4)["x"] == [1]
    states = [recording.state(n) for n in (3, 4, 5)]
    told = [(state.status, (state.job or {}).get("status")) for state in states]
    assert told == [("cancelled",) * 2, ("cancelled",) * 2, ("ok", "finished")]


def test_a_job_that_is_cancelled_while_its_variables_load_does_not_run(record: Any) -> None:
    report = play(
        record,
        "class Slow:\n    def __setstate__(self, state):\n        say('loads')\n"
        "        until('never')\nslow = Slow()\nslow.x = 1",
        "%%thread\nslow\nsay('it ran')",
        "until('loads')\ntmrun.jobs[3].cancel()\nassert tmrun.jobs[3].wait()\n"
        "assert tmrun.jobs[3].status == 'cancelled' and not os.path.exists('it ran')",
    )
    assert failures(report) == []
    assert status(report, 3) == ("cancelled", True)


def test_a_job_is_cancelled_by_the_cell_that_spawns_it(record: Any) -> None:
    report = play(
        record,
        "%thread say('it ran')\ntmrun.jobs[2].cancel()",
        "assert tmrun.jobs[2].wait()\n"
        "assert tmrun.jobs[2].status == 'cancelled' and not os.path.exists('it ran')",
    )
    assert failures(report) == []


def test_a_job_that_does_not_heed_the_interrupt_is_killed(record: Any) -> None:
    report = play(
        record,
        "x = 1",
        "%%thread\nimport signal\nx = 2\nprint('deaf', flush=True)\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "pathlib.Path('part').write_text(str(os.getpid()))\nos.rename('part', 'pid')\n"
        "until('never')",
        "until('pid')\njob = tmrun.jobs[3]\njob.cancel()\nassert job.wait()\n"
        "assert job.output.startswith('deaf\\ntmrun: job 3 cancelled: ')\n"
        "assert job.status == 'cancelled'\nprint(job.told)\n"
        "while os.path.exists('/proc/' + pathlib.Path('pid').read_text()): time.sleep(0.005)",
        "%thread x + 1",
        "assert tmrun.wait() and Out[5] == 2",
    )
    assert failures(report) == []
    assert said(report, 4) == (
        "cancelled: it did not end when it was interrupted, and was killed\n"
    )
    # it recorded no end: what it ran on is what there is
    assert tmrun.vars(report, 3)["x"] == 1
    assert status(report, 3) == ("cancelled", True)


def test_what_a_job_takes_is_measured(record: Any) -> None:
    report = play(
        record,
        "%%thread\nbegan = time.monotonic()\n"
        "block = b'x' * 300_000_000\ndel block\nuntil('go')\ntime.monotonic() - began",
        "say('go')\njob = tmrun.jobs[2]\nassert job.wait() and job.seconds >= job.result > 0\n"
        "assert 300e6 <= job.peak_memory < 3e9",
        "%%thread\nimport subprocess\n"
        "code = 'import time\\nwhile time.process_time() < 0.5: pass'\n"
        "subprocess.run([sys.executable, '-c', code])",
        "job = tmrun.jobs[4]\nassert job.wait() and job.cpu_seconds >= 0.5\n"
        "assert 1e6 < job.peak_memory < 300e6, job.peak_memory",
    )
    assert failures(report) == []
    told = tmrun.open(report).state(2).job
    assert told is not None
    assert told["peak_memory"] >= 300_000_000


# -- what a job puts out


def test_everything_that_a_job_puts_out_is_captured(record: Any) -> None:
    report = play(
        record,
        "%%thread\nimport ctypes, subprocess, warnings\nprint('python')\n"
        "print('python err', file=sys.stderr)\nos.write(1, b'descriptor\\n')\n"
        "os.write(2, b'descriptor err\\n')\nlibc = ctypes.CDLL(None)\nlibc.puts(b'library')\n"
        "libc.fflush(None)\nsubprocess.run('echo child; echo child err >&2', shell=True)\n"
        "!echo shell\nos.system('echo system')\nwarnings.warn('careful')",
        "%%thread\nfrom IPython.display import HTML, clear_output, display\n"
        "print('gone'); display('gone'); clear_output()\n"
        "print('gone, too'); clear_output(wait=True); print('kept')\n"
        "handle = display('first', display_id=True)\n"
        "display(HTML('<b>rich</b>'), metadata={'a': 1})\n"
        "handle.update('second')\n'answer'",
        "%%thread\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('plotted')",
        "%%thread\nfor i in range(101): print(f'\\r{i:3} %', end='')\nprint()\n"
        "print('ab\\b\\bX')\nprint('one\\r\\ntwo')",
        "print('quiet')\ntmrun.wait()\nprint([tmrun.jobs[n].output for n in (3, 4, 5)])\n"
        "assert tmrun.jobs[3].outputs[0]['text'] == 'kept\\n'",
    )
    assert failures(report) == []
    assert sorted(line.strip() for line in said(report, 2).splitlines()) == [
        "child",
        "descriptor",
        "library",
        "python",
        "shell",
        "system",
    ]
    err = said(report, 2, "stderr").splitlines()
    assert {"python err", "descriptor err", "child err"} <= {*err}
    assert any("UserWarning: careful" in line for line in err)
    kept, first, rich, answer = outputs(report, 3)
    assert (kept.text, first.data["text/plain"]) == ("kept\n", "'second'")
    assert (rich.data["text/html"], rich.metadata) == ("<b>rich</b>", {"a": 1})
    assert (answer.output_type, answer.execution_count) == ("execute_result", 3)
    assert any("image/png" in o.get("data", {}) for o in outputs(report, 4))
    assert said(report, 4) == "plotted\n"
    texts = said(report, 6)
    assert texts.startswith("quiet\n")
    assert len(outputs(report, 6)) == 1
    assert eval(texts.splitlines()[1]) == [
        "kept\n'second'\n<IPython.core.display.HTML object>\n'answer'\n",
        "plotted\n<Figure size 640x480 with 1 Axes>\n",
        "100 %\nXb\none\ntwo\n",
    ]


@pytest.mark.parametrize("realtime", [False, True], ids=["at once", "in its time"])
def test_replaying_shows_the_outputs_again_in_the_current_cell(record: Any, realtime: bool) -> None:
    report = play(
        record,
        "from IPython.display import HTML, display",
        "%%thread\nprint('one', flush=True)\nuntil('two')\nprint('two', flush=True)\n"
        "display(HTML('<b>rich</b>'))\nhandle = display('first', display_id='mine')\n"
        "handle.update('second')\nprint('err', file=sys.stderr, flush=True)\n{'the': 'answer'}",
        "%%thread\nprint('before', flush=True)\n1 / 0",
        "while 'one' not in tmrun.jobs[3].output: time.sleep(0.005)\nsay('two')\ntmrun.wait()",
        f"print('head')\ntmrun.jobs[3].replay(realtime={realtime})\nprint('tail')",
        f"tmrun.jobs[4].replay(realtime={realtime})\nprint('the cell goes on')",
        "kinds = [piece.kind for piece in tmrun.jobs[3].pieces]\n"
        "times = [piece.seconds for piece in tmrun.jobs[3].pieces]\n"
        "assert times == sorted(times) and times[0] >= 0\n"
        "assert kinds == ['stream'] * 2 + ['display_data'] * 2 + ['update_display_data', 'stream',"
        " 'execute_result'], kinds",
        tags={4: ["raises-exception"]},
    )
    assert [c.n for c in report.cells if c.error] == [4]
    shown = [
        (o.output_type, o.get("text") or o.data.get("text/html") or o.data["text/plain"])
        for o in outputs(report, 6)
    ]
    assert shown == [
        ("stream", "head\none\ntwo\n"),
        ("display_data", "<b>rich</b>"),
        ("display_data", "'second'"),
        ("stream", "err\n"),
        ("display_data", "{'the': 'answer'}"),
        ("stream", "tail\n"),
    ]
    assert said(report, 7) == "before\nthe cell goes on\n"
    assert "ZeroDivisionError" in said(report, 7, "stderr")
    assert status(report, 7) == ("ok", False)


def test_magics_work_inside_a_job(record: Any) -> None:
    report = play(
        record,
        "x = 1",
        "%%thread --name timed\n%%time\ny = x + 1",
        "%%thread\n%%capture caught\nprint('into the variable')",
        "%%thread\nimport asyncio\nawait asyncio.sleep(0)\n%time z = 5\nfiles = !echo listed\nz",
        "%%thread\n%%bash\necho from bash",
        "tmrun.wait()\nassert 'y' not in globals() and Out[5] == 5",
    )
    assert failures(report) == []
    assert "Wall time" in said(report, 3)
    assert tmrun.vars(report, 3)["y"] == 2
    assert said(report, 4) == ""
    assert tmrun.vars(report, 4)["caught"].stdout == "into the variable\n"
    assert tmrun.vars(report, 5)["files"] == ["listed"]
    assert said(report, 6) == "from bash\n"


# -- jobs that behave badly

ROUGH: dict[str, tuple[str, str, str]] = {
    "fork": (
        "pid = os.fork()\nif not pid:\n    os.write(1, b'from the child\\n')\n    os._exit(0)\n"
        "os.waitpid(pid, 0)[1]",
        "finished",
        "from the child\n0\n",
    ),
    "pool": (
        "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    found = pool.map(square, range(4))\nfound",
        "finished",
        "[0, 1, 4, 9]\n",
    ),
    "spawn": (
        "import multiprocessing\nwith multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "    found = pool.map(abs, [-1, -2])\nfound",
        "finished",
        "[1, 2]\n",
    ),
    "threads": (
        "import threading\n"
        "threads = [threading.Thread(target=print, args=('thread', i)) for i in range(3)]\n"
        "for t in threads: t.start(); t.join()\ndel t, threads",
        "finished",
        "thread 0\nthread 1\nthread 2\n",
    ),
    "left": (
        "import threading\nthreading.Thread(target=until, args=('never',)).start()\n'left one'",
        "finished",
        "'left one'\n",
    ),
    "exit": ("import sys\nsys.exit(4)", "failed", "SystemExit: 4"),
    "_exit": ("import os\nos._exit(3)", "died", "exit code 3"),
    "killed": ("os.kill(os.getpid(), 9)", "died", "SIGKILL"),
    "destructor": (
        "class Loud:\n    def __del__(self): raise ValueError('at the end')\nLoud();\n'on'",
        "finished",
        "at the end",
    ),
    "input": ("input('?')", "failed", "StdinNotImplementedError"),
    "segfault": ("import ctypes\nctypes.string_at(0)", "died", "SIGSEGV"),
    "memory": ("raise MemoryError('too much')", "failed", "MemoryError: too much"),
    "lock": ("lock.acquire()", "failed", "lock"),
    "slow": ("print('begun', flush=True)\nuntil('never')", "timed out", "KeyboardInterrupt"),
    "syntax": ("x = = 1", "failed", "SyntaxError"),
}
"""Name -> code, the status that it ends with, and what its outputs or the reason say."""


def test_jobs_that_behave_badly_end_with_a_status_and_all_else_goes_on(record: Any) -> None:
    options = {"slow": "--timeout 0.2"}
    report = play(
        record,
        "import threading\nlock = threading.Lock()\nx = [1]\ndef square(x): return x * x",
        *(
            f"%%thread --name {name} {options.get(name, '')}\n{code}"
            for name, (code, _, _) in ROUGH.items()
        ),
        "assert tmrun.wait() and x == [1] and not lock.locked()\n"
        "import json\nprint(json.dumps([[job.name, job.status, job.output + (job.reason or '')]"
        " for job in tmrun.jobs.values()]))\n"
        "assert {*tmrun.finished} == {*tmrun.jobs} and len(tmrun.running) == 0",
        "%thread x + [2]",
        "assert tmrun.wait() and [*tmrun.jobs.values()][-1].result == [1, 2]",
        allow_errors=True,
    )
    last = len(ROUGH) + 3
    assert report.cells[last - 1].error is None
    assert report.cells[last + 1].error is None
    told = json.loads(said(report, last))
    assert [[name, state] for name, state, _ in told] == [
        [name, state] for name, (_, state, _) in ROUGH.items()
    ]
    for name, _, text in told:
        assert ROUGH[name][2] in text, (name, text)
    recording = tmrun.open(report)
    for n, (name, (_, state, _)) in enumerate(ROUGH.items(), 3):
        job = recording.state(n).job
        assert job is not None
        assert (job["name"], job["status"]) == (name, state)
        assert recording.vars(n)["x"] == [1]


def test_a_job_that_wants_what_could_not_be_saved_is_told_why_it_is_not_there(record: Any) -> None:
    report = play(
        record,
        "import threading\nlock = threading.Lock()\nsecret = 1",
        "%%thread\nprint('first')\nlock.acquire()",
        "%%thread\nsecret + 1",
        allow_errors=True,
        dontsave=("secret",),
    )
    assert failures(report) == [
        "cell 3: NameError: name 'lock' is not defined",
        "cell 4: NameError: name 'secret' is not defined",
    ]
    assert "lock, cell 2) was not saved: TypeError" in said(report, 3, "stderr")
    assert "secret was not saved" in said(report, 4, "stderr")


def test_reset_ends_all_jobs_and_later_ones_begin_anew(record: Any) -> None:
    report = play(
        record,
        "%%thread\npathlib.Path('part').write_text(str(os.getpid()))\nos.rename('part', 'pid')\n"
        "until('never')",
        "%%thread\n'in line'",
        "until('pid')\nassert tmrun.jobs[3].status == 'waiting'",
        "%reset -f",
        "import os, pathlib, time, tmrun\n"
        "while os.path.exists('/proc/' + pathlib.Path('pid').read_text()): time.sleep(0.005)\n"
        "assert [job.status for job in tmrun.jobs.values()] == ['cancelled'] * 2, tmrun.jobs\n"
        "x = 5",
        "%thread x + 1",
        "assert tmrun.jobs[7].wait() and Out[7] == 6",
        threads=1,
    )
    assert failures(report) == []
    assert [status(report, n)[0] for n in (2, 3, 7)] == ["cancelled", "cancelled", "ok"]


# -- who is told


def test_the_end_of_a_job_is_told_where_it_was_asked_for(tmp_path: Path) -> None:
    from conftest import notebook

    path = tmp_path / "experiment.ipynb"
    cells = (
        BEGIN + "tmrun.notify_jupyter(True)",
        "%%thread --name loud\n1",
        "%%thread\n2",
        # the second begins after the first has ended
        "tmrun.wait()",
        "tmrun.notify_jupyter(False)\ntmrun.notify_terminal(False)",
        "%%thread --name quiet\n3",
        "%%thread\n4",
        "tmrun.wait()",
        "tmrun.notify_terminal(True)",
        "%%thread --name again\n1 / 0",
    )
    nbformat.write(notebook(*cells), path)
    events: list[Event] = []
    report = run(Options(str(path), threads=1, timeout=100), events.append)

    ends = [event for event in events if isinstance(event, JobEnded)]
    assert [(event.cell.n, event.title, event.quiet) for event in ends] == [
        (2, "job 2 loud", False),
        (3, "job 3", False),
        (6, "job 6 quiet", True),
        (7, "job 7", True),
        (10, "job 10 again", False),
    ]
    assert [event.cell.status for event in ends] == ["ok"] * 4 + ["failed"]
    assert said(report, 4).startswith("tmrun: job 2 loud finished after ")
    assert said(report, 8) == ""


def test_a_cell_does_not_wait_for_its_own_job_which_begins_when_it_ends(record: Any) -> None:
    report = play(
        record,
        "%thread 1 + 1\ntmrun.wait()",
        "%thread 2 + 2\ntmrun.jobs[3].wait(0.1)",
        "assert tmrun.wait() and (Out[2], Out[3]) == (2, 4)",
        allow_errors=True,
    )
    assert failures(report) == [
        f"cell {n}: UsageError: job {n} begins when its cell ends: wait for it in another cell"
        for n in (2, 3)
    ]


def test_what_is_shared_brings_the_names_in_its_code_whoever_is_asked_for_it(record: Any) -> None:
    report = play(
        record,
        "from functools import singledispatch\nfrom types import SimpleNamespace\n"
        "def mid(): return 1\ndef f(): return mid()\nfs = [f]\nspace = SimpleNamespace(f=f)\n"
        "def g(how=f): return how()\ntable = {'f': f}\n"
        "@singledispatch\ndef by(x): return None\n"
        "@by.register\ndef by_int(x: int): return mid() + x\n"
        "class Base: pass\nclass Sub(Base): pass\nlimit = 2\nquery = 'a > @limit'\nimport __main__",
        "%%thread\nf(), fs[0](), g(), by(1)",
        "%%thread\nspace.f()",
        "%%thread\ntable['f']() + fs[0]()",
        "%%thread\nby(2)",
        "%%thread\nlen(Base.__subclasses__())",
        "%%thread\nimport pandas as pd\nlen(pd.DataFrame({'a': [1, 2, 3]}).query(query))",
        "%%thread\ngetattr(__main__, 'li' + 'mit')",
        "tmrun.wait()",
    )
    assert failures(report) == []
    assert [tmrun.ans(report, n) for n in range(3, 10)] == [(1, 1, 1, 2), 1, 2, 3, 1, 1, 2]


def test_a_worker_ends_politely_and_its_child_processes_with_it(
    record: Any, tmp_path: Path
) -> None:
    report = play(
        record,
        f"import atexit, os, subprocess, sys\nos.chdir({str(tmp_path)!r})\n"
        "sleeper = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "def child(): return subprocess.Popen(sleeper)",
        "%%thread\nlate = open('late', 'w'); late.write('all of it')\n"
        "atexit.register(lambda: open('atexit', 'w').close())\nchild().pid",
        "%%thread\nprint(child().pid, flush=True)\nwhile True: pass",
        "job = tmrun.jobs[4]\nimport psutil\nwhile not job.output: pass\n"
        "psutil.Process(psutil.Process(int(job.output)).ppid()).kill()\ntmrun.wait()",
        allow_errors=True,
    )
    assert failures(report) == []
    assert (tmp_path / "late").read_text() == "all of it"
    assert (tmp_path / "atexit").exists()
    pids = [tmrun.ans(report, 3), int(outputs(report, 4)[0].text.split()[0])]
    assert not [pid for pid in pids if psutil.pid_exists(pid) and not is_zombie(pid)]


def is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
