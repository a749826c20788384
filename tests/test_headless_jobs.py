"""Jobs in headless runs: what stands in the notebook and the varchive, and what is left of workers.

Everything here runs in real kernels.  Jobs and cells wait for each other by files, and for the test
through a socket (see `test_kills`), so no test depends on how long something takes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import psutil
import pytest
from conftest import NOTEBOOKS, notebook
from oracle.plain_oracle import difference
from test_cli import PRINTS_FROM_C, environment
from test_kills import SLEEPS, Line
from test_runner import ERRORS, comparable

import tmrun
from kernel_payload.hidden import HIDDEN
from kernel_payload.outputs import Outputs
from kernel_payload.varchive import Entry
from tmrun.plan import Options
from tmrun.report import JobEnded, JobsNow
from tmrun.runner import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tmrun.report import Event

SECONDS = 60.0
"""How long the tests wait for what should happen in a few seconds."""

PROMISE = 5.0
"""Seconds in which everything is to be gone."""

SWEEP = next(path for path in NOTEBOOKS if path.stem == "sweep")

WAITS = "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.01)"
GO = "import pathlib\npathlib.Path('go').touch()"


class Place:
    """A folder with a notebook, what is run in it, and the processes that come of that."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mark = uuid.uuid4().hex
        self._tmp = folder / "tmp"
        self._tmp.mkdir()

    @property
    def environment(self) -> dict[str, str]:
        """That of a user's shell, by which every process of this place can be known."""
        return {**environment(), "TMPDIR": str(self._tmp), "TMRUN_TEST": self._mark}

    def write(self, *sources: str, tags: dict[int, list[str]] | None = None) -> Path:
        """Write the notebook."""
        path = self.folder / "nb.ipynb"
        nbformat.write(notebook(*sources, tags=tags), path)
        return path

    def start(
        self, *sources: str, options: tuple[str, ...] = (), tags: dict[int, list[str]] | None = None
    ) -> subprocess.Popen[str]:
        """Start the command line on a notebook of these cells."""
        self.write(*sources, tags=tags)
        return subprocess.Popen(
            [sys.executable, "-m", "tmrun", "nb.ipynb", *options],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *sources: str, **options: Any) -> tuple[int, str]:
        """Run it to its end: exit status, and what it said."""
        running = self.start(*sources, **options)
        _, said = running.communicate(timeout=SECONDS)
        return running.returncode, said

    @property
    def out(self) -> Path:
        """The output notebook's path."""
        return self.folder / "nb.out.ipynb"

    @property
    def cells(self) -> Any:
        """The cells of the output notebook."""
        return nbformat.read(self.out, as_version=4).cells

    @property
    def statuses(self) -> list[str | None]:
        """What the output notebook says of each cell."""
        return [cell.metadata.get("tmrun", {}).get("status") for cell in self.cells]

    def text(self, place: int) -> str:
        """What a cell printed, in the output notebook; cells are counted from 1."""
        outputs = self.cells[place - 1].outputs
        return "".join(output.text for output in outputs if output.output_type == "stream")

    def left(self) -> list[str]:
        """Give what is still left after the time in which it was to go."""
        deadline = time.monotonic() + PROMISE
        pause = threading.Event()
        while (left := self._left()) and time.monotonic() < deadline:
            pause.wait(0.05)
        return left

    def _left(self) -> list[str]:
        # whatever it is: a worker, a child of a job, a leash, a private directory, a half file
        hidden = [path.name for path in self.folder.iterdir() if path.name.startswith(".")]
        return hidden + [path.name for path in self._tmp.iterdir()] + list(self._processes())

    def _processes(self) -> Iterator[str]:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                # one that is dead, and that nobody has asked about yet, has no environment
                if process.environ().get("TMRUN_TEST") == self._mark:
                    yield f"process {process.pid}: {' '.join(process.cmdline())}"

    def kill_all(self) -> None:
        """Kill what a failed test left."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("TMRUN_TEST") == self._mark:
                    process.kill()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    yield found
    found.kill_all()


@pytest.fixture
def lines() -> Iterator[Callable[[], Line]]:
    """Open lines to cells and jobs."""
    opened: list[Line] = []

    def another() -> Line:
        opened.append(Line())
        return opened[-1]

    yield another
    for line in opened:
        line.close()


def read_until(stream: Any, words: str) -> str:
    """Read lines up to the one with these words."""
    read = ""
    while words not in read:
        line = stream.readline()
        assert line, f"no {words!r} in {read!r}"
        read += line
    return read


# -- as if it had run there

# no cell needs another one: what a display shows is changed only by the kernel that showed it
APART = [
    "import sys\nprint('a'); print('b', file=sys.stderr); print('c', end='')",
    "for i in range(3): print(i, end='\\r')\nprint('over\\b\\bwritten')",
    "%%bash\necho b\necho e >&2",
    "await __import__('asyncio').sleep(0)\n5",
    "for i in range(300): display(i)",
    "from IPython.display import clear_output\nprint('p')\nclear_output(wait=True)\nprint('q')",
    "shown = display('first', display_id='x')\ndisplay('other', display_id='x')\nshown.update('z')",
    "display({'application/json': {'a': [1]}, 'text/plain': 'z'}, raw=True)",
    "import logging, warnings\nwarnings.warn('w')\nlogging.getLogger('x').warning('\U0001f600')",
    "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])",
    PRINTS_FROM_C,
    *ERRORS,
]


def jupyter_execute(place: Place, path: Path) -> Any:
    """Run a notebook as Jupyter does, and give what it writes."""
    theirs = place.folder / "theirs.ipynb"
    command = [sys.executable, "-m", "jupyter", "execute", str(path), "--output", str(theirs)]
    subprocess.run(
        command, cwd=place.folder, env=place.environment, check=True, capture_output=True
    )
    return nbformat.read(theirs, as_version=4)


def test_the_outputs_of_tagged_cells_are_those_that_jupyter_execute_writes(place: Place) -> None:
    tags = {n: ["thread", "raises-exception"] for n in range(1, len(APART) + 1)}
    status, said = place.run(*APART, tags=tags, options=("--threads", "4"))
    theirs = comparable(jupyter_execute(place, place.folder / "nb.ipynb"))
    assert status == 0, said
    ours = comparable(nbformat.read(place.out, as_version=4))
    assert "job" in place.cells[0].metadata.tmrun
    for our, their in zip(ours["cells"], theirs["cells"], strict=True):
        assert our == their
    assert ours == theirs


def test_a_traceback_through_a_function_of_an_earlier_cell_shows_its_lines(place: Place) -> None:
    sources = ["def invert(x):\n    # of nothing\n    return 1 / x", "invert(0)"]
    tags = {2: ["thread", "raises-exception"]}
    status, said = place.run(*sources, tags=tags)
    assert status == 0, said
    ours, theirs = (
        comparable(nb)["cells"][1]["outputs"]
        for nb in (
            nbformat.read(place.out, as_version=4),
            jupyter_execute(place, place.folder / "nb.ipynb"),
        )
    )
    assert "# of nothing" in json.dumps(theirs)
    assert ours == theirs


def test_the_failing_line_of_a_job_is_that_of_its_cell(tmp_path: Path) -> None:
    path = Place(tmp_path).write("%%thread --name fails\nx = 1\n\n1 / 0\ny = 2")
    report = tmrun.run(path)
    error = report.cells[0].error
    assert error is not None
    assert (error.ename, error.evalue) == ("ZeroDivisionError", "division by zero")
    assert (error.lineno, error.line) == (4, "1 / 0")
    assert tmrun.vars(report, 1)["x"] == 1
    assert "y" not in tmrun.vars(report, 1)


# -- the same with and without threads

NASTY = [
    "import random, sys, threading, warnings\nimport numpy as np\n"
    "random.seed(3); np.random.seed(3)\n"
    "class Tally:\n    made = 0\n    def __init__(self, start):\n        self.total = start\n"
    "        Tally.made += 1\n    def add(self, x):\n        self.total += x\n"
    "        return self.total",
    "shared = [1, 2]\nboth = {'left': shared, 'right': shared}\ntally = Tally(10)\n"
    "grid = np.arange(20_000.0)\nlock = threading.Lock()\ndoomed = 'x'",
    "%%thread --name adds\nshared.append(3)\ndel doomed\nmade = Tally(tally.add(5))\n"
    "grid[::100] = -1\nprint(both, random.random(), np.random.rand())\nmade",
    "shared.append(4)\ntally.add(1)\nboth",
    "%%thread --name fails\nhalf = len(shared)\nprint('before')\n1 / 0",
    "grid = grid[:10]\ndrawn = random.random()",
    "%thread sum(shared) + drawn\nbeside = 'of the cell, and not of its job'",
    "class Heir(Tally):\n    pass\nheir = Heir(7)\nwarnings.warn('careful')\nheir.total",
    "%%thread --wrong 1\n1",
    "%%thread\nx = = 1",
    "%%thread\nhalt = threading.Lock()\nlambda: halt",
    "%%thread --name 'leaves early'\nlast = 1\nsys.exit(3)",
    "%%thread\nfor i in range(3): print(i, end='\\r')\ndisplay({'a': i})\nprint(file=sys.stderr)",
    "kept = 5\n%thread kept + 1\ndel kept\n1 / 0",
    "del tally\nshared, 'made' in globals(), 'doomed' in globals()",
    "%%thread --name dies\nimport os\nos._exit(5)",
    "%%thread\nboth['left'] is both['right'], both, len(grid), Tally.made",
    "%%thread\ninput('?')",
    "shared",
]
NASTY_TAGS = {
    8: ["thread"],
    **{n: ["raises-exception"] for n in (9, 10, 12, 14, 18)},
}

VOLATILE = re.compile(r"0x[0-9a-f]+|ipykernel_\d+|\d+\.py|\b(pid|process) \d+")
SAID = ("cell_id", "source", "status", "error", "made", "changed", "deleted", "unsaved")
SAID += ("parent", "answer", "cwd", "job")
TIMES = {"seconds", "started", "cpu_seconds", "peak_memory", "execution"}


def lasting(value: Any) -> Any:
    """Give plain data without what is different each time."""
    if isinstance(value, dict):
        return {name: lasting(item) for name, item in value.items() if name not in TIMES}
    if isinstance(value, (list, tuple)):
        return [lasting(item) for item in value]
    return VOLATILE.sub("#", value) if isinstance(value, str) else value


def notebook_of(report: Any) -> Any:
    """Give what an output notebook says, its metadata included."""
    nb = nbformat.read(report.output, as_version=4)
    of_cells = [cell.metadata.get("tmrun") for cell in nb.cells]
    about = {**nb["metadata"]["tmrun"], "run": None, "varchive": None}
    return lasting({"notebook": comparable(nb), "cells": of_cells, "run": about})


def states_of(report: Any) -> dict[int, Any]:
    """Give what a varchive says of each state."""
    recording = tmrun.open(report)
    found: dict[int, Any] = {}
    for n in recording.states():
        state = recording.state(n)
        told = state.to_json()
        data = {name: told.get(name) for name in SAID}
        if isinstance(state.answer, Entry):
            digest = _digest("", state.answer)
            size = data["answer"]["size"] if digest else None  # a longer process id, a longer name
            data["answer"] = {**data["answer"], "digest": digest, "size": size, "place": None}
        data["entries"] = {
            name: (_digest(name, entry), entry.type, entry.preview, entry.n, entry.reason)
            for name, entry in recording.archive.entries(state).items()
        }
        if state.outputs is not None:
            stored = Outputs.from_bytes(recording.archive.store.get(state.outputs))
            data["outputs"] = comparable_outputs(stored.outputs())
        found[n] = lasting(data)
    return found


def _digest(name: str, entry: Any) -> str | None:
    # code holds the name of a file that is made of the kernel's process id; and the generators that
    # nobody seeded begin with what the system gives them
    is_code = entry.type in ("type", "function") or name.startswith("<class")
    is_figure = entry.type.rpartition(".")[2] in ("Figure", "Axes")  # it has random names inside
    return None if is_code or is_figure or name in HIDDEN else entry.digest


def comparable_outputs(outputs: list[Any]) -> Any:
    cell = {"metadata": {}, "outputs": outputs}
    return comparable({"metadata": {}, "cells": [cell]})["cells"][0]["outputs"]


@pytest.fixture(scope="module", params=["sweep", "nasty"])
def twice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give the reports of one notebook, run with no threads and with four."""
    reports = []
    for threads in (0, 4):
        folder = tmp_path_factory.mktemp(f"{request.param}-{threads}")
        path = folder / "nb.ipynb"
        if request.param == "sweep":
            path.write_bytes(SWEEP.read_bytes())
        else:
            nb = notebook(*NASTY, tags=NASTY_TAGS)
            for place, cell in enumerate(nb.cells, 1):
                cell.id = f"nasty-{place}"
            nbformat.write(nb, path)
        reports.append(tmrun.run(path, threads=threads))
    assert all(report.complete for report in reports)
    return reports


