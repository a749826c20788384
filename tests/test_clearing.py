"""Removing states, and copying a varchive: what goes, what stays, and what others may do."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_varchive import content, flip, put_groups, put_part, put_table, read_part

from kernel_payload.varchive import (
    CHUNK,
    INLINE,
    SPAWNED,
    Cleared,
    Entry,
    Group,
    State,
    Varchive,
    clear,
    save,
)
from kernel_payload.varchive.digest import digest
from kernel_payload.varchive.errors import (
    Damaged,
    NoSuchState,
    NotAVarchive,
    UsageError,
)

R1, R2 = "20260101T000000-aaaa", "20260102T000000-bbbb"
BIG = INLINE + 1


@dataclass(frozen=True)
class Spec:
    """What a state is made of: name -> content; ``table``: those that stand in a base table."""

    variables: tuple[tuple[str, bytes], ...] = ()
    table: tuple[tuple[str, bytes], ...] = ()
    gone: tuple[str, ...] = ()
    answer: bytes | None = None
    outputs: bytes | None = None


def put_values(archive: Varchive, values: tuple[tuple[str, bytes], ...]) -> dict[str, Entry]:
    groups = [Group((name,), (put_part(archive, b"p"), put_part(archive, d))) for name, d in values]
    return put_groups(archive, groups) if groups else {}


def put(archive: Varchive, run: str, n: int, spec: Spec) -> State:
    """Record a state as a writer does that remembers nothing: all its objects are put again."""
    table: dict[str, Entry] = {}
    # an old table still tells of values that are no longer, and these are not put again
    old = Varchive.create(archive.path.parent / "old")
    dropped = {*spec.gone, *dict(spec.variables)}
    for name, data in spec.table:
        table |= put_values(old if name in dropped else archive, ((name, data),))
    answer = None if spec.answer is None else put_values(archive, (("<out>", spec.answer),))
    if spec.outputs is not None:
        archive.put_object(digest(spec.outputs), spec.outputs)
    state = State(
        n,
        base=put_table(archive, table) if table else None,
        entries=put_values(archive, spec.variables),
        gone=spec.gone,
        answer=None if answer is None else answer["<out>"],
        outputs=None if spec.outputs is None else digest(spec.outputs),
    )
    archive.put_state(run, state)
    return state


def files(archive: Varchive) -> set[str]:
    return {str(p.relative_to(archive.path)) for p in archive.path.rglob("*") if p.is_file()}


def contents_of(archive: Varchive) -> dict[str, bytes]:
    return {name: (archive.path / name).read_bytes() for name in files(archive)}


def file_of(archive: Varchive, name: str) -> Path:
    return archive.path / "objects" / name[:3] / name[3:]


def manifest(archive: Varchive, run: str, n: int) -> Path:
    return archive.path / f"runs/{run}/states/{n:06d}.json"


def small(fill: int) -> bytes:
    return content(30, fill)


def large(fill: int) -> bytes:
    return content(BIG, fill)


def clock(archive: Varchive, now: list[int]) -> None:
    """Let time pass: what was written or leaned on since the last call was so at a later second.

    A file system's clock may tick slowly; so no test waits for it.
    """
    for path in archive.path.rglob("*"):
        if path.is_file() and path.stat().st_mtime_ns > 10**18:
            time = now[0] + (path.suffix == ".json")
            os.utime(path, ns=(time * 10**9, time * 10**9))
    now[0] += 10


STATES = {
    (R1, 1): Spec(variables=(("a", small(1)), ("b", large(1)), ("<random>", small(9)))),
    (R1, 2): Spec(
        table=(("a", small(1)), ("b", large(2)), ("<class A 1>", large(3))),
        variables=(("c", content(CHUNK + 1, 4)), ("d", large(1))),
        answer=large(5),
        outputs=b'{"pieces":[]}',
    ),
    (R1, 3): Spec(
        table=(("a", small(1)), ("b", large(2)), ("<class A 1>", large(3))),
        gone=("b",),
        variables=(("e", large(6)),),
        answer=large(5),
    ),
    (R2, 1): Spec(variables=(("x", large(4)), ("y", large(6)))),
    (R2, 2): Spec(outputs=b'{"pieces":[]}', answer=large(3)),
    (R2, 3): Spec(),
}


def make(path: Path, leave_out: set[tuple[str, int]] = frozenset()) -> Varchive:  # type: ignore[assignment]
    archive = Varchive.create(path)
    for run in (R1, R2):
        archive.begin_run(run, {"run": run})
    archive.end_run(R1, {"status": "ok"})
    now = [1000]
    for (run, n), spec in STATES.items():
        if (run, n) not in leave_out:
            put(archive, run, n, spec)
            clock(archive, now)
    return archive


@pytest.fixture
def archive(tmp_path: Path) -> Varchive:
    return make(tmp_path / "a.varchive")


@pytest.fixture
def unleaned(archive: Varchive) -> Varchive:
    """Give one whose objects are older than all manifests: no time protects them."""
    for name in archive.store.names():
        os.utime(file_of(archive, name), ns=(0, 0))
    return archive


# -- what goes, and what stays


@pytest.mark.parametrize(
    ("run", "cells"),
    [
        (R1, [1]),
        (R1, [2]),
        (R1, [3]),
        (R1, [1, 2]),
        (R1, [3, 2, 3]),
        (R1, [1, 2, 3]),
        (R2, [1]),
        (R2, [2]),
        (R2, [3]),
        (R2, [1, 2, 3]),
        (R1, []),
    ],
)
@pytest.mark.parametrize("times", ["archive", "unleaned"])
def test_what_is_left_is_as_if_the_states_had_never_been(
    request: pytest.FixtureRequest, tmp_path: Path, run: str, cells: list[int], times: str
) -> None:
    archive: Varchive = request.getfixturevalue(times)
    never = make(tmp_path / "never.varchive", {(run, n) for n in cells})
    before = contents_of(archive)

    cleared = clear(archive, run, cells)

    assert files(archive) == files(never)
    assert contents_of(archive) == contents_of(never)
    gone = before.keys() - files(archive)
    assert cleared.states == tuple(sorted(set(cells)))
    assert {file_of(archive, name) for name in cleared.objects} == {
        archive.path / name for name in gone if name.startswith("objects")
    }
    assert cleared.bytes == sum(len(before[name]) for name in gone)
    assert archive.verify() == []


def test_one_after_the_other_in_any_order_all_goes(archive: Varchive) -> None:
    # the later run leaned on objects of the earlier one, which nonetheless go with it
    for run, n in [(R2, 2), (R1, 3), (R2, 1), (R1, 1), (R1, 2), (R2, 3)]:
        clear(archive, run, [n])
        assert archive.verify() == []
    assert files(archive) == {"varchive.json"} | {
        f"runs/{name}" for name in (f"{R1}/run.json", f"{R1}/end.json", f"{R2}/run.json")
    }


def test_what_only_a_dropped_name_of_a_table_refers_to_goes(archive: Varchive) -> None:
    chunk = digest(large(2))  # of b: in the table of cells 2 and 3, but dropped in cell 3
    assert chunk in clear(archive, R1, [2]).objects
    assert "b" not in archive.entries(archive.state(R1, 3))


def test_a_second_time_the_cell_was_not_recorded(archive: Varchive) -> None:
    clear(archive, R1, [2])
    with pytest.raises(NoSuchState, match=r"cell 2 .*recorded: 1, 3"):
        clear(archive, R1, [2])


@pytest.mark.parametrize("cells", [[7], [1, 7], [0, 1], [-1, 2]])
def test_of_a_cell_that_was_not_recorded_nothing_is_removed(
    archive: Varchive, cells: list[int]
) -> None:
    before = contents_of(archive)
    with pytest.raises(NoSuchState, match="recorded: 1-3"):
        clear(archive, R1, cells)
    with pytest.raises(NoSuchState, match="recorded: none"):
        clear(archive, "20260103T000000-cccc", [1])
    assert contents_of(archive) == before


def test_a_cell_can_be_recorded_again(archive: Varchive) -> None:
    clear(archive, R1, [1, 2, 3])
    put(archive, R1, 2, STATES[R1, 2])
    assert archive.states(R1) == [2]
    assert archive.verify() == []


def test_a_run_whose_run_json_is_still_to_come_keeps_what_it_refers_to(unleaned: Varchive) -> None:
    # as in a copy that is being made
    archive = unleaned
    about = archive.path / f"runs/{R2}/run.json"
    text = about.read_bytes()
    about.unlink()
    clear(archive, R1, [1, 2, 3])
    about.write_bytes(text)
    assert archive.verify() == []
    assert archive.states(R2) == [1, 2, 3]


def test_files_of_others_and_missing_directories_are_passed_over(archive: Varchive) -> None:
    for name in ("runs/.DS_Store", f"runs/{R1}/states/.nfs001"):
        (archive.path / name).write_bytes(b"?")
    (archive.path / "runs/r0").mkdir()
    (archive.path / "tmp").rmdir()
    assert len(clear(archive, R1, [1, 2, 3]).objects) > 3
    assert archive.verify() == []


def test_a_digest_that_leads_out_of_the_store_removes_nothing_there(archive: Varchive) -> None:
    thesis = archive.path.parent / "thesis.tex"
    thesis.write_text("all of it")
    (archive.path / "objects/abc").mkdir()
    wrong = "abc../../../thesis.tex"
    entry = Entry("T", 1, digest="x", place=("abc/../../../thesis.tex", 0, 1))  # type: ignore[arg-type]
    archive.put_state(R2, State(4, outputs=wrong, base=wrong, entries={"a": entry}))
    clear(archive, R2, [4])
    assert thesis.read_text() == "all of it"


# -- damage


def rot(path: Path) -> None:
    """Flip a bit, as a bad disk does: the file's time tells nothing of it."""
    time = path.stat().st_mtime_ns
    flip(path)
    os.utime(path, ns=(time, time))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"n":1,"entries":{"a":{"place":7}}}'])
