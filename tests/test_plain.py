"""Values as plain data: equal ones give equal texts in every process, others are found apart."""

# ruff: noqa: E501  (tables: a value, another and where they differ stand on one line)

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel_payload.plain import (
    SIZE,
    Atom,
    Encoder,
    Frame,
    Large,
    TooMuch,
    canonical,
    decode,
    digest,
    encode,
    preview,
)
from kernel_payload.plain.nodes import total
from tmrun.compare import compare
from tmrun.difference import KINDS, Comparison

TESTS = Path(__file__).resolve().parent
NAN = float("nan")

PRELUDE = """
import array, argparse, collections, contextlib, datetime, decimal, enum, fractions, functools, io
import itertools, json, math, operator, pathlib, random, re, string, time, types, typing, uuid
import weakref, zoneinfo
from dataclasses import dataclass, field
import numpy as np, pandas as pd
nan, inf, Date, Path = float("nan"), float("inf"), datetime.date, pathlib.Path
class A:
    def __init__(self, **found): self.__dict__.update(found)
class Slots: __slots__ = "x", "y", "__weakref__"
class Both(Slots):
    def __init__(self, x, y, z): self.x, self.y, self.z = x, y, z
@dataclass
class Data:
    x: object
    y: list = field(default_factory=list)
@dataclass(frozen=True, slots=True)
class Frozen:
    x: object
class Color(enum.Enum):
    RED, BLUE = 1, [2]
class Bits(enum.Flag):
    A, B, C = 1, 2, 4
Number = enum.IntEnum("Number", "ONE TWO")
Point = collections.namedtuple("Point", "x y")
class Typed(typing.NamedTuple):
    x: int = 1
class Mapped(dict): pass
class Listed(list): pass
class Paired(tuple): pass
class Many(set): pass
class Whole(int): pass
class Real(float): pass
class Word(str): pass
class Raw(bytes): pass
class Turned(collections.deque): pass
class Place(type(pathlib.PurePosixPath())): pass
class Failed(Exception): pass
class Day(datetime.date): pass
class Part(functools.partial): pass
class Floats(np.ndarray): pass
class Odd(A): __slots__ = ("is", "s")
def with_(thing, **found):
    for name, value in found.items(): setattr(thing, name, value)
    return thing
def kept(make, thing): return [make(thing), thing]
def cyclic(x):
    a, b = A(x=x), A(friends={})
    a.b, b.a = b, a
    b.friends.update({a: b, b: [a]})
    return [a, b, a]
def twice(x): return [x, x, {"x": x}]
def looped(x):
    x.append({"self": x})
    return x
def raised(function):
    try: function()
    except BaseException as error: return error
def adding(x, *, y=2): return lambda z, k=1: x + y + z + k
def table(**more): return pd.DataFrame({"n": [1, 2, 3], "f": [.5, nan, 2], "s": ["u", None, "w"], **more}, index=list("abc"))
"""


@cache
def compiled(source: str) -> Any:
    return compile(source, f"/tmp/ipykernel_{random.random()}", "exec")


def notebook(*sources: str) -> dict[str, Any]:
    scope: dict[str, Any] = {"__name__": "__main__"}
    for source in sources:
        exec(compiled(source), scope)
    return scope


@cache
def notebooks() -> Iterator[dict[str, Any]]:
    """Give two notebooks by turns: each has its own classes of the same names."""
    return cycle([notebook(PRELUDE), notebook(PRELUDE)])


def made(source: str) -> Any:
    """Give what an expression is worth in a notebook, each time in another one."""
    return eval(compile(source, "/tmp/ipykernel_1", "eval"), next(notebooks()))


def text_of(value: Any, size: int = SIZE, ignored: Callable[[str], bool] | None = None) -> str:
    return canonical(Encoder(size, ignored).tell(value)[0])


def back(text: str) -> Any:
    return decode(json.loads(text))


def compared(a: Any, b: Any, size: int = SIZE, **how: Any) -> Comparison:
    """Compare what stands in for two values."""
    return compare(back(text_of(a, size)), back(text_of(b, size)), **how)


def first(found: Comparison) -> tuple[str, str]:
    """Give path and kind of the first difference."""
    assert not found.unknown, found
    assert found.count, found
    return found.differences[0].path, found.differences[0].kind