def test_without_threads_the_notebook_is_the_same(twice: Any) -> None:
    inline, threaded = map(notebook_of, twice)
    for one, other in zip(inline["notebook"]["cells"], threaded["notebook"]["cells"], strict=True):
        assert one == other
    assert inline == threaded
    assert [dataclasses.replace(cell, seconds=None) for cell in twice[0].cells] == [
        dataclasses.replace(cell, seconds=None) for cell in twice[1].cells
    ]
    assert (twice[0].status, twice[0].reason) == (twice[1].status, twice[1].reason)


def test_without_threads_the_varchive_says_the_same(twice: Any) -> None:
    inline, threaded = map(states_of, twice)
    assert inline.keys() == threaded.keys()
    for n, state in inline.items():
        assert state == threaded[n], n
    assert sum("outputs" in state for state in inline.values()) > 5
    assert all(tmrun.open(report).archive.verify() == [] for report in twice)


def test_without_threads_the_variables_and_answers_are_the_same(twice: Any) -> None:
    inline, threaded = map(tmrun.open, twice)
    compared = 0
    for n in inline.states():
        ones, others = inline.vars(n), threaded.vars(n)
        assert list(ones) == list(others)
        for name in ones:
            where = difference(ones[name], others[name], f"cell {n}: {name}")
            assert where is None
            compared += 1
        entry = inline.state(n).answer
        if isinstance(entry, str) or (entry is not None and entry.reason is None):
            assert difference(inline.ans(n), threaded.ans(n), f"Out[{n}]") is None
    assert compared > 200


