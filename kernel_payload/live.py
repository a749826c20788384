"""What kind of thing a live object is, decided from its type alone: no code of the user's runs.

Attributes are read through ``type``'s own descriptors, since a notebook's class may define
``__getattr__``, ``__eq__`` or ``__hash__`` that raise, print or lie.
"""

from __future__ import annotations

import array
import ctypes
import datetime
import decimal
import enum
import fractions
import importlib
import logging
import pathlib
import re
import sys
import types
import uuid
import weakref
from enum import auto
from importlib.machinery import BuiltinImporter, ExtensionFileLoader
from typing import Any

_TYPE_SUBCLASS = 1 << 31  # Py_TPFLAGS_TYPE_SUBCLASS: its instances are classes
_DICT_SUBCLASS = 1 << 29  # Py_TPFLAGS_DICT_SUBCLASS
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement, not in C


class Kind(enum.Enum):
    """How the search for shared objects treats an object."""

    ATOM = auto()  # immutable or never pickled with its contents: nothing to share
    LOCAL = auto()  # immutable itself, its contents may be shared
    CLASS = auto()
    ENUM = auto()  # a member: stands for its class
    FUNCTION = auto()
    ARRAY = auto()
    TENSOR = auto()  # of torch, or its storage
    MEMORY = auto()  # a buffer, or a view of one
    INDEX = auto()  # pandas': immutable, often shared by copies; what objects it holds is not
    METHOD = auto()
    BY_NAME = auto()  # C callables, which pickle finds by their names
    FRAME = auto()  # a generator or coroutine: what its variables hold may change when it goes on
    WEAK = auto()  # a weak reference: leads to an object without holding it
    PLAIN = auto()


# values of these types are told apart by identity, and cheap to keep
_SCALARS = frozenset(
    {type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented)}
)

_ATOMS = _SCALARS | {
    range,
    slice,
    types.ModuleType,
    types.CodeType,
    types.FrameType,
    types.TracebackType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    datetime.date,
    datetime.datetime,
    datetime.time,
    datetime.timedelta,
    datetime.timezone,
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    pathlib.PosixPath,
    pathlib.WindowsPath,
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
    re.Pattern,
    logging.Logger,
    logging.RootLogger,
}
_LOCALS = frozenset({tuple, frozenset, types.GenericAlias, types.MappingProxyType})
_BY_NAME = frozenset(
    {types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType}
)

_ARROW = ["Array", "ChunkedArray", "DataType", "Field", "RecordBatch", "Scalar", "Schema", "Table"]

# (module, name) of library bases -> how their instances are treated
_LIBRARY = {
    ("numpy", "ndarray"): Kind.ARRAY,
    ("numpy", "void"): Kind.PLAIN,  # records can be written to
    ("builtins", "module"): Kind.ATOM,  # one that is loaded when it is first asked for something
    ("numpy", "generic"): Kind.ATOM,
    ("numpy", "dtype"): Kind.ATOM,
    ("numpy", "ufunc"): Kind.BY_NAME,
    ("numpy", "flatiter"): Kind.BY_NAME,
    ("numpy", "_ArrayFunctionDispatcher"): Kind.BY_NAME,
    ("pandas.core.dtypes.base", "ExtensionDtype"): Kind.ATOM,
    ("pandas.api.extensions", "ExtensionDtype"): Kind.ATOM,
    ("pandas.core.indexes.base", "Index"): Kind.INDEX,
    ("pandas", "Index"): Kind.INDEX,
    ("pandas._libs.internals", "BlockPlacement"): Kind.ATOM,  # so is this one of a frame's parts
    # immutable, and shared by copies of frames
    **{("pyarrow.lib", name): Kind.ATOM for name in _ARROW},
    ("datetime", "tzinfo"): Kind.ATOM,
    ("weakref", "ReferenceType"): Kind.WEAK,  # as those in a WeakValueDictionary are
    ("torch", "Tensor"): Kind.TENSOR,
    ("torch.storage", "UntypedStorage"): Kind.TENSOR,
}

# what Cython compiles, whose module of types has a version in its name
_CYTHON = ("cython_function_or_method", "fused_cython_function")

_flags_of = type.__dict__["__flags__"].__get__
mro = type.__dict__["__mro__"].__get__
bases_of = type.__dict__["__bases__"].__get__
namespace_of = type.__dict__["__dict__"].__get__
_module_of = type.__dict__["__module__"].__get__
qualname_of = type.__dict__["__qualname__"].__get__


def type_name(cls: type) -> str:
    """Give ``module.Qualified.name``; of builtins and the notebook's own just the name."""
    module = _text(_module_of, cls)
    name = _text(qualname_of, cls)
    return name if module in ("builtins", "__main__", "") else f"{module}.{name}"


def _text(get: Any, cls: type) -> str:
    try:
        found = get(cls)
    except AttributeError:
        return ""
    return found if type(found) is str else ""


# by id: hashing a class may run its metaclass's code
_SCALAR_IDS = frozenset(map(id, _SCALARS))

_EXACT = {
    **{id(cls): Kind.ATOM for cls in _ATOMS},
    **{id(cls): Kind.LOCAL for cls in _LOCALS},
    **{id(cls): Kind.BY_NAME for cls in _BY_NAME},
    id(types.FunctionType): Kind.FUNCTION,
    id(types.MethodType): Kind.METHOD,
    **{id(cls): Kind.MEMORY for cls in (bytearray, memoryview, array.array)},
    id(types.GeneratorType): Kind.FRAME,
    id(types.CoroutineType): Kind.FRAME,
    id(types.AsyncGeneratorType): Kind.FRAME,
    id(weakref.ref): Kind.WEAK,
    id(weakref.ProxyType): Kind.WEAK,
    id(weakref.CallableProxyType): Kind.WEAK,
}


