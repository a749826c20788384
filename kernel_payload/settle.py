"""Variables -> groups that are frozen, and variables that cannot be, with the reason.

What fails is found out alone, so that it takes nothing else with it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from . import live
from .calm import interrupts
from .chunks import Chunker, value_digest
from .classnames import ClassNames
from .freeze import Context, Frozen, Unreached, freeze, reductions
from .reach import Reach
from .varchive import Group, Part
from .varchive.digest import digest
from .where import where

_WORTH_SHARING = 0.01  # seconds; below, it is the small change of any cell
_SMALL = 1 << 20  # bytes of stream up to which the members of a group are also told apart


class Member(NamedTuple):
    """One of a group: its name, the digest of its value, and the bytes that it takes alone."""

    name: str
    digest: str
    size: int


@dataclass(frozen=True)
class Settled:
    """A group that is frozen, digest and size of each member, and the seconds that it took."""

    group: Group
    digests: tuple[str, ...]
    sizes: tuple[int, ...]
    cost: float = 0.0

    @classmethod
    def of(cls, name: str, parts: tuple[Part, ...], cost: float) -> Settled:
        """Make the group of one value."""
        size = sum(part.size for part in parts)
        return cls(Group((name,), parts), (value_digest(parts),), (size,), cost)

    def each(self) -> Iterator[Member]:
        """Give the members."""
        return map(Member, self.group.members, self.digests, self.sizes)


class Settling:
    """One recording's freezing; with ``store=False``, a look that stores nothing.

    Attributes
    ----------
    settled : dict
        Members -> group.
    failed : dict
        Name -> why it cannot be saved.
    torn : list of tuple of str
        The groups that share objects, some of whose members failed.
    spent : dict
        Name -> the seconds that went into what cannot be saved.
    nodes : dict
        Name -> value of all that was looked at, classes included.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        classes: ClassNames,
        chunker: Chunker,
        *,
        store: bool = True,
    ) -> None:
        self.settled: dict[tuple[str, ...], Settled] = {}
        self.failed: dict[str, str] = {}
        self.torn: list[tuple[str, ...]] = []
        self.spent: dict[str, float] = {}
        self.nodes: dict[str, Any] = {}
        self._namespace = namespace
        self._classes = classes
        self._chunker = chunker
        self._store = store
        self._keep = chunker.keep if store else digest

    def settle(self, reach: Reach) -> None:
        """Freeze every group of a search."""
        self.failed.update(reach.refused)
        again: set[str] = set()
        while (missed := self._settle_groups(reach, again)) is not None:
            reach.add_class(*missed)
        self.nodes.update(reach.nodes)
        if again:
            # what is left of groups, some of whose members failed, may share less
            rest = Reach(self._namespace, self._classes)
            for name in sorted(again - self.failed.keys()):
                add = rest.add_class if name.startswith("<class") else rest.add
                add(name, reach.nodes[name])
            self.settle(rest)

    def shares(self, seconds: float) -> list[Settled]:
        """Give the groups, each with its share of what the whole look took, searching included."""
        groups = [*self.settled.values()]
        spent = sum(settled.cost for settled in groups)
        share = max(1.0, seconds / spent) if spent and seconds > _WORTH_SHARING else 1.0
        return [replace(settled, cost=settled.cost * share) for settled in groups]

    def _settle_groups(self, reach: Reach, again: set[str]) -> tuple[str, type] | None:
        """Freeze the groups; give the node and class at which freezing found a class missing."""
        names = {id(v): n for n, v in reach.nodes.items() if n.startswith("<class")}
        context = Context(self._namespace, names, reach.views(), reductions())
        for members in reach.groups():
            if members in self.settled or members[0] in again:
                continue
            start = time.perf_counter()
            trail: list[Any] = []
            blocked = self._blocked(members, reach)
            self.failed.update(blocked)
            try:
                left = tuple(m for m in members if m not in self.failed)
                if left == members:
                    with interrupts.welcome():
                        self._freeze(members, reach, context, trail)
                else:
                    self.torn.append(members)
                    again.update(left)
            except Unreached as missed:
                return members[0], missed.cls
            except BaseException as error:  # noqa: BLE001  (whatever a value's reduction raises)
                again.update(self._blame(members, reach, context, error, trail))
                self.spent.update(dict.fromkeys(members, time.perf_counter() - start))
        return None

    def _blocked(self, members: tuple[str, ...], reach: Reach) -> dict[str, str]:
        """Find members whose class cannot be saved."""
        found = {}
        for name in members:
            for cls in reach.uses.get(name, set()) & self.failed.keys():
                reason, is_it = self.failed[cls], reach.nodes[name] is reach.nodes.get(cls)
                told = cls.strip("<>").rpartition(" ")[0]
                found[name] = reason if is_it else f"its {told} cannot be saved: {reason}"
        return found

    def _freeze(
        self, members: tuple[str, ...], reach: Reach, context: Context, trail: list[Any]
    ) -> None:
        start = time.perf_counter()
        values = [reach.nodes[name] for name in members]
        inside = [name for name in members if name.startswith("<class")]
        context = context._replace(dicts=reach.shared_dicts(members))
        frozen = freeze(values, context, self._keep, inside, trail)
        parts = self._chunker.parts(frozen, store=self._store)
        digests = (value_digest(parts),) * len(members)
        sizes = (_size(frozen),) * len(members)
        if len(members) > 1 and frozen.stream.size <= _SMALL:
            alone = [
                self._alone(name, value, context)
                for name, value in zip(members, values, strict=True)
            ]
            digests = tuple(name for name, _ in alone)
            sizes = tuple(size for _, size in alone)
        cost = time.perf_counter() - start
        self.settled[members] = Settled(Group(members, parts), digests, sizes, cost)

    def _alone(self, name: str, value: Any, context: Context) -> tuple[str, int]:
        """Give the digest and size of one member, as if it shared nothing."""
        frozen = freeze([value], context._replace(views={}), digest, [name])
        return value_digest(self._chunker.parts(frozen, store=False)), _size(frozen)

    def _blame(
        self,
        members: tuple[str, ...],
        reach: Reach,
        context: Context,
        error: BaseException,
        trail: list[Any],
    ) -> set[str]:
        """Note which members fail alone (or all, when none does); give the others."""
        found = {}
        if len(members) > 1 and not isinstance(error, KeyboardInterrupt):
            for name in members:
                own_trail: list[Any] = []
                try:
                    with interrupts.welcome():
                        freeze([reach.nodes[name]], context, digest, [name], own_trail)
                except Unreached:
                    pass
                except BaseException as own:  # noqa: BLE001  (see above)
                    found[name] = _reason(own, name, reach.nodes[name], own_trail)
        if not found:
            found = {n: _reason(error, n, reach.nodes[n], trail) for n in members}
        self.failed.update(found)
        self.torn.append(members)
        return {name for name in members if name not in found}


def _size(frozen: Frozen) -> int:
    return frozen.stream.size + sum(buffer.nbytes for buffer in frozen.buffers)


def _reason(error: BaseException, name: str, value: Any, trail: list[Any]) -> str:
    """Say why a value cannot be saved, and where in it that sits."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted while it was pickled"
    if isinstance(error, RecursionError):
        return "it is nested too deeply to be pickled"
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001  (an exception of the user's may raise even here)
        text = ""
    kind = live.type_name(type(error))
    way = where(value, trail[0]) if trail else ""
    root = live.type_name(value) if name.startswith("<class") else name
    return (f"{kind}: {text[:300]}" if text else kind) + (f", at {root}{way}" if way else "")
