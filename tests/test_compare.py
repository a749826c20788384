"""Two values -> what differs, where and by how much; whatever their own code says."""

# ruff: noqa: E501  (tables: a value and what is told of it stand on one line)

from __future__ import annotations

import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import functools
import json
import pathlib
import pickle
import random
import subprocess
import sys
import types
import weakref
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tmrun.compare import compare
from tmrun.difference import KINDS, Amount, Comparison

NAN = float("nan")


def made(source: str, name: str = "made") -> Any:
    """Give what a cell's source binds, as a notebook would have it: twice made, twice another."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, f"/tmp/ipykernel_{random.random()}", "exec"), scope)
    return scope[name]


def only(found: Comparison) -> tuple[str, str, str, str]:
    """Give the one difference that there is."""
    assert (found.count, len(found.differences), found.unknown) == (1, 1, ()), found
    one = found.differences[0]
    assert one.kind in KINDS
    return one.path, one.kind, one.a, one.b


# -- properties

# there are many properties, and a busy machine is slow to draw nested values
plain = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.complex_numbers(),
)
keys = st.one_of(st.integers(), st.text(), st.booleans(), st.tuples(st.text(), st.integers()))
values = st.recursive(
    scalars | st.frozensets(keys) | st.sets(keys),
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.tuples(inner, inner),
    max_leaves=12,
)


def frozen(value: Any) -> Any:
    """Give what tells values apart as they are meant: a model of what `compare` decides."""
    if isinstance(value, (list, tuple)):
        return type(value), tuple(map(frozen, value))
    if isinstance(value, dict):
        return dict, frozenset((frozen(k), frozen(v)) for k, v in value.items())
    if isinstance(value, (set, frozenset)):
        return type(value), frozenset(map(frozen, value))
    return type(value), "nan" if value != value else value


@plain
@given(values)
def test_a_value_equals_what_is_made_of_its_pickle(value: Any) -> None:
    assert compare(value, pickle.loads(pickle.dumps(value))).equal


@plain
@given(values, values)
def test_values_are_equal_when_they_mean_the_same(a: Any, b: Any) -> None:
    assert compare(a, b).equal == (frozen(a) == frozen(b))
    assert compare(b, a).equal == compare(a, b).equal


@plain
@given(st.dictionaries(keys, st.lists(scalars, max_size=2)), st.randoms())
def test_the_order_of_a_dict_does_not_count(value: dict[Any, Any], chance: Any) -> None:
    items = [*value.items()]
    chance.shuffle(items)
    assert compare(value, copy.deepcopy(dict(items))).equal


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Give the paths of all that can be replaced in a value."""
    found = []
    inside = enumerate(value) if isinstance(value, list) else value.items()
    for key, item in inside:
        found.append((*path, key))
        if isinstance(item, (list, dict)):
            found += places(item, (*path, key))
    return found


names = st.text("abc'\"\\ é", max_size=3) | st.integers()
trees = st.recursive(
    st.lists(st.integers(), min_size=1) | st.dictionaries(names, st.integers(), min_size=1),
    lambda inner: st.lists(inner, min_size=1) | st.dictionaries(names, inner, min_size=1),
    max_leaves=10,
)


@plain
@given(trees, st.data())
def test_what_was_changed_is_found_at_its_path(tree: Any, data: st.DataObject) -> None:
    *way, last = data.draw(st.sampled_from(places(tree)))
    other = copy.deepcopy(tree)
    target = functools.reduce(lambda inside, key: inside[key], way, other)
    target[last] = "changed"
    path, kind, _, b = only(compare(tree, other))
    assert (kind, b) == ("type", "str 'changed'")
    assert eval(f"other{path}", {"other": other}) == "changed"


arrays = hnp.arrays(
    st.sampled_from(["f8", "f4", "i8", "u1", "bool", "c16", "M8[s]", "U3", ">f8"]),
    hnp.array_shapes(max_dims=3, max_side=4),
)


@plain
@given(arrays)
def test_an_array_equals_its_copy_whatever_its_order_in_memory(array: Any) -> None:
    assert compare(array, np.asfortranarray(array)).equal
    assert compare(array, array.astype(array.dtype.newbyteorder())).equal


