"""Nothing in a user's cell changes because the recorder is on: a notebook with and without it."""

from __future__ import annotations

import copyreg
import gc
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import notebook
from test_recorder import Notebook

import tmrun
from kernel_payload.calm import _slots_of

# every kind of variable that recording treats in a way of its own
VALUES = """
import collections, copyreg, dataclasses, enum, functools, gc, importlib.util, io, itertools
import os, random, signal, sys, threading, types, typing, warnings, weakref
import numpy as np, pandas as pd
import matplotlib; matplotlib.use('agg'); import matplotlib.figure
listed, mapped, unique, chars, octets = [1, [2]], {'k': [1]}, {1, 2}, 'x' * 2000, b'x' * 2000
array = np.zeros(300_000); view = array[10:20]; matrix = array[:9].reshape(3, 3).T
objects = np.array([[1], {}], object); fortran = np.asfortranarray(np.ones((300, 300)))
frame = pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']}); column = frame['a']; part = frame[:]
index = pd.Index([3, 1]); grouped = frame.groupby('b')
class Plain:
    shared = []
    def __init__(self): self.items = [1]
    def method(self): return self.items
class Slotted:
    __slots__ = ('a', '__weakref__')
class Dataclass: x: int = 1
Dataclass = dataclasses.dataclass(Dataclass)
class Kind(enum.Enum): ONE = 1
class Lazy:
    @functools.cached_property
    def costly(self): print('computed'); return 1
    @property
    def watched(self): print('watched'); return 1
    def __getattr__(self, name): print('asked for', name); raise AttributeError(name)
class Metered(type): pass
class Made(metaclass=Metered): pass
plain, slotted, made, lazy, data = Plain(), Slotted(), Made(), Lazy(), Dataclass()
slotted.a = [1]
bound, unbound, member = plain.method, Plain.method, Kind.ONE
def function(x=[], *, y={}): return listed
def make():
    kept = []
    def closure(): return kept
    return closure
closure = make(); cell = closure.__closure__[0]
partial = functools.partial(function, listed); cached = functools.lru_cache(function)
ordered, queue = collections.OrderedDict(a=[1]), collections.deque([[1]])
def count():
    held = object(); n = 0
    while True: yield n; n += 1
generator = count(); next(generator)
figure = matplotlib.figure.Figure(); axes = figure.subplots(); line, = axes.plot(array[:5])
opened = open('text.txt', 'w+'); opened.write('0123456789'); opened.seek(4)
memory = io.BytesIO(b'0123456789'); memory.seek(3)
numbers = iter([1, 2, 3]); next(numbers); counter = itertools.count(5)
lock = threading.Lock(); generator_of_numpy = np.random.default_rng(1)
spec = importlib.util.find_spec('wave')
spec.loader = importlib.util.LazyLoader(spec.loader)
unused = importlib.util.module_from_spec(spec); spec.loader.exec_module(unused)
NAMES = [name for name in list(globals()) if not name.startswith('_') and name not in
         ('In', 'Out', 'exit', 'quit', 'open', 'get_ipython', 'spec', 'NAMES')
         and type(globals()[name]) is not types.ModuleType]
ids = {name: id(globals()[name]) for name in NAMES}
def classes_as_they_are():
    return {c.__name__: sorted(vars(c)) for c in (Plain, Slotted, Dataclass, Kind, Lazy, Made)}
"""

COUNTS = """
for name in NAMES: print(name, sys.getrefcount(globals()[name]))
print(all(id(globals()[name]) == ids[name] for name in NAMES))
print(sys.getrefcount(plain.items), sys.getrefcount(mapped['k']), sys.getrefcount(Plain.method))
print(sys.getrefcount(objects[0]), sys.getrefcount(cell.cell_contents), sys.getrefcount(closure))
print(sys.getrefcount(function.__defaults__))
"""

REFERRERS = """
for name in NAMES:
    found = [type(thing).__module__ + '.' + type(thing).__qualname__
             for thing in gc.get_referrers(globals()[name])]
    print(name, sorted(k for k in found if k in ('builtins.list', 'builtins.tuple', 'builtins.set')
                       or k.startswith('kernel_payload')))
"""

FREED = """
class Noisy:
    def __init__(self, name): self.name = name
    def __del__(self): print('freed', self.name)
first, second = Noisy('first'), [Noisy('second')]
alias = first
class Tracked(np.ndarray): pass
large = np.zeros(500_000).view(Tracked)
told = [weakref.ref(large, lambda _: print('large is gone')),
        weakref.finalize(plain, print, 'plain is gone'),
        weakref.ref(function, lambda _: print('function is gone')),
        weakref.ref(figure, lambda _: print('figure is gone'))]
"""

ATTRIBUTES = """
print(classes_as_they_are())
print(sorted(vars(plain)), sorted(vars(lazy)), sorted(function.__dict__), vars(figure).keys())
print(sorted(c.__name__ for c in copyreg.dispatch_table if c.__module__ != 'copyreg'))
print(array.flags.writeable, view.flags.owndata, view.base is array, matrix.base.base is array)
print(frame._is_copy if hasattr(frame, '_is_copy') else None)
print(type(unused).__name__, object.__getattribute__(unused, '__class__').__name__)
"""

