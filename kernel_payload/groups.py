"""Which nodes belong together, and in what order their groups come.  Pure: it sees names only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

Edges = dict[str, set[str]]


class Groups:
    """Nodes that are joined to groups."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def add(self, node: str) -> bool:
        """Add a node, alone in its group; whether it is new."""
        new = node not in self._above
        self._above.setdefault(node, node)
        return new

    def join(self, a: str, b: str) -> None:
        """Make one group of those of two nodes."""
        self._above[self._find(a)] = self._find(b)

    def together(self, names: Iterable[str]) -> set[str]:
        """Give the nodes that are in one group with some."""
        groups = {self._find(name) for name in names if name in self._above}
        return {name for name in self._above if self._find(name) in groups} if groups else set()

    def ordered(self, nodes: Iterable[str], uses: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
        """Give the groups of some nodes, each behind those that it uses.

        Parameters
        ----------
        nodes : iterable of str
            The nodes.
        uses : dict
            Node -> nodes that must be there before it.  Groups that use each other become one.
        """
        self._join_cycles(uses)
        members: dict[str, list[str]] = defaultdict(list)
        for name in nodes:
            members[self._find(name)].append(name)
        order: dict[str, None] = {}
        edges = self._edges(uses)
        for group in members:
            _place(group, edges, order)
        return [tuple(sorted(members[group])) for group in order if group in members]

    def _find(self, node: str) -> str:
        while (above := self._above[node]) != node:
            self._above[node] = node = self._above[above]
        return node

    def _edges(self, uses: Mapping[str, set[str]]) -> Edges:
        """Give group -> the groups that it uses."""
        edges: Edges = defaultdict(set)
        for node, used in uses.items():
            if node in self._above:
                edges[self._find(node)] |= {self._find(other) for other in used}
        return edges

    def _join_cycles(self, uses: Mapping[str, set[str]]) -> None:
        """Join groups that use each other: neither could be loaded first."""
        edges = self._edges(uses)
        beyond = {group: _closure(group, edges) for group in edges}
        for group, reached in beyond.items():
            for other in reached:
                if group in beyond.get(other, ()):
                    self.join(group, other)


def _place(group: str, edges: Edges, order: dict[str, None]) -> None:
    """Put a group in order, behind those that it uses."""
    if group not in order:
        for other in sorted(edges.get(group, set()) - {group}):
            _place(other, edges, order)
        order[group] = None


def _closure(start: str, edges: Edges) -> set[str]:
    found: set[str] = set()
    todo = [start]
    while todo:
        new = edges.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found
