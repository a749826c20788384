"""Work on many chunks at once: hashing, reading and copying let go of Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

_MOST_THREADS = 4  # then memory is the bound
_WORTH_A_THREAD = 64  # chunks for each thread: below, its start costs what it saves

A = TypeVar("A")
B = TypeVar("B")


def processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(work: Callable[[A], B], chunks: Sequence[A]) -> list[B]:
    """Give what is worked out of each chunk, in order; of many on several threads."""
    count = min(processors(), _MOST_THREADS, len(chunks) // _WORTH_A_THREAD)
    if count < 2:
        return [*map(work, chunks)]
    from concurrent.futures import ThreadPoolExecutor

    share = -(-len(chunks) // count)
    shares = [chunks[start : start + share] for start in range(0, len(chunks), share)]
    with ThreadPoolExecutor(count) as pool:
        done = pool.map(lambda some: [*map(work, some)], shares)
        return [result for results in done for result in results]
