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
from .reductions import PROTOCOL, REDUCTIONS, by_base, by_type
from .varchive import INLINE


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
        tables: list[dict[Any, Any]] = [REDUCTIONS, copyreg.dispatch_table]
        self.dispatch_table = ChainMap(*tables)
        self._context = context
        self._inside = inside
        self._scopes: dict[int, _Scope] = {}
        self._by_type = by_type()
        self._plain: set[int] = set()
        self._ndarray = getattr(sys.modules.get("numpy"), "ndarray", None)

    def reducer_override(self, thing: Any) -> Any:  # noqa: PLR0911  (a table by kind)
        cls = type(thing)
        if cls is types.FunctionType:
            return self._reduce_function(thing)
        if live.is_class(thing):
            return self._reduce_class(thing)
        if self._ndarray is not None and cls is self._ndarray:
            return self._reduce_array(thing)
        if reduce := self._by_type.get(id(cls)):
            return reduce(thing)
        if id(cls) in self._plain:
            return NotImplemented
        if reduce := by_base(cls):
            self._by_type[id(cls)] = reduce
            return reduce(thing)
        self._plain.add(id(cls))
        return NotImplemented

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


def _can_hold(root: Any, array: Any) -> bool:
    """Whether an array can be made again as a view of another."""
    return type(root) is type(array) and bool(root.flags.forc) and not root.dtype.hasobject


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
