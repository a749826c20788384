"""Groups -> entries: what is new is stored, and what each variable's entry says is kept in step.

One object holds all the small groups of a cell.  What a state brought back is entered as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import replace
from typing import Any

from . import live
from .candidates import Candidates, Known
from .classnames import ClassNames
from .describe import describe
from .load import OUT
from .manifest import Changes, Manifest
from .settle import Member, Settled
from .varchive import Entry, Place
from .varchive.digest import digest


class Register:
    """The entries of a run, from one state to the next.

    Parameters
    ----------
    put : callable
        digest, bytes -> None; stores an object.
    candidates : Candidates
        Remembers what each group was.
    classes : ClassNames
        Names the notebook's classes.

    Attributes
    ----------
    manifest : Manifest
        The entries as of the last state.
    """

    def __init__(
        self, put: Callable[[str, bytes], None], candidates: Candidates, classes: ClassNames
    ) -> None:
        self.manifest = Manifest(put)
        self._put = put
        self._candidates = candidates
        self._classes = classes
        self._restored: dict[str, Entry] = {}

    @property
    def entries(self) -> dict[str, Entry]:
        """The entries as of the last state, or of the one that was returned to since."""
        return {**self.manifest.entries, **self._restored}

    def restore(self, entries: dict[str, Entry]) -> None:
        """Take entries of another state, whose values are back, for the next update."""
        self._restored.update(entries)

    def update(
        self, entries: dict[str, Entry], names: Set[str], withheld: Iterable[str]
    ) -> Changes:
        """Take over the entries of a state; forget all that is not among the names."""
        restored = {name: entry for name, entry in self._restored.items() if name in names}
        self._restored = {}
        return self.manifest.update({**restored, **entries}, names, withheld)

    def enter(self, n: int, groups: list[Settled], values: dict[str, Any]) -> dict[str, Entry]:
        """Store the groups that differ from what was recorded, as one object; give the entries."""
        fresh: list[tuple[Settled, bytes]] = []
        for settled in groups:
            data = settled.group.to_bytes()
            known = Known(settled.group.members, digest(data), settled.cost, n)
            # an answer is of its own cell only: there is nothing to compare it with
            if OUT in known.members or self._candidates.enter(known):
                fresh.append((settled, data))
        pack = b"".join(data for _, data in fresh)
        if not pack:
            return {}
        name = digest(pack)
        self._put(name, pack)
        entries: dict[str, Entry] = {}
        offset = 0
        for settled, data in fresh:
            place = Place(name, offset, len(data))
            offset += len(data)
            for member in settled.each():
                # a class that comes along with the answer stays where its own group has it
                if (
                    member.name == OUT
                    or OUT not in settled.group.members
                    or (member.name not in self.manifest.entries and member.name not in entries)
                ):
                    entries[member.name] = self._entry(n, member, place, values.get(member.name))
        return entries

    def unsaved(self, n: int, failed: dict[str, str], values: dict[str, Any]) -> dict[str, Entry]:
        """Give the entries of variables that cannot be saved, from name -> reason."""
        entries = {}
        for name, reason in failed.items():
            if name in values:
                told = describe(values[name])
                old = self.manifest.entries.get(name)
                known = old is not None and (old.reason, old.type) == (reason, told.type)
                made = old.n if old is not None and known else n
                entries[name] = Entry(told.type, made, preview=told.preview, reason=reason)
                self._candidates.known.pop(name, None)
        return entries

    def classes_by_name(
        self, values: dict[str, Any], entries: dict[str, Entry]
    ) -> dict[str, Entry]:
        """Have variables that are classes of the notebook tell of the classes themselves."""
        classes = {id(cls): name for name, cls in self._classes.alive().items()}
        if not classes:
            return {}
        now = {**self.entries, **entries}
        found = {}
        for name, value in values.items():
            if id(value) in classes and live.is_notebook_class(value) and name in now:
                mine, its = now[name], now.get(classes[id(value)])
                if its is not None and mine.reason is None and mine.digest != its.digest:
                    found[name] = replace(mine, digest=its.digest, n=its.n, size=its.size)
        return found

    def _entry(self, n: int, member: Member, place: Place, value: Any) -> Entry:
        for old in (self._restored.get(member.name), self.manifest.entries.get(member.name)):
            if old is not None and old.digest == member.digest:
                return replace(old, place=place)
        told = describe(value)
        return Entry(
            told.type,
            n,
            size=member.size,
            preview=told.preview,
            digest=member.digest,
            place=place,
            shape=told.shape,
            dtype=told.dtype,
            len=told.len,
        )
