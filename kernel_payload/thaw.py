"""A recorded state -> live values, each loaded when it is asked for.

A `Namespace` is the globals of the functions that were loaded with it: what a function asks for
and is not there yet is loaded then.
"""

from __future__ import annotations

import builtins
import difflib
import operator
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from .load import Loader, not_saved
from .varchive import SPAWNED, Entry, Run, State, Varchive, ranges
from .varchive.errors import CannotLoad, NoSuchState, NoSuchVariable, NotSaved, UsageError


class Namespace(dict[str, Any]):
    """Globals that load themselves: the variables of one state.

    Attributes
    ----------
    loader : Loader
        What loads them.
    """

    def __init__(self, archive: Varchive, run: Run, state: State) -> None:
        super().__init__(__name__="__main__")
        self.loader = Loader(archive, run, state, self, self)
        self["__builtins__"] = _Builtins(self)

    def __missing__(self, name: str) -> Any:
        entry = self.loader.entries.get(name)
        if entry is None or name.startswith("<"):
            raise KeyError(name)
        if entry.reason is not None:
            # not a KeyError: the function that asks would see a NameError that explains nothing
            raise CannotLoad(not_saved(name, entry))
        return self.loader.load(name)


class _Builtins(dict[str, Any]):
    """The builtins, and behind them a namespace.

    Class bodies, ``eval`` and ``exec`` look names up past the ``__missing__`` of their globals, but
    not past that of the builtins.
    """

    def __init__(self, namespace: Namespace) -> None:
        found = vars(builtins).items()
        mine = namespace.loader.entries
        super().__init__((name, value) for name, value in found if name not in mine)
        self._namespace = namespace

    def __missing__(self, name: str) -> Any:
        return self._namespace[name]


class Variables(Mapping[str, Any]):
    """The variables of a state: name -> value, loaded when asked for.

    ``dict(variables)`` loads all.  What could not be saved is not among the names; asking for it
    raises `NotSaved`, which says why.

    Attributes
    ----------
    loader : Loader
        What loads them.
    """

    def __init__(self, namespace: Namespace) -> None:
        self.loader = namespace.loader
        entries = self.loader.entries.items()
        saved = [n for n, e in entries if e.reason is None and not n.startswith("<")]
        self._names = dict.fromkeys(sorted(saved))

    @property
    def entries(self) -> dict[str, Entry]:
        """What the manifest says of every variable: name -> entry, unsaved ones included."""
        found = self.loader.entries.items()
        return {name: entry for name, entry in sorted(found) if not name.startswith("<")}

    @property
    def state(self) -> State:
        """The state whose variables these are."""
        return self.loader.state

    def __getitem__(self, name: str) -> Any:
        if name in self._names:
            return self.loader.load(name)
        entry = self.entries.get(name)
        if entry is None:
            self._raise_if_excluded(name)
            raise NoSuchVariable(self._nothing(name))
        raise NotSaved(not_saved(name, entry))

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        n = self.state.n
        when = "on which the job runs of" if self._is_early else "after"
        lines = [f"variables {when} cell {n}, {len(self)} saved (loaded when asked for):"]
        withheld = self.state.withheld
        width = max((len(name) for name in (*self.entries, *withheld)), default=0)
        for name, entry in self.entries.items():
            text = entry.preview if entry.reason is None else f"not saved: {entry.reason}"
            lines.append(f"  {name:{width}}  {entry.type}  {text}")
        lines += [f"  {name:{width}}  not saved: it was not to be (dontsave)" for name in withheld]
        return "\n".join(lines)

    @property
    def _is_early(self) -> bool:
        """Whether these are those of a job whose end is not recorded."""
        return self.state.status == SPAWNED

    def _raise_if_excluded(self, name: str) -> None:
        for pattern in self.loader.run.about.get("dontsave", ()):
            if fnmatchcase(str(name), pattern):
                raise NotSaved(f"{name} was not saved: the run was told not to save {pattern!r}")
        if name in self.state.withheld:
            raise NotSaved(f"{name} was not saved: it was not to be, by then (dontsave)")

    def _nothing(self, name: str) -> str:
        state = self.state
        near = difflib.get_close_matches(str(name), self._names, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(self._names)}"
        if self._is_early:
            hint += "; the end of its job is not recorded (yet)"
        return f"no variable {name!r} after cell {state.n}: {hint}"


def resolve_cell(archive: Varchive, run: str, n: int | str) -> int:
    """Cell number, negative from the end, or a cell's id -> cell number.

    A cell id stands for the last time that cell ran.
    """
    numbers = archive.states(run)
    if not isinstance(n, str):
        number = _number(n)
        if number in numbers:
            return number
        if number < 0 and -number <= len(numbers):
            return numbers[number]
        raise NoSuchState(
            f"cell {number} was not recorded (recorded: {ranges(numbers)});"
            f" see tmrun show {archive.path}"
        )
    for number in reversed(numbers):
        if archive.state(run, number).cell_id == n:
            return number
    raise NoSuchState(
        f"no cell with id {n!r} was recorded (recorded: {ranges(numbers)}, by their numbers);"
        f" see tmrun show {archive.path}"
    )


def _number(n: object) -> int:
    """Give a cell number of any integer type.

    Raises
    ------
    UsageError
        For what is none.
    """
    try:
        if not isinstance(n, bool):
            return operator.index(n)  # type: ignore[arg-type]
    except TypeError:
        pass
    raise UsageError(f"{n!r} names no cell; give its number, In [n], or its id, a str")
