"""The varchive against a model in dicts, and against what disks, kills and others do to it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kernel_payload.varchive import (
    CHUNK,
    INLINE,
    Entry,
    Group,
    Part,
    Place,
    Run,
    State,
    Varchive,
    ranges,
)
from kernel_payload.varchive.digest import digest
from kernel_payload.varchive.errors import (
    Damaged,
    NoSuchRun,
    NoSuchState,
    NotAVarchive,
    NotFound,
    TmrunError,
)
from kernel_payload.varchive.model import dump_json

ROOT = Path(__file__).resolve().parent.parent

SIZES = [0, 1, 17, INLINE - 1, INLINE, INLINE + 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3]
NAMES = ["a", "b", "c", "π", "\ud800", "<random>", "<class A 1>"]
RUNS = ["20260101T000000-aaaa", "20260102T000000-bbbb", "20260102T000000-cccc"]


def content(size: int, fill: int) -> bytes:
    """Give bytes that differ from chunk to chunk, and are the same for the same arguments."""
    block = bytes((fill + i) % 251 for i in range(251)) * (size // 251 + 1)
    return block[:size]


def put_part(archive: Varchive, data: bytes) -> Part:
    """Store a part by the letter of docs/format.md."""
    if len(data) <= INLINE:
        return Part(len(data), data)
    chunks = [data[i : i + CHUNK] for i in range(0, len(data), CHUNK)]
    for chunk in chunks:
        archive.put_object(digest(chunk), chunk)
    return Part(len(data), None, tuple(map(digest, chunks)))


def put_groups(archive: Varchive, groups: list[Group]) -> dict[str, Entry]:
    """Store groups in one object; give an entry for each member."""
    packed = [group.to_bytes() for group in groups]
    pack = b"".join(packed)
    archive.put_object(digest(pack), pack)
    entries, offset = {}, 0
    for group, data in zip(groups, packed, strict=True):
        place = Place(digest(pack), offset, len(data))
        offset += len(data)
        for name in group.members:
            entries[name] = Entry("T", 1, size=9, digest=digest(data), place=place)
    return entries


def put_table(archive: Varchive, entries: dict[str, Entry]) -> str:
    table = dump_json({name: entry.to_json() for name, entry in entries.items()})
    archive.put_object(digest(table), table)
    return digest(table)


def read_part(archive: Varchive, group: Group, part: Part) -> bytes:
    return bytes(group.read(part, archive.store.get_into))


contents = st.builds(content, st.sampled_from(SIZES), st.integers(0, 2))
namespaces = st.lists(
    st.tuples(st.sampled_from(NAMES), st.lists(contents, min_size=1, max_size=2)),
    max_size=4,
    unique_by=lambda pair: pair[0],
)
which = st.integers(0, 1)
run_ids = st.sampled_from(RUNS)


class VarchiveMachine(RuleBasedStateMachine):
    """Two writers and ever new readers of one varchive, against dicts."""

    @initialize()
    def create(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "deep" / "er.varchive"
        self.writers = [Varchive.create(self.path), Varchive.create(self.path)]
        self.about: dict[str, dict[str, Any]] = {}
        self.ends: dict[str, dict[str, Any]] = {}
        self.states: dict[str, dict[int, State]] = {}
        self.namespaces: dict[tuple[str, int], dict[str, Entry]] = {}
        self.values: dict[Place, dict[tuple[str, ...], list[bytes]]] = {}
        self.tables: list[tuple[str, dict[str, Entry]]] = []

    def teardown(self) -> None:
        if hasattr(self, "path"):
            self.check_everything()
            self.folder.cleanup()

    @rule(writer=which, run=run_ids, about=st.dictionaries(st.text(max_size=3), st.integers()))
    def begin_run(self, writer: int, run: str, about: dict[str, Any]) -> None:
        self.writers[writer].begin_run(run, about)
        self.about[run] = about
        self.states.setdefault(run, {})

    @precondition(lambda self: self.about)
    @rule(writer=which, data=st.data(), end=st.dictionaries(st.text(max_size=3), st.booleans()))
    def end_run(self, writer: int, data: st.DataObject, end: dict[str, Any]) -> None:
        run = data.draw(st.sampled_from(sorted(self.about)))
        self.writers[writer].end_run(run, end)
        self.ends[run] = end

    @rule(writer=which, data=contents)
    def put_object(self, writer: int, data: bytes) -> None:
        there = digest(data) in set(self.writers[1 - writer].store.names())
        assert (self.writers[writer].put_object(digest(data), data) is None) == there
        assert self.writers[writer].put_object(digest(data), data) is None
        assert self.writers[1 - writer].store.get(digest(data)) == data

    @precondition(lambda self: self.about)
    @rule(writer=which, data=st.data(), variables=namespaces, n=st.sampled_from([1, 2, 3, 1234567]))
    def put_state(self, writer: int, data: st.DataObject, variables: Any, n: int) -> None:
        run = data.draw(st.sampled_from(sorted(self.about)))
        archive = self.writers[writer]
        groups, parts = [], {}
        for name, datas in variables:
            group = Group((name,), tuple(put_part(archive, d) for d in datas))
            groups.append(group)
            parts[name] = datas
        entries = put_groups(archive, groups)
        for name, entry in entries.items():
            assert entry.place is not None
            self.values.setdefault(entry.place, {})[(name,)] = parts[name]
        base, table = None, {}
        if self.tables and data.draw(st.booleans()):
            base, table = self.tables[-1]
        gone = tuple(n for n in table if n not in entries and data.draw(st.booleans()))
        state = State(n, source="x\ud800", base=base, entries=entries, gone=gone, made=("a",))
        archive.put_state(run, state)
        self.states[run][n] = state
        kept = {name: entry for name, entry in table.items() if name not in gone}
        self.namespaces[run, n] = {**kept, **entries}
        if data.draw(st.booleans()):
            self.put_base_table(writer, self.namespaces[run, n])

    def put_base_table(self, writer: int, entries: dict[str, Entry]) -> None:
        self.tables.append((put_table(self.writers[writer], entries), entries))

    @rule(writer=which)
    def reopen(self, writer: int) -> None:
        self.writers[writer] = Varchive.at(self.path)

    @rule(n=st.integers(2_000_000, 2_000_009))
    def ask_for_what_is_not_there(self, n: int) -> None:
        reader = Varchive.at(self.path)
        for run in self.about:
            with pytest.raises(NoSuchState, match=f"recorded: {ranges(self.states[run])}"):
                reader.state(run, n)
        with pytest.raises(NoSuchRun):
            reader.run("nobody")

    @invariant()
    def lists_are_those_of_the_model(self) -> None:
        if hasattr(self, "path"):
            reader = Varchive.at(self.path)
            assert reader.runs() == sorted(self.about)
            for run, states in self.states.items():
                assert reader.states(run) == sorted(states)
                assert reader.run(run) == Run(run, self.about[run], self.ends.get(run))
            assert not any((self.path / "tmp").iterdir())

    @rule()
    def check_everything(self) -> None:
        reader = Varchive.at(self.path)
        for run, states in self.states.items():
            for n, state in states.items():
                assert reader.state(run, n) == state
                entries = reader.entries(reader.state(run, n))
                assert entries == self.namespaces[run, n]
                for name, entry in entries.items():
                    assert entry.place is not None
                    group = reader.group(entry.place)
                    values = self.values[entry.place][group.members]
                    assert group.members == (name,)
                    assert [read_part(reader, group, p) for p in group.parts] == values
        assert reader.verify() == []


VarchiveMachine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=[*HealthCheck]
)
TestVarchiveAgainstAModel = VarchiveMachine.TestCase


def test_a_namespace_is_the_table_less_what_is_gone_overlaid_with_entries(tmp_path: Path) -> None:
    archive = Varchive.create(tmp_path / "a.varchive")
    old, new = Entry("int", 1, reason="old"), Entry("int", 2, reason="new")
    table = put_table(archive, {"a": old, "b": old, "c": old})
    state = State(2, base=table, gone=("b",), entries={"c": new, "d": new})
    assert archive.entries(state) == {"a": old, "c": new, "d": new}
    assert archive.entries(State(2, entries={"c": new})) == {"c": new}
    assert archive.entries(State(2)) == {}


# -- probes that bypass the store


@pytest.fixture
def archive(tmp_path: Path) -> Varchive:
    """Two cells: ``small`` (shared by both), ``large`` in chunks (the second cell's), a table."""
    made = Varchive.create(tmp_path / "study.varchive")
    made.begin_run("r1", {"python": "3.11.7"})
    small = put_groups(made, [Group(("small",), (Part(5, b"hello"),))])
    made.put_state("r1", State(1, entries=small))
    large = put_groups(made, [Group(("large",), (Part(1, b"."), put_part(made, bytes(CHUNK + 5))))])
    made.put_state("r1", State(2, parent=1, base=put_table(made, small), entries=large))
    return made


def object_file(archive: Varchive, what: str) -> Path:
    """Find the file of an object of the second cell."""
    state = archive.state("r1", 2)
    entries = archive.entries(state)
    place = entries["large"].place
    assert place is not None
    name = {
        "small group": entries["small"].place.object,  # type: ignore[union-attr]
        "large group": place.object,
        "first chunk": archive.group(place).parts[1].chunks[0],
        "last chunk": archive.group(place).parts[1].chunks[1],
        "table": state.base,
    }[what]
    assert name is not None
    return archive.path / "objects" / name[:3] / name[3:]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def load(archive: Varchive, n: int) -> None:
    """Read every byte of a state, as whoever loads it does."""
    for entry in archive.entries(archive.state("r1", n)).values():
        assert entry.place is not None
        group = archive.group(entry.place)
        for part in group.parts:
            read_part(archive, group, part)


@pytest.mark.parametrize("harm", [flip, truncate, lengthen, Path.unlink])
@pytest.mark.parametrize(
    ("what", "cells"),
    [
        ("small group", [1, 2]),
        ("large group", [2]),
        ("first chunk", [2]),
        ("last chunk", [2]),
        ("table", [2]),
    ],
)
def test_a_harmed_object_is_damaged_and_verify_names_its_cells(
    archive: Varchive, what: str, cells: list[int], harm: Any
) -> None:
    assert archive.verify() == []
    path = object_file(archive, what)
    harm(path)

    found = archive.verify()
    assert [line.split(":")[0] for line in found] == [f"cell {n} of run r1" for n in cells]
    assert all(path.name in line for line in found)
    for n in (1, 2):
        if n in cells:
            with pytest.raises(Damaged, match=path.name):
                load(archive, n)
        else:
            load(archive, n)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\0\xff", b"null", b"[]", b"7", b"{}", b'{"n":1,"entries":{"a":{"place":7}}}'],
    ids=repr,
)
def test_a_manifest_that_is_none_is_damaged_and_no_other_state(
    archive: Varchive, text: bytes
) -> None:
    (archive.path / "runs/r1/states/000001.json").write_bytes(text)

    with pytest.raises(Damaged, match=r"000001\.json"):
        archive.state("r1", 1)
    assert len(archive.verify()) == 1
    assert "cell 1 of run r1" in archive.verify()[0]
    load(archive, 2)


