"""The recorder between the cells of a notebook that is a plain dict."""

from __future__ import annotations

import builtins
import gc
import os
import subprocess
import sys
import tempfile
import textwrap
import types
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel_payload.cell import Cell
from kernel_payload.recorder import Recorder
from kernel_payload.thaw import Namespace, Variables
from kernel_payload.varchive import CHUNK, Entry, State, Varchive
from kernel_payload.varchive.errors import Damaged, NotSaved

if TYPE_CHECKING:
    from collections.abc import Iterator


class Notebook:
    """Cells run by exec in a dict, each recorded."""

    def __init__(self, path: Path, dontsave: tuple[str, ...] = ()) -> None:
        self.namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
        self.archive = Varchive.create(path)
        self.archive.begin_run("r", {"python": "3.11.7"})
        self.n = 0
        self.recorder = Recorder(self.archive, "r", self.namespace, self.is_public, dontsave)

    @staticmethod
    def is_public(name: str, value: Any) -> bool:
        return not name.startswith("__")

    def cell(self, source: str, answer: str | None = None, seconds: float = 0.0) -> State:
        """Run a cell, whose answer is an expression, and record it."""
        source = textwrap.dedent(source)
        self.n += 1
        # without this file's own `from __future__`
        exec(compile(source, f"<cell {self.n}>", "exec", 0, True), self.namespace)
        code = source if answer is None else f"{source}\n{answer}"
        cell = Cell(self.n, f"id{self.n}", code, code, "ok", None, "", "", seconds)
        result = None if answer is None else eval(answer, self.namespace)
        state = self.recorder.record(cell, result)
        self.recorder.wait()
        return state

    def vars(self, n: int | None = None) -> Variables:
        """Look at the variables after a cell, the last one unless told."""
        state = self.archive.state("r", n or self.n)
        return Variables(Namespace(self.archive, self.archive.run("r"), state))


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    made = Notebook(tmp_path / "study.varchive")
    yield made
    made.recorder.close()


def objects(notebook: Notebook) -> set[str]:
    return set(notebook.archive.store.names())


# -- what is stored


def test_one_element_of_a_large_array_costs_one_chunk(notebook: Notebook) -> None:
    notebook.cell("import numpy\na = numpy.zeros(2_500_000)\na[:] = numpy.arange(2_500_000)")
    before = objects(notebook)
    state = notebook.cell("a[1_000_000] = -1")
    assert state.changed == ("a",)
    new = {name: len(notebook.archive.store.get(name)) for name in objects(notebook) - before}
    assert sorted(size == CHUNK for size in new.values()) == [False, True]
    assert sum(new.values()) == state.bytes < CHUNK + 2_000
    place = notebook.vars().entries["a"].place
    assert place is not None
    # the memory is no part of the pickle stream
    assert [part.size > 1_000 for part in notebook.archive.group(place).parts] == [False, True]
    assert notebook.vars(1)["a"][1_000_000] == 1_000_000
    assert notebook.vars(2)["a"][1_000_000] == -1


def test_an_array_that_was_copied_is_stored_once(notebook: Notebook) -> None:
    notebook.cell("import numpy\na = numpy.arange(500_000)")
    state = notebook.cell("b = a.copy()")
    assert state.made == ("b",)
    assert state.bytes < 2_000


@pytest.mark.parametrize(
    "source",
    [
        "len(a); b; f; A; c",
        "a.append(1); a.pop()",
        "b['k'] = b['k']",
        "A.x = A.x",
        "f.__dict__",
        "sum(x)",
        "globals()",
        "t = 0; del t",
    ],
)
def test_what_did_not_change_is_not_stored_again(notebook: Notebook, source: str) -> None:
    notebook.cell(
        """
        import numpy
        a = [1, [2]]; b = {'k': a}; c = a
        x = numpy.arange(50_000)
        class A: x = 1
        i = A()
        def f(): return x
        """
    )
    before, told = objects(notebook), dict(notebook.vars().entries)
    state = notebook.cell(source)
    assert (state.made, state.changed, state.deleted, state.bytes) == ((), (), (), 0)
    assert objects(notebook) == before
    assert notebook.vars().entries == told


def test_equal_variables_are_stored_once(notebook: Notebook) -> None:
    notebook.cell("import random; random.seed(1); text = 'x' * 900_000")
    state = notebook.cell("a = 'x' * 900_000; b = 'x' * 900_000")
    assert state.bytes < 3_000