def test_the_nasty_notebook_went_as_it_should(twice: Any) -> None:
    """What the comparison compares is not two equal failures to run anything."""
    if len(twice[1].cells) != len(NASTY):
        pytest.skip("of the other notebook")
    report = twice[1]
    statuses = {cell.n: cell.status for cell in report.cells if cell.status != "ok"}
    assert statuses == {
        5: "failed",
        9: "allowed",
        10: "allowed",
        12: "allowed",
        14: "allowed",
        16: "died",
        18: "allowed",
    }
    assert report.reason == (
        "cell 5, a job, failed: ZeroDivisionError: division by zero\n"
        "  did not end well either: the jobs of cells 16"
    )
    assert [cell.n for cell in report.cells if cell.job] == [
        3, 5, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18,
    ]  # fmt: skip
    after_job, after_it = tmrun.vars(report, 3), tmrun.vars(report, 4)
    assert after_job["both"] == {"left": [1, 2, 3], "right": [1, 2, 3]}
    assert after_job["both"]["left"] is after_job["both"]["right"] is after_job["shared"]
    assert "doomed" not in after_job
    assert (after_job["tally"].total, after_job["made"].total) == (15, 15)
    assert (after_job["grid"][::100] == -1).all()
    assert after_it["shared"] == [1, 2, 4]
    assert (after_it["tally"].total, after_it["doomed"]) == (11, "x")
    assert "made" not in after_it
    assert after_it["grid"][100] == 100
    assert tmrun.vars(report, 5)["half"] == 3
    job = report.cells[2]
    assert (job.made, job.deleted) == (("made",), ("doomed",))
    assert set(job.changed) == {"Tally", "both", "grid", "shared", "tally"}
    assert tmrun.ans(report, 7) == 7 + tmrun.vars(report, 6)["drawn"]
    assert tmrun.vars(report, 8)["beside"] == "of the cell, and not of its job"
    assert "heir" not in tmrun.vars(report, 9)
    assert tmrun.ans(report, 8) == 7
    died = nbformat.read(report.output, as_version=4).cells[15].metadata.tmrun.job
    assert died.reason.startswith("its process ended with exit code 5")
    assert tmrun.ans(report, 17) == (True, {"left": [1, 2, 4], "right": [1, 2, 4]}, 10, 1)


