"""Which variables something outside of the namespace can get at, by counting references.

An object with more references than a search has come by, from the namespace and from all that was
searched, is also held elsewhere: by a library's registry, a callback, a thread, an event loop.
Functions outside hold the namespace itself, as their globals: their code names what they reach.
Who counts here runs nothing of the user's, and forgets every object when done.
"""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from . import live
from .reach import Reach
from .touched import names_in_code

# without the global lock a count says little
_COUNTS = getattr(sys, "_is_gil_enabled", lambda: True)()
_IMMORTAL = 1 << 28  # references, from 3.12 on; smaller on no platform

_INSIDE = 256  # objects of a variable that are judged

# whose contents are the notebook's own; what libraries share among their objects is their matter
_OPEN = frozenset(
    map(id, (list, dict, set, tuple, frozenset, deque, types.MethodType, types.CellType, partial))
)


class Escapes:
    """What is known of references from outside; keeps no variable alive.

    Attributes
    ----------
    nodes : set of str
        Variables and classes to whose objects something outside refers.
    names : set of str
        The names in the code of functions that are held outside only.
    shell_holds : callable
        Gives objects that the shell itself refers to, each as often as it does: that is no escape.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.nodes: set[str] = set()
        self.names: set[str] = set()
        self.shell_holds: Callable[[], Iterable[Any]] = tuple
        self._namespace = namespace
        self._functions: dict[str, set[int]] = {}
        self._methods: dict[str, list[int]] = {}
        self._base: int | None = None
        self._excess = 0
        self._outside: list[weakref.ref[types.FunctionType]] = []

    def judge(
        self, reach: Reach, values: dict[str, Any], unsure: set[str], *, midway: bool = False
    ) -> None:
        """Learn from a search, right after it.

        Parameters
        ----------
        reach : Reach
            The search.
        values : dict
            The variables, the dict that it began from.
        unsure : set of str
            Nodes that something which was not searched may refer to.
        midway : bool, default False
            A cell runs, whose frames refer to the namespace, too: functions are not counted.
        """
        if not _COUNTS:
            return
        shared = reach.together(unsure | reach.refused.keys())
        nodes = reach.nodes.keys() - shared
        self.nodes -= nodes
        things = {id(thing): (node, thing) for node in nodes for thing in _inside(node, reach)}
        excess = _excess(things, reach)
        self._methods.update((node, reach.methods.get(node, [])) for node in reach.nodes)
        if excess:
            self._explain(excess, values, reach)
        # what typing makes is shared through its caches, and never changes
        self.nodes |= {
            node for node, thing in (things[key] for key in excess) if not _is_typing(thing)
        }
        things.clear()
        owners = (reach.owner(id(figure)) for figure in _figures())
        self.nodes |= {owner for owner in owners if owner is not None}
        if not midway:
            self._count_functions(reach)

    def forget(self, there: set[str]) -> None:
        """Forget what is no longer there."""
        self.nodes &= there
        for name in self._functions.keys() - there:
            del self._functions[name]
            self._methods.pop(name, None)

    def _explain(self, excess: dict[int, int], values: dict[str, Any], reach: Reach) -> None:
        """Take off the references that are no escape: the shell's, and the recorder's own."""
        known: Counter[int] = Counter(map(id, values.values()))
        known.update(map(id, reach.held()))
        known.update(id(v) for n, v in self._namespace.items() if n not in reach.nodes)
        for node, functions in self._methods.items():
            known.update(functions if node not in reach.nodes else ())
        answers = self._namespace.get("_oh")
        kept = list(answers.values()) if type(answers) is dict else []
        known.update(map(id, kept))
        known.update(id(part) for answer in kept for part in _parts_of_answer(answer, reach))
        known.update(map(id, self.shell_holds()))
        self._take_off(excess, known)
        if excess:
            self._take_off(excess, Counter(map(id, _in_tracebacks(values))))

    @staticmethod
    def _take_off(excess: dict[int, int], known: Counter[int]) -> None:
        for key in list(excess):
            excess[key] -= known[key]
            if excess[key] <= 0:
                del excess[key]

    # -- functions that only something outside holds

    def _count_functions(self, reach: Reach) -> None:
        for node in reach.nodes:
            self._functions[node] = reach.functions.get(node, set())
        inside: set[int] = set().union(*self._functions.values())
        references = sys.getrefcount(self._namespace)
        if self._base is None:
            self._base = references - len(self._all_functions())
        excess = references - self._base - len(inside)
        if excess == self._excess and all(function() for function in self._outside):
            return
        self._excess = excess
        self._outside = []
        if excess > 0:
            found = self._all_functions()
            self._outside = [weakref.ref(f) for f in found if id(f) not in inside]
        self.names = set()
        for function in self._outside:
            code = getattr(function(), "__code__", None)
            # what a cell's own text names is no matter of functions
            if code is not None and not code.co_name.startswith("<module>"):
                self.names |= names_in_code(code)[0]

    def _all_functions(self) -> list[types.FunctionType]:
        found = gc.get_referrers(self._namespace)
        return [f for f in found if type(f) is types.FunctionType]


def _inside(node: str, reach: Reach) -> list[Any]:
    """Give a variable, and the first of the objects in it that notebooks make and hand out."""
    value = reach.nodes[node]
    if type(value) is types.FunctionType and not _is_open(value, reach):
        return []
    found = {id(value): value}
    level = _class_parts(value) if node[:1] == "<" else _parts(value, reach)
    while level and len(found) < _INSIDE:
        new = {id(thing): thing for thing in level if _is_open(thing, reach)}
        fresh = [thing for key, thing in new.items() if key not in found]
        level = [part for thing in fresh for part in _parts(thing, reach)][:_INSIDE]
        found.update(new)
    return list(found.values())


def _is_open(thing: Any, reach: Reach) -> bool:
    """Whether an object is the notebook's; what libraries share among theirs is their matter."""
    cls = type(thing)
    if cls is types.FunctionType:
        return thing.__globals__ is reach.namespace
    return id(cls) in _OPEN or reach.classes.knows(cls)


