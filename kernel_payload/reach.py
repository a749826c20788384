"""Which variables share what: what is reachable from each, by the garbage collector's eyes.

Nodes are variables, by name, and the notebook's classes, by ``<class ...>``.  Two nodes that reach
one mutable object belong to one group.  A class is a node of its own: instances refer to it, so two
instances of one class stay apart.  A function never leads to its globals.
"""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from . import live
from .live import Kind


class ClassNames:
    """Classes of the notebook <-> the names of their entries, for as long as they live."""

    def __init__(self) -> None:
        self._by_id: dict[int, tuple[weakref.ref[type], str]] = {}
        self._count = 0

    def name(self, cls: type) -> str:
        """Give ``<class Name 3>``, the same for the life of a class."""
        key = id(cls)
        if key not in self._by_id:
            self._count += 1
            forget = weakref.ref(cls, lambda _: self._by_id.pop(key, None))
            self._by_id[key] = (forget, f"<class {live.type_name(cls)} {self._count}>")
        return self._by_id[key][1]

    def alive(self) -> dict[str, type]:
        """Give name -> class, of those that still exist."""
        found = ((name, cls()) for cls, name in list(self._by_id.values()))
        return {name: cls for name, cls in found if cls is not None}


class Reach:
    """A search from some variables of a namespace.

    Attributes
    ----------
    nodes : dict
        Name -> value of each node that was searched.
    uses : dict
        Node -> the class nodes that it refers to.
    refused : dict
        Node -> why it cannot be saved, found on the way.
    """

    def __init__(self, namespace: dict[str, Any], classes: ClassNames) -> None:
        self.namespace = namespace
        self.classes = classes
        self.nodes: dict[str, Any] = {}
        self.uses: dict[str, set[str]] = defaultdict(set)
        self.refused: dict[str, str] = {}
        self._code: list[tuple[str, types.CodeType]] = []
        self._owner: dict[int, str] = {}
        self._root_owner: dict[int, str] = {}
        self._arrays: dict[int, dict[int, Any]] = defaultdict(dict)
        self._union: dict[str, str] = {}
        self._kinds: dict[int, tuple[Kind, type]] = {}
        self._waiting: list[tuple[str, type]] = []

    def add(self, name: str, value: Any) -> None:
        """Search from a variable, and from the classes that it leads to."""
        self._search(name, value, [value])
        self._search_waiting()

    def add_class(self, user: str, cls: type) -> None:
        """Search from a class that only pickling came by, in the node ``user``."""
        self._refer(user, cls)
        self._search_waiting()

    def take_code(self) -> list[tuple[str, types.CodeType]]:
        """Give node and code of the functions that were come by since the last time."""
        code, self._code = self._code, []
        return code

    def groups(self) -> list[tuple[str, ...]]:
        """Give the nodes that must be pickled together, classes before what uses them."""
        self._join_cycles()
        members: dict[str, list[str]] = defaultdict(list)
        for name in self.nodes:
            members[self._find(name)].append(name)
        order: dict[str, None] = {}
        edges = self._edges()

        def place(group: str) -> None:
            if group not in order:
                for other in sorted(edges.get(group, set()) - {group}):
                    place(other)
                order[group] = None

        for group in members:
            place(group)
        return [tuple(sorted(members[group])) for group in order if group in members]

    def _edges(self) -> dict[str, set[str]]:
        """Give group -> the groups of the classes to which it refers."""
        edges: dict[str, set[str]] = defaultdict(set)
        for node, classes in self.uses.items():
            if node in self._union:
                edges[self._find(node)] |= {self._find(cls) for cls in classes}
        return edges

    def views(self) -> dict[int, Any]:
        """Give id of an array -> the array whose memory it shares with others that were reached."""
        shared = (arrays for arrays in self._arrays.values() if len(arrays) > 1)
        return {key: root for arrays in shared for key, root in arrays.items() if key != id(root)}

    # -- the search

    def _search_waiting(self) -> None:
        while self._waiting:
            name, cls = self._waiting.pop()
            self._search(name, cls, _class_contents(cls))

    def _search(self, node: str, value: Any, frontier: list[Any]) -> None:
        self.nodes[node] = value
        self._union.setdefault(node, node)
        kinds = self._kinds
        local: set[int] = set()
        while frontier and node not in self.refused:
            plain: list[Any] = []
            further: list[Any] = []
            for thing in frontier:
                # by id: hashing a class may run its metaclass's code
                kind, _ = kinds.get(id(type(thing))) or self._kind(type(thing))
                if kind is Kind.ATOM:
                    continue
                if kind is Kind.PLAIN:
                    if self._claim(node, thing):
                        plain.append(thing)
                elif kind is not Kind.LOCAL:
                    further += _VISIT[kind](self, node, thing)
                elif id(thing) not in local:
                    local.add(id(thing))
                    plain.append(thing)
            further += gc.get_referents(*plain)
            frontier = further

    def _kind(self, cls: type) -> tuple[Kind, type]:
        self._kinds[id(cls)] = found = (live.kind_of(cls), cls)
        return found

    def _claim(self, node: str, thing: Any) -> bool:
        """Note that a node reaches an object; whether it is the first to."""
        if thing is self.namespace:
            self.refused[node] = "it reaches the notebook's own namespace, globals()"
            return False
        if (owner := self._owner.get(id(thing))) is not None:
            self._join(owner, node)
            return False
        self._owner[id(thing)] = node
        return True

    def _refer(self, node: str, cls: type) -> list[Any]:
        if live.is_notebook_class(cls):
            name = self.classes.name(cls)
            if name != node:
                self.uses[node].add(name)
            if name not in self._union:
                self._union[name] = name
                self._waiting.append((name, cls))
        return []

    def _member(self, node: str, member: Any) -> list[Any]:
        return self._refer(node, type(member))

    def _function(self, node: str, function: types.FunctionType) -> list[Any]:
        if not live.is_notebook_function(function) or not self._claim(node, function):
            return []
        self._code.append((node, function.__code__))
        scope = function.__globals__
        # a function from exec(..., {}) brings those globals of its own that it names
        own = scope if scope is not self.namespace and not live.is_module_scope(scope) else {}
        if own:
            # the functions of one such exec go on sharing them
            self._claim(node, own)
        return [
            *(function.__closure__ or ()),
            function.__defaults__,
            function.__kwdefaults__,
            function.__dict__,
            *(own[name] for name in function.__code__.co_names if name in own),
        ]

    def _array(self, node: str, array: Any) -> list[Any]:
        if not self._claim(node, array):
            return []
        ndarray = sys.modules["numpy"].ndarray
        root = array
        while isinstance(base := ndarray.base.__get__(root), ndarray):
            root = base
        self._join(self._root_owner.setdefault(id(root), node), node)
        self._arrays[id(root)][id(array)] = root
        # a list of the elements themselves, whatever a subclass makes of indexing
        elements = ndarray.tolist(ndarray.ravel(array)) if array.dtype.hasobject else []
        return [base, *elements]

    def _by_name(self, node: str, thing: Any) -> list[Any]:
        # a builtin method holds its object, an array's flat iterator its array
        return [getattr(thing, "__self__", None), getattr(thing, "base", None)]

    def _frame(self, node: str, thing: Any) -> list[Any]:
        """Look at the variables of a generator or coroutine that may go on."""
        kind = {types.GeneratorType: "gi", types.CoroutineType: "cr"}.get(type(thing), "ag")
        self._code.append((node, getattr(thing, f"{kind}_code")))
        if not self._claim(node, thing):
            return []
        frame = getattr(thing, f"{kind}_frame")
        awaited = getattr(thing, {"gi": "gi_yieldfrom"}.get(kind, f"{kind}_await"))
        return [awaited, *(frame.f_locals.values() if frame is not None else ())]

    def _weak(self, node: str, thing: Any) -> list[Any]:
        return [thing()]

    # -- who belongs together

    def _find(self, node: str) -> str:
        while (above := self._union[node]) != node:
            self._union[node] = node = self._union[above]
        return node

    def _join(self, a: str, b: str) -> None:
        self._union[self._find(a)] = self._find(b)

    def _join_cycles(self) -> None:
        """Join groups whose classes refer to each other: neither could be loaded first."""
        edges = self._edges()
        beyond = {group: _closure(group, edges) for group in edges}
        for group, reached in beyond.items():
            for other in reached:
                if group in beyond.get(other, ()):
                    self._join(group, other)


def _closure(start: str, edges: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    todo = [start]
    while todo:
        new = edges.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found


def _class_contents(cls: type) -> list[Any]:
    contents = [
        v for k, v in live.namespace_of(cls).items() if k not in ("__dict__", "__weakref__")
    ]
    return [*contents, *live.bases_of(cls), type(cls)]


_VISIT: dict[Kind, Callable[[Reach, str, Any], list[Any]]] = {
    Kind.CLASS: Reach._refer,
    Kind.ENUM: Reach._member,
    Kind.FUNCTION: Reach._function,
    Kind.ARRAY: Reach._array,
    Kind.BY_NAME: Reach._by_name,
    Kind.FRAME: Reach._frame,
    Kind.WEAK: Reach._weak,
}
