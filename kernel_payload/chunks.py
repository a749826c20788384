"""Frozen values -> parts of a group, their large memory cut in chunks and hashed once.

A chunk is copied only when the varchive does not hold it yet: the rest of an array that changed in
one place costs its hashing and nothing more.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .freeze import Frozen
from .varchive import CHUNK, INLINE, Part
from .varchive.digest import Buffer, digest
from .varchive.spread import spread

Put = Callable[[str, bytes], None]


class Chunker:
    """Cuts, hashes, and hands over what is new.

    Parameters
    ----------
    put : callable
        digest, bytes -> None; called once for each chunk that was not seen before.
    """

    def __init__(self, put: Put) -> None:
        self._put = put
        self._stored: set[str] = set()
        self._hashed: dict[tuple[int, int, bool], tuple[Part, memoryview]] = {}

    def forget_memory(self) -> None:
        """End a recording: memory may change from here on, and is let go."""
        self._hashed.clear()

    def forget_stored(self) -> None:
        """Hand over every chunk again: what was stored may be gone."""
        self._stored.clear()

    def parts(self, frozen: Frozen, *, store: bool = True) -> tuple[Part, ...]:
        """Give the stream and the buffers as parts; hand over the buffers' chunks, or only hash."""
        buffers = (self._buffer(memory, store) for memory in frozen.buffers)
        return (frozen.stream.part(), *buffers)

    def keep(self, chunk: Buffer) -> str:
        """Name a chunk, and hand it over if it is new."""
        return self._hand_over(digest(chunk), chunk)

    def _hand_over(self, name: str, chunk: Buffer) -> str:
        if name in self._stored:
            return name
        if type(chunk) is not bytes:
            # a thread of the user's may have written there since it was hashed
            chunk = bytes(chunk)
            name = digest(chunk)
        self._put(name, chunk)
        self._stored.add(name)
        return name

    def _buffer(self, memory: memoryview, store: bool) -> Part:
        """Give a buffer as a part; one that several members of a group hold is hashed once."""
        if (address := _address(memory.obj)) is None:
            return self._part(memory, store)
        key = (address, memory.nbytes, store)
        if key not in self._hashed:
            # with the memory itself, or another array could take its address
            self._hashed[key] = self._hashed.get((*key[:2], True)) or (
                self._part(memory, store),
                memory,
            )
        return self._hashed[key][0]

    def _part(self, memory: memoryview, store: bool) -> Part:
        if memory.nbytes <= INLINE:
            return Part(memory.nbytes, bytes(memory))
        chunks = [memory[start : start + CHUNK] for start in range(0, memory.nbytes, CHUNK)]
        names = spread(digest, chunks)
        if store:
            names = [self._hand_over(*pair) for pair in zip(names, chunks, strict=True)]
        return Part(memory.nbytes, None, tuple(names), is_array=_address(memory.obj) is not None)


def value_digest(parts: tuple[Part, ...]) -> str:
    """Name a value by its stream and buffers, whatever the names of its variables."""
    if len(parts) == 1 and parts[0].inline is not None:
        return digest(parts[0].inline)
    names = (p.chunks if p.inline is None else (digest(p.inline),) for p in parts)
    return digest(" ".join(name for part in names for name in part).encode())


def _address(exporter: Any) -> int | None:
    numpy = sys.modules.get("numpy")
    if numpy is None or type(exporter) is not numpy.ndarray:
        return None
    address: int = exporter.__array_interface__["data"][0]
    return address