def _parts(thing: Any, reach: Reach) -> list[Any]:
    if type(thing) is types.FunctionType:
        return [*(thing.__closure__ or ()), thing.__defaults__, thing.__kwdefaults__]
    if type(thing) is list:
        return thing[:_INSIDE]  # a long one has no more that count
    return gc.get_referents(thing)[:_INSIDE] if _is_open(thing, reach) else []


def _class_parts(cls: type) -> list[Any]:
    # its annotations may be those of a function as well, where no search comes by
    found = [v for k, v in live.namespace_of(cls).items() if k != "__annotations__"]
    found += [f.__func__ for f in found if type(f) is staticmethod or type(f) is classmethod]
    properties = [f for f in found if type(f) is property]
    return [*found, *(part for p in properties for part in (p.fget, p.fset, p.fdel))]


def _parts_of_answer(answer: Any, reach: Reach) -> list[Any]:
    """Give what a small answer like ``a, b`` holds, where the search did not come by it."""
    is_small = type(answer) in (tuple, list, dict) and len(answer) < _INSIDE
    return gc.get_referents(answer) if is_small and reach.owner(id(answer)) is None else []


def _excess(things: dict[int, tuple[str, Any]], reach: Reach) -> dict[int, int]:
    """Give id -> the number of references that the search has not come by, where it is not usual.

    A variable has two more: from the search, and from the dict of values that it began from.
    """
    things[0] = "", object()
    own = sys.getrefcount(things[0][1])
    roots = {id(value) for value in reach.nodes.values()}
    found = {}
    for key, pair in things.items():
        seen = reach.references(key)
        if seen is not None:
            count = sys.getrefcount(pair[1]) - own - seen
            if 2 * (key in roots) < count < _IMMORTAL:
                found[key] = count
    del things[0]
    return found


def _figures() -> list[Any]:
    """Give the figures of pyplot, whose functions change the latest of them."""
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    managers = getattr(getattr(helpers, "Gcf", None), "figs", None) or {}
    return [manager.canvas.figure for manager in managers.values()]


def _is_typing(thing: Any) -> bool:
    return live.type_name(type(thing)).startswith("typing.")


def _in_tracebacks(values: dict[str, Any]) -> Iterator[Any]:
    """Give what the frames of exceptions refer to that are kept for a look at them."""
    errors = [v for v in values.values() if live.is_exception(v)]
    todo = [BaseException.__dict__["__traceback__"].__get__(error) for error in errors]
    todo += [getattr(sys, "last_traceback", None)]
    seen = set()
    while todo:
        traceback = todo.pop()
        if traceback is not None and id(traceback) not in seen:
            seen.add(id(traceback))
            yield from gc.get_referents(traceback.tb_frame)
            todo.append(traceback.tb_next)