def test_the_jobs_of_the_sweep_are_jobs_and_their_answers_reach_the_notebook(twice: Any) -> None:
    if len(twice[1].cells) == len(NASTY):
        pytest.skip("of the sweep")
    report = twice[1]
    assert report.status == "ok"
    jobs = [cell.n for cell in report.cells if cell.job]
    assert jobs == [6, 7, 8, 9, 10, 11]
    variables = tmrun.vars(report, -1)
    assert [swarm.coupling for swarm in variables["swarms"]] == [0.5, 0.9, 1.1, 1.5, 2.5, 4.0]
    assert all(type(swarm) is variables["Swarm"] for swarm in variables["swarms"])
    of_job = tmrun.vars(report, 8)
    assert (of_job["coupling"], of_job["swarm"].time) == (1.1, 80)
    assert "coupling" not in tmrun.vars(report, 12)
    cells = nbformat.read(report.output, as_version=4).cells
    last = cells[-2].outputs[0] if cells[-1].cell_type == "markdown" else cells[-1].outputs[0]
    assert "'locked': 0.91" in last["data"]["text/plain"]


# -- the exit status, and what is said


def test_a_failed_job_lets_the_notebook_go_on_and_makes_the_exit_status_1(place: Place) -> None:
    status, said = place.run("x = 1", "%%thread --name bad\nx = 2\n1 / 0", "print('on')", "x")
    assert status == 1, said
    assert "cell 2, a job, failed: ZeroDivisionError: division by zero" in said
    assert "line 3: 1 / 0" in said
    assert "tmrun show nb.out.ipynb 2" in said
    assert place.statuses == ["ok", "failed", "ok", "ok"]
    assert place.text(3) == "on\n"
    assert place.cells[1].outputs[-1].ename == "ZeroDivisionError"
    assert tmrun.vars(place.out, 2)["x"] == 2
    assert tmrun.vars(place.out, 3)["x"] == 1
    end = tmrun.open(place.out).run.end
    assert end is not None
    assert end["status"] == "failed"


@pytest.mark.parametrize("how", ["tag", "option"])
def test_a_job_that_may_fail_does_not_change_the_exit_status(place: Place, how: str) -> None:
    tags = {1: ["raises-exception"]} if how == "tag" else None
    options = ("--allow-errors",) if how == "option" else ()
    status, said = place.run("%%thread\n1 / 0", "print('on')", tags=tags, options=options)
    assert status == 0, said
    assert "1 failed, as allowed" in said
    assert place.statuses == ["allowed", "ok"]
    assert place.cells[0].outputs[-1].ename == "ZeroDivisionError"


def test_a_cell_that_fails_ends_the_run_and_its_jobs_are_waited_for(
    place: Place, lines: Callable[[], Line]
) -> None:
    line = lines()
    job = f"%%thread --name slow\n{line.open_it}\nline.recv(1)\nprint('to the end')\n'answer'"
    running = place.start(job, "1 / 0", "print('never')", options=("-v",))
    line.hear()
    assert running.stderr is not None
    said = read_until(running.stderr, "2/3 [2] failed")
    assert "job 1 slow finished" not in said
    line.say()
    _, said = running.communicate(timeout=SECONDS)
    assert running.returncode == 1
    assert "cell 2: ZeroDivisionError" in said
    assert place.statuses == ["ok", "failed", None]
    assert place.text(1) == "to the end\n"
    assert place.cells[0].outputs[-1].data["text/plain"] == "'answer'"
    assert tmrun.ans(place.out, 1) == "answer"


def test_of_failed_jobs_the_one_is_named_whose_line_is_shown(place: Place) -> None:
    waits = "import tmrun\ntmrun.jobs[2].wait()\n" + GO
    sources = [f"%%thread\n{WAITS}\nfirst_in_the_notebook", "%%thread\nfirst_to_end", waits]
    status, said = place.run(*sources, options=("--threads", "2"))
    assert status == 1, said
    named = re.search(r"cell (\d), a job, failed", said)
    shown = re.search(r"line \d: (\w+)", said)
    looked = re.search(r"tmrun show nb.out.ipynb (\d)", said)
    assert named is not None
    assert shown is not None
    assert looked is not None
    line = {"1": "first_in_the_notebook", "2": "first_to_end"}[named[1]]
    assert (shown[1], looked[1]) == (line, named[1])


# -- how many at once