# what is made of an expression, what is made of another, and where they differ; None: no matter
BUILTINS = [
    ("None", "0", ""),
    ("True", "False", ""),
    ("True", "1", ""),
    ("1", "1.0", ""),
    ("2 ** 300", "2 ** 300 + 1", ""),
    ("-(2 ** 70)", "2 ** 70", ""),
    ("1.5", "nan", ""),
    ("inf", "-inf", ""),
    ("1e-320", "0.0", ""),
    ("1 + 2j", "1 + 3j", ""),
    ("complex(nan, inf)", "complex(1, inf)", ""),
    ("'a'", "'b'", ""),
    ("'\\ud800 \\x00 é 😀'", "'\\ud801 \\x00 é 😀'", ""),
    ("b'a\\xff'", "b'a\\xfe'", ""),
    ("...", "NotImplemented", None),
    ("[1, [2, 3.5]]", "[1, [2, 4.5]]", "[1][1]"),
    ("[1.0, nan, 2]", "[1.0, 2, nan]", "[1]"),
    ("[]", "()", ""),
    ("(1, (2, ()))", "(1, (3, ()))", "[1][0]"),
    ("[1, 2]", "[1]", ""),
    ("{'a': {'b': 1}}", "{'a': {'b': 2}}", "['a']['b']"),
    ("{'is': 'float', 'as': 1}", "{'is': 'float', 'as': 2}", "['as']"),
    ("{1: {2.5: 'x'}, 'k': 0}", "{1: {2.5: 'y'}, 'k': 0}", "[1][2.5]"),
    ("{(1, 'a'): [1], None: 2, True: 3}", "{(1, 'a'): [2], None: 2, True: 3}", "[(1, 'a')][0]"),
    ("{frozenset('abc'): [1, A(x=2)]}", "{frozenset('abc'): [1, A(x=3)]}", None),
    ("{A(x=1): 'one', A(x=2): 'two'}", "{A(x=1): 'one', A(x=3): 'two'}", "[<A>]"),
    ("{Date(2020, 1, d): [d] for d in (1, 2)}", "{Date(2020, 1, d): [d + d // 2] for d in (1, 2)}", "[2020-01-02][0]"),
    ("{nan: 1}", "{nan: 2}", "[nan]"),
    ("{np.int64(3): 1}", "{np.int64(3): 2}", None),
    ("{Word('a'): 1, 'b': 2}", "{Word('a'): 1, 'b': 3}", "['b']"),
    ("{1, 'a', None, 2.5}", "{1, 'a', None, 3.5}", "{2.5}"),
    ("{frozenset({1, 2}), (1, frozenset('ab'))}", "{frozenset({1, 2}), (1, frozenset('ac'))}", None),
    ("{A(x=1), A(x=2)}", "{A(x=1), A(x=3)}", "{<A>}"),
    ("frozenset('abc')", "frozenset('abd')", "{'c'}"),
    ("bytearray(b'ab')", "bytearray(b'ac')", "[1]"),
    ("memoryview(b'ab')", "memoryview(b'ac')", "[1]"),
    ("memoryview(np.eye(2))", "memoryview(np.ones((2, 2)))", "[0][1]"),
    ("array.array('d', [1, 2])", "array.array('d', [1, 3])", "[1]"),
    ("array.array('h', [1])", "array.array('i', [1])", ".typecode"),
    ("range(3)", "range(4)", ""),
    ("slice(1, A(x=1))", "slice(1, A(x=2))", ".stop.x"),
    ("collections.deque([1, 2])", "collections.deque([1, 3])", "[1]"),
    ("collections.OrderedDict(a=1)", "collections.OrderedDict(a=2)", "['a']"),
    ("collections.OrderedDict(a=1)", "dict(a=1)", ""),
    ("collections.defaultdict(list, a=[1])", "collections.defaultdict(set, a=[1])", ".default_factory"),
    ("collections.Counter('aab')", "collections.Counter('ab')", "['a']"),
    ("collections.ChainMap({}, {'a': 1})", "collections.ChainMap({}, {'a': 2})", ".maps[1]['a']"),
    ("collections.UserList([1])", "collections.UserList([2])", ".data[0]"),
    ("{'a': 1}.keys()", "{'b': 1}.keys()", None),
    ("{'a': 1}.keys()", "{'a': 1}.values()", ""),
    ("{'a': 1}.items()", "{'a': 2}.items()", ".mapping['a']"),
    ("{({}.values(), 1): 'hashable'}", "{({}.values(), 1): 'too'}", None),
    ("types.MappingProxyType({'a': 1})", "types.MappingProxyType({'a': 2})", ".mapping['a']"),
    ("types.SimpleNamespace(x=1)", "types.SimpleNamespace(x=2)", ".x"),
    ("argparse.Namespace(x=1)", "argparse.Namespace(x=2)", ".x"),
    ("time.gmtime(0)", "time.gmtime(1)", ".tm_sec"),
    ("iter([1, 2])", "iter([1, 3])", None),
    ("iter(set('abcdef'))", "iter(set('abcdeg'))", "{'f'}"),
    ("zip([1], 'a')", "zip([2], 'a')", None),
    ("map(len, ['a'])", "map(len, ['b'])", None),
    ("io.StringIO('a')", "io.StringIO('b')", None),
    ("io.BytesIO(b'a')", "io.BytesIO(b'b')", None),
    ("random.Random(1)", "random.Random(2)", None),
    ("string.Template('$a')", "string.Template('$b')", ".template"),
]  # fmt: skip
TEXTS = [
    ("Date(2020, 1, 1)", "Date(2020, 1, 2)", ""),
    ("Date(2020, 1, 1)", "datetime.datetime(2020, 1, 1)", ""),
    ("datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)", "datetime.datetime(2020, 1, 1)", ""),
    ("datetime.time(1)", "datetime.time(2)", ""),
    ("datetime.timedelta(1)", "datetime.timedelta(1, 1)", ""),
    ("datetime.timezone.utc", "datetime.timezone(datetime.timedelta(hours=1))", ""),
    ("zoneinfo.ZoneInfo('UTC')", "datetime.timezone.utc", ""),
    ("Day(2020, 1, 1)", "Day(2020, 1, 2)", None),
    ("decimal.Decimal('1.10')", "decimal.Decimal('1.2')", ""),
    ("decimal.Decimal('nan')", "decimal.Decimal('-inf')", ""),
    ("fractions.Fraction(1, 3)", "fractions.Fraction(2, 3)", ""),
    ("uuid.UUID(int=1)", "uuid.UUID(int=2)", ""),
    ("Path('a', 'b')", "Path('a', 'c')", ""),
    ("Path('a')", "pathlib.PureWindowsPath('a')", ""),
    ("with_(Place('a'), n=hash(Place('a')) and 1)", "with_(Place('b'), n=1)", ""),
    ("re.compile('a')", "re.compile('b')", ".pattern"),
    ("re.compile('a')", "re.compile('a', re.I)", ".flags"),
    ("typing.List[int]", "typing.List[str]", ""),
    ("list[int]", "list[str]", ""),
    ("int | str", "int | bytes", ""),
    ("typing.TypeVar('T')", "typing.TypeVar('S')", ""),
]  # fmt: skip
INSTANCES = [
    ("A(x=1, y=[2])", "A(x=1, y=[3])", ".y[0]"),
    ("A(x=1)", "A(x=1, y=2)", ".y"),
    ("A(x=1)", "types.SimpleNamespace(x=1)", ""),
    ("A()", "object()", ""),
    ("with_(Slots(), x=1)", "with_(Slots(), x=1, y=2)", ".y"),
    ("Both(1, 2, 3)", "Both(1, 2, 4)", ".z"),
    ("Both(1, 2, 3)", "Both(1, 3, 3)", ".y"),
    ("Data(1, [2])", "Data(1, [3])", ".y[0]"),
    ("Frozen((1, 2))", "Frozen((1, 3))", ".x[1]"),
    ("with_(Odd(s=3), **{'is': 'float'})", "with_(Odd(s=4), **{'is': 'float'})", ".s"),
    ("Color.RED", "Color.BLUE", None),
    ("Bits.A | Bits.C", "Bits.A | Bits.B", ".value"),
    ("Number.ONE", "Number.TWO", None),
    ("re.I | re.M", "re.I", None),
    ("Point(1, 2)", "Point(1, 3)", "[1]"),
    ("Point(1, 2)", "(1, 2)", ""),
    ("Typed()", "Typed(2)", "[0]"),
    ("with_(Mapped(a=1), n=1)", "with_(Mapped(a=2), n=1)", "['a']"),
    ("with_(Listed([1]), n=1)", "with_(Listed([1]), n=2)", ".n"),
    ("with_(Paired([1]), n=1)", "with_(Paired([2]), n=1)", "[0]"),
    ("Many([1])", "Many([2])", "{1}"),
    ("Whole(1)", "Whole(2)", ""),
    ("Real(nan)", "Real(inf)", ""),
    ("Word('a')", "'a'", ""),
    ("Raw(b'a')", "Raw(b'b')", ""),
    ("Turned([1])", "Turned([2])", "[0]"),
    ("cyclic(1)", "cyclic(2)", "[0].x"),
    ("twice(A(x=1))", "twice(A(x=2))", "[0].x"),
    ("twice([1])", "[[1], [1], {'x': [2]}]", "[2]['x'][0]"),
    ("looped([1])", "looped([2])", "[0]"),
    ("looped(Listed([1]))", "looped(Listed([2]))", "[0]"),
    ("looped(collections.deque([1]))", "looped(collections.deque([2]))", "[0]"),
    ("[Color.RED, Color.RED, A, A, len, len]", "[Color.RED, Color.RED, A, A, len, abs]", "[5]"),
    ("adding(1)", "adding(2)", ".x"),
    ("adding(1, y=[3])", "adding(1, y=[4])", ".y[0]"),
    ("lambda x, *, y=2: x", "lambda x, *, y=3: x", ".__kwdefaults__['y']"),
    ("lambda x=1: x", "lambda x=2: x", ".__defaults__[0]"),
    ("with_(lambda: 1, n=1)", "with_(lambda: 1, n=2)", ".n"),
    ("functools.partial(max, 1, key=len)", "functools.partial(max, 1, key=abs)", None),
    ("Part(max, 1)", "Part(max, 2)", None),
    ("A(x=1).__init__", "A(x=2).__init__", ".__self__.x"),
    ("len", "abs", ""),
    ("json.dumps", "json.loads", ""),
    ("json", "math", ""),
    ("A", "Slots", ""),
    ("operator.itemgetter(1)", "operator.itemgetter(2)", None),
    ("ValueError('a', 1)", "ValueError('a', 2)", ".args[1]"),
    ("KeyError('a')", "LookupError('a')", ""),
    ("raised(lambda: 1 / 0)", "raised(lambda: 1 % 0)", None),
    ("raised(lambda: open('/nowhere/a'))", "raised(lambda: open('/nowhere/b'))", ".filename"),
    ("ImportError('a', name='b')", "ImportError('a', name='c')", ".name"),
    ("raised(lambda: nothing)", "raised(lambda: nil)", None),
    ("raised(lambda: A().x)", "raised(lambda: A(y=1).x)", ".obj.y"),
    ("SystemExit(1)", "SystemExit(2)", ".args[0]"),
    ("UnicodeDecodeError('a', b'b', 1, 2, 'c')", "UnicodeDecodeError('a', b'b', 1, 2, 'd')", None),
    ("with_(Failed('a'), n=1)", "with_(Failed('a'), n=2)", ".n"),
    ("kept(weakref.ref, A(x=1))", "kept(weakref.ref, A(x=2))", "[0].x"),
    ("kept(weakref.proxy, A(x=1))", "kept(weakref.proxy, A(x=2))", "[0].x"),
    ("weakref.ref(A(x=1))", "1", ""),
    ("kept(lambda x: weakref.WeakValueDictionary(k=x), A(x=1))", "kept(lambda x: weakref.WeakValueDictionary(k=x), A(x=2))", None),
    ("kept(lambda x: weakref.WeakKeyDictionary({x: 1}), A(x=1))", "kept(lambda x: weakref.WeakKeyDictionary({x: 2}), A(x=1))", None),
    ("kept(lambda x: weakref.WeakSet([x]), A(x=1))", "kept(lambda x: weakref.WeakSet([x]), A(x=2))", None),
    ("kept(lambda x: {id(x): weakref.ref(x)}, A(x=1))", "kept(lambda x: {id(x): weakref.ref(x)}, A(x=2))", "[1].x"),
    ("[(x for x in 'a'), raised(lambda: 1 / 0).__traceback__, 1]", "[(x for x in 'b'), None, 2]", "[1]"),
]  # fmt: skip
ARRAYS = [
    *((f"np.array([1, 0, 3]).astype('{kind}')", f"np.array([1, 0, 0]).astype('{kind}')", "[2]")
      for kind in ("?", "i1", "u8", "f2", "f4", "f8", "g", "F", "D", "G", "S3", "U3", "M8[D]", "m8[s]", "O", ">f8", ">i4", ">U2", ">c16")),
    ("np.array([1.5, nan, inf, -inf])", "np.array([1.5, inf, nan, -inf])", "[1]"),
    ("np.array([complex(nan, 1)])", "np.array([complex(0, 1)])", "[0]"),
    ("np.arange(6).reshape(2, 3)", "np.arange(6).reshape(2, 3) // 5 * 5", "[0, 1]"),
    ("np.arange(6).reshape(2, 3)", "np.arange(6)", ""),
    ("np.arange(6)", "np.arange(6.0)", ""),
    ("np.array(1.5)", "np.array(2.5)", ""),
    ("np.array(1.5)", "np.float64(1.5)", ""),
    ("np.zeros((0, 3))", "np.zeros((3, 0))", ""),
    ("np.zeros((2, 2, 1))[..., 0]", "np.zeros((2, 2))[:, ::-1] + [0, 1]", "[0, 1]"),
    ("np.array(['2020-01-01', 'NaT'], 'M8[ns]')", "np.array(['2020-01-01', '2020-01-02'], 'M8[ns]')", "[1]"),
    ("np.array([1, 'NaT'], 'm8[s]')", "np.array([1, 2], 'm8[s]')", "[1]"),
    ("np.array([b'ab', b'c'], 'V2')", "np.array([b'ab', b'd'], 'V2')", "[1]"),
    ("np.array([(1, 2.5), (3, nan)], 'i4,f8')", "np.array([(1, 2.5), (3, 1)], 'i4,f8')", "['f1'][1]"),
    ("np.array([(1, (2, [3, 4]))], [('a', '>i4'), ('b', [('c', 'u1'), ('d', 'f4', 2)])])",
     "np.array([(1, (2, [3, 5]))], [('a', '>i4'), ('b', [('c', 'u1'), ('d', 'f4', 2)])])", "['b']['d'][0, 1]"),
    ("np.array([(1, 2.5)], 'i4,f8')[0]", "np.array([(1, 3.5)], 'i4,f8')[0]", "['f1']"),
    ("np.array([(1, A(x=1))], 'i4,O')", "np.array([(1, A(x=2))], 'i4,O')", "['f1'][0].x"),
    ("np.array([1, 'a', None, [2], nan], object)", "np.array([1, 'a', None, [3], nan], object)", "[3][0]"),
    ("np.array([[A(x=1)], [2]], object)", "np.array([[A(x=3)], [2]], object)", "[0, 0].x"),
    ("np.ma.array([1.5, 2, 3], mask=[0, 1, 0])", "np.ma.array([1.5, 7, 4], mask=[0, 1, 0])", "[2]"),
    ("np.ma.array([1.5, 2], mask=[0, 1])", "np.ma.array([1.5, 2], mask=[0, 0])", "[1]"),
    ("np.ma.array([1, 2])", "np.array([1, 2])", ""),
    ("np.ma.array(['a', A(x=1)], mask=[1, 0])", "np.ma.array(['b', A(x=2)], mask=[1, 0])", "[1].x"),
    ("np.ma.array([(1, 2)], 'i4,i4', mask=[(0, 1)])", "np.ma.array([(1, 2)], 'i4,i4', mask=[(0, 0)])", "['f1'][0]"),
    ("np.ma.masked", "np.ma.array(0.0)", None),
    ("np.rec.array([(1, 2)], 'i4,i4')", "np.array([(1, 2)], 'i4,i4')", ""),
    ("np.arange(3.0).view(Floats)", "np.arange(3.0)", ""),
    ("np.rec.array([(1, 'a')])", "np.rec.array([(1, 'b')])", "['f1'][0]"),
    *((f"np.{kind}(1)", f"np.{kind}(0)", "") for kind in ("bool_", "int8", "uint64", "float16", "float64", "longdouble", "complex64", "str_")),
    ("np.bytes_(b'a')", "np.bytes_(b'b')", ""),
    ("np.datetime64('2020-01-01')", "np.datetime64('NaT')", ""),
    ("np.timedelta64(1, 's')", "np.timedelta64(1, 'm')", ""),
    ("np.dtype('f8')", "np.dtype('i4,f8')", ""),
    ("np.sin", "np.cos", ""),
    ("np.random.default_rng(1)", "np.random.default_rng(2)", None),
    ("np.random.RandomState(1)", "np.random.RandomState(2)", None),
    ("[np.float64(1)] * 2", "[np.float64(1), np.float64(2)]", "[1]"),
]  # fmt: skip
FRAMES = [
    ("table()", "table(f=[.5, nan, 3])", "['f'].loc['c']"),
    ("table()", "table(s=['u', 'v', 'w'])", "['s'].loc['b']"),
    ("table()", "table(n=[1, 2, 4.0])", "['n']"),
    ("table()", "table(m=[1, 2, 3])", ""),
    ("table()", "table()[['f', 'n', 's']]", ".columns"),
    ("table()", "table().rename(columns={'f': 'g'})", "['f']"),
    ("table()", "table().rename(index={'c': 'd'})", ".index[2]"),
    ("table()", "table().rename_axis(index='i')", ".index.names[0]"),
    ("table()", "table().rename_axis(columns='c')", ".columns.names[0]"),
    ("table()", "table().iloc[:2]", ""),
    ("table()", "table().reset_index(drop=True)", ".index"),
    ("table()", "with_(table(), attrs={'unit': 'm'})", ".attrs['unit']"),
    ("table(o=[[1], A(x=1), None])", "table(o=[[1], A(x=2), None])", "['o'].loc['b'].x"),
    ("table(c=pd.Categorical(['u', None, 'v']))", "table(c=pd.Categorical(['u', None, 'u']))", None),
    ("table(d=pd.date_range('2020', periods=3, tz='Europe/Berlin'))", "table(d=pd.date_range('2021', periods=3, tz='Europe/Berlin'))", "['d'].loc['a']"),
    ("table(d=pd.date_range('2020', periods=3, tz='UTC'))", "table(d=pd.date_range('2020', periods=3))", "['d']"),
    ("pd.DataFrame([[1, 2], [3, 4]], columns=['a', 'a'])", "pd.DataFrame([[1, 2], [3, 5]], columns=['a', 'a'])", "['a'].iloc[1]"),
    ("pd.DataFrame({'a': [1, 2]}, index=['i', 'i'])", "pd.DataFrame({'a': [1, 3]}, index=['i', 'i'])", "['a'].iloc[1]"),
    ("pd.DataFrame({'a': [1, 2]}, index=pd.MultiIndex.from_product([['i'], [1, 2]]))",
     "pd.DataFrame({'a': [1, 3]}, index=pd.MultiIndex.from_product([['i'], [1, 2]]))", "['a'].loc[('i', 2)]"),
    ("pd.DataFrame({('a', 1): [1], ('a', 2): [2]})", "pd.DataFrame({('a', 1): [1], ('a', 2): [3]})", "[('a', 2)].iloc[0]"),
    ("pd.DataFrame({pd.Timestamp(2020, 1, 1): [1]})", "pd.DataFrame({pd.Timestamp(2020, 1, 1): [2]})", "[2020-01-01 00:00:00].iloc[0]"),
    ("pd.DataFrame({A(x=1): [1]})", "pd.DataFrame({A(x=1): [2]})", None),
    ("pd.DataFrame()", "pd.DataFrame({'a': []})", ""),
    ("pd.DataFrame({'a': []})", "pd.DataFrame({'a': []}, dtype='i4')", "['a']"),
    ("pd.DataFrame(index=[1, 2])", "pd.DataFrame(index=[1, 3])", ".index[1]"),
    ("pd.Series([1, 2], name='a')", "pd.Series([1, 3], name='a')", ".iloc[1]"),
    ("pd.Series([1, 2], name='a')", "pd.Series([1, 2], name='b')", ".name"),
    ("pd.Series([1.5], index=[2.5])", "pd.Series([2.5], index=[2.5])", ".loc[2.5]"),
    ("pd.Series([1, None], dtype='Int64')", "pd.Series([2, None], dtype='Int64')", ".iloc[0]"),
    ("pd.Series([2 ** 62, None], dtype='Int64')", "pd.Series([2 ** 62 + 1, None], dtype='Int64')", ".iloc[0]"),
    ("pd.Series([1.5, None], dtype='Float32')", "pd.Series([1.5, 2], dtype='Float32')", ".iloc[1]"),
    ("pd.Series([True, None], dtype='boolean')", "pd.Series([False, None], dtype='boolean')", ".iloc[0]"),
    ("pd.Series(['a', None], dtype='string')", "pd.Series(['a', 'b'], dtype='string')", ".iloc[1]"),
    ("pd.Series([[1], pd.NA, pd.NA, pd.NaT])", "pd.Series([[2], pd.NA, pd.NA, pd.NaT])", ".iloc[0][0]"),
    ("pd.Series(pd.to_datetime(['1500-01-01', None]).as_unit('s').tz_localize('UTC'))",
     "pd.Series(pd.to_datetime(['1500-01-02', None]).as_unit('s').tz_localize('UTC'))", ".iloc[0]"),
    ("pd.Series(pd.to_timedelta([1, None]))", "pd.Series(pd.to_timedelta([2, None]))", ".iloc[0]"),
    ("pd.Series(pd.arrays.SparseArray([0, 0, 1.5]))", "pd.Series(pd.arrays.SparseArray([0, 0, 2.5]))", ".iloc[2]"),
    ("pd.Series(pd.period_range('2020', periods=2, freq='D'))", "pd.Series(pd.period_range('2021', periods=2, freq='D'))", ".iloc[0]"),
    ("pd.Series([Date(2020, 1, 1)], index=['é' * 200])", "pd.Series([Date(2020, 1, 2)], index=['é' * 200])", None),
    ("pd.Index([1, 2], name='a')", "pd.Index([1, 3], name='a')", "[1]"),
    ("pd.Index([1, 2], name='a')", "pd.Index([1, 2], name='b')", ".names[0]"),
    ("pd.RangeIndex(3)", "pd.RangeIndex(1, 4)", ""),
    ("pd.RangeIndex(3)", "pd.RangeIndex(4)", ""),
    ("pd.interval_range(0, 2)", "pd.interval_range(0, 2, closed='left')", None),
    ("pd.MultiIndex.from_product([['a'], [1, 2]], names=['x', None])", "pd.MultiIndex.from_product([['a'], [1, 3]], names=['x', None])", "[1][1]"),
    ("pd.CategoricalIndex(['a', 'b'])", "pd.CategoricalIndex(['a', 'a'], ['a', 'b'])", "[1]"),
    ("pd.Categorical(['a'])", "pd.Categorical(['a'], ['a', 'b'])", ""),
    ("pd.Categorical(['a'])", "pd.Categorical(['a'], ordered=True)", ""),
    ("pd.Categorical(['a', None], ['a', 'b'])", "pd.Categorical(['b', None], ['a', 'b'])", "[0]"),
    ("pd.array([1, None])", "pd.array([2, None])", "[0]"),
    ("pd.Timestamp(2020, 1, 1)", "pd.Timestamp(2020, 1, 1, nanosecond=1)", ""),
    ("pd.Timestamp(2020, 1, 1)", "pd.Timestamp(2020, 1, 1, tz='UTC')", ""),
    ("pd.Timedelta(1)", "pd.Timedelta(2)", ""),
    ("pd.NaT", "pd.NA", ""),
    ("pd.Period('2020')", "pd.Period('2021')", ""),
    ("pd.Interval(0, 1)", "pd.Interval(0, 2)", ""),
    ("pd.offsets.Day(1)", "pd.offsets.Day(2)", ""),
    ("pd.CategoricalDtype(['a'])", "np.dtype('f8')", ""),
]  # fmt: skip
TABLE = [*BUILTINS, *TEXTS, *INSTANCES, *ARRAYS, *FRAMES]


