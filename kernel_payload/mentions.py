"""Which names stand in the code behind variables: that of what they hold, and of what they held."""

from __future__ import annotations

import types

from .reach import Reach
from .touched import names_in_code

_CACHE = 4096  # code objects whose names are remembered


class Mentions:
    """Node -> the names in its code, and the classes that it used, when it was searched last."""

    def __init__(self) -> None:
        self._names_of: dict[int, tuple[types.CodeType, set[str], bool]] = {}
        self._behind: dict[str, tuple[set[str], set[str]]] = {}
        self._found: dict[str, set[str]] = {}

    def take(self, reach: Reach) -> tuple[set[str], bool]:
        """Give the names in the code that a search has come by since the last time.

        Returns
        -------
        names : set of str
            The names.
        dynamic : bool
            Whether that code may touch any variable.
        """
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

    def note(self, reach: Reach) -> None:
        """Remember what a search has found that is over."""
        self.take(reach)
        for node in reach.nodes:
            self._behind[node] = self._found.get(node, set()), reach.uses.get(node, set())
        self._found = {}

    def behind(self, nodes: set[str]) -> tuple[set[str], set[str]]:
        """Give the names in the code of what some nodes stood for, and the classes behind them.

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

    def forget(self, there: set[str]) -> None:
        """Forget what is no longer there."""
        for node in self._behind.keys() - there:
            del self._behind[node]