def test_the_cells_after_a_job_go_on_while_it_works(place: Place) -> None:
    # were the job waited for, it would wait for ever
    options = ("--threads", "1", "--job-timeout", str(SECONDS / 2))
    status, said = place.run(f"%%thread\n{WAITS}\nprint('went')\n'end'", GO, options=options)
    assert status == 0, said
    assert place.text(1) == "went\n"
    assert tmrun.ans(place.out, 1) == "end"


def test_jobs_run_at_once_as_many_as_may(place: Place) -> None:
    meets = (
        "%%thread\nimport pathlib, time\npathlib.Path('{me}').touch()\n"
        "while not pathlib.Path('{other}').exists(): time.sleep(0.01)"
    )
    first, second = meets.format(me="a", other="b"), meets.format(me="b", other="a")
    options = ("--threads", "2", "--job-timeout", str(SECONDS / 2))
    status, said = place.run(first, second, options=options)
    assert status == 0, said
    assert place.statuses == ["ok", "ok"]


def test_with_one_thread_jobs_stay_in_line(place: Place) -> None:
    job = (
        "%%thread\nimport os\n"
        "def note(what):\n"
        "    with open('marks', 'a') as marks: print(what, {n}, file=marks)\n"
        "note('begin')\n{work}\nnote('end')"
    )
    # the first one runs until the others are in line, and a while longer: in which one that does
    # not keep to the line would begin
    works = [f"{WAITS}\ntime.sleep(0.5)", "1", "2", "3"]
    sources = [job.format(n=n, work=work) for n, work in enumerate(works)]
    looks = (
        "import tmrun, pathlib, time\n"
        "while not pathlib.Path('marks').exists(): time.sleep(0.01)\n"
        "print([job.status for job in tmrun.jobs.values()])"
    )
    options = ("--threads", "1", "--job-timeout", str(SECONDS / 2))
    status, said = place.run(*sources, looks, GO, options=options)
    assert status == 0, said
    assert place.text(5) == "['running', 'waiting', 'waiting', 'waiting']\n"
    marks = (place.folder / "marks").read_text(encoding="utf-8").splitlines()
    assert marks == [f"{what} {n}" for n in range(4) for what in ("begin", "end")]


def test_many_short_jobs_end_with_all_outputs_right(place: Place) -> None:
    job = "%%thread --name job-{n}\nprint('out', {n}, base + {n})\n{n} ** 2"
    sources = ["base = 100", *(job.format(n=n) for n in range(12))]
    status, said = place.run(*sources, options=("--threads", "4"))
    assert status == 0, said
    for n in range(12):
        assert place.text(n + 2) == f"out {n} {100 + n}\n"
        assert tmrun.ans(place.out, n + 2) == n**2
        state = tmrun.open(place.out).state(n + 2)
        assert state.job is not None
        assert (state.job["status"], state.job["name"]) == ("finished", f"job-{n}")
        assert dict(tmrun.vars(place.out, n + 2)) == {"base": 100}
    assert place.left() == []


@pytest.mark.parametrize("threads", ["4", "0"])
def test_a_job_over_its_time_is_interrupted_and_its_state_recorded(
    place: Place, threads: str
) -> None:
    interrupted = f"%%thread\nx = 1\nprint('begun')\ntry:\n    {SLEEPS.splitlines()[1]}\n"
    interrupted += "finally:\n    open('go', 'w').close()"
    sources = ["import time", interrupted, f"%%thread --timeout 30\n{WAITS}\n'own time'", "5"]
    status, said = place.run(*sources, options=("--threads", threads, "--job-timeout", "1.5"))
    assert status == 1, said
    assert "cell 2, a job, timed out: it might run 1.5 s" in said
    assert place.statuses == ["ok", "timeout", "ok", "ok"]
    assert place.text(2) == "begun\n"
    assert place.cells[1].outputs[-1].ename == "KeyboardInterrupt"
    assert tmrun.vars(place.out, 2)["x"] == 1
    state = tmrun.open(place.out).state(2)
    assert state.job is not None
    assert (state.status, state.job["status"], state.job["timeout"]) == (
        "timed out",
        "timed out",
        1.5,
    )
    assert tmrun.ans(place.out, 3) == "own time"


# -- floods

LINE = "{n:02d} {i:06d} " + "x" * 89 + "\n"
COUNT = 100_000
BY_PRINT = f"for i in range({COUNT}): print({LINE[:-1]!r}.format(n=n, i=i))"
BY_WRITE = (
    f"import os\ntext = ''.join({LINE!r}.format(n=n, i=i) for i in range({COUNT})).encode()\n"
    "while text: text = text[os.write(1, text[:300_000]):]"
)
BY_CHILD = (
    "import subprocess, sys\n"
    f"code = {f'import sys; n = int(sys.argv[1]){chr(10)}{BY_PRINT}'!r}\n"
    "assert subprocess.run([sys.executable, '-c', code, str(n)]).returncode == 0"
)


