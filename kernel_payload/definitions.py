"""Functions and classes of the notebook -> what a stream says of them, by value."""

from __future__ import annotations

import sys
import types
import typing
from enum import Enum
from typing import Any

from . import _cloudpickle as cloud
from . import instances, live, rebuild

_MADE_WITH_THE_CLASS = frozenset(
    {"__doc__", "__module__", "__static_attributes__", "__abstractmethods__", "__slotnames__"}
)


class Scope:
    """Stands in a stream for something that is made anew where it is loaded: globals, a maker."""

    def __init__(self, reduction: tuple[Any, tuple[Any, ...]]) -> None:
        self._reduction = reduction

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self._reduction


def reduce_class(cls: type, name: str) -> Any:
    """Reduce a class, whose entry has a name, by value.

    Raises
    ------
    PicklingError
        For one that could not be made again.
    """
    instances.refuse_class(cls)
    if any(base is Enum for base in live.mro(cls)):
        return _reduce_enum(cls, name)
    made = cloud._make_skeleton_class
    arguments, state = cloud._class_getnewargs(cls), cloud._class_getstate(cls)
    given, contents = arguments[3], state[0]
    contents.update(_also_inherited(cls, contents))
    # cloudpickle would give an inner class the name of an outer one
    given["__qualname__"] = live.qualname_of(cls)
    # copyreg's note on a class whose instances were copied or pickled: no part of it
    contents.pop("__slotnames__", None)
    if live.is_notebook_class(type(cls)):
        arguments = (Scope((rebuild.bare, (type(cls),))), *arguments[1:])
    if "__class__" in contents:  # given to a class that is there, it would change its type
        given["__class__"] = contents.pop("__class__")
    if "__slots__" in contents and not _is_named_tuple(cls):
        # they must be there when the class is made, which cloudpickle leaves out
        given["__slots__"] = contents.pop("__slots__")
        for slot in [n for n, v in contents.items() if type(v) is types.MemberDescriptorType]:
            del contents[slot]
    # cloudpickle sorts them
    names = (*live.namespace_of(cls), *contents)
    state = ({name: contents[name] for name in names if name in contents}, *state[1:])
    # the last but one is cloudpickle's identity of a class, random; ours is the entry's name
    return made, (*arguments[:-2], name, None), state, None, None, cloud._class_setstate


def _also_inherited(cls: type, contents: dict[str, Any]) -> dict[str, Any]:
    """Give the attributes that a class has of its own although a base has the same object.

    cloudpickle leaves them out: empty slots, a number given anew.
    """
    bases = [live.namespace_of(base) for base in live.mro(cls)[1:]]
    return {
        name: value
        for name, value in live.namespace_of(cls).items()
        if name not in contents
        and name not in _MADE_WITH_THE_CLASS
        and any(name in base and base[name] is value for base in bases)
    }


def _reduce_enum(cls: Any, name: str) -> Any:
    arguments, state = cloud._enum_getnewargs(cls), cloud._enum_getstate(cls)
    # aliases too, which iterating over the class leaves out
    values = {key: member._value_ for key, member in cls._member_map_.items()}
    given = {key: _attributes(member) for key, member in cls._member_map_.items()}
    for key in values:
        state[0].pop(key, None)
    new = (*arguments[:3], values, arguments[4], name, None)
    return cloud._make_skeleton_enum, new, (state, given), None, None, rebuild.set_enum


def _attributes(member: Any) -> dict[str, Any]:
    """Give what an enum's own code has given to a member."""
    enums = ("_value_", "_name_", "__objclass__", "_sort_order_")
    return {name: value for name, value in member.__dict__.items() if name not in enums}


def _is_named_tuple(cls: type) -> bool:
    # typing makes the class, slots and all, from its original bases
    return typing.NamedTuple in live.namespace_of(cls).get("__orig_bases__", ())


def function_state(function: types.FunctionType) -> dict[str, Any]:
    """Give what a function has besides code, globals and closure."""
    return {
        "__name__": function.__name__,
        "__qualname__": function.__qualname__,
        "__module__": function.__module__,
        "__doc__": function.__doc__,
        "__defaults__": function.__defaults__,
        "__kwdefaults__": function.__kwdefaults__,
        **_annotations(function),
        **_type_parameters(function),
        "dict": function.__dict__,
    }


def _annotations(function: types.FunctionType) -> dict[str, Any]:
    # from 3.14 on annotations are computed when asked for, by code of the user's
    if sys.version_info >= (3, 14):
        return {"__annotate__": function.__annotate__}
    return {"__annotations__": function.__annotations__}


def _type_parameters(function: types.FunctionType) -> dict[str, Any]:
    found = getattr(function, "__type_params__", ())  # from 3.12 on
    return {"__type_params__": found} if found else {}
