"""A value -> the rule by which it is compared with another of its type; a table, by base."""

from __future__ import annotations

import array
import functools
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from kernel_payload import live, plain
from kernel_payload.contents import is_closed
from kernel_payload.instances import VIEWS

from . import compare_arrays, compare_code, compare_frames, compare_objects, compare_plain
from .compare_unordered import is_atom
from .difference import Context, Part

Rule = Callable[[Any, Any, Context], Iterable[Part]]

# by id: hashing a class may run its metaclass's code
_EXACT: dict[int, Rule] = {
    id(types.CellType): compare_code.cell,
    **dict.fromkeys(map(id, (property, staticmethod, classmethod)), compare_code.wrapper),
    **dict.fromkeys(map(id, (bytearray, memoryview, array.array)), compare_objects.buffer),
    **dict.fromkeys(map(id, weakref.ProxyTypes), compare_objects.reference),
    **dict.fromkeys(VIEWS, compare_objects.view),
    id(functools.cached_property): compare_code.cached,
    id(types.FunctionType): compare_code.function,
    id(types.MethodType): compare_code.method,
    id(types.CodeType): compare_code.code,
    id(types.UnionType): compare_code.union,
}
# what all heirs have, whatever else they inherit from
_BEFORE: dict[int, Rule] = {
    id(type): compare_code.class_,
    id(Enum): compare_objects.member,
    id(weakref.ref): compare_objects.reference,
    id(types.SimpleNamespace): compare_objects.attributes,
    id(plain.Instance): compare_plain.instance,
    id(plain.Array): compare_plain.array,
    id(plain.Frame): compare_plain.frame,
    id(plain.Large): compare_plain.large,
    id(plain.Hidden): compare_plain.hidden,
    id(plain.Atom): compare_plain.atom,
}
# what heirs have, and besides their attributes
_BASES: dict[int, Rule] = {
    **dict.fromkeys(map(id, (bool, int, float, complex)), compare_objects.number),
    **dict.fromkeys(map(id, (str, bytes)), compare_objects.text),
    **dict.fromkeys(map(id, (list, tuple, deque)), compare_objects.sequence),
    **dict.fromkeys(map(id, (set, frozenset)), compare_objects.unordered),
    id(dict): compare_objects.mapping,
    id(types.ModuleType): compare_objects.module,
    id(BaseException): compare_objects.error,
}
_LIBRARY: dict[tuple[str, str], Rule] = {
    ("numpy", "MaskedArray"): compare_arrays.masked,
    ("numpy", "ndarray"): compare_arrays.array,
    ("numpy", "generic"): compare_arrays.array,
    ("numpy", "dtype"): compare_objects.atom,
    ("torch", "Tensor"): compare_arrays.tensor,
    ("torch", "Generator"): compare_arrays.generator,
    **{("pandas", name): compare_objects.atom for name in ("Period", "Interval", "BaseOffset")},
    ("pandas", "DataFrame"): compare_frames.frame,
    ("pandas", "Series"): compare_frames.series,
    ("pandas", "Index"): compare_frames.index,
    ("pandas", "ExtensionArray"): compare_frames.extension,
    ("PIL", "Image"): compare_objects.stated,
    ("polars", "LazyFrame"): compare_objects.stated,
    ("polars", "Expr"): compare_objects.stated,
    ("polars", "DataFrame"): compare_frames.polars_frame,
    ("polars", "Series"): compare_frames.polars_series,
}


def rule_for(cls: type) -> Rule:
    """Give the rule for the instances of a class."""
    if rule := _EXACT.get(id(cls)):
        return rule
    bases = live.mro(cls)
    for base in bases:
        if rule := _BEFORE.get(id(base)):
            return rule
    for base in bases:
        if rule := _BASES.get(id(base)) or _of_library(base):
            return rule if cls is base or _is_told(cls, rule) else _heirs[rule]
    if is_atom(cls):
        return compare_objects.atom
    return compare_objects.closed if is_closed(cls) else compare_objects.attributes


def _is_told(cls: type, rule: Rule) -> bool:
    """Whether a rule says all of an heir: it is the library's own, or a frame."""
    own = live.type_name(cls).partition(".")[0] in _PACKAGES
    # the attributes of a frame are how pandas keeps what the rule has compared
    return own or rule.__module__ == compare_frames.__name__


def _of_library(base: type) -> Rule | None:
    name = live.type_name(base)
    package, _, _ = name.partition(".")
    return _LIBRARY.get((package, live.qualname_of(base))) if package in _PACKAGES else None


_PACKAGES = {package.partition(".")[0] for package, _ in _LIBRARY}


def _with_attributes(rule: Rule) -> Rule:
    def compare_heirs(a: Any, b: Any, context: Context) -> Iterable[Part]:
        yield from rule(a, b, context)
        yield from compare_objects.attributes(a, b, context)

    return compare_heirs


_heirs = {rule: _with_attributes(rule) for rule in {*_BASES.values(), *_LIBRARY.values()}}
