"""What was measured of a case -> the rows of the table, with their targets."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from sessions import Compared, Pair
from table import Row, size, time

from kernel_payload.varchive import CHUNK

SMALL = 3e-3
LATER = 0.1
FLAT = 1.3
OPEN = 0.05
NOISE = 0.05
MEMORY = 256e6
MANIFEST = 1 << 16
"""Bytes that a state may take by itself: its text, and the streams of its groups."""
FEW = 4
"""Chunks, where a change may lie across their borders or move what follows."""
ENDS = 100
"""Cells at either end of a long run."""

ALL = slice(None)

Tell = Callable[[Pair], str]


def rows_of(found: Compared) -> list[Row]:
    """Give the rows of a case."""
    return _ROWS[found.case.name](found)


def row_of_sizes(smaller: Compared, larger: Compared) -> Row:
    """Give how B depends on the array's size."""
    ratio = larger.tmrun.stall() / smaller.tmrun.stall()
    what = "  the larger array's against the smaller one's"
    return Row("B", what, f"<= {FLAT} x", f"{ratio:.2f} x", reached=ratio <= FLAT)


def row_of_memory(found: Compared) -> Row:
    """Give J of a case."""
    more = found.tmrun.memory()
    what = f"peak memory over no recording, {found.case.what}"
    floor = f"plain peak {size(max(found.tmrun.plain.peaks))}"
    peers = _peers(found, lambda pair: size(pair.memory()))
    return Row("J", what, f"<= {size(MEMORY)}", size(more), floor, peers, more <= MEMORY)


def _peers(found: Compared, tell: Tell) -> dict[str, str]:
    """Give what is told of each peer and of how many cells, or why nothing is."""
    told = {}
    for name, pair in found.peers.items():
        count = len(pair.recorded.cells)
        note = f" ({count} cells)" if count < len(found.case.cells) else ""
        told[name] = tell(pair) + note
    return {**told, **{name: f"failed: {why}" for name, why in found.failed.items()}}


def _row(
    found: Compared, what: str, measured: str, target: str = "", floor: str = "",
    peers: Tell | None = None, reached: bool | None = None,
) -> Row:  # fmt: skip
    told = _peers(found, peers) if peers else {}
    return Row(found.case.name, what, target, measured, floor, told, reached)


def _below(limit: float, found: Compared, what: str, cells: slice = ALL) -> Row:
    """Hold the stall of some cells against seconds."""
    stall, floor = found.tmrun.stall(cells), f"plain gap {time(found.tmrun.gap())}"
    tell = _stall_in(cells)
    return _row(found, what, time(stall), f"<= {time(limit)}", floor, tell, stall <= limit)


def _against(
    floor: str, limit: float | None, found: Compared, what: str, cells: slice = ALL
) -> Row:
    """Hold it against a floor, or only tell it, without a limit."""
    stall, least = found.tmrun.stall(cells), found.floor(floor)
    measured, told = f"{time(stall)} = {stall / least:.2f} x", f"{floor} {time(least)}"
    if limit is None:
        return _row(found, what, measured, floor=told, peers=_stall_in(cells))
    target, reached = f"<= {limit} x floor", stall <= limit * least
    return _row(found, what, measured, target, told, _stall_in(cells), reached)


def _stall_in(cells: slice) -> Tell:
    return lambda pair: time(pair.stall(cells))


def _stored(found: Compared, limit: float, target: str) -> Row:
    """Hold the bytes per cell against what is new in them."""
    stored = found.tmrun.recorded.stored
    measured, what = f"{size(stored.bytes)} in {stored.files:.1f} files", "  stored per cell"
    return _row(
        found, what, measured, target, reached=stored.bytes <= limit,
        peers=lambda pair: size(pair.recorded.stored.bytes),
    )  # fmt: skip


def _stall(found: Compared) -> str:
    return f"stall, {found.case.what}"


def _untouched(found: Compared) -> list[Row]:
    return [_below(SMALL, found, _stall(found))]


def _named(floor: str, found: Compared) -> list[Row]:
    return [_against(floor, None, found, _stall(found))]


def _array(found: Compared) -> list[Row]:
    target = "one chunk and a manifest"
    return [
        _against("hash", 1.5, found, _stall(found)),
        _stored(found, CHUNK + MANIFEST, target),
    ]


def _dicts(found: Compared) -> list[Row]:
    making = found.tmrun.recorded.setup[0].gap - found.tmrun.plain.setup[0].gap
    return [
        _against("pickle", 1.2, found, f"{_stall(found)}: the first", slice(1)),
        _below(LATER, found, "  later ones", slice(1, None)),
        _row(found, "  the cell that makes it", time(making)),
        _stored(found, FEW * CHUNK, "a few chunks"),
    ]


def _frame(found: Compared) -> list[Row]:
    new = found.case.new_bytes
    whole = _against("hash all", None, found, "  against hashing the whole frame")
    return [
        _against("hash", 1.5, found, _stall(found)),
        replace(whole, peers={}),
        _stored(found, new + CHUNK, f"the column, {size(new)}"),
    ]


def _loop(found: Compared) -> list[Row]:
    """Hold the cells' own time against the same without; noise is what that varies by itself."""
    plain = [timed.own for timed in found.tmrun.plain.cells]
    lower, middle, upper = statistics.quantiles(plain, n=4)
    noise = max(0.01, (upper - lower) / 2 / middle)
    ratio = found.tmrun.ratio()
    return [
        _row(
            found, f"own time, {found.case.what}", f"{ratio:.3f} x", f"1.00 x +- {noise:.3f}",
            f"plain {time(middle)}", lambda pair: f"{pair.ratio():.3f} x",
            # a machine with more noise cannot tell
            ratio <= 1 + noise if noise <= NOISE else None,
        )
    ]  # fmt: skip


def _long(found: Compared) -> list[Row]:
    first, last = found.tmrun.stall(slice(ENDS)), found.tmrun.stall(slice(-ENDS, None))
    # the first one loads what every later one uses
    opening = statistics.median(found.tmrun.recorded.openings[1:])
    return [
        _row(
            found, f"{_stall(found)}, last {ENDS} against first {ENDS}",
            f"{time(last)} / {time(first)} = {last / first:.2f} x", f"<= {FLAT} x",
            f"plain gap {time(found.tmrun.gap())}", reached=last <= FLAT * first,
        ),
        _row(
            found, "  opening the varchive, listing its states",
            time(opening), f"<= {time(OPEN)}", reached=opening <= OPEN,
        ),
    ]  # fmt: skip


_ROWS: Mapping[str, Callable[[Compared], Sequence[Row]]] = {
    "A": _untouched,
    "B": _untouched,
    "B-large": _untouched,
    "B-read": partial(_named, "hash"),
    "C": _array,
    "D": _untouched,
    "D-len": partial(_named, "pickle"),
    "E": _dicts,
    "F": _frame,
    "K": _loop,
    "K-function": _loop,
    "L": _long,
}