# -- the table


@pytest.mark.parametrize("source", [*dict.fromkeys(a for a, _, _ in TABLE)])
def test_equal_values_give_equal_texts_of_which_equal_ones_are_made(source: str) -> None:
    value, text = made(source), text_of(made(source))
    assert text_of(value) == text
    assert canonical(json.loads(text)) == text
    assert text.isascii()
    assert not re.search(" at 0x|0x7f", text), "an address"
    assert compare(back(text), back(text)).equal
    assert len(preview(json.loads(text))) <= 80


@pytest.mark.parametrize(("a", "b", "path"), TABLE)
def test_another_value_is_found_where_it_differs(a: str, b: str, path: str | None) -> None:
    found = compared(made(a), made(b))
    assert first(found)[0] == (first(found)[0] if path is None else path)
    assert {difference.kind for difference in found.differences} <= KINDS.keys()
    assert text_of(made(a)) != text_of(made(b))


def texts() -> list[str]:
    """Give the texts of the table; see below what asks for them."""
    return [text_of(made(source)) for source, _, _ in TABLE]


def test_texts_are_the_same_in_every_process_whatever_its_hash_seed() -> None:
    here = texts()
    code = "import json, test_plain; print(json.dumps(test_plain.texts()))"
    for seed in "12":
        path = os.pathsep.join(map(str, (TESTS, TESTS.parent)))
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
        command = [sys.executable, "-W", "ignore", "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for (source, _, _), a, b in zip(TABLE, here, json.loads(done.stdout), strict=True):
            assert a == b, source


plain = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=5)
)
keys = st.one_of(st.integers(), st.text(max_size=3), st.tuples(st.text(max_size=2), st.integers()))
values = st.recursive(
    scalars | st.frozensets(keys) | st.sets(keys),
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.tuples(inner, inner),
    max_leaves=12,
)


