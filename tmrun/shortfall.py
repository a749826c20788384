"""What a new baseline does not hold, or holds of this machine alone: to be said when it is made."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from kernel_payload.distil import ANSWER
from kernel_payload.plain import Array, Atom, Frame, Instance, decode
from kernel_payload.varchive import Entry, State

from .expectations import Expectation
from .reader import Recording
from .steady import Unsteady, general

_ENVIRONMENT = "JPY_PARENT_PID"  # which only a kernel's environment has
_PARTS = 10_000  # of a value that are looked at


def shortfalls(made: Recording, expected: Mapping[int, Expectation]) -> Iterator[str]:
    """Say what is not checked although it could be thought to be.

    Parameters
    ----------
    made : Recording
        The baseline.
    expected : mapping
        Number of a cell -> how it is checked.
    """
    untold: dict[tuple[int, str], dict[str, None]] = {}
    for n in made.states():
        state = made.state(n)
        for name, entry in [*state.entries.items(), (ANSWER, state.answer)]:
            if isinstance(entry, Entry) and entry.reason:
                untold.setdefault((entry.n, entry.reason), {})[f"{name} ({entry.type})"] = None
        there = [name for name, entry in state.entries.items() if entry.n == n]
        there += [ANSWER, *state.withheld]
        for pattern in (expected[n].check or ()) if n in expected else ():
            if not any(fnmatchcase(name, pattern) for name in there):
                yield f"cell {n}: {pattern!r} is to be checked, and is nothing that it makes"
    for (n, reason), names in sorted(untold.items()):
        yield f"cell {n}: not checked, for {reason}: {', '.join(names)}"


def of_this_machine(made: Recording, places: list[str]) -> Iterator[Unsteady]:
    """Find what holds the path of a directory that is elsewhere on another machine.

    Parameters
    ----------
    made : Recording
        A plain run.
    places : list of str
        The directories.
    """
    own = str(os.getpid())  # the kernel's parent, of both runs
    for n in made.states():
        state = made.state(n)
        for name, entry in _made_here(state):
            for path, text in _texts(name, decode(entry.plain)):
                where = name + general(path[len(name) :])
                if text == _ENVIRONMENT:
                    yield Unsteady(n, where, "the environment")
                elif text == own:
                    yield Unsteady(n, where, "a process id", text)
                elif any(place in text for place in places):
                    yield Unsteady(n, where, "a path of this machine", text)


def _made_here(state: State) -> Iterator[tuple[str, Entry]]:
    for name, entry in [*state.entries.items(), (ANSWER, state.answer)]:
        if isinstance(entry, Entry) and entry.n == state.n and entry.plain is not None:
            yield name, entry


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Give the texts in a value, with their paths."""
    stack, seen = [(path, value)], 0
    known: set[int] = set()
    while stack and seen < _PARTS:
        at, found = stack.pop()
        seen += 1
        if isinstance(found, (str, int)):
            yield at, str(found)
        elif isinstance(found, dict) and _ENVIRONMENT in found:
            yield at, _ENVIRONMENT
        elif isinstance(found, Atom):
            yield at, found.text
        elif id(found) not in known:
            known.add(id(found))
            stack += reversed([*_parts(at, found)])


def _parts(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((f"{path}[{key!r}]", part) for key, part in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((f"{path}[{place}]", part) for place, part in enumerate(value))
    elif isinstance(value, (set, frozenset)):
        yield from ((path, part) for part in value)
    elif isinstance(value, Array):
        yield from ((path, part) for part in value.items)
    elif isinstance(value, Frame):
        yield from (
            (f"{path}[{label!r}]", part)
            for label, part in zip(value.columns, value.data, strict=False)
        )
    elif isinstance(value, Instance):
        yield from ((f"{path}.{name}", part) for name, part in vars(value).items())
