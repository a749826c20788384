"""What recording costs, where that can be counted: bytes hashed, chunks stored, objects loaded.

What it costs in time is measured by tests/benchmarks/recording.py; these are its cases, small.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy
import pytest
from test_recorder import Notebook, notebook, objects

import kernel_payload.chunks
import kernel_payload.freeze
from kernel_payload.chunks import Chunker
from kernel_payload.freeze import freeze_plain
from kernel_payload.travel import go_back
from kernel_payload.varchive import CHUNK
from kernel_payload.varchive.digest import digest
from kernel_payload.varchive.store import DirectoryStore

__all__ = ["notebook"]  # a fixture

ARRAY = "import numpy\nbig = numpy.random.default_rng(1).random(1_310_720)"
SIZE = 10 * CHUNK
DICTS = "L = [{'n': i} for i in range(200_000)]"


class Seen:
    """What passed by while something was done."""

    def __init__(self) -> None:
        self.hashed: list[int] = []
        self.pickled: list[Any] = []
        self.read: Counter[str] = Counter()

    def forget(self) -> None:
        """Begin anew."""
        self.hashed.clear()
        self.pickled.clear()
        self.read.clear()


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Give what is hashed for the chunks, pickled as a group and read from the store."""
    found = Seen()
    pickler = kernel_payload.freeze._Pickler

    def hashing(data: Any) -> str:
        found.hashed.append(len(data))
        return digest(data)

    class Pickling(pickler):
        def dump(self, whole: Any) -> None:
            found.pickled.append(whole)
            super().dump(whole)

    def reading(name: str) -> Any:
        read = getattr(DirectoryStore, name)

        def count(self: DirectoryStore, digest: str, *rest: Any) -> Any:
            found.read[digest] += 1
            return read(self, digest, *rest)

        return count

    monkeypatch.setattr(kernel_payload.chunks, "digest", hashing)
    monkeypatch.setattr(kernel_payload.freeze, "_Pickler", Pickling)
    for name in ("get", "get_into"):
        monkeypatch.setattr(DirectoryStore, name, reading(name))
    return found


def large(hashed: list[int]) -> int:
    """Count the bytes of the chunks among what was hashed."""
    return sum(size for size in hashed if size == CHUNK)


def stored(notebook: Notebook, before: set[str]) -> list[int]:
    """Give the sizes of the objects that are new."""
    new = objects(notebook) - before
    return sorted(notebook.archive.store.size(name) for name in new)