def test_a_manifest_that_points_to_the_middle_of_a_group_is_damaged(archive: Varchive) -> None:
    place = archive.state("r1", 1).entries["small"].place
    assert place is not None
    wrong = Entry("T", 1, digest="x", place=place._replace(offset=1))
    archive.put_state("r1", State(1, entries={"small": wrong}))

    with pytest.raises(Damaged, match=place.object):
        load(archive, 1)
    assert "cell 1 of run r1" in archive.verify()[0]


def test_run_json_that_is_not_json_is_damaged(archive: Varchive) -> None:
    (archive.path / "runs/r1/run.json").write_text("{")
    with pytest.raises(Damaged, match=r"run\.json"):
        archive.run()


def test_files_left_over_in_tmp_are_ignored(archive: Varchive) -> None:
    (archive.path / "tmp/123-abcd-1").write_bytes(b"half a sta")
    again = Varchive.create(archive.path)
    again.put_state("r1", State(3))
    assert again.states("r1") == [1, 2, 3]
    assert again.verify() == []


def test_files_of_others_among_runs_and_states_are_ignored(archive: Varchive) -> None:
    for name in ("runs/.DS_Store", "runs/r1/states/.nfs001", "runs/r1/states/000009.json.tmp"):
        (archive.path / name).write_bytes(b"?")
    (archive.path / "runs/r0/states").mkdir(parents=True)  # a run that died before it began
    assert archive.runs() == ["r1"]
    assert archive.states("r1") == [1, 2]
    assert archive.verify() == []


