"""How values are told, by their type: what Python itself brings, and instances."""

from __future__ import annotations

import array
import datetime
import gc
import math
import re
import types
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from .. import live
from ..contents import attributes, is_closed, reduced
from ..instances import VIEWS, Layout
from ..live import Kind
from .arrays import scalar
from .code import by_name, class_, function, member, method, module
from .libraries import rule_of_library
from .names import name_of
from .nodes import Told, canonical, digest, label, statistics
from .shown import hidden, text

if TYPE_CHECKING:
    from .encode import Encoder

_DIGITS = 200  # bits of an integer that is told in decimal


Rule = Callable[["Encoder", Any, str], Told]


def _int(value: int) -> Told:
    bits = value.bit_length()
    return (value if bits < _DIGITS else {"is": "int", "value": hex(value)}), max(8, bits // 8)


def _float(value: float) -> Told:
    return (value if math.isfinite(value) else {"is": "float", "value": repr(value)}), 8


def _complex(value: complex) -> Told:
    return {"is": "complex", "value": [_float(value.real)[0], _float(value.imag)[0]]}, 16


def _bytes(value: bytes) -> Told:
    return {"is": "bytes", "value": value.hex()}, len(value)


SCALARS: dict[int, Callable[[Any], Told]] = {
    id(type(None)): lambda value: (None, 1),
    id(bool): lambda value: (value, 1),
    id(int): _int,
    id(float): _float,
    id(str): lambda value: (value, len(value)),
    id(complex): _complex,
    id(bytes): _bytes,
    id(type(...)): lambda value: ({"is": "text", "type": "ellipsis", "value": "..."}, 1),
    id(type(NotImplemented)): lambda value: ({"is": "callable", "name": "NotImplemented"}, 1),
}


def _list(encoder: Encoder, value: Any, path: str) -> Told:
    return encoder.listed([*list.__iter__(value)], path)


def _deque(encoder: Encoder, value: Any, path: str) -> Told:
    return encoder.listed([*deque.__iter__(value)], path)


def _tuple(encoder: Encoder, value: Any, path: str) -> Told:
    items, weight = encoder.listed([*tuple.__iter__(value)], path)
    return {"is": "tuple", "items": items}, weight


def _set(encoder: Encoder, value: Any, path: str) -> Told:
    items, weight = encoder.unordered([*set.__iter__(value)], path)
    return {"is": "set", "items": items}, weight


def _frozenset(encoder: Encoder, value: Any, path: str) -> Told:
    items, weight = encoder.unordered([*frozenset.__iter__(value)], path)
    return {"is": "frozenset", "items": items}, weight


def _dict(encoder: Encoder, value: Any, path: str) -> Told:
    found = [pair for pair in dict.items(value) if not is_by_address(*pair)]
    if all(type(key) is str for key, _ in found):
        items, weight = encoder.named(dict(found), path, "[{!r}]")
        return {"is": "dict", "items": items}, weight
    keys = [(encoder.apart(key, f"{path}{{}}"), inner) for key, inner in found]
    keys.sort(key=lambda row: canonical(row[0][0]))
    pairs = [(told, encoder.tell(inner, f"{path}[{label(told[0])}]")) for told, inner in keys]
    weight = 8 + sum(k + v for (_, k), (_, v) in pairs)
    return {"is": "dict", "pairs": [[k, v] for (k, _), (v, _) in pairs]}, weight


def is_by_address(key: Any, value: Any) -> bool:
    """Whether a key is the id of what its value refers to: no two runs have the same."""
    return type(key) is int and live.kind_of(type(value)) is Kind.WEAK


def _buffer(encoder: Encoder, value: Any, path: str) -> Told:
    about: dict[str, Any] = {"type": name_of(type(value))}
    # of arrays their typecode, of views their format: what their items are
    holds = {name: getattr(value, name) for name in ("typecode", "format") if hasattr(value, name)}
    data = memoryview(value)
    weight = 8 + data.nbytes
    if weight > encoder.size:
        about |= {"is": "large", **holds, "len": len(value), "digest": digest(data.tobytes())}
        if holds.get("typecode", "u") not in "uw":
            about["numbers"] = statistics(value)
        return about, weight
    items, _ = encoder.listed(value.tolist() if hasattr(value, "tolist") else [*value], path)
    return {"is": "instance", **about, "attributes": holds, "contents": items}, weight


def _reference(encoder: Encoder, value: Any, path: str) -> Told:
    return encoder.tell(live.target_of(value), path)


def _view(encoder: Encoder, value: Any, path: str) -> Told:
    told, weight = encoder.named({"mapping": gc.get_referents(value)[0]}, path)
    return {"is": "instance", "type": name_of(type(value)), "attributes": told}, weight


def _pattern(encoder: Encoder, value: Any, path: str) -> Told:
    told, weight = encoder.named({"flags": value.flags, "pattern": value.pattern}, path)
    return {"is": "instance", "type": "re.Pattern", "attributes": told}, weight


def _slice(encoder: Encoder, value: Any, path: str) -> Told:
    parts = {name: getattr(value, name) for name in ("start", "stop", "step")}
    told, weight = encoder.named(parts, path)
    return {"is": "instance", "type": "slice", "attributes": told}, weight


def _set_iterator(encoder: Encoder, value: Any, path: str) -> Told:
    # what is still to come, in the order of its hashes
    items, weight = encoder.unordered(value.__reduce__()[1][0], path)
    node = {"is": "set", "items": items}
    return {"is": "instance", "type": "set_iterator", "contents": node}, weight


def _error(encoder: Encoder, value: Any, path: str) -> Told:
    holds = attributes(value, _layout(type(value)))
    # newer versions of Python have more attributes for what is mostly none
    holds = {n: v for n, v in holds.items() if _is_told(n) and v is not None and n != "name_from"}
    holds["args"] = live.namespace_of(BaseException)["args"].__get__(value)
    told, weight = encoder.named(holds, path)
    return {"is": "instance", "type": name_of(type(value)), "attributes": told}, weight


def instance(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell an instance: its attributes, and what it has of a built-in type or of C."""
    cls = type(value)
    layout = _layout(cls)
    holds = {n: v for n, v in attributes(value, layout).items() if _is_told(n)}
    told, weight = encoder.named(holds, path)
    node = {"is": "instance", "type": name_of(cls), "attributes": told}
    base = next((base for base in live.mro(cls) if id(base) in _BASES), None)
    if base is not None:
        node["contents"], more = _BASES[id(base)](encoder, value, path)
    elif cls is not types.SimpleNamespace and is_closed(cls):
        # how it is made again is for pickle: of what, is what it holds
        _, *parts = found if type(found := reduced(value)) is tuple else (None, found)
        told_parts = [part for part in parts if part is not None]
        node["contents"], more = encoder.listed(told_parts, path)
    else:
        return node, weight
    return node, weight + more


def _is_told(name: Any) -> bool:
    # what Python notes for itself, addresses among it
    return type(name) is str and not (name.startswith("__") and name.endswith("__"))


def _layout(cls: type) -> Layout:
    # by id: hashing a class may run its metaclass's code
    found = _layouts.get(id(cls))
    if found is None:
        # a path keeps its parts, which versions have in other slots, and its hash
        is_path = any(base is PurePath for base in live.mro(cls))
        _layouts[id(cls)] = found = cls, Layout(cls, PurePath if is_path else object)
    return found[1]


_layouts: dict[int, tuple[type, Layout]] = {}


def _bare(base: Any, tell: Callable[[Any], Told]) -> Rule:
    return lambda encoder, value, path: tell(base(value))


_BASES: dict[int, Rule] = {
    id(list): _list,
    id(tuple): _tuple,
    id(dict): _dict,
    id(set): _set,
    id(frozenset): _frozenset,
    id(deque): _deque,
    id(PurePath): _bare(PurePath.__str__, lambda value: (value, len(value))),
    id(str): _bare(lambda value: str.__add__("", value), lambda value: (value, len(value))),
    id(bytes): _bare(lambda value: bytes.__add__(b"", value), _bytes),
    id(int): _bare(int.__pos__, _int),
    id(float): _bare(float.__pos__, _float),
    id(complex): _bare(complex.__pos__, _complex),
}

_EXACT: dict[int, Rule] = {
    **{id(cls): _BASES[id(cls)] for cls in (list, tuple, dict, set, frozenset)},
    **dict.fromkeys(map(id, (bytearray, memoryview, array.array)), _buffer),
    **dict.fromkeys(map(id, weakref.ProxyTypes), _reference),
    **dict.fromkeys(VIEWS, _view),
    id(types.FunctionType): function,
    id(types.MethodType): method,
    id(types.ModuleType): module,
    id(re.Pattern): _pattern,
    id(slice): _slice,
    id(type(iter(set()))): _set_iterator,
    **dict.fromkeys(map(id, (types.CodeType, types.FrameType, types.TracebackType)), hidden),
    id(types.SimpleNamespace): instance,
    **dict.fromkeys(map(id, (types.GenericAlias, types.UnionType)), text),
}
_KINDS: dict[Kind, Rule] = {
    Kind.CLASS: class_,
    Kind.ENUM: member,
    Kind.BY_NAME: by_name,
    Kind.FRAME: hidden,
    Kind.WEAK: _reference,
}
ALIKE = {
    *(_tuple, _frozenset, text, hidden),
    *(scalar, class_, module, by_name, member),
}
"""Rules for what does not change: equal ones may be one object, or not."""

_TEXTS = {*map(id, (datetime.date, datetime.time, datetime.timedelta, range, PurePath))}


def rule_for(cls: type) -> Rule:  # noqa: PLR0911  (a table by kind)
    """Give the rule for the instances of a class that is no scalar's."""
    if rule := _EXACT.get(id(cls)):
        return rule
    bases = live.mro(cls)
    if rule := rule_of_library(cls):
        return rule
    if any(base is BaseException for base in bases):
        return _error
    kind = live.kind_of(cls)
    if rule := _KINDS.get(kind):
        return rule
    if any(base is types.ModuleType for base in bases):
        return module
    if not live.is_notebook_class(cls) and (
        kind is Kind.ATOM or any(id(base) in _TEXTS for base in bases)
    ):
        return text
    return instance
