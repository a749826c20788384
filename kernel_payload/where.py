"""Where inside a value an object sits: ``['workers'][3].guard``; runs no code of the user's."""

from __future__ import annotations

import functools
import gc
import types
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import instances, live
from .describe import brief

_MOST = 50_000  # objects that are looked at before giving up
_LONGEST = 200  # characters of a way

Step = tuple[str, Any]


def where(value: Any, wanted: Any) -> str:
    """Give the shortest way from a value to an object in it; empty where it is not found."""
    try:
        return _search(value, wanted)
    except RuntimeError:  # a thread changed a dict meanwhile
        return ""


def _search(value: Any, wanted: Any) -> str:
    above: dict[int, tuple[int, str]] = {id(value): (0, "")}
    level: list[Any] = [value]
    kept: list[Any] = []  # or another object could take the id of one that is gone
    while level and len(above) < _MOST:
        kept += level
        further = []
        for thing in level:
            for step, inner in _steps(thing):
                if id(inner) not in above:
                    above[id(inner)] = (id(thing), step)
                    further.append(inner)
                if inner is wanted:
                    return _way(above, id(inner))
        level = further
    return ""


def _way(above: dict[int, tuple[int, str]], key: int) -> str:
    steps: list[str] = []
    while key:
        key, step = above[key]
        steps.append(step)
    way = "".join(reversed(steps))
    return way if len(way) <= _LONGEST else f"{way[: _LONGEST // 2]}…{way[-_LONGEST // 2 :]}"


def _steps(thing: Any) -> Iterable[Step]:
    """Give what an object holds, each with the step that leads to it."""
    if live.is_scalar(thing) or id(type(thing)) in _CLOSED:
        return ()
    if live.is_class(thing):
        return ((f".{name}", inner) for name, inner in live.namespace_of(thing).items())
    return _OF.get(id(type(thing)), _of_instance)(thing)


def _of_sequence(thing: Any) -> Iterator[Step]:
    for place, inner in enumerate(thing):
        yield f"[{place}]", inner


def _of_dict(thing: dict[Any, Any]) -> Iterator[Step]:
    for key, inner in dict.items(thing):
        yield f"[{brief(key)}]", inner
        yield f"'s key {brief(key)}", key


def _of_function(function: types.FunctionType) -> Iterator[Step]:
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=True):
        for inner in gc.get_referents(cell):
            yield f"'s variable {name}", inner
    for inner in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        yield "'s default", inner
    for name, inner in function.__dict__.items():
        yield f".{name}", inner


def _of_instance(thing: Any) -> Iterator[Step]:
    attributes, slots = instances.Layout(type(thing)).state(thing)
    for name, inner in {**attributes, **slots}.items():
        yield f".{name}", inner
    for inner in gc.get_referents(thing):
        # elements of a set or of a list's heir, and what is written in C
        if not live.is_class(inner) and inner is not attributes:
            yield " inside", inner


def _of_fields(*names: str) -> Callable[[Any], Iterable[Step]]:
    return lambda thing: ((f".{name}", getattr(thing, name)) for name in names)


_CLOSED = frozenset(map(id, (types.ModuleType, types.CodeType)))
# by id: hashing a class may run its metaclass's code
_OF: dict[int, Callable[[Any], Iterable[Step]]] = {
    **{id(cls): _of_sequence for cls in (list, tuple, deque)},
    **{id(cls): _of_dict for cls in (dict, OrderedDict)},
    id(types.FunctionType): _of_function,
    id(types.MethodType): _of_fields("__self__", "__func__"),
    id(functools.partial): _of_fields("func", "args", "keywords"),
}
