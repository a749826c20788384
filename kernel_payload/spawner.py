"""A cell's job: its state is recorded when it is spawned, and again, with what it did, at its end.

Between the notebook's thread, which spawns, and the dispatcher's, which tells how jobs end.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .announcer import Announcer
from .cell import Cell
from .dispatcher import Dispatcher, End, Order
from .homeward import Homeward
from .jobs import Job, Jobs, Json
from .jobstate import at_end, joined
from .load import not_saved
from .magic import Wish
from .outputs import Outputs, Piece
from .recorder import Recorder
from .telling import sendable, summary
from .varchive import SPAWNED, Entry, State, Varchive
from .varchive.digest import digest
from .varchive.errors import NoSuchState, TmrunError, UsageError
from .varchive.store import sync
from .worker import Surroundings

_CLASSES = 1_000_000  # more classes than a process of a notebook ever names


@dataclass
class _Spawned:
    """A job that waits for the end of its cell."""

    job: Job
    wish: Wish
    names: list[str] | None
    state: State
    parent: int | str | None
    is_cancelled: bool = False


class Spawner:
    """The jobs of a notebook.

    Parameters
    ----------
    recorder : Recorder
        Of the notebook.
    announcer : Announcer
        Tells of the jobs.
    take : callable
        Called with cell number and ``Out[n]`` of a job that has ended, in the notebook's thread.
    threads : int
        How many run at once.

    Attributes
    ----------
    jobs : Jobs
        Cell number -> job.
    announcer : Announcer
        As given.
    """

    def __init__(
        self,
        recorder: Recorder,
        announcer: Announcer,
        take: Callable[[int, Any], None],
        threads: int,
    ) -> None:
        self.announcer = announcer
        self._take = take
        self._jobs: dict[int, Job] = {}
        self.jobs = Jobs(self._jobs)
        self._recorder = recorder
        self._spawned: _Spawned | None = None
        self._bases: dict[Job, State] = {}
        self._answers: list[Job] = []
        # the dispatcher's own, for another thread writes through that of the recorder
        self._archive = Varchive.at(recorder.archive.path)
        self._threads = threads
        self._dispatcher: Dispatcher | None = None

    # -- in the notebook's thread

    def spawn(self, cell: Cell, wish: Wish) -> None:
        """Record the state on which the job of this cell is to run.

        Parameters
        ----------
        cell : Cell
            The cell so far; its ``code`` is what it did beside this.
        wish : Wish
            What is to run.

        Raises
        ------
        UsageError
            When the cell has a job already.
        TmrunError
            When there is no record to run it on.
        """
        if self._spawned is not None:
            raise UsageError(
                f"cell {cell.n} has a job already, and a cell has one at most:"
                " spawn the other one in a cell of its own"
            )
        old = self._jobs.get(cell.n)
        if old is not None and not old.ended.is_set():
            raise UsageError(
                f"{old.title} of an earlier cell {cell.n} has not ended: wait for it, or cancel it"
            )
        recorder = self._recorder
        if recorder.stopped:
            raise TmrunError(f"a job runs on a recorded state, and {recorder.stopped}")
        parent = recorder.parent
        state = recorder.record(replace(cell, status=SPAWNED))
        recorder.parent = parent  # the next cell does not run on what this job does
        names = recorder.candidates.used_by(wish.transformed)
        listed = None if names is None else sorted(names)
        job = Job(cell.n, self, wish.name, wish.timeout)
        self._spawned = _Spawned(job, wish, listed, state, parent)
        self._jobs.pop(cell.n, None)
        self._jobs[cell.n] = job
        self.announcer.spawned(job)

    def cell_ended(self, cell: Cell, answer: Any) -> State | None:
        """Let the job of a cell begin, if it has one; the state after the cell.

        What the cell did beside spawning is recorded with the state that the job's replaces.
        """
        spawned, self._spawned = self._spawned, None
        if spawned is None:
            return None
        try:
            return self._submit(spawned, cell, answer)
        except BaseException as error:  # noqa: BLE001  (whatever it is, the job must not be waited for)
            job = spawned.job
            job.reason = f"it could not be started: {type(error).__name__}: {error}"
            self._bases.setdefault(job, spawned.state)
            self._recorder.wait()
            self.ended(job, End("died"))
            return spawned.state

    def _submit(self, spawned: _Spawned, cell: Cell, answer: Any) -> State:
        job = spawned.job
        base, recorder = spawned.state, self._recorder
        if cell.code:
            base = joined(base, recorder.record(replace(cell, status=SPAWNED), answer))
            base = replace(base, parent=spawned.parent)
            recorder.rewrite(base)
        self._bases[job] = base
        settings: Json = {
            "varchive": str(recorder.archive.path),
            "run": recorder.run,
            "n": cell.n,
            "source": cell.source,
            "spawn": spawned.state.to_json(),
            "base": base.to_json(),
            "names": spawned.names,
            "cwd": _cwd(recorder),
            "directory": str(recorder.directory),
            "environment": dict(os.environ),
            # what is no str, Python itself passes over
            "sys_path": [str(path) for path in sys.path if isinstance(path, str)],
            "dontsave": list(recorder.dontsave.patterns),
            "withheld": list(recorder.withheld()),
            "thorough": recorder.candidates.thorough,
            "classes": cell.n * _CLASSES,
            "answers": spawned.wish.answers,
            "flags": spawned.wish.flags,
            "sources": spawned.wish.sources,
        }
        surroundings = Surroundings(
            settings["cwd"], settings["sys_path"], settings["environment"], _libraries()
        )
        order = Order(job, spawned.wish.code, cell.cell_id, settings, surroundings)
        if self._dispatcher is None:
            self._dispatcher = Dispatcher(self._threads, self, recorder.wait)
        self._dispatcher.submit(order)
        if spawned.is_cancelled:
            self._dispatcher.cancel(job)
        return base

    def meet(self) -> None:
        """Give the notebook the answers of jobs that have ended since."""
        if threading.current_thread() is not threading.main_thread():
            return  # loading runs code of the user's
        while self._answers:
            job = self._answers[0]
            try:
                if (value := self.answer(job)) is not None:
                    self._take(job.n, value)
            except Exception as error:  # noqa: BLE001  (loading runs the user's own code)
                # said where it belongs: printed here, it would stand in another cell
                job.reason = f"its answer cannot be loaded: {error}"
            self._answers.pop(0)

    def close(self) -> None:
        """End all jobs and workers; those of later cells begin anew."""
        if (spawned := self._spawned) is not None:
            # its cell is the one that ends them all
            self._spawned = None
            self._bases[spawned.job] = spawned.state
            self._recorder.wait()
            self.ended(spawned.job, End("cancelled"))
        if self._dispatcher is not None:
            self._dispatcher.close()
            self._dispatcher = None

    def resize(self, threads: int) -> None:
        """Run as many at once from now on."""
        self._threads = threads
        if self._dispatcher is not None:
            self._dispatcher.resize(threads)

    # -- what a job asks

    def answer(self, job: Job) -> Any:
        """Load the answer of a job that has finished."""
        recorder = self._recorder
        archive = Varchive.at(recorder.archive.path)
        self._require_state(archive, job)
        home = Homeward(
            archive,
            archive.run(recorder.run),
            archive.state(recorder.run, job.n),
            recorder.namespace,
            recorder.classes.alive(),
        )
        try:
            value = home.load_answer()
        except BaseException:
            home.undo()
            raise
        for name, cls in home.made.items():
            recorder.classes.adopt(name, cls)
        return value

    def cancel(self, job: Job) -> None:
        """End a job."""
        if self._spawned is not None and self._spawned.job is job:
            self._spawned.is_cancelled = True
        elif self._dispatcher is not None:
            self._dispatcher.cancel(job)

    def check_can_end(self, job: Job) -> None:
        """Refuse to wait for the job of the cell that runs.

        Raises
        ------
        UsageError
            When it is that.
        """
        if self._spawned is not None and self._spawned.job is job:
            raise UsageError(f"{job.title} begins when its cell ends: wait for it in another cell")

    def outputs(self, job: Job, digest: str) -> Outputs:
        """Read what was stored of a job's outputs."""
        archive = Varchive.at(self._recorder.archive.path)
        self._require_state(archive, job)
        return Outputs.from_bytes(archive.store.get(digest))

    def _require_state(self, archive: Varchive, job: Job) -> None:
        if job.n not in archive.states(self._recorder.run):
            what = f"the state of {job.title} was cleared, and with it what it put out"
            raise NoSuchState(f"{what}; Out[{job.n}] may still have its answer")

    def show(self, kind: str, content: Json) -> None:
        """Show an output in the current cell."""
        self.announcer.show(kind, content)

    # -- in the dispatcher's threads

    def started(self, job: Job) -> None:
        """Hear that a job runs."""
        self.announcer.started(job)

    def put_out(self, job: Job, piece: Piece) -> None:
        """Hear what a job put out."""
        self.announcer.put_out(job, piece)

    def ticked(self, job: Job) -> None:
        """Hear that a job still runs."""
        self.announcer.ticked(job)

    def ended(self, job: Job, end: End) -> None:
        """Write how a job ended, then tell."""
        told: Json = {}
        status, stored = end.status, None
        try:
            state, stored, status = self._commit(job, end)
            told = summary(state, 0.0, end.lack)
        except Exception as error:  # noqa: BLE001  (whatever it is, the job must not be waited for)
            told["stopped"] = f"the end of {job.title} could not be written: {error}"
        job.reason = job.reason or told.get("stopped")
        if status == "finished":
            self._answers.append(job)
        job.end(status, stored)
        try:
            self.announcer.ended(job, {**told, "status": status, "seconds": job.seconds})
        finally:
            # last, for whoever waits may end the cell that is to hear of it
            job.ended.set()

    def _commit(self, job: Job, end: End) -> tuple[State, str, str]:
        """Write the state and the outputs; give them, and what the end of the job is now."""
        run, archive = self._recorder.run, self._archive
        base, status = self._bases.pop(job), end.status
        state = archive.state(run, job.n)
        if state.status != SPAWNED:
            state = joined(base, state)
            self._tell_of_answer(job, state)
        else:
            state = base
            if status == "finished":
                # what it made is lost, and its answer
                status, job.reason = "died", end.lack or "its state could not be recorded"
        if job.error is None and status != "finished":
            # whoever reads the notebook sees it, too
            self._note(job, f"{job.title} {status}" + (f": {job.reason}" if job.reason else ""))
        data = job.heard.to_bytes()
        stored = digest(data)
        if (path := archive.put_object(stored, data)) is not None:
            sync(path)
        state = at_end(base, state, job, status, stored)
        sync(archive.put_state(run, state))
        return state, stored, status

    def _tell_of_answer(self, job: Job, state: State) -> None:
        """Say among the outputs of a job that its answer could not be saved."""
        if isinstance(state.answer, Entry) and state.answer.reason is not None:
            self._note(job, not_saved(f"Out[{job.n}]", state.answer))

    def _note(self, job: Job, text: str) -> None:
        content = {"name": "stderr", "text": sendable(f"tmrun: {text}\n")}
        self.put_out(job, job.hear("stream", content, datetime.now(timezone.utc)))


def _cwd(recorder: Recorder) -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was deleted
        return str(recorder.directory)


def _libraries() -> list[str]:
    """Give what takes long to import and changes nothing, of what the notebook has."""
    return [name for name in ("numpy", "pandas", "torch") if name in sys.modules]
