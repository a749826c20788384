"""Varchive: past + store, on disk; put a state, read states, verify.

A state's manifest is written last, by one rename: a cell is recorded wholly or not at all.
Nothing here unpickles.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from .digest import Buffer
from .errors import Damaged, NoSuchRun, NoSuchState, NotAVarchive, Untrusted, UsageError
from .group import Group
from .layout import (
    FORMAT,
    MARK,
    OBJECTS,
    RUNS,
    TMP,
    end_name,
    is_run_id,
    run_name,
    state_name,
    state_number,
    states_name,
)
from .model import Entry, Json, Place, Run, State, dump_json, table_from_json
from .store import DirectoryStore, make_private, sync

_PACK = 1 << 24  # bytes of an object that is kept, read last
_PLACE = re.compile(r"-?\d{1,3}")  # no run's id begins so: that is a year

MISREAD = (ValueError, KeyError, TypeError, AttributeError)
"""What reading raises of a record that is not as docs/format.md says."""


class Varchive:
    """A varchive on disk.

    Make one with `Varchive.at` (it must be there) or `Varchive.create` (it may be there).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = DirectoryStore(path)
        self._pack = "", b""
        self._table: tuple[str, dict[str, Entry]] = "", {}
        # the namespace of a state of a plain run, on which the next one stands
        self._below: tuple[str, int, dict[str, Entry]] = "", 0, {}

    def __repr__(self) -> str:
        return f"<varchive {self.path}>"

    @classmethod
    def at(cls, path: str | Path) -> Varchive:
        """Open the varchive at ``path``.

        Raises
        ------
        NotAVarchive
            When there is none, or one of a later format.
        """
        archive = cls(Path(path))
        if (mark := _read_mark(archive.path / MARK)) is None:
            raise NotAVarchive(
                f"{path} is no varchive; give a .varchive directory that tmrun wrote"
            )
        if mark > FORMAT:
            raise NotAVarchive(
                f"{path} has format {mark}, this tmrun reads up to {FORMAT};"
                " pip install --upgrade tmrun"
            )
        return archive

    @classmethod
    def create(cls, path: str | Path) -> Varchive:
        """Open the varchive at ``path``, made if there is nothing or an empty directory.

        Raises
        ------
        NotAVarchive
            When something else is there.
        OSError
            When it cannot be written.
        """
        archive = cls(Path(path))
        if is_there := (archive.path / MARK).exists():
            archive = cls.at(path)
        elif archive.path.exists() and not archive._is_blank():
            raise NotAVarchive(
                f"{path} exists and is no varchive; move it away, or write elsewhere"
            )
        for name in (TMP, OBJECTS, RUNS):
            # made anew where a copy, as git makes them, has left out the empty ones
            make_private(archive.path / name)
        if not is_there:
            archive.store.write(MARK, dump_json({"format": FORMAT}))
        return archive

    def _is_blank(self) -> bool:
        """Whether nothing is there but what a `create` that died midway leaves."""
        ours = {TMP, OBJECTS, RUNS}
        return self.path.is_dir() and all(p.name in ours for p in self.path.iterdir())

    # -- runs

    def begin_run(self, run: str, about: Json) -> None:
        """Enter a run, with what is known of it at its start."""
        if not is_run_id(run):
            raise ValueError(f"{run!r} cannot name a run; use letters, digits, '.', '_' and '-'")
        make_private(self.path / states_name(run))
        self.store.write(run_name(run), dump_json(about))

    def end_run(self, run: str, end: Json) -> None:
        """Say how a run ended."""
        self.store.write(end_name(run), dump_json(end))

    def resume_run(self, run: str) -> None:
        """Take back how a run ended, before it goes on."""
        end = self.path / end_name(run)
        if end.exists():
            end.unlink()
            # a machine that crashes must not bring it back
            sync(end.parent)

    def before(self, run: str) -> list[str]:
        """Give the ids of the runs that began before one, in order."""
        runs = self.runs()
        return runs[: runs.index(run)] if run in runs else runs

    def runs(self) -> list[str]:
        """Give the ids of the runs, in the order in which they began."""
        return [run for run in self.store.list(RUNS) if self._has_run(run)]

    def run(self, run: str | int = -1, *, own: str | None = None) -> Run:
        """Give one run, by its id, the start of its id, or its place (-1: the latest).

        From within a run, its ``own``, negative places count back from it: -1 is the one before.

        Raises
        ------
        NoSuchRun
            With the runs that there are.
        UsageError
            For what names no run.
        """
        runs = everyone = self.runs()
        if isinstance(run, bool) or not isinstance(run, (int, str)) or run == "":
            raise UsageError(
                f"{run!r} names no run; give its id, the start of it, or its place (0: the first)"
            )
        if isinstance(run, str) and _PLACE.fullmatch(run):
            run = int(run)
        if isinstance(run, int) and run < 0 and own is not None:
            runs = self.before(own)
        if isinstance(run, int):
            found = runs[run : run + 1 or None] if -len(runs) <= run < len(runs) else []
        else:
            found = [r for r in runs if r == run] or [r for r in runs if r.startswith(run)]
        if len(found) != 1:
            what = "is not one run" if found else "is no run"
            which = "runs" if runs is everyone else "runs before this one"
            there = ", ".join(runs) or "none"
            raise NoSuchRun(f"{run!r} {what} of {self.path} ({which}: {there})")
        about = self._json(run_name(found[0]))
        assert about is not None
        return Run(found[0], about, self._json(end_name(found[0])))

    def require_trust(self, run: str) -> None:
        """Refuse to load what another user wrote, for loading runs what it holds.

        Raises
        ------
        Untrusted
            When the varchive, or this run of it, is another user's.
        """
        if not hasattr(os, "getuid"):
            return
        for path in (self.path, self.path / states_name(run)):
            if not path.exists():
                continue  # a copy may have left it out
            if (owner := path.stat().st_uid) != os.getuid():
                raise Untrusted(
                    f"{path} was written by another user (id {owner}), and loading runs what it"
                    " holds; look at it with tmrun show, or say tmrun.open(path, trusted=True)"
                )

    def _has_run(self, run: str) -> bool:
        return (self.path / run_name(run)).exists()

    # -- states

    def put_object(self, digest: str, data: Buffer) -> Path | None:
        """Store an object of a state to come; None when it was there."""
        return self.store.put(digest, data)

    def put_state(self, run: str, state: State) -> Path:
        """Commit a state, all of whose objects have been put."""
        return self.store.write(state_name(run, state.n), dump_json(state.to_json()))

    def states(self, run: str) -> list[int]:
        """Give the numbers of the cells that were recorded, in order."""
        numbers = map(state_number, self.store.list(states_name(run)))
        return sorted(n for n in numbers if n is not None)

    def state(self, run: str, n: int) -> State:
        """Give the state of cell ``n``.

        Raises
        ------
        NoSuchState
            With the cells that were recorded.
        """
        if (data := self._json(state_name(run, n))) is None:
            raise NoSuchState(
                f"cell {n} was not recorded (recorded: {ranges(self.states(run))});"
                f" see tmrun show {self.path}"
            )
        try:
            state = State.from_json(data)
            return state if state.upon is None else self._overlaid(run, state)
        except MISREAD as error:
            name = self.path / state_name(run, n)
            raise Damaged(f"{name} is no state ({error!r}); restore it from a copy") from None

    def _overlaid(self, run: str, state: State) -> State:
        """Give a state of a plain run with its whole namespace."""
        below, n = [state], state.upon
        while n is not None and self._below[:2] != (run, n):
            if (data := self._json(state_name(run, n))) is None or n >= below[-1].n:
                name = self.path / state_name(run, n)
                raise Damaged(f"{name}, on which cell {below[-1].n} stands, is missing")
            below.append(State.from_json(data))
            n = below[-1].upon
        table = {} if n is None else dict(self._below[2])
        for each in reversed(below):
            table = {k: v for k, v in table.items() if k not in each.gone} | each.entries
        self._below = run, state.n, table
        return replace(state, upon=None, gone=(), entries=dict(table))

    def entries(self, state: State) -> dict[str, Entry]:
        """Give the whole namespace of a state: name -> entry, hidden ones included."""
        table = {} if state.base is None else dict(self._base(state.base))
        for name in state.gone:
            table.pop(name, None)
        return {**table, **state.entries}

    def _base(self, digest: str) -> dict[str, Entry]:
        if digest != self._table[0]:
            # many states that follow each other have one table
            self._table = digest, table_from_json(json.loads(self.store.get(digest)))
        return self._table[1]

    def group(self, place: Place) -> Group:
        """Give the group that a place holds, its large parts not yet read."""
        name, data = self._pack
        if name != place.object:
            data = self.store.get(place.object)
            # many small groups stand in one object, and are asked for one after the other
            self._pack = (place.object, data) if len(data) <= _PACK else ("", b"")
        try:
            return Group.from_bytes(data[place.offset : place.offset + place.length])
        except MISREAD as error:
            where = f"{place.length} bytes from {place.offset} of object {place.object}"
            raise Damaged(f"{where} are no group ({error!r}); restore it from a copy") from None

    def verify(self) -> list[str]:
        """Read every byte of every state; give what is wrong, empty when all is well."""
        wrong = []
        # what was read before may have been damaged since
        self._table = "", {}
        self._below = "", 0, {}
        seen: set[str | Place] = set()
        for run in self.runs():
            for n in self.states(run):
                try:
                    self._verify_state(self.state(run, n), seen)
                except (Damaged, *MISREAD) as error:
                    wrong.append(f"cell {n} of run {run}: {error}")
        return wrong

    def _verify_state(self, state: State, seen: set[str | Place]) -> None:
        if state.outputs is not None and state.outputs not in seen:
            self.store.get(state.outputs)
            seen.add(state.outputs)
        entries = [*self.entries(state).values()]
        if isinstance(state.answer, Entry):
            entries.append(state.answer)
        for place in {entry.place for entry in entries if entry.place} - seen:
            for digest in (place.object, *self.group(place).objects()):
                if digest not in seen:
                    self.store.get(digest)
                    seen.add(digest)
            seen.add(place)

    def _json(self, name: str) -> Json | None:
        if (data := self.store.read(name)) is None:
            return None
        try:
            content: Json = json.loads(data)
        except ValueError as error:
            raise Damaged(
                f"{self.path / name} is not JSON ({error}); restore it from a copy"
            ) from None
        if type(content) is not dict:
            raise Damaged(f"{self.path / name} is no JSON object; restore it from a copy")
        return content


def new_run_id() -> str:
    """Make the id of a new run: its beginning (UTC) to the microsecond, and three random digits.

    The order of ids is that of the beginnings, also within a second.
    """
    now = datetime.now(timezone.utc)
    return f"{now:%Y%m%dT%H%M%S}-{now.microsecond:05x}{secrets.token_hex(2)[:3]}"


def ranges(numbers: Iterable[int]) -> str:
    """Give 1, 2, 3, 7 as ``1-3, 7``; nothing as ``none``."""
    runs: list[list[int]] = []
    for n in sorted(numbers):
        if runs and n == runs[-1][-1] + 1:
            runs[-1][1:] = [n]
        else:
            runs.append([n])
    return ", ".join("-".join(map(str, run)) for run in runs) or "none"


def _read_mark(path: Path) -> int | None:
    try:
        mark = json.loads(path.read_bytes())["format"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return mark if isinstance(mark, int) else None
