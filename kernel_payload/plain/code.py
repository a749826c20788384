"""How code is told: what has a name by that, functions also by what they hold; never its text."""

from __future__ import annotations

import types
from enum import Enum
from typing import TYPE_CHECKING, Any

from .. import live
from .names import name_of
from .nodes import Json, Told

if TYPE_CHECKING:
    from .encode import Encoder


def class_(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a class by its name, and one of a notebook's by the data that is written in it, too."""
    node: dict[str, Json] = {"is": "class", "name": name_of(value)}
    if not live.is_notebook_class(value) or any(base is Enum for base in live.mro(value)):
        return node, 8
    data = {n: v for n, v in live.namespace_of(value).items() if _is_data(n, v)}
    if not data:
        return node, 8
    told, weight = encoder.named(data, path)
    return {**node, "holds": told}, weight


def _is_data(name: str, value: Any) -> bool:
    # what Python notes for itself, and what is called or asked through the class
    own = (name.startswith("__") and name.endswith("__")) or name == "_abc_impl"
    kinds = [live.namespace_of(base) for base in live.mro(type(value))]
    return not own and not live.is_class(value) and not any("__get__" in found for found in kinds)


def module(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a module by its name."""
    return {"is": "module", "name": str(value.__dict__.get("__name__"))}, 8


def by_name(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell what is made in C by its name."""
    holder = getattr(value, "__self__", None)
    if holder is not None and not live.is_class(holder) and type(holder) is not types.ModuleType:
        told, weight = encoder.named({"__self__": holder}, path)
        name = {"is": "function", "name": value.__qualname__, "arguments": []}
        return {**name, "holds": told}, weight
    names = (getattr(value, "__module__", None), getattr(value, "__qualname__", ""))
    return {"is": "callable", "name": ".".join(filter(None, map(str, names)))}, 8


def function(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a function: one of a notebook's by its arguments, defaults, closure and attributes."""
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


def method(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a bound method by its function and what that is bound to."""
    parts = {"__func__": value.__func__, "__self__": value.__self__}
    told, weight = encoder.named(parts, path)
    return {"is": "instance", "type": "method", "attributes": told}, weight


def member(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a member of an enum; of several flags together Python 3.10 gives no name."""
    found = live.attributes_of(value)
    inner, weight = encoder.tell(found.get("_value_"), f"{path}.value")
    name = str(found.get("_name_") or "")
    name = "" if "|" in name else name
    return {"is": "member", "type": name_of(type(value)), "name": name, "value": inner}, weight
