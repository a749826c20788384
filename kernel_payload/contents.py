"""What an instance holds: its attributes and slots, and of what is made in C, what pickle says."""

from __future__ import annotations

import types
from typing import Any

from . import live
from .instances import Layout

PROTOCOL = 4
"""Of pickle, by which what is made in C is asked."""


def attributes(value: Any, layout: Layout) -> dict[str, Any]:
    """Give attributes and slots of an instance; its class's code does not run."""
    found, slots = layout.state(value)
    # some of what is made in C has its attributes as if in a slot
    return {**found, **slots.pop("__dict__", {}), **slots}


def is_closed(cls: type) -> bool:
    """Whether instances may hold what is neither an attribute nor a slot."""
    bases = live.mro(cls)[:-1]
    if not all(map(live.is_heap_type, bases)):
        return True
    there = [item for base in bases for item in live.namespace_of(base).items()]
    rooms = (types.MemberDescriptorType, types.GetSetDescriptorType)
    if not any(type(found) is room for _, found in there for room in rooms):
        return True
    return any(
        name == "__new__" and type(found) is types.BuiltinFunctionType for name, found in there
    )


def reduced(value: Any) -> Any:
    """Give what pickle says of a value: a name, or what makes it, of what, and what it then gets.

    Raises
    ------
    Exception
        Whatever its class raises.
    """
    found = value.__reduce_ex__(PROTOCOL)
    if type(found) is not tuple:
        return found
    make, arguments, state, items, pairs = (*found, None, None, None)[:5]
    # the attributes have been looked at
    state = None if state is live.attributes_of(value) else state
    listed = [None if each is None else [*each] for each in (items, pairs)]
    return make, arguments, state, *listed
