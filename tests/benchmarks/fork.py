"""What it would cost to pickle a large structure in a forked child, beside pickling it in place.

    python tests/benchmarks/fork.py [DICTS]

One process makes a list of small dicts, and by turns pickles it and forks a child that does.  The
floor of the stall is the fork, which copies the tables of the pages.  Told beside it: how long the
child takes, in which a next child would have to wait; what it takes in memory, since counting
references writes to each page that it looks at; and how much slower a cell of the parent's is
that changes the list meanwhile, and copies each page when it first does.
"""

from __future__ import annotations

import gc
import os
import pickle
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

TURNS = 7


def timed(what: Callable[[], object]) -> float:
    """Give the seconds that something takes."""
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def private() -> int:
    """Give the bytes of memory that are this process's alone."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Private"))


def in_child(value: object) -> tuple[float, Callable[[], list[float]]]:
    """Pickle a value in a child; give the stall of the fork, and what waits for the child.

    That gives the child's seconds and bytes.
    """
    reader, writer = os.pipe()
    began = time.perf_counter()
    child = os.fork()
    if not child:
        took = timed(lambda: pickle.dumps(value, 5))
        os.write(writer, f"{took} {private()}".encode())
        os._exit(0)
    stall = time.perf_counter() - began

    def wait() -> list[float]:
        os.waitpid(child, 0)
        told = os.read(reader, 100)
        os.close(reader)
        os.close(writer)
        return [*map(float, told.split())]

    return stall, wait


def main(count: int) -> None:
    """Measure, and print."""
    gc.disable()
    value = [{"n": i} for i in range(count)]

    def change() -> None:
        for item in value:
            item["n"] += 1

    rows: dict[str, list[float]] = {}
    for _ in range(TURNS):
        rows.setdefault("pickled in place, s", []).append(timed(lambda: pickle.dumps(value, 5)))
        rows.setdefault("a cell that changes all of it, s", []).append(timed(change))
        stall, wait = in_child(value)
        rows.setdefault("  the same while a child pickles, s", []).append(timed(change))
        rows.setdefault("the fork, s", []).append(stall)
        took, memory = wait()
        rows.setdefault("pickled in the child, s", []).append(took)
        rows.setdefault("memory of the child's own, MB", []).append(memory / 1e6)
    print(f"{count:,} dicts, median of {TURNS}; the process has {private() / 1e6:.0f} MB")
    for name, values in rows.items():
        print(f"{name:40}{statistics.median(values):10.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
