"""A class that lives + the contents that it had -> the same class with those contents.

Everything goes through ``type``'s own methods: a metaclass may refuse, or tell of, what is set.
"""

from __future__ import annotations

import abc
import sys
import types
from collections.abc import Collection
from typing import Any

from . import live

# the interpreter's own, that a class has or gets whatever its body says
_FIXED = frozenset(
    {
        "__class__",
        "__dict__",
        "__weakref__",
        "__module__",
        "__doc__",
        "__slots__",
        "__slotnames__",
        "__static_attributes__",
        "__firstlineno__",
        "__annotate_func__",
        "__annotations_cache__",
        "_abc_impl",
    }
)
# what the enum machinery gives to a member
_OF_MEMBERS = frozenset({"_value_", "_name_", "__objclass__", "_sort_order_"})
_DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType)
_bases = type.__dict__["__bases__"]

Contents = dict[str, Any]


def snapshot(cls: type) -> tuple[tuple[type, ...], Contents]:
    """Give what a class is now, for `put_back`."""
    return live.bases_of(cls), dict(live.namespace_of(cls))


def put_back(cls: type, before: tuple[tuple[type, ...], Contents]) -> None:
    """Give a class what `snapshot` found."""
    set_bases(cls, before[0])
    _strip(cls, before[1])
    now = live.namespace_of(cls)
    for name, value in before[1].items():
        if now.get(name, _strip) is not value and not _is_fixed(name, value):
            type.__setattr__(cls, name, value)


def set_bases(cls: type, bases: tuple[Any, ...]) -> None:
    """Give a class its bases; generic ones, which stand for others, are left as they are."""
    now = live.bases_of(cls)
    if all(map(live.is_class, bases)) and [*map(id, bases)] != [*map(id, now)]:
        _bases.__set__(cls, bases)


def refill(cls: type, contents: Contents) -> None:
    """Give a class the contents that a stream has of it.

    Parameters
    ----------
    cls : type
        The class.
    contents : dict
        Name -> attribute, as cloudpickle extracts them; ``_abc_impl`` is a list of the classes
        that were registered with it.
    """
    _strip(cls, contents)
    for name, value in contents.items():
        if name != "_abc_impl":
            type.__setattr__(cls, name, value)
    if sys.version_info >= (3, 13) and "__firstlineno__" in contents:
        # setting __module__ takes it away
        type.__setattr__(cls, "__firstlineno__", contents["__firstlineno__"])
    if "_abc_impl" in contents:
        meta: Any = abc.ABCMeta
        meta._abc_registry_clear(cls)
        meta._abc_caches_clear(cls)
        for registered in contents["_abc_impl"]:
            meta.register(cls, registered)


def refill_enum(cls: Any, contents: Contents, given: dict[str, Contents]) -> None:
    """Give an enum its attributes, and its members (name -> attributes) theirs."""
    members = cls._member_map_
    kept = {name for name in live.namespace_of(cls) if name in members or name[:1] == "_"}
    _strip(cls, {*contents, *kept})
    for name, value in contents.items():
        type.__setattr__(cls, name, value)
    for name, attributes in given.items():
        own = members[name].__dict__
        for key in [key for key in own if key not in attributes and key not in _OF_MEMBERS]:
            del own[key]
        own.update(attributes)


def _strip(cls: type, kept: Collection[str]) -> None:
    for name, value in [*live.namespace_of(cls).items()]:
        if name not in kept and not _is_fixed(name, value):
            type.__delattr__(cls, name)


def _is_fixed(name: str, value: Any) -> bool:
    return name in _FIXED or type(value) in _DESCRIPTORS
