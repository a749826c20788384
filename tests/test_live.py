"""What kind of thing an object is, told without running any code of the user's."""

from __future__ import annotations

import builtins
import collections
import datetime
import decimal
import enum
import functools
import json
import operator
import pathlib
import random
import re
import threading
import types
import typing
import uuid
import weakref
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kernel_payload import live
from kernel_payload.describe import brief, describe
from kernel_payload.live import Kind


def notebook(source: str) -> dict[str, Any]:
    """Run code as a notebook's cell does; gives the variables."""
    scope: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    exec(source, scope)
    return scope


class Local:
    """A class that no import finds by its name would be ``<locals>``; this one is importable."""

    class Inner:
        def method(self) -> None: ...

    def method(self) -> None: ...


def a_generator() -> Any:
    yield


def counter() -> Any:
    count = 0
    return lambda: count


KINDS = [
    *((value, Kind.ATOM) for value in (None, True, 1, 1.5, 2j, "s", b"b", ..., NotImplemented)),
    (range(3), Kind.ATOM),
    (slice(1), Kind.ATOM),
    (json, Kind.ATOM),
    (a_generator.__code__, Kind.ATOM),
    (a_generator(), Kind.FRAME),
    (datetime.datetime(2026, 1, 1), Kind.ATOM),
    (datetime.timezone.utc, Kind.ATOM),
    (decimal.Decimal(1), Kind.ATOM),
    (uuid.UUID(int=1), Kind.ATOM),
    (pathlib.PurePosixPath("a"), Kind.ATOM),
    (re.compile("a"), Kind.ATOM),
    (weakref.ref(Local), Kind.WEAK),
    (np.float64(1), Kind.ATOM),
    (np.dtype("f8"), Kind.ATOM),
    (pd.Index([1]), Kind.INDEX),
    (pd.MultiIndex.from_tuples([(1, 2)]), Kind.INDEX),
    (pd.CategoricalDtype(["a"]), Kind.ATOM),
    ((), Kind.LOCAL),
    (([],), Kind.LOCAL),
    (frozenset(), Kind.LOCAL),
    (list[int], Kind.LOCAL),
    (types.MappingProxyType({}), Kind.LOCAL),
    (int, Kind.CLASS),
    (Local, Kind.CLASS),
    (type, Kind.CLASS),
    (enum.Enum("E", "A").A, Kind.ENUM),
    (re.IGNORECASE, Kind.ENUM),
    (a_generator, Kind.FUNCTION),
    (lambda: 0, Kind.FUNCTION),
    (np.zeros(2), Kind.ARRAY),
    (np.ma.array([1]), Kind.ARRAY),
    (np.zeros(1, [("a", "i4")]).view(np.recarray), Kind.ARRAY),
    (len, Kind.BY_NAME),
    ([].append, Kind.BY_NAME),
    (np.add, Kind.BY_NAME),
    (list.append, Kind.BY_NAME),
    ([], Kind.PLAIN),
    ({}, Kind.PLAIN),
    (set(), Kind.PLAIN),
    (bytearray(), Kind.MEMORY),
    (Local(), Kind.PLAIN),
    (Local().method, Kind.METHOD),
    (counter().__closure__[0], Kind.PLAIN),
    (collections.OrderedDict(), Kind.PLAIN),
    (functools.partial(len), Kind.PLAIN),
    (random.Random(1), Kind.PLAIN),
    (threading.Lock(), Kind.PLAIN),
    (np.random.default_rng(1), Kind.PLAIN),
    (pd.DataFrame(), Kind.PLAIN),
    (pd.Series([1]), Kind.PLAIN),
    (type("Text", (str,), {})("a"), Kind.PLAIN),  # may have attributes
    (type("Pair", (tuple,), {})(), Kind.PLAIN),
]


@pytest.mark.parametrize(("value", "kind"), KINDS, ids=lambda v: f"{type(v).__name__}")
def test_the_kind_of_a_value_follows_from_its_type(value: Any, kind: Kind) -> None:
    assert live.kind_of(type(value)) is kind


@pytest.mark.parametrize("value", [value for value, _ in KINDS], ids=lambda v: type(v).__name__)
def test_only_numbers_strings_and_the_like_are_scalars(value: Any) -> None:
    scalars = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented))
    assert live.is_scalar(value) == any(type(value) is cls for cls in scalars)


CLASSES = [
    (int, False),
    (type(None), False),
    (types.FunctionType, False),
    (collections.OrderedDict, False),
    (collections.Counter, False),
    (Local, False),
    (Local.Inner, False),
    (np.ndarray, False),
    (pd.DataFrame, False),
    (notebook("class A: pass")["A"], True),
    (notebook("class A:\n class B: pass")["A"].B, True),
    (notebook("def f():\n class A: pass\n return A")["f"](), True),
    (notebook("import enum\nclass E(enum.Enum): A = 1")["E"], True),
    (notebook("import collections\nP = collections.namedtuple('P', 'x')")["P"], True),
    (notebook("import typing\nclass N(typing.NamedTuple):\n x: int")["N"], True),
    (type("Lost", (), {"__module__": "json"}), True),  # json has no Lost
    (type("Local", (), {"__module__": __name__}), True),  # another one has the name
]


@pytest.mark.parametrize(("cls", "is_own"), CLASSES, ids=lambda v: getattr(v, "__name__", v))
def test_a_class_is_the_notebooks_when_no_import_leads_to_it(cls: type, is_own: bool) -> None:
    assert live.is_notebook_class(cls) is is_own