@plain
@given(hnp.arrays("f8", (3, 4), elements=st.floats(-9, 9)), st.data())
def test_the_largest_differences_of_arrays_are_found_where_they_are(
    a: Any, data: st.DataObject
) -> None:
    places = data.draw(st.sets(st.integers(0, 11), min_size=1))
    b = a.copy()
    for place in places:
        b.flat[place] += data.draw(st.floats(0.5, 5))
    found = compare(a, b)
    only(found)
    amount = found.differences[0].amount
    assert amount is not None
    assert (amount.elements, amount.of) == (len(places), 12)
    assert amount.absolute == pytest.approx(np.abs(b - a).max())
    assert eval(f"abs(b - a){amount.absolute_at}") == pytest.approx(np.abs(b - a).max())
    assert eval(f"a{found.differences[0].path}") == a.flat[min(places)]
    assert compare(a, b, atol=6).equal


@plain
@given(hnp.arrays("f8", 5), hnp.arrays("f8", 5), st.floats(0, 1), st.floats(0, 1))
def test_arrays_and_lists_are_close_as_numpy_has_it(
    a: Any, b: Any, rtol: float, atol: float
) -> None:
    with np.errstate(all="ignore"):
        close = np.isclose(b, a, rtol=rtol, atol=atol, equal_nan=True).all()
    assert compare(a, b, rtol=rtol, atol=atol).equal == close
    assert compare(a.tolist(), b.tolist(), rtol=rtol, atol=atol).equal == close


# -- numbers, text, dates


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        (1, 2, ("", "value", "1", "2")),
        (1, 1.0, ("", "type", "int 1", "float 1.0")),
        (1, True, ("", "type", "int 1", "bool True")),
        (1, np.int64(1), ("", "type", "int 1", "numpy.int64 1")),
        (np.float64(1), np.float64(2), ("", "value", "1.0", "2.0")),
        (NAN, 1.0, ("", "value", "nan", "1.0")),
        ("a", "b", ("", "value", "'a'", "'b'")),
        ("x" * 99, "x" * 98, ("[78:138]", "value", repr("x" * 21), repr("x" * 20))),
        (None, 0, ("", "type", "NoneType None", "int 0")),
        (range(3), range(4), ("", "value", "range(0, 3)", "range(0, 4)")),
        (decimal.Decimal(1), decimal.Decimal(2), ("", "value", "1", "2")),
        (pathlib.Path("a"), pathlib.Path("b"), ("", "value", "a", "b")),
        (datetime.date(2020, 1, 1), datetime.date(2020, 1, 2), ("", "value", "2020-01-01", "2020-01-02")),
        (pd.Timestamp(2020, 1, 1), pd.NaT, ("", "type", "", "")),
        ([1, 2], [1], ("", "length", "2", "1")),
        ([1, {"a": (2,)}], [1, {"a": (3,)}], ("[1]['a'][0]", "value", "2", "3")),
        ({"a": 1}, {}, ("['a']", "missing", "1", "")),
        ({}, {(1, "b"): 2}, ("[(1, 'b')]", "added", "", "2")),
        ({1, 2}, {1}, ("{2}", "missing", "2", "")),
        (collections.Counter("aab"), collections.Counter("ab"), ("['a']", "value", "2", "1")),
        (collections.deque([1]), collections.deque([2]), ("[0]", "value", "1", "2")),
        (bytearray(b"ab"), bytearray(b"ac"), ("[1]", "value", "98", "99")),
        (memoryview(b"ab"), memoryview(b"ac"), ("[1]", "value", "98", "99")),
        ({1: 2}.values(), {1: 3}.values(), ("[1]", "value", "2", "3")),
        (types.MappingProxyType({1: 2}), types.MappingProxyType({1: 3}), ("[1]", "value", "2", "3")),
        (ValueError("a", 1), ValueError("a", 2), (".args[1]", "value", "1", "2")),
        (functools.partial(max, 1), functools.partial(max, 2), (".args[0]", "value", "1", "2")),
        (types.SimpleNamespace(x=1), types.SimpleNamespace(x=2), (".x", "value", "1", "2")),
        (json, random, ("", "value", "module json", "module random")),
        (json.dumps, json.loads, ("", "value", "'json.dumps'", "'json.loads'")),
        (int, str, ("", "value", "class int", "class str")),
    ],
)  # fmt: skip
def test_a_difference_is_told_by_its_path_kind_and_values(a: Any, b: Any, told: Any) -> None:
    found = only(compare(a, b))
    assert found[:2] == told[:2]
    if told[2] or told[3]:
        assert found == told
    assert compare(a, a).equal


