"""Whose memory an array or a ``memoryview`` shows, and how it is pickled so that it shows it again.

Where several things that are pickled together show one memory, `reach` gives for each of them the
one that has it: the others are made again as views of that.
"""

from __future__ import annotations

import array as arrays
import ctypes
import pickle
import sys
from collections.abc import Mapping
from typing import Any

from . import live, rebuild

_OWNERS = (bytearray, arrays.array)
_ANY_LAYOUT = 0x11C  # PyBUF_FULL_RO
_STRIDES = ("numpy.lib._stride_tricks_impl", "numpy.lib.stride_tricks")


def owner_of(thing: Any) -> Any:
    """Give the array, bytearray or the like whose memory this one shows: maybe itself."""
    while (below := _below(thing)) is not None:
        thing = below
    return thing


def _below(thing: Any) -> Any:
    """Give the next thing on the way to the memory's owner; None where there is no more to know."""
    ndarray: Any = getattr(sys.modules.get("numpy"), "ndarray", ())
    if type(thing) is memoryview:
        below = _exporter(thing)
    elif isinstance(thing, ndarray):
        below = ndarray.base.__get__(thing)
    else:
        return None
    if type(below).__name__ == "DummyArray" and type(below).__module__ in _STRIDES:
        below = below.base
    if type(below) is memoryview and _below(below) is None:
        return None
    known = type(below) in (memoryview, *_OWNERS) or isinstance(below, ndarray)
    return below if known else None


def _exporter(view: memoryview) -> Any:
    try:
        return view.obj
    except ValueError:  # it was released
        return None


def reduce_memoryview(view: memoryview, owners: Mapping[int, Any]) -> Any:
    """Reduce a view of memory: by its owner's, or by a copy where nobody could see the difference.

    Raises
    ------
    TypeError
        For one that `rebuild.memory` could not make again.
    """
    item = view.itemsize
    strides = view.strides or ()
    step = strides[0] if len(strides) == 1 and len(view) > 1 else item
    if not view.c_contiguous and (view.ndim != 1 or step % item):
        raise TypeError("cannot pickle a memoryview of more than one dimension with gaps")
    size = view.nbytes if view.c_contiguous else (len(view) - 1) * abs(step) + item
    layout = (size, view.format, view.shape or (), step // item, view.readonly)
    owner = owners.get(id(view), view)
    if owner is view:
        # bytes, or memory of something that cannot be saved: nobody else can be seen to write to it
        data = view.tobytes() if view.readonly else bytearray(view.tobytes())
        return rebuild.memory, (data, 0, len(data), *layout[1:3], 1, view.readonly)
    offset = _address(view if step >= 0 else view[::-1]) - _address(owner)
    return rebuild.memory, (owner, offset, *layout)


def _address(thing: Any) -> int:
    """Give where memory begins, and the first element of a view of it."""
    if not isinstance(thing, (memoryview, *_OWNERS)):
        return int(thing.__array_interface__["data"][0])
    # a Py_buffer, whose first field it is
    room = (ctypes.c_void_p * 16)()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(thing), room, _ANY_LAYOUT)
    try:
        return room[0] or 0
    finally:
        ctypes.pythonapi.PyBuffer_Release(room)


def reduce_array(array: Any, owners: Mapping[int, Any]) -> Any:
    """Reduce an array of numpy's own class."""
    make = _making(array, owners)
    if make is None:
        return NotImplemented
    if make[0] is rebuild.objects:
        elements = array.reshape(-1, order=make[1][1]).tolist()
        return *make, elements, None, None, rebuild.set_objects
    return make


def reduce_heir(array: Any, owners: Mapping[int, Any]) -> Any:
    """Reduce an array of a subclass: its memory, seen as one of that class, and its attributes."""
    numpy = sys.modules["numpy"]
    plain = numpy.ndarray.view(array, numpy.ndarray)
    owner = owners.get(id(array))
    making = _making(plain, {} if owner is None or owner is array else {id(plain): owner})
    masked = "numpy.ma" in sys.modules and isinstance(array, numpy.ma.MaskedArray)
    given = {} if isinstance(array, numpy.memmap) else dict(live.attributes_of(array))
    if making is not None and making[0] is not rebuild.objects:
        return rebuild.heir, (type(array), *making), given, None, None, rebuild.set_state
    if masked or not given:
        return NotImplemented
    # numpy leaves out the attributes that a subclass gives its arrays
    function, arguments, state = array.__reduce__()
    return function, arguments, (state, given), None, None, rebuild.set_array


