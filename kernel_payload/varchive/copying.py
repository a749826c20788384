"""Copies all runs and states of a varchive to another place, and nothing that none refers to."""

from __future__ import annotations

import json
from pathlib import Path

from .archive import MISREAD, Varchive
from .errors import Damaged, UsageError
from .layout import end_name, run_name, state_name, states_name
from .model import SPAWNED, State
from .references import References
from .store import make_private, sync


def save(archive: Varchive, path: str | Path) -> Varchive:
    """Make a varchive at ``path`` that holds all runs and states of this one.

    If there is one, it is brought up to date: what it lacks is added, what else it has stays.
    Each state is there wholly or not at all, also after a failure; do it again to go on.

    Parameters
    ----------
    archive : Varchive
        What to copy; it may be recorded at the same time.
    path : str or path
        Where to.

    Returns
    -------
    Varchive
        The one at ``path``.

    Raises
    ------
    UsageError
        When ``path`` is this varchive, or lies in it.
    NotAVarchive
        When something else is there.
    Damaged
        When a state cannot be read; those before it have been copied.
    OSError
        When the disk is full or ``path`` cannot be written.
    """
    _require_elsewhere(archive.path, Path(path))
    target = Varchive.create(path)
    copying = _Copying(archive, target)
    for run in archive.runs():
        copying.copy_run(run)
    return target


class _Copying:
    """From a varchive to another."""

    def __init__(self, source: Varchive, target: Varchive) -> None:
        self.source = source
        self.target = target
        self._references = References(source)
        self._there: set[str] = set()

    def copy_run(self, run: str) -> None:
        """Copy how it began, its states, and how it ended if it had."""
        # read first, or it could tell of an end whose last states are not copied
        end = _read(self.source, end_name(run))
        make_private(self.target.path / states_name(run))
        self._write(run_name(run), _read(self.source, run_name(run)))
        for n in self.source.states(run):
            try:
                self._copy_state(state_name(run, n))
            except Damaged as error:
                if self.source.store.read(state_name(run, n)) is not None:
                    raise Damaged(f"{error}, or clear cell {n} of run {run}") from None
                # it was cleared just now
        self._write(end_name(run), end)

    def _copy_state(self, name: str) -> None:
        # as it stands: a later minor format has fields that are not known here
        data, there = _read(self.source, name), self.target.store.read(name)
        if data is None or data == there:
            return
        state = _state(data, self.source.path / name)
        if there is not None and state.status == SPAWNED and _has_ended(there):
            return
        for digest in self._references.of(state) - self._there:
            self._copy_object(digest)
        self._write(name, data)

    def _copy_object(self, digest: str) -> None:
        if not self.target.store.has(digest, self.source.store.size(digest)):
            path = self.target.put_object(digest, self.source.store.get(digest))
            if path is not None:
                sync(path)
        self._there.add(digest)

    def _write(self, name: str, data: bytes | None) -> None:
        if data is not None and data != self.target.store.read(name):
            sync(self.target.store.write(name, data))


def _require_elsewhere(source: Path, path: Path) -> None:
    whole = path.resolve()
    for place in (whole, *whole.parents):
        if place.exists() and place.samefile(source):
            raise UsageError(f"{path} is, or lies in, the varchive itself; save it elsewhere")


def _read(archive: Varchive, name: str) -> bytes | None:
    """Read a record; what is no JSON object must not take the place of one that is."""
    data = archive.store.read(name)
    try:
        is_record = data is None or type(json.loads(data)) is dict
    except ValueError:
        is_record = False
    if not is_record:
        raise Damaged(f"{archive.path / name} is no JSON object; restore it from a copy")
    return data


def _state(data: bytes, path: Path) -> State:
    try:
        return State.from_json(json.loads(data))
    except MISREAD as error:
        raise Damaged(f"{path} is no state ({error!r}); restore it from a copy") from None


def _has_ended(data: bytes) -> bool:
    try:
        return _state(data, Path()).status != SPAWNED
    except Damaged:
        return False
