"""Pickle streams: without frames, cut where their content says so, never held as a whole."""

from __future__ import annotations

import array as arrays
import pickle
import pickletools
import re
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel_payload.stream import Stream
from kernel_payload.varchive import CHUNK, INLINE, Group
from kernel_payload.varchive.digest import digest

LARGE = 1 << 16  # bytes from which on the pickler writes a string by itself
FRAME = pickletools.code2op["\x95"].name


def written(value: Any) -> tuple[Stream, dict[str, bytes]]:
    """Pickle a value; give its stream, and the chunks that were handed over."""
    chunks: dict[str, bytes] = {}

    def keep(chunk: Any) -> str:
        name = digest(chunk)
        chunks[name] = bytes(chunk)
        return name

    stream = Stream(keep)
    pickle.Pickler(stream, 5).dump(value)
    return stream, chunks


def content(value: Any) -> bytes:
    """Give the bytes of a value's stream, as a reader gets them."""
    stream, chunks = written(value)
    part = Group.from_bytes(Group(("x",), (stream.part(),)).to_bytes()).parts[0]

    def read_into(name: str, memory: memoryview) -> None:
        memory[:] = chunks[name]

    return bytes(Group((), ()).read(part, read_into))


def operations(data: bytes) -> list[tuple[str, Any]]:
    """Give what a stream says, but for frames."""
    return [(op.name, arg) for op, arg, _ in pickletools.genops(data) if op.name != FRAME]


def large(kind: type[bytes] | type[str] | type[bytearray], size: int, first: int) -> Any:
    """Make a long string that begins as a frame, an opcode or anything else does."""
    text = bytes([first]) + b"\x95" * (size - 1)
    return text.decode("latin-1") if kind is str else kind(text)


SMALL = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.binary(max_size=3)
LARGE_ONES = st.builds(
    large,
    st.sampled_from([bytes, str, bytearray]),
    st.integers(LARGE - 3, LARGE + 3),
    st.sampled_from([0x95, 0x94, 0x2E, 0x00]),
)
VALUES = st.recursive(
    SMALL | LARGE_ONES,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=20,
)


@settings(max_examples=50)
@given(VALUES)
def test_a_stream_says_what_pickle_says_without_its_frames(value: Any) -> None:
    data = content(value)
    assert operations(data) == operations(pickle.dumps(value, 5))
    assert all(op.name != FRAME for op, _, _ in pickletools.genops(data))
    assert pickle.loads(data) == value


@pytest.mark.parametrize("kind", [bytes, bytearray])
@pytest.mark.parametrize("size", [LARGE - 1, LARGE, LARGE + 1, 3 * CHUNK])
def test_a_buffer_that_stays_in_the_stream_comes_back(kind: Any, size: int) -> None:
    value = kind(b"\x95" * size)
    assert pickle.loads(content([pickle.PickleBuffer(value), 1])) == [value, 1]


@pytest.mark.parametrize(
    "value",
    [arrays.array("d", range(LARGE // 8)), numpy.asfortranarray(numpy.ones((2, LARGE // 16)))],
    ids=["array", "two dimensions"],
)
def test_a_buffer_of_other_items_than_bytes_counts_its_bytes(value: Any) -> None:
    stream, _ = written([pickle.PickleBuffer(value), 1])
    data = content([pickle.PickleBuffer(value), 1])
    assert stream.size == len(data) > LARGE
    assert pickle.loads(data) == [memoryview(value).tobytes("A"), 1]


@pytest.mark.parametrize("count", [0, 1, 5_000, 300_000])
def test_many_objects_come_back_whole(count: int) -> None:
    value = [{"n": i, "text": str(i)} for i in range(count)]
    data = content(value)
    assert pickle.loads(data) == value
    assert written(value)[0].size == len(data)


def test_what_is_small_stays_in_the_group() -> None:
    stream, chunks = written("x" * (INLINE - 100))
    part = stream.part()
    assert (part.chunks, part.sizes, chunks) == ((), (), {})
    assert pickle.loads(part.inline or b"") == "x" * (INLINE - 100)


def test_chunks_are_of_bounded_size_and_their_sizes_are_told() -> None:
    stream, chunks = written([{"n": i} for i in range(300_000)])
    part = stream.part()
    assert [len(chunks[name]) for name in part.chunks] == list(part.sizes)
    assert sum(part.sizes) == part.size == stream.size
    assert all(CHUNK // 8 <= size <= CHUNK for size in part.sizes[:-1])
    assert len(part.sizes) > 5


@pytest.mark.parametrize(
    "make",
    [
        lambda: [{"n": i} for i in range(300_000)],
        lambda: {f"k{i}": [i, i / 7] for i in range(100_000)},
        lambda: [(i, str(i)) for i in range(200_000)],
        lambda: [i * i for i in range(400_000)],
    ],
    ids=["dicts in a list", "lists in a dict", "tuples", "numbers"],
)
@pytest.mark.parametrize("place", [0.0, 0.31, 0.999])
def test_a_change_that_moves_all_that_follows_makes_few_chunks_new(make: Any, place: float) -> None:
    value = make()
    before = written(value)[0].part()
    if isinstance(value, dict):
        value[[*value][int(place * len(value))]].append(1 << 200)
    else:
        value[int(place * len(value))] = 1 << 200
    after = written(value)[0].part()
    assert len(before.chunks) > 2
    assert after.chunks != before.chunks
    assert after.size != before.size
    assert len({*after.chunks} - {*before.chunks}) <= 3


def test_a_longer_change_leaves_most_chunks_as_they_were() -> None:
    value = [{"n": i} for i in range(600_000)]
    before = written(value)[0].part()
    value[50_000]["n"] = "x" * 3000  # type: ignore[assignment]
    after = written(value)[0].part()
    new = {*after.chunks} - {*before.chunks}
    assert len(new) < len(after.chunks) / 2


@pytest.mark.parametrize("byte", [b"\x03", b"\xc8", b"\x00"])
def test_what_is_the_same_over_and_over_is_searched_only_so_far(
    byte: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def counting(data: bytes) -> int:
        tried.append(len(data))
        return 1

    monkeypatch.setattr("kernel_payload.stream.crc32", counting)
    value = byte * (4 * CHUNK)
    assert pickle.loads(content(value)) == value
    assert len(tried) <= 5 * 2 * 8192


def test_what_fails_early_hands_over_nothing() -> None:
    chunks: list[bytes] = []

    def keep(chunk: Any) -> str:
        chunks.append(bytes(chunk))
        return digest(chunk)

    stream = Stream(keep)
    with pytest.raises(TypeError, match=re.escape("cannot pickle 'generator' object")):
        pickle.Pickler(stream, 5).dump([*map(str, range(300_000)), (i for i in "")])
    assert stream.size > 1_000_000
    assert chunks == []


def test_what_is_long_is_handed_over_while_it_is_pickled() -> None:
    held = []

    class Meter:
        def __reduce__(self) -> Any:
            held.append(len(chunks))
            return str, ()

    chunks: list[int] = []

    def keep(chunk: Any) -> str:
        chunks.append(len(chunk))
        return digest(chunk)

    stream = Stream(keep)
    pickle.Pickler(stream, 5).dump([bytes([i]) * (8 << 20) for i in range(16)] + [Meter()])
    assert held[0] * CHUNK > 64 << 20
