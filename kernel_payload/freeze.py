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
import pickle
import sys
import types
from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from . import _cloudpickle as cloud
from . import attributes, heirs, instances, live, memory, rebuild
from .deep import Unrolled
from .definitions import Scope, function_state, reduce_class
from .rebuild import PROTOCOL
from .reductions import REDUCTIONS, Reduce, by_base, by_type
from .stream import Keep, Stream
from .varchive import INLINE

_MOST_RECURSION = 3000


class Unreached(Exception):
    """Pickling came by a class of the notebook that the search for shared objects had missed."""

    def __init__(self, cls: type) -> None:
        super().__init__(live.type_name(cls))
        self.cls = cls


class Frozen(NamedTuple):
    """A stream and its buffers: contiguous bytes, still in the memory of the values."""

    stream: Stream
    buffers: list[memoryview]


class Context(NamedTuple):
    """What freezing must know of the namespace around the values."""

    namespace: dict[str, Any]
    class_names: dict[int, str]
    views: dict[int, Any]
    reductions: Mapping[int, Reduce]
    dicts: Collection[int] = ()


def freeze(
    values: Sequence[Any],
    context: Context,
    keep: Keep,
    inside: Collection[str] = (),
    trail: list[Any] | None = None,
) -> Frozen:
    """Pickle values together.

    Parameters
    ----------
    values : sequence
        The members of a group, in the order of their names.
    context : Context
        The namespace that functions do not carry, id of class -> its entry's name, id of array or
        buffer -> the owner of the memory that it shows, `reductions`, the ids of dicts that are
        shared.
    keep : callable
        Takes the chunks of a large stream, see `Stream`.
    inside : collection of str
        The classes that belong to this group: saved by value.
    trail : list, optional
        Takes the object at which pickling failed.

    Raises
    ------
    Unreached
        For a class of the notebook that is not in ``context.class_names``.
    Exception
        Whatever the values' own reductions raise.
    """
    trail = [] if trail is None else trail
    with _moderate_recursion():
        try:
            return _dump(list(values), context, Stream(keep), inside, trail)
        except RecursionError:
            trail.clear()
        return _dump(Unrolled(list(values)), context, Stream(keep), inside, trail)


def _dump(
    whole: list[Any] | Unrolled,
    context: Context,
    stream: Stream,
    inside: Collection[str],
    trail: list[Any],
) -> Frozen:
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

    if isinstance(whole, Unrolled):
        pickler: _Pickler = _DeepPickler(stream, leaves_stream, context, inside, whole)
    else:
        kind = _SharingPickler if context.dicts else _Pickler
        pickler = kind(stream, leaves_stream, context, inside)
    try:
        pickler.dump(whole)
    except BaseException:
        trail.append(pickler.last)
        raise
    return Frozen(stream, buffers)


@contextmanager
def _moderate_recursion() -> Iterator[None]:
    """Have pickle give up before it uses up the machine's stack, whatever limit the user has set.

    From Python 3.12 on its recursion has a limit of its own.
    """
    limit = sys.getrecursionlimit()
    if sys.version_info >= (3, 12) or limit <= _MOST_RECURSION:
        yield
        return
    sys.setrecursionlimit(_MOST_RECURSION)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def reductions() -> dict[int, Reduce]:
    """Give id of type -> reduction, for the libraries that are loaded by now."""
    return {**by_type(), **instances.VIEWS, **heirs.BY_TYPE}


def freeze_plain(value: Any, keep: Keep) -> Frozen:
    """Pickle a number, a string or what holds nothing else, without the machinery."""
    stream = Stream(keep)
    pickle.Pickler(stream, PROTOCOL).dump([value])
    return Frozen(stream, [])