def test_a_copy_without_empty_directories_can_be_read_and_written(
    archive: Varchive, tmp_path: Path
) -> None:
    # git and object stores keep no empty directories
    copy = tmp_path / "copy.varchive"
    shutil.copytree(archive.path, copy)
    (copy / "tmp").rmdir()
    writer = Varchive.create(copy)
    writer.begin_run("r2", {})
    writer.put_state("r2", State(1))
    assert Varchive.at(copy).runs() == ["r1", "r2"]
    assert writer.verify() == []


def test_an_empty_varchive_that_lost_its_directories_has_no_runs(tmp_path: Path) -> None:
    archive = Varchive.create(tmp_path / "empty.varchive")
    for name in ("tmp", "runs", "objects"):
        (archive.path / name).rmdir()
    archive = Varchive.at(archive.path)
    assert archive.runs() == []
    assert list(archive.store.names()) == []
    assert archive.verify() == []


def test_a_create_that_died_midway_is_taken_up(tmp_path: Path) -> None:
    (tmp_path / "a.varchive/tmp").mkdir(parents=True)
    (tmp_path / "a.varchive/objects").mkdir()
    assert Varchive.create(tmp_path / "a.varchive").runs() == []


def test_fields_of_a_later_minor_format_are_passed_over(archive: Varchive) -> None:
    path = archive.path / "runs/r1/states/000001.json"
    manifest = json.loads(path.read_bytes())
    before = archive.state("r1", 1)
    manifest["weather"] = {"rain": True}
    manifest["entries"]["small"]["colour"] = "red"
    path.write_text(json.dumps(manifest))
    assert archive.state("r1", 1) == before
    assert archive.verify() == []


