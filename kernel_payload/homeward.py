"""Groups of a state -> the live namespace: all of them or none.

A class of the notebook that still lives gets its contents back in place, so that the instances
that are left alone keep it.  Whatever fails, namespace and classes are as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import Any

from . import rebuild, refill
from .load import Loader
from .varchive import Place, Run, State, Varchive
from .varchive.errors import CannotLoad


class Homeward(Loader):
    """Loads groups of a state into a namespace that is in use.

    Parameters
    ----------
    archive, run, state : Varchive, Run, State
        What to load from.
    namespace : dict
        Where to: also the globals of the functions that are loaded.
    classes : dict
        Name of entry -> class, of those classes of the state that still live.

    Attributes
    ----------
    stale : set of str
        The entries of live classes that are to get back the contents that they had.
    made : dict
        Name of entry -> class, of the classes that had to be made.
    """

    def __init__(
        self,
        archive: Varchive,
        run: Run,
        state: State,
        namespace: dict[str, Any],
        classes: Mapping[str, type],
    ) -> None:
        super().__init__(archive, run, state, {}, namespace)
        self.stale: set[str] = set()
        self.made: dict[str, type] = {}
        self._classes = classes
        self._filling: set[int] = set()
        self._undo: list[Callable[[], None]] = []

    def load(self, name: str) -> Any:
        """Give a variable, or a class: the one that lives, unless its contents are stale."""
        if name in self._classes and name not in self.stale:
            return self._classes[name]
        return super().load(name)

    def bring(
        self, places: Collection[Place], gone: Iterable[str], defaults: Mapping[str, Any]
    ) -> None:
        """Put the variables of some groups into the namespace, and take others out of it.

        Parameters
        ----------
        places : collection of Place
            The groups.
        gone : iterable of str
            The names to delete.
        defaults : dict
            What stands under a name when it is deleted: the shell's own.

        Raises
        ------
        CannotLoad, Damaged
            When one of them does not load; nothing is changed then.
        """
        members: dict[Place, list[str]] = {place: [] for place in places}
        for name, entry in self.entries.items():
            if entry.place in members:
                members[entry.place].append(name)
        names = [name for found in members.values() for name in found if name[:1] != "<"]
        for place in places:
            # what is missing or damaged is found before anything is touched
            self.read(place)
        gone = [*gone]
        before = dict(self.scope)
        try:
            # code that runs while values load must see the state's variables, not those of now
            for name in (*names, *gone):
                self.scope.pop(name, None)
            self._load_all(members)
        except BaseException:
            self._reset(before)
            self.undo()
            raise
        # what such code has bound is no part of the state
        self._reset(before)
        for name in gone:
            # what dies now acts, if it does, on the variables that are left behind
            before.pop(name, None)
            self.scope.pop(name, None)
        self.scope.update((name, defaults[name]) for name in gone if name in defaults)
        self.scope.update((name, self.values[name]) for name in names)

    def _reset(self, before: dict[str, Any]) -> None:
        for name in self.scope.keys() - before.keys():
            del self.scope[name]
        self.scope.update(before)

    def undo(self) -> None:
        """Give the classes that were filled anew what they had before."""
        while self._undo:
            self._undo.pop()()

    def _load_all(self, members: Mapping[Place, Collection[str]]) -> None:
        waiting = [*members]
        shown = 0
        while waiting:
            failed: dict[Place, CannotLoad] = {}
            for place in waiting:
                try:
                    # it may have come along with another
                    if not all(name in self.values for name in members[place]):
                        self.load_group(place)
                except CannotLoad as error:
                    # its own code may need a variable that comes later
                    failed[place] = error
                fresh = islice(self.values.items(), shown, None)
                self.scope.update((name, value) for name, value in fresh if name[:1] != "<")
                shown = len(self.values)
            if len(failed) == len(waiting):
                raise next(iter(failed.values()))
            waiting = [*failed]

    # -- what streams ask for

    def by_name(self, name: str) -> Any:
        """Give a variable that a stream names: one that is left alone, or load it."""
        return self.scope[name] if name in self.scope else self.load(name)

    def make_class(self, make: Callable[..., type], arguments: tuple[Any, ...]) -> type:
        """Make a class, or give the one that lives and is to be filled anew."""
        name = arguments[-2]
        cls = self._classes.get(name)
        if cls is None:
            made = self.made[name] = super().make_class(make, arguments)
            return made
        self._undo.append(partial(refill.put_back, cls, refill.snapshot(cls)))
        self._filling.add(id(cls))
        if make.__name__ == "_make_skeleton_class":
            metaclass, called, bases, given = arguments[:4]
            metaclass = rebuild.made_by(metaclass)
            refill.set_identity(cls, metaclass, called, given.get("__qualname__", called))
            refill.set_bases(cls, bases)
        return cls

    def fill_class(self, fill: Callable[..., Any], cls: type, state: Any) -> Any:
        """Give a class its contents; one that lives loses what it did not have then."""
        if id(cls) not in self._filling:
            return super().fill_class(fill, cls, state)
        if fill is rebuild.set_enum:
            return refill.refill_enum(cls, state[0][0], state[1])
        return refill.refill(cls, state[0])
