"""Instances of the notebook's classes that pickle by itself would lose, refuse, or not load again.

What a class leaves to ``object`` is read through its descriptors: no code of the user's runs.
"""

from __future__ import annotations

import copyreg
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

OWN = (
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


def _reduce_dict_view(cls: type, kind: str, view: Any) -> Any:
    # its dict is all that it holds
    return rebuild.dict_view, (gc.get_referents(view)[0], cls, kind)


def _reduce_proxy(proxy: Any) -> Any:
    found = gc.get_referents(proxy)[0]
    # a class's own dict is never there by itself
    of_class = type(found) is dict and {"__module__", "__doc__"} <= found.keys()
    return types.MappingProxyType, (dict(found) if of_class else found,)


VIEWS: dict[int, Reduce] = {
    id(type(getattr(cls, kind)(cls()))): partial(_reduce_dict_view, cls, kind)
    for cls in (dict, OrderedDict)
    for kind in ("keys", "values", "items")
} | {id(types.MappingProxyType): _reduce_proxy}
"""Id of type -> reduction, of the views of dicts; cloudpickle copies what they show."""


def by_class(cls: type) -> Reduce | None:
    """Give the reduction of instances of a class of the notebook; None where pickle's own does."""
    if not live.is_notebook_class(cls):
        return None
    names = [live.namespace_of(base) for base in live.mro(cls)[:-1]]
    # what is written in C has a __getattribute__ that only looks
    made = [live.namespace_of(base) for base in live.mro(cls) if live.is_heap_type(base)]
    tells = any(name in found for found in made for name in _TELLING)
    if is_plain(cls):
        hashed = any(type(found.get("__hash__")) is types.FunctionType for found in names)
        if tells or any("__new__" in found for found in names):
            return partial(_reduce_plain, Layout(cls))
        return partial(_reduce_hashed, Layout(cls)) if hashed else None
    own = next((n[name] for n in names for name in OWN[:2] if name in n), None)
    if own is None:
        # what answers for every name is not asked for a reduction here
        asks = any(type(found.get("__new__")) is staticmethod for found in names)
        return _reduce_checked if asks and not tells else None
    if type(own) is types.FunctionType:
        return _reduce_checked
    plain_error = own is live.namespace_of(BaseException)["__reduce__"]
    # what is written in C knows nothing of a notebook's attributes
    return None if plain_error else partial(_reduce_completed, Layout(cls))


def is_plain(cls: type) -> bool:
    """Whether instances are made of attributes and slots alone, and have no say in it."""
    bases = live.mro(cls)[:-1]
    if not bases or not all(map(live.is_heap_type, bases)):
        return False
    names = [live.namespace_of(base) for base in bases]
    # what is written in C has a maker of its own
    made_in_c = any(type(found.get("__new__")) is types.BuiltinFunctionType for found in names)
    return not made_in_c and not any(name in found for found in names for name in OWN)


class Layout:
    """Where the instances of a class keep what they hold.

    Parameters
    ----------
    cls : type
        The class.
    but : type, optional
        A base of it, whose slots, and those of its bases, do not count.
    """

    def __init__(self, cls: type, but: type = object) -> None:
        self._slots: list[tuple[str, Callable[[Any], Any]]] = []
        self._attributes: Callable[[Any], dict[str, Any]] | None = None
        left_out = [*map(id, live.mro(but))]
        for base in live.mro(cls):
            for name, found in live.namespace_of(base).items():
                if type(found) is types.MemberDescriptorType:
                    if id(base) in left_out:
                        continue
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
    early = plain_values(attributes), plain_values(slots)
    made = rebuild.instance, (type(thing), *early)
    if len(early[0]) + len(early[1]) == len(attributes) + len(slots):
        return made
    return *made, (attributes, slots), None, None, rebuild.fill_instance


def plain_values(found: dict[str, Any]) -> dict[str, Any]:
    """Give those attributes that can be there before anything else is."""
    return {name: value for name, value in found.items() if _is_plain_value(value)}


def _is_plain_value(value: Any) -> bool:
    if type(value) is tuple:
        return all(map(live.is_scalar, value))
    return live.is_scalar(value) or live.kind_of(type(value)) in (Kind.ATOM, Kind.ENUM)


def _reduce_checked(thing: Any) -> Any:
    """Reduce as the class says, if whatever it names takes what it gives."""
    reduced = thing.__reduce_ex__(rebuild.PROTOCOL)
    if type(reduced) is tuple and len(reduced) > 1 and type(reduced[1]) is tuple:
        _check(*reduced[:2])
    return reduced


def _reduce_completed(layout: Layout, thing: Any) -> Any:
    """Reduce as a base that is written in C says, with the attributes if it leaves them out."""
    reduced = _reduce_checked(thing)
    if type(reduced) is not tuple:
        return reduced
    cls = type(thing)
    # a dtype of numpy's may name the class of its records
    if all(cls is not part and cls is not getattr(part, "type", None) for part in _parts(reduced)):
        raise pickle.PicklingError(f"the __reduce__ that {live.type_name(cls)} inherits forgets it")
    attributes, slots = layout.state(thing)
    state = reduced[2] if len(reduced) > 2 else None
    holds = (state, *state) if type(state) is tuple else (state,)
    if not attributes or any(type(part) is dict and len(part) >= len(attributes) for part in holds):
        return reduced
    if state is not None:
        raise pickle.PicklingError("the __reduce__ that it inherits leaves out its attributes")
    padded = (*reduced, None, None, None)[:5]
    return *padded[:2], (attributes, slots), *padded[3:], rebuild.set_state


def _parts(reduced: tuple[Any, ...]) -> list[Any]:
    make, arguments = reduced[:2]
    known = "numpy.dtypes", "numpy"
    return [make, *(a for a in arguments if live.is_class(a) or type(a).__module__ in known)]


def _check(make: Any, arguments: tuple[Any, ...]) -> None:
    """Refuse what a reduction names, if that would not take what it is given."""
    for function, given in _called(make, arguments):
        if type(function) is not types.FunctionType:
            continue
        try:
            inspect.signature(function, follow_wrapped=False).bind(*given)
        except TypeError as error:
            name = live.type_name(make) if live.is_class(make) else function.__name__
            raise pickle.PicklingError(
                f"its __reduce__ gives {name} what that does not take: {error}"
            ) from None


def _called(make: Any, arguments: tuple[Any, ...]) -> list[tuple[Any, tuple[Any, ...]]]:
    """Give the functions that a reduction runs when it is loaded, and what they are given."""
    if make is getattr(copyreg, "__newobj__") and live.is_class(arguments[0]):  # noqa: B009  (mypy)
        return [(_first(arguments[0], "__new__"), arguments)]
    if type(make) is not type:
        return [(make, arguments)]
    new, start = _first(make, "__new__"), _first(make, "__init__")
    return [(new, (make, *arguments)), (start, (None, *arguments))]


def _first(cls: type, name: str) -> Any:
    names = [live.namespace_of(base) for base in live.mro(cls)]
    found = next((n[name] for n in names if name in n), None)
    return found.__func__ if type(found) is staticmethod else found


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