@pytest.fixture
def far(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """Give a notebook whose cells have no time left for what they do not name."""
    monkeypatch.setattr("kernel_payload.candidates._LEAST_BUDGET", 0.0)
    return notebook


# -- A, B, D: what no cell names is not looked at


@pytest.mark.parametrize("source", [ARRAY, DICTS], ids=["array", "dicts"])
def test_what_is_not_touched_is_neither_hashed_nor_pickled(
    far: Notebook, seen: Seen, source: str
) -> None:
    far.cell(source + "\nx = 0\ny = [1]")
    far.cell("x += 1")
    seen.forget()
    before = objects(far)
    state = far.cell("x += 1; y.append(x)")
    assert state.changed == ("x", "y")
    assert max(seen.hashed) < 10_000
    assert seen.pickled == [[[1, 2]]]
    assert stored(far, before) == [state.bytes]
    assert state.bytes < 300


def test_reading_one_element_hashes_the_array_once_and_stores_nothing_of_it(
    notebook: Notebook, seen: Seen
) -> None:
    notebook.cell(ARRAY)
    seen.forget()
    before = objects(notebook)
    state = notebook.cell("x = float(big[7])")
    assert (state.made, state.changed) == (("x",), ())
    assert large(seen.hashed) == SIZE
    assert stored(notebook, before) == [state.bytes]
    assert state.bytes < 300


# -- C: a chunk and a manifest


@pytest.mark.parametrize("names", ["big", "other = big; view = big.reshape(-1, 2)"])
def test_an_array_is_hashed_once_whatever_shows_it(
    notebook: Notebook, seen: Seen, names: str
) -> None:
    notebook.cell(f"{ARRAY}\n{names}")
    seen.forget()
    before = objects(notebook)
    state = notebook.cell("big[700_000] += 1")
    # and what is new once more, when it has been copied: a thread might have changed it meanwhile
    assert large(seen.hashed) == SIZE + CHUNK
    small, chunk = stored(notebook, before)
    assert (small + chunk, chunk) == (state.bytes, CHUNK)
    assert small < 3_000


def test_chunks_are_hashed_and_read_on_threads_in_order(
    notebook: Notebook, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook.cell(ARRAY)
    before = objects(notebook)
    monkeypatch.setattr("kernel_payload.varchive.spread._WORTH_A_THREAD", 3)
    monkeypatch.setattr("kernel_payload.varchive.spread.processors", lambda: 8)
    seen.forget()
    state = notebook.cell("len(big)")
    assert (state.changed, objects(notebook)) == ((), before)
    assert large(seen.hashed) == SIZE
    assert notebook.vars()["big"].tobytes() == notebook.namespace["big"].tobytes()


def test_what_changes_while_it_is_stored_is_stored_under_its_own_name(tmp_path: Path) -> None:
    array = numpy.zeros(3 * CHUNK, "uint8")
    handed: dict[str, bytes] = {}

    def put(name: str, data: bytes) -> None:
        handed[name] = data
        array[-1] += 1  # as a thread would

    chunker = Chunker(put)
    frozen = freeze_plain(None, chunker.keep)
    part = chunker.parts(frozen._replace(buffers=[memoryview(array)]))[1]
    assert {digest(data): data for data in handed.values()} == handed
    assert {*part.chunks} == {*handed}


# -- E: few chunks, of what is pickled once


@pytest.mark.parametrize("value", ["-1", "1 << 200", "[]"])
def test_a_change_in_a_large_list_stores_few_chunks_and_pickles_it_once(
    notebook: Notebook, seen: Seen, value: str
) -> None:
    notebook.cell(DICTS)
    before = objects(notebook)
    seen.forget()
    state = notebook.cell(f"L[77_777]['n'] = {value}")
    assert state.changed == ("L",)
    assert len(seen.pickled) == 1
    *_, largest = sizes = stored(notebook, before)
    assert len(sizes) <= 5
    assert largest <= CHUNK
    assert sum(sizes) == state.bytes < 2 * CHUNK
    assert notebook.vars()["L"] == notebook.namespace["L"]
    assert notebook.vars(1)["L"][77_777] == {"n": 77_777}


# -- F: the new column


def test_a_column_that_is_added_is_all_that_is_stored(notebook: Notebook, seen: Seen) -> None:
    notebook.cell(
        "import numpy, pandas\n"
        "df = pandas.DataFrame(numpy.random.default_rng(1).random((131_072, 8)))"
    )
    before = objects(notebook)
    seen.forget()
    state = notebook.cell("df['new'] = df[0] * 2")
    assert large(seen.hashed) == (9 + 1) * CHUNK
    assert stored(notebook, before)[-1] == CHUNK
    assert state.bytes < CHUNK + 10_000


# -- G, H: what is loaded


def test_going_back_loads_only_what_differs(notebook: Notebook, seen: Seen) -> None:
    notebook.cell(ARRAY + "\nx = [1]")
    notebook.cell("x.append(2)")
    big, group = notebook.namespace["big"], notebook.vars(1).entries["x"].place
    assert group is not None
    seen.forget()
    go_back(notebook.recorder, notebook.archive.run("r"), 1, "", {})
    assert notebook.namespace["big"] is big
    assert notebook.namespace["x"] == [1]
    chunks = {c for part in notebook.archive.group(group).parts for c in part.chunks}
    assert chunks == set()
    assert not any(notebook.archive.store.size(name) >= CHUNK for name in seen.read)


def test_a_variable_is_read_once_and_nothing_else_with_it(notebook: Notebook, seen: Seen) -> None:
    notebook.cell(ARRAY + "\nother = big + 1\nx = 5")
    variables = notebook.vars()
    seen.forget()
    value = variables["big"]
    assert value[7] == notebook.namespace["big"][7]
    read = {n: c for n, c in seen.read.items() if notebook.archive.store.size(n) == CHUNK}
    assert [*read.values()] == [1] * 10


# -- L: the manifests of a long run


def test_a_state_says_no_more_after_many_cells(notebook: Notebook) -> None:
    notebook.cell("\n".join(f"v{i} = {i}" for i in range(500)))
    for i in range(120):
        notebook.cell(f"v{i} += 1")
    folder = Path(notebook.archive.path) / "runs/r/states"
    sizes = [file.stat().st_size for file in sorted(folder.iterdir())][1:]
    assert len(sizes) == 120
    # a state tells what differs from a table, which is made anew before that gets long
    assert max(sizes) < 20_000
    assert sum(sizes[-40:]) < 2 * sum(sizes[:40])