def test_objects_named_by_blake2b_are_read_among_the_others(archive: Varchive) -> None:
    # as a kernel without xxhash writes them
    name = "b" + hashlib.blake2b(b"content", digest_size=16).hexdigest()
    archive.put_object(name, b"content")
    assert archive.store.get(name) == b"content"
    flip(archive.path / "objects" / name[:3] / name[3:])
    with pytest.raises(Damaged, match=name):
        archive.store.get(name)


def test_only_this_user_can_look_at_anything(archive: Varchive) -> None:
    for path in [archive.path, *archive.path.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_modes_hold_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        archive = Varchive.create(tmp_path / "open.varchive")
        archive.begin_run("r", {})
        archive.put_object(digest(b"."), b".")
        archive.put_state("r", State(1))
    finally:
        os.umask(old)
    test_only_this_user_can_look_at_anything(archive)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_in_tmp(
    archive: Varchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int, data: Any) -> int:
        raise OSError(28, "No space left on device")

    before = archive.state("r1", 1)
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        archive.put_state("r1", State(1, source="other"))
    with pytest.raises(OSError, match="No space"):
        archive.put_object(digest(b"new"), b"new")
    monkeypatch.undo()
    assert archive.state("r1", 1) == before
    assert not list((archive.path / "tmp").iterdir())
    with pytest.raises(Damaged, match="missing"):
        archive.store.get(digest(b"new"))


def test_writes_that_the_system_takes_in_pieces_are_whole(
    archive: Varchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:1000]))
    data = content(12345, 7)
    archive.put_object(digest(data), data)
    assert archive.store.get(digest(data)) == data


# -- errors say what is there instead


def ask(archive: Varchive, what: str) -> Any:
    archive.begin_run("r2", {})
    archive.begin_run("q", {})
    foreign = archive.path.parent / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("")
    later = archive.path.parent / "later"
    later.mkdir()
    (later / "varchive.json").write_text('{"format": 99}')
    return {
        "state": lambda: archive.state("r1", 7),
        "state of an empty run": lambda: archive.state("r2", 1),
        "run": lambda: archive.run("r9"),
        "two runs": lambda: archive.run("r"),
        "place of a run": lambda: archive.run(3),
        "run of nothing": lambda: Varchive.create(archive.path.parent / "new").run(),
        "at nothing": lambda: Varchive.at(archive.path.parent / "nothing"),
        "at a file": lambda: Varchive.at(foreign / "thesis.tex"),
        "at a directory": lambda: Varchive.at(foreign),
        "at a later format": lambda: Varchive.at(later),
        "create over others' files": lambda: Varchive.create(foreign),
        "create over a file": lambda: Varchive.create(foreign / "thesis.tex"),
        "create in a later format": lambda: Varchive.create(later),
        "run id": lambda: archive.begin_run("../r3", {}),
    }[what]()


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        ("state", NoSuchState, ["cell 7", "recorded: 1-2", "tmrun show"]),
        ("state of an empty run", NoSuchState, ["cell 1", "recorded: none"]),
        ("run", NoSuchRun, ["'r9' is no run", "runs: q, r1, r2"]),
        ("two runs", NoSuchRun, ["'r' is not one run", "runs: q, r1, r2"]),
        ("place of a run", NoSuchRun, ["3 is no run", "runs: q, r1, r2"]),
        ("run of nothing", NoSuchRun, ["runs: none"]),
        ("at nothing", NotAVarchive, ["nothing is no varchive", "give a .varchive"]),
        ("at a file", NotAVarchive, ["thesis.tex is no varchive"]),
        ("at a directory", NotAVarchive, ["foreign is no varchive"]),
        ("at a later format", NotAVarchive, ["format 99", "up to 1", "pip install --upgrade"]),
        ("create over others' files", NotAVarchive, ["foreign exists", "write elsewhere"]),
        ("create over a file", NotAVarchive, ["thesis.tex exists"]),
        ("create in a later format", NotAVarchive, ["format 99"]),
        ("run id", ValueError, ["'../r3'", "use letters"]),
    ],
)
def test_an_error_says_what_is_there_instead(
    archive: Varchive, what: str, error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        ask(archive, what)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_what_is_not_found_is_a_key_error_whose_text_is_plain() -> None:
    error = NoSuchState("cell 7 was not recorded")
    assert isinstance(error, (KeyError, NotFound, TmrunError))
    assert str(error) == "cell 7 was not recorded"


@pytest.mark.parametrize(
    ("run", "found"), [("r1", "r1"), ("r12", "r12"), ("q", "q"), (0, "q"), (-1, "r12"), (2, "r12")]
)
def test_a_run_is_found_by_id_before_the_start_of_ids_and_by_place(
    archive: Varchive, run: str | int, found: str
) -> None:
    archive.begin_run("r12", {})
    archive.begin_run("q", {})
    assert archive.run(run).id == found


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], "none"), ([4], "4"), ([1, 2, 3, 7], "1-3, 7"), ([9, 1, 2], "1-2, 9")],
)
def test_numbers_are_told_as_ranges(numbers: list[int], text: str) -> None:
    assert ranges(numbers) == text


