"""Values that are nested too deeply for pickle, which goes down into them by recursion.

Containers that lie far inside are pickled before what holds them, and instances without what they
hold, which comes at the end: so pickle never goes far down at once.  Loading does not recurse.
"""

from __future__ import annotations

import gc
from collections import OrderedDict, defaultdict, deque
from typing import Any

from . import heirs, instances, rebuild

_STEP = 50  # containers that pickle may go down at once
_CONTAINERS = frozenset(
    map(id, (list, tuple, dict, set, frozenset, deque, OrderedDict, defaultdict))
)


class Unrolled:
    """Values in the order in which they can be pickled without going far down.

    Parameters
    ----------
    values : list
        What to pickle.
    """

    def __init__(self, values: list[Any]) -> None:
        self._values = values
        # two to begin with: pickle saves a list of one by itself, and would not see it grow
        self._states: list[Any] = [None, None]
        self._layouts: dict[int, instances.Layout | None] = {}
        self._heirs: dict[int, bool] = {}

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        # in this order: the states of what the others hold are added while they are pickled
        return rebuild.deep, (self._spine(), self._values, self._states)

    def put_off(self, thing: Any, reduced: Any) -> Any:
        """Give the reduction of an instance without what it holds, if that can come later."""
        if reduced is NotImplemented and (layout := self._layout(type(thing))):
            self._states += (thing, layout.state(thing))
            return rebuild.instance, (type(thing), {}, {})
        apart = type(reduced) is tuple and reduced[0] in (rebuild.instance, rebuild.heir_of)
        if apart and len(reduced) > 2:
            self._states += (thing, reduced[2])
            return reduced[:2]
        return reduced

    def _layout(self, cls: type) -> instances.Layout | None:
        key = id(cls)
        if key not in self._layouts:
            self._layouts[key] = instances.Layout(cls) if instances.is_plain(cls) else None
        return self._layouts[key]

    def _is_deep(self, cls: type) -> bool:
        """Whether what instances of a class hold may lie far inside."""
        key = id(cls)
        if key not in self._heirs:
            self._heirs[key] = heirs.by_class(cls) is not None
        return key in _CONTAINERS or self._heirs[key] or self._layout(cls) is not None

    def _spine(self) -> list[Any]:
        """Give every so manieth container on the way down, those that lie deepest first."""
        found: list[Any] = []
        seen: set[int] = set()
        # each is a container, what it holds that is still to come, and how far down that goes
        path: list[list[Any]] = [[self._values, iter(self._values), 0]]
        while path:
            thing, rest, depth = path[-1]
            for inner in rest:
                cls = type(inner)
                if id(inner) not in seen and self._is_deep(cls):
                    seen.add(id(inner))
                    path.append([inner, iter(gc.get_referents(inner)), 0])
                    break
            else:
                path.pop()
                # what an instance holds comes later, and counts from there
                holds = id(type(thing)) in _CONTAINERS
                if holds and depth >= _STEP:
                    found.append(thing)
                elif holds and path:
                    path[-1][2] = max(path[-1][2], depth + 1)
        return found
