"""Removes states, and with them the objects that no other state refers to.

No lock tells which writers are at work, so what a writer has leaned on is told by the time of the
object's file: see `clear`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .archive import Varchive
from .errors import Damaged, NoSuchState
from .layout import RUNS, TMP, state_name, states_name
from .references import References
from .store import make_private, sync


@dataclass(frozen=True)
class Cleared:
    """What was removed.

    Attributes
    ----------
    states : tuple of int
        The cells whose states are gone.
    objects : frozenset of str
        The digests of the objects that are gone with them.
    bytes : int
        What this freed, manifests included.
    """

    states: tuple[int, ...]
    objects: frozenset[str]
    bytes: int


def clear(archive: Varchive, run: str, cells: Iterable[int]) -> Cleared:
    """Remove states of a run, and the objects that only they refer to.

    The manifests go first, then the objects: whatever dies in between leaves objects that no state
    refers to, never a state that lacks one.

    Other writers may be at work, without locks.  One that finds an object there which its next
    state needs does not write it again: it leans on it, and its manifest comes later.  Leaning
    makes the time of the object's file that of now.  So an object goes only when it is not newer
    than the cleared manifests that refer to it; what was leaned on since stays.  If no state comes
    to refer to it, it is of no use and does no harm, and `save` leaves it behind.  Who leaned
    before those manifests were written, and is not yet done, is not told apart from their writer.

    A state that is damaged goes with those of its objects that can be told.

    Parameters
    ----------
    archive : Varchive
        Nothing may be going on from the states that go: who records the run must not be about to
        refer to their objects without having put them again.
    run : str
        The run's id.
    cells : iterable of int
        Which states.

    Raises
    ------
    NoSuchState
        When a cell was not recorded; nothing is removed.
    Damaged
        When another state cannot be read, so that what it refers to is not known; no object is
        removed, and no state unless the damage was done meanwhile.
    OSError
        When the varchive cannot be written.
    """
    going = _Going(archive, run, cells)
    for _ in going.others(leaving=going.manifests):
        pass  # each can be read
    going.remove_manifests()
    return going.remove_objects()


class _Going:
    """The states that go, and for each of their objects the newest manifest that refers to it."""

    def __init__(self, archive: Varchive, run: str, cells: Iterable[int]) -> None:
        self.archive = archive
        self.run = run
        self.cells = tuple(sorted(set(cells)))
        self.manifests = [archive.path / state_name(run, n) for n in self.cells]
        self.bytes = 0
        self._references = References(archive)
        self._until: dict[str, int] = {}  # digest -> time of the manifest, in nanoseconds
        for n in self.cells:
            self._collect(n)

    def _collect(self, n: int) -> None:
        path = self.archive.path / state_name(self.run, n)
        try:
            # the time first: of a manifest that is replaced now, the older counts
            file = path.stat()
            self.bytes += file.st_size
            state = self.archive.state(self.run, n)
        except FileNotFoundError:
            self.archive.state(self.run, n)  # says which there are
            raise
        except Damaged:
            return  # what it held cannot be told
        for digest in self._references.readable(state):
            self._until[digest] = max(self._until.get(digest, 0), file.st_mtime_ns)

    def others(self, leaving: Iterable[Path] = ()) -> Iterator[tuple[Path, set[str]]]:
        """Give the manifests that are there now, each with what it holds of all that would go."""
        passed_over = set(leaving)
        for run, n in _all_states(self.archive):
            path = self.archive.path / state_name(run, n)
            if path in passed_over:
                continue
            try:
                held = self._references.of(self.archive.state(run, n))
            except NoSuchState:
                continue  # another cleared it just now
            except Damaged as error:
                raise Damaged(
                    f"{error}, or clear cell {n} of run {run} too: what it holds cannot be told"
                ) from None
            yield path, held & self._until.keys()

    def remove_manifests(self) -> None:
        """Have the states be no more."""
        for path in self.manifests:
            path.unlink(missing_ok=True)
        if self.manifests:
            # a machine that crashes must not have removed objects but not their manifests
            sync(self.archive.path / states_name(self.run))

    def remove_objects(self) -> Cleared:
        """Remove what nobody refers to or leans on now."""
        times = {digest: self.archive.store.time(digest) for digest in self._until}
        leaned = {digest: t for digest, t in times.items() if t <= self._until[digest]}
        kept: set[str] = set()
        for path, held in self.others():
            kept |= held
            _hand_over(path, max((leaned.get(digest, 0) for digest in held), default=0))
        # where moved objects go; a copy may have left it out
        make_private(self.archive.path / TMP)
        sizes = {
            digest: self.archive.store.discard(digest, until)
            for digest, until in self._until.items()
            if digest not in kept
        }
        gone = {digest: size for digest, size in sizes.items() if size is not None}
        return Cleared(self.cells, frozenset(gone), self.bytes + sum(gone.values()))


def _hand_over(path: Path, leaned: int) -> None:
    """Have a manifest count for as late as states that go have leaned on what it keeps.

    Or those objects would look as if someone else had leaned on them, and not go with this state.
    """
    with suppress(OSError):  # another user's, or cleared just now
        if leaned > path.stat().st_mtime_ns:
            os.utime(path, ns=(leaned, leaned))


def _all_states(archive: Varchive) -> Iterator[tuple[str, int]]:
    # also of runs without run.json: a copy that is being made may bring it last
    for run in archive.store.list(RUNS):
        if (archive.path / states_name(run)).is_dir():
            for n in archive.states(run):
                yield run, n