@plain
@given(values, values)
def test_what_python_itself_brings_is_had_back(a: Any, b: Any) -> None:
    assert compare(a, back(text_of(a))).equal
    assert compared(a, b).equal == compare(a, b).equal


@plain
@given(st.dictionaries(keys, st.lists(scalars, max_size=2)), st.randoms())
def test_the_order_in_which_a_dict_was_filled_does_not_count(value: Any, chance: Any) -> None:
    items = [(key, [*found]) for key, found in value.items()]
    chance.shuffle(items)
    assert text_of(dict(items)) == text_of(value)


@pytest.mark.parametrize(
    ("shared", "apart"),
    [
        ("twice([1])", "[[1], [1], {'x': [1]}]"),
        ("twice({1: 2})", "[{1: 2}, {1: 2}, {'x': {1: 2}}]"),
        ("twice(A(x=1))", "[A(x=1), A(x=1), {'x': A(x=1)}]"),
        ("twice(Listed([1]))", "[Listed([1]), Listed([1]), {'x': Listed([1])}]"),
        ("twice(Point([1], 2))", "[Point([1], 2), Point([1], 2), {'x': Point([1], 2)}]"),
        ("twice({1: 2}.keys())", "[{1: 2}.keys(), {1: 2}.keys(), {'x': {1: 2}.keys()}]"),
        ("(lambda d: [d.keys(), d])({1: 2})", "[{1: 2}.keys(), {1: 2}]"),
        ("twice(np.arange(2))", "[np.arange(2), np.arange(2), {'x': np.arange(2)}]"),
        ("(lambda x: [ValueError(x), x])([1])", "[ValueError([1]), [1]]"),
        ("(lambda x: [functools.partial(max, x), x])([1])", "[functools.partial(max, [1]), [1]]"),
        ("(lambda x: [adding(x), x])([1])", "[adding([1]), [1]]"),
        ("kept(weakref.ref, A(x=1))", "[A(x=1), A(x=1)]"),
        ("{(1, frozenset('ab')): twice([1])}", "{(1, frozenset('ab')): [[1], [1], {'x': [1]}]}"),
        ("{Date(2020, 1, 1): twice([1])}", "{Date(2020, 1, 1): [[1], [1], {'x': [1]}]}"),
        ("{(lambda a: (a, a))(A(x=1))}", "{(A(x=1), A(x=1))}"),
        ("{(lambda a: (a, a))(A(x=1)): 1}", "{(A(x=1), A(x=1)): 1}"),
        ("(lambda x: table(o=[x, x, 1]))([1])", "table(o=[[1], [1], 1])"),
        ("pd.Series(twice([1])[:2])", "pd.Series([[1], [1]])"),
        ("np.array([*twice(A(x=1)), 1], object)", "np.array([A(x=1), A(x=1), {'x': A(x=1)}, 1], object)"),
    ],
)  # fmt: skip
def test_what_is_shared_equals_what_is_not(shared: str, apart: str) -> None:
    assert compared(made(shared), made(apart)).equal


