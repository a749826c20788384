"""What the streams of a varchive call when they are loaded: part of the format.

The names here stand in archives; they keep their meaning for ever.  `namespace` and
`notebook_class` stand for the loader's own, which `thaw` puts in their place.
numpy and pandas are imported only where a stream holds their values.
"""

from __future__ import annotations

import _random
import ctypes
import functools
import importlib
import pathlib
import sys
import types
import weakref
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

from . import _cloudpickle as cloud
from . import live
from .varchive.errors import CannotLoad

PROTOCOL = 5
"""Of pickle, in every stream."""


def namespace() -> dict[str, Any]:
    """Give the namespace into which a state is loaded; functions of the notebook live in it."""
    raise CannotLoad("a group of a state was loaded without its state; use tmrun.vars(path, n)")


def notebook_class(name: str) -> type:
    """Give the class of the notebook that another group of the state holds."""
    raise CannotLoad(f"class {name} was loaded without its state; use tmrun.vars(path, n)")


def module_globals(name: str) -> dict[str, Any]:
    """Give the globals of an imported module, for a function that was made there."""
    return importlib.import_module(name).__dict__


def other_globals() -> dict[str, Any]:
    """Make globals for functions that lived neither in the notebook nor in a module."""
    return {"__builtins__": __builtins__}


def cell() -> types.CellType:
    """Make an empty closure cell."""
    return types.CellType()


def set_cell(target: types.CellType, contents: tuple[Any]) -> None:
    """Fill a closure cell, once what it holds can refer to it."""
    target.cell_contents = contents[0]


def code(version: str, arguments: tuple[Any, ...]) -> types.CodeType:
    """Make a code object; only the Python that compiled it can run it."""
    if version != sys.implementation.cache_tag:
        raise ValueError(
            f"its code was compiled by {version}, this is {sys.implementation.cache_tag}"
        )
    return types.CodeType(*arguments)


def function(
    code: types.CodeType, scope: dict[str, Any], closure: tuple[types.CellType, ...] | None
) -> types.FunctionType:
    """Make a function; its cells may be empty still."""
    return types.FunctionType(code, scope, closure=closure)


def set_function(target: types.FunctionType, state: dict[str, Any]) -> None:
    """Give a function its attributes, and the globals that only it brings."""
    target.__globals__.update(state.pop("globals", {}))
    target.__dict__.update(state.pop("dict", {}))
    for name, value in state.items():
        setattr(target, name, value)


def cached(target: Any, maxsize: int | None, typed: bool) -> Any:
    """Put a new, empty cache before a function, as `functools.lru_cache` does."""
    return functools.lru_cache(maxsize, typed)(target)


def cached_property(target: Any, name: str | None, doc: str | None) -> Any:
    """Make a property that is computed once, of a name that its class has given it."""
    made = functools.cached_property(target)
    made.attrname, made.__doc__ = name, doc
    return made


def exception(cls: type, arguments: tuple[Any, ...]) -> Any:
    """Make an exception without its class's ``__init__``."""
    made: BaseException = BaseException.__new__(cls, *arguments)
    made.args = arguments
    return made


def set_enum(target: Any, state: tuple[Any, dict[str, dict[str, Any]]]) -> None:
    """Give an enum its attributes, and its members theirs."""
    cloud._class_setstate(target, state[0])
    for name, attributes in state[1].items():
        target._member_map_[name].__dict__.update(attributes)


def set_array(target: Any, state: tuple[Any, dict[str, Any]]) -> None:
    """Give an array of a subclass its contents and its attributes."""
    target.__setstate__(state[0])
    target.__dict__.update(state[1])


def set_names(target: Any, state: dict[str, Any]) -> None:
    """Give an object attributes by their names."""
    for name, value in state.items():
        setattr(target, name, value)


def set_state(target: Any, state: Any) -> None:
    """Give an instance its attributes without asking it for any."""
    attributes, slots = state if type(state) is tuple and len(state) == 2 else (state, None)
    if attributes:
        object.__getattribute__(target, "__dict__").update(attributes)
    for name, value in (slots or {}).items():
        object.__setattr__(target, name, value)


