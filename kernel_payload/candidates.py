"""Which variables a cell may have changed: those that are looked at after it.

A variable is a candidate when it was rebound, when the cell's text or the code of anything that is
reachable from a candidate names it, or when it shares objects with one.  What is left is looked at
too, the longest unseen first, as far as a budget of the cell's own time goes.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from . import live
from .hidden import HIDDEN
from .reach import ClassNames, Reach
from .touched import is_dynamic, names_in_cell, names_in_code

_BUDGET = 0.05  # of the cell's own time
_LEAST_BUDGET = 0.001  # seconds
_CACHE = 4096  # code objects whose names are remembered
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
    """

    def __init__(self, namespace: dict[str, Any], classes: ClassNames) -> None:
        self.known: dict[str, Known] = {}
        self._namespace = namespace
        self._classes = classes
        self._seen: dict[str, tuple[int, Any]] = {}
        self._names_of: dict[int, tuple[types.CodeType, set[str], bool]] = {}
        # node -> the names in its code, and the classes that it used
        self._behind: dict[str, tuple[set[str], set[str]]] = {}
        self._found: dict[str, set[str]] = {}
        self._linked: dict[str, set[str]] = {}
        self._untold: set[str] = set()
        self._all = True

    def notice(self, code: str) -> None:
        """Take note of code that ran but was no cell: what it names counts for the next one."""
        names, dynamic = names_in_cell(code)
        self._untold |= names
        self._all |= dynamic

    def look_at_all(self) -> None:
        """Have the next selection take everything, and compare it with nothing remembered."""
        self._all = True
        self.known.clear()

    def select(
        self, values: dict[str, Any], code: str, seconds: float
    ) -> tuple[dict[str, Any], Reach]:
        """Select what to freeze after a cell.

        Parameters
        ----------
        values : dict
            The variables, by name.
        code : str
            The cell as IPython ran it.
        seconds : float
            How long it took.

        Returns
        -------
        scalars : dict
            Candidates that can share nothing.
        reach : Reach
            A search from all the others.
        """
        self.notice(code)
        named = values.keys() if self._all else self._untold
        todo = {n for n, value in values.items() if n in named or not self._is_same(n, value)}
        # what a name that is gone stood for may have been changed before
        todo |= {name for name in self.known if name not in values and name[0] != "<"}
        gone = {name for name in self._seen if not self._is_there(name, values)}
        behind, classes = self._behind_names(gone | todo)
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
        self._look_further(values, reach, max(_LEAST_BUDGET, seconds * _BUDGET))
        self._names_in(reach)
        for node in reach.nodes:
            self._behind[node] = self._found.get(node, set()), reach.uses.get(node, set())
        self._found = {}
        return scalars, reach

    def enter(self, known: Known) -> bool:
        """Remember a group as it is now; whether it is other than it was."""
        old = self.known.get(known.members[0])
        self.known.update(dict.fromkeys(known.members, known))
        return old is None or (old.members, old.key) != (known.members, known.key)

    def link(self, groups: Iterable[tuple[str, ...]]) -> None:
        """Remember who shares objects with what cannot be saved, and so is in no group with it."""
        for members in groups:
            self._linked.update(
                (name, self._linked.get(name, set()) | {*members}) for name in members
            )

    def commit(self, values: dict[str, Any]) -> None:
        """Remember which objects the names stand for."""
        self._seen = {n: (id(v), v if _is_kept(v) else _NOTHING) for n, v in values.items()}
        there = {*values, *self._classes.alive(), *HIDDEN}
        self.known = {name: known for name, known in self.known.items() if name in there}
        self._linked = {name: found for name, found in self._linked.items() if name in there}
        self._behind = {node: found for node, found in self._behind.items() if node in there}

    def _is_same(self, name: str, value: Any) -> bool:
        """Whether a name stands for the object for which it stood before."""
        identity, kept = self._seen.get(name, (None, _NOTHING))
        return kept is value if kept is not _NOTHING else identity == id(value)

    def _is_there(self, name: str, values: dict[str, Any]) -> bool:
        return name in values and self._is_same(name, values[name])

    def _is_settled(self, name: str, value: Any) -> bool:
        """Whether a name needs no look: the same immutable object as before."""
        _, kept = self._seen.get(name, (None, _NOTHING))
        return kept is value and kept is not _NOTHING

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
            names, dynamic = self._names_in(reach)
            todo = (values.keys() if dynamic else names & values.keys()) - done

    def _names_in(self, reach: Reach) -> tuple[set[str], bool]:
        """Give the names in the code that a search has come by since the last time."""
        names: set[str] = set()
        dynamic = False
        for node, code in reach.take_code():
            known = self._names_of.get(id(code))
            if known is None:
                if len(self._names_of) >= _CACHE:
                    self._names_of.clear()
                # the code itself is kept, or another could take its id
                self._names_of[id(code)] = known = (code, *names_in_code(code))
            self._found.setdefault(node, set()).update(known[1])
            names |= known[1]
            dynamic |= known[2]
        return names, dynamic

    def _behind_names(self, nodes: set[str]) -> tuple[set[str], set[str]]:
        """Give the names in the code of what some names stood for, and the classes behind them.

        The code may have run in the cell, and what it belonged to be gone since.
        """
        names: set[str] = set()
        todo, done = set(nodes), set()
        while todo:
            done.add(node := todo.pop())
            found, classes = self._behind.get(node, (set(), set()))
            names |= found
            todo |= classes - done
        return names, done - nodes

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

    def _look_further(self, values: dict[str, Any], reach: Reach, budget: float) -> None:
        rest = {k.members: k for n, k in self.known.items() if n in values and n not in reach.nodes}
        for known in sorted(rest.values(), key=lambda known: known.checked):
            if known.cost > budget or any(name in reach.nodes for name in known.members):
                continue
            budget -= known.cost
            for name in known.members:
                if name in values and not _is_kept(values[name]):
                    reach.add(name, values[name])
        self._add_partners(set(), values, reach)


def _is_kept(value: Any) -> bool:
    """Whether a value is immutable and small, so that it can be kept to compare with."""
    if type(value) is str or type(value) is bytes:
        return len(value) <= _SHORT
    if type(value) is int:
        return value.bit_length() <= 8 * _SHORT
    return live.is_scalar(value) or type(value) is types.ModuleType