def test_a_manifest_that_cannot_be_read_may_hold_anything_so_nothing_is_removed(
    archive: Varchive, text: bytes
) -> None:
    manifest(archive, R2, 1).write_bytes(text)
    before = contents_of(archive)
    with pytest.raises(Damaged, match=rf"000001\.json.*restore it.*or clear cell 1 of run {R2}"):
        clear(archive, R1, [1])
    assert contents_of(archive) == before
    # as the message says
    clear(archive, R2, [1])
    clear(archive, R1, [1])
    assert archive.verify() == []


def harm_table(archive: Varchive) -> Path:
    base = archive.state(R1, 3).base
    assert base is not None
    return file_of(archive, base)


def harm_group(archive: Varchive) -> Path:
    place = archive.state(R1, 3).entries["e"].place
    assert place is not None
    return file_of(archive, place.object)


@pytest.mark.parametrize("harm", [rot, Path.unlink])
@pytest.mark.parametrize("which", [harm_table, harm_group])
def test_what_a_damaged_table_or_group_refers_to_is_not_known_either(
    archive: Varchive, which: Callable[[Varchive], Path], harm: Callable[[Path], None]
) -> None:
    path = which(archive)
    harm(path)
    before = contents_of(archive)
    with pytest.raises(Damaged, match=rf"{path.name}.*or clear cell . of run {R1}"):
        clear(archive, R2, [1])
    assert contents_of(archive) == before