INTERPRETER = """
print(gc.isenabled(), gc.get_threshold(), gc.callbacks, gc.get_freeze_count())
print(sys.path[1:], [type(f).__name__ for f in sys.meta_path], sys.path_hooks.__len__())
print(sorted(m for m in sys.modules if m.split('.')[0] not in
             {'kernel_payload', 'xxhash', 'cloudpickle', *sys.stdlib_module_names}))
print(sys.getrecursionlimit(), sys.getswitchinterval(), sys.gettrace(), sys.getprofile())
print(sys.excepthook, sys.unraisablehook, sys.displayhook.__class__, sys.flags)
print([str(signal.getsignal(s)).split(' at ')[0] for s in signal.valid_signals()])
print(sorted(t.name for t in threading.enumerate() if not t.name.startswith('tmrun')))
print(warnings.filters, warnings.showwarning.__name__, np.geterr(), np.get_printoptions())
print(sorted(os.environ.keys() - {'JPY_PARENT_PID', 'TMRUN_NO_RECORD'}), os.getcwd() == sys.path[0])
print(random.random(), np.random.random(), locals() is globals())
print(type(sys.stdout).__name__, type(sys.stderr).__name__, type(sys.stdin).__name__)
"""

CELLS = [
    VALUES,
    "random.seed(1); np.random.seed(1)",
    COUNTS,
    "; ".join(["listed", "array", "frame", "plain", "function", "bound"]),
    COUNTS,
    REFERRERS,
    "get_ipython().user_ns['listed']; globals()['array']",
    COUNTS,
    ATTRIBUTES,
    FREED,
    "first; second; large; function; figure; alias",
    "del first; print('not yet')",
    "del alias; print('by now')",
    "second.clear(); print('by now')",
    "del large; print('by now')",
    "del plain, bound; print('by now')",
    "partial = cached = NAMES = None; del function, closure; print('by now')",
    "del figure, axes, line; gc.collect(); print('by now')",
    INTERPRETER,
    "print(next(generator), next(numbers), next(counter), opened.tell(), memory.tell())",
    "print(opened.read(), memory.read(), generator.gi_frame.f_locals['n'], lock.locked())",
    "lazy.costly; lazy.costly; lazy.missing if False else None",
    "warnings.warn('once'); warnings.warn('once')",
    "def warns(): warnings.warn('from a function')\nwarns(); warns()",
    "warns()",
    "part.loc[0, 'a'] = 9; print(frame, part, column.tolist())\n"
    "print(np.shares_memory(frame['a'], part['a']), np.shares_memory(frame['a'], column))",
    "column.iloc[0] = 7; print(frame['a'].tolist(), column.tolist())",
    "matrix[0, 0] = 5; print(array[0], view[0])",
    "listed",
    "_",
    "__, ___",
    "_i, _ii, len(In), sorted(Out), In[2], Out[30], _30",
    "%who",
    "%who_ls list",
    "print([name for name in dir() if not name.startswith('_')])",
    "print(sorted(n for n in globals() if n.startswith('_')), get_ipython().execution_count)",
    "raise ValueError('told')",
    "def deep(n): return deep(n - 1) if n else 1 / 0\ndeep(3)",
    "import sys; print(sys.last_type, sys.last_value)",
    "def broken(",
    "print(len(In), get_ipython().execution_count)",
    "%history -n 2",
    "print(sorted(vars(get_ipython().events)['callbacks']))",
]


def told(path: Path, **options: Any) -> list[tuple[str, str]]:
    """Run the cells; give what each showed."""
    path.mkdir()
    (path / "unfelt.ipynb").write_text(nbformat.writes(notebook(*CELLS)))
    report = tmrun.run(path / "unfelt.ipynb", allow_errors=True, **options)
    output = nbformat.read(report.output, 4)
    return [(cell.source, shown(cell)) for cell in output.cells]


def shown(cell: Any) -> str:
    parts = [f"In [{cell.execution_count}]\n"]
    for output in cell.outputs:
        text = output.get("text") or output.get("data", {}).get("text/plain") or ""
        parts.append(text + "\n".join(output.get("traceback", ())))
    # addresses, and the number of the process in the names of its files
    return re.sub(r"0x[0-9a-f]+|ipykernel_\d+", "…", "".join(parts))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], list[Any]]:
    folder = tmp_path_factory.mktemp("unfelt")
    return told(folder / "with"), told(folder / "without", record=False)


@pytest.mark.parametrize("place", range(len(CELLS)), ids=lambda n: f"{n + 1}: {CELLS[n][:40]}")
def test_a_cell_shows_what_it_shows_without_the_recorder(both: Any, place: int) -> None:
    recorded, plain = both
    assert recorded[place] == plain[place]


def test_the_slots_of_a_class_are_those_that_copyreg_finds() -> None:
    """Only the note in the class, ``__slotnames__``, is left out."""

    class A:
        __slots__ = ("__b", "__c__", "__weakref__", "a")

    class _B(A):
        __slots__ = "d"  # noqa: PLC0205  (one may be given so)

    class C(_B):
        pass

    for cls in (A, _B, C, int, dict):
        found = _slots_of(cls)
        assert "__slotnames__" not in vars(cls)
        assert found == copyreg._slotnames(cls)  # type: ignore[attr-defined]


def test_recording_leaves_no_garbage_of_its_own(tmp_path: Path) -> None:
    """A pickler in a cycle would hold every value until the next collection."""
    made = Notebook(tmp_path / "study.varchive")
    made.cell("import numpy\nclass A:\n    def m(self): return x\nx = [1]; a = A(); m = a.m")
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        made.cell("v = numpy.zeros(200_000)[1:]; x.append(a); f = lambda: v; A; m", "x")
        gc.collect()
        found = [thing for thing in gc.garbage if type(thing).__module__.startswith("kernel_p")]
        assert found == []
        assert [thing for thing in gc.garbage if thing is made.namespace["x"]] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        made.recorder.close()
