"""Values -> a pickle stream and the large buffers that leave it (protocol 5).

What cloudpickle does for classes and code is kept; what it gets wrong here is done anew:

- a function never carries its globals: it names them (the namespace that it is restored into, a
  module's, or, for others, just those that it uses);
- closure cells are shared by the functions that share them;
- a class of another group is named, not copied, so ``type(a) is A`` holds after loading;
- numpy views of one memory, and pandas blocks that share it, share it again.
"""

from __future__ import annotations

import copyreg
import dataclasses
import functools
import io
import pickle
import sys
import types
import typing
from collections import ChainMap
from collections.abc import Collection, Sequence
from enum import Enum
from typing import Any, NamedTuple

from . import _cloudpickle as cloud
from . import live, rebuild
from .varchive import INLINE

PROTOCOL = 5

_REDUCTIONS: dict[type, Any] = dict(cloud.Pickler._dispatch_table)
# an open file is not its content: refuse it, as pickle does
_REDUCTIONS.pop(io.TextIOWrapper, None)
# dataclasses tells its marks by identity
_MARKS = ("MISSING", "KW_ONLY", "_HAS_DEFAULT_FACTORY")
_REDUCTIONS.update(
    (type(mark), lambda _, name=name: name)
    for name in _MARKS
    if (mark := getattr(dataclasses, name, None)) is not None
)


class Unreached(Exception):
    """Pickling came by a class of the notebook that the search for shared objects had missed."""

    def __init__(self, cls: type) -> None:
        super().__init__(live.type_name(cls))
        self.cls = cls


class Frozen(NamedTuple):
    """A stream and its buffers: contiguous bytes, still in the memory of the values."""

    stream: memoryview
    buffers: list[memoryview]


class Context(NamedTuple):
    """What freezing must know of the namespace around the values."""

    namespace: dict[str, Any]
    class_names: dict[int, str]
    views: dict[int, Any]


def freeze(values: Sequence[Any], context: Context, inside: Collection[str] = ()) -> Frozen:
    """Pickle values together.

    Parameters
    ----------
    values : sequence
        The members of a group, in the order of their names.
    context : Context
        The namespace that functions do not carry, id of class -> its entry's name, and id of
        array -> the array whose memory it views.
    inside : collection of str
        The classes that belong to this group: saved by value.

    Raises
    ------
    Unreached
        For a class of the notebook that is not in ``context.class_names``.
    Exception
        Whatever the values' own reductions raise.
    """
    file = io.BytesIO()
    buffers: list[memoryview] = []

    def leaves_stream(buffer: pickle.PickleBuffer) -> bool:
        try:
            memory = buffer.raw()
        except BufferError:  # not contiguous
            return True
        if memory.nbytes <= INLINE:
            return True
        buffers.append(memory)
        return False

    _Pickler(file, leaves_stream, context, inside).dump(list(values))
    return Frozen(file.getbuffer(), buffers)


def freeze_scalar(value: Any) -> Frozen:
    """Pickle a number, a string or the like, without the machinery."""
    return Frozen(memoryview(pickle.dumps([value], PROTOCOL)), [])


class _Scope:
    """Stands in a stream for globals that a function does not carry."""

    def __init__(self, reduction: tuple[Any, tuple[Any, ...]]) -> None:
        self._reduction = reduction

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self._reduction