def test_the_small_variables_of_a_cell_share_one_object(notebook: Notebook) -> None:
    notebook.cell("x = 1")
    before = objects(notebook)
    state = notebook.cell("a, b, c = [1], {2: 3}, 'four'\ndef f(): pass")
    assert len(state.made) == 4
    assert len(objects(notebook) - before) == 1


def test_a_state_is_a_file_of_its_own_that_stays(notebook: Notebook) -> None:
    notebook.cell("x = 1")
    path = notebook.archive.path / "runs/r/states/000001.json"
    first = path.read_bytes()
    notebook.cell("x = 2")
    assert path.read_bytes() == first


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, CHUNK, 5 * CHUNK])
def test_memory_of_any_size_comes_back(notebook: Notebook, size: int) -> None:
    state = notebook.cell(
        f"""
        import numpy, pickle
        a = numpy.arange({size}, dtype='uint8')
        class Blob:
            def __init__(self, data): self.data = data
            def __reduce_ex__(self, protocol): return Blob, (pickle.PickleBuffer(self.data),)
        b = Blob(bytearray(a))
        """
    )
    assert state.unsaved == ()
    found = notebook.vars()
    assert found["a"].tobytes() == notebook.namespace["a"].tobytes()
    found["a"][0] = 7
    assert type(found["b"].data) in (bytes, bytearray)
    assert found["b"].data == notebook.namespace["b"].data


def test_a_long_text_is_not_looked_at_after_every_cell(notebook: Notebook) -> None:
    notebook.cell("text = 'x' * 50_000_000")
    notebook.cell("y = 1")
    checked = notebook.recorder.candidates.known["text"].checked
    for _ in range(3):
        notebook.cell("y += 1")
    assert checked == notebook.recorder.candidates.known["text"].checked == 1


def test_a_key_that_is_no_name_is_passed_over_untouched(notebook: Notebook) -> None:
    notebook.cell(
        """
        class K:
            calls = 0
            def __hash__(self): type(self).calls += 1; return 1
        globals()[K()] = 1
        n = K.calls
        """
    )
    notebook.cell("x = 1")
    notebook.cell("x += 1")
    assert notebook.namespace["K"].calls == notebook.namespace["n"]


# -- what is told of a cell

CHANGES = [
    ("x = 1", "x", "", ""),
    ("x = 2; y = 1", "y", "x", ""),
    ("x = 2", "", "", ""),
    ("x = 2.0", "", "x", ""),  # equal, and another value
    ("a = [1]; b = a; c = [1]", "a b c", "", ""),
    ("a.append(2)", "", "a b", ""),
    ("c.append(2)", "", "c", ""),
    ("a = [1, 2]", "", "", ""),  # as it was, but no longer b
    ("b.append(3)", "", "b", ""),
    ("def add(i): a.append(i)", "add", "", ""),
    ("add(3)", "", "a", ""),
    ("call = lambda: add(4)", "call", "", ""),
    ("call()", "", "a", ""),
    ("class C:\n def put(self, v): self.v = v", "C", "", ""),
    ("i = C(); j = C()", "i j", "", ""),
    ("i.put(5)", "", "i", ""),
    ("k = i.put", "k", "", ""),
    ("k(6)", "", "i k", ""),
    ("globals()['x'] = 3", "", "x", ""),
    ("eval('b').append(4)", "", "b", ""),
    ("code = 'c.append(3)'", "code", "", ""),
    ("exec(code)", "", "c", ""),
    ("a = b", "", "", ""),
    ("a.append(7); a = 0", "", "a b", ""),
    ("c.append(8); d = c; del c", "d", "", "c"),
    ("d.append(9); c = 0", "c", "d", ""),
    ("a = b; b.append(10)", "", "a b", ""),
    ("a.append(11); del a", "", "b", "a"),
    ("def drop():\n global d\n e.append(d); del d", "drop", "", ""),
    ("e = [b]", "e", "", ""),
    ("drop()", "", "e", "d"),
    ("del b", "", "", "b"),
    ("del c; c = 1", "", "c", ""),
    ("x = None", "", "x", ""),
    ("del x; x = [1]; del y", "", "x", "y"),
]


