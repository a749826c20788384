"""Instances of the notebook's classes that pickle by itself would lose, refuse, or not load again.

What a class leaves to ``object`` is read through its descriptors: no code of the user's runs.
"""

from __future__ import annotations

import gc
import inspect
import pickle
import sys
import types
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

from . import live, rebuild
from .live import Kind

_PROTOCOL = 5
_OWN = (
    "__reduce_ex__",
    "__reduce__",
    "__setstate__",
    "__getstate__",
    "__getnewargs__",
    "__getnewargs_ex__",
)
# where one of these is a class's own, pickle would be told lies, or call it too early
_TELLING = ("__getattr__", "__getattribute__", "__class__")

Reduce = Callable[[Any], Any]


def views() -> dict[int, Reduce]:
    """Give id of type -> reduction, of the views of dicts; cloudpickle copies what they show."""
    return {
        id(type(getattr(cls, kind)(cls()))): partial(_reduce_dict_view, cls, kind)
        for cls in (dict, OrderedDict)
        for kind in ("keys", "values", "items")
    } | {id(types.MappingProxyType): _reduce_proxy}


def _reduce_dict_view(cls: type, kind: str, view: Any) -> Any:
    # its dict is all that it holds
    return rebuild.dict_view, (gc.get_referents(view)[0], cls, kind)


def _reduce_proxy(proxy: Any) -> Any:
    found = gc.get_referents(proxy)[0]
    # a class's own dict is never there by itself
    of_class = type(found) is dict and {"__module__", "__doc__"} <= found.keys()
    return types.MappingProxyType, (dict(found) if of_class else found,)


def by_class(cls: type) -> Reduce | None:
    """Give the reduction of instances of a class of the notebook; None where pickle's own does."""
    if not live.is_notebook_class(cls):
        return None
    names = [live.namespace_of(base) for base in live.mro(cls)[:-1]]
    if is_plain(cls):
        hashed = any(type(found.get("__hash__")) is types.FunctionType for found in names)
        tells = any(name in found for found in names for name in _TELLING)
        if tells:
            return partial(_reduce_plain, Layout(cls))
        return partial(_reduce_hashed, Layout(cls)) if hashed else None
    own = next((n[name] for n in names for name in _OWN[:2] if name in n), None)
    return _reduce_checked if type(own) is types.FunctionType else None


def is_plain(cls: type) -> bool:
    """Whether instances are made of attributes and slots alone, and have no say in it."""
    bases = live.mro(cls)[:-1]
    if not bases or not all(map(live.is_heap_type, bases)):
        return False
    names = [live.namespace_of(base) for base in bases]
    # what is written in C has a maker of its own
    made_in_c = any(type(found.get("__new__")) is types.BuiltinFunctionType for found in names)
    return not made_in_c and not any(name in found for found in names for name in _OWN)


class Layout:
    """Where the instances of a class keep what they hold."""

    def __init__(self, cls: type) -> None:
        self._slots: list[tuple[str, Callable[[Any], Any]]] = []
        self._attributes: Callable[[Any], dict[str, Any]] | None = None
        for base in live.mro(cls):
            for name, found in live.namespace_of(base).items():
                if type(found) is types.MemberDescriptorType:
                    self._slots.append((name, found.__get__))
                elif name == "__dict__" and type(found) is types.GetSetDescriptorType:
                    self._attributes = self._attributes or found.__get__

    def is_flat(self, thing: Any) -> bool:
        """Whether an instance holds nothing but numbers, strings and the like, and has no slots."""
        if self._slots or self._attributes is None:
            return False
        return all(map(live.is_scalar, self._attributes(thing).values()))

    def state(self, thing: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give attributes and slots of an instance."""
        slots = {}
        for name, get in self._slots:
            try:
                slots[name] = get(thing)
            except AttributeError:  # nothing was put there
                continue
        return {} if self._attributes is None else dict(self._attributes(thing)), slots


def _reduce_hashed(layout: Layout, thing: Any) -> Any:
    return NotImplemented if layout.is_flat(thing) else _reduce_plain(layout, thing)


def _reduce_plain(layout: Layout, thing: Any) -> Any:
    """Reduce to an instance that can be hashed before what it holds is there.

    A set or dict that it holds may hold the instance itself, and asks for its hash when it is
    loaded: plain values, which a hash is made of, come first.
    """
    attributes, slots = layout.state(thing)
    early = _plain_values(attributes), _plain_values(slots)
    made = rebuild.instance, (type(thing), *early)
    if len(early[0]) + len(early[1]) == len(attributes) + len(slots):
        return made
    return *made, (attributes, slots), None, None, rebuild.fill_instance


def _plain_values(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if _is_plain_value(value)}


def _is_plain_value(value: Any) -> bool:
    if type(value) is tuple:
        return all(map(live.is_scalar, value))
    return live.is_scalar(value) or live.kind_of(type(value)) in (Kind.ATOM, Kind.ENUM)


def _reduce_checked(thing: Any) -> Any:
    """Reduce as the class says, if whatever it names takes what it gives."""
    reduced = thing.__reduce_ex__(_PROTOCOL)
    if type(reduced) is tuple and len(reduced) > 1 and type(reduced[1]) is tuple:
        _check(*reduced[:2])
    return reduced


def _check(make: Any, arguments: tuple[Any, ...]) -> None:
    function, given = make, arguments
    if type(make) is type:
        names = [live.namespace_of(base) for base in live.mro(make)]
        function = next((n["__init__"] for n in names if "__init__" in n), None)
        if any("__new__" in found for found in names[:-1]):
            return
        given = (None, *arguments)
    if type(function) is not types.FunctionType:
        return
    try:
        inspect.signature(function, follow_wrapped=False).bind(*given)
    except TypeError as error:
        name = live.type_name(make) if live.is_class(make) else function.__name__
        raise pickle.PicklingError(
            f"its __reduce__ gives {name} what that does not take: {error}"
        ) from None


def refuse_class(cls: type) -> None:
    """Refuse a class that could be saved by value, but not be made again.

    Raises
    ------
    PicklingError
        With the reason.
    """
    if any(live.type_name(base) == "_ctypes._CData" for base in live.mro(cls)):
        raise pickle.PicklingError("ctypes makes such a class of the layout of its memory")
    mock = sys.modules.get("unittest.mock")
    if mock is not None and any(base is mock.NonCallableMock for base in live.mro(cls)):
        raise pickle.PicklingError("each mock is of a class of its own, that makes up attributes")