@pytest.mark.parametrize(
    ("shared", "apart"),
    [
        (f"(lambda x: [x, x])({one})", f"[{one}, {one}]")
        for one in ("Date(2020, 1, 1)", "(1, 2)", "np.float64(1)", "frozenset([1])", "Path('a')")
    ],
)
def test_of_what_does_not_change_it_does_not_count_whether_it_is_one_object(
    shared: str, apart: str
) -> None:
    assert text_of(made(shared)) == text_of(made(apart))


def test_decoded_values_are_python_s_own_or_stand_in() -> None:
    value = {"a": [1, 2.5, (None, b"x")], 3: {"s", NAN}}
    assert compare(back(text_of(value)), value).equal
    a, b, again = back(text_of(made("cyclic(7)")))
    assert again is a
    assert (a.x, a.b, b.a, b.friends[a]) == (7, b, a, b)
    assert type(a).__name__ == "A"
    array = back(text_of(np.array([[1.5, NAN]])))
    assert (array.dtype, array.shape, array.items[0]) == ("float64", (1, 2), 1.5)
    frame = back(text_of(made("with_(table().rename_axis(columns='c'), attrs={1: 2})")))
    assert isinstance(frame, Frame)
    assert (frame.columns, frame.names, frame.attrs) == (["n", "f", "s"], ["c"], {1: 2})
    date = back(text_of(made("Date(2020, 1, 1)")))
    assert isinstance(date, Atom)
    assert date.text == "2020-01-01"
    with pytest.raises(KeyError):
        decode({"is": "unheard of"})
    assert digest(b"") == "bcae66941d9efbd404e4d88758ea67670"


# -- sizes


def node_of(value: Any, size: int = SIZE) -> Any:
    return Encoder(size).tell(value)[0]