@pytest.mark.parametrize("budget", [0.0, 1.0], ids=["only candidates", "all that is cheap"])
def test_each_cell_tells_what_it_made_changed_and_deleted(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, budget: float
) -> None:
    monkeypatch.setattr("kernel_payload.candidates._LEAST_BUDGET", budget)
    for source, *told in CHANGES:
        state = notebook.cell(source)
        found = [" ".join(names) for names in (state.made, state.changed, state.deleted)]
        assert found == told, source


def test_a_class_that_was_changed_is_told_and_restored_so(notebook: Notebook) -> None:
    notebook.cell("class C: pass\ni = C()")
    state = notebook.cell("C.w = 1")
    assert notebook.vars()["i"].w == 1
    assert not hasattr(notebook.vars(1)["i"], "w")
    assert state.changed == ("C",)


def test_a_state_tells_its_cell_its_parent_and_its_directory(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook.cell("import os\nx = 1")
    (notebook.archive.path.parent / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    state = notebook.cell("x = 2")
    read = notebook.archive.state("r", 2)
    assert read == state
    assert (read.n, read.cell_id, read.parent, read.source) == (2, "id2", 1, "x = 2")
    assert read.cwd is not None
    assert (Path(notebook.recorder.directory) / read.cwd).resolve() == tmp_path.resolve()


def test_a_variable_tells_the_cell_that_made_it_what_it_is(notebook: Notebook) -> None:
    notebook.cell("a = [1]; b = [1]")
    notebook.cell("b.append(2); len(a)")
    notebook.cell("a is b")
    entries = notebook.vars().entries
    assert {name: entry.n for name, entry in entries.items()} == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("source", "answer", "expected"),
    [
        ("x = [1]", "x", [1]),
        ("x = [1]", "x * 2", [1, 1]),
        ("x = 1", "x + 1", 2),
        ("x = 1", "'text'", "text"),
        ("x = 1", None, None),
        ("x = [1]", "{'k': x}", {"k": [1]}),
        ("import numpy", "numpy.arange(3).tolist()", [0, 1, 2]),
    ],
)
def test_the_answer_of_a_cell_is_recorded(
    notebook: Notebook, source: str, answer: str | None, expected: Any
) -> None:
    notebook.cell(source, answer)
    loader = notebook.vars().loader
    assert loader.load_answer() == expected
    assert "<out>" not in notebook.vars().entries


def test_an_answer_is_described_like_a_variable(notebook: Notebook) -> None:
    answer = notebook.cell("x = [1]", "x * 2").answer
    assert isinstance(answer, Entry)
    assert (answer.type, answer.preview, answer.len, answer.n) == ("list", "[1, 1]", 2, 1)


def test_an_answer_that_is_a_variable_is_that_variable(notebook: Notebook) -> None:
    notebook.cell("x = [1]", "x")
    loader = notebook.vars().loader
    assert loader.load_answer() is loader.load("x")


def test_an_answer_that_cannot_be_saved_says_why(notebook: Notebook) -> None:
    state = notebook.cell("x = 1", "(i for i in [])")
    assert state.unsaved == ()
    with pytest.raises(NotSaved, match=r"Out\[1\] \(generator"):
        notebook.vars().loader.load_answer()


def test_an_answer_of_a_class_that_no_variable_holds_is_loaded_with_it(notebook: Notebook) -> None:
    notebook.cell("def make():\n class A: v = 3\n return A()", "make()")
    assert notebook.vars().loader.load_answer().v == 3


def test_an_answer_leaves_what_its_class_shares_with_variables_as_it_is(
    notebook: Notebook,
) -> None:
    notebook.cell("items = []\nclass A: common = items")
    notebook.cell("1", answer="[A.common, A]")
    variables = notebook.vars()
    assert variables["A"].common is variables["items"]


def test_random_generators_are_recorded_as_hidden_state(notebook: Notebook) -> None:
    notebook.cell("import random, numpy\nrandom.seed(1); numpy.random.seed(1)")
    drawn = notebook.cell("x = random.random(), numpy.random.random()")
    assert drawn.made == ("x",)
    loader = notebook.vars(1).loader
    state, numpy_state = loader.load("<random>"), loader.load("<numpy.random>")
    scope = notebook.namespace
    scope["random"].setstate(state)
    scope["numpy"].random.set_state(numpy_state)
    assert (scope["random"].random(), scope["numpy"].random.random()) == scope["x"]


# -- nothing is kept alive


@pytest.mark.parametrize(
    "source",
    [
        "v = numpy.zeros(200_000)",
        "v = numpy.zeros(3)",
        "class A: pass\nv = A(); v.me = [1]",
        "class A: pass\nv = A(); w = [v]; del w",
        "v = {1, 2, 3}.union()\nclass S(set): pass\nv = S(v)",
        "def v(): return v",
        "class A: pass\nv = A(); v.lock = threading.Lock()",  # cannot be saved
        "class A: pass\nv = A(); v.g = globals()",
        "def make():\n x = []\n def f(): return x\n return f\nv = make()",
        "v = pandas.DataFrame({'x': range(9)})",
    ],
)
def test_a_variable_is_freed_by_del_although_it_was_recorded(
    notebook: Notebook, source: str
) -> None:
    notebook.cell("import numpy, pandas, threading")
    notebook.cell(source, "v")
    seen = weakref.ref(notebook.namespace["v"])
    notebook.cell("v; 1")
    gc.collect()
    assert seen() is not None
    notebook.cell("del v")
    # frames and what holds itself go with the next collection, as everywhere
    if seen() is not None and ("DataFrame" in source or "globals" in source):
        gc.collect()
    assert seen() is None


def test_a_variable_of_a_group_is_freed_by_del(notebook: Notebook) -> None:
    notebook.cell("class A: pass\na = A(); a.items = []; b = a.items")
    seen = weakref.ref(notebook.namespace["a"])
    notebook.cell("del a")
    assert seen() is None
    assert notebook.vars()["b"] == []


def test_a_member_of_a_group_that_was_bound_anew_since_is_not_taken_from_it(
    notebook: Notebook,
) -> None:
    notebook.cell("a = [1]; b = a; c = a")
    notebook.cell("b = 5")
    old, new = notebook.vars(1).entries, notebook.vars(2).entries
    notebook.archive.put_state("r", State(3, entries={"a": old["a"], "b": new["b"]}))
    variables = notebook.vars(3)
    assert variables["a"] == [1]
    assert variables["b"] == 5
    assert "c" not in variables.loader.values


def test_a_place_that_does_not_hold_its_variable_is_damage(notebook: Notebook) -> None:
    notebook.cell("a = [1]; b = 2")
    found = notebook.vars().entries
    notebook.archive.put_state("r", State(2, entries={"a": found["b"]}))
    with pytest.raises(Damaged, match="the group of a does not hold it"):
        notebook.vars(2)["a"]


# -- what cannot be saved

UNSAVED = {
    "a generator": ("v = (i for i in [])", "generator"),
    "a lock": ("v = threading.Lock()", "pickle"),
    "an open file": ("v = open('/dev/null')", "pickle"),
    "a socket": ("v = socket.socket(); v.close()", "pickle"),
    "a thread": ("v = threading.Thread()", "pickle"),
    "a lock in a list": ("v = [1, [threading.Lock()]]", "pickle"),
    "a lock in a closure": ("def make(x): return lambda: x\nv = make(threading.Lock())", "pickle"),
    "the namespace": ("v = globals()", "globals()"),
    "what is nested without end": (
        "class V:\n def __getstate__(self): return self.__getstate__()\nv = V()",
        "nested too deeply",
    ),
    "an error": ("class V:\n def __reduce__(self): raise ValueError('no!')\nv = V()", "no!"),
    "an exit": ("class V:\n def __reduce__(self): raise SystemExit(3)\nv = V()", "SystemExit"),
    "an error without words": (
        """
        class E(Exception):
            def __str__(self): raise self
        class V:
            def __getstate__(self): raise E
        v = V()""",
        "E",
    ),
    "an instance of a class that holds a lock": (
        "class V: lock = threading.Lock()\nv = V()",
        "its class V cannot be saved: TypeError: cannot pickle '_thread.lock' object, at V.lock",
    ),
    "code of a C function": ("import ctypes\nv = ctypes.CFUNCTYPE(None)(print)", "pickle"),
}


@pytest.mark.parametrize(("source", "reason"), UNSAVED.values(), ids=UNSAVED)
def test_what_cannot_be_saved_says_why_and_takes_nothing_with_it(
    notebook: Notebook, source: str, reason: str
) -> None:
    notebook.cell("import socket, threading\nshared = []; other = [shared]; alone = {'k': 1}")
    state = notebook.cell(textwrap.dedent(source) + "\nnew = 7")
    assert "v" in state.unsaved
    assert {"new", "v"} <= {*state.made}
    variables = notebook.vars()
    assert reason in (variables.entries["v"].reason or "")
    with pytest.raises(NotSaved, match=r"v .*cell 2.* was not saved"):
        variables["v"]
    assert variables["other"][0] is variables["shared"]
    assert (variables["alone"], variables["new"]) == ({"k": 1}, 7)
    later = notebook.cell("v")
    assert (later.made, later.changed, later.unsaved) == ((), (), ())


@pytest.mark.parametrize(("source", "reason"), UNSAVED.values(), ids=UNSAVED)
def test_what_cannot_be_saved_leaves_those_that_share_with_it_whole(
    notebook: Notebook, source: str, reason: str
) -> None:
    notebook.cell("import socket, threading\nshared = [1]; other = {'s': shared}")
    notebook.cell(textwrap.dedent(source) + "\nboth = [v, shared]")
    variables = notebook.vars()
    assert variables.entries["both"].reason is not None
    assert variables["other"]["s"] is variables["shared"]
    assert variables["shared"] == [1]


def test_what_can_be_saved_again_is(notebook: Notebook) -> None:
    notebook.cell("import threading\na = [threading.Lock()]")
    state = notebook.cell("a[0] = 1")
    assert (state.changed, state.unsaved) == (("a",), ())
    assert notebook.vars()["a"] == [1]
    state = notebook.cell("a[0] = threading.Lock()")
    assert (state.changed, state.unsaved) == (("a",), ("a",))


def test_the_members_of_a_group_whose_pickling_fails_together_are_all_told(
    notebook: Notebook,
) -> None:
    source = """
        class Shy:
            count = 0
            def __reduce__(self):
                raise ValueError('shy')
        shared = [Shy()]
        a, b = [shared], (shared,)
        c = [1]
    """
    state = notebook.cell(source)
    assert state.unsaved == ("a", "b", "shared")
    assert notebook.vars()["c"] == [1]


# -- what is not to be saved


def test_names_that_match_a_pattern_are_never_recorded(tmp_path: Path) -> None:
    notebook = Notebook(tmp_path / "study.varchive", dontsave=("secret", "tmp_*", "_*"))
    secret = "chr(115) + 'esame' * 20_000"
    state = notebook.cell(f"secret = [{secret}]\ntmp_a = tmp_ = _x = 1\ntmp = secrets = 2")
    assert state.made == ("secrets", "tmp")
    notebook.cell("secret.append(1); tmp_b = 2\ndef f(): return secret")
    notebook.cell("secret", answer="secret")
    notebook.recorder.close()
    assert {*notebook.vars().entries} == {"f", "secrets", "tmp"}
    with pytest.raises(NameError):
        notebook.vars()["f"]()
    for name in objects(notebook):
        assert b"esame" not in notebook.archive.store.get(name)


def test_an_answer_that_is_not_to_be_saved_says_so(tmp_path: Path) -> None:
    notebook = Notebook(tmp_path / "study.varchive", dontsave=("secret",))
    notebook.cell("secret = ['sesame']", answer="secret")
    notebook.recorder.close()
    with pytest.raises(NotSaved, match=r"Out\[1\]"):
        notebook.vars().loader.load_answer()


# -- manifests


def test_manifests_stay_small_and_right_with_many_variables(notebook: Notebook) -> None:
    notebook.cell("\n".join(f"v{i} = [{i}]" for i in range(200)))
    kept = {f"v{i}": [i] for i in range(200)}
    for n in range(2, 51):
        changed = [f"v{(7 * n + k) % 200}" for k in range(3)]
        made, deleted = f"w{n}", f"v{199 - n}"
        lines = [f"{name}.append({n})" for name in changed if name in kept and name != deleted]
        kept.pop(deleted, None)
        for line in lines:
            kept[line.split(".")[0]].append(n)
        kept[made] = [n]
        notebook.cell("\n".join([*lines, f"{made} = [{n}]", f"globals().pop({deleted!r}, 0)"]))
        manifest = (notebook.archive.path / f"runs/r/states/{n:06d}.json").read_bytes()
        assert len(manifest) < 20_000
        variables = notebook.vars()
        assert [*variables] == sorted(kept)
        assert variables[made] == [n]
    assert dict(notebook.vars()) == kept
    tables = {notebook.archive.state("r", n).base for n in range(1, 51)}
    assert 2 < len(tables) < 20
    whole = sum(p.stat().st_size for p in (notebook.archive.path / "runs/r/states").iterdir())
    assert whole < 400_000
    assert notebook.archive.verify() == []


# -- any program


STEPS = [
    "{a} = [{n}]",
    "{a} = {b}",
    "{a} = [{b}, {b}]",
    "{a} = {{'k': {b}, 'n': {n}}}",
    "{a} = ({b}, [{n}])",
    "{a}.append({n})",
    "{a}.append({b})",
    "{a}['x'] = {b}",
    "{a}.pop()",
    "{a} = {n}",
    "del {a}",
    "{a} = Node({b})",
    "{a}.child = {b}",
    "{a}.child.child = {n}",
    "{a} = {b}.child",
    "{a} = Node",
    "Node.common = {a}",
    "def {a}(): return {b}",
    "def {a}(x={b}): x.append({n}); return x",
    "{a} = (lambda x: lambda: x)({b})",
    "{a} = {b}()",
    "poke({n})",
    "{a} = {b}.get",
    "class Node:\n def __init__(self, child): self.child = child",
]
names = st.sampled_from("abcd")
step = st.builds(
    lambda s, a, b, n: s.format(a=a, b=b, n=n),
    st.sampled_from(STEPS),
    names,
    names,
    st.integers(0, 2),
)

PRELUDE = """
class Node:
    def __init__(self, child): self.child = child
a, b, c, d = [1], {'k': 2}, 3, Node(4)
def poke(n): a.append(n)
"""


@pytest.mark.parametrize("budget", [0.0, 1.0], ids=["only candidates", "all that is cheap"])
@settings(max_examples=40, deadline=None, suppress_health_check=[*HealthCheck])
@given(cells=st.lists(st.lists(step, min_size=1, max_size=3), min_size=1, max_size=8))
def test_after_any_program_every_state_is_the_namespace_as_it_was(
    budget: float, cells: list[list[str]]
) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr("kernel_payload.candidates._LEAST_BUDGET", budget)
        notebook = Notebook(Path(folder) / "study.varchive")
        shapes = []
        for cell in [[PRELUDE], *cells]:
            tries = [f"try:\n{textwrap.indent(s, ' ')}\nexcept Exception: pass" for s in cell]
            notebook.cell("\n".join(tries))
            shapes.append(shape(notebook.namespace))
        notebook.recorder.close()
        for n, expected in enumerate(shapes, 1):
            assert shape(dict(notebook.vars(n))) == expected, f"cell {n}"
        assert notebook.archive.verify() == []


def shape(namespace: dict[str, Any]) -> list[Any]:
    """Tell all values and which of them are one, as plain data."""
    seen: dict[int, int] = {}
    told: list[Any] = []

    def tell(value: Any) -> Any:
        if isinstance(value, (int, str, type(None))):
            return value
        if type(value) is tuple:
            return ("tuple", *map(tell, value))
        if id(value) in seen:
            return f"#{seen[id(value)]}"
        seen[id(value)] = number = len(seen)
        return (f"#{number}", type(value).__name__, *map(tell, contents(value)))

    for name in sorted(namespace):
        if not name.startswith("__"):
            told.append((name, tell(namespace[name])))
    return told


def contents(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, list):
        return value
    if isinstance(value, types.FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        return [value.__name__, *cells, *(value.__defaults__ or ())]
    if isinstance(value, types.BuiltinFunctionType):
        return [value.__name__, value.__self__]
    if isinstance(value, type):
        own = {k: v for k, v in vars(value).items() if not k.startswith("__") or k == "__init__"}
        return [value.__name__, *own, *own.values()]
    return [type(value), *vars(value), *vars(value).values()]


# -- disks that fail


def test_a_disk_that_fails_ends_the_recording_and_nothing_else(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the thread that syncs would find files of the first cell gone, or not, as it happens
    monkeypatch.setattr("kernel_payload.writer.flush", lambda path: None)
    notebook.cell("x = 1")
    objects_path = notebook.archive.path / "objects"
    objects_path.rename(objects_path.with_name("away"))
    objects_path.write_text("")
    assert notebook.recorder.stopped is None
    notebook.cell("x = 2")
    assert "the varchive cannot be written" in (notebook.recorder.stopped or "")
    notebook.cell("x = [3]; y = x")
    notebook.recorder.close()
    assert notebook.namespace["y"] == [3]
    objects_path.unlink()
    objects_path.with_name("away").rename(objects_path)
    assert notebook.archive.states("r") == [1]
    assert notebook.archive.verify() == []


_FULL_DISK = """
import resource, sys
sys.path[:0] = [sys.argv[2], "."]
from pathlib import Path
from test_recorder import Notebook

notebook = Notebook(Path(sys.argv[1]))
notebook.cell("x = 'small'")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
notebook.cell("import os\\ny = os.urandom(3_000_000)")
print(notebook.recorder.stopped)
notebook.cell("z = 1")
notebook.recorder.close()
print(notebook.recorder.stopped, notebook.archive.states("r"), notebook.archive.verify())
"""


def test_a_full_disk_is_told_and_leaves_the_earlier_states_whole(tmp_path: Path) -> None:
    here = Path(__file__).resolve().parent
    command = [sys.executable, "-c", _FULL_DISK, str(tmp_path / "full.varchive"), str(here)]
    done = subprocess.run(command, cwd=here.parent, capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first.startswith("the varchive cannot be written: [Errno 27] File too large")
    assert second == f"{first} [1] []"
    assert done.stderr == ""
    assert not list((tmp_path / "full.varchive/tmp").iterdir())


def test_a_child_of_the_kernel_records_nothing(notebook: Notebook) -> None:
    notebook.cell("x = 1")
    before = objects(notebook)
    child = os.fork()
    if child == 0:
        try:
            notebook.cell("x = 'of the child' * 9999")
            notebook.recorder.close()
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert objects(notebook) == before
    assert notebook.archive.states("r") == [1]


def test_after_a_recording_that_failed_the_next_one_looks_at_everything(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook.cell("x = [1]; y = [1]")

    def broken(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("kernel_payload.recorder.Settling.settle", broken)
    monkeypatch.setattr("kernel_payload.candidates._LEAST_BUDGET", 0.0)
    with pytest.raises(MemoryError):
        notebook.cell("x.append(2); y.append(2)")
    monkeypatch.undo()
    monkeypatch.setattr("kernel_payload.candidates._LEAST_BUDGET", 0.0)
    state = notebook.cell("z = 1")
    assert (state.made, state.changed, state.parent) == (("z",), ("x", "y"), 1)
    assert notebook.vars()["x"] == [1, 2]


def test_what_a_function_did_before_its_name_was_bound_anew_is_seen(notebook: Notebook) -> None:
    notebook.cell("a = [1]\ndef b(): return a\nclass C:\n def poke(self): a.append(2)\ni = C()")
    notebook.cell("c = b()\nb = None")
    found = notebook.vars()
    assert found["c"] is found["a"]
    notebook.cell("i.poke()\ni = None")
    assert notebook.vars()["a"] == [1, 2]


BIG = "list(range(300_000))"


@pytest.mark.parametrize(
    ("first", "then", "look"),
    [
        (
            "import threading\nclass Model:\n def __init__(self, d):\n"
            "  self.d = d; self.lock = threading.Lock()\n"
            f"def update(s): s.d.append('x')\ndata = {BIG}; m = Model(data)",
            "update(m)",
            "data",
        ),
        (
            f"def gen(z):\n while 1:\n  z.append('x'); yield\ndata = {BIG}; g = gen(data)",
            "next(g)",
            "data",
        ),
        (f"data = {BIG}; g = (data.append('x') for i in range(9))", "next(g)", "data"),
        (
            f"import threading\ndata = {BIG}\n"
            "t = threading.Thread(target=lambda: data.append('x'))",
            "t.start(); t.join()",
            "data",
        ),
        (
            f"import queue\ndata = {BIG}; q = queue.Queue(); q.put(data)",
            "q.queue[0].append('x')",
            "data",
        ),
        (
            "from contextlib import contextmanager\n"
            "@contextmanager\ndef cm(r): r.append('x'); yield\n"
            f"data = {BIG}; c = cm(data)",
            "with c: pass",
            "data",
        ),
        (
            f"import weakref\nclass O: pass\no = O(); o.big = {BIG}; w = weakref.ref(o)",
            "w().big.append('x')",
            "o.big",
        ),
        (
            "import numpy as np\nzeros = np.zeros(5_000_000); fl = zeros.flat",
            "fl[-1] = 42",
            "zeros.tolist()",
        ),
    ],
    ids=["lock", "generator", "expression", "thread", "queue", "context", "weak", "flat"],
)
def test_a_change_through_what_cannot_be_saved_is_seen(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, first: str, then: str, look: str
) -> None:
    monkeypatch.setattr("kernel_payload.candidates._LEAST_BUDGET", 0.0)
    notebook.cell(first)
    notebook.cell(then)
    found = eval(look, dict(notebook.vars()))
    assert found[-1] == eval(look, notebook.namespace)[-1]
    assert found[-1] in ("x", 42)


@pytest.mark.parametrize(
    "cell",
    ["_.append(1)", "Out[3].append(1)", "_3.append(1)", "f(_)", "x = _\nx.append(1)", "_[0] = 7"],
)
def test_a_cell_that_names_an_answer_may_touch_any_variable(cell: str) -> None:
    from kernel_payload.touched import names_in_cell

    assert names_in_cell(cell)[1]


@pytest.mark.parametrize(
    "cell", ["for _ in range(3): pass", "a, _ = f()", "_private = 1", "x = y._z"]
)
def test_a_name_to_throw_away_is_no_answer(cell: str) -> None:
    from kernel_payload.touched import names_in_cell

    assert not names_in_cell(cell)[1]


@pytest.mark.parametrize(
    ("source", "check"),
    [
        (
            "import enum\nclass P(enum.Enum):\n E = (1, 2)\n"
            " def __init__(self, m, r): self.m = m; self.r = r\np = P.E; p.extra = [1]",
            "p is P.E and (p.m, p.r, p.extra) == (1, 2, [1])",
        ),
        (
            "import enum\nclass F(enum.Flag):\n R = enum.auto()\n W = enum.auto()\n RW = R | W\n"
            "x = F.R | F.W",
            "x is F.RW and x.name == 'RW' and F['RW'] is x",
        ),
        (
            "import numpy as np\nclass Q(np.ndarray):\n"
            " def __array_finalize__(self, o): self.unit = getattr(o, 'unit', None)\n"
            "q = np.arange(3.).view(Q); q.unit = 'm'",
            "q.unit == 'm' and q.tolist() == [0, 1, 2] and type(q) is Q",
        ),
        (
            "class E(Exception):\n def __init__(self, a, b): super().__init__(a); self.b = b\n"
            "err = E(1, 2); both = [err]",
            "both[0] is err and err.args == (1,) and err.b == 2",
        ),
        (
            "import numpy as np\n"
            "st = np.zeros(4, dtype=[('p', 'f8', (2,)), ('n', 'U5'), ('o', 'O')]); p = st['p']",
            "p.shape == (4, 2) and st.dtype.names == ('p', 'n', 'o')",
        ),
        (
            "import typing\nNT = typing.NewType('NT', int)\ndef f(x: NT) -> NT: return x",
            "NT.__name__ == 'NT' and f(3) == 3",
        ),
    ],
    ids=["enum init", "flag alias", "array subclass", "exception", "fields", "newtype"],
)
def test_what_pickle_alone_gets_wrong_comes_back(
    notebook: Notebook, source: str, check: str
) -> None:
    notebook.cell(source)
    assert eval(check, dict(notebook.vars()))


def test_a_notebook_that_replaces_json_dumps_is_recorded(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("json.dumps", lambda *_, **__: "patched")
    notebook.cell("a = 1")
    assert notebook.vars() == {"a": 1}


def test_an_exception_whose_base_has_an_init_of_its_own_comes_back(notebook: Notebook) -> None:
    notebook.cell(
        "class E(Exception):\n def __init__(self, a, b): super().__init__(a); self.b = b\n"
        "class F(E): pass\nerr = F(1, 2)\nplain = KeyError('k')\nos_error = OSError(2, 'no')"
    )
    found = notebook.vars()
    assert (found["err"].args, found["err"].b) == ((1,), 2)
    assert found["plain"].args == ("k",)
    assert found["os_error"].errno == 2


def test_what_a_recording_lost_that_failed_midway_is_in_the_next(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure after the groups were compared: they must not count as recorded."""
    notebook.cell("a = [1]\nn = 1")
    with monkeypatch.context() as patch:
        patch.setattr("kernel_payload.register.describe", _fail_midway)
        with pytest.raises(RuntimeError, match="midway"):
            notebook.cell("a.append(2)\nn = 2\nb = [3]")
    notebook.cell("pass")
    assert notebook.vars() == {"a": [1, 2], "n": 2, "b": [3]}


def _fail_midway(value: Any) -> Any:
    raise RuntimeError("midway")
