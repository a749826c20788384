"""How values are told, by their type: what Python itself brings, instances, code by its name."""

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
from ..describe import brief
from ..instances import VIEWS, Layout
from ..live import Kind
from . import arrays, frames
from .names import name_of
from .nodes import Json, canonical

if TYPE_CHECKING:
    from .encode import Encoder

_DIGITS = 200  # bits of an integer that is told in decimal

Told = tuple[Json, int]
"""A node, and about how many bytes the value takes; that does not depend on the digits."""

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
    keys = [(encoder.apart(key, f"{path}{{}}"), key, inner) for key, inner in found]
    keys.sort(key=lambda row: canonical(row[0][0]))
    pairs = [(told, encoder.tell(inner, f"{path}[{brief(key)}]")) for told, key, inner in keys]
    weight = 8 + sum(k + v for (_, k), (_, v) in pairs)
    return {"is": "dict", "pairs": [[k, v] for (k, _), (v, _) in pairs]}, weight


def is_by_address(key: Any, value: Any) -> bool:
    """Whether a key is the id of what its value refers to: no two runs have the same."""
    return type(key) is int and live.kind_of(type(value)) is Kind.WEAK


def _buffer(encoder: Encoder, value: Any, path: str) -> Told:
    items, weight = encoder.listed(value.tolist() if hasattr(value, "tolist") else [*value], path)
    return {"is": "instance", "type": name_of(type(value)), "contents": items}, weight


def _class(encoder: Encoder, value: Any, path: str) -> Told:
    return {"is": "class", "name": name_of(value)}, 8


def _function(encoder: Encoder, value: Any, path: str) -> Told:
    if not live.is_notebook_function(value):
        return {"is": "callable", "name": f"{value.__module__}.{value.__qualname__}"}, 8
    code = value.__code__
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    holds = {"__defaults__": value.__defaults__, "__kwdefaults__": value.__kwdefaults__}
    cells = zip(code.co_freevars, value.__closure__ or (), strict=True)
    holds |= {name: _contents(cell) for name, cell in cells} | value.__dict__
    told, weight = encoder.named({n: v for n, v in holds.items() if v is not None}, path)
    name = {"is": "function", "name": value.__qualname__, "arguments": [*arguments]}
    return {**name, "holds": told}, weight


def _contents(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was put there
        return None


def _method(encoder: Encoder, value: Any, path: str) -> Told:
    parts = {"__func__": value.__func__, "__self__": value.__self__}
    told, weight = encoder.named(parts, path)
    return {"is": "instance", "type": "method", "attributes": told}, weight


def _by_name(encoder: Encoder, value: Any, path: str) -> Told:
    names = (getattr(value, "__module__", None), getattr(value, "__qualname__", ""))
    return {"is": "callable", "name": ".".join(filter(None, map(str, names)))}, 8


def _module(encoder: Encoder, value: Any, path: str) -> Told:
    return {"is": "module", "name": str(value.__dict__.get("__name__"))}, 8


def _member(encoder: Encoder, value: Any, path: str) -> Told:
    found = live.attributes_of(value)
    inner, weight = encoder.tell(found.get("_value_"), f"{path}.value")
    name = str(found.get("_name_"))
    return {"is": "member", "type": name_of(type(value)), "name": name, "value": inner}, weight


def _reference(encoder: Encoder, value: Any, path: str) -> Told:
    return encoder.tell(live.target_of(value), f"{path}()")


def _view(encoder: Encoder, value: Any, path: str) -> Told:
    return encoder.tell(gc.get_referents(value)[0], path)


def hidden(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell of what type a value is, and no more."""
    return {"is": "hidden", "type": name_of(type(value))}, 8


def text(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell what is what it shows: dates, decimals, paths, names."""
    shown = str(value)
    return {"is": "text", "type": name_of(type(value)), "value": shown}, len(shown)


def _pattern(encoder: Encoder, value: Any, path: str) -> Told:
    told, weight = encoder.named({"flags": value.flags, "pattern": value.pattern}, path)
    return {"is": "instance", "type": "re.Pattern", "attributes": told}, weight


def _error(encoder: Encoder, value: Any, path: str) -> Told:
    return encoder.tell(live.namespace_of(BaseException)["args"].__get__(value), f"{path}.args")


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
        node["contents"], more = encoder.listed(told_parts, f"{path}.__reduce__()")
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
        _layouts[id(cls)] = found = cls, Layout(cls)
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
    id(BaseException): _error,
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
    id(types.FunctionType): _function,
    id(types.MethodType): _method,
    id(types.ModuleType): _module,
    id(re.Pattern): _pattern,
    id(types.CodeType): hidden,
    id(types.SimpleNamespace): instance,
}
_KINDS: dict[Kind, Rule] = {
    Kind.CLASS: _class,
    Kind.ENUM: _member,
    Kind.BY_NAME: _by_name,
    Kind.FRAME: hidden,
    Kind.WEAK: _reference,
}
_LIBRARY: dict[tuple[str, str], Rule] = {
    ("numpy", "MaskedArray"): arrays.masked,
    ("numpy", "ndarray"): arrays.array,
    ("numpy", "generic"): arrays.array,
    ("torch", "Tensor"): arrays.tensor,
    ("pandas", "DataFrame"): frames.frame,
    ("pandas", "Series"): frames.series,
    ("pandas", "Index"): frames.index,
    ("pandas", "ExtensionArray"): frames.extension,
    **{("pandas", name): text for name in ("Period", "Interval", "BaseOffset", "ExtensionDtype")},
    ("polars", "DataFrame"): frames.polars_frame,
    ("polars", "Series"): frames.polars_series,
    **{("pyarrow", name): frames.arrow for name in ("Array", "ChunkedArray", "Table")},
    ("pyarrow", "RecordBatch"): frames.arrow,
    ("sympy", "Basic"): text,  # which also keeps its hash
}
# pictures: what is in them, canvas and caches, is for their library to know
_HIDDEN = ("matplotlib", "mpl_toolkits")
_TEXTS = {*map(id, (datetime.date, datetime.time, datetime.timedelta, range, PurePath))}


def rule_for(cls: type) -> Rule:  # noqa: PLR0911  (a table by kind)
    """Give the rule for the instances of a class that is no scalar's."""
    if rule := _EXACT.get(id(cls)):
        return rule
    if live.type_name(cls).partition(".")[0] in _HIDDEN:
        return hidden
    bases = live.mro(cls)
    for base in bases:
        package, _, rest = live.type_name(base).partition(".")
        if rest and (rule := _LIBRARY.get((package, live.qualname_of(base)))):
            return rule
    kind = live.kind_of(cls)
    if rule := _KINDS.get(kind):
        return rule
    if any(base is types.ModuleType for base in bases):
        return _module
    if not live.is_notebook_class(cls) and (
        kind is Kind.ATOM or any(id(base) in _TEXTS for base in bases)
    ):
        return text
    return instance
