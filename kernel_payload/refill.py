"""A class, new or alive, + the contents that it had -> the same class with those contents.

Everything goes through ``type``'s own methods: a metaclass may refuse, or tell of, what is set.
"""

from __future__ import annotations

import abc
import gc
import sys
import types
from collections.abc import Collection
from typing import Any, NamedTuple

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
# of the fixed ones, what a stream's contents may have set
_RESET = frozenset({"__module__", "__doc__", "__static_attributes__", "__firstlineno__"})
_bases = type.__dict__["__bases__"]
_name = type.__dict__["__name__"]
_qualname = type.__dict__["__qualname__"]
_class = object.__dict__["__class__"]

Contents = dict[str, Any]


class Before(NamedTuple):
    """What a class is: enough to make it so again."""

    metaclass: type
    name: str
    qualname: str
    bases: tuple[type, ...]
    contents: Contents


def snapshot(cls: type) -> Before:
    """Give what a class is now, for `put_back`."""
    names = _name.__get__(cls), live.qualname_of(cls)
    return Before(type(cls), *names, live.bases_of(cls), dict(live.namespace_of(cls)))


def put_back(cls: type, before: Before) -> None:
    """Give a class what `snapshot` found, in the order in which it had it."""
    set_identity(cls, *before[:3])
    set_bases(cls, before.bases)
    _strip(cls, before.contents)
    now = live.namespace_of(cls)
    for name, value in before.contents.items():
        differs = now.get(name, _strip) is not value
        if differs and (name in _RESET or not _is_fixed(name, value)):
            _set(cls, name, value)
    _arrange(cls, before.contents)


def set_identity(cls: type, metaclass: type | None, name: str, qualname: str) -> None:
    """Give a class its metaclass, if that is known, and its names."""
    if metaclass is not None and type(cls) is not metaclass:
        _class.__set__(cls, metaclass)
    if _name.__get__(cls) != name:
        _name.__set__(cls, name)
    if live.qualname_of(cls) != qualname:
        _qualname.__set__(cls, qualname)


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
    if "_abc_impl" in contents:
        meta: Any = abc.ABCMeta
        meta._abc_registry_clear(cls)
        meta._abc_caches_clear(cls)
    fill(cls, contents)
    _arrange(cls, contents)


def fill(cls: Any, contents: Contents) -> None:
    """Give a class, a new one, the contents that a stream has of it."""
    for name, value in contents.items():
        if name != "_abc_impl":
            _set(cls, name, value)
    if sys.version_info >= (3, 13) and "__firstlineno__" in contents:
        # setting __module__ takes it away
        _set(cls, "__firstlineno__", contents["__firstlineno__"])
    for registered in contents.get("_abc_impl", ()):
        abc.ABCMeta.register(cls, registered)


def refill_enum(cls: Any, contents: Contents, given: dict[str, Contents]) -> None:
    """Give an enum its attributes, and its members (name -> attributes) theirs."""
    members = cls._member_map_
    kept = {name for name in live.namespace_of(cls) if name in members or name[:1] == "_"}
    _strip(cls, {*contents, *kept})
    for name, value in contents.items():
        _set(cls, name, value)
    for name, attributes in given.items():
        own = members[name].__dict__
        for key in [key for key in own if key not in attributes and key not in _OF_MEMBERS]:
            del own[key]
        own.update(attributes)


def _strip(cls: type, kept: Collection[str]) -> None:
    for name, value in [*live.namespace_of(cls).items()]:
        if name not in kept and not _is_fixed(name, value):
            _written_in_c(cls, "__delattr__")(cls, name)


def _set(cls: type, name: str, value: Any) -> None:
    _written_in_c(cls, "__setattr__")(cls, name, value)


def _written_in_c(cls: type, name: str) -> Any:
    """Give a metaclass's method past those in Python: mostly ``type``'s, Qt's have their own."""
    found = (live.namespace_of(base).get(name) for base in live.mro(type(cls)))
    return next(method for method in found if type(method) is types.WrapperDescriptorType)


def _arrange(cls: type, names: Collection[str]) -> None:
    """Bring a class's attributes into an order: a class is pickled with it."""
    own = gc.get_referents(live.namespace_of(cls))[0]
    ordered = iter([name for name in names if name in own])
    wanted = [next(ordered) if name in names else name for name in own]
    if wanted != [*own]:
        # they stay what they are, so that what the interpreter has noted of them holds
        contents = {name: own[name] for name in wanted}
        own.clear()
        own.update(contents)


def _is_fixed(name: str, value: Any) -> bool:
    return name in _FIXED or type(value) in _DESCRIPTORS
