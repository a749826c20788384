"""What the recorder knows of references from outside of the namespace, and what it makes of it."""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_recorder import Notebook

from kernel_payload import candidates

LIMIT = candidates._ESCAPED

IMPORTS = (
    "import abc, collections, contextlib, dataclasses, enum, functools, library, logging, random\n"
    "import threading, typing, weakref\nimport numpy as np, pandas as pd"
)


def library() -> types.ModuleType:
    """Make a module that holds what it is given, and changes it or calls it."""
    held: list[Any] = []

    def poke() -> None:
        for thing in held:
            if isinstance(thing, list):
                thing.append("poked")
            elif isinstance(thing, dict):
                thing["poked"] = True
            elif callable(thing):
                thing("poked")
            else:
                thing[:1] = 7

    made = types.ModuleType("library")
    vars(made).update(held=held, hold=held.append, poke=poke)
    return made


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    """Give a notebook that looks at nothing but what it must, and at what is held outside."""
    monkeypatch.setitem(sys.modules, "library", library())
    monkeypatch.setattr("kernel_payload.candidates._LEAST_BUDGET", 0.0)
    # however busy the machine is
    monkeypatch.setattr("kernel_payload.candidates._ESCAPED", 100.0)
    made = Notebook(tmp_path / "study.varchive")
    made.cell(IMPORTS)
    yield made
    made.recorder.close()


HELD = [
    ("d = [1]; library.hold(d)", "d"),
    ("d = {}; library.hold(d)", "d"),
    ("d = {'a': [{'b': []}]}; library.hold(d['a'][0]['b'])", "d"),
    ("d = [1]; e = d; library.hold(d)", "e"),
    ("d = []; library.hold(d.append)", "d"),
    ("d = np.zeros(3); library.hold(d)", "d"),
    ("d = np.zeros(3); library.hold(d[1:])", "d"),
    ("d = np.zeros(9); v = d[3:]; w = v[1:]; library.hold(w[1:])", "d"),
    ("d = []\ndef on(event): d.append(event)\nlibrary.hold(on)", "d"),
    ("d = []\nlibrary.hold(lambda event: d.append(event))", "d"),
    ("d = []\ndef on(event): d.append(event)\ndef via(event): on(event)\nlibrary.hold(via)", "d"),
    ("d = []\nlibrary.hold(functools.partial(lambda into, event: into.append(event), d))", "d"),
    (
        "def make():\n    d = []\n    def on(event): d.append(event)\n    return on, d\n"
        "on, d = make(); library.hold(on); del on",
        "d",
    ),
    (
        "class A:\n    def __init__(self): self.d = []\n"
        "    def on(self, event): self.d.append(event)\na = A(); library.hold(a.on)",
        "a.d",
    ),
    (
        "d = []\nclass A:\n    @staticmethod\n    def on(event): d.append(event)\n"
        "library.hold(A.on)",
        "d",
    ),
    ("class A:\n    items = []\nlibrary.hold(A.items)", "A.items"),
    (
        "class A:\n    def __init__(self): self.lock = threading.Lock(); self.d = []\n"
        "    def on(self, event): self.d.append(event)\n"
        "a = A(); d = a.d; library.hold(a.on); del A",
        "d",
    ),
    ("d = []\nlibrary.hold(lambda event: eval('d').append(event))", "d"),
    ("d = []\nlibrary.hold(lambda event: globals()['d'].append(event))", "d"),
    ("d = pd.DataFrame({'a': [1, 2]}); library.hold(lambda event, d=d: d.pop('a'))", "len(d.T)"),
]


@pytest.mark.parametrize(("source", "value"), HELD)
def test_what_is_held_outside_is_looked_at_after_every_cell(
    notebook: Notebook, source: str, value: str
) -> None:
    notebook.cell(source)
    notebook.cell("pass")
    before = repr(eval(value, dict(notebook.vars())))
    notebook.cell("library.poke()")
    now = repr(eval(value, notebook.namespace))
    assert now != before
    assert repr(eval(value, dict(notebook.vars()))) == now
    assert repr(eval(value, dict(notebook.vars(notebook.n - 1)))) == before


