"""Instances whose ``__dict__`` something else holds too: ``vars(args)``, or another instance."""

from __future__ import annotations

import copyreg
import gc
import types
from collections.abc import Collection
from typing import Any

from . import live, rebuild

_OWN = ("__reduce_ex__", "__reduce__", "__setstate__", "__getstate__")


def share(thing: Any, reduced: Any, shared: Collection[int]) -> Any:
    """Give the reduction of an object, so that it shares its ``__dict__`` when it is loaded.

    Parameters
    ----------
    thing : object
        The object.
    reduced
        Its reduction so far; NotImplemented where it is pickle's own.
    shared : collection of int
        The ids of the dicts that several hold.
    """
    cls = type(thing)
    # asking an instance for a dict would make one for it
    if not any(id(found) in shared for found in gc.get_referents(thing)) or live.is_class(thing):
        return reduced
    if cls is types.SimpleNamespace and id(thing.__dict__) in shared:
        return cls, (), (thing.__dict__, {}), None, None, rebuild.share_dict
    own = live.attributes_of(thing)
    if id(own) not in shared or not _is_left_to_object(cls):
        return reduced
    if reduced is NotImplemented:
        reduced = thing.__reduce_ex__(rebuild.PROTOCOL)
    if type(reduced) is not tuple:
        return reduced
    make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    slots = state[1] if type(state) is tuple and len(state) == 2 else None
    return make, arguments, (own, slots or {}), items, pairs, rebuild.share_dict


def _is_left_to_object(cls: type) -> bool:
    names = [live.namespace_of(base) for base in live.mro(cls)[:-1]]
    told = any(name in found for found in names for name in _OWN)
    return live.is_heap_type(cls) and not told and cls not in copyreg.dispatch_table
