"""What a state refers to: the objects without which it cannot be read whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from .archive import MISREAD, Varchive
from .errors import Damaged
from .layout import is_digest
from .model import Entry, Place, State

T = TypeVar("T")


class References:
    """Tells what states of a varchive refer to; looks into each group once."""

    def __init__(self, archive: Varchive) -> None:
        self._archive = archive
        self._held: dict[Place, frozenset[str]] = {}

    def of(self, state: State) -> set[str]:
        """Give the digests of all objects of a state.

        Raises
        ------
        Damaged
            When something of it cannot be read, for that may refer to others.
        """
        found, wrong = self._look(state)
        if wrong:
            raise wrong[0]
        return found

    def readable(self, state: State) -> set[str]:
        """Give the digests of the objects of a state, as far as these can be told."""
        return self._look(state)[0]

    def _look(self, state: State) -> tuple[set[str], list[Damaged]]:
        wrong: list[Damaged] = []

        def look(read: Callable[[], T], otherwise: T) -> T:
            try:
                return read()
            except Damaged as error:
                wrong.append(error)
            except MISREAD as error:
                where = f"cell {state.n} refers to what is no object, table or group"
                wrong.append(Damaged(f"{where} ({error!r}); restore it from a copy"))
            return otherwise

        found: set[str] = set()
        for name in (state.base, state.outputs):
            if name is not None:
                found |= look(partial(_named, name), set())
        entries = [*look(partial(self._archive.entries, state), state.entries).values()]
        if isinstance(state.answer, Entry):
            entries.append(state.answer)
        places: set[Place] = look(partial(_places, entries), set())
        # the groups of one object one after the other: it is then read once
        for place in sorted(places - self._held.keys(), key=str):
            found |= look(partial(_named, place.object), set())
            look(partial(self._look_into, place), None)
        found.update(*(self._held.get(place, ()) for place in places))
        return found, wrong

    def _look_into(self, place: Place) -> None:
        _named(place.object)
        chunks = self._archive.group(place).objects()
        self._held[place] = frozenset(_named(place.object, *chunks))


def _places(entries: Iterable[Entry]) -> set[Place]:
    return {entry.place for entry in entries if entry.place is not None}


def _named(*names: str) -> set[str]:
    """Give these digests; what is none could lead out of the store."""
    for name in names:
        if not is_digest(name):
            raise ValueError(f"{name!r} is no digest")
    return set(names)