LARGE = [
    ("'x' * 20_000", {"type": "str", "len": 20_000}, None),
    ("b'x' * 20_000", {"type": "bytes", "len": 20_000}, None),
    ("1 << 200_000", {"type": "int"}, None),
    ("[0.5, 1.5] * 2000", {"type": "list", "len": 4000}, {"count": 4000, "mean": 1.0, "std": 0.5}),
    ("[1, nan, inf] * 2000", {"type": "list", "len": 6000}, {"count": 6000, "finite": 2000, "max": 1.0}),
    ("[True] * 20_000", {"type": "list", "len": 20_000}, None),
    ("[2 + 4j] * 2000", {"type": "list"}, {"count": 4000, "min": 2.0, "max": 4.0}),
    ("[10 ** 400, 1] * 2000", {"type": "list"}, {"mean": 1.0}),
    ("(1,) * 4000", {"type": "tuple", "len": 4000}, {"count": 4000}),
    ("{*range(4000)}", {"type": "set", "len": 4000}, {"max": 3999.0}),
    ("{i: 1 for i in range(4000)}", {"type": "dict", "len": 4000}, {"count": 8000}),
    ("bytearray(20_000)", {"type": "bytearray", "len": 20_000}, None),
    ("array.array('d', [1, 3] * 2000)", {"type": "array.array", "typecode": "d"}, {"mean": 2.0}),
    ("np.arange(4000.0)", {"type": "numpy.ndarray", "shape": [4000], "dtype": "float64"}, {"mean": 1999.5}),
    ("np.zeros((100, 50), '>i4')", {"shape": [100, 50], "dtype": "int32"}, {"count": 5000, "std": 0.0}),
    ("np.ones(2000, complex)", {"dtype": "complex128"}, {"count": 4000, "mean": 0.5}),
    ("np.ones(20_000, bool)", {"dtype": "bool"}, None),
    ("np.array(['u'] * 5000)", {"dtype": "<U1"}, None),
    ("np.array([[1, 'a']] * 2000, object)", {"shape": [2000, 2], "dtype": "object"}, {"count": 2000}),
    ("np.array([nan] * 4000)", {}, {"count": 4000, "finite": 0}),
    ("np.full(4000, 1e308)", {}, {"max": 1e308, "mean": 0.0}),
    ("np.array([1e308, -1e308] * 2000)", {}, {"min": -1e308, "mean": 0.0}),
    ("[1e308, -1e308, 1e308] * 2000", {}, {"min": -1e308}),
    ("np.ma.array(np.arange(4000), mask=np.arange(4000) > 1)", {"type": "numpy.MaskedArray"}, {"count": 2, "max": 1.0}),
]  # fmt: skip


@pytest.mark.parametrize(("source", "about", "numbers"), LARGE)
def test_what_is_large_is_summed_up(source: str, about: Any, numbers: Any) -> None:
    whole, size = Encoder().tell({"small": 1, "large": [made(source)]})
    node = whole["items"]["large"][0]
    assert node["is"] == "large"
    assert {name: node[name] for name in about} == about
    told = node.get("numbers")
    assert (told and {name: told[name] for name in numbers}) == numbers
    assert whole["items"]["small"] == 1
    assert size < 200
    assert len(canonical(whole)) < 1000
    json.loads(canonical(whole), parse_constant=pytest.fail)
    assert text_of(made(source)) == text_of(made(source))
    assert isinstance(back(text_of(made(source))), Large)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("'x' * 20_000", "'x' * 19_999 + 'y'"),
        ("b'x' * 20_000", "b'x' * 19_999 + b'y'"),
        ("1 << 200_000", "(1 << 200_000) + 1"),
        ("[10 ** 400, 1] * 2000", "[10 ** 400 + 1, 1] * 2000"),
        ("[True] * 20_000", "[True] * 19_999 + [False]"),
        ("bytearray(20_000)", "bytearray(19_999) + b'x'"),
        ("array.array('d', [1, 3] * 2000)", "array.array('f', [1, 3] * 2000)"),
        ("np.ones(20_000, bool)", "np.arange(20_000) > 0"),
        ("np.array(['u'] * 5000)", "np.array(['u'] * 4999 + ['v'])"),
        ("np.array([[1, 'a']] * 2000, object)", "np.array([[1, 'a']] * 1999 + [[1, 'b']], object)"),
        ("[{'is': 1.5, 'a': 'b'}] * 2000", "[{'is': 1.5, 'a': 'b'}] * 1999 + [{'is': 1.5, 'a': 'c'}]"),
        ("[A(x=i, y='a') for i in range(999)]", "[A(x=i, y='ab'[i == 9]) for i in range(999)]"),
    ],
)  # fmt: skip
def test_what_is_large_is_found_apart_whatever_the_tolerance(a: str, b: str) -> None:
    assert compared([made(a)], [made(a)], rtol=1e-3).equal
    assert not compared([made(a)], [made(b)], rtol=1e-3).equal


def test_large_parts_are_summed_up_where_they_are() -> None:
    value = {"layers": [{"w": np.zeros(5000), "b": [0.5] * 3, "name": "a"}, A_FRAME]}
    first_layer, frame = node_of(value)["items"]["layers"]
    assert first_layer["items"]["w"]["is"] == "large"
    assert first_layer["items"]["b"] == [0.5] * 3
    assert [column["is"] for column in frame["data"]] == ["large", "large"]
    assert frame["columns"] == ["a", "b"]
    other = {"layers": [value["layers"][0], A_FRAME.assign(b=[*A_FRAME["b"][:-1], "y"])]}
    assert first(compared(value, other)) == ("['layers'][1]['b']", "value")


A_FRAME = pd.DataFrame({"a": range(5000), "b": ["x", 1, None, 2.5, [3]] * 1000})


def test_of_a_large_whole_small_parts_are_told_all_the_same() -> None:
    node = node_of({"n": 1, **{f"k{i}": [i + 0.5] * 200 for i in range(20)}})
    assert node["items"]["n"] == 1
    assert {part["is"] for name, part in node["items"].items() if name != "n"} == {"large"}
    many = node_of([{"n": i, "x": "x" * 100} for i in range(1000)])
    assert (many["is"], many["len"]) == ("large", 1000)
    wide = node_of(pd.DataFrame({f"c{i}": [[i, j] for j in range(60)] for i in range(20)}))
    assert {column["is"] for column in wide["data"]} == {"large"}


def test_objects_in_columns_that_are_summed_up_count_by_what_they_hold() -> None:
    a, b = (
        pd.DataFrame({f"c{i}": [[i + (i == 14) * n] for _ in range(100)] for i in range(15)})
        for n in (0, 1)
    )
    assert first(compared(a, b))[0] == "['c14'].mean()"
    assert compared(a, a.copy()).equal


def test_the_labels_of_a_large_frame_are_summed_up_by_themselves() -> None:
    index = pd.MultiIndex.from_product([range(50), range(40)])
    node = node_of(pd.DataFrame({"a": np.zeros(2000), "s": 1}, index=index))
    assert node["is"] == "frame"
    assert node["index"]["values"]["is"] == "large"


@pytest.mark.parametrize("n", range(2040, 2056))
def test_a_value_near_the_limit_has_the_same_form_whatever_its_digits(n: int) -> None:
    for make in (list, tuple, np.array, pd.Series, lambda x: {"k": x}):
        kinds = [
            [node["is"] if isinstance(node := node_of(make([number] * n)), dict) else "list"]
            for number in (0.5, 1 / 3, NAN, float("-inf"), -1e-300)
        ]
        assert kinds == kinds[:1] * 5
        node = node_of(make([0.5] * n))
        if isinstance(node, dict) and node["is"] == "large" and make is np.array:
            assert (node["shape"], node["dtype"]) == ([n], "float64")
    ints = [isinstance(node_of([number] * n), dict) for number in (0, -1, 2**60, 12345)]
    assert ints == [isinstance(node_of([0.5] * n), dict)] * 4