def share_dict(target: Any, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Give an instance its slots, and for its ``__dict__`` one that something else holds too."""
    # in a cycle it is empty yet, but what a hash is made of must be there
    for name, value in object.__getattribute__(target, "__dict__").items():
        dict.setdefault(state[0], name, value)
    if type(target) is types.SimpleNamespace:
        _put_dict(target, state[0])
    else:
        object.__setattr__(target, "__dict__", state[0])
    for name, value in state[1].items():
        object.__setattr__(target, name, value)


def _put_dict(target: types.SimpleNamespace, own: dict[str, Any]) -> None:
    # Python offers no way; the dict is its first field
    field = ctypes.c_void_p.from_address(id(target) + object.__basicsize__)
    old = ctypes.py_object(target.__dict__)
    if field.value != id(old.value):
        target.__dict__.update(own)
        return
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(own))
    field.value = id(own)
    ctypes.pythonapi.Py_DecRef(old)


def array(buffer: Any, dtype: Any, shape: tuple[int, ...], order: str) -> Any:
    """Make a numpy array over a buffer's memory, read-only if that is."""
    numpy = importlib.import_module("numpy")
    flat = numpy.frombuffer(buffer, dtype=numpy.uint8)
    return flat.view(dtype).reshape(shape, order=order)


def view(root: Any, dtype: Any, shape: Any, strides: Any, offset: int, writeable: bool) -> Any:  # noqa: PLR0917  (a stream gives them by place)
    """Make a view of another array's memory."""
    numpy = importlib.import_module("numpy")
    made = numpy.ndarray(shape, dtype, buffer=root, offset=offset, strides=strides)
    if not writeable:
        made.flags.writeable = False
    return made


def block_refs() -> Any:
    """Make what pandas' blocks that share memory share, so that writing to one copies it."""
    return importlib.import_module("pandas._libs.internals").BlockValuesRefs()


def block(kind: type, values: Any, indexer: Any, ndim: int, refs: Any) -> Any:
    """Make a block of a pandas frame or series."""
    placement = importlib.import_module("pandas._libs.internals").BlockPlacement(indexer)
    return kind(values, placement=placement, ndim=ndim, refs=refs)


def objects(shape: tuple[int, ...], order: str) -> Any:
    """Make a numpy array for objects, which views of it may be made of before it has them."""
    return importlib.import_module("numpy").empty(shape, object, order=order)


def set_objects(target: Any, elements: list[Any]) -> None:
    """Fill an array of objects, in the order of its memory."""
    flat = target.reshape(-1, order="C" if target.flags.c_contiguous else "F")
    for place, element in enumerate(elements):
        # one by one: numpy would take lists apart
        flat[place] = element


def objects_view(root: Any, shape: Any, strides: Any, offset: int, writeable: bool) -> Any:
    """Make a view of another array of objects."""
    numpy = importlib.import_module("numpy")
    flat = root.reshape(-1, order="C" if root.flags.c_contiguous else "F")
    start = flat[offset // root.itemsize :]
    return numpy.lib.stride_tricks.as_strided(start, shape, strides, writeable=writeable)


def heir(cls: type, make: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Make an array of a subclass of numpy's, over the memory of a plain one."""
    return importlib.import_module("numpy").ndarray.view(make(*arguments), cls)


def memory(  # noqa: PLR0917  (a stream gives them by place)
    owner: Any,
    offset: int,
    size: int,
    format: str,
    shape: tuple[int, ...],
    step: int,
    readonly: bool,
) -> memoryview:
    """Make a view of an owner's memory; ``step`` in elements, of one dimension only."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(owner, numpy.ndarray):
        owner = numpy.ndarray((owner.nbytes,), "u1", buffer=owner)
    raw: Any = memoryview(owner).cast("B")[offset : offset + size]
    found = raw.cast(format, shape) if len(shape) > 1 else raw.cast(format)[::step]
    made: memoryview = found.toreadonly() if readonly else found
    return made


def dict_view(mapping: Any, cls: type, kind: str) -> Any:
    """Make a view of a dict: its ``keys``, ``values`` or ``items``."""
    return getattr(cls, kind)(mapping)


def method(holder: Any, name: str) -> types.MethodType:
    """Bind the method that the class of an instance, or a class, has under a name."""
    found = live.method_of(holder, name)
    if found is None:
        raise CannotLoad(f"{live.type_name(type(holder))} has no method {name}")
    return types.MethodType(found[1], holder)


def instance(cls: type, attributes: dict[str, Any], slots: dict[str, Any]) -> Any:
    """Make an instance that can be hashed before all that it holds is there."""
    made: Any = object.__new__(cls)
    set_state(made, (attributes, slots))
    return made


def fill_instance(target: Any, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Give an instance all that it held, in the order in which it was given it."""
    attributes, slots = state
    if attributes:
        own = object.__getattribute__(target, "__dict__")
        own.clear()
        own.update(attributes)
    for name, value in slots.items():
        object.__setattr__(target, name, value)


def heir_of(
    base: Any,
    cls: type,
    arguments: tuple[Any, ...],
    attributes: dict[str, Any],
    slots: dict[str, Any],
) -> Any:
    """Make an instance of a class as its base, a built-in or a library's, makes its own."""
    made = base.__new__(cls, *arguments)
    # from Python 3.12 on it is this that takes the parts of a path
    if sys.version_info >= (3, 12) and issubclass(base, pathlib.PurePath):
        base.__init__(made, *arguments)
    set_state(made, (attributes, slots))
    return made


def fill_heir(
    target: Any, state: tuple[Any, tuple[Any, ...], dict[str, Any], dict[str, Any]]
) -> None:
    """Give an instance all that it held, by the methods of its base, not those of its class."""
    base, contents, attributes, slots = state
    if issubclass(base, dict):
        set_item: Any = OrderedDict.__setitem__ if base is OrderedDict else dict.__setitem__
        parts = iter(contents[0])
        for key, value in zip(parts, parts, strict=True):
            set_item(target, key, value)
        if base is defaultdict:
            defaultdict.__dict__["default_factory"].__set__(target, contents[1])
    elif issubclass(base, _random.Random):
        _random.Random.setstate(target, contents[0])
    elif contents:
        base.__init__(target, *contents)
    fill_instance(target, (attributes, slots))


def bare(metaclass: type) -> Callable[..., type]:
    """Give what makes a class without running what the notebook's metaclass would do."""
    makers = (cls for cls in live.mro(metaclass) if "__new__" in live.namespace_of(cls))
    maker: Any = next(cls for cls in makers if not live.is_notebook_class(cls))

    return functools.partial(maker.__new__, metaclass)


def made_by(make: Any) -> type | None:
    """Give the metaclass of what `bare`, or a metaclass itself, makes; no stream calls this."""
    found = make.args[0] if type(make) is functools.partial else make
    return found if live.is_class(found) else None


def deep(spine: list[Any], values: list[Any], states: list[Any]) -> list[Any]:
    """Give instances, which were made without, their attributes; give the values.

    ``spine`` is what the values hold far inside, ``states`` alternates instances and states.
    """
    pairs = iter(states)
    for target, state in zip(pairs, pairs, strict=True):
        if target is not None:
            (fill_heir if len(state) == 4 else fill_instance)(target, state)
    return values


def storage(buffer: Any) -> Any:
    """Make a storage of torch over a buffer's memory."""
    torch = importlib.import_module("torch")
    if not len(buffer):
        return torch.UntypedStorage(0)
    return torch.frombuffer(buffer, dtype=torch.uint8).untyped_storage()


def tensor(  # noqa: PLR0917  (a stream gives them by place)
    storage: Any,
    dtype: Any,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int,
    cls: type,
    requires_grad: bool,
) -> Any:
    """Make a tensor, or a parameter, that shows a storage; offset and strides in elements."""
    torch = importlib.import_module("torch")
    made = torch.empty(0, dtype=dtype).set_(storage, offset, shape, strides)
    if cls is torch.Tensor:
        return made.requires_grad_(requires_grad)
    return cls(made, requires_grad)


def set_tensor(target: Any, state: tuple[Any, Any, dict[str, Any]]) -> None:
    """Give a tensor its gradient, its hooks and its attributes."""
    target.grad, target._backward_hooks, attributes = state
    target.__dict__.update(attributes)


def dead_reference() -> Any:
    """Make a weak reference to what is gone."""
    return weakref.ref(set())


def dead_proxy(is_callable: bool) -> Any:
    """Make a weak proxy of what is gone."""
    return weakref.proxy((lambda: None) if is_callable else set())