def is_heir(cls: type) -> bool:
    """Whether a class is a subclass of numpy's array that leaves its pickling to numpy."""
    numpy = sys.modules.get("numpy")
    ndarray = getattr(numpy, "ndarray", None)
    if ndarray is None or cls is ndarray or not any(base is ndarray for base in live.mro(cls)):
        return False
    masked = sys.modules.get("numpy.ma.core")
    if masked is not None and issubclass(cls, (masked.mvoid, masked.MaskedConstant)):
        return False
    own = ("__reduce__", "__reduce_ex__", "__setstate__")
    first = next(b for b in live.mro(cls) if any(name in live.namespace_of(b) for name in own))
    return first is ndarray or first is getattr(masked, "MaskedArray", None)


def once(array: Any) -> Any:
    """Give a view of an array without the repetitions of one that was broadcast."""
    return array[tuple(slice(None) if step else slice(1) for step in array.strides)]


def _making(array: Any, owners: Mapping[int, Any]) -> tuple[Any, ...] | None:
    """Give what makes an array: function and arguments; None where numpy's own way is as good."""
    if array.size == 0 or array.dtype.itemsize == 0:
        return None
    owner: Any = owners.get(id(array))
    if owner is None and _overlaps_itself(array):
        owner = owner_of(array)
        if not array.flags.writeable and not _is_small(owner, array):
            # nobody can see by whom a place is shared that shows up as many elements
            owner = once(array).copy(order="C")
            if owner.size < array.size:
                return _repeated(owner, array)
            owner = None
    if owner is not None and owner is not array and _can_hold(owner, array):
        return _view(owner, array)
    flags = array.flags
    order = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
    if array.dtype.hasobject:
        whole = owner is array and order != "A" and array.dtype == object
        return (rebuild.objects, (array.shape, order)) if whole else None
    if order == "A":  # strided: only its elements count
        writeable = flags.writeable
        array, order = array.copy(order="C"), "C"
        array.flags.writeable = writeable
    flat = array.reshape(-1, order=order).view(sys.modules["numpy"].uint8)
    return rebuild.array, (pickle.PickleBuffer(flat), array.dtype, array.shape, order)


def _view(owner: Any, array: Any) -> tuple[Any, ...]:
    where = (array.strides, _address(array) - _address(owner), array.flags.writeable)
    if array.dtype.hasobject:
        return rebuild.objects_view, (owner, array.shape, *where)
    return rebuild.view, (owner, array.dtype, array.shape, *where)


def _repeated(owner: Any, array: Any) -> tuple[Any, ...]:
    """Give what makes an array that repeats a smaller one."""
    steps = zip(array.strides, owner.strides, strict=True)
    strides = tuple(step if old else 0 for old, step in steps)
    kind = (rebuild.objects_view,) if array.dtype.hasobject else (rebuild.view, array.dtype)
    return kind[0], (owner, *kind[1:], array.shape, strides, 0, False)


def _is_small(owner: Any, array: Any) -> bool:
    """Whether a view of its owner takes no more than an array's own elements."""
    held = memoryview(owner) if type(owner) in _OWNERS else owner
    return _can_hold(owner, array) and held.nbytes <= array.nbytes


def _can_hold(owner: Any, array: Any) -> bool:
    """Whether an array can be made again as a view of another, or of a buffer."""
    if type(owner) in _OWNERS:
        return not array.dtype.hasobject
    if not isinstance(owner, sys.modules["numpy"].ndarray) or not owner.flags.forc:
        return False
    # what holds objects lends its memory to none but its like
    return bool(owner.dtype == array.dtype == object) or not (
        owner.dtype.hasobject or array.dtype.hasobject
    )


def _overlaps_itself(array: Any) -> bool:
    """Whether one place in memory shows up as several elements."""
    reach = sum(abs(step) * (n - 1) for step, n in zip(array.strides, array.shape, strict=True))
    return bool(reach + array.itemsize < array.nbytes)
