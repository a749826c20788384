"""What a notebook defines -> a varchive -> the same again, loaded without the notebook."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import sys
import textwrap
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_recorder import Notebook, notebook

from kernel_payload.thaw import Namespace, Variables
from kernel_payload.varchive.errors import CannotLoad, NotSaved

__all__ = ["notebook"]  # a fixture


def restored(notebook: Notebook, source: str) -> Variables:
    """Run one cell, record it, and load it elsewhere."""
    state = notebook.cell(source)
    assert state.unsaved == ()
    return notebook.vars()


# -- functions, and the namespace in which they live


@pytest.mark.parametrize(
    ("source", "expression", "expected"),
    [
        ("def f(): return x", "f()", 7),
        ("f = lambda: x", "f()", 7),
        ("def f(): return g()\ndef g(): return x", "f()", 7),
        ("def fact(n): return 1 if n == 0 else n * fact(n - 1)", "fact(5)", 120),
        (
            "def even(n): return n == 0 or odd(n - 1)\ndef odd(n): return n != 0 and even(n - 1)",
            "even(10), odd(10)",
            (True, False),
        ),
        ("def f(a, b=2, *c, d=4, e, **g): return a, b, c, d, e, g", "f(1, e=5, z=6)", None),
        ("def f(*, k=[1]): return k", "f()", [1]),
        ("def f(): return 1\nf.note = {'a': 1}", "f.note", {"a": 1}),
        (
            "def f(a: int, b: 'x' = 1) -> list[int]: 'Says.'",
            "f.__doc__, f.__name__",
            ("Says.", "f"),
        ),
        ("def f(a: int) -> str: ...", "f.__annotations__", {"a": int, "return": str}),
        ("fs = {'a': [lambda v: v + x]}", "fs['a'][0](1)", 8),
        ("fs = [lambda i=i: i for i in range(3)]", "[f() for f in fs]", [0, 1, 2]),
        ("fs = [lambda: i for i in range(3)]", "[f() for f in fs]", [2, 2, 2]),
        ("def f(): yield from range(x)", "list(f())", [*range(7)]),
        ("async def f(): return x", "run(f())", 7),
        ("def f(): return [x + i for i in range(2)]", "f()", [7, 8]),
        ("def f(): return (lambda: x)()", "f()", 7),
        ("def f(): return max(x, len('abc'))", "f()", 7),
        ("import math as m\ndef f(): return m.sqrt(x + 2)", "f()", 3.0),
        ("def f():\n    import json\n    return json.dumps(x)", "f()", "7"),
        ("def f():\n    class A:\n        def get(self): return x\n    return A().get()", "f()", 7),
        ("def f(): return __name__", "f()", "__main__"),
        ("def f():\n    global x\n    x += 1\n    return x", "f(), f()", (8, 9)),
        (
            """
                def outer(n):
                    def inner(k): return 1 if k == 0 else k * inner(k - 1)
                    return inner
                f = outer(0)""",
            "f(4)",
            24,
        ),
        (
            """
                def log(g):
                    import functools
                    @functools.wraps(g)
                    def w(*a): return 'log', g(*a)
                    return w
                @log
                def f(): return x""",
            "f(), f.__name__, f.__wrapped__()",
            (("log", 7), "f", 7),
        ),
        ("import functools\nf = functools.partial(lambda a, b: (a, b, x), 1)", "f(2)", (1, 2, 7)),
        ("class A:\n def get(self): return x\nf = A().get", "f()", 7),
        ("class A:\n @classmethod\n def c(cls): return cls.__name__, x\nf = A.c", "f()", ("A", 7)),
    ],
)
def test_a_function_works_as_before_and_sees_the_variables_of_its_state(
    notebook: Notebook, source: str, expression: str, expected: Any
) -> None:
    variables = restored(notebook, "x = 7\n" + textwrap.dedent(source))
    expected = expected or eval(expression, notebook.namespace)
    scope = {**dict(variables), "run": asyncio.run}
    assert eval(expression, scope) == expected


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    class A:\n        y = x\n    return A.y",
        "def f(): return eval('x')",
        "def f(): return globals()['x']",
        "def f():\n    scope = {}\n    exec('y = x', globals(), scope)\n    return scope['y']",
    ],
    ids=["class body", "eval", "globals", "exec"],
)
def test_a_function_that_looks_names_up_at_run_time_finds_them_too(
    notebook: Notebook, source: str
) -> None:
    assert restored(notebook, "x = 7\n" + textwrap.dedent(source))["f"]() == 7


def test_a_function_sees_what_the_namespace_it_was_restored_into_becomes(
    notebook: Notebook,
) -> None:
    variables = restored(notebook, "x = 7\ndef f(): return x")
    scope = variables["f"].__globals__
    assert isinstance(scope, Namespace)
    scope["x"] = 8
    assert variables["f"]() == 8


def test_a_function_loads_a_variable_only_when_it_asks_for_it(notebook: Notebook) -> None:
    variables = restored(notebook, "x = 7\ny = [8]\ndef f(v): return x if v else y")
    scope = variables["f"].__globals__
    assert not {"x", "y"} & scope.keys()
    assert variables["f"](True) == 7
    assert not {"y"} & scope.keys()
    assert variables["f"](False) is variables["y"]


def test_all_functions_of_a_state_live_in_one_namespace(notebook: Notebook) -> None:
    variables = restored(notebook, "def f(): pass\ndef g(): pass\nclass A:\n def m(self): pass")
    f, g, m = variables["f"], variables["g"], variables["A"].m
    assert f.__globals__ is g.__globals__ is m.__globals__


def test_a_name_that_nobody_has_is_a_name_error(notebook: Notebook) -> None:
    with pytest.raises(NameError, match="nowhere"):
        restored(notebook, "def f(): return nowhere")["f"]()


def test_a_function_that_needs_what_could_not_be_saved_is_told_why(notebook: Notebook) -> None:
    notebook.cell("lock = __import__('threading').Lock()\ndef f(): return lock")
    with pytest.raises(CannotLoad, match=r"lock .*was not saved: .*pickle"):
        notebook.vars()["f"]()


def test_a_function_of_a_deleted_variable_does_not_find_what_shared_its_group(
    notebook: Notebook,
) -> None:
    notebook.cell("import numpy\na = numpy.zeros(9_000_000); b = a\ndef f(): return b")
    notebook.cell("del b")
    variables = notebook.vars()
    assert len(variables["a"]) == 9_000_000
    assert "b" not in variables
    with pytest.raises(NameError):
        variables["f"]()


def test_a_large_array_is_not_in_the_pickle_of_a_function_that_mentions_it(
    notebook: Notebook,
) -> None:
    notebook.cell("import numpy\nbig = numpy.zeros(5_000_000)\ndef f(): return big.sum()")
    entries = notebook.vars().entries
    assert entries["big"].size > 40_000_000
    assert entries["f"].size < 2_000
    place = entries["f"].place
    assert place is not None
    assert sum(part.size for part in notebook.archive.group(place).parts) < 2_000
    assert notebook.vars()["f"]() == 0


def test_functions_made_by_exec_bring_the_globals_that_they_name(notebook: Notebook) -> None:
    source = """
        own = {'x': 1, 'unused': lambda: 0}
        exec('def f():\\n global x\\n x += 1\\n return x\\ndef g(): return x', own)
        f, g = own['f'], own['g']
        del own
    """
    variables = restored(notebook, source)
    assert [variables["f"](), variables["f"](), variables["g"]()] == [2, 3, 3]
    assert "unused" not in variables["f"].__globals__


def test_a_function_of_an_imported_module_stays_that_function(notebook: Notebook) -> None:
    import json
    import shutil

    variables = restored(notebook, "import json, shutil\nf = json.dumps\ng = [shutil.copy]")
    assert variables["f"] is json.dumps
    assert variables["g"][0] is shutil.copy
    assert variables["json"] is json


@pytest.mark.parametrize(
    "decorator", ["functools.cache", "functools.lru_cache(maxsize=3, typed=True)"]
)
def test_a_function_with_a_cache_is_saved_with_an_empty_one(
    notebook: Notebook, decorator: str
) -> None:
    source = f"""
        import functools
        @{decorator}
        def fib(n):
            'Fibonacci.'
            return n if n < 2 else fib(n - 1) + fib(n - 2)
        fib(9)
        fib.note = 'attribute'
    """
    fib = restored(notebook, source)["fib"]
    assert fib.cache_info().currsize == 0
    assert fib(30) == 832040
    assert (fib.__name__, fib.__doc__, fib.note) == ("fib", "Fibonacci.", "attribute")
    assert fib.cache_parameters() == notebook.namespace["fib"].cache_parameters()


# -- closures


def test_closures_that_share_a_cell_share_it_again(notebook: Notebook) -> None:
    source = """
        def make():
            count = 0
            def up():
                nonlocal count
                count += 1
            return up, lambda: count
        up, get = make()
        up()
    """
    variables = restored(notebook, source)
    variables["up"]()
    assert variables["get"]() == 2
    assert notebook.namespace["get"]() == 1
    up, get = variables["make"]()
    up()
    assert get() == 1


def test_closures_that_hold_one_object_share_it_again(notebook: Notebook) -> None:
    source = """
        def make(items): return lambda item: items.append(item)
        items = []
        add = make(items)
    """
    variables = restored(notebook, source)
    variables["add"](1)
    assert variables["items"] == [1]


def test_a_cell_that_is_empty_yet_stays_empty(notebook: Notebook) -> None:
    source = """
        def make():
            def f(): return later
            if False: later = 1
            return f
        f = make()
    """
    with pytest.raises(NameError, match="later"):
        restored(notebook, source)["f"]()


def test_a_closure_that_holds_itself_is_restored(notebook: Notebook) -> None:
    source = """
        def make():
            me = [lambda: me]
            return me[0]
        f = make()
    """
    f = restored(notebook, source)["f"]
    assert f()[0] is f


# -- sharing


@pytest.mark.parametrize(
    ("source", "same"),
    [
        ("a = []; b = a", "a is b"),
        ("s = [1]; a = {'s': s}; b = {'s': s}", "a['s'] is b['s'] is s"),
        ("a = [1]; a.append(a)", "a[1] is a"),
        ("class N: pass\np = N(); a = N(); b = N(); a.p = b.p = p", "a.p is b.p is p"),
        ("d = {}; d['me'] = (d,)", "d['me'][0] is d"),
        ("import collections\na = collections.deque([[]]); b = a[0]", "a[0] is b"),
        ("import numpy as n\nb = []; a = n.array([b, b, 1], object)", "a[0] is a[1] is b"),
        ("class A:\n def m(self): pass\na = A(); f = a.m", "f.__self__ is a"),
        ("class A: items = []\nb = A.items", "A.items is b"),
        ("import numpy as n\nr = n.random.default_rng(1); f = r.normal", "f.__self__ is r"),
    ],
)
def test_what_was_shared_is_shared_again(notebook: Notebook, source: str, same: str) -> None:
    assert eval(same, dict(restored(notebook, source)))


# -- classes

CLASSES = {
    "plain": ("class A:\n x = 1\n def __init__(self): self.y = 2\na = A()", "a.x, a.y"),
    "inherited": (
        """
            class B:
                def f(self): return 'b'
            class A(B):
                def f(self): return 'a' + super().f()
            a = A()""",
        "a.f(), A.__mro__[1] is B, isinstance(a, B)",
    ),
    "two bases": (
        "class L: l = 1\nclass R: r = 2\nclass A(L, R): pass\na = A()",
        "a.l, a.r, [c.__name__ for c in A.__mro__]",
    ),
    "slots": (
        "class A:\n __slots__ = ('x', '__weakref__')\n def __init__(self): self.x = 1\na = A()",
        "a.x, A.__slots__, hasattr(a, '__dict__')",
    ),
    "inherited slots": (
        "class B: __slots__ = 'x'\nclass A(B): __slots__ = 'y'\na = A(); a.x = 1; a.y = 2",
        "a.x, a.y",
    ),
    "dataclass": (
        """
            import dataclasses
            @dataclasses.dataclass(order=True)
            class A:
                x: int
                y: list = dataclasses.field(default_factory=list)
            a = A(1)""",
        "a, A(2), A(1) < A(2), dataclasses.asdict(a), dataclasses.replace(a, x=3)",
    ),
    "frozen dataclass": (
        """
            import dataclasses
            @dataclasses.dataclass(frozen=True, slots=True)
            class A:
                x: int = 1
            a = A(5); d = {a: 1}""",
        "a.x, d[A(5)], hash(a) == hash(A(5))",
    ),
    "enum": (
        """
            import enum
            class A(enum.Enum):
                X = 1
                Y = 2
                def up(self): return self.value + 1
            a = [A.X]""",
        "a[0] is A.X, A(2) is A.Y, A['X'].up(), list(A) == [A.X, A.Y]",
    ),
    "flags": (
        "import enum\nclass A(enum.IntFlag):\n R = 4\n W = 2\na = A.R | A.W",
        "a, A.R in a, int(a)",
    ),
    "named tuple": (
        "import typing\nclass A(typing.NamedTuple):\n x: int\n y: str = 'd'\na = A(1)",
        "a, a.y, a._replace(x=2), A._fields",
    ),
    "namedtuple": (
        "import collections\nA = collections.namedtuple('A', 'x y')\na = A(1, 2)",
        "a, a.x, type(a) is A",
    ),
    "generic": (
        """
            import typing
            T = typing.TypeVar('T')
            class A(typing.Generic[T]):
                def __init__(self, v: T): self.v = v
            B = A[int]
            a = B(3)""",
        "a.v, type(a) is A, B.__origin__ is A, A.__parameters__ == (T,)",
    ),
    "protocol": (
        """
            import typing
            @typing.runtime_checkable
            class A(typing.Protocol):
                def f(self): ...
            class B:
                def f(self): return 1
            a = B()""",
        "isinstance(a, A), isinstance(3, A)",
    ),
    "typed dict": (
        "import typing\nclass A(typing.TypedDict): x: int\na = A(x=1)",
        "a, A(x=2), A.__annotations__",
    ),
    "abstract": (
        """
            import abc
            class B(abc.ABC):
                @abc.abstractmethod
                def f(self): ...
            class A(B):
                def f(self): return 1
            a = A()""",
        "a.f(), B.__abstractmethods__, isinstance(a, B)",
    ),
    "property": (
        """
            class A:
                _x = 1
                @property
                def x(self): return self._x
                @x.setter
                def x(self, v): self._x = v
            a = A(); a.x = 5""",
        "a.x, type(A.x)",
    ),
    "cached property": (
        """
            import functools
            class A:
                @functools.cached_property
                def x(self): return [1]
            a = A(); b = a.x; c = A()""",
        "a.x is b, c.x",
    ),
    "class and static methods": (
        """
            class A:
                @classmethod
                def c(cls): return cls
                @staticmethod
                def s(): return 2
            a = A()""",
        "a.c() is A, A.s()",
    ),
    "metaclass": (
        """
            class M(type):
                def __call__(cls, *a): return super().__call__(*a)
                @property
                def tag(cls): return cls.__name__ * 2
            class A(metaclass=M): pass
            a = A()""",
        "type(A) is M, A.tag, type(a) is A",
    ),
    "init subclass": (
        """
            class B:
                known = []
                def __init_subclass__(cls, tag=0): cls.known.append((tag, cls))
            class A(B, tag=5): pass
            a = A()""",
        "B.known == [(5, A)]",
    ),
    "inner class": (
        "class A:\n class I:\n  x = 1\na = A.I()",
        "a.x, type(a) is A.I, A.I.__qualname__",
    ),
    "local class": (
        "def make():\n class A:\n  x = 1\n return A\nA = make(); a = A()",
        "type(a) is A",
    ),
    "descriptor": (
        """
            class D:
                def __set_name__(self, o, n): self.n = n
                def __get__(self, i, o): return self.n
            class A: x = D()
            a = A()""",
        "a.x",
    ),
    "subclass of list": (
        "class A(list): pass\na = A([1]); a.note = 'n'",
        "a, a.note, type(a) is A",
    ),
    "subclass of dict": (
        "class A(dict):\n def __missing__(self, k): return k\na = A(x=1)",
        "a, a['y'], type(a) is A",
    ),
    "subclass of str": ("class A(str): pass\na = A('s'); a.n = 1", "a, a.n, type(a) is A"),
    "exception": (
        """
            class A(Exception):
                def __init__(self, m, code): super().__init__(m, code); self.code = code
            a = A('m', 3)""",
        "a.args, a.code, type(a) is A",
    ),
    "own pickling": (
        """
            class A:
                def __init__(self): self.x = 1; self.f = open
                def __getstate__(self): return {'x': self.x}
                def __setstate__(self, s): self.__dict__.update(s, f=None)
            a = A()""",
        "a.x",
    ),
    "getattr": (
        """
        class A:
            def __init__(self): self.d = {'k': 1}
            def __getattr__(self, n):
                try: return self.d[n]
                except KeyError: raise AttributeError(n)
        a = A()""",
        "a.k",
    ),
    "its own instance": ("class A: pass\nA.only = A(); a = A.only", "a is A.only, type(a) is A"),
    "classes of each other": (
        "class A:\n def other(self): return self.o()\nclass B:\n o = A\nA.o = B\na = A()",
        "type(a.other()) is B, B.o is A",
    ),
    "docs": (
        "class A:\n 'Says.'\n x: int = 1\na = A()",
        "A.__doc__, A.__module__, A.__annotations__",
    ),
    "attributes set later": ("class A: pass\nA.f = lambda self: self.x\nA.x = 4\na = A()", "a.f()"),
    "operators": (
        "class A:\n def __add__(self, o): return o\n def __len__(self): return 3\na = A()",
        "a + 1, len(a)",
    ),
}


@pytest.mark.parametrize(("source", "expression"), CLASSES.values(), ids=CLASSES)
def test_a_class_and_its_instances_work_as_before(
    notebook: Notebook, source: str, expression: str
) -> None:
    variables = restored(notebook, source)
    expected = eval(expression, notebook.namespace)
    assert repr(eval(expression, dict(variables))) == repr(expected)


@pytest.mark.parametrize(("source", "_"), CLASSES.values(), ids=CLASSES)
def test_an_instance_and_its_class_meet_again_whichever_is_loaded_first(
    notebook: Notebook, source: str, _: str
) -> None:
    notebook.cell(source)
    for first, second in (("a", "A"), ("A", "a")):
        variables = notebook.vars()
        loaded = {first: variables[first], second: variables[second]}
        original = notebook.namespace
        assert (type(loaded["a"]) is loaded["A"]) == (type(original["a"]) is original["A"])


def test_classes_recorded_after_different_cells_meet_in_one_state(notebook: Notebook) -> None:
    notebook.cell("class A: pass")
    notebook.cell("a = A()")
    notebook.cell("class B(A): pass")
    notebook.cell("b = [B(), a]")
    variables = notebook.vars()
    b = variables["b"]
    assert type(b[0]) is variables["B"]
    assert variables["B"].__mro__[1] is variables["A"] is type(variables["a"])
    assert b[1] is variables["a"]


def test_old_instances_keep_the_class_that_was_defined_anew(notebook: Notebook) -> None:
    notebook.cell("class A: v = 1\nold = A()")
    notebook.cell("class A: v = 2\nnew = A()")
    variables = notebook.vars()
    assert (variables["old"].v, variables["new"].v) == (1, 2)
    assert type(variables["new"]) is variables["A"]
    assert type(variables["old"]) is not variables["A"]


def test_a_dataclass_can_be_inherited_from(notebook: Notebook) -> None:
    source = """
        from dataclasses import KW_ONLY, dataclass, field
        @dataclass
        class A:
            x: int
            _: KW_ONLY
            y: list = field(default_factory=list, metadata={'unit': 'm'})
    """
    cls = restored(notebook, source)["A"]
    fields = {f.name: f for f in dataclasses.fields(cls)}
    assert fields["x"].default is dataclasses.MISSING
    assert fields["x"].kw_only is False
    assert fields["y"].metadata == {"unit": "m"}

    @dataclasses.dataclass
    class Heir(cls):  # type: ignore[misc,valid-type]
        z: int

    assert Heir(1, 2) == Heir(x=1, z=2, y=[])
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        cls()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a syntax of Python 3.12")
def test_functions_and_classes_with_type_parameters_keep_them(notebook: Notebook) -> None:
    variables = restored(notebook, "def f[T](x: T) -> T: return x\nclass A[U]: pass\na = A[int]()")
    assert [p.__name__ for p in variables["f"].__type_params__] == ["T"]
    assert variables["f"](3) == 3
    assert type(variables["a"]) is variables["A"]
    assert [p.__name__ for p in variables["A"].__type_params__] == ["U"]


def test_signature_and_source_of_defaults_are_kept(notebook: Notebook) -> None:
    f = restored(notebook, "def f(a, b=2, *, c: int = 3, **d) -> None: ...")["f"]
    assert str(inspect.signature(f)) == "(a, b=2, *, c: int = 3, **d) -> None"


def test_the_same_cell_gives_the_same_digests(notebook: Notebook) -> None:
    # or unchanged things would be stored again and told as changed
    source = "\n".join(textwrap.dedent(source) for source, _ in CLASSES.values())
    notebook.cell(source)
    names = sorted(notebook.vars().entries)
    state = notebook.cell("#" + " ".join(names))
    assert state.changed == ()
    assert state.bytes == 0


# -- arrays

ARRAYS = {
    "small": "n.arange(5.)",
    "large": "n.arange(100_000)",
    "chunks": "n.arange(300_000)",
    "fortran": "n.asfortranarray(n.arange(12).reshape(3, 4))",
    "large fortran": "n.asfortranarray(n.arange(90_000).reshape(300, 300))",
    "transposed": "n.arange(24).reshape(2, 3, 4).transpose(1, 2, 0)",
    "strided": "n.arange(100_000)[::3]",
    "backwards": "n.arange(10)[::-1]",
    "broadcast": "n.broadcast_to(n.arange(3), (4, 3))",
    "zero-d": "n.array(3.5)",
    "zero size": "n.zeros((0, 3), 'i2')",
    "zero size, fortran": "n.zeros((3, 0), order='F')",
    "structured": "n.array([(1, 2.5, 'x')], [('a', 'i4'), ('b', 'f8'), ('c', 'U3')])",
    "nested structure": "n.zeros(3, [('p', [('x', 'f4'), ('y', 'f4')]), ('m', 'u1', (2, 2))])",
    "padded": "n.zeros(3, n.dtype([('a', 'u1'), ('b', 'f8')], align=True))",
    "dates": "n.array(['2026-01-01', 'NaT'], 'M8[D]')",
    "durations": "n.array([1, 2], 'm8[ms]')",
    "big-endian": "n.arange(5, dtype='>i4')",
    "complex": "n.array([1 + 2j, n.nan])",
    "half": "n.array([1, n.inf], 'f2')",
    "long double": "n.array([1, 2], n.longdouble)",
    "bool": "n.array([True, False])",
    "bytes": "n.array([b'ab', b'c'])",
    "text": "n.array(['ab', 'ü'])",
    "empty text": "n.array(['', ''])",
    "void": "n.zeros(2, 'V5')",
    "masked": "n.ma.array([1, 2, 3], mask=[0, 1, 0], fill_value=9)",
    "records": "n.array([(1, 2.)], [('a', 'i4'), ('b', 'f8')]).view(n.recarray)",
    "matrix": "n.asmatrix(n.eye(2))",
    "objects": "n.array([[1], 'x', None], object)",
    "a scalar": "n.float32(1.5)",
    "a date": "n.datetime64('2026-01-01')",
    "a dtype": "n.dtype([('a', 'i4')])",
    "a ufunc": "n.add",
}


@pytest.mark.parametrize("expression", ARRAYS.values(), ids=ARRAYS)
def test_an_array_is_what_it_was(notebook: Notebook, expression: str) -> None:
    found = restored(notebook, f"import numpy as n\na = {expression}")["a"]
    original = notebook.namespace["a"]
    assert type(found) is type(original)
    if isinstance(original, np.ndarray):
        assert found.dtype == original.dtype
        assert found.shape == original.shape
        assert found.tobytes() == original.tobytes() or found.dtype.hasobject
        assert found.flags.writeable == original.flags.writeable
        if original.flags.c_contiguous or original.flags.f_contiguous:
            assert found.flags.c_contiguous == original.flags.c_contiguous
            assert found.flags.f_contiguous == original.flags.f_contiguous
    assert repr(found) == repr(original)


@pytest.mark.parametrize("size", [3, 100_000])
def test_a_read_only_array_stays_so_and_others_can_be_written(
    notebook: Notebook, size: int
) -> None:
    source = f"""
        import numpy
        a = numpy.zeros({size})
        b = numpy.ones({size})
        b.flags.writeable = False
    """
    variables = restored(notebook, source)
    variables["a"][0] = 5
    with pytest.raises(ValueError, match="read-only"):
        variables["b"][0] = 5


@pytest.mark.parametrize("size", [12, 120_000])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("base", "base[3:]"),
        ("base[3:]", "base[:6]"),
        ("base", "base[::-2]"),
        ("base", "base.reshape(3, -1).T[1:]"),
        ("base", "base.view('u1')"),
        ("base.reshape(3, -1, order='F')", "base[1::3]"),
        ("base", "[base[2:], {'x': base}]"),
        ("base.reshape(-1, 2)[:, 1]", "base.reshape(-1, 2)[:, 0]"),
    ],
)
def test_views_of_one_memory_share_it_again(notebook: Notebook, size: int, a: str, b: str) -> None:
    source = f"import numpy\nbase = numpy.arange({size}.)\na = {a}\nb = {b}"
    for names in (["base", "a", "b"], ["a", "b"]):
        variables = restored(notebook, source if "base" in names else source + "\ndel base")
        found = {name: variables[name] for name in names}
        original = {name: notebook.namespace[name] for name in names}
        arrays = [found["a"], found["b"][0] if isinstance(found["b"], list) else found["b"]]
        for scope in (found, original):
            # a change by one is seen by the others exactly where it was
            scope["a"][...] = scope["a"] * 2 + 1
        for name in names:
            assert repr(found[name]) == repr(original[name])
        if "base" in names:
            assert all(np.shares_memory(found["base"], array) for array in arrays)


def test_a_view_of_fortran_memory_shares_it_again(notebook: Notebook) -> None:
    source = "import numpy\na = numpy.asfortranarray(numpy.arange(12.).reshape(3, 4)); b = a[:, 1]"
    variables = restored(notebook, source)
    variables["b"][0] = 99
    assert variables["a"][0, 1] == 99
    assert variables["a"].flags.f_contiguous


def test_a_read_only_view_keeps_its_base_writable(notebook: Notebook) -> None:
    source = "import numpy\na = numpy.arange(9); b = a[2:]; b.flags.writeable = False"
    variables = restored(notebook, source)
    variables["a"][2] = 99
    assert variables["b"][0] == 99
    assert not variables["b"].flags.writeable


def test_a_memory_map_is_restored_as_what_it_showed(notebook: Notebook) -> None:
    source = f"""
        import numpy
        m = numpy.memmap({str(notebook.archive.path.parent / "m.bin")!r}, 'i4', 'w+', shape=(4, 5))
        m[...] = numpy.arange(20).reshape(4, 5)
        part = m[1:]
    """
    variables = restored(notebook, source)
    (notebook.archive.path.parent / "m.bin").unlink()
    assert variables["m"].tolist() == np.arange(20).reshape(4, 5).tolist()
    assert variables["part"].tolist() == np.arange(5, 20).reshape(3, 5).tolist()


def test_a_slice_of_a_large_array_does_not_bring_what_is_gone(notebook: Notebook) -> None:
    variables = restored(notebook, "import numpy\na = numpy.zeros(500_000)[::1000]")
    assert variables.entries["a"].size < 10_000
    assert len(variables["a"]) == 500


# -- frames

FRAMES = {
    "numbers": "p.DataFrame({'x': [1, 2], 'y': [.5, None]})",
    "text": "p.DataFrame({'x': ['a', None], 'y': ['b', 'c']})",
    "large": "p.DataFrame({'x': range(40_000), 'y': ['t'] * 40_000})",
    "dates": "p.DataFrame({'t': p.date_range('2026', periods=3, tz='Europe/Zurich')})",
    "categories": "p.DataFrame({'c': p.Categorical(['a', 'b', 'a'], ordered=True)})",
    "nullable": "p.DataFrame({'i': p.array([1, None], 'Int64'), 'b': p.array([True, None])})",
    "periods": "p.Series(p.period_range('2026', periods=3, freq='M'))",
    "intervals": "p.Series(p.interval_range(0, 3))",
    "sparse": "p.Series(p.arrays.SparseArray([0, 0, 1]))",
    "objects": "p.Series([[1], {'a': 2}, None], dtype=object)",
    "levels": "p.Series(range(4), p.MultiIndex.from_product([[1, 2], ['a', 'b']], names=[*'ij']))",
    "empty": "p.DataFrame()",
    "index": "p.Index([3, 1, 2], name='n')",
    "attributes": "p.DataFrame({'x': [1]}).assign(y=2).rename_axis('r')",
    "duplicate labels": "p.DataFrame([[1, 2.5]], columns=['x', 'x'])",
    "timestamp": "p.Timestamp('2026-01-01', tz='UTC')",
}


@pytest.mark.parametrize("expression", FRAMES.values(), ids=FRAMES)
def test_a_frame_is_what_it_was(notebook: Notebook, expression: str) -> None:
    found = restored(notebook, f"import pandas as p\nd = {expression}")["d"]
    original = notebook.namespace["d"]
    assert type(found) is type(original)
    if isinstance(original, pd.DataFrame):
        pd.testing.assert_frame_equal(found, original)
    elif isinstance(original, pd.Series):
        pd.testing.assert_series_equal(found, original)
    elif isinstance(original, pd.Index):
        pd.testing.assert_index_equal(found, original)
    else:
        assert found == original


COPIES_ON_WRITE = pd.__version__ >= "3"


@pytest.mark.skipif(not COPIES_ON_WRITE, reason="before pandas 3, such a write goes through")
@pytest.mark.parametrize("kind", ["[1, 2, 3]", "list('abc')", "p.date_range('2026', periods=3)"])
@pytest.mark.parametrize(
    "write",
    [
        "s.iloc[0] = s.iloc[2]",
        "f.iloc[0, 0] = f.iloc[2, 0]",
        "f.loc[0, 'x'] = f.loc[2, 'x']",
        "g.iloc[0, 0] = g.iloc[2, 0]",
        "f['x'] = f['x'].iloc[::-1].tolist()",
        "s.loc[:] = s.iloc[0]",
    ],
)
def test_writing_to_a_restored_series_leaves_the_frame_it_was_taken_from_alone(
    notebook: Notebook, kind: str, write: str
) -> None:
    source = f"import pandas as p\nf = p.DataFrame({{'x': {kind}}}); s = f['x']; g = f[:]"
    found = dict(restored(notebook, source))
    original = notebook.namespace
    for scope in (found, original):
        exec(write, scope)
    for name in "fgs":
        assert found[name].equals(original[name]), name


def test_a_frame_and_its_column_are_stored_once(notebook: Notebook) -> None:
    state = notebook.cell(
        "import pandas, numpy\nf = pandas.DataFrame({'x': numpy.arange(200_000.)})\ns = f['x']"
    )
    assert 1_600_000 < state.bytes < 1_650_000


def test_a_frame_and_the_array_it_was_made_of_stay_what_they_were(notebook: Notebook) -> None:
    source = """
        import numpy, pandas
        a = numpy.arange(6.).reshape(3, 2)
        f = pandas.DataFrame(a, copy=False)
    """
    found = dict(restored(notebook, source))
    for scope in (found, notebook.namespace):
        exec("a[0, 0] = 99", scope)
    assert found["f"].equals(notebook.namespace["f"])


# -- what cannot be loaded


def test_asking_for_what_could_not_be_saved_says_why(notebook: Notebook) -> None:
    notebook.cell("g = (i for i in [])")
    with pytest.raises(NotSaved, match=r"g \(generator, cell 1\) was not saved: .*pickle"):
        notebook.vars()["g"]


def test_what_needs_a_module_that_is_not_here_says_to_install_it(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "plant_models.py").write_text("class Tree: pass")
    monkeypatch.syspath_prepend(tmp_path)
    notebook.cell("import plant_models\ntree = plant_models.Tree()")
    (tmp_path / "plant_models.py").unlink()
    monkeypatch.undo()
    del sys.modules["plant_models"]
    with pytest.raises(CannotLoad, match=r"tree of cell 1 .*plant_models.*; install what"):
        notebook.vars()["tree"]
