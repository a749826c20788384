"""Changes that no name tells of are in the state of the cell that made them, in real kernels."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from conftest import notebook

import tmrun

LIBRARY = '''
"""A library as notebooks import them: it holds what it is given, and calls it back."""
import threading

held = []
callbacks = []


def keep(thing):
    held.append(thing)


def touch():
    for thing in held:
        thing.append("touched")


def subscribe(callback):
    callbacks.append(callback)


def emit(event):
    for callback in callbacks:
        callback(event)


class Worker:
    """A thread that does what it is asked for, one thing at a time, for as long as it is let."""

    def __init__(self, act):
        self.go, self.done, self.act = threading.Semaphore(0), threading.Semaphore(0), act
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while self.go.acquire():
            self.act()
            self.done.release()

    def step(self):
        self.go.release()
        self.done.acquire()


workers = []


def start(act):
    workers.append(Worker(act))


def step():
    for worker in workers:
        worker.step()
'''

NAMES = "imported = [1]\nlevel = 2\n"
SCRIPT = "counted.append('script')\nfrom_script = [1]\n"


class Run:
    """A notebook that was run, whose cells have names."""

    def __init__(self, folder: Path, cells: dict[str, str]) -> None:
        (folder / "library.py").write_text(LIBRARY)
        (folder / "script.py").write_text(SCRIPT)
        (folder / "names.py").write_text(NAMES)
        (folder / "experiment.ipynb").write_text(nbformat.writes(notebook(*cells.values())))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("IPYTHONDIR", str(folder / "ipython"))  # where %store keeps things
            self.report = tmrun.run(folder / "experiment.ipynb")
        assert self.report.status == "ok", self.report.reason
        self._places = {name: n for n, name in enumerate(cells, 1)}

    def around(self, cell: str, variable: str) -> tuple[Any, Any]:
        """Give a value in the state before a cell and in the one right after it; None for none."""
        n = self._places[cell]
        return (self.at(n - 1).get(variable), self.at(n).get(variable))

    def at(self, cell: int | str) -> Any:
        """Give the variables after a cell."""
        return tmrun.vars(self.report, self._places[cell] if isinstance(cell, str) else cell)

    def changed(self, cell: str) -> tuple[str, ...]:
        """Give the variables that a cell changed, as it told."""
        found: tuple[str, ...] = self.report.cells[self._places[cell] - 1].changed
        return found


INSIDE = {
    "imports": "import asyncio, library, random, warnings, numpy as np, pandas as pd",
    "made": "first = [1]; second = first; apart = [first]",
    "alias": "second.append(2)",
    "container": "apart[0].append(3)",
    "closures": "def make():\n    total = []\n    def add(x): total.append(x)\n"
    "    return add, total\nadd, total = make()",
    "closure": "add(1)",
    "class": "ledger = []\nclass Account:\n    opened = []\n"
    "    def __init__(self): self.moves = []\n    def pay(self, x):\n"
    "        self.moves.append(x); ledger.append(x); Account.opened.append(x)\n"
    "account = Account(); opened = Account.opened; moves = account.moves",
    "method": "account.pay(5)",
    "gather": "def gather(x, into=[]): into.append(x); return into\nbox = gather(0)",
    "default": "gather(1); None",
    "counted": "counted = []; name = 'coun' + 'ted'",
    "exec": "exec(name + '.append(1)')",
    "eval": "eval(name).append(2)",
    "globals": "globals()[name].append(3)",
    "user_ns": "get_ipython().user_ns[name].append(4)",
    "vars": "vars()[name].append(5)",
    "__main__": "import __main__; getattr(__main__, name).append(6)",
    "run_cell": "get_ipython().run_cell(name + '.append(7)', store_history=False); None",
    "exec in a function": "def late(): exec(name + '.append(8)')\nlate()",
    "%run": "%run -i script.py",
    "%timeit": "%timeit -n 1 -r 1 counted.append(9)",
    "%%time": "%%time\ncounted.append(10)",
    "%%capture": "%%capture said\nprint('hidden'); counted.append(11)",
    "an answer": "counted",
    "_": "_.append(12)",
    "Out": "Out[max(Out)].append(13)",
    "stored": "kept = ['a']\n%store kept",
    "unlike": "kept.append('b')",
    "%store -r": "%store -r",
    "arrays": "array = np.zeros(6); view = array[2:4]; row = array.reshape(2, 3)[1]",
    "view": "view[:] = 7",
    "out=": "np.add(row, 1, out=row); None",
    "frames": "frame = pd.DataFrame({'a': [1, 2, 3], 'b': [4, 5, 6]}); column = frame['a']",
    "chained": "with warnings.catch_warnings():\n    warnings.simplefilter('ignore')\n"
    "    frame['b'][frame['a'] > 2] = 60\nexpected = frame.copy()",
    "loc": "frame.loc[0, 'a'] = 10; expected = frame.copy()",
    "inplace": "frame.drop(columns='b', inplace=True)",
    "seeds": "np.random.seed(3); random.seed(3)",
    "draws": "drawn = np.random.random(), random.random()",
    "async": "waited = []\nasync def later(): waited.append(len(waited))",
    "await": "await later()",
    "task": "await asyncio.ensure_future(later())",
    "del": "del second",
    "del in": "del apart[0]",
    "import *": "from names import *",
    "bump": "def bump():\n    global level\n    level += 1\nlevel = 0",
    "global": "bump()",
    "%reset": "%reset -f",
    "after %reset": "fresh = [1]",
}


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("inside"), INSIDE)


@pytest.mark.parametrize(
    ("cell", "variable", "added"),
    [
        ("alias", "first", 2),
        ("container", "first", 3),
        ("container", "second", 3),
        ("closure", "total", 1),
        ("method", "ledger", 5),
        ("method", "opened", 5),
        ("method", "moves", 5),
        ("default", "box", 1),
        ("exec", "counted", 1),
        ("eval", "counted", 2),
        ("globals", "counted", 3),
        ("user_ns", "counted", 4),
        ("vars", "counted", 5),
        ("__main__", "counted", 6),
        ("run_cell", "counted", 7),
        ("exec in a function", "counted", 8),
        ("%run", "counted", "script"),
        ("%timeit", "counted", 9),
        ("%%time", "counted", 10),
        ("%%capture", "counted", 11),
        ("_", "counted", 12),
        ("Out", "counted", 13),
        ("await", "waited", 0),
        ("task", "waited", 1),
    ],
)
def test_what_is_appended_without_the_name_is_in_the_state_of_the_cell(
    inside: Run, cell: str, variable: str, added: Any
) -> None:
    before, after = inside.around(cell, variable)
    assert after == [*before, added]
    assert variable in inside.changed(cell)


@pytest.mark.parametrize(
    ("cell", "variable", "values"),
    [
        ("%run", "from_script", (None, [1])),
        ("%store -r", "kept", (["a", "b"], ["a"])),
        ("del", "second", ([1, 2, 3], None)),
        ("del in", "apart", ([[1, 2, 3]], [])),
        ("import *", "imported", (None, [1])),
        ("import *", "level", (None, 2)),
        ("global", "level", (0, 1)),
        ("%reset", "counted", ([*range(1, 9), "script", *range(9, 14)], None)),
        ("after %reset", "fresh", (None, [1])),
    ],
)
def test_what_magics_imports_and_del_do_is_in_the_state_of_the_cell(
    inside: Run, cell: str, variable: str, values: tuple[Any, Any]
) -> None:
    assert inside.around(cell, variable) == values


@pytest.mark.parametrize(
    ("cell", "variable", "values"),
    [
        ("view", "array", ([0, 0, 0, 0, 0, 0], [0, 0, 7, 7, 0, 0])),
        ("view", "row", ([0, 0, 0], [7, 0, 0])),
        ("out=", "array", ([0, 0, 7, 7, 0, 0], [0, 0, 7, 8, 1, 1])),
        ("out=", "view", ([7, 7], [7, 8])),
    ],
)
def test_a_change_through_a_view_is_in_the_state_of_every_view(
    inside: Run, cell: str, variable: str, values: tuple[Any, Any]
) -> None:
    assert tuple(value.tolist() for value in inside.around(cell, variable)) == values


@pytest.mark.parametrize("cell", ["chained", "loc"])
def test_assignments_to_parts_of_frames_are_in_the_state_as_pandas_made_them(
    inside: Run, cell: str
) -> None:
    """Whether a chained assignment changes the frame is up to the version of pandas."""
    found = inside.at(cell)
    assert found["frame"].equals(found["expected"])
    assert inside.around("loc", "frame")[0].loc[0, "a"] == 1
    assert inside.at("loc")["frame"].loc[0, "a"] == 10
    assert [list(frame) for frame in inside.around("inplace", "frame")] == [["a", "b"], ["a"]]


def test_the_generators_of_random_and_numpy_are_in_the_state_before_the_draw(inside: Run) -> None:
    loader = inside.at("seeds").loader
    generator, mine = np.random.RandomState(), random.Random()
    generator.set_state(loader.load("<numpy.random>"))
    mine.setstate(loader.load("<random>"))
    assert inside.at("draws")["drawn"] == (generator.random(), mine.random())


def test_a_cell_that_runs_another_one_is_one_state(inside: Run) -> None:
    assert tmrun.open(inside.report).states() == [*range(1, len(INSIDE) + 1)]
    assert [cell.n for cell in inside.report.cells] == [*range(1, len(INSIDE) + 1)]


# -- what something outside of the namespace changes, in cells that name no variable

OUTSIDE = {
    "imports": "import asyncio, functools, logging, os, signal, sqlite3, weakref, library\n"
    "import numpy as np",
    "keep": "held = [1]; library.keep(held)",
    "library": "library.touch()",
    "keep a part": "config = {'parts': [{'items': []}]}; library.keep(config['parts'][0]['items'])",
    "part": "library.touch()",
    "subscribe": "heard = []\ndef on(event): heard.append(event)\nlibrary.subscribe(on)",
    "a function called back": "library.emit(1)",
    "subscribe a lambda": "seen = []\nlibrary.subscribe(lambda event: seen.append(event))",
    "a lambda called back": "library.emit(2)",
    "subscribe a method": "class Counter:\n    def __init__(self): self.n = 0\n"
    "    def note(self, event): self.n += event\n"
    "counter = Counter(); library.subscribe(counter.note)",
    "a method called back": "library.emit(3)",
    "subscribe a closure": "def make():\n    total = []\n"
    "    def add(event): total.append(event)\n    return add, total\n"
    "add, total = make(); library.subscribe(add); del add",
    "a closure called back": "library.emit(4)",
    "subscribe a partial": "sums = []\n"
    "library.subscribe(functools.partial(lambda into, event: into.append(event), sums))",
    "a partial called back": "library.emit(5)",
    "start": "beats = []; library.start(lambda: beats.append(len(beats)))",
    "a thread": "library.step()",
    "start with a method": "ticks = []; library.start(functools.partial(ticks.append, 'tick'))",
    "a thread's arguments": "library.step()",
    "log": "lines = []\nclass Lines(logging.Handler):\n"
    "    def __init__(self, into): super().__init__(); self.into = into\n"
    "    def emit(self, record): self.into.append(record.getMessage())\n"
    "logging.getLogger('lab').addHandler(Lines(lines))",
    "a logging handler": "logging.getLogger('lab').error('said')",
    "signals": "caught = []\nsignal.signal(signal.SIGUSR1, lambda *_: caught.append('usr1'))\nNone",
    "a signal": "os.kill(os.getpid(), signal.SIGUSR1)",
    "finalize": "class Thing: pass\nthing = Thing(); gone = []\n"
    "weakref.finalize(thing, gone.append, 'thing'); None",
    "a finalizer": "del thing",
    "sql": "calls = []; base = sqlite3.connect(':memory:')\n"
    "base.create_function('note', 1, lambda x: calls.append(x))",
    "a function of sqlite": "base.execute('select note(5)').fetchone(); None",
    "a task": "marks = []; queue = asyncio.Queue()\nasync def mark():\n"
    "    while True: marks.append(await queue.get())\n"
    "running = asyncio.ensure_future(mark()); await asyncio.sleep(0)",
    "asyncio": "queue.put_nowait('go'); await asyncio.sleep(0); await asyncio.sleep(0)",
    "keep a view": "array = np.zeros(4); library.part = array[1:3]",
    "a view": "library.part[:] = 5",
    "magic": "used = []\nfrom IPython.core.magic import register_line_magic\n"
    "@register_line_magic\ndef mine(line): used.append(line)\ndel mine",
    "a magic": "%mine it",
    "keep a large one": "large = [[] for _ in range(400_000)]; library.keep(large)",
    "out of budget": "library.touch()",
    "named": "len(large)",
    "event": "ended = []\nget_ipython().events.register('post_execute', lambda: ended.append(1))",
    "an event": "pass",
}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("outside"), OUTSIDE)


@pytest.mark.parametrize(
    ("cell", "variable", "values"),
    [
        ("library", "held", ([1], [1, "touched"])),
        ("part", "config", ({"parts": [{"items": []}]}, {"parts": [{"items": ["touched"]}]})),
        ("a function called back", "heard", ([], [1])),
        ("a lambda called back", "seen", ([], [2])),
        ("a lambda called back", "heard", ([1], [1, 2])),
        ("a closure called back", "total", ([], [4])),
        ("a partial called back", "sums", ([], [5])),
        ("a thread", "beats", ([], [0])),
        ("a thread's arguments", "ticks", ([], ["tick"])),
        ("a thread's arguments", "beats", ([0], [0, 1])),
        ("a logging handler", "lines", ([], ["said"])),
        ("a signal", "caught", ([], ["usr1"])),
        ("a finalizer", "gone", ([], ["thing"])),
        ("a function of sqlite", "calls", ([], [5])),
        ("asyncio", "marks", ([], ["go"])),
        ("a magic", "used", ([], ["it"])),
        ("an event", "ended", ([1], [1, 1])),
    ],
)
def test_what_something_outside_changes_is_in_the_state_of_the_cell(
    outside: Run, cell: str, variable: str, values: tuple[Any, Any]
) -> None:
    assert outside.around(cell, variable) == values
    assert variable in outside.changed(cell)


def test_an_instance_and_an_array_that_are_held_outside_are_in_the_state(outside: Run) -> None:
    assert [one.n for one in outside.around("a method called back", "counter")] == [0, 3]
    before, after = outside.around("a view", "array")
    assert (before.tolist(), after.tolist()) == ([0, 0, 0, 0], [0, 5, 5, 0])


def test_what_is_large_and_held_outside_is_in_the_state_of_the_next_cell_that_names_it(
    outside: Run,
) -> None:
    """Pickling it takes far longer than the 20 ms that are spent on what is held outside."""
    lengths = [len(outside.at(cell)["large"]) for cell in ("out of budget", "named")]
    assert lengths == [400_000, 400_001]
    assert "large" in outside.changed("named")


def test_an_answer_that_the_shell_remembers_is_held_by_nothing_outside(record: Any) -> None:
    told = (
        "import sys\nmachine = sys.modules['kernel_payload.commands']._session\n"
        "e = machine.recorder.candidates.escapes\n"
        "print(e.nodes, e.names)"
    )
    cells = ("class A: pass\na = A()\na", told, "a", "_; b = _; __", told, "a, [b]", told)
    report = record(*cells)
    shown = [cell.outputs[-1] for cell in nbformat.read(report.output, 4).cells[1::3]]
    assert [output.text for output in shown] == ["set() set()\n"] * 2


@pytest.mark.parametrize("thorough", [False, True])
def test_a_thorough_run_sees_what_no_rule_tells_of(record: Any, thorough: bool) -> None:
    cells = (
        "import json\nclass Holder:\n    def go(self): data.append(1)\n"
        "json.holder = Holder()\ndata = [[i] for i in range(150_000)]",
        "json.holder.go()",
    )
    report = record(*cells, thorough=thorough)
    assert report.cells[1].changed == (("data",) if thorough else ())
    assert len(tmrun.vars(report, 2)["data"]) == 150_000 + thorough
