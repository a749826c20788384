"""What is not to be saved, by the user's wish: names, patterns of names, and objects."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from . import live
from .varchive.errors import UsageError


class Withheld:
    """Names and objects that are not to be saved.

    An object is known by what it is, not by what it equals.  One that cannot be referred to weakly
    (a list, a dict) is kept alive until the cell ends after which nothing else refers to it: its
    address could be another's before.

    Attributes
    ----------
    patterns : tuple of str
        Of names.
    """

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self.patterns = tuple(patterns)
        self._objects: dict[int, _Held] = {}

    def __bool__(self) -> bool:
        return bool(self.patterns or self._objects)

    def add(self, things: Iterable[Any]) -> None:
        """Withhold more: each a name or a pattern (str), or else an object.

        Raises
        ------
        UsageError
            For a value that any variable may have, such as a number; nothing is added then.
        """
        things = list(things)
        for thing in things:
            if not isinstance(thing, str) and (
                live.is_scalar(thing) or (type(thing) is tuple and not thing)
            ):
                raise UsageError(
                    f"{thing!r} may be the value of many variables; say the name of the one that is"
                    " not to be saved, as a str: dontsave('x')"
                )
        names = [thing for thing in things if isinstance(thing, str)]
        self.patterns = tuple(dict.fromkeys([*self.patterns, *names]))
        for thing in things:
            if not isinstance(thing, str):
                self._objects[id(thing)] = _Held(thing)

    def take_over(self, other: Withheld) -> None:
        """Withhold what another does."""
        alive = (held() for held in other._objects.values())
        self.add([*other.patterns, *(thing for thing in alive if thing is not None)])

    def holds(self, name: str, value: Any) -> bool:
        """Whether a variable is not to be saved."""
        return self.is_object(value) or any(fnmatchcase(name, p) for p in self.patterns)

    def is_object(self, value: Any) -> bool:
        """Whether a value is one of the objects."""
        held = self._objects.get(id(value))
        return held is not None and held() is value

    def let_go(self) -> None:
        """Forget the objects to which nothing else refers."""
        for key in list(self._objects):
            if self._objects[key].is_alone():
                del self._objects[key]


class _Held:
    """An object, held weakly where its type allows that."""

    def __init__(self, thing: Any) -> None:
        self._strong = None
        try:
            self._weak: Any = weakref.ref(thing)
        except TypeError:
            self._weak, self._strong = None, thing

    def __call__(self) -> Any:
        return self._strong if self._weak is None else self._weak()

    def is_alone(self) -> bool:
        """Whether nothing else refers to it."""
        if self._weak is not None:
            return self._weak() is None
        # this object's reference, and that of the argument
        return sys.getrefcount(self._strong) <= 2
