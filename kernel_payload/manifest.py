"""The entries of the namespace from one state to the next, and how a manifest tells them briefly.

A manifest lists what differs from a *base table*, an object that holds all entries of some earlier
state.  When that list would grow long, a new table is stored: with N variables of which c change,
lists of about sqrt(2 N c) cost least.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass

from .varchive import Entry, State
from .varchive.digest import digest
from .varchive.model import dump_json


@dataclass(frozen=True)
class Changes:
    """What a cell did to the variables, by name."""

    made: tuple[str, ...]
    changed: tuple[str, ...]
    deleted: tuple[str, ...]
    unsaved: tuple[str, ...]


class Manifest:
    """The current entries, and their telling as base and difference.

    Attributes
    ----------
    entries : dict
        Name -> entry of all variables, classes and hidden state.
    base : str or None
        Digest of the table from which the next manifest differs.
    delta : dict
        The entries that differ from the table.
    gone : set
        The names of the table that are no longer.
    """

    def __init__(self, put: Callable[[str, bytes], None]) -> None:
        self.entries: dict[str, Entry] = {}
        self.base: str | None = None
        self.delta: dict[str, Entry] = {}
        self.gone: set[str] = set()
        self._put = put
        self._in_base: frozenset[str] = frozenset()
        self._uncounted: set[str] = set()  # no variables, or not saved

    def resume(self, state: State, entries: dict[str, Entry]) -> None:
        """Go on from a state; ``entries`` is its whole namespace."""
        self.entries, self.delta = dict(entries), dict(state.entries)
        for name, entry in entries.items():
            self._count(name, entry)
        self.base, self.gone = state.base, set(state.gone)
        # those that only the difference has, too: to take them out of the table does no harm
        self._in_base = frozenset(entries.keys() | self.gone)

    def begin_anew(self) -> None:
        """Tell all entries in the next manifest: the table may be gone."""
        self.base, self.delta = None, dict(self.entries)
        self.gone, self._in_base = set(), frozenset()

    def update(
        self, entries: dict[str, Entry], names: Set[str], withheld: Iterable[str] = ()
    ) -> Changes:
        """Take over entries that are new or other; forget all that is not among the names.

        Those that are no longer to be saved were not deleted.
        """
        made, changed, unsaved = [], [], []
        for name, entry in entries.items():
            old = self.entries.get(name)
            if not name.startswith("<"):
                if old is None:
                    made.append(name)
                elif (old.digest, old.reason) != (entry.digest, entry.reason):
                    changed.append(name)
                if entry.reason is not None and (old is None or old.n != entry.n):
                    unsaved.append(name)
            self.entries[name] = self.delta[name] = entry
            self._count(name, entry)
            self.gone.discard(name)
        deleted = sorted(self.entries.keys() - names)
        for name in deleted:
            del self.entries[name]
            self._uncounted.discard(name)
            self.delta.pop(name, None)
            if name in self._in_base:
                self.gone.add(name)
        self._shorten()
        there = set(withheld)
        shown = tuple(name for name in deleted if name[:1] != "<" and name not in there)
        return Changes(tuple(sorted(made)), tuple(sorted(changed)), shown, tuple(sorted(unsaved)))

    def saved(self) -> int:
        """Count the variables that are saved."""
        return len(self.entries) - len(self._uncounted)

    def _count(self, name: str, entry: Entry) -> None:
        if name[:1] == "<" or entry.reason is not None:
            self._uncounted.add(name)
        else:
            self._uncounted.discard(name)

    def _shorten(self) -> None:
        if len(self.delta) + len(self.gone) <= 16 + math.isqrt(2 * len(self.entries)):
            return
        table = dump_json({name: entry.to_json() for name, entry in self.entries.items()})
        self.base = digest(table)
        self._put(self.base, table)
        self._in_base = frozenset(self.entries)
        self.delta, self.gone = {}, set()
