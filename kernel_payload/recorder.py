"""What changed -> a state.  Knows no shell: a namespace, a cell and an answer come in.

After each cell the candidates are selected (`candidates`), frozen in groups (`settle`), and each
group is compared, by digest, with what was recorded of it before; only what is new goes to the
`Writer`.  No reference to a variable is kept but to scalars and modules.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

from . import live
from .candidates import Candidates, Known
from .chunks import Chunker
from .describe import describe
from .freeze import freeze_scalar
from .hidden import HIDDEN, hidden_state
from .manifest import Changes, Manifest
from .reach import ClassNames, Reach
from .settle import Member, Settled, Settling
from .varchive import Entry, Place, State, Varchive
from .varchive.digest import digest
from .writer import Writer

ANSWER = "<out>"


@dataclass(frozen=True)
class Cell:
    """A cell that has run: number, id, source as written and as IPython ran it, status, times."""

    n: int
    cell_id: str | None
    source: str
    code: str
    status: str
    error: dict[str, Any] | None
    started: str
    ended: str
    seconds: float


class Recorder:
    """Records the states of one run in a varchive.

    Parameters
    ----------
    archive : Varchive
        Where to.
    run : str
        The run's id; it must have begun.
    namespace : dict
        The notebook's variables.
    is_public : callable
        name, value -> whether it is a variable of the user's.
    dontsave : iterable of str
        Patterns of names never to record.
    """

    def __init__(
        self,
        archive: Varchive,
        run: str,
        namespace: dict[str, Any],
        is_public: Callable[[str, Any], bool],
        dontsave: Iterable[str] = (),
    ) -> None:
        self.archive = archive
        self.run = run
        self.namespace = namespace
        self.states = 0
        self.bytes = 0
        self._is_public = is_public
        self._dontsave = tuple(dontsave)
        self._writer = Writer()
        self._chunker = Chunker(self._put)
        self._classes = ClassNames()
        self._candidates = Candidates(namespace, self._classes)
        self._manifest = Manifest(self._put)
        self._home = Path.cwd()
        self._parent: int | None = None

    @property
    def stopped(self) -> str | None:
        """Why recording has stopped; None while it has not."""
        failure = self._writer.failure
        return None if failure is None else f"the varchive cannot be written: {failure}"

    def wait(self) -> None:
        """Wait until every state so far is written."""
        self._writer.wait()

    def close(self) -> None:
        """Write and sync what is left."""
        self._writer.close()

    def notice(self, code: str) -> None:
        """Take note of code that ran but is no cell: what it touched counts for the next one."""
        self._candidates.notice(code)

    def record(self, cell: Cell, answer: Any = None) -> State:
        """Record the state after a cell; it is written when `wait` returns.

        Parameters
        ----------
        cell : Cell
            What ran.
        answer : object
            ``Out[n]``; None for none.
        """
        before = self.bytes
        try:
            values = self._values()
            scalars, reach = self._candidates.select(values, cell.code, cell.seconds)
            settling = Settling(self.namespace, self._classes, self._chunker)
            settling.settle(reach)
            self._candidates.link(settling.torn)
            groups = [*map(self._scalar, scalars, scalars.values()), *self._hidden()]
            groups += settling.settled.values()
            answered, answer_groups = self._answer(answer, values, settling)
            found = {**values, **settling.nodes, ANSWER: answer}
            entries = self._enter(cell.n, [*groups, *answer_groups], found)
            entries |= self._unsaved(cell.n, settling, values)
            entries |= self._classes_by_name(values, entries)
        except BaseException:
            # what was compared so far is not recorded: look at everything next time
            self._candidates.look_at_all()
            raise
        finally:
            self._chunker.forget_memory()
        given = entries.pop(ANSWER, answered)
        names = [*values, *self._classes.alive(), *HIDDEN]
        changes = self._manifest.update(entries, names)
        self._candidates.commit(values)
        state = self._state(cell, changes, given, before)
        self._writer.put(partial(self.archive.put_state, self.run, state))
        self._parent = cell.n
        self.states += 1
        return state

    def _values(self) -> dict[str, Any]:
        found = list(self.namespace.items())
        return {
            name: value
            for name, value in found
            if type(name) is str and self._is_public(name, value) and not self._is_excluded(name)
        }

    def _is_excluded(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self._dontsave)

    # -- from values to groups

    def _scalar(self, name: str, value: Any) -> Settled:
        return Settled.of(name, self._chunker.parts(freeze_scalar(value)))

    def _hidden(self) -> list[Settled]:
        return [Settled.of(name, self._chunker.parts(frozen)) for name, frozen in hidden_state()]

    def _answer(
        self, answer: Any, values: dict[str, Any], settling: Settling
    ) -> tuple[Entry | str | None, list[Settled]]:
        """Give the answer as the name of a variable, or as groups of its own to enter."""
        if answer is None:
            return None, []
        if self._is_withheld(answer):
            told = live.type_name(type(answer))
            return Entry(told, 0, reason="it is a variable that is not to be saved"), []
        if live.is_scalar(answer):
            return None, [self._scalar(ANSWER, answer)]
        for name, value in values.items():
            if value is answer and name not in settling.failed:
                return name, []
        reach = Reach(self.namespace, self._classes)
        reach.add(ANSWER, answer)
        alone = Settling(self.namespace, self._classes, self._chunker)
        alone.settle(reach)
        if reason := alone.failed.get(ANSWER):
            return Entry(live.type_name(type(answer)), 0, reason=reason), []
        # its classes stand where the variables' groups have them; here come only new ones
        old = self._manifest.entries.keys() | settling.nodes.keys()
        groups = alone.settled.values()
        return None, [
            g for g in groups if ANSWER in g.group.members or not old & {*g.group.members}
        ]

    def _is_withheld(self, answer: Any) -> bool:
        return any(
            value is answer and type(name) is str and self._is_excluded(name)
            for name, value in list(self.namespace.items())
            if self._dontsave and self._is_public(name, value)
        )

    # -- from groups to entries

    def _enter(self, n: int, groups: list[Settled], values: dict[str, Any]) -> dict[str, Entry]:
        """Store the groups that differ from what was recorded, as one object; give the entries."""
        fresh: list[tuple[Settled, bytes]] = []
        for settled in groups:
            data = settled.group.to_bytes()
            known = Known(settled.group.members, digest(data), settled.cost, n)
            # an answer is of its own cell only: there is nothing to compare it with
            if ANSWER in known.members or self._candidates.enter(known):
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
                    member.name == ANSWER
                    or ANSWER not in settled.group.members
                    or (member.name not in self._manifest.entries and member.name not in entries)
                ):
                    entries[member.name] = self._entry(n, member, place, values.get(member.name))
        return entries

    def _entry(self, n: int, member: Member, place: Place, value: Any) -> Entry:
        old = self._manifest.entries.get(member.name)
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

    def _unsaved(self, n: int, settling: Settling, values: dict[str, Any]) -> dict[str, Entry]:
        entries = {}
        for name, reason in settling.failed.items():
            if name in values:
                told = describe(values[name])
                old = self._manifest.entries.get(name)
                known = old is not None and (old.reason, old.type) == (reason, told.type)
                made = old.n if old is not None and known else n
                entries[name] = Entry(told.type, made, preview=told.preview, reason=reason)
                self._candidates.known.pop(name, None)
        return entries

    def _classes_by_name(
        self, values: dict[str, Any], entries: dict[str, Entry]
    ) -> dict[str, Entry]:
        """Have variables that are classes of the notebook tell of the classes themselves."""
        now = {**self._manifest.entries, **entries}
        found = {}
        for name, value in values.items():
            if live.is_class(value) and live.is_notebook_class(value) and name in now:
                mine, its = now[name], now.get(self._classes.name(value))
                if its is not None and mine.reason is None and mine.digest != its.digest:
                    found[name] = replace(mine, digest=its.digest, n=its.n, size=its.size)
        return found

    # -- from entries to a state

    def _state(
        self, cell: Cell, changes: Changes, answer: Entry | str | None, before: int
    ) -> State:
        if isinstance(answer, Entry):
            answer = replace(answer, n=cell.n)
        facts = asdict(cell)
        del facts["code"]
        return State(
            **facts,
            **asdict(changes),
            parent=self._parent,
            base=self._manifest.base,
            entries=dict(self._manifest.delta),
            gone=tuple(sorted(self._manifest.gone)),
            answer=answer,
            cwd=self._cwd(),
            variables=self._manifest.saved(),
            bytes=self.bytes - before,
        )

    def _cwd(self) -> str | None:
        """Give the working directory, relative to that of the start; None when it was deleted."""
        try:
            return os.path.relpath(Path.cwd(), self._home)
        except (OSError, ValueError):
            return None

    def _put(self, name: str, data: bytes) -> None:
        self.bytes += len(data)
        self._writer.put(partial(self.archive.put_object, name, data), data)
