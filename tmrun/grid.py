"""From manifests to rows and columns: the cells of a run, and the spans of its variables.

Each variable has a column of *spans*: a square for what a cell did to it, and one span for all the
cells that left it as it was.  So the grid grows with cells, variables and changes, and not with
cells times variables.  Nothing is unpickled; how it looks is left to `picture` and `picture_html`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from kernel_payload.varchive import SPAWNED, Entry, State
from kernel_payload.varchive.archive import MISREAD
from kernel_payload.varchive.errors import Damaged

from .reader import Recording

MADE, CHANGED, UNCHANGED, DELETED, UNSAVED, UNKNOWN, ABSENT = "+~.-!? "
KINDS = {
    MADE: "made",
    CHANGED: "changed",
    UNCHANGED: "unchanged",
    DELETED: "deleted",
    UNSAVED: "not saved",
    UNKNOWN: "damaged",
}
MARKS = {"x": "failed", "&": "job", "<": "went back", "?": "damaged"}

_EVENTS = {MADE, CHANGED, DELETED}
_WITHHELD = Entry(type="", n=0, reason="by your wish (dontsave)")
_MIB = 1 << 20


@dataclass
class Span:
    """A variable after each of ``rows`` cells that follow each other, the first in row ``start``.

    ``kind`` is one of `KINDS`, or `ABSENT`.
    """

    start: int
    rows: int
    kind: str
    entry: Entry | None = None


@dataclass(frozen=True)
class Row:
    """A cell: its state, its variables (None: damaged), and which of `MARKS` it has."""

    state: State
    entries: dict[str, Entry] | None
    marks: str = ""

    @property
    def is_job(self) -> bool:
        """Whether it ran in the background, or does."""
        return self.state.job is not None or self.state.status == SPAWNED

    @property
    def size(self) -> int:
        """Bytes of the variables; of what is large and shared, once."""
        entries = (self.entries or {}).items()
        return sum({e.place if e.size > _MIB else name: e.size for name, e in entries}.values())


class Grid:
    """The cells of a run and its variables, as they were recorded when it was made.

    Parameters
    ----------
    recording : Recording
        The run.

    Attributes
    ----------
    rows : list of Row
        The cells, in order.
    columns : dict
        Name -> spans, for every variable that there ever was, in the order of their first making.
    """

    def __init__(self, recording: Recording) -> None:
        self.rows = list(_read(recording))
        self.columns = _columns(self.rows)

    @property
    def marks(self) -> dict[str, str]:
        """The marks that there are, and what they say."""
        there = {mark for row in self.rows for mark in row.marks}
        return {mark: word for mark, word in MARKS.items() if mark in there}

    @property
    def kinds(self) -> dict[str, str]:
        """The kinds of squares; that of a damaged state only where there is one."""
        damaged = any(row.entries is None for row in self.rows)
        return {kind: word for kind, word in KINDS.items() if kind != UNKNOWN or damaged}


def value(entry: Entry | None) -> tuple[int, str | None, str | None] | None:
    """Give what two entries of a variable have in common if they are the same value."""
    return None if entry is None else (entry.n, entry.digest, entry.reason)


def _read(recording: Recording) -> Iterator[Row]:
    archive = recording.archive
    seen: set[int] = set()
    last: int | None = None  # the cell from which the next one goes on, unless it goes back
    for n in archive.states(recording.run.id):
        # of a damaged one it is not known on what it ran: most go on from the one before
        row = _row(recording, State(n, parent=last))
        yield replace(row, marks=_marks(row, last, seen))
        seen.add(n)
        if not row.is_job:
            last = n


def _row(recording: Recording, state: State) -> Row:
    try:
        state = recording.archive.state(recording.run.id, state.n)
        found = recording.archive.entries(state)
    except (Damaged, *MISREAD) as error:
        what = {"ename": type(error).__name__, "evalue": str(error)}
        return Row(replace(state, status=KINDS[UNKNOWN], error=what), None)
    return Row(state, {name: entry for name, entry in found.items() if name[:1] != "<"})


def _marks(row: Row, last: int | None, seen: set[int]) -> str:
    if row.entries is None:
        return UNKNOWN
    state = row.state
    failed = state.error is not None or state.status not in ("ok", SPAWNED)
    # of a parent that was cleared it is not known
    known = isinstance(state.parent, str) or state.parent in seen
    told = {"x": failed, "&": row.is_job, "<": known and state.parent != last}
    return "".join(mark for mark, holds in told.items() if holds)


def _columns(rows: list[Row]) -> dict[str, list[Span]]:
    columns: dict[str, list[Span]] = {}
    for place, row in enumerate(rows):
        squares = dict(_squares(row, columns))
        for name in sorted(squares.keys() - columns.keys()):
            columns[name] = [Span(0, place, ABSENT)] if place else []
        for name, spans in columns.items():
            kind, entry = squares.get(name, (ABSENT, None))
            if spans and kind not in _EVENTS and _goes_on(spans[-1], kind, entry):
                spans[-1].rows += 1
            else:
                spans.append(Span(place, 1, kind, entry))
    return columns


def _squares(row: Row, known: Iterable[str]) -> Iterator[tuple[str, tuple[str, Entry | None]]]:
    """Give what a cell did to each variable that it concerns; of several for one, the last."""
    if row.entries is None:
        yield from ((name, (UNKNOWN, None)) for name in known)
        return
    state = row.state
    kinds = {**dict.fromkeys(state.changed, CHANGED), **dict.fromkeys(state.made, MADE)}
    yield from ((name, (DELETED, None)) for name in state.deleted)
    for name, entry in row.entries.items():
        yield name, (UNSAVED if entry.reason else kinds.get(name, UNCHANGED), entry)
    yield from ((name, (UNSAVED, _WITHHELD)) for name in state.withheld)


def _goes_on(span: Span, kind: str, entry: Entry | None) -> bool:
    return span.kind == kind and value(span.entry) == value(entry)
