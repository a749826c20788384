"""How single objects are pickled whose own reductions lose or refuse something.

Two tables: by exact type, and by what a type inherits.  What needs to know more than the object
(functions, classes of the notebook, arrays) is in `freeze`.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import gc
import io
import itertools
import struct
import sys
import types
import typing
import weakref
from collections.abc import Callable
from typing import Any

from . import _cloudpickle as cloud
from . import live, rebuild, tensors
from .rebuild import PROTOCOL

Reduce = Callable[[Any], Any]

REDUCTIONS: dict[type, Any] = dict(cloud.Pickler._dispatch_table)
# an open file is not its content: refuse it, as pickle does
REDUCTIONS.pop(io.TextIOWrapper, None)
_FILE = 10  # the place of a code object's file among what it is made of
# dataclasses tells its marks by identity
_MARKS = ("MISSING", "KW_ONLY", "_HAS_DEFAULT_FACTORY")
REDUCTIONS.update(
    (type(mark), lambda _, name=name: name)
    for name in _MARKS
    if (mark := getattr(dataclasses, name, None)) is not None
)


def by_type() -> dict[int, Reduce]:
    """Type -> reduction, for the libraries that this kernel has loaded by now."""
    table: dict[int, Reduce] = {
        id(types.CellType): _reduce_cell,
        id(types.CodeType): _reduce_code,
        id(type(functools.lru_cache(by_type))): _reduce_cached,
        id(functools.cached_property): _reduce_cached_property,
        id(struct.Struct): _reduce_struct,
        id(weakref.ref): _reduce_reference,
        id(weakref.ProxyType): _reduce_proxy,
        id(weakref.CallableProxyType): _reduce_proxy,
        id(weakref.WeakKeyDictionary): _reduce_weak_dict,
        id(weakref.WeakValueDictionary): _reduce_weak_dict,
        id(weakref.finalize): _refuse,
        id(type(functools.cmp_to_key(max))): _refuse,
        **tensors.by_type(),
    }
    if finfo := getattr(sys.modules.get("numpy"), "finfo", None):
        table[id(finfo)] = _reduce_finfo
    for name in ("NewType", "ParamSpec", "TypeVarTuple"):
        if kind := getattr(typing, name, None):
            table[id(kind)] = _reduce_type_name
    if internals := sys.modules.get("pandas._libs.internals"):
        if refs := getattr(internals, "BlockValuesRefs", None):
            table[id(refs)] = _reduce_refs
            managers = sys.modules["pandas.core.internals.managers"]
            table[id(managers.SingleBlockManager)] = _reduce_series_manager
        blocks = sys.modules.get("pandas.core.internals.blocks")
        for name in (
            "NumpyBlock",
            "NumericBlock",
            "ObjectBlock",
            "DatetimeLikeBlock",
            "ExtensionBlock",
        ):
            if (block := getattr(blocks, name, None)) and hasattr(block, "refs"):
                table[id(block)] = _reduce_block
    return table


def by_base(cls: type) -> Reduce | None:
    """Give the reduction of a type that pickle by itself would not bring back."""
    bases = live.mro(cls)
    names = [live.namespace_of(base) for base in bases]
    if any(base is types.ModuleType for base in bases):
        return _reduce_lazy_module
    if any(base is BaseException for base in bases):
        own = next(found["__reduce__"] for found in names if "__reduce__" in found)
        plain = own is live.namespace_of(BaseException)["__reduce__"]
        takes = next(base for base in bases if "__init__" in live.namespace_of(base))
        return _reduce_exception if plain and live.is_heap_type(takes) else None
    if any(base is argparse.Action or base is argparse.ArgumentParser for base in bases):
        return _reduce_parser
    registry = getattr(sys.modules.get("matplotlib.cbook"), "CallbackRegistry", None)
    if any(base is registry for base in bases):
        return _reduce_callbacks
    return _reduce_instance if _answers_for_all(cls) else None


def _reduce_lazy_module(module: Any) -> Any:
    # past its own look-up of attributes, which would load it
    spec = object.__getattribute__(module, "__dict__").get("__spec__")
    if spec is None:
        return NotImplemented
    return cloud.subimport, (spec.name,)


def _answers_for_all(cls: type) -> bool:
    """Whether a class has a ``__getattr__``, and leaves its pickling to ``object``."""
    names = [live.namespace_of(base) for base in live.mro(cls)[:-1]]
    own = ("__reduce_ex__", "__reduce__", "__setstate__")
    has_getattr = any("__getattr__" in found for found in names)
    return has_getattr and not any(name in found for found in names for name in own)


def _reduce_instance(thing: Any) -> Any:
    reduced = thing.__reduce_ex__(PROTOCOL)
    if type(reduced) is not tuple or len(reduced) < 3 or reduced[2] is None:
        return reduced
    # pickle would ask the bare instance for __setstate__, and its __getattr__ for what it lacks
    padded = (*reduced, None, None)[:5]
    return *padded, rebuild.set_state


def _reduce_callbacks(registry: Any) -> Any:
    reduced = registry.__reduce_ex__(PROTOCOL)
    state = reduced[2] if len(reduced) > 2 else None
    if type(state) is dict and type(state.get("_cid_gen")) is int:
        # to be pickled it takes a number, so that no figure would ever be as it was
        registry._cid_gen = itertools.count(state["_cid_gen"])
    return reduced


class _Suppress:
    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return getattr, (argparse, "SUPPRESS")


_SUPPRESS = _Suppress()


def _reduce_parser(thing: Any) -> Any:
    # argparse tells its mark by identity, though it is a string
    reduced = thing.__reduce_ex__(PROTOCOL)
    if type(reduced) is not tuple or len(reduced) < 3 or type(reduced[2]) is not dict:
        return reduced
    state = {k: _SUPPRESS if v is argparse.SUPPRESS else v for k, v in reduced[2].items()}
    return (*reduced[:2], state, *reduced[3:])


def _reduce_exception(error: BaseException) -> Any:
    # pickle would call the class with args, which its own __init__ may not take
    state = BaseException.__reduce__(error)[2:]
    return (rebuild.exception, (type(error), error.args), *state)


def _reduce_type_name(thing: Any) -> Any:
    # typing's names are pickled by name, which leads nowhere from another process
    if thing.__module__ != "__main__":
        return NotImplemented
    supertype = (thing.__supertype__,) if isinstance(thing, typing.NewType) else ()
    state = {"__module__": "__main__"}
    return type(thing), (thing.__name__, *supertype), state, None, None, rebuild.set_names


def _reduce_struct(thing: struct.Struct) -> Any:
    return struct.Struct, (thing.format,)


def _reduce_finfo(info: Any) -> Any:
    return type(info), (info.dtype,)


def _reduce_reference(reference: Any) -> Any:
    # what it leads to is pickled here, but only what else holds it keeps it when it is loaded
    target = reference()
    if target is None:
        return rebuild.dead_reference, ()
    callback = reference.__callback__
    return weakref.ref, (target,) if callback is None else (target, callback)


def _reduce_proxy(proxy: Any) -> Any:
    target = live.target_of(proxy)
    if target is None:
        return rebuild.dead_proxy, (type(proxy) is weakref.CallableProxyType,)
    # a callback is all that it refers to, as the collector sees it
    return weakref.proxy, (target, *gc.get_referents(proxy))


def _reduce_weak_dict(found: Any) -> Any:
    return type(found), (), None, None, iter(list(found.items()))


def _refuse(thing: Any) -> Any:
    # its own reduction gives an empty shell
    raise TypeError(f"cannot pickle '{live.type_name(type(thing))}' object")


def _reduce_code(code: types.CodeType) -> Any:
    # bytecode of another version would crash this one: the stream says which it is
    _, arguments = REDUCTIONS[types.CodeType](code)
    # cloudpickle from 3.1.3 on leaves out the file, by which tracebacks find the lines of a cell
    arguments = (*arguments[:_FILE], code.co_filename, *arguments[_FILE + 1 :])
    return rebuild.code, (sys.implementation.cache_tag, arguments)


def _reduce_cached(function: Any) -> Any:
    if live.is_by_name(function, function.__module__, function.__qualname__):
        return NotImplemented
    settings = function.cache_parameters()
    arguments = (function.__wrapped__, settings["maxsize"], settings["typed"])
    made_anew = ("__wrapped__", "cache_parameters")
    attributes = {k: v for k, v in vars(function).items() if k not in made_anew}
    return rebuild.cached, arguments, attributes


def _reduce_cached_property(found: functools.cached_property[Any]) -> Any:
    # up to Python 3.11 it holds a lock
    return rebuild.cached_property, (found.func, found.attrname, found.__doc__)


def _reduce_cell(cell: types.CellType) -> Any:
    try:
        contents = (cell.cell_contents,)
    except ValueError:  # empty
        return rebuild.cell, ()
    return rebuild.cell, (), contents, None, None, rebuild.set_cell


def _reduce_block(block: Any) -> Any:
    arguments = (type(block), block.values, block.mgr_locs.indexer, block.ndim, block.refs)
    return rebuild.block, arguments


def _reduce_series_manager(manager: Any) -> Any:
    # its own reduction would leave out that its block shares memory
    return type(manager), (manager.blocks[0], manager.axes[0])


def _reduce_refs(refs: Any) -> Any:
    return rebuild.block_refs, ()