@pytest.mark.parametrize(
    "ways", [[BY_PRINT], [BY_WRITE, BY_CHILD]], ids=["by print", "by other ways"]
)
def test_eight_jobs_that_write_ten_megabytes_each_lose_nothing(
    place: Place, ways: list[str]
) -> None:
    sources = [f"%%thread\nn = {n}\n{ways[n % len(ways)]}\nn" for n in range(8)]
    status, said = place.run(*sources, options=("--threads", "4"))
    assert status == 0, said
    cells = place.cells
    for n in range(8):
        expected = "".join(LINE.format(n=n, i=i) for i in range(COUNT))
        assert len(expected) == 10_000_000
        stored = Outputs.from_bytes(
            tmrun.open(place.out).archive.store.get(tmrun.open(place.out).state(n + 1).outputs)
        )
        # what did not come through sys.stdout may stand behind the answer, as in any notebook
        for where, outputs in (("notebook", cells[n].outputs), ("varchive", stored.outputs())):
            text = "".join(o["text"] for o in outputs if o["output_type"] == "stream")
            # not compared by pytest, which would show the difference for minutes
            is_right = text == expected
            assert is_right, f"job {n} in the {where}: {len(text)} characters"
            [answer] = [o for o in outputs if o["output_type"] == "execute_result"]
            assert answer["data"]["text/plain"] == str(n)


# -- asked to stop

HAS_CHILD = "import subprocess\nchild = subprocess.Popen(['sleep', '600'])"


def test_ctrl_c_while_a_cell_and_jobs_run_writes_everything(
    place: Place, lines: Callable[[], Line]
) -> None:
    of_job, of_cell = lines(), lines()
    job = f"%%thread\nprint('so far')\nx = 2\n{HAS_CHILD}\n{of_job.open_it}\n{SLEEPS}"
    cell = f"{of_cell.open_it}\n{SLEEPS}"
    waiting = "%%thread\nx = 3"
    running = place.start("x = 1", job, waiting, cell, "print('never')", options=("--threads", "1"))
    of_job.hear()
    of_cell.hear()
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=SECONDS)
    assert running.returncode == 130, said
    assert "stopped in cell 4" in said
    assert "Traceback" not in said
    assert place.statuses == ["ok", "cancelled", "cancelled", "interrupted", None]
    assert place.text(2) == "so far\n"
    assert place.cells[1].outputs[-1].ename == "KeyboardInterrupt"
    assert tmrun.vars(place.out, 2)["x"] == 2
    assert tmrun.vars(place.out, 3)["x"] == 1
    assert place.left() == []


def test_ctrl_c_while_jobs_are_waited_for_cancels_them(
    place: Place, lines: Callable[[], Line]
) -> None:
    line = lines()
    running = place.start(
        f"%%thread\nprint('so far')\nx = 2\n{line.open_it}\n{SLEEPS}",
        "print('last')",
        options=("-v",),
    )
    line.hear()
    assert running.stderr is not None
    read_until(running.stderr, "2/2 [2] ok")
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=SECONDS)
    assert running.returncode == 130, said
    assert place.statuses == ["cancelled", "ok"]
    assert (place.text(1), place.text(2)) == ("so far\n", "last\n")
    assert tmrun.vars(place.out, 1)["x"] == 2
    assert place.left() == []


def test_a_second_ctrl_c_does_not_wait_for_a_job_that_does_not_listen(
    place: Place, lines: Callable[[], Line]
) -> None:
    line = lines()
    ignores = (
        "while True:\n    try:\n        line.sendall(b'here\\n')\n        while True: pass\n"
        "    except KeyboardInterrupt: pass"
    )
    job = f"%%thread\nprint('so far', flush=True)\n{line.connect}\n{ignores}"
    running = place.start("x = 1", job, options=("--log-output",))
    assert line.hear() == "here"
    assert running.stderr is not None
    read_until(running.stderr, "so far")
    running.send_signal(signal.SIGINT)
    assert line.hear() == "here", "the first one was ignored"
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=SECONDS)
    assert running.returncode == 130, said
    assert line.hear() == "", "the worker outlived tmrun"
    assert place.text(2) == "so far\n"
    assert tmrun.vars(place.out, 1)["x"] == 1
    assert place.left() == []


# -- killed


def test_when_tmrun_is_killed_no_worker_is_left(place: Place, lines: Callable[[], Line]) -> None:
    of_job, of_cell = lines(), lines()
    job = f"%%thread\nx = [2]\n{HAS_CHILD}\n{of_job.open_it}\nsum(range(10 ** 15))"
    done = "%%thread\n'done'"
    waits = "import tmrun\nassert tmrun.jobs[2].wait(60)"
    cell = f"{of_cell.open_it}\n{SLEEPS}"
    running = place.start("x = [1]", done, waits, job, cell, options=("--threads", "1"))
    of_job.hear()
    of_cell.hear()
    running.kill()
    running.communicate()
    assert place.left() == []
    assert (of_job.hear(), of_cell.hear()) == ("", "")
    assert tmrun.vars(place.out, 1)["x"] == [1]
    assert tmrun.ans(place.out, 2) == "done"
    assert tmrun.vars(place.out, 3)["x"] == [1]
    recording = tmrun.open(place.out)
    assert recording.state(4).status == "spawned"
    assert recording.vars(4)["x"] == [1], "the variables on which the job ran"