def is_class(value: Any) -> bool:
    """Whether a value is a class."""
    return bool(_flags_of(type(value)) & _TYPE_SUBCLASS)


def is_dict(value: Any) -> bool:
    """Whether a value is a dict, or of a subclass."""
    return bool(_flags_of(type(value)) & _DICT_SUBCLASS)


def is_exception(value: Any) -> bool:
    """Whether a value is an exception."""
    return any(base is BaseException for base in mro(type(value)))


def is_scalar(value: Any) -> bool:
    """Whether a value is a number, a string or the like: it can share nothing."""
    return id(type(value)) in _SCALAR_IDS


def kind_of(cls: type) -> Kind:
    """Decide how instances of a class are treated."""
    if kind := _EXACT.get(id(cls)):
        return kind
    bases = mro(cls)
    if any(base is type for base in bases):
        return Kind.CLASS
    if any(base is enum.Enum for base in bases):
        return Kind.ENUM
    if _text(qualname_of, cls) in _CYTHON:
        return Kind.BY_NAME
    for base in bases:
        if kind := _LIBRARY.get((_text(_module_of, base), _text(qualname_of, base))):
            # a time zone of the notebook's may hold anything
            own = base is datetime.tzinfo and is_notebook_class(cls)
            return Kind.PLAIN if own else kind
    return Kind.PLAIN


def method_of(holder: Any, name: str) -> tuple[type, Any] | None:
    """Find what ``holder.name`` binds: the class that has it, and its function.

    ``holder`` is an instance, or a class that the method is given instead of one.
    """
    if is_class(holder):
        for cls in mro(holder):
            if name in namespace_of(cls):
                found = namespace_of(cls)[name]
                if type(found) is classmethod:
                    return cls, found.__func__
                break
    for cls in mro(type(holder)):
        if name in namespace_of(cls):
            found = namespace_of(cls)[name]
            return (cls, found) if type(found) is types.FunctionType else None
    return None


def home_of(method: types.MethodType) -> tuple[type, str] | None:
    """Give the class, and the name in it, by which a bound method can be bound again."""
    function = method.__func__
    if type(function) is not types.FunctionType:
        return None
    found = method_of(method.__self__, function.__name__)
    return (found[0], function.__name__) if found is not None and found[1] is function else None


def attributes_of(thing: Any) -> dict[str, Any]:
    """Give the ``__dict__`` of an instance, whatever its class makes of that name."""
    for cls in mro(type(thing)):
        found = namespace_of(cls).get("__dict__")
        if type(found) is types.GetSetDescriptorType:
            attributes: dict[str, Any] = found.__get__(thing)
            return attributes
    return {}


def target_of(reference: Any) -> Any:
    """Give what a weak reference, or a proxy, leads to; None when that is gone."""
    if type(reference) not in (weakref.ProxyType, weakref.CallableProxyType):
        return reference()
    # whatever a proxy is asked it asks its target, whose code would run: it is the first field
    return ctypes.py_object.from_address(id(reference) + object.__basicsize__).value


def is_by_name(thing: Any, module: Any, qualname: Any) -> bool:
    """Whether an importable module holds this very object under its name."""
    if type(module) is not str or type(qualname) is not str or module == "__main__":
        return False
    found: Any = _module(module)
    for part in qualname.split("."):
        if type(found) is types.ModuleType or isinstance(found, types.ModuleType):
            found = found.__dict__.get(part)
        elif isinstance(found, type):
            found = next(
                (namespace_of(b)[part] for b in mro(found) if part in namespace_of(b)), None
            )
        else:
            return False
    return found is thing


def _module(name: str) -> Any:
    if name not in sys.modules and name.partition(".")[0] in sys.modules:
        # a library may name classes by a module that is imported when first asked for: numpy.rec
        try:
            return importlib.import_module(name)
        except Exception:  # noqa: BLE001  (there is none)
            return None
    return sys.modules.get(name)


def is_heap_type(cls: type) -> bool:
    """Whether a class was made by a class statement, or as if by one."""
    return bool(_flags_of(cls) & _HEAP_TYPE)


def is_notebook_class(cls: type) -> bool:
    """Whether a class must be saved by value: no import leads to it."""
    module = _text(_module_of, cls)
    if not _flags_of(cls) & _HEAP_TYPE or is_by_name(cls, module, _text(qualname_of, cls)):
        return False
    # an extension may keep a class to itself: what it has no name for cannot be saved by value
    spec = getattr(sys.modules.get(module), "__spec__", None)
    return not isinstance(getattr(spec, "loader", None), ExtensionFileLoader) and not _is_builtin(
        spec
    )


def _is_builtin(spec: Any) -> bool:
    return getattr(spec, "loader", None) is BuiltinImporter


def is_module_scope(scope: dict[str, Any]) -> bool:
    """Whether globals are those of an imported module."""
    module = sys.modules.get(str(scope.get("__name__")))
    return module is not None and module.__dict__ is scope


def is_notebook_function(function: types.FunctionType) -> bool:
    """Whether a function must be saved by value: no import leads to it."""
    return not is_by_name(function, function.__module__, function.__qualname__)
