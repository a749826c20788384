"""A group's bytes: the pickle stream of its members and the buffers that left the stream.

::

    4 bytes, big endian: length of the head
    head    JSON: {"members": […], "parts": [{"size": …} or {"size": …, "chunks": […]}]}
            and "sizes": […], those of the chunks, where they are not `CHUNK`; "array": true
    the parts that have no chunks, one after the other

Part 0 is the stream, the others its buffers in order (pickle protocol 5).  A part of more than
`INLINE` bytes is cut in chunks, each an object of its own, so a change of one element of a large
array stores one chunk.  The small groups of a cell stand together in one object.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

from .errors import Damaged
from .model import dump_json
from .spread import spread

CHUNK = 1 << 20
INLINE = 1 << 16

Memory = Any
"""A bytearray, or a numpy array of bytes."""


class Part(NamedTuple):
    """A stream or a buffer: its size in bytes, and its bytes or the digests of its chunks.

    Chunks have `CHUNK` bytes, and the last one what is left, unless ``sizes`` says otherwise.  Of
    an array: it is numpy's memory, and can be that again.
    """

    size: int
    inline: bytes | None
    chunks: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    is_array: bool = False


@dataclass(frozen=True)
class Group:
    """Values that were pickled together, by the names of their entries."""

    members: tuple[str, ...]
    parts: tuple[Part, ...]

    def to_bytes(self) -> bytes:
        """Serialize, chunks by their digests."""
        head = dump_json({"members": self.members, "parts": [_head(p) for p in self.parts]})
        inline = [part.inline for part in self.parts if part.inline is not None]
        return b"".join([len(head).to_bytes(4, "big"), head, *inline])

    @classmethod
    def from_bytes(cls, data: bytes) -> Group:
        """Read what `to_bytes` gave."""
        start = 4 + int.from_bytes(data[:4], "big")
        head = json.loads(data[4:start])
        sizes = [0 if "chunks" in part else part["size"] for part in head["parts"]]
        ends = accumulate(sizes, initial=start)
        parts = (
            Part(
                part["size"],
                None if "chunks" in part else data[at : at + part["size"]],
                tuple(part.get("chunks", ())),
                tuple(part.get("sizes", ())),
                bool(part.get("array")),
            )
            for part, at in zip(head["parts"], ends, strict=False)
        )
        return cls(tuple(head["members"]), tuple(parts))

    def objects(self) -> Iterator[str]:
        """Give the digests of the chunks."""
        for part in self.parts:
            yield from part.chunks

    def read(self, part: Part, read_into: Callable[[str, memoryview], None]) -> Memory:
        """Bring a part's bytes together."""
        if part.inline is not None:
            return bytearray(part.inline)
        sizes = part.sizes or (CHUNK,) * len(part.chunks)
        if len(sizes) != len(part.chunks) or sum(sizes) < part.size:
            raise Damaged(f"a group's chunks do not make up its {part.size} bytes")
        whole = _room(part)
        memory = memoryview(whole)
        ends = accumulate(sizes)
        places = [memory[end - size : end] for size, end in zip(sizes, ends, strict=True)]
        spread(lambda chunk: read_into(*chunk), [*zip(part.chunks, places, strict=True)])
        return whole


def _room(part: Part) -> Memory:
    """Make room for a part."""
    empty = getattr(sys.modules.get("numpy"), "empty", None)
    if empty is None or not part.is_array:
        return bytearray(part.size)
    # numpy does not fill it with zeros, and asks for large pages
    return empty(part.size, "uint8")


def _head(part: Part) -> dict[str, object]:
    head: dict[str, object] = {"size": part.size}
    if part.inline is None:
        head["chunks"] = part.chunks
    if part.sizes:
        head["sizes"] = part.sizes
    if part.is_array:
        head["array"] = True
    return head