@pytest.mark.parametrize("harm", [rot, Path.unlink])
@pytest.mark.parametrize("which", [harm_table, harm_group])
def test_a_damaged_state_goes_with_what_can_be_told_of_it(
    archive: Varchive, which: Callable[[Varchive], Path], harm: Callable[[Path], None]
) -> None:
    path = which(archive)
    harm(path)
    cleared = clear(archive, R1, [2, 3])
    assert not path.exists()
    assert digest(large(5)) in cleared.objects  # the chunk of the answer
    assert archive.verify() == []
    assert archive.states(R1) == [1]


def test_a_missing_chunk_of_another_state_hinders_nothing(archive: Varchive) -> None:
    file_of(archive, digest(large(4))).unlink()
    assert clear(archive, R1, [1]).states == (1,)


def test_damage_done_after_the_manifests_went_leaves_the_objects(
    archive: Varchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = set(archive.store.names())
    after_manifests(monkeypatch, lambda: manifest(archive, R2, 1).write_bytes(b"{"))
    with pytest.raises(Damaged, match="000001"):
        clear(archive, R1, [1])
    assert set(archive.store.names()) == objects


# -- other writers


def after_manifests(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Have something happen when the manifests have been deleted, and the objects not yet."""
    unlink, done = Path.unlink, []

    def deleting(path: Path, **kwargs: Any) -> None:
        unlink(path, **kwargs)
        if path.suffix == ".json" and not done:
            done.append(path)
            act()

    monkeypatch.setattr(Path, "unlink", deleting)


def only_of_cell_1(archive: Varchive) -> str:
    """Give a pack that only cell 1 of the first run refers to."""
    place = archive.state(R1, 1).entries["b"].place
    assert place is not None
    return place.object


def test_what_another_writer_has_leaned_on_since_stays(archive: Varchive) -> None:
    other = Varchive.at(archive.path)
    spec = STATES[R1, 1]
    entries = put_values(other, spec.variables)  # all were there; its manifest is to come

    cleared = clear(archive, R1, [1])
    assert cleared.objects == frozenset()
    assert cleared.bytes > 0

    other.put_state(R2, State(4, entries=entries))
    assert other.verify() == []


def test_what_another_leaned_on_stays_whichever_states_go_one_after_the_other(
    archive: Varchive,
) -> None:
    other = Varchive.at(archive.path)
    chunk = digest(large(1))  # of cells 1 and 2
    assert other.put_object(chunk, large(1)) is None
    for n in (2, 1):
        assert chunk not in clear(archive, R1, [n]).objects
    assert other.store.get(chunk) == large(1)


def test_a_manifest_that_comes_while_the_others_go_keeps_its_objects(
    archive: Varchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    # it leaned on nothing lately: it goes on from the state that is cleared
    state = archive.state(R1, 1)
    other = Varchive.at(archive.path)
    after_manifests(monkeypatch, lambda: other.put_state(R2, replace(state, n=4)))
    assert clear(archive, R1, [1]).objects == frozenset()
    assert archive.verify() == []


@pytest.mark.parametrize("moment", ["manifests", "look"])
def test_leaning_at_the_last_moment_counts(
    archive: Varchive, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    name = only_of_cell_1(archive)
    data, other, state = archive.store.get(name), Varchive.at(archive.path), archive.state(R1, 1)
    found: list[Path | None] = []

    def lean() -> None:
        found.append(other.put_object(name, data))

    if moment == "manifests":
        after_manifests(monkeypatch, lean)
    else:
        look_then(monkeypatch, file_of(archive, name), lean)
    cleared = clear(archive, R1, [1])
    monkeypatch.undo()

    assert found == [None]
    assert name not in cleared.objects
    assert archive.store.get(name) == data
    other.put_object(digest(large(1)), large(1))
    other.put_state(R2, State(4, entries={"b": state.entries["b"]}))
    assert other.verify() == []


def look_then(monkeypatch: pytest.MonkeyPatch, path: Path, act: Callable[[], Any]) -> None:
    """Have something happen between the last look at a file's time and its move."""
    move, done = Path.replace, []

    def moving(source: Path, target: Path) -> Path:
        if source == path and not done:
            done.append(source)
            act()
        return move(source, target)

    monkeypatch.setattr(Path, "replace", moving)


def test_who_would_lean_on_what_is_just_gone_writes_it_anew(
    archive: Varchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = only_of_cell_1(archive)
    data, path = archive.store.get(name), file_of(archive, name)
    utime = os.utime

    def late(target: Any, **kwargs: Any) -> None:
        path.unlink(missing_ok=True)
        utime(target, **kwargs)

    monkeypatch.setattr(os, "utime", late)
    assert archive.put_object(name, data) == path
    assert archive.store.get(name) == data


def test_what_cannot_be_leaned_on_is_there_nonetheless(
    archive: Varchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EPERM, "of another user")

    monkeypatch.setattr(os, "utime", refuse)
    assert archive.put_object(digest(large(1)), large(1)) is None


def test_leaning_makes_an_object_new_and_changes_nothing_of_it(archive: Varchive) -> None:
    path = file_of(archive, digest(large(1)))
    os.utime(path, ns=(0, 0))
    before = path.stat()
    assert archive.put_object(digest(large(1)), large(1)) is None
    after = path.stat()
    assert after.st_mtime_ns > before.st_mtime_ns
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
    assert path.read_bytes() == large(1)


def test_two_that_clear_at_once_leave_nothing_behind(
    archive: Varchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Varchive.at(archive.path)
    after_manifests(monkeypatch, lambda: clear(other, R1, [2, 3]))
    clear(archive, R1, [1])
    assert files(archive) == files(make(tmp_path / "n", {(R1, 1), (R1, 2), (R1, 3)}))


def test_a_state_that_another_clears_between_the_list_and_the_look_holds_nothing(
    archive: Varchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, states, lists = Varchive.at(archive.path), Varchive.states, []

    def listing(self: Varchive, run: str) -> list[int]:
        found = states(self, run)
        if self is archive and run == R1:
            lists.append(found)
            if len(lists) == 2:  # the manifest has gone, the objects have not
                clear(other, R1, [2, 3])
        return found

    monkeypatch.setattr(Varchive, "states", listing)
    clear(archive, R1, [1])
    assert files(archive) == files(make(tmp_path / "n", {(R1, 1), (R1, 2), (R1, 3)}))


def dying(monkeypatch: pytest.MonkeyPatch, at: int) -> list[str]:
    """Have the process die, as it were, at the ``at``-th deletion or move."""
    seen: list[str] = []

    def wrap(name: str) -> None:
        real = getattr(Path, name)

        def deleting(path: Path, *args: Any, **kwargs: Any) -> Any:
            seen.append(name)
            if len(seen) >= at:
                raise KeyboardInterrupt
            return real(path, *args, **kwargs)

        monkeypatch.setattr(Path, name, deleting)

    wrap("unlink")
    wrap("replace")
    return seen


def test_whatever_dies_midway_every_state_is_whole(tmp_path: Path) -> None:
    others = {place for place in STATES if place not in {(R1, 1), (R1, 2)}}
    at, died = 1, True
    while died:
        archive = make(tmp_path / f"{at}.varchive")
        for name in archive.store.names():
            os.utime(file_of(archive, name), ns=(0, 0))
        with pytest.MonkeyPatch.context() as patch:
            dying(patch, at)
            try:
                clear(archive, R1, [1, 2])
                died = False
            except KeyboardInterrupt:
                pass
        assert archive.verify() == []
        assert others <= {(run, n) for run in archive.runs() for n in archive.states(run)}
        at += 1
    assert at > 2 + 2 * 5  # two manifests; each object is moved, then deleted


# -- against a model

values = st.sampled_from([small(1), small(2), large(1), large(2)])
variables = st.dictionaries(st.sampled_from(["a", "b", "<random>"]), values, max_size=2)
specs = st.builds(
    Spec,
    variables.map(lambda v: tuple(v.items())),
    variables.map(lambda v: tuple(v.items())),
    st.sampled_from([(), ("a",), ("a", "b")]),
    st.none() | values,
    st.none() | values,
)
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([R1, R2]), st.integers(1, 4), specs),
        st.tuples(st.sampled_from([R1, R2]), st.sets(st.integers(1, 4), min_size=1)),
    ),
    max_size=12,
)


def objects_of(archive: Varchive, state: State) -> set[str]:
    """Read by the letter of docs/format.md what a state refers to."""
    found = {state.base, state.outputs} - {None}
    entries = {}
    if state.base is not None:
        entries = json.loads(archive.store.get(state.base))
    data = state.to_json()
    for name in state.gone:
        entries.pop(name, None)
    everything = [*{**entries, **data["entries"]}.values(), data.get("answer", {})]
    for name, offset, length in [entry["place"] for entry in everything if "place" in entry]:
        found.add(name)
        group = archive.store.get(name)[offset : offset + length]
        head = json.loads(group[4 : 4 + int.from_bytes(group[:4], "big")])
        found |= {chunk for part in head["parts"] for chunk in part.get("chunks", ())}
    return found  # type: ignore[return-value]


@settings(max_examples=40, deadline=None)
@given(steps)
def test_after_any_states_and_clears_there_is_exactly_what_the_rest_refers_to(
    steps: list[Any],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Varchive.create(Path(folder) / "a.varchive")
        for run in (R1, R2):
            archive.begin_run(run, {})
        model: dict[tuple[str, int], set[str]] = {}
        now = [1000]
        for run, what, *spec in steps:
            if spec and (run, what) not in model:
                model[run, what] = objects_of(archive, put(archive, run, what, spec[0]))
            elif not spec:
                there = {n for n in what if (run, n) in model}
                before = set().union(*model.values())
                for n in there:
                    del model[run, n]
                cleared = clear(archive, run, there)
                assert cleared.objects == before - set().union(*model.values())
            clock(archive, now)
            assert set(archive.store.names()) == set().union(*model.values())
        assert archive.verify() == []
        assert {(r, n) for r in (R1, R2) for n in archive.states(r)} == set(model)


# -- copies


def loaded(archive: Varchive) -> dict[tuple[str, int, str], list[bytes]]:
    """Read every byte that can be loaded."""
    found = {}
    for run in archive.runs():
        for n in archive.states(run):
            state = archive.state(run, n)
            entries: dict[str, Entry] = archive.entries(state)
            if isinstance(state.answer, Entry):
                entries["<out>"] = state.answer
            for name, entry in entries.items():
                assert entry.place is not None
                group = archive.group(entry.place)
                found[run, n, name] = [read_part(archive, group, part) for part in group.parts]
    return found


def test_a_copy_holds_all_that_the_states_refer_to_and_nothing_else(
    archive: Varchive, tmp_path: Path
) -> None:
    expected = contents_of(archive)
    archive.put_object(digest(b"garbage"), b"garbage")
    (archive.path / "tmp/123-abcd-1").write_bytes(b"half a sta")
    copy = save(archive, tmp_path / "deep" / "copy.varchive")
    assert copy.path == tmp_path / "deep" / "copy.varchive"
    assert contents_of(copy) == expected
    assert loaded(copy) == loaded(archive)
    assert copy.verify() == []
    assert [copy.run(run) for run in copy.runs()] == [archive.run(run) for run in archive.runs()]


def test_a_copy_is_for_this_user_only_whatever_the_umask(archive: Varchive, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        copy = save(archive, str(tmp_path / "copy.varchive"))
    finally:
        os.umask(old)
    for path in [copy.path, *copy.path.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_copy_stands_alone(archive: Varchive, tmp_path: Path) -> None:
    before = loaded(archive)
    copy = save(archive, tmp_path / "copy.varchive")
    shutil.rmtree(archive.path)
    assert loaded(Varchive.at(copy.path)) == before


def test_fields_that_are_not_known_here_are_copied(archive: Varchive, tmp_path: Path) -> None:
    path = manifest(archive, R1, 1)
    path.write_text(json.dumps({**json.loads(path.read_text()), "weather": "rain"}))
    copy = save(archive, tmp_path / "copy.varchive")
    assert manifest(copy, R1, 1).read_bytes() == path.read_bytes()


def no_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("written again")

    monkeypatch.setattr(os, "write", refuse)


def test_a_second_time_nothing_is_written(
    archive: Varchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = save(archive, tmp_path / "copy.varchive")
    before = {p: p.stat().st_mtime_ns for p in copy.path.rglob("*") if p.is_file()}
    no_writes(monkeypatch)
    save(archive, copy.path)
    assert {p: p.stat().st_mtime_ns for p in copy.path.rglob("*") if p.is_file()} == before


def test_what_the_copy_lacks_is_added_and_what_else_it_has_stays(
    archive: Varchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = make(tmp_path / "copy.varchive", {(R1, 2), (R2, 1), (R2, 3)})
    copy.begin_run("20260103T000000-cccc", {})
    put(copy, "20260103T000000-cccc", 1, Spec(variables=(("z", large(8)),)))
    put(copy, R1, 9, Spec(variables=(("z", large(7)),)))
    mine = contents_of(copy)
    there = {file_of(archive, name) for name in copy.store.names()}
    read: list[Path] = []
    get = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path) or get(path))  # type: ignore[func-returns-value]

    save(archive, copy.path)

    monkeypatch.undo()
    assert contents_of(copy) == {**contents_of(archive), **mine}
    assert copy.verify() == []
    chunks = {file_of(archive, digest(large(fill))) for fill in range(7)}
    assert not chunks & there & set(read)  # what is there is not read again


def test_the_end_of_a_job_and_of_a_run_are_added(archive: Varchive, tmp_path: Path) -> None:
    ended = archive.state(R1, 1)
    archive.put_state(R1, State(1, status=SPAWNED))
    copy = save(archive, tmp_path / "copy.varchive")
    archive.put_state(R1, ended)
    archive.end_run(R2, {"status": "ok"})
    old = shutil.copytree(copy.path, tmp_path / "old.varchive")
    save(archive, copy.path)
    assert copy.state(R1, 1) == ended
    assert copy.run(R2).end == {"status": "ok"}
    # but an older copy, brought back, undoes neither
    save(Varchive.at(old), copy.path)
    assert copy.state(R1, 1) == ended
    assert copy.run(R2).end == {"status": "ok"}
    assert copy.verify() == []


@pytest.mark.parametrize("how", ["itself", "relative", "link", "through a link", "within"])
def test_onto_itself_is_refused(
    archive: Varchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(archive.path)
    (tmp_path / "folder").symlink_to(tmp_path)
    where = {
        "itself": archive.path,
        "relative": Path("../") / tmp_path.name / "a.varchive",
        "link": Path("link"),
        "through a link": Path("folder/a.varchive"),
        "within": archive.path / "runs" / "copy.varchive",
    }[how]
    before = contents_of(archive)
    with pytest.raises(UsageError, match="save it elsewhere"):
        save(archive, where)
    assert contents_of(archive) == before


def test_over_what_is_no_varchive_it_is_refused(archive: Varchive, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("")
    for path in (foreign, foreign / "thesis.tex"):
        with pytest.raises(NotAVarchive):
            save(archive, path)
    assert [p.name for p in foreign.iterdir()] == ["thesis.tex"]


def test_on_a_full_disk_the_copy_has_whole_states_only_and_goes_on_later(
    archive: Varchive, tmp_path: Path
) -> None:
    at, full, counts = 0, True, set()
    while full:
        path = tmp_path / f"{at}.varchive"
        with pytest.MonkeyPatch.context() as patch:
            writes = fill_disk(patch, at)
            with suppress(OSError):
                save(archive, path)
                full = False
        if (path / "varchive.json").exists():
            copy = Varchive.at(path)
            assert copy.verify() == []
            counts.add(sum(len(copy.states(run)) for run in copy.runs()))
            assert not any((path / "tmp").iterdir())
            # how a run ended comes when all of it is there
            assert R1 not in copy.runs() or copy.run(R1).end is None or len(copy.states(R1)) == 3
        if at % 5 == 0:
            assert contents_of(save(archive, path)) == contents_of(archive)
        at = at + 1 if full else len(writes)
    assert counts == set(range(7))


def fill_disk(monkeypatch: pytest.MonkeyPatch, at: int) -> list[int]:
    writes: list[int] = []
    write = os.write

    def filling(handle: int, data: Any) -> int:
        writes.append(handle)
        if len(writes) > at:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, data)

    monkeypatch.setattr(os, "write", filling)
    return writes


def damages(archive: Varchive) -> Iterator[tuple[Path, str]]:
    yield harm_table(archive), "cell 2"
    yield harm_group(archive), "cell 3"
    yield file_of(archive, digest(large(6))), "cell 3"
    yield manifest(archive, R1, 3), "cell 3"


@pytest.mark.parametrize("which", range(4))
def test_what_is_damaged_is_not_copied_and_the_message_names_the_cell(
    archive: Varchive, tmp_path: Path, which: int
) -> None:
    path, cell = [*damages(archive)][which]
    path.write_bytes(path.read_bytes()[:-1])
    copy = tmp_path / "copy.varchive"
    with pytest.raises(Damaged, match=rf"{path.name}.*or clear {cell} of run {R1}"):
        save(archive, copy)
    assert Varchive.at(copy).verify() == []
    clear(archive, R1, [2, 3])
    clear(archive, R2, [1] if which == 2 else [])
    assert save(archive, copy).verify() == []


@pytest.mark.parametrize("name", [f"runs/{R1}/run.json", f"runs/{R1}/end.json"])
def test_a_damaged_record_does_not_take_the_place_of_a_good_one(
    archive: Varchive, tmp_path: Path, name: str
) -> None:
    copy = save(archive, tmp_path / "copy.varchive")
    good = (copy.path / name).read_bytes()
    (archive.path / name).write_bytes(b"{")
    with pytest.raises(Damaged, match=Path(name).name):
        save(archive, copy.path)
    assert (copy.path / name).read_bytes() == good


def test_a_state_that_is_cleared_while_it_is_copied_is_left_out(
    archive: Varchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, group, done = Varchive.at(archive.path), Varchive.group, []

    def reading(self: Varchive, place: Any) -> Group:
        if self is archive and not done:
            done.append(clear(other, R1, [1, 2]))
        return group(self, place)

    monkeypatch.setattr(Varchive, "group", reading)
    copy = save(archive, tmp_path / "copy.varchive")
    assert isinstance(done[0], Cleared)
    assert copy.verify() == []
    assert copy.states(R1) == [3]
    assert copy.states(R2) == [1, 2, 3]


def test_of_a_copy_states_can_be_cleared(archive: Varchive, tmp_path: Path) -> None:
    copy = save(archive, tmp_path / "copy.varchive")
    for run, n in STATES:
        clear(copy, run, [n])
    assert list(copy.store.names()) == []
