"""What changed -> a state.  Knows no shell: a namespace, a cell and an answer come in.

After each cell the candidates are selected (`candidates`), frozen in groups (`settle`), and each
group is compared, by digest, with what was recorded of it before; only what is new goes to the
`Writer`.  No reference to a variable is kept but to scalars and modules.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from . import live
from .candidates import Candidates, Known
from .cell import Cell
from .chunks import Chunker
from .classnames import ClassNames
from .freeze import freeze_plain
from .hidden import HIDDEN, hidden_state
from .load import OUT
from .names import is_own
from .reach import Reach
from .register import Register
from .settle import Settled, Settling
from .varchive import Entry, State, Varchive
from .varchive.digest import digest
from .withheld import Withheld
from .writer import Writer

Key = tuple[tuple[str, ...], str]
"""Members of a group, and the digest of its bytes."""


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
    thorough : bool, default False
        Look at every variable after every cell.

    Attributes
    ----------
    dontsave : Withheld
        What is not to be saved.
    last : int or None
        The cell of the last state that was recorded.
    """

    def __init__(
        self,
        archive: Varchive,
        run: str,
        namespace: dict[str, Any],
        is_public: Callable[[str, Any], bool],
        dontsave: Iterable[str] = (),
        *,
        thorough: bool = False,
    ) -> None:
        self.archive = archive
        self.run = run
        self.namespace = namespace
        self.states = 0
        self.bytes = 0
        self._is_public = is_public
        self._own: set[str] = set()  # names that are no variables': one more with each cell
        self.dontsave = Withheld(dontsave)
        self._writer = Writer()
        self._chunker = Chunker(self._put)
        self.classes = ClassNames()
        self.candidates = Candidates(namespace, self.classes, thorough=thorough)
        self.register = Register(self._put, self.candidates, self.classes)
        self.directory = Path.cwd()
        self._here: tuple[Path | None, str | None] = None, None
        self.parent: int | str | None = None
        self.last: int | None = None
        self._elsewhere: frozenset[str] = frozenset()

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
        self.candidates.notice(code)

    def look_at_all(self) -> None:
        """Have the next state look at every variable: what ran since the last one is not known."""
        self.candidates.look_at_all()

    def forget(self, cells: Collection[int]) -> None:
        """Take note that the states of these cells are gone, with what they alone held."""
        self._chunker.forget_stored()
        if self.last in cells or self.parent in cells:
            self.begin_anew()

    def begin_anew(self) -> None:
        """Store whatever the next state refers to: what was stored may be gone."""
        self._chunker.forget_stored()
        self.candidates.forget_values()
        self.register.manifest.begin_anew()

    def present(self, code: str, classes: Iterable[str] = ()) -> dict[str, Known]:
        """Look at the variables in the middle of a cell, and store nothing.

        Parameters
        ----------
        code : str
            The cell so far, as IPython runs it.
        classes : iterable of str
            Entries of classes to look at in any case.

        Returns
        -------
        dict
            Name of a variable or class -> its group; without those that cannot be saved.
        """
        values = self.variables()
        scalars, reach = self.candidates.select(values, code, 0.0, midway=True)
        alive = self.classes.alive()
        for name in classes:
            reach.add_class(name, alive[name])
        # it is not recorded that they were looked at
        self.candidates.look_again([*scalars, *reach.nodes])
        settling = Settling(self.namespace, self.classes, self._chunker, store=False)
        try:
            settling.settle(reach)
            plain = (self._scalar(name, value, store=False) for name, value in scalars.items())
            groups = [*plain, *settling.settled.values()]
        finally:
            self._chunker.forget_memory()
        there = {*values, *self.classes.alive()} - settling.nodes.keys() - settling.failed.keys()
        found = {name: known for name, known in self.candidates.known.items() if name in there}
        for settled in groups:
            members, key = settled.group.members, digest(settled.group.to_bytes())
            found.update(dict.fromkeys(members, Known(members, key, settled.cost, 0)))
        return found

    def resume(self, state: State, entries: dict[str, Entry], elsewhere: Iterable[str]) -> None:
        """Go on from a state that another recorder has recorded.

        Parameters
        ----------
        state : State
            From which the next one differs.
        entries : dict
            Its whole namespace: name -> entry.
        elsewhere : iterable of str
            The names of what is not in the namespace here, and stays in the state as it is.
        """
        self.register.manifest.resume(state, entries)
        self._elsewhere = frozenset(elsewhere)

    def returned(
        self, n: int, keys: dict[str, Key], entries: dict[str, Entry], loaded: Collection[str]
    ) -> None:
        """Take note that the variables are those of another state of this run.

        Parameters
        ----------
        n : int
            The cell of that state: the parent of the next one.
        keys, entries : dict
            Name -> members and digest of the group, and entry, of what is as it was then.
        loaded : collection of str
            The names of those that were not left alone.
        """
        for name, (members, key) in keys.items():
            known = self.candidates.known.get(name)
            if known is None or (known.members, known.key) != (members, key):
                self.candidates.known[name] = Known(members, key, 0.0, n)
        self.candidates.commit(self.variables())
        self.candidates.look_again(loaded)
        # what was loaded may pickle to other bytes than those that it was loaded from: from here
        # on it is these that tell whether it changed
        now = self.present("", [name for name in loaded if name[:1] == "<"])
        for name in loaded:
            if name in now and name in keys and now[name].members == keys[name][0]:
                self.candidates.known[name] = now[name]
        self.register.restore(entries)
        self.parent = n

    def record(self, cell: Cell, answer: Any = None) -> State:
        """Record the state after a cell; it is written when `wait` returns.

        Parameters
        ----------
        cell : Cell
            What ran.
        answer : object
            ``Out[n]``; None for none.
        """
        before, began = self.bytes, time.perf_counter()
        try:
            values = self.variables()
            scalars, reach = self.candidates.select(values, cell.code, cell.seconds)
            settling = Settling(self.namespace, self.classes, self._chunker)
            settling.settle(reach)
            self.candidates.link(settling.torn, settling.spent)
            groups = [*map(self._scalar, scalars, scalars.values()), *self._hidden()]
            groups += settling.shares(time.perf_counter() - began)
            withheld = self.withheld()
            answered, answer_groups = self._answer(answer, values, withheld, settling)
            found = {**values, **settling.nodes, OUT: answer}
            entries = self.register.enter(cell.n, [*groups, *answer_groups], found)
            entries |= self.register.unsaved(cell.n, settling.failed, values)
            entries |= self.register.classes_by_name(values, entries)
        except BaseException:
            # what was compared so far is not recorded: look at everything next time
            self.candidates.forget()
            raise
        finally:
            self._chunker.forget_memory()
        given = entries.pop(OUT, answered)
        names = {*values, *self.classes.alive(), *HIDDEN, *self._elsewhere}
        changes = self.register.update(entries, names, withheld)
        self.candidates.commit(values)
        state = cell.state(
            self.register.manifest,
            changes,
            given,
            parent=self.parent,
            cwd=self._cwd(),
            bytes=self.bytes - before,
            withheld=tuple(sorted(withheld)),
        )
        self._writer.put(partial(self.archive.put_state, self.run, state))
        self.parent = self.last = cell.n
        self.states += 1
        return state

    def rewrite(self, state: State) -> None:
        """Write a state of this run anew, in place of the one that has its number."""
        self._writer.put(partial(self.archive.put_state, self.run, state))

    def variables(self) -> dict[str, Any]:
        """Give the variables that are recorded: name -> value."""
        found = self._public()
        if not self.dontsave:
            return found
        return {n: value for n, value in found.items() if not self.dontsave.holds(n, value)}

    def withheld(self) -> dict[str, Any]:
        """Give the variables that are there and not to be saved: name -> value."""
        if not self.dontsave:
            return {}
        return {n: v for n, v in self._public().items() if self.dontsave.holds(n, v)}

    def _public(self) -> dict[str, Any]:
        found = {}
        now = self.namespace.copy()
        for name in now:
            # a key that is no name may run code of the user's when it is looked for
            if type(name) is not str or name in self._own:
                continue
            if self._is_public(name, now[name]):
                found[name] = now[name]
            elif is_own(name):
                self._own.add(name)
        return found

    # -- from values to groups

    def _scalar(self, name: str, value: Any, *, store: bool = True) -> Settled:
        began = time.perf_counter()
        frozen = freeze_plain(value, self._chunker.keep if store else digest)
        parts = self._chunker.parts(frozen, store=store)
        # a long text takes a while
        return Settled.of(name, parts, time.perf_counter() - began)

    def _hidden(self) -> list[Settled]:
        return [self._scalar(name, state) for name, state in hidden_state()]

    def _answer(
        self,
        answer: Any,
        values: dict[str, Any],
        withheld: dict[str, Any],
        settling: Settling,
    ) -> tuple[Entry | str | None, list[Settled]]:
        """Give the answer as the name of a variable, or as groups of its own to enter."""
        if answer is None:
            return None, []
        is_withheld = any(value is answer for value in withheld.values())
        if is_withheld or self.dontsave.is_object(answer):
            told = live.type_name(type(answer))
            return Entry(told, 0, reason="it is a variable that is not to be saved"), []
        if live.is_scalar(answer):
            return None, [self._scalar(OUT, answer)]
        for name, value in values.items():
            if value is answer and name not in settling.failed:
                return name, []
        reach = Reach(self.namespace, self.classes)
        reach.add(OUT, answer)
        alone = Settling(self.namespace, self.classes, self._chunker)
        alone.settle(reach)
        if reason := alone.failed.get(OUT):
            return Entry(live.type_name(type(answer)), 0, reason=reason), []
        # its classes stand where the variables' groups have them; here come only new ones
        old = self.register.manifest.entries.keys() | settling.nodes.keys()
        groups = alone.settled.values()
        return None, [g for g in groups if OUT in g.group.members or not old & {*g.group.members}]

    # -- from entries to a state

    def _cwd(self) -> str | None:
        """Give the working directory, relative to that of the start; None when it was deleted."""
        try:
            now = Path.cwd()
            if now != self._here[0]:
                self._here = now, os.path.relpath(now, self.directory)
        except (OSError, ValueError):
            return None
        return self._here[1]

    def _put(self, name: str, data: bytes) -> None:
        self.bytes += len(data)
        self._writer.put(partial(self.archive.put_object, name, data), data)
