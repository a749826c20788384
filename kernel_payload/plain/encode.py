"""A value -> plain data: a walk by the types of what it meets; runs no code of the notebook's.

What has no order is told in that of its text.  Only what was made in C is asked what it would say
to pickle.  What takes more than so many bytes is told by its digest, its shape and statistics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..describe import brief
from . import arrays
from .names import name_of
from .nodes import IGNORED, Json, canonical, is_large, sum_up
from .rules import SCALARS, rule_for

SIZE = 16384
"""Bytes up to which a value, or a part of one, is told in full, unless said otherwise."""

_DEPTH = 120
_PARTS = 2_000_000
_SUM = 64  # what something large counts in what holds it
_SHARE = 16  # then a part may take this part of what the whole may
_FEW = 200  # items of a list that are looked at one by one then
_SIZED = (list, tuple, dict, set, frozenset)

Told = tuple[Json, int]
"""A node, and about how many bytes the value takes; that does not depend on the digits."""

Ignored = Callable[[str], bool]


class TooMuch(Exception):
    """A value is nested too deeply, or has too many parts, to be told."""


class Encoder:
    """Tells one value.

    Parameters
    ----------
    size : int
        Bytes up to which each part of it is told in full.
    ignored : callable, optional
        Path in the value, as Python has it -> whether what is there is not to be told.
    """

    def __init__(self, size: int = SIZE, ignored: Ignored | None = None) -> None:
        self.size = size
        self._ignored = ignored
        self._left = _PARTS
        self._depth = 0
        self._is_brief = False
        # id of what was met -> its path; and what keeps it alive
        self._known: dict[int, str] = {}
        self._alive: list[Any] = []

    def tell(self, value: Any, path: str = "") -> Told:
        """Tell a value.

        Raises
        ------
        TooMuch
            With the reason, for people.
        """
        if self.ignores(path):
            return IGNORED, 1
        cls = type(value)
        if tell := SCALARS.get(id(cls)):
            node, weight = tell(value)
            return (node, weight) if weight <= self.size else (sum_up(node, len(value)), _SUM)
        self._left -= 1
        if self._left < 0:
            raise TooMuch(f"it has more than {_PARTS:,} parts")
        if self._depth > _DEPTH:
            raise TooMuch(f"it is nested more than {_DEPTH} levels deep")
        return self._tell_part(value, cls, path)

    def _tell_part(self, value: Any, cls: type, path: str) -> Told:
        if cls is not tuple and cls is not frozenset:  # of which equal ones may be shared, or not
            if (known := self._known.get(id(value))) is not None:
                return {"is": "same", "as": known}, 8
            self._known[id(value)] = path
            self._alive.append(value)
        before = len(self._alive)
        node, weight = self._by_rule(value, cls, path)
        if weight > self.size and not self._is_brief and _has_parts(node):
            # small parts of a large whole are told all the same, its large ones by their digests
            self._forget(before)
            with self.briefly(self.size // _SHARE):
                node, weight = self._by_rule(value, cls, path)
        if weight <= self.size or is_large(node):
            return node, weight
        return sum_up(node, len(value) if cls in _SIZED else None), _SUM

    def _by_rule(self, value: Any, cls: type, path: str) -> Told:
        self._depth += 1
        try:
            return rule_for(cls)(self, value, path)
        except TooMuch:
            raise
        except Exception as error:  # noqa: BLE001  (a library's object in an odd state)
            return {"is": "hidden", "type": f"{name_of(cls)} ({type(error).__name__})"}, 8
        finally:
            self._depth -= 1

    def _forget(self, before: int) -> None:
        """Forget what was met since."""
        for met in self._alive[before:]:
            self._known.pop(id(met), None)

    # -- parts, for the rules

    def listed(self, items: list[Any], path: str) -> Told:
        """Tell items one after the other."""
        kinds = {*map(type, items)}
        if self._ignored is None and kinds == {float} and all(map(math.isfinite, items)):
            return items, 8 * len(items)
        told = [self.tell(item, f"{path}[{place}]") for place, item in enumerate(items)]
        return [node for node, _ in told], 8 + sum(weight for _, weight in told)

    def unordered(self, items: list[Any], path: str) -> Told:
        """Tell items in the order of their texts; none of them is known outside."""
        told = [self.apart(item, f"{path}{{{brief(item)}}}") for item in items]
        told.sort(key=lambda pair: canonical(pair[0]))
        return [node for node, _ in told], 8 + sum(weight for _, weight in told)

    def apart(self, value: Any, path: str) -> Told:
        """Tell a value whose parts, wherever else they are met, are told again."""
        before = len(self._alive)
        try:
            return self.tell(value, path)
        finally:
            self._forget(before)

    def named(self, found: dict[str, Any], path: str, step: str = ".{}") -> Told:
        """Tell what has names, in their order."""
        told = {name: self.tell(found[name], path + step.format(name)) for name in sorted(found)}
        weight = sum(len(name) + weight for name, (_, weight) in told.items())
        return {name: node for name, (node, _) in told.items()}, 8 + weight

    def part(self, x: Any, path: str, dtype: str) -> Told:
        """Tell a column that is an array of numpy, whose dtype has a name of its own."""
        node, weight = arrays.tell(self, x, path, "column", dtype)
        return (
            (node, weight)
            if weight <= self.size or is_large(node)
            else (sum_up(node, len(x)), _SUM)
        )

    def ignores(self, path: str) -> bool:
        """Whether what is there is not to be told."""
        return self._ignored is not None and self._ignored(path)

    @contextmanager
    def briefly(self, size: int = 0) -> Iterator[None]:
        """Tell in full what takes fewer bytes only; by default no array."""
        before = self.size, self._is_brief
        self.size, self._is_brief = size, True
        try:
            yield
        finally:
            self.size, self._is_brief = before


def _has_parts(node: Json) -> bool:
    """Whether a node has parts by which it could be told in less."""
    found = node.get("items", node) if isinstance(node, dict) else node
    return not isinstance(found, list) or len(found) <= _FEW