def test_a_figure_of_pyplot_is_looked_at_until_it_is_closed(notebook: Notebook) -> None:
    notebook.cell("import matplotlib; matplotlib.use('agg'); import matplotlib.pyplot as plt")
    notebook.cell("f = plt.figure(); label = f.suptitle('old')")
    notebook.cell("plt.suptitle('new')")
    assert notebook.vars(3)["label"].get_text() == "old"
    assert notebook.vars(4)["label"].get_text() == "new"
    notebook.cell("plt.close('all')")
    assert notebook.recorder.candidates.escapes.nodes == set()


@pytest.mark.parametrize(("source", "value"), HELD)
def test_what_is_let_go_is_no_longer_looked_at(notebook: Notebook, source: str, value: str) -> None:
    notebook.cell(source)
    # a thing outside that nothing names leaves without a trace of its own
    notebook.cell("library.held.clear()")
    gc.collect()
    notebook.cell("pass")
    notebook.cell("pass")
    escapes = notebook.recorder.candidates.escapes
    assert (escapes.nodes, escapes.names) == (set(), set())


ORDINARY = [
    "a = [1, [2], {'x': [3]}]; b = a; c = (a, a); d = {'k': c}; e = [a] * 3",
    "a = []; a.append(a); b = {'a': a}; b['b'] = b",
    "rows = [{'a': [i]} for i in range(1000)]; tree = {'k': [rows]}; part = rows[500]['a']",
    "class A:\n    items = []\n    def m(self): self.v = [1]; return self\n"
    "a = A().m(); b = a; m = a.m; A.items.append(a); f = A.m; v = a.v; items = A.items",
    "def f(): return g\ndef g(x=[], *, y={}): return f\nh = g; d = g.__defaults__[0]",
    "def make():\n    n = [0]\n    def inc(): n[0] += 1\n    def get(): return n\n"
    "    return inc, get\ni, j = make(); n = j(); cell = i.__closure__[0]",
    "a = np.zeros(9); v = a[2:]; w = v[::2]; flat = a.flat; seen = memoryview(a); t = a.T",
    "o = np.array([[1], {}], object); first = o[0]; r = np.random.default_rng(1)\n"
    "g = r.bit_generator",
    "d = pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']}); s = d['a']; e = d[:]; t = d.T\n"
    "c = d.copy(); v = d.values; g = d.groupby('b'); d.loc[0, 'a'] = 5; text = repr(d)",
    "i = pd.Index([1, 2]); d = pd.DataFrame({'q': np.arange(3)}); q = d['q'].values",
    "a = [1]; p = functools.partial(print, a); it = iter(a); put = a.append; z = zip(a, a)",
    "class N:\n    def __init__(self, up=None): self.up, self.kids = up, []\n"
    "a = N(); a.kids.append(N(a)); w = weakref.ref(a); k = a.kids\n"
    "m = weakref.WeakMethod(a.__init__)",
    "@functools.lru_cache\ndef fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib(5)",
    "@dataclasses.dataclass\nclass D:\n    x: int\n"
    "    y: list = dataclasses.field(default_factory=list)\nd = D(1); e = D(2, d.y)",
    "o = collections.OrderedDict(a=[1]); q = collections.deque([[1]]); x = q[0]\n"
    "d = collections.defaultdict(list, k=[1]); P = collections.namedtuple('P', 'x'); p = P([1])",
    "def gen(q):\n    for i in q: yield i\nq = [1, 2]; g = gen(q); next(g)",
    "def bad(z): 1 / 0\ndata = [1]\ntry: bad(data)\nexcept Exception as error: kept = error",
    "class E(enum.Enum):\n    A = 1\ne = E.A; members = [E.A]",
    "class L:\n    def __init__(self): self.lock = threading.Lock(); self.d = [1]\n"
    "l = L(); d = l.d; both = [l, d]",
    "class Q:\n    __slots__ = ('a',)\n    @property\n    def x(self): return 1\n    @classmethod\n"
    "    def c(cls): return cls\n    @staticmethod\n    def s(): pass\n"
    "q = Q(); q.a = [1]; s = Q.s; c = Q.c; a = q.a",
    "class M(type): pass\nclass K(metaclass=M):\n    def __init_subclass__(cls): pass\n"
    "class K2(K):\n    def go(self): return super()\nk = K2()",
    "T = typing.TypeVar('T')\nclass B(typing.Generic[T]):\n"
    "    def __init__(self, v: T): self.v = v\nb = B[int]([3])",
    "class I(abc.ABC):\n    @abc.abstractmethod\n    def go(self): ...\nclass C(I):\n"
    "    def go(self): return 1\nc = C()",
    "@functools.singledispatch\ndef f(x): pass\n@f.register(int)\ndef _(x): return 1",
    "class P(typing.NamedTuple):\n    x: int\n    y: list = []\np = P(1); y = p.y",
    "@contextlib.contextmanager\ndef manager(): yield [1]\nwith manager() as m: pass",
    "class C:\n    @functools.cached_property\n    def big(self): return [1]\nc = C(); big = c.big",
    "import matplotlib; matplotlib.use('agg'); import matplotlib.figure\n"
    "f = matplotlib.figure.Figure(); ax = f.subplots(); x = np.arange(3.0); line, = ax.plot(x, x)",
    "x = [1]; everything = globals()",
    "t = threading.Thread(target=len, args=([],)); t.start(); t.join(); x = [1]",
    "log = logging.getLogger('x'); r = random.Random(1); frozen = frozenset([(1, 2)]); s = {1}",
]