def test_when_the_kernel_is_killed_no_worker_is_left_and_the_job_died(
    place: Place, lines: Callable[[], Line]
) -> None:
    of_job, of_cell = lines(), lines()
    job = f"%%thread\nx = [2]\nprint('so far', flush=True)\n{HAS_CHILD}\n{of_job.open_it}\n{SLEEPS}"
    cell = f"import os\n{of_cell.open_it}\nline.recv(1)\nsum(range(10 ** 15))"
    running = place.start("x = [1]", job, "%%thread\nx = [3]", cell, options=("--threads", "1"))
    of_job.hear()
    kernel = int(of_cell.hear())
    of_cell.say()
    os.kill(kernel, signal.SIGKILL)
    _, said = running.communicate(timeout=SECONDS)
    assert running.returncode == 1, said
    assert place.left() == []
    assert of_job.hear() == ""
    assert "the kernel died in cell 4: killed (SIGKILL)" in said
    assert place.statuses == ["ok", "died", "died", "died"]
    assert place.cells[1].metadata.tmrun.job.reason == "its notebook's kernel is gone"
    assert tmrun.vars(place.out, 1)["x"] == [1]
    assert tmrun.vars(place.out, 2)["x"] == [1]


@pytest.mark.parametrize("later", [("print('never')",), ()], ids=["in the middle", "at the end"])
def test_when_the_notebook_calls_exit_no_worker_is_left(
    place: Place, lines: Callable[[], Line], later: tuple[str, ...]
) -> None:
    of_job, of_cell = lines(), lines()
    job = f"%%thread\nx = [2]\nprint('so far', flush=True)\n{HAS_CHILD}\n{of_job.open_it}\n{SLEEPS}"
    leaves = f"{of_cell.open_it}\nline.recv(1)\nexit()"
    running = place.start("x = [1]", job, leaves, *later, options=("--log-output",))
    of_job.hear()
    of_cell.hear()
    assert running.stderr is not None
    read_until(running.stderr, "so far")
    of_cell.say()
    _, said = running.communicate(timeout=SECONDS)
    assert place.left() == []
    assert of_job.hear() == ""
    assert running.returncode == 1, said
    assert place.statuses[:2] in (["ok", "died"], ["ok", "cancelled"])
    assert place.text(2) == "so far\n"
    assert tmrun.vars(place.out, 1)["x"] == [1]


def test_a_killed_worker_takes_only_its_job_along(place: Place, lines: Callable[[], Line]) -> None:
    killed, other = lines(), lines()
    sources = [
        "x = [1]",
        f"%%thread --name doomed\nx = [2]\nprint('so far', flush=True)\n{killed.open_it}\n{SLEEPS}",
        f"%%thread\n{other.open_it}\nline.recv(1)\nprint('unharmed')\n'answer'",
        "x",
    ]
    running = place.start(*sources, options=("--threads", "2", "--log-output"))
    other.hear()
    worker = int(killed.hear())
    assert running.stderr is not None
    read_until(running.stderr, "so far")
    os.kill(worker, signal.SIGKILL)
    said = read_until(running.stderr, "job 2 doomed")
    assert "died: killed (SIGKILL)" in said
    other.say()
    _, said = running.communicate(timeout=SECONDS)
    assert running.returncode == 1
    assert "cell 2, a job, died: killed (SIGKILL)" in said
    assert place.statuses == ["ok", "died", "ok", "ok"]
    assert place.text(2).startswith("so far\ntmrun: job 2 doomed died: killed (SIGKILL)")
    assert place.cells[1].metadata.tmrun.job.reason.startswith("killed (SIGKILL)")
    assert tmrun.ans(place.out, 3) == "answer"
    state = tmrun.open(place.out).state(2)
    assert state.job is not None
    assert (state.status, state.job["status"]) == ("died", "died")
    assert "SIGKILL" in state.job["reason"]
    assert tmrun.vars(place.out, 2)["x"] == [1], "all that is known of the state"
    assert place.left() == []


# -- without a record


def test_without_a_record_a_tagged_cell_runs_where_it_stands(place: Place) -> None:
    tags = {2: ["thread"]}
    status, said = place.run("x = 1", "x += 1\nprint(x)", "x", tags=tags, options=("--no-record",))
    assert status == 0, said
    assert place.text(2) == "2\n"
    assert place.cells[2].outputs[0].data["text/plain"] == "2"
    assert not (place.folder / "nb.out.varchive").exists()
    assert place.left() == []


def test_without_a_record_the_magic_is_refused_before_anything_runs(place: Place) -> None:
    status, said = place.run("open('ran', 'w')", "%%thread\n1", options=("--no-record",))
    assert status == 2, said
    assert "--no-record" in said
    assert "thread" in said
    assert not (place.folder / "ran").exists()


# -- what is shown


def test_the_events_of_a_run_tell_of_its_jobs(tmp_path: Path) -> None:
    Place(tmp_path).write(
        f"%%thread --name slow\n{WAITS}\nprint('x')",
        "%%thread\n1 / 0",
        f"import tmrun\n{GO}\ntmrun.wait()\ntmrun.notify_terminal(False)",
        "%%thread\nhalf = 1",
    )
    events: list[Event] = []
    report = run(Options(str(tmp_path / "nb.ipynb"), threads=1), events.append)
    ended = [event for event in events if isinstance(event, JobEnded)]
    assert [(event.cell.n, event.cell.status, event.title, event.quiet) for event in ended] == [
        (1, "ok", "job 1 slow", False),
        (2, "failed", "job 2", False),
        (4, "ok", "job 4", True),
    ]
    assert ended[1].told.startswith("failed: ZeroDivisionError: division by zero after ")
    now = [(event.waiting, event.running) for event in events if isinstance(event, JobsNow)]
    assert (1, 1) in now
    assert max(running for _, running in now) == 1
    assert now[-1] == (0, 0)
    assert [cell.job for cell in report.cells] == [True, True, False, True]
    assert report.cells[3].made == ("half",)


