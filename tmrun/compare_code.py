"""Rules for functions and classes of a notebook: two of them -> their parts, by their code.

Of two runs they are different objects, from files of other names; where the code stands, what is
said of types and what is only kept for tracebacks does not count.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

from kernel_payload import live

from .compare_objects import named
from .difference import Context, Difference, Pair, Part, say

# what is the same in two pieces of code that do the same
_SAME = (
    "co_name",
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_flags",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_code",
    "co_exceptiontable",  # from 3.11 on
)
# what Python notes in a class for itself
_NOTES = frozenset(
    {
        "__dict__",
        "__weakref__",
        "__module__",
        "__qualname__",
        "__doc__",
        "__slotnames__",
        "__firstlineno__",
        "__static_attributes__",
        "__annotations__",
        "__annotate__",
        "__annotate_func__",
        "__annotations_cache__",
        "_abc_impl",
        "__abstractmethods__",
    }
)
_DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType)


def function(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare functions by code, defaults, closure and attributes; not by their globals."""
    if not live.is_notebook_function(a) and not live.is_notebook_function(b):
        # what is imported is the same as long as it has the same name
        yield Pair("", *(f"{f.__module__}.{f.__qualname__}" for f in (a, b)))
        return
    yield Pair(".__code__", a.__code__, b.__code__)
    for name in ("__defaults__", "__kwdefaults__"):
        yield Pair(f".{name}", getattr(a, name), getattr(b, name))
    if a.__code__.co_freevars == b.__code__.co_freevars:
        cells = zip(a.__closure__ or (), b.__closure__ or (), strict=True)
        for place, (x, y) in enumerate(cells):
            yield Pair(f".__closure__[{place}]", x, y)
    yield from named(a.__dict__, b.__dict__, context)


def cell(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare the cells of closures."""
    left, right = ({"cell_contents": c} for c in (_contents(a), _contents(b)))
    yield from named(left, right, context)


def _contents(of: Any) -> Any:
    try:
        return of.cell_contents
    except ValueError:  # nothing was put there
        return None


def code(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare code objects; where only constants differ, these."""
    if len(a.co_consts) != len(b.co_consts) or any(
        getattr(a, name, None) != getattr(b, name, None) for name in _SAME
    ):
        yield Difference("", "code", _line(a), _line(b))
    else:
        yield Pair(".co_consts", a.co_consts, b.co_consts)


def _line(a: Any) -> str:
    return f"{a.co_name}({', '.join(a.co_varnames[: a.co_argcount + a.co_kwonlyargcount])})"


def method(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare bound methods by function and instance."""
    yield Pair(".__func__", a.__func__, b.__func__)
    yield Pair(".__self__", a.__self__, b.__self__)


def wrapper(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare static methods, class methods and properties by the functions in them."""
    for name in ("fget", "fset", "fdel") if type(a) is property else ("__func__",):
        yield Pair(f".{name}", getattr(a, name), getattr(b, name))


def cached(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare cached properties by their functions."""
    yield Pair(".func", a.func, b.func)


def union(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare unions of types, ``int | str``."""
    yield Pair(".__args__", a.__args__, b.__args__)


def class_(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare classes by name, bases and what the notebook wrote into them."""
    if live.type_name(a) != live.type_name(b):
        yield Difference("", "value", say(a), say(b))
    elif live.is_notebook_class(a) and live.is_notebook_class(b):
        bases = [[live.type_name(base) for base in live.bases_of(cls)] for cls in (a, b)]
        yield Pair(".__bases__", *bases)
        yield from named(_written(a), _written(b), context)


def _written(cls: type) -> dict[str, Any]:
    return {
        name: value
        for name, value in live.namespace_of(cls).items()
        if name not in _NOTES and not any(type(value) is kind for kind in _DESCRIPTORS)
    }