class _Pickler(pickle.Pickler):
    def __init__(
        self, file: io.BytesIO, leaves_stream: Any, context: Context, inside: Collection[str]
    ) -> None:
        super().__init__(file, PROTOCOL, buffer_callback=leaves_stream)
        tables: list[dict[Any, Any]] = [_REDUCTIONS, copyreg.dispatch_table]
        self.dispatch_table = ChainMap(*tables)
        self._context = context
        self._inside = inside
        self._scopes: dict[int, _Scope] = {}
        self._own_reductions = _own_reductions()
        self._plain: set[int] = set()

    def reducer_override(self, thing: Any) -> Any:
        cls = type(thing)
        if reduce := self._own_reductions.get(id(cls)):
            return reduce(self, thing)
        if live.is_class(thing):
            return self._reduce_class(thing)
        if id(cls) not in self._plain:
            if reduce := _for_type(cls):
                self._own_reductions[id(cls)] = reduce
                return reduce(self, thing)
            self._plain.add(id(cls))
        return NotImplemented

    def _reduce_instance(self, thing: Any) -> Any:
        reduced = thing.__reduce_ex__(PROTOCOL)
        if type(reduced) is not tuple or len(reduced) < 3 or reduced[2] is None:
            return reduced
        # pickle would ask the bare instance for __setstate__, and its __getattr__ for what it lacks
        padded = (*reduced, None, None)[:5]
        return *padded, rebuild.set_state

    def _reduce_exception(self, error: BaseException) -> Any:
        # pickle would call the class with args, which its own __init__ may not take
        state = BaseException.__reduce__(error)[2:]
        return (rebuild.exception, (type(error), error.args), *state)

    def _reduce_array_subclass(self, array: Any) -> Any:
        # numpy leaves out the attributes that a subclass gives its arrays
        function, arguments, state = array.__reduce__()
        if not array.__dict__:
            return function, arguments, state
        given = (state, array.__dict__)
        return function, arguments, given, None, None, rebuild.set_array

    def _reduce_type_name(self, thing: Any) -> Any:
        # typing's names are pickled by name, which leads nowhere from another process
        if thing.__module__ != "__main__":
            return NotImplemented
        supertype = (thing.__supertype__,) if isinstance(thing, typing.NewType) else ()
        state = {"__module__": "__main__"}
        return type(thing), (thing.__name__, *supertype), state, None, None, rebuild.set_names

    def _reduce_class(self, cls: type) -> Any:
        if not live.is_notebook_class(cls):
            # type(None) and the like have no name of their own to be found by
            return cloud.Pickler.reducer_override(self, cls)
        if (name := self._context.class_names.get(id(cls))) is None:
            raise Unreached(cls)
        if name not in self._inside:
            return rebuild.notebook_class, (name,)
        if any(base is Enum for base in live.mro(cls)):
            return self._reduce_enum(cls, name)
        made = cloud._make_skeleton_class
        arguments, state = cloud._class_getnewargs(cls), cloud._class_getstate(cls)
        # cloudpickle would give an inner class the name of an outer one
        arguments[3]["__qualname__"] = live.qualname_of(cls)
        contents = state[0]
        # copyreg's note on a class whose instances were copied or pickled: no part of it
        contents.pop("__slotnames__", None)
        if "__slots__" in contents and not _is_named_tuple(cls):
            # they must be there when the class is made, which cloudpickle leaves out
            arguments[3]["__slots__"] = contents.pop("__slots__")
            for name in [n for n, v in contents.items() if type(v) is types.MemberDescriptorType]:
                del contents[name]
        # cloudpickle sorts them
        names = (*live.namespace_of(cls), *contents)
        state = ({name: contents[name] for name in names if name in contents}, *state[1:])
        # the last but one is cloudpickle's identity of a class, random; ours is the entry's name
        return made, (*arguments[:-2], name, None), state, None, None, cloud._class_setstate

    def _reduce_enum(self, cls: Any, name: str) -> Any:
        arguments, state = cloud._enum_getnewargs(cls), cloud._enum_getstate(cls)
        # aliases too, which iterating over the class leaves out
        values = {key: member._value_ for key, member in cls._member_map_.items()}
        given = {key: _attributes(member) for key, member in cls._member_map_.items()}
        for key in values:
            state[0].pop(key, None)
        new = (*arguments[:3], values, arguments[4], name, None)
        return cloud._make_skeleton_enum, new, (state, given), None, None, rebuild.set_enum

    def _reduce_function(self, function: types.FunctionType) -> Any:
        if not live.is_notebook_function(function):
            return NotImplemented
        scope, own = self._scope(function)
        state = {
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
        if own:
            state["globals"] = own
        arguments = (function.__code__, scope, function.__closure__)
        return rebuild.function, arguments, state, None, None, rebuild.set_function

    def _scope(self, function: types.FunctionType) -> tuple[_Scope, dict[str, Any]]:
        """What stands for a function's globals, and those that it brings along."""
        found = function.__globals__
        own: dict[str, Any] = {}
        if found is self._context.namespace:
            reduction: tuple[Any, tuple[Any, ...]] = (rebuild.namespace, ())
        elif live.is_module_scope(found):
            reduction = (rebuild.module_globals, (found["__name__"],))
        else:
            reduction = (rebuild.other_globals, ())
            names = (*cloud._extract_code_globals(function.__code__), "__name__")
            own = {name: found[name] for name in names if name in found}
        return self._scopes.setdefault(id(found), _Scope(reduction)), own

    def _reduce_code(self, code: types.CodeType) -> Any:
        # bytecode of another version would crash this one: the stream says which it is
        _, arguments = _REDUCTIONS[types.CodeType](code)
        return rebuild.code, (sys.implementation.cache_tag, arguments)

    def _reduce_cached(self, function: Any) -> Any:
        if live.is_by_name(function, function.__module__, function.__qualname__):
            return NotImplemented
        settings = function.cache_parameters()
        arguments = (function.__wrapped__, settings["maxsize"], settings["typed"])
        made_anew = ("__wrapped__", "cache_parameters")
        attributes = {k: v for k, v in vars(function).items() if k not in made_anew}
        return rebuild.cached, arguments, attributes

    def _reduce_cached_property(self, found: functools.cached_property[Any]) -> Any:
        # up to Python 3.11 it holds a lock
        return rebuild.cached_property, (found.func, found.attrname, found.__doc__)

    def _reduce_cell(self, cell: types.CellType) -> Any:
        try:
            contents = (cell.cell_contents,)
        except ValueError:  # empty
            return rebuild.cell, ()
        return rebuild.cell, (), contents, None, None, rebuild.set_cell

    def _reduce_array(self, array: Any) -> Any:
        if array.dtype.hasobject or array.size == 0 or array.dtype.itemsize == 0:
            return NotImplemented
        flags = array.flags
        root = self._context.views.get(id(array))
        if root is not None and _can_hold(root, array):
            offset = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
            where = (array.dtype, array.shape, array.strides, offset, flags.writeable)
            return rebuild.view, (root, *where)
        order = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
        if order == "A":  # strided: only its elements count
            writeable = flags.writeable
            array, order = array.copy(order="C"), "C"
            array.flags.writeable = writeable
        numpy = sys.modules["numpy"]
        flat = array.reshape(-1, order=order).view(numpy.uint8)
        return rebuild.array, (pickle.PickleBuffer(flat), array.dtype, array.shape, order)

    def _reduce_block(self, block: Any) -> Any:
        arguments = (type(block), block.values, block.mgr_locs.indexer, block.ndim, block.refs)
        return rebuild.block, arguments

    def _reduce_series_manager(self, manager: Any) -> Any:
        # its own reduction would leave out that its block shares memory
        return type(manager), (manager.blocks[0], manager.axes[0])

    def _reduce_refs(self, refs: Any) -> Any:
        return rebuild.block_refs, ()


def _can_hold(root: Any, array: Any) -> bool:
    """Whether an array can be made again as a view of another."""
    return type(root) is type(array) and bool(root.flags.forc) and not root.dtype.hasobject


def _for_type(cls: type) -> Any:
    """Give the reduction of a type that pickle by itself would not bring back."""
    bases = live.mro(cls)
    names = [live.namespace_of(base) for base in bases]
    if any(base is BaseException for base in bases):
        own = next(found["__reduce__"] for found in names if "__reduce__" in found)
        plain = own is live.namespace_of(BaseException)["__reduce__"]
        return _Pickler._reduce_exception if plain and "__init__" in names[0] else None
    numpy = sys.modules.get("numpy")
    if numpy and any(base is numpy.ndarray for base in bases) and live.is_notebook_class(cls):
        own = next(base for base in bases if "__reduce__" in live.namespace_of(base))
        return _Pickler._reduce_array_subclass if own is numpy.ndarray else None
    return _Pickler._reduce_instance if _answers_for_all(cls) else None


def _answers_for_all(cls: type) -> bool:
    """Whether a class has a ``__getattr__``, and leaves its pickling to ``object``."""
    names = [live.namespace_of(base) for base in live.mro(cls)[:-1]]
    own = ("__reduce_ex__", "__reduce__", "__setstate__")
    has_getattr = any("__getattr__" in found for found in names)
    return has_getattr and not any(name in found for found in names for name in own)


def _attributes(member: Any) -> dict[str, Any]:
    """Give what an enum's own code has given to a member."""
    enums = ("_value_", "_name_", "__objclass__", "_sort_order_")
    return {name: value for name, value in member.__dict__.items() if name not in enums}


def _is_named_tuple(cls: type) -> bool:
    # typing makes the class, slots and all, from its original bases
    return typing.NamedTuple in live.namespace_of(cls).get("__orig_bases__", ())


def _annotations(function: types.FunctionType) -> dict[str, Any]:
    # from 3.14 on annotations are computed when asked for, by code of the user's
    if sys.version_info >= (3, 14):
        return {"__annotate__": function.__annotate__}
    return {"__annotations__": function.__annotations__}


def _type_parameters(function: types.FunctionType) -> dict[str, Any]:
    found = getattr(function, "__type_params__", ())  # from 3.12 on
    return {"__type_params__": found} if found else {}


def _own_reductions() -> dict[int, Any]:
    """Type -> reduction, for the libraries that this kernel has loaded by now."""
    table: dict[int, Any] = {
        id(types.FunctionType): _Pickler._reduce_function,
        id(types.CellType): _Pickler._reduce_cell,
        id(types.CodeType): _Pickler._reduce_code,
        id(type(functools.lru_cache(_own_reductions))): _Pickler._reduce_cached,
        id(functools.cached_property): _Pickler._reduce_cached_property,
    }
    for name in ("NewType", "ParamSpec", "TypeVarTuple"):
        if kind := getattr(typing, name, None):
            table[id(kind)] = _Pickler._reduce_type_name
    if numpy := sys.modules.get("numpy"):
        table[id(numpy.ndarray)] = _Pickler._reduce_array
    if internals := sys.modules.get("pandas._libs.internals"):
        if refs := getattr(internals, "BlockValuesRefs", None):
            table[id(refs)] = _Pickler._reduce_refs
            managers = sys.modules["pandas.core.internals.managers"]
            table[id(managers.SingleBlockManager)] = _Pickler._reduce_series_manager
        blocks = sys.modules.get("pandas.core.internals.blocks")
        for name in (
            "NumpyBlock",
            "NumericBlock",
            "ObjectBlock",
            "DatetimeLikeBlock",
            "ExtensionBlock",
        ):
            if (block := getattr(blocks, name, None)) and hasattr(block, "refs"):
                table[id(block)] = _Pickler._reduce_block
    return table
