"""Two values -> where they differ in what they mean: a walk over both at once.

What is compared of a pair of values, and what is left to be compared inside of them, says a rule,
by their type; see `compare_objects`, `compare_arrays`, `compare_frames`.  The walk follows them
without recursion, and goes through each pair of objects once: cycles end, and what is shared
counts once.  No ``__eq__``, ``__hash__`` or ``__repr__`` of the user's is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from kernel_payload import live
from kernel_payload.instances import Layout

from .compare_rules import rule_for
from .difference import (
    Comparison,
    Context,
    Difference,
    Pair,
    Part,
    Tolerance,
    Unknown,
    say_type,
)

_SHOWN = 10
_COUNTED = 1000
_PAIRS = 3_000_000  # about half a minute
_STEPS = 40  # of a path that are shown

Path = tuple[Any, "str | int"] | None


def compare(
    a: Any,
    b: Any,
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
    ignored: Callable[[str], object] | None = None,
) -> Comparison:
    """Compare two values by what they mean.

    Parameters
    ----------
    a, b : object
        The values.  Classes of a notebook may be different objects: their qualified names count.
    rtol, atol : float, default 0
        Numbers are equal when ``abs(a - b) <= atol + rtol * abs(a)``; NaN equals NaN.
    ignored : callable, optional
        Path, as Python has it -> whether a difference there does not count.

    Returns
    -------
    Comparison
        The first differences in the order of the values, and how many there are.
    """
    walk = _Walk(Tolerance(rtol, atol), _COUNTED, _Seen(None), _Shared(), ignored)
    walk.go(a, b)
    return Comparison(
        tuple(walk.differences), walk.count, tuple(walk.unknown), complete=not walk.stopped
    )


T = TypeVar("T")


class _OfClasses(Generic[T]):
    """What is found out of each class once; by id: hashing one may run its metaclass's code."""

    def __init__(self, find: Callable[[type], T]) -> None:
        self._find = find
        self._found: dict[int, tuple[type, T]] = {}

    def __call__(self, cls: type) -> T:
        if (known := self._found.get(id(cls))) is None:
            # with the class, so that no other gets its id
            self._found[id(cls)] = known = cls, self._find(cls)
        return known[1]


class _Shared:
    """What a walk shares with those within it: what it knows of classes, how far it may go."""

    def __init__(self) -> None:
        self.left = _PAIRS
        self.rule = _OfClasses(rule_for)
        self.name = _OfClasses(live.type_name)
        self.layout = _OfClasses(Layout)


class _Seen:
    """The pairs of objects that were met, by a walk and by those around it; keeps them alive."""

    def __init__(self, around: _Seen | None) -> None:
        self._around = around
        self._pairs: dict[tuple[int, int], tuple[Any, Any]] = {}

    def add(self, a: Any, b: Any) -> bool:
        """Note a pair; gives whether it is a new one."""
        key, seen = (id(a), id(b)), self
        while key not in seen._pairs:
            if seen._around is None:
                self._pairs[key] = a, b
                return True
            seen = seen._around
        return False


class _Walk:
    """One search for differences, which ends after so many."""

    def __init__(
        self,
        tolerance: Tolerance,
        most: int,
        seen: _Seen,
        shared: _Shared,
        ignored: Callable[[str], object] | None = None,
    ) -> None:
        self.differences: list[Difference] = []
        self.unknown: list[Unknown] = []
        self.count = 0
        self.stopped = False
        self._most = most
        self._seen = seen
        self._shared = shared
        self._tolerance = tolerance
        self._ignored = ignored
        self._context = Context(tolerance, self._are_equal, shared.layout)

    def go(self, a: Any, b: Any) -> None:
        """Compare two values, and all that is inside of them."""
        stack: list[tuple[Path, Iterator[Part]]] = [(None, iter([Pair("", a, b)]))]
        while stack and not self.stopped:
            path, parts = stack[-1]
            try:
                part = next(parts, None)
            except Exception as error:  # noqa: BLE001  (whatever a library raises at odd values)
                part = Unknown("", f"{live.type_name(type(error))} when it was compared")
                stack.pop()
            if part is None:
                stack.pop()
            elif isinstance(part, Pair):
                if deeper := self._inside(part):
                    stack.append(((path, part.step), deeper))
            else:
                self._note(path, part)

    def _inside(self, pair: Pair) -> Iterator[Part] | None:
        """Give the parts of a pair that is not known to be equal."""
        a, b, shared = pair.a, pair.b, self._shared
        if self._tolerance.alike(a, b):
            return None
        shared.left -= 1
        self.stopped = self.stopped or shared.left < 0
        if not live.is_scalar(a) and not self._seen.add(a, b):
            return None
        rule = shared.rule(type(a))
        if type(a) is not type(b) and (
            shared.name(type(a)) != shared.name(type(b)) or rule is not shared.rule(type(b))
        ):
            return iter([Difference("", "type", say_type(a), say_type(b))])
        return iter(rule(a, b, self._context))

    def _note(self, path: Path, found: Difference | Unknown) -> None:
        where = _render(path) + found.path
        if self._ignored is not None and self._ignored(where):
            return
        if isinstance(found, Unknown):
            if len(self.unknown) < _SHOWN:
                self.unknown.append(Unknown(where, found.reason))
            return
        self.count += 1
        if self.count <= _SHOWN:
            self.differences.append(Difference(where, found.kind, found.a, found.b, found.amount))
        self.stopped = self.count >= self._most

    def _are_equal(self, a: Any, b: Any) -> bool:
        """Whether two values inside of this walk's are equal; what it is at counts as equal."""
        inner = _Walk(self._tolerance, 1, _Seen(self._seen), self._shared)
        inner.go(a, b)
        return not inner.count and not inner.unknown and not inner.stopped


def _render(path: Path) -> str:
    steps: list[str] = []
    while path is not None:
        path, step = path
        if step != "":
            steps.append(f"[{step}]" if isinstance(step, int) else step)
    if len(steps) > _STEPS:
        half = _STEPS // 2
        steps[half:-half] = ["…"]
    return "".join(reversed(steps))
