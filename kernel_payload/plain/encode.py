"""A value -> plain data: a walk by the types of what it meets; runs no code of the notebook's.

What has no order is told in that of its text.  Only what was made in C is asked what it would say
to pickle.  What takes more than so many bytes is told by its digest, its shape and statistics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .arrays import tell_array
from .names import name_of
from .nodes import IGNORED, Json, Told, canonical, is_large, sum_up
from .rules import ALIKE, SCALARS, Rule, rule_for
from .shown import hidden

SIZE = 16384
"""Bytes up to which a value, or a part of one, is told in full, unless said otherwise."""

_DEPTH = 100  # each level takes up to eight calls, of the thousand that Python allows
_PARTS = 2_000_000
_SUM = 64  # what something large counts in what holds it; what takes no more is never summed up
_SHARE = 16  # then a part may take this part of what the whole may
_FEW = 200  # items of a list that are looked at one by one then
# by id: comparing classes may run their metaclass's code
_SIZED = {*map(id, (list, tuple, dict, set, frozenset, str, bytes))}


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
        self.size = max(size, _SUM)
        self._ignored = ignored
        self._left = _PARTS
        self._depth = 0
        self._is_brief = False
        # id of what was met -> its path; and what keeps it alive
        self._known: dict[int, str] = {}
        self._alive: list[Any] = []
        # id of a class -> the class, and by what rule its instances are told
        self._rules: dict[int, tuple[type, Rule]] = {}

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
            return (node, weight) if weight <= self.size else self.fitting(node, weight, value)
        self._left -= 1
        if self._left < 0:
            raise TooMuch(f"it has more than {_PARTS:,} parts")
        if self._depth > _DEPTH:
            raise TooMuch(f"it is nested more than {_DEPTH} levels deep")
        return self._tell_part(value, cls, path)

    def _tell_part(self, value: Any, cls: type, path: str) -> Told:
        rule = self._rule(cls)
        if rule not in ALIKE:
            if (known := self._known.get(id(value))) is not None:
                return {"is": "same", "as": known}, 8
            self._known[id(value)] = path
            self._alive.append(value)
        before = self.met
        node, weight = self._by_rule(rule, value, path)
        if weight > self.size and not self._is_brief and _has_parts(node):
            # small parts of a large whole are told all the same, its large ones by their digests
            with self.briefly(before, self.size // _SHARE):
                node, weight = self._by_rule(rule, value, path)
        return self.fitting(node, weight, value)

    def _rule(self, cls: type) -> Rule:
        if (found := self._rules.get(id(cls))) is None:
            try:
                rule = rule_for(cls)
            except Exception:  # noqa: BLE001  (looking for its module, one meets lies)
                rule = hidden
            self._rules[id(cls)] = found = cls, rule
        return found[1]

    def _by_rule(self, rule: Rule, value: Any, path: str) -> Told:
        self._depth += 1
        try:
            return rule(self, value, path)
        except TooMuch:
            raise
        except RecursionError:
            raise TooMuch("it is nested too deeply") from None
        except (Exception, SystemExit) as error:  # noqa: BLE001  (an object in an odd state)
            name = f"{name_of(type(value))} ({name_of(type(error))})"
            return {"is": "hidden", "type": name}, 8
        finally:
            self._depth -= 1

    def fitting(self, node: Json, weight: int, value: Any) -> Told:
        """Give what was told of a value if it is not too large; else what sums it up."""
        if is_large(node):
            return node, _SUM
        if weight <= self.size:
            return node, weight
        return sum_up(node, len(value) if id(type(value)) in _SIZED else None), _SUM

    @property
    def met(self) -> int:
        """How much was met so far."""
        return len(self._alive)

    def _forget(self, before: int) -> None:
        """Forget what was met since."""
        for met in self._alive[before:]:
            self._known.pop(id(met), None)

    # -- parts, for the rules

    def listed(self, items: list[Any], path: str) -> Told:
        """Tell items one after the other."""
        # by id: hashing a class may run its metaclass's code
        kinds = {*map(id, map(type, items))}
        if self._ignored is None and kinds == {id(float)} and all(map(math.isfinite, items)):
            return items, 8 + 8 * len(items)
        told = [self.tell(item, f"{path}[{place}]") for place, item in enumerate(items)]
        return [node for node, _ in told], 8 + sum(weight for _, weight in told)

    def unordered(self, items: list[Any], path: str) -> Told:
        """Tell items in the order of their texts; none of them is known outside."""
        told = [self.apart(item, f"{path}{{}}") for item in items]
        told.sort(key=lambda pair: canonical(pair[0]))
        return [node for node, _ in told], 8 + sum(weight for _, weight in told)

    def apart(self, value: Any, path: str) -> Told:
        """Tell a value whose parts, wherever else they are met, are told again."""
        before = self.met
        found = self.tell(value, path)
        self._forget(before)
        return found

    def named(self, found: dict[str, Any], path: str, step: str = ".{}") -> Told:
        """Tell what has names, in their order; names that are ignored are not told either."""
        paths = {name: path + step.format(name) for name in sorted(found)}
        told = {n: self.tell(found[n], at) for n, at in paths.items() if not self.ignores(at)}
        weight = sum(len(name) + weight for name, (_, weight) in told.items())
        return {name: node for name, (node, _) in told.items()}, 8 + weight

    def part(self, x: Any, path: str, dtype: str, mask: Any = None) -> Told:
        """Tell a column that is an array of numpy, whose dtype has a name of its own."""
        return self.fitting(*tell_array(self, x, path, "column", dtype=dtype, mask=mask), x)

    def ignores(self, path: str) -> bool:
        """Whether what is there is not to be told."""
        return self._ignored is not None and self._ignored(path)

    @contextmanager
    def briefly(self, before: int, size: int = _SUM) -> Iterator[None]:
        """Tell again what was met since, in full only what takes fewer bytes."""
        self._forget(before)
        known = self.size, self._is_brief
        self.size, self._is_brief = max(size, _SUM), True
        try:
            yield
        finally:
            self.size, self._is_brief = known


def _has_parts(node: Json) -> bool:
    """Whether a node has parts by which it could be told in less."""
    found = node.get("items", node) if isinstance(node, dict) else node
    return not isinstance(found, list) or len(found) <= _FEW
