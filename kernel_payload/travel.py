"""Back to a state, in the live namespace.

A group whose bytes are what they were in that state is left alone: its variables stay the very
objects that they are.  The rest is loaded, or deleted; where one value does not load, nothing is
changed.
"""

from __future__ import annotations

import os
import sys
import types
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .calm import calm
from .hidden import HIDDEN, restore
from .homeward import Homeward
from .load import not_saved
from .recorder import Key, Recorder
from .thaw import Variables
from .varchive import Place, Run
from .varchive.digest import digest
from .varchive.errors import TmrunError


@dataclass(frozen=True)
class Arrival:
    """The answer of the cell gone back to, and a line for each thing that is not as it was."""

    answer: Any
    lacks: tuple[str, ...]


def go_back(
    recorder: Recorder, run: Run, n: int, code: str, defaults: Mapping[str, Any]
) -> Arrival:
    """Give the notebook the variables that it had after a cell.

    Parameters
    ----------
    recorder : Recorder
        Of the notebook.
    run : Run
        The run of that cell: the recorder's own, or another of its varchive.
    n : int
        The cell.
    code : str
        The cell that runs now: what it changed is not recorded yet.
    defaults : dict
        What stands under a name of the shell's own when no variable has it.

    Raises
    ------
    NoSuchState
        With the cells that there are.
    CannotLoad, Damaged
        When a value does not load; nothing is changed then.
    """
    recorder.wait()
    journey = _Journey(recorder, run, n, code)
    home = journey.home
    found = recorder.variables()
    # who imported the time machine later still needs it to come back
    door = sys.modules.get("tmrun", recorder)
    gone = [n for n, v in found.items() if n not in home.entries and not _is_door(v, door)]
    there = {*found}
    del found  # or what goes would live on until all is done
    places = journey.differing()
    hidden = {name: home.load(name) for name in HIDDEN if name in home.entries}
    home.bring(places, gone, defaults)
    for name, state in hidden.items():
        restore(name, state)
    lacks = [*_unsaved(home, there), *_set_directory(recorder, home), *_unseeded(recorder, home)]
    answer = None
    try:
        answer = _answer(home)
    except TmrunError as error:
        lacks.append(str(error))
    journey.arrive()
    return Arrival(answer, tuple(lacks))


def put_variables(variables: Variables, namespace: dict[str, Any]) -> tuple[str, ...]:
    """Put the variables of a state into a namespace, as its own; give what they lack.

    They are loaded anew: functions have the namespace as their globals.
    """
    told = variables.loader
    home = Homeward(told.archive, told.run, told.state, namespace, {})
    entries = variables.entries
    home.bring({e.place for e in entries.values() if e.place is not None}, (), {})
    return tuple(not_saved(name, e) for name, e in entries.items() if e.reason is not None)


class _Journey:
    """What differs between the variables of now and those of a state."""

    def __init__(self, recorder: Recorder, run: Run, n: int, code: str) -> None:
        self._recorder = recorder
        # only within a run do the names of classes stand for the same ones
        self._is_own = run.id == recorder.run
        with calm():
            found = recorder.present(code) if self._is_own else {}
        self._present = {name: (known.members, known.key) for name, known in found.items()}
        classes = recorder.classes.alive() if self._is_own else {}
        archive = recorder.archive
        self.home = Homeward(archive, run, archive.state(run.id, n), recorder.namespace, classes)
        self._live = classes
        self._withheld = recorder.withheld()
        self._then: dict[Place, Key] = {}
        for name, entry in recorder.register.entries.items() if self._is_own else ():
            if entry.place is not None and (known := recorder.candidates.known.get(name)):
                self._then[entry.place] = known.members, known.key

    def differing(self) -> list[Place]:
        """Give the groups to load; those of classes that nothing uses yet come when asked for."""
        groups: dict[Place, list[str]] = defaultdict(list)
        for name, entry in self.home.entries.items():
            if entry.place is not None and name not in HIDDEN:
                groups[entry.place].append(name)
        found = []
        for place, names in groups.items():
            wanted = [name for name in names if name[:1] != "<" or name in self._live]
            # what is not to be saved is left alone
            wanted = [name for name in wanted if name not in self._withheld]
            key = self._key(place) if wanted and self._is_own else None
            if any(self._present.get(name) != key or key is None for name in wanted):
                found.append(place)
                self.home.stale.update(name for name in wanted if name in self._live)
        return found

    def arrive(self) -> None:
        """Have the recorder know where it is."""
        home, recorder = self.home, self._recorder
        recorder.namespace.update(self._withheld)
        if not self._is_own:
            recorder.parent = f"{home.run.id}:{home.state.n}"
            return
        for name, cls in home.made.items():
            recorder.classes.adopt(name, cls)
        alive = recorder.classes.alive()
        entries = {
            name: entry
            for name, entry in home.entries.items()
            if entry.place is not None and (name[:1] != "<" or name in alive or name in HIDDEN)
        }
        keys = {name: self._key(e.place) for name, e in entries.items() if e.place is not None}
        loaded = [name for name in home.values if name in entries and name not in HIDDEN]
        with calm():
            recorder.returned(home.state.n, keys, entries, loaded)

    def _key(self, place: Place) -> Key:
        if place not in self._then:
            group = self.home.archive.group(place)
            self._then[place] = group.members, digest(group.to_bytes())
        return self._then[place]


def _answer(home: Homeward) -> Any:
    answer = home.state.answer
    if isinstance(answer, str):
        return home.by_name(answer)
    return home.load_answer()


def _is_door(value: Any, door: Any) -> bool:
    return value is door or (
        type(value) is types.FunctionType and value.__globals__ is getattr(door, "__dict__", None)
    )


def _unsaved(home: Homeward, there: set[str]) -> Iterable[str]:
    for name, entry in home.entries.items():
        if entry.reason is not None:
            now = "it keeps the value of now" if name in there else "it has no value now"
            yield f"{not_saved(name, entry)}; {now}"


def _unseeded(recorder: Recorder, home: Homeward) -> Iterable[str]:
    for name in HIDDEN:
        if name in recorder.register.entries and name not in home.entries:
            library = name.strip("<>")
            yield f"the generator of {library} goes on from where it is: it was loaded later"


def _set_directory(recorder: Recorder, home: Homeward) -> Iterable[str]:
    if home.state.cwd is not None:
        path = recorder.directory / home.state.cwd
        try:
            os.chdir(path)
        except OSError as error:
            yield f"the working directory was {path}, which cannot be entered: {error.strerror}"
