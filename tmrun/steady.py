"""Two runs of one notebook -> what no run does twice, by name or path: what is to be ignored. Pure.

Timestamps, addresses, random numbers without a seed, how long something took.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from kernel_payload.distil import ADDRESS, ANSWER, ERROR, Wish
from kernel_payload.plain import decode
from kernel_payload.varchive import Entry, State

from .compare import compare
from .differ import outcome
from .difference import Difference, Measure
from .reader import Recording

_ROUNDS = 20  # of comparing again without what was found
_PATHS = 6  # of one variable: beyond, all of it

_STEP = re.compile(r"\[(?:'(?:[^'\\]|\\.)*'|[^\]]*)\]|\.[A-Za-z_]\w*(?:\(\))?")
_NUMBER = re.compile(r"\[-?[\d, ]+\]|\[-?\d+:\d+\]")
# of rows and statistics: what is unsteady is the column, the array
_INSIDE = re.compile(r"\.i?loc\b.*|\.(mean|std|min|max|count|finite)\(\)$|\.parts\(\)\[\d+\]$|\{.*")
_TEMPORARY = re.compile(r"/tmp|/var/folders|[\\/]Temp[\\/]|tmp[a-z0-9_]{6,}")
_YEARS = 1.4e9, 4.2e9  # seconds since 1970
_TIMES = ("datetime", "Timestamp", "struct_time")


@dataclass(frozen=True)
class Unsteady:
    """What differed between two runs.

    Attributes
    ----------
    n : int
        The cell that made it.
    path : str
        A variable, or a path in one: ``report['seconds']``.
    kind : str
        What it seems to be: ``a time``, ``an address``, ``a temporary path``, or ``not the same
        twice: random, without a seed?``.
    a, b : str
        What it was.
    """

    n: int
    path: str
    kind: str
    a: str = ""
    b: str = ""


def unsteady_between(
    first: Recording, second: Recording, measure: Callable[[str, Entry], Measure]
) -> list[Unsteady]:
    """Find what two plain runs of one notebook do not have in common.

    Parameters
    ----------
    first, second : Recording
        The runs.
    measure : callable
        Name, and its entry -> by what its values are judged.
    """
    found: dict[tuple[int, str], Unsteady] = {}
    for n in second.states():
        if n not in first.states():
            continue
        states = first.state(n), second.state(n)
        said = [outcome(state) for state in states]
        if said[0] != said[1]:
            found[n, ERROR] = Unsteady(n, ERROR, _RANDOM, *said)
        for name in _names(*states):
            a, b = (_entry(name, state) for state in states)
            for each in _of_variable(name, a, b, measure):
                found.setdefault((each.n, each.path), each)
    return [*found.values()]


def _names(a: State, b: State) -> list[str]:
    """Give the names of what the cell made in one of the runs; the others were looked at before."""
    made = {name for state in (a, b) for name, entry in state.entries.items() if entry.n == state.n}
    return [*sorted(made), ANSWER]


def _entry(name: str, state: State) -> Entry | None:
    if name == ANSWER and name not in state.entries:
        return state.answer if isinstance(state.answer, Entry) else None
    return state.entries.get(name)


def _of_variable(
    name: str, a: Entry | None, b: Entry | None, measure: Callable[[str, Entry], Measure]
) -> Iterator[Unsteady]:
    if a is None or b is None:
        there = a or b
        if there is not None:
            yield Unsteady(there.n, name, "only there in one of two runs")
        return
    if a.digest == b.digest and a.reason == b.reason:
        return
    if a.plain is None or b.plain is None:
        yield Unsteady(b.n, name, "not saved in one of two runs")
        return
    yield from _of_values(name, b.n, decode(a.plain), decode(b.plain), measure(name, b))


def _of_values(name: str, n: int, x: Any, y: Any, by: Measure) -> Iterator[Unsteady]:
    told: dict[str, Unsteady] = {}
    for _ in range(_ROUNDS):
        paths = Wish(ignore=tuple(told)).ignored(name) if told else None

        def ignored(path: str, paths: Any = paths) -> bool:
            return bool((by.ignored and by.ignored(path)) or (paths and paths(path)))

        found = compare(x, y, rtol=by.rtol, atol=by.atol, ignored=ignored)
        if found.equal:
            yield from told.values()
            return
        for each, shown in _generally(found.differences):
            path = name + shown
            told.setdefault(path, Unsteady(n, path, _kind(each), each.a, each.b))
        if name in told or len(told) > _PATHS or not found.differences:
            break
    first = next(iter(told.values()), Unsteady(n, name, _RANDOM))
    yield replace(first, path=name)


def _generally(found: tuple[Difference, ...]) -> Iterator[tuple[Difference, str]]:
    """Give the general paths of differences; where each side has keys of its own, those of all."""
    lone: dict[str, set[str]] = {}
    for each in found:
        if each.kind in ("missing", "added"):
            lone.setdefault(_holder(each.path), set()).add(each.kind)
    for each in found:
        path, holder = general(each.path), _holder(each.path)
        random = each.kind in ("missing", "added") and len(lone[holder]) > 1
        yield each, f"{general(holder + '.')}[*]" if random and path.endswith("]") else path


def _holder(path: str) -> str:
    """Give the path of what holds what is at a path."""
    return "".join(_STEP.findall(path)[:-1])


def general(path: str) -> str:
    """Give the path of what is unsteady: no elements of an array, no rows of a frame.

    ::

        ['rows'][3]['time'] --> ['rows'][*]['time']
        ['draws'][7]        --> ['draws']
        ['x'].loc[2]        --> ['x']
    """
    steps = _STEP.findall(_INSIDE.sub("", path))
    while steps and _NUMBER.fullmatch(steps[-1]):
        steps.pop()
    return "".join("[*]" if _NUMBER.fullmatch(step) else step for step in steps)


_RANDOM = "not the same twice: random, without a seed?"


def _kind(found: Difference) -> str:
    both = found.a + found.b
    if any(name in both for name in _TIMES) or all(map(_is_time, (found.a, found.b))):
        return "a time"
    if ADDRESS.search(both):
        return "an address"
    if _TEMPORARY.search(both):
        return "a temporary path"
    return _RANDOM


def _is_time(text: str) -> bool:
    if re.match(r"'?\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text):
        return True
    try:
        number = float(text)
    except ValueError:
        return False
    low, high = _YEARS
    return any(low < number / scale < high for scale in (1, 1e3, 1e6, 1e9))
