"""Rules for what Python itself brings, and for instances: two values of one type -> their parts.

Contents are read through the built-in types' own methods and descriptors, so that no code of a
notebook's class runs; only what was made in C is asked how it would be pickled.
"""

from __future__ import annotations

import gc
import math
from collections import deque
from collections.abc import Iterator
from typing import Any

from kernel_payload import contents, live
from kernel_payload.plain.rules import is_by_address

from .compare_unordered import Item, TooMany, are_names, pair_up
from .difference import Amount, Context, Difference, Pair, Part, Unknown, is_itself_not, say

_BEFORE, _AFTER = 20, 40  # characters around the first at which two strings differ


def number(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare int, float and complex, and their heirs."""
    base = next(base for base in live.mro(type(a)) if base in (bool, int, float, complex))
    # of an heir the bare number
    x, y = (a, b) if base is bool else (base.__pos__(a), base.__pos__(b))
    if base is bool or not context.tolerance.close(x, y):
        yield Difference("", "value", say(x), say(y), None if base is bool else _apart(x, y))


def _apart(a: Any, b: Any) -> Amount:
    try:
        absolute = float(abs(a - b))
        relative = absolute / float(abs(a)) if a else math.inf
    except OverflowError:  # an int that no float can hold
        return Amount(1, 1)
    apart = (x if math.isfinite(x) else None for x in (absolute, relative))
    return Amount(1, 1, next(apart), "", next(apart))


def text(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare strings and bytes: where they begin to differ."""
    base: Any = str if any(base is str for base in live.mro(type(a))) else bytes
    x, y = base.__add__(base(), a), base.__add__(base(), b)
    if x == y:
        return
    at = next((i for i, (c, d) in enumerate(zip(x, y, strict=False)) if c != d), -1)
    at = min(len(x), len(y)) if at < 0 else at
    if max(len(x), len(y)) <= _BEFORE + _AFTER:
        yield Difference("", "value", repr(x), repr(y))
    else:
        part = slice(max(0, at - _BEFORE), at + _AFTER)
        step = f"[{part.start}:{part.stop}]"
        yield Difference(step, "value", repr(x[part]), repr(y[part]))


def sequence(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare lists, tuples, deques and the like, element by element."""
    base = next((base for base in live.mro(type(a)) if base in (list, tuple, deque)), None)
    left, right = (a, b) if base is None else (_listed(base, a), _listed(base, b))
    if len(left) != len(right):
        yield Difference("", "length", str(len(left)), str(len(right)))
    for place, (x, y) in enumerate(zip(left, right, strict=False)):
        if not context.tolerance.alike(x, y):
            yield Pair(place, x, y)


def _listed(base: Any, value: Any) -> list[Any]:
    return [*base.__iter__(value)]


def mapping(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare dicts, whatever the order of their keys."""
    left, right = ([kv for kv in dict.items(x) if not is_by_address(*kv)] for x in (a, b))
    if are_names(key for key, _ in (*left, *right)):
        yield from named(dict(left), dict(right), context, "[{!r}]")
        return
    try:
        pairs, only_a, only_b = pair_up(left, right, context)
    except TooMany:
        yield Unknown("", "too many of its keys look alike")
        return
    yield from _lone(only_a, only_b, "[{}]")
    for (key, x), (_, y) in pairs:
        if not context.tolerance.alike(x, y):
            yield Pair(f"[{say(key)}]", x, y)


def unordered(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare sets."""
    base: Any = set if any(base is set for base in live.mro(type(a))) else frozenset
    left, right = ([(item, item) for item in base.__iter__(x)] for x in (a, b))
    if are_names(item for item, _ in (*left, *right)):
        only_a = [item for item in left if not base.__contains__(b, item[0])]
        only_b = [item for item in right if not base.__contains__(a, item[0])]
    else:
        try:
            _, only_a, only_b = pair_up(left, right, context)
        except TooMany:
            yield Unknown("", "too many of its elements look alike")
            return
    yield from _lone(only_a, only_b, "{{{}}}")


def _lone(only_a: list[Item], only_b: list[Item], step: str) -> Iterator[Part]:
    for key, value in only_a:
        yield Difference(step.format(say(key)), "missing", a=say(value))
    for key, value in only_b:
        yield Difference(step.format(say(key)), "added", b=say(value))


def attributes(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare the attributes and slots of instances."""
    left, right = (contents.attributes(x, context.layout(type(x))) for x in (a, b))
    yield from named(left, right, context)


def named(
    left: dict[Any, Any], right: dict[Any, Any], context: Context, step: str = ".{}"
) -> Iterator[Part]:
    """Compare what has names."""
    for name, value in left.items():
        if name not in right:
            yield Difference(step.format(name), "missing", a=say(value))
        elif not context.tolerance.alike(value, right[name]):
            yield Pair(step.format(name), value, right[name])
    for name, value in right.items():
        if name not in left:
            yield Difference(step.format(name), "added", b=say(value))


def stated(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare what hides its contents, but gives them to pickle: pictures, queries."""
    yield Pair(".__getstate__()", a.__getstate__(), b.__getstate__())


def closed(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare instances of what is made in C by their attributes and by what pickle says."""
    yield from attributes(a, b, context)
    yield from reduction(a, b, context)


def reduction(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare what pickle says of two values."""
    try:
        x, y = contents.reduced(a), contents.reduced(b)
    except Exception as error:  # noqa: BLE001  (whatever a reduction raises)
        reason = f"{live.type_name(type(a))} does not show what it holds"
        yield Unknown("", f"{reason} ({live.type_name(type(error))})")
        return
    yield Pair(f".__reduce_ex__({contents.PROTOCOL})", x, y)


def atom(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare dates, decimals, paths and the like, which are what they show."""
    if not (a == b or (is_itself_not(a) and is_itself_not(b))):
        yield Difference("", "value", str(a)[:80], str(b)[:80])


def module(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare modules by their names."""
    if a.__dict__.get("__name__") != b.__dict__.get("__name__"):
        yield Difference("", "value", say(a), say(b))


def member(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare members of enums by name and value."""
    x, y = live.attributes_of(a), live.attributes_of(b)
    if x.get("_name_") != y.get("_name_"):
        yield Difference("", "value", str(x.get("_name_")), str(y.get("_name_")))
    else:
        yield Pair(".value", x.get("_value_"), y.get("_value_"))


def error(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare exceptions by what they were made of."""
    args = live.namespace_of(BaseException)["args"]
    yield Pair(".args", args.__get__(a), args.__get__(b))


def view(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare views of dicts by the dicts."""
    yield Pair("", gc.get_referents(a)[0], gc.get_referents(b)[0])


def buffer(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare memory, element by element."""
    left, right = (x.tolist() if hasattr(x, "tolist") else [*x] for x in (a, b))
    yield Pair("", left, right)


def reference(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare weak references by what they lead to."""
    yield Pair("()", live.target_of(a), live.target_of(b))