FUNCTIONS = [
    (a_generator, False),
    (Local.method, False),
    (Local.Inner.method, False),
    (json.dumps, False),
    (counter(), True),
    (notebook("def f(): pass")["f"], True),
    (notebook("from json import dumps")["dumps"], False),
    (notebook("def f(): pass\nf.__module__ = 7")["f"], True),
    (notebook("def f(): pass\nf.__module__ = 'no.such'")["f"], True),
    (notebook("def f(): pass\nf.__module__ = None")["f"], True),
]


@pytest.mark.parametrize(("function", "is_own"), FUNCTIONS)
def test_a_function_is_the_notebooks_when_no_import_leads_to_it(
    function: Any, is_own: bool
) -> None:
    assert live.is_notebook_function(function) is is_own


def test_a_function_of_the_main_module_is_the_notebooks(monkeypatch: pytest.MonkeyPatch) -> None:
    # in a kernel, __main__ is the notebook: pickle would find its functions there by name
    main = types.ModuleType("__main__")
    monkeypatch.setitem(__import__("sys").modules, "__main__", main)
    exec("def f(): pass\nclass A: pass", main.__dict__)
    assert live.is_notebook_function(main.f)
    assert live.is_notebook_class(main.A)


@pytest.mark.parametrize(
    ("scope", "is_module"),
    [
        (json.__dict__, True),
        (globals(), True),
        (dict(json.__dict__), False),
        ({}, False),
        ({"__name__": 3}, False),
    ],
    ids=["module", "own", "copy", "empty", "odd"],
)
def test_globals_are_a_modules_when_they_are_its_dict(scope: Any, is_module: bool) -> None:
    assert live.is_module_scope(scope) is is_module


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (int, "int"),
        (collections.OrderedDict, "collections.OrderedDict"),
        (np.ndarray, "numpy.ndarray"),
        (notebook("class A:\n class B: pass")["A"].B, "A.B"),
        (type("Odd", (), {"__module__": 3}), "Odd"),
        (type("Odd", (), {"__module__": property(lambda self: 1 / 0)}), "Odd"),
    ],
)
def test_a_type_is_named_with_its_module_unless_that_is_the_notebook(cls: type, name: str) -> None:
    assert live.type_name(cls) == name


# -- values whose every method raises

HOSTILE = """
class Ran(BaseException): pass

def raises(*_, **__):
    raise Ran("code of the user's ran")

class Meta(type):
    __hash__ = __eq__ = __getattribute__ = __repr__ = __instancecheck__ = __subclasscheck__ = raises
    __call__ = type.__call__

class Hostile(metaclass=Meta):
    __hash__ = __eq__ = __getattr__ = __getattribute__ = __repr__ = __len__ = raises
    __bool__ = __iter__ = __str__ = __format__ = __dir__ = __class_getitem__ = __getitem__ = raises
    __class__ = property(raises)

class HostileList(list):
    __hash__ = __eq__ = __getattr__ = __getattribute__ = __repr__ = __len__ = __iter__ = raises
    __bool__ = raises

class HostileDict(dict):
    __hash__ = __eq__ = __getattribute__ = __repr__ = __len__ = __iter__ = items = keys = raises

class HostileText(str):
    __hash__ = __eq__ = __getattribute__ = __repr__ = __len__ = raises

hostile = Hostile()
values = [Hostile, hostile, HostileList([1]), HostileDict(a=1), HostileText("x"), [hostile],
    {"a": hostile}, (hostile, Hostile), [HostileList(), HostileDict(), HostileText()]]
"""


@pytest.mark.parametrize("i", range(9))
def test_no_code_of_the_users_runs_when_a_value_is_looked_at(i: int) -> None:
    value = notebook(HOSTILE)["values"][i]
    cls = type(value)
    live.kind_of(cls)
    live.is_scalar(value)
    live.type_name(cls)
    live.is_notebook_class(cls)
    describe(value)
    brief(value)
    brief([value])


def test_the_hostile_classes_do_raise() -> None:
    scope = notebook(HOSTILE)
    for act in (hash, bool, len, repr, iter, operator.attrgetter("x")):
        with pytest.raises(scope["Ran"]):
            act(scope["hostile"])
    for act in (hash, repr, operator.attrgetter("__bases__")):
        with pytest.raises(scope["Ran"]):
            act(scope["Hostile"])


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([1, "a", None], ("list", "[1, 'a', None]", None, None, 3)),
        ({"k": [1]}, ("dict", "{'k': [1]}", None, None, 1)),
        (list(range(9)), ("list", "[0, 1, 2, 3, 4, …]", None, None, 9)),
        ("x" * 999, ("str", "'" + "x" * 60 + "'…", None, None, 999)),
        (10**5000, ("int", "<16610 bits>", None, None, None)),
        (np.zeros((2, 3)), ("numpy.ndarray", "[0.0, 0.0, 0.0, 0.0, 0.0, 0.0]", (2, 3), "float64")),
        (pd.DataFrame({"a": [1]}), ("pandas", "columns 'a'", (1, 1), None, 1)),
        (pd.Series([1, 2]), ("pandas", "[1, 2]", (2,), "int64", 2)),
        (typing.Any, ("typing", "class typing.Any" if isinstance(typing.Any, type) else "<typing")),
        (json, ("module", "module json")),
        (notebook("def f(a, *, b): pass")["f"], ("function", "f(a, b)")),
        (notebook("class A: pass")["A"], ("type", "class A")),
    ],
    ids=lambda v: type(v).__name__,
)
def test_a_value_is_described_by_type_preview_shape_dtype_and_length(
    value: Any, told: tuple[Any, ...]
) -> None:
    found = describe(value)
    assert found.type.startswith(told[0])
    assert found.preview.startswith(told[1])
    assert found[2 : len(told)] == told[2:]
    assert len(found.preview) <= 80


def test_a_preview_of_what_contains_itself_ends() -> None:
    value: list[Any] = []
    value.append(value)
    assert brief(value) == "[[[…]]]"
