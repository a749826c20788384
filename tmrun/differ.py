"""Two recordings -> what differs, cell by cell; reads both sides, prints nothing.

Entries of equal digests are equal and are not loaded.  A variable that differs is told of the cell
in which it comes to differ, and only named in the later ones that leave it so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Any

from kernel_payload.distil import ADDRESS
from kernel_payload.varchive import Entry, State
from kernel_payload.varchive.archive import MISREAD
from kernel_payload.varchive.errors import Damaged, NoSuchState, UsageError

from .difference import Measure
from .match import Cell, Match, match
from .reader import Recording
from .reference import open_reference
from .show import first_line
from .variable_diff import OUT, Judge, Nothing, Snapshot, VariableDiff, text_of_alone

_DAMAGED = "damaged"


@dataclass(frozen=True)
class CellDiff:
    """What differs after one cell.

    Attributes
    ----------
    a, b : int or None
        The cell's number in A and in B; None where it is not there.
    by : str
        How the two were matched: ``id``, ``source``, ``place``, or ``state`` when they were named.
    first_line : str
        Of its source.
    edited : bool
        Whether the sources differ; that alone is no difference of what is computed.
    outcomes : tuple of str, or None
        How the cell ended in A and in B, where that differs: ``ok``, ``ValueError: …``.
    variables : tuple of VariableDiff
        Those that come to differ here, or cannot be compared; ``Out`` is the cell's answer.
    still : tuple of str
        Those that differ as they did before.
    trouble : str or None
        Why the cell could not be compared.
    """

    a: int | None
    b: int | None
    by: str = ""
    first_line: str = ""
    edited: bool = False
    outcomes: tuple[str, str] | None = None
    variables: tuple[VariableDiff, ...] = ()
    still: tuple[str, ...] = ()
    trouble: str | None = None

    @property
    def parts(self) -> bool:
        """Whether the runs differ here as they did not before."""
        one_only = self.a is None or self.b is None
        return one_only or self.outcomes is not None or any(v.differs for v in self.variables)

    @property
    def differs(self) -> bool:
        """Whether anything differs after this cell."""
        return self.parts or bool(self.still)

    @property
    def troubled(self) -> bool:
        """Whether something could not be compared that was recorded."""
        return self.trouble is not None or any(v.kind == "unknown" for v in self.variables)


@dataclass(frozen=True)
class Side:
    """One of the two: its varchive, its run, and the cell when it is one state."""

    varchive: str
    run: str
    cell: int | None = None


@dataclass(frozen=True)
class Diff:
    """What differs between two runs or states.

    Attributes
    ----------
    a, b : Side
        What was compared.
    cells : tuple of CellDiff
        All cells of both, in the order in which they ran in A.
    """

    a: Side
    b: Side
    cells: tuple[CellDiff, ...]

    @cached_property
    def first(self) -> CellDiff | None:
        """The first cell where the two part; None when they do not."""
        return next((cell for cell in self.cells if cell.parts), None)

    @property
    def equal(self) -> bool:
        """Whether nothing differs, and all that was recorded could be compared."""
        return self.first is None and not self.troubled

    @property
    def troubled(self) -> bool:
        """Whether something could not be compared."""
        return any(cell.troubled for cell in self.cells)


def diff(a: Any, b: Any, *, rtol: float = 0.0, atol: float = 0.0) -> Diff:
    """Compare two runs or states; see `tmrun.diff`."""
    if not (0 <= rtol < inf and 0 <= atol < inf):
        raise UsageError("a tolerance is a number of at least 0; 0 compares exactly")
    left, cell_a = open_reference(a)
    right, cell_b = open_reference(b)
    # an id or a place -> the number
    numbers = [
        None if cell is None else side.state(cell).n
        for side, cell in ((left, cell_a), (right, cell_b))
    ]
    measure = Measure(rtol, atol)
    return compare_recordings(left, right, lambda name, entry: measure, *numbers)


def compare_recordings(
    left: Recording,
    right: Recording,
    measure: Callable[[str, Entry], Measure],
    a: int | None = None,
    b: int | None = None,
) -> Diff:
    """Compare two runs, or of each the one state that is named.

    Parameters
    ----------
    left, right : Recording
        The runs.
    measure : callable
        Name of a variable, and its entry in B -> by what its values are judged.
    a, b : int, optional
        The numbers of the states.
    """
    differ = _Differ(left, right, measure)
    cells = tuple(differ.compare(*pair) for pair in _pairs(left, right, a, b))
    return Diff(_side(left, a), _side(right, b), cells)


def _side(recording: Recording, cell: int | None) -> Side:
    return Side(str(recording.archive.path), recording.run.id, cell)


Compared = tuple["State | None", "State | None", str]


def _pairs(left: Recording, right: Recording, a: int | None, b: int | None) -> Iterator[Compared]:
    """Give the states that are to be compared, and how they were matched."""
    if a is not None and b is not None:
        yield _state(left, a), _state(right, b), "state"
        return
    states = [{n: _state(side, n) for n in side.states()} for side in (left, right)]
    matches = match(*([*map(_cell, side.values())] for side in states))
    if a is not None or b is not None:
        matches = [_of_state(matches, a, b)]
    for x, y, by in matches:
        yield states[0][x.n] if x else None, states[1][y.n] if y else None, by


def _of_state(matches: list[Match], a: int | None, b: int | None) -> Match:
    """Give the match of the one state that was named."""
    for found in matches:
        named = found.a if a is not None else found.b
        if named is not None and named.n == (b if a is None else a):
            if found.a is None or found.b is None:
                break
            return found
    side, n, other = ("A", a, "B") if a is not None else ("B", b, "A")
    raise NoSuchState(f"{other} has no cell like cell {n} of {side}; name one: {other}:N")


def _state(recording: Recording, n: int) -> State:
    """Give a state; of one whose manifest is damaged, that it is."""
    try:
        return recording.state(n)
    except Damaged as error:
        return State(n=n, status=_DAMAGED, error={"evalue": str(error)})


def _cell(state: State) -> Cell:
    return Cell(state.n, state.cell_id, state.source)


class _Differ:
    """Compares the states of two runs, one pair after the other, and knows what was told."""

    def __init__(
        self, left: Recording, right: Recording, measure: Callable[[str, Entry], Measure]
    ) -> None:
        self._left = left
        self._right = right
        self._judge = Judge(measure)
        # as of the last cells: what a cell that only one run has is held against
        self._last: list[Snapshot | Nothing] = [Nothing(), Nothing()]

    def compare(self, a: State | None, b: State | None, by: str) -> CellDiff:
        """Compare two states; None where there is none."""
        if a is None or b is None:
            return self._alone(a, b)
        outcomes = outcome(a), outcome(b)
        told = CellDiff(
            a.n,
            b.n,
            by,
            first_line(a.source),
            edited=by != "state" and a.source != b.source,
            outcomes=None if _end_alike(a, b) else outcomes,
        )
        try:
            self._last = [Snapshot(self._left, _whole(a)), Snapshot(self._right, _whole(b))]
            variables, still = self._judge.states(*self._last)
        except (Damaged, OSError, *MISREAD) as error:
            return replace(told, outcomes=None, trouble=str(error))
        return replace(told, variables=variables, still=still)

    def _alone(self, a: State | None, b: State | None) -> CellDiff:
        """Tell what a cell did that only one run has."""
        place, side, state = (0, self._left, a) if a is not None else (1, self._right, b)
        assert state is not None
        told = CellDiff(
            a.n if a is not None else None,
            b.n if b is not None else None,
            first_line=first_line(state.source),
        )
        try:
            self._last[place] = Snapshot(side, _whole(state))
            variables, still = self._judge.states(*self._last, answers=False)
            if isinstance(state.answer, Entry) and not state.answer.reason:
                kind = "removed" if a is not None else "added"
                variables += (VariableDiff(OUT, kind, *text_of_alone(state.answer, kind)),)
        except (Damaged, OSError, *MISREAD) as error:
            return replace(told, trouble=str(error))
        return replace(told, variables=variables, still=still)


def _end_alike(a: State, b: State) -> bool:
    """Whether two cells ended alike; where the text of an error is left out, by its name."""
    if a.error and b.error and "evalue" not in (a.error.keys() & b.error.keys()):
        return a.status == b.status and a.error.get("ename") == b.error.get("ename")
    return outcome(a) == outcome(b)


def _whole(state: State) -> State:
    """Give a state that could be read.

    Raises
    ------
    Damaged
        It could not.
    """
    if state.status == _DAMAGED:
        raise Damaged(str((state.error or {}).get("evalue")))
    return state


def outcome(state: State) -> str:
    """Say how a cell ended; addresses, which no two runs share, are left out."""
    if not state.error:
        return state.status
    said = ": ".join(str(state.error[name]) for name in ("ename", "evalue") if name in state.error)
    return ADDRESS.sub("0x…", said)
