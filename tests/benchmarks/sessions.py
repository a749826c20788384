"""A case and recorders -> what was measured: a kernel for each, the plain one among them."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from cases import Case
from recorders import TMRUN, Recorder
from stalls import Kernel, Timed

OPENINGS = 6
LAST = "pass"

Peers = Mapping[str, tuple[Recorder, Path | None]]
"""Name -> how it records, and the interpreter of its environment."""


class Stored(NamedTuple):
    """What lies in a folder, or came to it per cell."""

    bytes: float = 0
    files: float = 0


@dataclass
class Session:
    """What was measured in one kernel.

    Parameters
    ----------
    setup, cells : list of Timed
        Of the cells before, and of those that are measured.
    stored : Stored
        Per measured cell.
    peaks : list of int
        The most memory it had before, and in, the measured cells.
    floors : dict of str
        Name -> seconds, of each repetition.
    openings : list of float
        The seconds to open what was recorded and count the states.
    parts : int
        In how many the cells ran.
    """

    setup: list[Timed]
    before: Stored
    peaks: list[int]
    cells: list[Timed] = field(default_factory=list)
    stored: Stored = field(default_factory=Stored)
    floors: dict[str, list[float]] = field(default_factory=dict)
    openings: list[float] = field(default_factory=list)
    parts: int = 0

    def run(self, started: Kernel, cells: Sequence[str]) -> None:
        """Run some of the cells that are measured, and one that shows where the last one ends."""
        self.cells += started.run([*cells, LAST])
        self.parts += 1


@dataclass(frozen=True)
class Pair:
    """The same cells with a recorder and without, in two kernels of one environment."""

    plain: Session
    recorded: Session

    def stalls(self, cells: slice = slice(None)) -> list[float]:
        """Give what the gaps after some cells are above the plain ones."""
        pairs = zip(self.recorded.cells[cells], self.plain.cells[cells], strict=True)
        return [recorded.gap - plain.gap for recorded, plain in pairs]

    def stall(self, cells: slice = slice(None)) -> float:
        """Give their median."""
        return statistics.median(self.stalls(cells))

    def gap(self) -> float:
        """Give the plain kernel's own."""
        return statistics.median(timed.gap for timed in self.plain.cells)

    def ratio(self) -> float:
        """Give the time of the cells' own code, as a multiple of the plain one."""
        pairs = zip(self.recorded.cells, self.plain.cells, strict=True)
        return statistics.median(recorded.own / plain.own for recorded, plain in pairs)

    def memory(self) -> int:
        """Give what the peak is above the plain one, before the measured cells or in them."""
        peaks = zip(self.recorded.peaks, self.plain.peaks, strict=True)
        return max(recorded - plain for recorded, plain in peaks)


@dataclass(frozen=True)
class Compared:
    """What was measured of a case with tmrun, with peers, and why it failed with others."""

    case: Case
    tmrun: Pair
    peers: Mapping[str, Pair]
    failed: Mapping[str, str]

    def floor(self, name: str) -> float:
        """Give the seconds of a floor."""
        return statistics.median(self.tmrun.recorded.floors[name])


def compare(case: Case, peers: Peers) -> Compared:
    """Run a case with tmrun, and then with each of the peers."""
    found, failed = {}, {}
    ours = run(case, TMRUN)
    for name, (recorder, python) in peers.items() if case.peer_cells != 0 else ():
        turns = 1 if case.peer_cells else case.turns
        fewer = replace(case, cells=case.cells[: case.peer_cells], floors={}, turns=turns)
        try:
            found[name] = run(fewer, recorder, python)
        except Exception as error:
            failed[name] = str(error).strip().splitlines()[-1]
    return Compared(case, ours, found, failed)


def run(case: Case, recorder: Recorder, python: Path | None = None) -> Pair:
    """Run a case without recording and with it, in turn."""
    with folder_for_gigabytes() as folder, ExitStack() as stack:
        plain = stack.enter_context(kernel(folder / "plain", None, python))
        recorded = stack.enter_context(kernel(folder / "recorded", recorder, python))
        pair = Pair(begun(case, plain), begun(case, recorded))
        count, turns = len(case.cells), case.turns
        for turn in range(turns):
            part = case.cells[turn * count // turns : (turn + 1) * count // turns]
            pair.plain.run(plain, part)
            pair.recorded.run(recorded, part)
        ended(pair.plain, plain)
        ended(pair.recorded, recorded, recorder)
        # in the same kernel, but after its memory was looked at
        for name, floor in case.floors.items():
            pair.recorded.floors[name] = recorded.took(*floor)
    return pair


@contextmanager
def kernel(
    folder: Path, recorder: Recorder | None = None, python: Path | None = None
) -> Iterator[Kernel]:
    """Have a kernel, recorded or plain; end it whatever happens."""
    started = Kernel(folder, python)
    try:
        if recorder:
            recorder.attach(started)
        yield started
    finally:
        started.close()


@contextmanager
def folder_for_gigabytes() -> Iterator[Path]:
    """Have a folder that is gone afterwards, also when what writes into it was just killed."""
    with tempfile.TemporaryDirectory(prefix="tmrun-benchmark-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def begun(case: Case, started: Kernel) -> Session:
    """Run the cells before those that are measured."""
    times = started.run([*case.setup, LAST])
    before = settled(started.record)
    return Session(times, before, [started.peak()])


def ended(session: Session, started: Kernel, recorder: Recorder | None = None) -> None:
    """Take down what the measured cells left, and verify that all of them were recorded."""
    now = settled(started.record)
    session.peaks.append(started.peak())
    session.stored = _per_cell(session, started, now)
    for _ in range(OPENINGS if recorder else 0):
        began = time.perf_counter()
        states = recorder.states(started)
        session.openings.append(time.perf_counter() - began)
        if states != started.cells:
            raise RuntimeError(f"it recorded {states} of {started.cells} cells")


def _per_cell(session: Session, started: Kernel, now: Stored) -> Stored:
    """Give what came per measured cell, without what came by the last one of each part."""
    started.run([LAST])
    after, count = settled(started.record), len(session.cells)
    numbers = zip(session.before, now, after, strict=True)
    return Stored(*((b - a - session.parts * (c - b)) / count for a, b, c in numbers))


def settled(folder: Path) -> Stored:
    """Wait until nothing more is written; give what is there."""
    before, now = None, _stored(folder)
    while before != now:
        time.sleep(0.5)
        before, now = now, _stored(folder)
    # or the machine would still be writing it to the disk while the next cells are timed
    os.sync()
    return now


def _stored(folder: Path) -> Stored:
    sizes = []
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue  # a temporary file that has its name by now
    return Stored(sum(sizes), len(sizes))
