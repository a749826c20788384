"""A pickle stream as it is written -> chunks that are cut where its content says so.

A change in a large structure makes a few bytes more or less, and all that follows moves.  What is
cut at fixed places would all be new; what is cut behind certain bytes stays as it was.  The frames
of the stream, which only help in reading files, stand at fixed places too: they are left out.
What an insertion or a deletion moves over the borders of pickle's batches of 1000 items is new all
the same.  The stream is never held as a whole.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from itertools import islice
from zlib import crc32

from .varchive import CHUNK, INLINE, Part
from .varchive.digest import Buffer

_LEAST = CHUNK // 8  # bytes of a chunk; the last one may be smaller
_MARK = re.compile(rb"[\x03\x57\x94\xc8]")  # opcode of each object that may be shared; any numbers
_WINDOW = 16  # bytes before a cut that decide
_ONE_IN = 1 << 10
_TRIES = 1 << 13  # then it is the same over and over, and cut at a fixed place
_HELD = 32 << 20  # bytes; what fails to be pickled, mostly fails before, and stores nothing
_FRAME = 0x95  # opcode, then 8 bytes of length
_HEAD_OF_LARGE = 5  # bytes: opcode and length of a large string

Keep = Callable[[Buffer], str]


class Stream:
    """A file for the C pickler.

    Parameters
    ----------
    keep : callable
        bytes of a chunk -> their digest; stores them where they are to be stored.

    Attributes
    ----------
    size : int
        Bytes so far.
    """

    def __init__(self, keep: Keep) -> None:
        self.size = 0
        self._keep = keep
        self._rest = bytearray()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._digests: list[str] = []
        self._sizes: list[int] = []
        self._large = False

    def write(self, data: bytes | pickle.PickleBuffer) -> None:
        """Take what the pickler writes: a frame, the head of a large string, or its content.

        It may be behind the two bytes that begin the stream, and the head behind the frame.
        """
        if self._large:
            self._large = False
            # bytes, or a buffer that did not leave the stream, of whatever items and dimensions
            content = data.raw() if isinstance(data, pickle.PickleBuffer) else memoryview(data)
            for at in range(0, content.nbytes, CHUNK):
                self._add(content[at : at + CHUNK])
            return
        assert isinstance(data, bytes)
        start = 0 if self.size else 2
        self._add(data[:start])
        if data[start : start + 1] == bytes([_FRAME]):
            head = start + 9
            end = head + int.from_bytes(data[start + 1 : head], "little")
            self._add(memoryview(data)[head:])
        else:
            # so few bytes that they got no frame
            end = start
            self._add(data[start:])
        self._large = len(data) - end >= _HEAD_OF_LARGE

    def part(self) -> Part:
        """End the stream, and give it as a part of a group."""
        if self.size <= INLINE:
            return Part(self.size, bytes(self._rest))
        while self._rest:
            self._cut()
        self._hand_over()
        return Part(self.size, None, tuple(self._digests), tuple(self._sizes))

    def _add(self, data: bytes | memoryview) -> None:
        self.size += len(data)
        self._rest += data
        while len(self._rest) >= CHUNK:
            self._cut()

    def _cut(self) -> None:
        end = _end(self._rest)
        chunk = bytes(memoryview(self._rest)[:end])
        del self._rest[:end]
        self._held.append(chunk)
        self._held_bytes += end
        self._sizes.append(end)
        if self._held_bytes > _HELD:
            self._hand_over()

    def _hand_over(self) -> None:
        self._digests += map(self._keep, self._held)
        self._held.clear()
        self._held_bytes = 0


def _end(data: bytearray) -> int:
    """Find where a chunk ends that begins at the begin of some bytes."""
    for mark in islice(_MARK.finditer(data, _LEAST, CHUNK), _TRIES):
        end = mark.end()
        if crc32(data[end - _WINDOW : end]) % _ONE_IN == 0:
            return end
    return min(len(data), CHUNK)
