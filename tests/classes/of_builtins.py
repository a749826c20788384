"""What is there without an import, and what the language itself makes."""

from .specimen import Library, immutable, mutable, refused

BUILTINS = Library(
    "builtins",
    (),
    "import types",
    (
        immutable("int", "10**30", "x + 1"),
        immutable("float", "0.1", "float('nan')"),
        immutable("complex", "1 + 2j", "x * 1j"),
        immutable("bool", "True", "False"),
        immutable("str", "'naïve'", "x + ' 🐍'"),
        immutable("bytes", "b'ab' * 1000", "x + b'c'", "len(x), x[-3:]"),
        immutable("tuple", "(1, 'a')", "(*x, None)"),
        immutable("frozenset", "frozenset({1, 2})", "x | {3}", "type(x), sorted(x)"),
        immutable("range", "range(3)", "range(0, 9, 2)"),
        immutable("slice", "slice(1, 2)", "slice(None, 5)"),
        immutable("NoneType", "0", "None"),
        immutable("ellipsis", "0", "..."),
        mutable("list", "[1, [2]]", "y[1].append(3)"),
        mutable("list that holds itself", "x = [1]; x.append(x)", "y.append(2)"),
        mutable("dict", "{'a': {}}", "y['a']['b'] = 1"),
        mutable("set", "{1, 2}", "y.add(3)", "sorted(x)"),
        mutable("bytearray", "bytearray(b'abc')", "y[0] = 120"),
        mutable("memoryview", "memoryview(bytearray(b'abc'))", "y[0] = 120", "type(x), bytes(x)"),
        mutable("dict_values", "d = {'a': 1}; x = d.values()", "d['b'] = 2", "[*x]"),
        mutable("dict_keys", "d = {'a': 1}; x = d.keys()", "d['b'] = 2", "[*x]"),
        mutable("dict_items", "d = {'a': 1}; x = d.items()", "d['b'] = 2", "[*x]"),
        mutable("list_iterator", "iter([1, 2, 3])", "next(y)", "x.__reduce__()[1:]"),
        mutable("tuple_iterator", "iter((1, 2, 3))", "next(y)", "x.__reduce__()[1:]"),
        mutable("range_iterator", "iter(range(3))", "next(y)", "x.__length_hint__()"),
        mutable("dict_keyiterator", "iter({1: 2, 3: 4})", "next(y)", "x.__reduce__()[1]"),
        mutable("set_iterator", "iter({1, 2, 3})", "next(y)", "x.__length_hint__()"),
        mutable("enumerate", "enumerate('abc')", "next(y)", "x.__reduce__()[1][1]"),
        mutable(
            "zip",
            "zip([1, 2, 3], 'abc')",
            "next(y)",
            "[i.__length_hint__() for i in x.__reduce__()[1][:1]]",
        ),
        mutable("map", "map(str, [1, 2, 3])", "next(y)", "x.__reduce__()[1][1].__length_hint__()"),
        mutable(
            "filter", "filter(None, [1, 2, 3])", "next(y)", "x.__reduce__()[1][1].__length_hint__()"
        ),
        mutable("reversed", "reversed([1, 2, 3])", "next(y)", "x.__length_hint__()"),
        mutable("instance of a class", "class A: pass\nx = A()", "y.a = [1]", "vars(x)"),
        mutable(
            "instance with __slots__",
            "class P:\n    __slots__ = ('a', 'b')\nx = P(); x.a = 1",
            "y.b = 2",
            "x.a, getattr(x, 'b', None)",
        ),
        mutable(
            "subclass of dict", "class D(dict): pass\nx = D(a=1)", "y.n = 5", "dict(x), vars(x)"
        ),
        mutable("class", "class C:\n    n = 1\nx = C", "y.n = 2", "x.n"),
        mutable("function", "def f(a, b=[1]):\n    return b\nx = f", "y(0).append(2)", "x(0)"),
        mutable("lambda", "x = lambda a, b=2: a * b", "y.__defaults__ = (3,)", "x(5)"),
        mutable(
            "closure",
            "def count():\n    n = 0\n    def up():\n        nonlocal n; n += 1; return n\n"
            "    return up\nx = count()",
            "y()",
            "x.__closure__[0].cell_contents",
        ),
        mutable("bound method", "items = [1]; x = items.append", "y(2)", "x.__self__"),
        mutable(
            "method",
            "class M:\n    def m(self): return self.v\nx = M().m; x.__self__.v = 1",
            "y.__self__.v = 2",
            "x()",
        ),
        mutable(
            "property",
            "class R:\n    @property\n    def p(self): return self.q\nx = R(); x.q = 1",
            "y.q = 2",
            "x.p",
        ),
        mutable("exception", "ValueError('bad')", "y.note = 'here'", "repr(x), vars(x)"),
        mutable("types.SimpleNamespace", "types.SimpleNamespace(a=1)", "y.b = 2"),
        mutable(
            "types.MappingProxyType",
            "d = {'a': 1}; x = types.MappingProxyType(d)",
            "d['b'] = 2",
            "dict(x)",
        ),
        mutable("types.CellType", "types.CellType(1)", "y.cell_contents = 2", "x.cell_contents"),
        immutable("types.GenericAlias", "list[int]", "dict[str, int]"),
        immutable("types.UnionType", "int | None", "int | str"),
        immutable(
            "code", "compile('1 + 1', 'f', 'eval')", "compile('2 + 2', 'f', 'eval')", "eval(x)"
        ),
        immutable("module", "types", "__import__('math')", "x.__name__"),
        refused("generator", "(i for i in range(3))", "generator", "next(y)"),
        refused("coroutine", "async def f(): pass\nx = f()", "coroutine"),
        refused("async generator", "async def g():\n    yield 1\nx = g()", "async_generator"),
        refused("frame", "import sys; x = sys._getframe()", "frame"),
        refused(
            "traceback",
            "try:\n    1 / 0\nexcept Exception as e:\n    x = e.__traceback__",
            "traceback",
        ),
    ),
)