class _Pickler(pickle.Pickler):
    def __init__(
        self, stream: Stream, leaves_stream: Any, context: Context, inside: Collection[str]
    ) -> None:
        super().__init__(stream, PROTOCOL, buffer_callback=leaves_stream)
        tables: list[dict[Any, Any]] = [REDUCTIONS, copyreg.dispatch_table]
        self.dispatch_table = ChainMap(*tables)
        self.last: Any = None
        self._context = context
        self._inside = inside
        self._scopes: dict[int, Scope] = {}
        self._by_type = dict(context.reductions)
        self._by_type[id(memoryview)] = partial(memory.reduce_memoryview, owners=context.views)
        if numpy := sys.modules.get("numpy"):
            reduce_array = partial(memory.reduce_array, owners=context.views)
            self._by_type[id(numpy.ndarray)] = reduce_array
        self._plain: set[int] = set()

    def reducer_override(self, thing: Any) -> Any:  # noqa: PLR0911  (a table by kind)
        self.last = thing
        cls = type(thing)
        if cls is types.FunctionType:
            return self._reduce_function(thing)
        # not in the table: a pickler that refers to itself keeps what it pickled until a collection
        if cls is types.MethodType:
            return self._reduce_method(thing)
        if live.is_class(thing):
            return self._reduce_class(thing)
        if reduce := self._by_type.get(id(cls)):
            return reduce(thing)
        if id(cls) in self._plain:
            return NotImplemented
        if memory.is_heir(cls):
            reduce = partial(memory.reduce_heir, owners=self._context.views)
        else:
            reduce = heirs.by_class(cls) or instances.by_class(cls) or by_base(cls)
        if reduce is None:
            self._plain.add(id(cls))
            return NotImplemented
        self._by_type[id(cls)] = reduce
        return reduce(thing)

    def _reduce_method(self, method: types.MethodType) -> Any:
        home = live.home_of(method)
        # a class that is being filled does not have its methods yet
        if home is None or self._context.class_names.get(id(home[0])) in self._inside:
            return types.MethodType, (method.__func__, method.__self__)
        return rebuild.method, (method.__self__, home[1])

    def _reduce_class(self, cls: type) -> Any:
        if not live.is_notebook_class(cls):
            # type(None) and the like have no name of their own to be found by
            reduced = cloud.Pickler.reducer_override(self, cls)
            if type(reduced) is tuple and reduced[0] is cloud._make_skeleton_class:
                # what is written in C cannot be made again of what it holds
                raise pickle.PicklingError(f"no name leads to {live.type_name(cls)}")
            return reduced
        if (name := self._context.class_names.get(id(cls))) is None:
            raise Unreached(cls)
        if name not in self._inside:
            return rebuild.notebook_class, (name,)
        instances.refuse_class(cls)
        return reduce_class(cls, name)

    def _reduce_function(self, function: types.FunctionType) -> Any:
        if not live.is_notebook_function(function):
            return NotImplemented
        scope, own = self._scope(function)
        state = function_state(function)
        if own:
            state["globals"] = own
        arguments = (function.__code__, scope, function.__closure__)
        return rebuild.function, arguments, state, None, None, rebuild.set_function

    def _scope(self, function: types.FunctionType) -> tuple[Scope, dict[str, Any]]:
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
        return self._scopes.setdefault(id(found), Scope(reduction)), own


class _SharingPickler(_Pickler):
    """Pickles values some of whose dicts may be the ``__dict__`` of an instance."""

    def reducer_override(self, thing: Any) -> Any:
        return attributes.share(thing, super().reducer_override(thing), self._context.dicts)


class _DeepPickler(_Pickler):
    """Pickles what is `Unrolled`: instances without what they hold, which that puts off."""

    def __init__(
        self,
        stream: Stream,
        leaves_stream: Any,
        context: Context,
        inside: Collection[str],
        whole: Unrolled,
    ) -> None:
        super().__init__(stream, leaves_stream, context, inside)
        self._whole = whole

    def reducer_override(self, thing: Any) -> Any:
        if thing is self._whole:
            return NotImplemented
        return self._whole.put_off(thing, super().reducer_override(thing))
