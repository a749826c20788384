"""Inside a worker: a recorded state -> the namespace in which a job runs, and its recorder.

Only what the job may use is loaded.  The rest of the state stands in the recorder as being there,
untouched, so that what it records after the job is that state overlaid with what the job did.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import select
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .calm import calm
from .hidden import HIDDEN, restore
from .homeward import Homeward
from .load import not_saved
from .recorder import Key, Recorder
from .varchive import Entry, Place, State, Varchive
from .varchive.digest import digest
from .varchive.errors import CannotLoad, TmrunError

_DRAIN = 0.5  # seconds for what is still in a pipe


class Sandbox:
    """The namespace of one job.

    Parameters
    ----------
    namespace : dict
        The worker's.
    is_public : callable
        As for `Recorder`.
    settings : dict
        ``varchive``, ``run``, ``spawn`` and ``base`` (the states, as JSON: what the job runs on,
        and what is overlaid with what it does), ``names`` (of the variables it may use; None: all),
        ``answers`` (the cells to whose ``Out[n]`` it may refer),
        ``cwd``, ``directory`` (where the notebook started), ``environment``, ``sys_path``,
        ``dontsave``, ``withheld`` (the names that there were of these), ``thorough``, ``classes``
        (the number from which its classes are counted).

    Attributes
    ----------
    recorder : Recorder
        Records what the job does.
    lacks : dict
        Name -> why the job does not have this variable of its state.
    answers : dict
        Cell number -> ``Out[n]``, of those that were asked for.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        is_public: Callable[[str, Any], bool],
        settings: dict[str, Any],
    ) -> None:
        _enter(settings)
        self._streams = [_Stream(sys.stdout, 1), _Stream(sys.stderr, 2)]
        self._used = _processor_time()
        self.lacks = {
            name: f"{name} was not saved: it was not to be (dontsave)"
            for name in settings["withheld"]
        }
        archive = Varchive.at(settings["varchive"])
        run, spawn = archive.run(settings["run"]), State.from_json(settings["spawn"])
        self.recorder = Recorder(
            archive,
            run.id,
            namespace,
            is_public,
            settings["dontsave"],
            thorough=settings["thorough"],
        )
        self.recorder.directory = Path(settings["directory"])
        self.recorder.classes.count_from(settings["classes"])
        self._home = Homeward(archive, run, spawn, namespace, {})
        self._load(settings["names"])
        self.answers = dict(self._load_answers(settings["answers"]))
        self._restore_hidden()
        self._tell_recorder(State.from_json(settings["base"]))
        del self._home  # or what the job deletes would live on

    def mark_streams(self, mark: str) -> list[str]:
        """Write a mark behind everything that was written to the process's own streams.

        Returns
        -------
        list of str
            The names of the streams through which it will come.
        """
        return [stream.name for stream in self._streams if stream.mark(mark)]

    def usage(self) -> dict[str, Any]:
        """Give what the job took: seconds of processor time, bytes of memory at most."""
        return {"cpu_seconds": _processor_time() - self._used, "peak_memory": _peak_memory()}

    def _load(self, names: Iterable[str] | None) -> None:
        """Load variables; one that does not load takes no other with it."""
        entries = self._home.entries
        wanted = entries.keys() if names is None else entries.keys() & set(names)
        found = {name: entries[name] for name in sorted(wanted) if name[:1] != "<"}
        self.lacks |= {n: not_saved(n, e) for n, e in entries.items() if e.place is None}
        places = {e.place for e in found.values() if e.place is not None}
        try:
            self._home.bring(places, (), {})
        except CannotLoad:
            for place in sorted(places):
                self._load_one(place)

    def _load_one(self, place: Place) -> None:
        try:
            self._home.bring([place], (), {})
        except CannotLoad as error:
            members = (name for name, e in self._home.entries.items() if e.place == place)
            self.lacks.update(dict.fromkeys(members, str(error)))

    def _load_answers(self, numbers: Iterable[int]) -> Iterable[tuple[int, Any]]:
        home = self._home
        for n in numbers:
            # one that was not saved is missing from Out, as a KeyError will say
            with contextlib.suppress(TmrunError):
                state = home.archive.state(home.run.id, n)
                other = Homeward(home.archive, home.run, state, home.scope, home.made)
                if (answer := other.load_answer()) is not None:
                    yield n, answer

    def _restore_hidden(self) -> None:
        for name in HIDDEN:
            if name in self._home.entries:
                library = name.strip("<>")
                try:
                    # loaded later, by the job, it would begin with a state of its own
                    importlib.import_module(library)
                    restore(name, self._home.load(name))
                except Exception as error:  # noqa: BLE001  (a library that is broken here)
                    print(f"tmrun: the generator of {library}: {error}", file=sys.stderr)

    def _tell_recorder(self, base: State) -> None:
        home, recorder = self._home, self.recorder
        for name, cls in home.made.items():
            recorder.classes.adopt(name, cls)
        loaded = [name for name in home.values if name in home.entries and name not in HIDDEN]
        hidden = [name for name in HIDDEN if name in home.entries]
        places = {name: home.entries[name].place for name in (*loaded, *hidden)}
        of_group = {place: _key(home.archive, place) for place in {*places.values()} if place}
        keys = {name: of_group[place] for name, place in places.items() if place}
        entries: dict[str, Entry] = home.archive.entries(base)
        there = {*loaded, *HIDDEN}
        recorder.resume(base, entries, entries.keys() - there)
        with calm():
            recorder.returned(base.n, keys, {}, loaded)
        recorder.parent = base.parent


def _key(archive: Varchive, place: Place) -> Key:
    group = archive.group(place)
    return group.members, digest(group.to_bytes())


class _Stream:
    """One of the kernel's streams, and the file descriptor whose text comes out of it."""

    def __init__(self, stream: Any, number: int) -> None:
        self.name = str(getattr(stream, "name", ""))
        self._stream = stream
        self._number = number
        self._is_watched = bool(getattr(stream, "_should_watch", False))
        self._identity = _identity(number)

    def mark(self, mark: str) -> bool:
        """Write the mark; whether it will come."""
        # what the job has put in its place, a file say, is not ours to write to
        if not self._is_watched or _identity(self._number) != self._identity:
            return False
        os.write(self._number, mark.encode())
        deadline = time.monotonic() + _DRAIN
        while select.select([self._stream._fid], [], [], 0)[0] and time.monotonic() < deadline:
            time.sleep(0.001)
        # or it would come with the next of the flushes that go round every 0.2 s
        self._stream.flush()
        return True


def _identity(number: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(number)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _processor_time() -> float:
    mine, of_children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return mine.ru_utime + mine.ru_stime + of_children.ru_utime + of_children.ru_stime


def _peak_memory() -> int:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        # on Linux, it would count what the notebook's kernel had when it started this process
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def _enter(settings: dict[str, Any]) -> None:
    """Have the surroundings of the notebook, as they were at the spawn."""
    for name in os.environ.keys() - settings["environment"].keys():
        del os.environ[name]
    os.environ.update(settings["environment"])
    sys.path[:] = settings["sys_path"]
    os.chdir(settings["cwd"])