@pytest.mark.parametrize("source", ORDINARY)
def test_nothing_outside_is_suspected_of_holding_ordinary_data(
    notebook: Notebook, source: str
) -> None:
    escapes = notebook.recorder.candidates.escapes
    notebook.cell(source)
    assert (escapes.nodes, escapes.names) == (set(), set())
    names = [name for name in notebook.namespace if not name.startswith("__")]
    notebook.cell("; ".join(names))
    assert (escapes.nodes, escapes.names) == (set(), set())
    # one at a time: what the others hold is not searched, or is as a part of the group
    for name in names:
        notebook.cell(name)
        assert (escapes.nodes, escapes.names) == (set(), set()), name
    notebook.cell("pass", seconds=1000.0)
    assert (escapes.nodes, escapes.names) == (set(), set())


@pytest.fixture
def limited(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    monkeypatch.setattr("kernel_payload.candidates._ESCAPED", LIMIT)
    return notebook


def known(notebook: Notebook, name: str) -> Any:
    return notebook.recorder.candidates.known[name]


@pytest.mark.parametrize(
    ("cost", "seconds", "seen"),
    [
        (0.019, 0.0, True),
        (0.021, 0.0, False),
        (0.021, 0.4, False),
        (0.021, 0.5, True),  # 5 % of it are more
        (2.0, 39.0, False),
        (2.0, 41.0, True),
    ],
)
def test_it_is_looked_at_while_that_takes_20_ms_or_5_percent_of_the_cell(
    limited: Notebook, cost: float, seconds: float, seen: bool
) -> None:
    notebook = limited
    notebook.cell("d = [1]; library.hold(d)")
    known(notebook, "d").cost = cost
    notebook.cell("library.poke()", seconds=seconds)
    assert notebook.vars()["d"] == ([1, "poked"] if seen else [1])
    notebook.cell("d")
    assert notebook.vars()["d"] == [1, "poked"]


def test_what_takes_more_together_is_looked_at_in_turns(limited: Notebook) -> None:
    notebook = limited
    notebook.cell("a = []; library.hold(a)\nb = []; library.hold(b)\nc = []; library.hold(c)")
    seen: list[str] = []
    for _ in range(3):
        for name in "abc":
            known(notebook, name).cost = 0.015
        seen += notebook.cell("library.poke()").changed
    assert sorted(seen) == ["a", "b", "c"]


def test_the_rest_of_the_budget_is_for_all_others(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An instance that only a library holds is no reference to what its methods name."""
    notebook.cell("d = []\nclass A:\n    def __call__(self, event): d.append(event)\n"
                  "library.hold(A())\nother = [1]; library.hold(other)")  # fmt: skip
    notebook.cell("library.poke()")
    assert notebook.vars()["d"] == []
    assert notebook.vars()["other"] == [1, "poked"]
    monkeypatch.setattr("kernel_payload.candidates._LEAST_BUDGET", 1.0)
    notebook.cell("library.poke()")
    assert notebook.vars()["d"] == ["poked", "poked"]


def test_a_large_group_that_nothing_outside_holds_is_left_alone(notebook: Notebook) -> None:
    notebook.cell("rows = [{'a': [i]} for i in range(20_000)]; big = np.zeros(1_000_000)")
    checked = known(notebook, "rows").checked, known(notebook, "big").checked
    notebook.cell("pass")
    assert (known(notebook, "rows").checked, known(notebook, "big").checked) == checked