# -- writers that run while others read, and that die

_WRITER = """
import sys
from kernel_payload.varchive import CHUNK, Entry, Group, Part, Place, State, Varchive
from kernel_payload.varchive.digest import digest

archive = Varchive.create(sys.argv[1])
archive.begin_run(sys.argv[2], {"writer": sys.argv[2]})
for n in range(1, int(sys.argv[3]) + 1):
    chunk = n.to_bytes(4, "big") * (CHUNK // 16)
    archive.put_object(digest(chunk), chunk)
    group = Group(("x",), (Part(4, n.to_bytes(4, "big")), Part(len(chunk), None, (digest(chunk),))))
    pack = group.to_bytes()
    archive.put_object(digest(pack), pack)
    entry = Entry("T", n, digest="x", place=Place(digest(pack), 0, len(pack)))
    archive.put_state(sys.argv[2], State(n, entries={"x": entry}, source="#" * 20000))
"""


def start_writer(path: Path, run: str, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _WRITER, path, run, str(count)], cwd=ROOT)


def check_states(archive: Varchive, run: str, seen: set[int]) -> None:
    """Load every state of a `_WRITER` that was not seen before."""
    for n in archive.states(run):
        if n not in seen:
            entry = archive.entries(archive.state(run, n))["x"]
            assert entry.place is not None
            group = archive.group(entry.place)
            parts = [read_part(archive, group, part) for part in group.parts]
            assert parts == [n.to_bytes(4, "big"), n.to_bytes(4, "big") * (CHUNK // 16)]
            seen.add(n)


def test_a_reader_never_sees_half_of_anything_while_two_processes_write(tmp_path: Path) -> None:
    path = tmp_path / "busy.varchive"
    reader = Varchive.create(path)
    writers = [start_writer(path, run, 40) for run in ("r1", "r2")]
    seen: dict[str, set[int]] = {"r1": set(), "r2": set()}
    try:
        running = True
        while running:
            running = any(writer.poll() is None for writer in writers)
            for run in reader.runs():
                assert reader.run(run).about == {"writer": run}
                check_states(reader, run, seen[run])
    finally:
        assert [writer.wait() for writer in writers] == [0, 0]
    assert [len(found) for found in seen.values()] == [40, 40]
    assert reader.verify() == []


def test_two_threads_that_store_the_same_content_need_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "same.varchive"
    reader = Varchive.create(path)
    datas = [content(INLINE, fill) for fill in range(40)]
    failed = []

    def write() -> None:
        try:
            archive = Varchive.create(path)
            for data in datas:
                archive.put_object(digest(data), data)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for name in reader.store.names():
            reader.store.get(name)
    assert failed == []
    assert sorted(reader.store.names()) == sorted(map(digest, datas))


@pytest.mark.parametrize("after", [1, 7, 30])
def test_all_states_of_a_killed_writer_are_whole(tmp_path: Path, after: int) -> None:
    path = tmp_path / "killed.varchive"
    archive = Varchive.create(path)
    writer = start_writer(path, "r1", 10**6)
    try:
        while len(archive.states("r1")) < after:
            assert writer.poll() is None
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    states = archive.states("r1")
    assert states == list(range(1, len(states) + 1))
    assert len(states) >= after
    check_states(archive, "r1", set())
    assert archive.verify() == []
    again = Varchive.create(path)
    again.begin_run("r2", {})
    assert again.runs() == ["r1", "r2"]
