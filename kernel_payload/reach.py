"""Which variables share what: what is reachable from each, by the garbage collector's eyes.

Nodes are variables, by name, and the notebook's classes, by ``<class ...>``.  Two nodes that reach
one mutable object belong to one group.  A class is a node of its own: instances refer to it, so two
instances of one class stay apart.  A function never leads to its globals.
"""

from __future__ import annotations

import array as arrays
import gc
import operator
import sys
import types
from collections import defaultdict
from collections.abc import Callable, Iterable, Set
from itertools import chain, repeat
from typing import Any

from . import live, tensors
from .classnames import ClassNames
from .groups import Groups
from .live import Kind
from .memory import once, owner_of

_MANY = 32  # objects that are looked at all at once
_AT_ONCE = 1 << 16  # that many at most: what is noted of each takes memory
_CONTAINERS = frozenset(map(id, (list, dict, tuple)))  # no weak reference leads to these


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
    functions : dict
        Node -> the ids of its functions whose globals are the namespace.
    methods : dict
        Node -> the ids of the functions that its bound methods have from their classes.
    """

    def __init__(self, namespace: dict[str, Any], classes: ClassNames) -> None:
        self.namespace = namespace
        self.classes = classes
        self.nodes: dict[str, Any] = {}
        self.uses: dict[str, set[str]] = defaultdict(set)
        self.refused: dict[str, str] = {}
        self.functions: dict[str, set[int]] = defaultdict(set)
        self.methods: dict[str, list[int]] = defaultdict(list)
        self._code: list[tuple[str, types.CodeType]] = []
        self._owner: dict[int, str] = {}
        # id of an object -> the references to it that were come by after the first
        self._again: dict[int, int] = defaultdict(int)
        self._shared: dict[str, set[int]] = defaultdict(set)
        self._root_owner: dict[int, str] = {}
        self._storage_owner: dict[int, str] = {}
        self._holders: dict[int, set[str]] = defaultdict(set)
        self._bound: set[int] = set()
        self._arrays: dict[int, dict[int, Any]] = defaultdict(dict)
        self._nearest: dict[int, dict[int, Any]] = defaultdict(dict)
        self._groups = Groups()
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

    def references(self, key: int) -> int | None:
        """Give how often the search came by an object, by its id; None for what is not tracked."""
        return 1 + self._again.get(key, 0) if key in self._owner else None

    def owner(self, key: int) -> str | None:
        """Give the node that was the first to reach an object, by its id."""
        return self._owner.get(key)

    def held(self) -> Iterable[Any]:
        """Give the objects that the search itself refers to, each as often as it does."""
        yield from self.nodes.values()
        for shown in (*self._arrays.values(), *self._nearest.values()):
            yield from shown.values()

    def together(self, names: Iterable[str]) -> set[str]:
        """Give the nodes that share objects with some."""
        return self._groups.together(names) & self.nodes.keys()

    def groups(self) -> list[tuple[str, ...]]:
        """Give the nodes that must be pickled together, classes before what uses them."""
        return self._groups.ordered(self.nodes, self.uses)

    def views(self) -> dict[int, Any]:
        """Give id of an array or buffer -> the owner of the memory that it shares with others.

        The owner is among them, if it was reached.
        """
        found: dict[int, Any] = {}
        for key, shown in self._arrays.items():
            if len(shown) > 1:
                nearest = [*self._nearest[key].values()]
                found.update(dict.fromkeys(shown, nearest[0]) if len(nearest) == 1 else shown)
        return found

    def shared_dicts(self, names: Iterable[str]) -> set[int]:
        """Give the ids of the dicts that were come by more than once, of some nodes."""
        return {key for name in names if name in self._shared for key in self._shared[name]}

    # -- the search

    def _search_waiting(self) -> None:
        while self._waiting:
            name, cls = self._waiting.pop()
            self._search(name, cls, _class_contents(cls))

    def _search(self, node: str, value: Any, frontier: list[Any]) -> None:
        self.nodes[node] = value
        self._groups.add(node)
        kinds = self._kinds
        local: set[int] = set()
        held: list[Any] = []  # what only claimed objects are known to lead to
        while (held or frontier) and node not in self.refused:
            claimed: list[Any] = []
            passed: list[Any] = []
            further: list[Any] = []
            following: list[Any] = []
            if len(held) >= _MANY:
                held, following = self._sift(held)
            for thing in chain(held, frontier):
                # by id: hashing a class may run its metaclass's code
                kind, _ = kinds.get(id(type(thing))) or self._kind(type(thing))
                if kind is Kind.ATOM:
                    continue
                if kind is Kind.PLAIN:
                    if self._claim(node, thing):
                        claimed.append(thing)
                elif kind is not Kind.LOCAL:
                    further += _VISIT[kind](self, node, thing)
                elif id(thing) not in local:
                    local.add(id(thing))
                    passed.append(thing)
            held = following + gc.get_referents(*claimed)
            frontier = further + gc.get_referents(*passed)

    def _sift(self, held: list[Any]) -> tuple[list[Any], list[Any]]:
        """Pass over much at once: give what must be looked at one by one, and the next level.

        These are what claimed objects refer to.  Of containers to which one reference leads, the
        one by which the search came, nobody else can have a share.
        """
        rest: list[Any] = []
        following: list[Any] = []
        for start in range(0, len(held), _AT_ONCE):
            some = held[start : start + _AT_ONCE]
            types = _types(some)
            kinds = {k: (self._kinds.get(k) or self._kind(cls))[0] for k, cls in types.items()}
            atoms = {key for key, kind in kinds.items() if kind is Kind.ATOM}
            if len(atoms) < len(types):
                counts = [*map(sys.getrefcount, some)]
                alone, others = _split(some, counts, types.keys(), atoms)
                rest += others
                following += gc.get_referents(*alone)
        return rest, following

    def _kind(self, cls: type) -> tuple[Kind, type]:
        self._kinds[id(cls)] = found = (live.kind_of(cls), cls)
        return found

    def _claim(self, node: str, thing: Any) -> bool:
        """Note that a node reaches an object; whether it is the first to."""
        if thing is self.namespace:
            self.refused[node] = "it reaches the notebook's own namespace, globals()"
            return False
        if (owner := self._owner.get(id(thing))) is not None:
            self._groups.join(owner, node)
            self._again[id(thing)] += 1
            if live.is_dict(thing):
                self._shared[owner].add(id(thing))
            return False
        self._owner[id(thing)] = node
        return True

    def _refer(self, node: str, cls: type) -> list[Any]:
        if live.is_notebook_class(cls):
            name = self.classes.name(cls)
            if name != node:
                self.uses[node].add(name)
            if self._groups.add(name):
                self._waiting.append((name, cls))
        return []

    def _member(self, node: str, member: Any) -> list[Any]:
        return self._refer(node, type(member))

    def _function(self, node: str, function: types.FunctionType) -> list[Any]:
        if not live.is_notebook_function(function) or not self._claim(node, function):
            return []
        self._code.append((node, function.__code__))
        scope = function.__globals__
        if scope is self.namespace:
            self.functions[node].add(id(function))
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
        if isinstance(held := ndarray.base.__get__(array), ndarray):
            self._again[id(held)] += 1
        while isinstance(base := ndarray.base.__get__(root), ndarray):
            root = base
        owner = self._shows(node, array, root)
        # a list of the elements themselves, whatever a subclass makes of indexing
        elements = []
        if array.dtype.hasobject:
            elements = ndarray.ravel(once(ndarray.view(array, ndarray))).tolist()
        attributes = gc.get_referents(array) if type(array) is not ndarray else []
        # a buffer that only arrays show is no more than their memory
        lender = [] if type(owner) in (bytearray, arrays.array) else [base]
        return [*lender, *elements, *attributes]

    def _memory(self, node: str, thing: Any) -> list[Any]:
        if not self._claim(node, thing):
            return []
        self._shows(node, thing)
        # a view's memory is lent by a buffer that stands between it and the owner
        return gc.get_referents(*gc.get_referents(thing)) if type(thing) is memoryview else []

    def _shows(self, node: str, thing: Any, array: Any = None) -> Any:
        """Note whose memory something shows, and by which array nearest to the owner."""
        owner = owner_of(thing)
        self._groups.join(self._root_owner.setdefault(id(owner), node), node)
        self._arrays[id(owner)][id(thing)] = owner
        nearest = owner if array is None else array
        self._nearest[id(owner)][id(nearest)] = nearest
        return owner

    def _index(self, node: str, index: Any) -> list[Any]:
        # frames that share one stay apart, unless a variable is that index: its name can be set
        self._holders[id(index)].add(node)
        if self.nodes[node] is index:
            self._bound.add(id(index))
        if id(index) in self._bound:
            for other in self._holders[id(index)]:
                self._groups.join(other, node)
        if (levels := getattr(index, "levels", None)) is not None:
            return [*levels]
        mixed = index.dtype == object and index.inferred_type.startswith("mixed")
        return index.tolist() if mixed else []

    def _method(self, node: str, method: types.MethodType) -> list[Any]:
        if not self._claim(node, method):
            return []
        if live.home_of(method) is None:
            return [method.__self__, method.__func__]
        # its class has the function: bound by name, it shares nothing with other instances
        self._again[id(method.__func__)] += 1
        self.methods[node].append(id(method.__func__))
        return [method.__self__]

    def _tensor(self, node: str, thing: Any) -> list[Any]:
        if not self._claim(node, thing):
            return []
        if (address := tensors.memory_of(thing)) is not None:
            self._groups.join(self._storage_owner.setdefault(address, node), node)
        return [tensors.gradient_of(thing), *gc.get_referents(thing)]

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
        if frame is None:
            return []
        # not f_locals: asking for that gives references to the frame that it keeps
        scopes = (id(frame.f_globals), id(frame.f_builtins))
        where = thing if sys.version_info >= (3, 11) else frame
        return [found for found in gc.get_referents(where) if id(found) not in scopes]

    def _weak(self, node: str, thing: Any) -> list[Any]:
        if (found := live.target_of(thing)) is not None:
            # it is no reference that counts
            self._again[id(found)] -= 1
        return [found]


def _types(things: list[Any]) -> dict[int, type]:
    """Give the types of things, by id: hashing a class may run its metaclass's code."""
    first = type(things[0])
    if all(map(operator.is_, map(type, things), repeat(first))):
        return {id(first): first}
    return {id(cls): cls for cls in map(type, things)}


def _split(
    things: list[Any], counts: list[int], types: Set[int], atoms: set[int]
) -> tuple[list[Any], list[Any]]:
    """Give the containers to which one reference leads, and all others but atoms."""
    if types <= _CONTAINERS and counts.count(_ALONE) == len(counts):
        return things, []
    keys = [*map(id, map(type, things))]
    alone: list[Any] = []
    others: list[Any] = []
    for thing, count, key in zip(things, counts, keys, strict=True):
        if count == _ALONE and key in _CONTAINERS:
            alone.append(thing)
        elif key not in atoms:
            others.append(thing)
    return alone, others


def _count_alone() -> int:
    """Count the references that `Reach._sift` sees of an object that one container holds."""
    container: list[Any] = [[]]
    held = gc.get_referents(container)
    some = held[:1]
    return next(map(sys.getrefcount, some))


_ALONE = _count_alone()


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
    Kind.TENSOR: Reach._tensor,
    Kind.MEMORY: Reach._memory,
    Kind.INDEX: Reach._index,
    Kind.METHOD: Reach._method,
    Kind.BY_NAME: Reach._by_name,
    Kind.FRAME: Reach._frame,
    Kind.WEAK: Reach._weak,
}