@pytest.mark.parametrize(
    "value",
    [
        decimal.Decimal("NaN"),
        pd.NaT,
        pd.NA,
        np.datetime64("NaT"),
        {NAN, 1},
        {(NAN, 1): 2},
        {np.int64(3): 1, pd.Timestamp(2020, 1, 1): 2, datetime.date(2020, 1, 1): 3},
        np.random.default_rng(3),
        random.Random(3),
        object(),
        iter([1, 2]),
        collections.defaultdict(list, a=[1]),
        pd.DataFrame({"a": [1, None], "b": ["x", None], "c": pd.Categorical(["u", None])}),
        pd.Series([1, None], dtype="Int64"),
        pd.Series([2**62, None], dtype="Int64"),
        pd.date_range("2020", periods=3, tz="Europe/Berlin"),
        pd.MultiIndex.from_product([["a"], [1, 2]], names=["x", None]),
        pd.interval_range(0, 3),
        np.array([(1, NAN)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array([NAN, None, "x", [1]], dtype=object),
        np.ma.array([1.0, NAN, 3.0], mask=[0, 0, 1]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_equals_its_copy(value: Any) -> None:
    assert compare(value, pickle.loads(pickle.dumps(value))) == Comparison()


def test_what_libraries_hide_is_compared_by_what_they_give_pickle() -> None:
    a, b = made("made = int | str"), made("made = int | bytes")
    assert only(compare(a, b)) == (".__args__[1]", "value", "class str", "class bytes")
    image = pytest.importorskip("PIL.Image")
    assert compare(image.new("L", (2, 2)), image.new("L", (2, 2))).equal
    assert only(compare(image.new("L", (2, 2)), image.new("L", (2, 2), 3)))[1] == "value"
    figure = pytest.importorskip("matplotlib.figure").Figure
    assert compare(figure(), figure()).equal
    found = compare(figure(), figure(dpi=7)).differences
    assert "._dpi" in {difference.path for difference in found}


def test_numbers_tell_how_far_they_are_apart() -> None:
    assert compare(2.0, 3.0).differences[0].amount == Amount(1, 1, 1.0, "", 0.5, "")
    assert compare(0, 3).differences[0].amount == Amount(1, 1, 3.0, "", None, "")
    assert compare(1.0, float("inf")).differences[0].amount == Amount(1, 1)
    assert compare(10**400, 10**400 + 1).differences[0].amount == Amount(1, 1)
    assert compare(100, 101, rtol=0.01).equal
    assert not compare(100, 102, rtol=0.01).equal
    assert not compare(True, False, atol=5).equal
    assert compare({0.1 + 0.2}, {0.3}, rtol=1e-9).equal
    assert compare({0.1 + 0.2: 1}, {0.3: 1}).count == 2


# -- arrays and frames


def test_arrays_tell_shape_dtype_and_how_many_elements_differ() -> None:
    a = np.arange(12.0).reshape(3, 4)
    b = a.copy()
    b[1, 2], b[2, 0], b[2, 3] = 9, 9, NAN
    found = compare({"w": a}, {"w": b})
    assert only(found) == ("['w'][1, 2]", "value", "6.0", "9.0")
    assert found.differences[0].amount == Amount(3, 12, 3.0, "[1, 2]", 0.5, "[1, 2]")
    assert only(compare(a, a[:2])) == ("", "shape", "(3, 4)", "(2, 4)")
    assert only(compare(a, a.astype("f4"))) == ("", "dtype", "float64", "float32")
    assert compare(a, b.astype("f4")).count == 2
    far = np.array([2**62, 1]), np.array([2**62 + 1, 1])
    assert only(compare(*far))[0] == "[0]", "floats could not tell them apart"
    record = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
    other = record.copy()
    other["b"] = 5
    assert only(compare(record, other))[0] == "['b'][0]"
    masked = np.ma.array([1, 2, 3], mask=[0, 1, 0]), np.ma.array([1, 7, 4], mask=[0, 1, 0])
    assert only(compare(*masked)) == ("[2]", "value", "3", "4")
    objects = np.array([{"a": 1}, 2], dtype=object), np.array([{"a": 3}, 2], dtype=object)
    assert only(compare(*objects)) == ("[0]['a']", "value", "1", "3")


def test_a_large_array_is_compared_block_by_block() -> None:
    a = np.zeros(3_000_000)
    b = a.copy()
    b[[5, 2_900_000]] = 1, 2
    amount = compare(a, b).differences[0].amount
    assert amount == Amount(2, 3_000_000, 2.0, "[2900000]", None, "")


def test_frames_tell_columns_dtypes_index_and_rows() -> None:
    a = pd.DataFrame({"x": [1.0, 2.0], "s": ["u", "v"]}, index=["p", "q"])
    b = a.copy()
    b.loc["q", "x"] = 3
    assert only(compare(a, b)) == ("['x'].loc['q']", "value", "2.0", "3.0")
    b = a.copy()
    b.loc["p", "s"] = "w"
    assert only(compare(a, b)) == ("['s'].loc['p']", "value", "'u'", "'w'")
    assert only(compare(a, a[["s", "x"]]))[:2] == (".columns", "order")
    assert only(compare(a, a.astype({"x": "f4"})))[:2] == ("['x']", "dtype")
    assert only(compare(a, a.rename(index={"q": "r"}))) == (".index[1]", "value", "'q'", "'r'")
    kinds = {(d.path, d.kind) for d in compare(a, a[["s"]].assign(n=1, m=2)).differences}
    assert kinds == {("", "shape"), ("['x']", "missing"), ("['n']", "added"), ("['m']", "added")}
    assert only(compare(a, a.iloc[:1]))[:2] == ("", "shape")
    assert only(compare(a["x"], a["x"].rename("y"))) == (".name", "value", "'x'", "'y'")
    series = pd.Series([1, None], dtype="Int64"), pd.Series([2, None], dtype="Int64")
    assert only(compare(*series))[0] == ".loc[0]"
    twice = pd.Series([1, 2], index=["a", "a"]), pd.Series([1, 3], index=["a", "a"])
    assert only(compare(*twice))[0] == ".iloc[1]"


def test_tensors_and_frames_of_polars() -> None:
    torch, polars = pytest.importorskip("torch"), pytest.importorskip("polars")
    a, b = {"w": torch.zeros(2, 2)}, {"w": torch.tensor([[0.0, 0], [0, 2]])}
    assert only(compare(a, b)) == ("['w'][1, 1]", "value", "0.0", "2.0")
    assert compare(a, b, atol=2).equal
    left, right = (polars.DataFrame({"a": [1, x], "b": ["u", None]}) for x in (2, 3))
    assert only(compare(left, right)) == ("['a'][1]", "value", "2", "3")


def test_comparing_imports_neither_numpy_nor_pandas() -> None:
    code = (
        "import sys, tmrun.differ; from tmrun.compare import compare; compare([1, {2}], [1, {3}])\n"
        "print([name for name in ('numpy', 'pandas', 'torch') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# -- functions, classes, instances


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        ("def made(x): return x + 1", "\n\ndef made(x):\n    return x + 1", None),
        ("def made(x): return x + 1", "def made(x): return x + 2", (".__code__.co_consts[1]", "value")),
        ("def made(x): return x + 1", "def made(x): return x - 1", (".__code__", "code")),
        ("def made(x=1): return x", "def made(x=2): return x", (".__defaults__[0]", "value")),
        ("y = 1\ndef made(x): return y", "y = 2\ndef made(x): return y", None),
        ("made = (lambda y: lambda: y)(1)", "made = (lambda y: lambda: y)(2)",
         (".__closure__[0].cell_contents", "value")),
        ("class made:\n    k = 1", "class made:\n    k = 1", None),
        ("class made:\n    k = 1", "class made:\n    k = 2", (".k", "value")),
        ("class made:\n    def f(self): return 1", "class made:\n    def f(self): return self",
         (".f.__code__", "code")),
        ("class made:\n    @property\n    def f(self): return 1",
         "class made:\n    @property\n    def f(self): return 2", (".f.fget.__code__.co_consts[1]", "value")),
        ("class made(int): pass", "class made(float): pass", (".__bases__[0]", "value")),
        ("import enum\nclass E(enum.Enum): A, B = 1, 2\nmade = E.A",
         "import enum\nclass E(enum.Enum): A, B = 1, 2\nmade = E.A", None),
        ("import enum\nclass E(enum.Enum): A, B = 1, 2\nmade = E.A",
         "import enum\nclass E(enum.Enum): A, B = 1, 2\nmade = E.B", ("", "value")),
        ("class A: pass\nmade = A(); made.x = [1]", "class A: pass\nmade = A(); made.x = [2]",
         (".x[0]", "value")),
        ("class A: pass\nmade = A()", "class B: pass\nmade = B()", ("", "type")),
        ("class A: __slots__ = 'x', 'y'\nmade = A(); made.x = 1",
         "class A: __slots__ = 'x', 'y'\nmade = A(); made.x = 1; made.y = 2", (".y", "added")),
        ("class A(list): pass\nmade = A([1]); made.n = 1", "class A(list): pass\nmade = A([1]); made.n = 2",
         (".n", "value")),
        ("class A(dict): pass\nmade = A(u=1)", "class A(dict): pass\nmade = A(u=2)", ("['u']", "value")),
        ("class A(int): pass\nmade = A(1)", "class A(int): pass\nmade = A(2)", ("", "value")),
        ("class A(str): pass\nmade = A('b')", "class A(str): pass\nmade = A('c')", ("", "value")),
        ("class A:\n    def f(self): return 1\nmade = A().f", "class A:\n    def f(self): return 1\nmade = A().f",
         None),
        ("from dataclasses import dataclass, field\n@dataclass(frozen=True)\nclass made:\n"
         "    x: int = 1\n    y: list = field(default_factory=list)",) * 2 + (None,),
        ("import functools\n@functools.lru_cache\ndef made(x): return 1",
         "import functools\n@functools.lru_cache\ndef made(x): return 2",
         (".__wrapped__.__code__.co_consts[1]", "value")),
        ("import functools\nclass made:\n    @functools.cached_property\n    def f(self): return 1",) * 2 + (None,),
        ("class made:\n    __slots__ = 'x', '__weakref__'",) * 2 + (None,),
        ("from abc import ABC, abstractmethod\nclass made(ABC):\n    @abstractmethod\n    def f(self): ...",) * 2
        + (None,),
    ],
)  # fmt: skip
def test_code_and_instances_of_two_notebooks(a: str, b: str, told: tuple[str, str] | None) -> None:
    found = compare(made(a), made(b))
    if told is None:
        assert found == Comparison()
    else:
        assert only(found)[:2] == told


EVIL = """
class Meta(type):
    __eq__ = __hash__ = __getattribute__ = __instancecheck__ = __subclasscheck__ = None
class Evil(metaclass=Meta):
    def _raise(self, *_): raise RuntimeError("no code of the user's")
    __eq__ = __ne__ = __bool__ = __len__ = __iter__ = __repr__ = __str__ = __getattr__ = _raise
    __lt__ = __contains__ = __getitem__ = __format__ = __sizeof__ = _raise
    __class__ = property(_raise)
    def __hash__(self): return 1
"""


def test_what_a_value_says_of_itself_is_not_asked() -> None:
    a, b, c = (made(f"{EVIL}\nmade = Evil(); made.__dict__['x'] = {x}") for x in (1, 1, 2))
    assert compare(a, b).equal
    assert only(compare([a], [c])) == ("[0].x", "value", "1", "2")
    assert compare({"k": a}, {"k": b}).equal
    array = np.empty(1, dtype=object)
    other = array.copy()
    array[0], other[0] = a, c
    assert only(compare(array, other))[0] == "[0].x"
    lies = "class A:\n    __eq__ = lambda self, other: True\n    __hash__ = lambda self: 1\n"
    x, y = (made(f"{lies}made = A(); made.x = {x}") for x in (1, 2))
    assert only(compare(x, y))[0] == ".x"
    assert compare({x}, {y}).count == 2


def test_what_cannot_be_compared_is_told_with_its_path() -> None:
    source = "class A(set):\n    def __init__(self, x): self.x = x\nmade = A"
    hides = "import _thread; made = _thread.allocate_lock()"
    found = compare([1, made(hides)], [2, made(hides)])
    assert (found.count, found.equal) == (1, False)
    assert [part.path for part in found.unknown] == ["[1]"]
    assert "_thread.lock does not show what it holds" in found.unknown[0].reason
    assert compare(made(source)(1), made(source)(1)).equal


def test_elements_without_a_plain_key_are_matched_by_what_they_hold() -> None:
    source = (
        "class A:\n    def __init__(self, *x): self.x = x\n"
        "made = [{A('b', 2.0), A('a', 1.0), A('a', 3.0)}, {A('k'): 1}, A]"
    )
    assert compare(made(source), made(source)).equal
    other = made(source.replace("3.0", "4.0"))
    assert compare(made(source), other).count == 2
    assert compare(made(source), other, atol=1).equal
    assert compare(made(source.replace("'k'", "'j'")), made(source)).count == 2


def test_too_many_elements_that_look_alike_are_not_compared_for_ever() -> None:
    source = "class A:\n    def __init__(self, x): self.x = [x]\nmade = {A(i) for i in range(220)}"
    a, b = made(source), made(source.replace("A(i)", "A(-i - 1)"))
    assert "look alike" in compare(a, b).unknown[0].reason


# -- cycles, depth, bounds


def cycle(*way: Any) -> list[Any]:
    found: list[Any] = [*way]
    found.append({"self": found})
    return found


def test_cycles_end() -> None:
    assert compare(cycle(1), cycle(1)).equal
    assert only(compare(cycle(1), cycle(2))) == ("[0]", "value", "1", "2")
    longer = cycle(1)
    longer[1]["self"] = [1, {"self": longer}]
    assert compare(cycle(1), longer).equal, "they unfold to the same"
    source = (
        "class Node:\n    def __init__(self): self.friends = {self: self}\nmade = Node()\n"
        "made.friends[Node()] = made"
    )
    assert compare(made(source), made(source)).equal


def test_what_is_nested_deeply_needs_no_recursion() -> None:
    def nested(value: Any) -> Any:
        for _ in range(20_000):
            value = [value]
        return value

    assert compare(nested(1), nested(1)).equal
    path, _, a, b = only(compare(nested(1), nested(2)))
    assert (a, b) == ("1", "2")
    assert len(path) < 200
    assert "…" in path


def test_what_is_shared_counts_once_and_differences_are_counted_to_a_bound() -> None:
    a, b = [1], [2]
    assert compare([a] * 9, [b] * 9).count == 1
    found = compare([*range(5000)], [*range(1, 5001)])
    assert (found.count, found.complete, len(found.differences)) == (1000, False, 10)
    assert not found.equal


def test_weak_references_count_by_what_they_lead_to_and_ids_not_at_all() -> None:
    class Thing:
        def __init__(self, x: int) -> None:
            self.x = x

    one, same, other = Thing(1), Thing(1), Thing(2)
    assert compare(weakref.ref(one), weakref.ref(same)).equal
    assert only(compare(weakref.ref(one), weakref.ref(other)))[0] == "().x"
    assert compare({id(one): weakref.ref(one)}, {id(same): weakref.ref(same)}).equal


class Color(enum.Flag):
    """Members of an importable enum are the same objects."""

    RED = 1
    BLUE = 2


@dataclasses.dataclass
class Point:
    """An importable class."""

    x: float
    color: Color


def test_instances_of_imported_classes() -> None:
    a = Point(1.0, Color.RED | Color.BLUE)
    assert compare(a, copy.deepcopy(a)).equal
    assert only(compare(a, Point(1.5, a.color))) == (".x", "value", "1.0", "1.5")
    assert compare(a, Point(1.5, a.color), atol=1).equal
    assert only(compare(a, Point(1.0, Color.RED)))[0] == ".color"