@pytest.mark.parametrize("size", [0, 1, 64, 300])
def test_no_size_is_too_small(size: int) -> None:
    for source, _, _ in [*TABLE, *LARGE]:
        text = text_of(made(source), size)
        assert compare(back(text), back(text)).equal
        if '"hidden"' in text:
            assert '"hidden"' in text_of(made(source))
    assert node_of([1, 2.5, None, True, 1j, "a"], size)[:2] == [1, 2.5]


# -- tolerance

NUMBERS = np.random.default_rng(0).normal(size=5000)


@pytest.mark.parametrize(
    "make",
    [
        np.array,
        list,
        pd.Series,
        lambda x: {"w": [np.array(x)]},
        lambda x: {"w": [f"text {i}" if i % 2 else y for i, y in enumerate(x)]},
        lambda x: [np.array(x) + i for i in range(300)],
        lambda x: np.ma.array(x, mask=[False, True] * 2500),
        lambda x: np.array(x) * 1j,
        lambda x: pd.DataFrame({"a": x, "b": "text"}),
        lambda x: [{"x": y, "name": "n"} for y in x],
    ],
)
def test_the_statistics_of_what_is_large_are_compared_with_tolerance(make: Any) -> None:
    a, near, other = make(NUMBERS), make(NUMBERS * (1 + 1e-12)), make(NUMBERS * 1.01)
    assert text_of(a) != text_of(near)
    assert not compared(a, near).equal
    assert compared(a, near, rtol=1e-9).equal
    assert compared(a, near, atol=1e-9).equal
    assert not compared(a, other, rtol=1e-4).equal
    assert compared(a, other, rtol=0.1).equal


def test_a_difference_of_statistics_is_told_as_one() -> None:
    outlier, odd = NUMBERS.copy(), NUMBERS.copy()
    outlier[7], odd[7] = 99, NAN
    paths = [d.path for d in compared(NUMBERS, outlier, rtol=1e-9).differences]
    assert paths == [".mean()", ".std()", ".max()"]
    assert first(compared([NUMBERS], [odd], rtol=0.5)) == ("[0].finite()", "value")
    assert first(compared(NUMBERS, NUMBERS[1:], rtol=0.5))[1] == "shape"
    assert first(compared([*NUMBERS], [*NUMBERS[1:]], rtol=0.5))[1] == "length"
    assert first(compared(NUMBERS, NUMBERS[::-1]))[1] == "value"


def test_no_tolerance_applies_to_what_is_no_number() -> None:
    rng = np.random.default_rng(1)
    truths = rng.random(20_000) < 0.5
    assert not compared(truths, truths[::-1], rtol=0.5).equal
    names = [{"x": float(i), "name": "a"} for i in range(2000)]
    other = [*names[:-1], {"x": 1999.0, "name": "b"}]
    assert not compared(names, other, rtol=0.5).equal
    arrays = [*rng.random((300, 5000))]
    assert not compared([0.5, *arrays], [0.5, *(2 * x for x in arrays)], rtol=1e-3).equal
    mask = np.arange(5000) % 2 == 0
    a, b = (np.ma.array(np.ones(5000), mask=m) for m in (mask, ~mask))
    assert not compared(a, b, rtol=0.5).equal