def test_lines_tell_how_each_job_ended(place: Place) -> None:
    sources = ["%%thread --name good\nprint('said')\n1", "%%thread\n1 / 0", "x = 1"]
    status, said = place.run(*sources, options=("-v", "--log-output"))
    assert status == 1
    assert re.search(r"1/3 \[1\] running \d", said)
    assert re.search(r"^tmrun: job 1 good finished after \d", said, re.MULTILINE)
    assert re.search(r"^tmrun: job 2 failed: ZeroDivisionError: .* after \d", said, re.MULTILINE)
    assert re.search(r"3/3 \[3\] ok .*\+x", said)
    assert re.search(r"^said$", said, re.MULTILINE)
    status, said = place.run("%%thread\n1", options=("-q",))
    assert (status, said) == (0, "")


def test_the_bar_shows_jobs_beside_cells(place: Place) -> None:
    place.write(f"%%thread\n{WAITS}", "%%thread\n1", "x = 1")
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tmrun", "nb.ipynb", "--threads", "1"],
        cwd=place.folder,
        env={**place.environment, "TERM": "xterm", "COLUMNS": "120"},
        stderr=end,
    )
    os.close(end)
    shown = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while part := os.read(terminal, 4096):
            shown += part
            if b"1 job, 1 waiting" in shown:
                (place.folder / "go").touch()
    os.close(terminal)
    assert process.wait(SECONDS) == 0
    assert b"1 job, 1 waiting" in shown
    assert b"job 1 finished after" in shown


def test_the_metadata_of_a_cell_tells_of_its_job(place: Place) -> None:
    made = "%%thread --name maker\nmade = b'x' * 50_000_000\nkept.append(1)\nlen(made)"
    status, said = place.run("kept = [0]", made, "%%thread\nraise ValueError('no')")
    assert status == 1, said
    about = place.cells[1].metadata.tmrun
    assert set(about) == {"n", "status", "started", "seconds", "made", "changed", "deleted", "job"}
    assert (about.n, about.status, about.made, about.changed) == (2, "ok", ["made"], ["kept"])
    assert set(about.job) == {"name", "cpu_seconds", "peak_memory"}
    assert about.job.name == "maker"
    assert about.job.peak_memory > 50_000_000
    assert about.job.cpu_seconds > 0
    assert about.seconds > 0
    assert about.started > place.cells[0].metadata.tmrun.started
    failed = place.cells[2].metadata.tmrun
    assert (failed.status, "name" in failed.job) == ("failed", False)
    assert "job" not in place.cells[0].metadata.tmrun


# -- in another environment


@pytest.fixture
def foreign(place: Place) -> str:
    """Install a kernel in an environment that has ipykernel, and nothing of tmrun's; its name."""
    venv = place.folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    [packages] = venv.glob("lib/python*/site-packages")
    here = Path(nbformat.__file__).parent.parent
    for path in here.iterdir():
        if path.suffix != ".pth" and not re.match("cloudpickle|xxhash|tmrun|kernel_p", path.name):
            (packages / path.name).symlink_to(path)
    spec = place.folder / "jupyter/kernels/foreign"
    spec.mkdir(parents=True)
    argv = [str(venv / "bin/python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = {
        "argv": argv,
        "display_name": "Foreign",
        "language": "python",
        # tmrun's own environment has it in this
        "env": {"PYTHONPATH": ""},
    }
    (spec / "kernel.json").write_text(json.dumps(kernel), encoding="utf-8")
    return "foreign"


def test_jobs_run_in_an_environment_that_lacks_everything(
    place: Place, foreign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(place.folder / "jupyter"))
    looks = (
        "import importlib.util, sys\n"
        "print([importlib.util.find_spec(name) for name in ('cloudpickle', 'xxhash', 'tmrun')])\n"
        "print(sys.prefix.endswith('venv'), sorted(k for k in vars() if 'payload' in k))"
    )
    sources = [
        "class Shape:\n    def __init__(self, side):\n        self.side = side\n"
        "    def area(self):\n        return self.side ** power\npower = 2\nshape = Shape(3)",
        f"%%thread --name looks\n{looks}\nshape.side = 4\nShape(shape.area())",
        "%%thread\nprint('before')\nshape.missing",
        looks,
    ]
    status, said = place.run(*sources, options=("--kernel", foreign, "--threads", "2"))
    assert status == 1, said
    assert "cell 3, a job, failed: AttributeError" in said
    assert place.statuses == ["ok", "ok", "failed", "ok"]
    assert place.text(2) == place.text(4) == "[None, None, None]\nTrue []\n"
    assert tmrun.ans(place.out, 2).side == 16
    assert tmrun.vars(place.out, 2)["shape"].side == 4
    assert tmrun.vars(place.out, 4)["shape"].side == 3
    assert place.left() == []


def test_a_job_that_ended_well_is_not_blamed_for_its_cell(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.write("%thread 1 + 1\nif True:\n    1 / 0")
    report = run(Options(str(tmp_path / "nb.ipynb"), threads=1))
    assert report.status == "failed"
    assert report.reason == "cell 1: ZeroDivisionError: division by zero"
    outputs = nbformat.read(report.output, as_version=4).cells[0].outputs
    assert [one for one in outputs if one.output_type == "execute_result"]
