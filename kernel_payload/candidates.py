"""Which variables a cell may have changed: those that are looked at after it.

A variable is a candidate when it was rebound, when the cell's text or the code of anything that is
reachable from a candidate names it, or when it shares objects with one.  What is left is looked at
too, the longest unseen first, as far as a budget of the cell's own time goes; before all others
what is known to be referred to from outside of the namespace (`escape`).
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heapify, heappop
from typing import Any

from . import live
from .classnames import ClassNames
from .escape import Escapes
from .hidden import HIDDEN
from .mentions import Mentions
from .reach import Reach
from .touched import is_dynamic, names_in_cell, names_in_job, reaches_all, words

_BUDGET = 0.05  # of the cell's own time
_LEAST_BUDGET = 0.0003  # seconds, for cells that take none
_LOOK = 0.00005  # seconds that a look takes beside the freezing
_ESCAPED = 0.02  # seconds for what has escaped: far below what one notices after a cell
_LINES = 10_000  # characters of a str that may be read as code
_SHORT = 1024  # the longest str or bytes that is kept to compare with

_NOTHING = object()


@dataclass
class Known:
    """A group as it was recorded: the digest of its bytes, the seconds of a check, the last one."""

    members: tuple[str, ...]
    key: str
    cost: float
    checked: int


class Candidates:
    """What is remembered of a namespace from one cell to the next; keeps no variable alive.

    Attributes
    ----------
    known : dict
        Name of a variable or class -> its group.
    escapes : Escapes
        What something outside of the namespace refers to.
    """

    def __init__(
        self, namespace: dict[str, Any], classes: ClassNames, *, thorough: bool = False
    ) -> None:
        self.known: dict[str, Known] = {}
        self.escapes = Escapes(namespace)
        self._namespace = namespace
        self._classes = classes
        self.thorough = thorough
        self._ids: dict[str, int] = {}
        self._kept: dict[str, Any] = {}
        self._looked_at: set[str] = set()
        self._mentions = Mentions()
        self._linked: dict[str, set[str]] = {}
        self._spent: dict[str, float] = {}
        self._untold: set[str] = set()
        self._all = True

    def notice(self, code: str) -> None:
        """Take note of code that ran but was no cell: what it names counts for the next one."""
        names, dynamic = names_in_cell(code)
        self._untold |= names
        self._all |= dynamic

    def look_at_all(self) -> None:
        """Have the next selection take everything."""
        self._all = True

    def forget(self) -> None:
        """Have the next selection take everything, and compare it with nothing remembered."""
        self._all = True
        self.known.clear()

    def forget_values(self) -> None:
        """As `forget`, and take even what cannot have changed."""
        self.forget()
        self._ids.clear()
        self._kept.clear()

    def select(
        self, values: dict[str, Any], code: str, seconds: float, *, midway: bool = False
    ) -> tuple[dict[str, Any], Reach]:
        """Select what to freeze after a cell, or in the middle of one.

        Parameters
        ----------
        values : dict
            The variables, by name.
        code : str
            The cell as IPython ran it.
        seconds : float
            How long it took.
        midway : bool, default False
            The cell still runs.

        Returns
        -------
        scalars : dict
            Candidates that can share nothing.
        reach : Reach
            A search from all the others.
        """
        self.notice(code)
        before = self._ids
        other = {name for name, value in values.items() if before.get(name) != id(value)}
        named = values.keys() if self._all or self.thorough else self._untold & values.keys()
        # what a name that is gone stood for may have been changed before
        lost = {name for name in self.known.keys() - values.keys() if name[:1] != "<"}
        todo = other | named | lost
        gone = (before.keys() & other) | (before.keys() - values.keys())
        behind, classes = self._mentions.behind(gone | todo)
        todo |= values.keys() if is_dynamic(behind) else behind & values.keys()
        for name in gone | todo:
            todo |= self._linked.get(name, set()) & values.keys()
        self._untold, self._all = set(), False
        reach = Reach(self._namespace, self._classes)
        scalars: dict[str, Any] = {}
        alive = self._classes.alive()
        for name in sorted(classes & alive.keys()):
            reach.add_class(name, alive[name])
        self._search(todo, values, scalars, reach)
        budget = max(_LEAST_BUDGET, seconds * _BUDGET)
        self._look_at_escaped(values, reach, max(_ESCAPED, budget))
        self._look_further(values, reach, budget)
        unsure = {n for n in reach.nodes if not self._linked.get(n, set()) <= reach.nodes.keys()}
        self.escapes.judge(reach, values, unsure, midway=midway)
        self._mentions.note(reach)
        return scalars, reach

    def enter(self, known: Known) -> bool:
        """Remember a group as it is now; whether it is other than it was."""
        old = self.known.get(known.members[0])
        self.known.update(dict.fromkeys(known.members, known))
        return old is None or (old.members, old.key) != (known.members, known.key)

    def link(self, groups: Iterable[tuple[str, ...]], spent: dict[str, float]) -> None:
        """Remember who shares objects with what cannot be saved, and so is in no group with it.

        ``spent`` is how long it took to find that out, by name.
        """
        self._spent.update(spent)
        for members in groups:
            self._linked.update(
                (name, self._linked.get(name, set()) | {*members}) for name in members
            )

    def used_by(self, code: str) -> set[str] | None:
        """Give the names that code may use: those in it, and in what they stand for, and so on.

        None when it may use any variable.
        """
        names, dynamic = names_in_job(code)
        dynamic |= reaches_all(names)
        found: set[str] = set()
        todo = names & self._ids.keys()
        while todo:
            found |= todo
            behind, classes = self._mentions.behind(todo)
            for name in todo:
                value = self._namespace.get(name)
                # such as the condition of a query
                behind |= words(value) if type(value) is str and len(value) <= _LINES else set()
                dynamic |= value is sys.modules.get("__main__")
            dynamic |= reaches_all(behind)
            # what is shared is known of one of those who share it
            near = {other for name in todo | classes for other in self._group(name)[2]}
            todo = ((behind & self._ids.keys()) | classes | near) - found
        return None if dynamic else found & self._ids.keys()

    def look_again(self, names: Iterable[str]) -> None:
        """Have the next selection take these too: a look at them was not recorded."""
        self._untold.update(names)

    def commit(self, values: dict[str, Any]) -> None:
        """Remember which objects the names stand for."""
        before, self._ids = self._ids, {name: id(value) for name, value in values.items()}
        new = {name for name, key in self._ids.items() if before.get(name) != key}
        there = {*values, *self._classes.alive(), *HIDDEN}
        tables: tuple[dict[str, Any], ...] = (self.known, self._kept, self._linked, self._spent)
        for table in tables:
            for name in table.keys() - there:
                del table[name]
        for name in new | (self._looked_at & values.keys()):
            if _is_kept(value := values[name]):
                self._kept[name] = value
            else:
                self._kept.pop(name, None)
        self._looked_at = set()
        self._mentions.forget(there)
        self.escapes.forget(there)

    def _is_settled(self, name: str, value: Any) -> bool:
        """Whether a name needs no look: the same immutable object as before."""
        return self._kept.get(name, _NOTHING) is value

    def _search(
        self, todo: set[str], values: dict[str, Any], scalars: dict[str, Any], reach: Reach
    ) -> None:
        done: set[str] = set()
        while todo:
            done |= todo
            for name in sorted(todo & values.keys()):
                value = values[name]
                if self._is_settled(name, value):
                    continue
                if live.is_scalar(value):
                    scalars[name] = value
                elif name not in reach.nodes:
                    reach.add(name, value)
            self._add_partners(todo, values, reach)
            names, dynamic = self._mentions.take(reach)
            todo = (values.keys() if dynamic else names & values.keys()) - done
        self._looked_at |= done

    def _add_partners(self, names: set[str], values: dict[str, Any], reach: Reach) -> None:
        """Search from whatever was in one group with these: no part stands for the whole."""
        new = names | reach.nodes.keys()
        while new:
            groups = (self.known[name].members for name in new if name in self.known)
            partners = {member for members in groups for member in members} - reach.nodes.keys()
            before = {*reach.nodes}
            classes = self._classes.alive()
            for name in sorted(partners):
                if name in classes:
                    reach.add_class(name, classes[name])
                elif name in values and not live.is_scalar(values[name]):
                    reach.add(name, values[name])
            new = reach.nodes.keys() - before

    def _look_at_escaped(self, values: dict[str, Any], reach: Reach, budget: float) -> None:
        """Look at what has escaped, and at what its code names, and so on."""
        names = self.escapes.names
        todo, done = self.escapes.nodes | names, set[str]()
        if is_dynamic(names):
            todo |= values.keys()
        while todo := {n for n in todo - done if n in values or n in self.known}:
            done |= todo
            groups = {self._group(name) for name in todo if name not in reach.nodes}
            for _, cost, members in sorted(groups):
                if cost <= budget:
                    budget -= cost
                    self._add(members, values, reach)
            behind, classes = self._mentions.behind(todo)
            found, dynamic = self._mentions.take(reach)
            todo = behind | found | classes
            if dynamic or is_dynamic(behind):
                todo |= values.keys()

    def _group(self, name: str) -> tuple[int, float, tuple[str, ...]]:
        """Give the last look at a group, its seconds, and its names, unsaved ones included."""
        known = self.known.get(name)
        members = {name, *(known.members if known else ()), *self._linked.get(name, ())}
        cost = sum({k.members: k.cost for m in members if (k := self.known.get(m))}.values())
        cost += max((self._spent.get(member, 0.0) for member in members), default=0.0)
        return known.checked if known else 0, cost, tuple(sorted(members))

    def _add(self, members: Iterable[str], values: dict[str, Any], reach: Reach) -> None:
        for name in members:
            if name in values:
                if name not in reach.nodes and not _is_kept(values[name]):
                    reach.add(name, values[name])
            elif (cls := self._classes.alive().get(name)) is not None:
                reach.add_class(name, cls)

    def _look_further(self, values: dict[str, Any], reach: Reach, budget: float) -> None:
        names = (self.known.keys() & values.keys()) - self._kept.keys() - reach.nodes.keys()
        rest = {k.members: k for name in names if (k := self.known[name]).cost + _LOOK <= budget}
        waiting = [(known.checked, members, known.cost) for members, known in rest.items()]
        heapify(waiting)
        while waiting and budget > _LOOK:
            _, members, cost = heappop(waiting)
            if cost + _LOOK <= budget and reach.nodes.keys().isdisjoint(members):
                budget -= cost + _LOOK
                self._add(members, values, reach)
        self._add_partners(set(), values, reach)


def _is_kept(value: Any) -> bool:
    """Whether a value is immutable and small, so that it can be kept to compare with."""
    if type(value) is str or type(value) is bytes:
        return len(value) <= _SHORT
    if type(value) is int:
        return value.bit_length() <= 8 * _SHORT
    return live.is_scalar(value) or type(value) is types.ModuleType