def test_what_a_mask_hides_and_what_is_between_the_bytes_does_not_count() -> None:
    mask = [False, True] * 5000
    for n in (10, 10_000):
        a, b = (np.ma.array([1.0, x] * (n // 2), mask=mask[:n]) for x in (2.0, 1e20))
        assert text_of(a) == text_of(b)
    long, same = (np.arange(5000).astype("g") for _ in range(2))
    if long.itemsize == 16:
        same.view("u1").reshape(-1, 16)[:, 10:] = 255
    assert text_of(long) == text_of(same)


def test_a_sum_that_no_float_holds_is_none() -> None:
    assert total([1e308] * 3) == total([float("inf"), float("-inf")]) == 0.0
    assert total([0.1] * 10) == 1.0


# -- bounds

NESTS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "list": lambda x, _: [x],
    "tuple": lambda x, _: (x,),
    "dict": lambda x, _: {"k": x},
    "pairs": lambda x, _: {(1,): x},
    "frozenset": lambda x, _: frozenset([x]),
    "A": lambda x, scope: scope["A"](x=x),
    "Listed": lambda x, scope: scope["Listed"]([x]),
    "Mapped": lambda x, scope: scope["Mapped"]({1: x}),
    "Point": lambda x, scope: scope["Point"](x, 1),
    "Part": lambda x, scope: scope["Part"](max, x),
    "many": lambda x, scope: scope["Many"]([x]) if x == 1 else [x],
    "array": lambda x, _: np.array([x, None], object),
    "function": lambda x, scope: scope["adding"](x),
}


def nested(kind: str, levels: int) -> Any:
    scope, value = notebook(PRELUDE), 1
    for _ in range(levels):
        value = NESTS[kind](value, scope)
    return value


@pytest.mark.parametrize("kind", NESTS)
def test_what_is_nested_is_told_to_a_depth(kind: str) -> None:
    levels = 50 if kind == "Part" else 98
    text = text_of(nested(kind, levels))
    assert "hidden" not in text
    assert text_of(nested(kind, levels)) == text
    assert compare(back(text), back(text)).equal
    start = time.monotonic()
    with pytest.raises(TooMuch, match="nested"):
        Encoder().tell(nested(kind, 600))
    assert time.monotonic() - start < 2


def test_too_many_parts_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "_PARTS", 20_000)
    doubled: Any = ()
    for _ in range(90):
        doubled = (doubled, doubled)
    for value in (doubled, [[] for _ in range(20_001)], {i: {} for i in range(20_001)}):
        with pytest.raises(TooMuch, match="parts"):
            Encoder().tell(value)
    assert node_of([*range(300_000)])["len"] == 300_000, "numbers are no parts"


def test_large_memory_is_not_told_byte_by_byte() -> None:
    start = time.monotonic()
    assert node_of(bytearray(20_000_000))["len"] == 20_000_000
    assert node_of(memoryview(bytes(20_000_000)))["format"] == "B"
    assert time.monotonic() - start < 2


# -- what is ignored


def without(pattern: str) -> Callable[[str], bool]:
    return lambda path: re.match(pattern, path) is not None


@pytest.mark.parametrize(
    ("pattern", "a", "b"),
    [
        ("$", "1", "2"),
        ("$", "np.arange(3)", "'x'"),
        (r"\['t'\]", "{'t': 1, 'u': 2}", "{'t': 3.5, 'u': 2}"),
        (r"\['a'\]\.t", "{'a': A(t=1, u=2)}", "{'a': A(t=[3], u=2)}"),
        (r"\[\d+\]\['t'\]", "[{'t': 1, 'u': 1}] * 2", "[{'t': 2, 'u': 1}] * 2"),
        (r"\[1\]$", "[1.0, 2.0, 3.0]", "[1.0, nan, 3.0]"),
        (r"\[\(1, 2\)\]", "{(1, 2): 1}", "{(1, 2): 2}"),
        (r"\[7\]\[0\]", "{7: [1, 2]}", "{7: [3, 2]}"),
        (r"\.x", "with_(Slots(), x=1, y=2)", "with_(Slots(), x=3, y=2)"),
        (r"\.args\[1\]", "ValueError(1, 2)", "ValueError(1, 3)"),
        (r"\['f'\]", "table()", "table(f=['x', 1, 2])"),
        (r"\.index", "table()", "table().rename(index={'a': 'z'})"),
        (r"\.attrs", "with_(table(), attrs={'a': 1})", "with_(table(), attrs={'a': 2})"),
        (r"\['f'\]\.index", "{'f': table()['f']}", "{'f': table()['f'].reset_index(drop=True)}"),
        (r"\.name", "pd.Series([1], name='a')", "pd.Series([1], name='b')"),
        (r"\['b'\]", "np.array([(1, 2)], 'i4,i4').view([('a', 'i4'), ('b', 'i4')])",
         "np.array([(1, 3)], 'i4,i4').view([('a', 'i4'), ('b', 'i4')])"),
        (r"\.y\[0\]", "lambda y: 1 if y else adding", "lambda y: 1 if y else adding"),
    ],
)  # fmt: skip
def test_what_is_ignored_is_not_told(pattern: str, a: str, b: str) -> None:
    ignored = without(pattern)
    text = text_of(made(a), ignored=ignored)
    assert text == text_of(made(b), ignored=ignored)
    assert compare(back(text), back(text_of(made(b), ignored=ignored))).equal
    assert a == b or not compared(made(a), made(b)).equal
    assert compared(made(a), made(b), ignored=ignored).equal, "so when it was told"
    assert compare(back(text), back(text_of(made(b))), ignored=ignored).equal, "or by one"


def test_what_is_not_ignored_is_found() -> None:
    a, b = "{'t': 1, 'u': table()}", "{'t': 2, 'u': table(f=[.5, nan, 9])}"
    ignored = without(r"\['t'\]")
    assert [d.path for d in compared(made(a), made(b)).differences] == [
        "['t']",
        "['u']['f'].loc['c']",
    ]
    told = [back(text_of(made(source), ignored=ignored)) for source in (a, b)]
    assert first(compare(*told)) == ("['u']['f'].loc['c']", "value")
    rest = made("table(f=[.5, nan, 9])")
    by_place = [back(text_of(x, ignored=without(r"\.index"))) for x in (made("table()"), rest)]
    assert first(compare(*by_place)) == ("['f'].iloc[2]", "value")


# -- what lies and raises

EVIL = """
ran = []
def _raise(*_, **__):
    ran.append(1)
    raise RuntimeError("no code of the user's")
NAMES = '''__eq__ __ne__ __lt__ __bool__ __len__ __iter__ __repr__ __str__ __format__ __getitem__ __contains__
__call__ __sizeof__ __dir__ __reduce__ __reduce_ex__ __getstate__ __getnewargs__ __getnewargs_ex__ __array__
__index__ __int__ __float__ __complex__ __bytes__ __copy__ __deepcopy__ __add__ __radd__ __pos__ __abs__ __get__
__iter__ __next__ __enter__ __await__ items keys values get tolist __fspath__ __instancecheck__'''.split()
class Meta(type):
    __eq__ = __hash__ = __getattribute__ = __instancecheck__ = __subclasscheck__ = __call__ = _raise
    __repr__ = __str__ = __dir__ = __len__ = __iter__ = __bool__ = mro_ = _raise
class Evil:
    vars().update(dict.fromkeys(NAMES, _raise))
    __getattr__ = __getattribute__ = _raise
    __class__ = __module__ = __doc__ = property(_raise)
    __hash__ = lambda self: 1
EvilMeta = type.__new__(Meta, "EvilMeta", (), {**{n: _raise for n in NAMES}, "__hash__": lambda self: 1,
    "__getattribute__": _raise, "__class__": property(_raise)})
def evil(base, *given, x=1):
    cls = type("EvilOf", (base,), {**{n: _raise for n in NAMES}, "__hash__": lambda self: 1,
        "__getattribute__": _raise, "__class__": property(_raise)})
    thing = base.__new__(cls, *given)
    if base is not object: base.__init__(thing, *([] if base in (int, str, tuple, float, bytes) else given))
    return put(thing, x)
def put(thing, x):
    # past its own code
    for cls in type.__dict__["__mro__"].__get__(type(thing)):
        found = type.__dict__["__dict__"].__get__(cls).get("__dict__")
        if type(found) is types.GetSetDescriptorType:
            found.__get__(thing)["x"] = x
    return thing
def boxed(x):
    array = np.empty(2, object)
    array[0] = x
    return array
def plain(x): return put(object.__new__(Evil), x)
def odd(x): return put(object.__new__(EvilMeta), x)
"""


def hostile(source: str) -> tuple[Any, list[int]]:
    """Give what is made of an expression, and what notes that its code runs."""
    scope = next(evil_notebooks())
    value = eval(source, scope)
    scope["ran"].clear()
    return value, scope["ran"]


@cache
def evil_notebooks() -> Iterator[dict[str, Any]]:
    return cycle([notebook(PRELUDE, EVIL), notebook(PRELUDE, EVIL)])


HOLDERS = [
    "{}",
    "[{}]",
    "({}, 1)",
    "dict(k={})",
    "{{1: {}}}",
    "{{{}: 1}}",
    "{{{}}}",
    "A(y={})",
    "with_(Slots(), x={})",
    "boxed({})",
    "pd.Series([{}, None], dtype=object)",
    "pd.DataFrame(dict(o=pd.Series([{}, None], dtype=object)))",
    "adding({})",
    "functools.partial(max, {})",
    "collections.deque([{}])",
    "ValueError({})",
    "types.SimpleNamespace(y={})",
    "[0.5, {}, 1.5]",
    "slice({}, None)",
]
THINGS = [
    "plain(%s)",
    "odd(%s)",
    "evil(object, x=%s)",
    "evil(list, [1, %s])",
    "evil(dict, {1: %s})",
    "evil(tuple, (1, %s))",
    "evil(int, %s)",
    "evil(float, %s)",
    "evil(str, '%s')",
    "evil(bytes, b'%s')",
    "evil(collections.deque, [%s])",
    "evil(Exception, %s)",
]


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("holder", HOLDERS)
def test_no_code_of_the_user_s_runs(holder: str, thing: str) -> None:
    told = []
    for x in (1, 1, 2):
        value, ran = hostile(holder.format(thing % x))
        told.append(text_of(value))
        assert not ran
    assert told[0] == told[1]
    assert '"hidden"' not in told[0]
    assert not compare(back(told[0]), back(told[2])).equal


def test_a_class_that_lies_is_told_by_its_name() -> None:
    value, ran = hostile("[EvilMeta, Evil, Meta, type.__new__(Meta, 'B', (), {})]")
    assert [node["name"] for node in node_of(value)] == ["EvilMeta", "Evil", "Meta", "B"]
    assert not ran


@pytest.mark.parametrize("error", ["RuntimeError", "SystemExit", "RecursionError", "KeyError"])
def test_what_raises_when_pickle_asks_is_hidden(error: str) -> None:
    source = f"type('Raises', (Part,), dict(__reduce__=lambda self: functools.reduce(raising, [{error}], 1)))(max)"
    scope = notebook(PRELUDE, f"def raising(_, error): raise error\nmade = [1, {source}]")
    if error == "RecursionError":
        with pytest.raises(TooMuch):
            text_of(scope["made"])
    else:
        one, hidden = node_of(scope["made"])
        assert (one, hidden["is"], error in hidden["type"]) == (1, "hidden", True)
