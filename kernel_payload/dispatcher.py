"""Jobs -> workers: at most so many at once, the others in line; on a thread with a loop of its own.

Once a job was asked for, one worker more than is needed is kept warm.  Each job gets a worker that
no other had, and whatever ends a job, the varchive is told before the notebook is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import psutil

from .conversation import KernelDiedError
from .jobs import Job, Json
from .outputs import Piece
from .places import Places
from .process import GRACE
from .varchive.errors import TmrunError
from .worker import Surroundings, Worker

_TICK = 0.5  # seconds
_POLITENESS = 1.5  # seconds of it for workers that end by themselves
_PATIENCE = 4.0  # seconds for everything to end when the notebook's kernel does


@dataclass(frozen=True)
class Order:
    """A job, the cell that it runs, what its worker is told of its state, and where it runs."""

    job: Job
    code: str
    cell_id: str | None
    settings: Json
    surroundings: Surroundings


class Listener(Protocol):
    """Hears of jobs, in the dispatcher's thread."""

    def started(self, job: Job) -> None:
        """It runs."""

    def put_out(self, job: Job, piece: Piece) -> None:
        """It put something out."""

    def ticked(self, job: Job) -> None:
        """It still runs."""

    def ended(self, job: Job, end: End) -> None:
        """It has ended: to be written, before anybody else hears of it."""


@dataclass(frozen=True)
class End:
    """How a job ended, and why its state is not recorded whole, if it is not."""

    status: str
    lack: str | None = None


class Dispatcher:
    """Runs jobs.

    Parameters
    ----------
    threads : int
        How many at once.
    listener : Listener
        Hears of them.
    written : callable
        Waits until the states on which they run are written.
    """

    def __init__(self, threads: int, listener: Listener, written: Callable[[], None]) -> None:
        self._listener = listener
        self._written = written
        self._places = Places(threads)
        self._spare: asyncio.Task[Worker] | None = None
        self._tasks: dict[Job, asyncio.Task[None]] = {}
        self._workers: dict[Job, Worker] = {}
        self._alive: set[Worker] = set()
        self._asked: dict[Job, str] = {}
        self._leaving: set[Job] = set()
        # one thread: what is told of jobs is told in turn, and never waits for what is written
        self._teller = ThreadPoolExecutor(1, "tmrun-jobs-end")
        self._ending: set[asyncio.Future[None]] = set()
        self._closed = False
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="tmrun-jobs", daemon=True)
        self._thread.start()

    def submit(self, order: Order) -> None:
        """Take a job."""
        self._loop.call_soon_threadsafe(self._take, order)

    def resize(self, threads: int) -> None:
        """Run as many jobs at once from now on; those that run go on."""
        if not self._closed:
            self._loop.call_soon_threadsafe(self._places.resize, threads)

    def cancel(self, job: Job) -> None:
        """Interrupt a job, and soon kill it; or take it out of the line."""
        if not self._closed:
            self._loop.call_soon_threadsafe(self._ask, job, "cancelled")

    def close(self) -> None:
        """Kill all workers; what jobs have not finished is cancelled."""
        if self._closed or os.getpid() != self._pid:
            return
        self._closed = True
        done = asyncio.run_coroutine_threadsafe(self._close(), self._loop)
        with contextlib.suppress(Exception):
            done.result(_PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._teller.shutdown(wait=False)
        for job in list(self._tasks):
            # there was not enough time for it: nobody is to wait for it
            if not job.ended.is_set():
                self._listener.ended(job, End("cancelled"))
        if not self._thread.is_alive():
            self._loop.close()

    # -- in the loop's thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _take(self, order: Order) -> None:
        self._tasks[order.job] = asyncio.ensure_future(self._work(order))

    def _ask(self, job: Job, how: str) -> None:
        if job not in self._tasks or job in self._asked:
            return
        self._asked[job] = how
        worker = self._workers.get(job)
        if worker is None:
            # not at once: a task that is cancelled before its first step takes none
            self._loop.call_soon(self._tasks[job].cancel)
        elif job in self._leaving:
            # its code has ended, and what is left is to be written
            self._loop.call_later(GRACE, worker.process.kill)
        else:
            worker.process.interrupt()

    async def _close(self) -> None:
        for job in list(self._tasks):
            self._asked.setdefault(job, "cancelled")
            if job not in self._workers:
                self._tasks[job].cancel()
        for worker in self._workers.values():
            worker.process.kill()
        if self._spare is not None:
            self._spare.cancel()
            self._later(self._drop(self._spare))
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        # those that were asked to end have their atexit functions
        await self._until_ended(_POLITENESS)
        for worker in self._alive:
            worker.process.kill()
        await self._until_ended(_POLITENESS)

    async def _until_ended(self, seconds: float) -> None:
        if self._ending:
            await asyncio.wait(self._ending, timeout=seconds)

    async def _drop(self, spare: asyncio.Task[Worker]) -> None:
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await (await spare).kill()

    async def _work(self, order: Order) -> None:
        job = order.job
        end = End("cancelled")
        try:
            async with self._places:
                end = await self._in_worker(order)
        except asyncio.CancelledError:
            pass
        except Exception as error:  # noqa: BLE001  (a worker that could not be started, or worse)
            job.reason = str(error) or type(error).__name__
            end = End("died")
        finally:
            job.stop_clock()
            telling = self._loop.run_in_executor(self._teller, self._listener.ended, job, end)
            while not telling.done():
                # whoever cancels it now comes too late
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({telling})
            del self._tasks[job]
            self._asked.pop(job, None)
            self._leaving.discard(job)
            self._keep_a_spare(order.surroundings)

    async def _in_worker(self, order: Order) -> End:
        job = order.job
        await self._loop.run_in_executor(None, self._written)
        worker = await self._worker(order.surroundings)
        self._workers[job] = worker
        self._alive.add(worker)
        ticks = timer = status = None
        try:
            if job in self._asked:
                return End("cancelled")
            await worker.ask("work", {**order.settings, "fault_file": worker.fault_file})
            job.begin()
            self._listener.started(job)
            ticks = asyncio.ensure_future(self._tick(job, worker))
            # not before: it would take the processor from this one's start
            self._keep_a_spare(order.surroundings)
            if job.timeout is not None:
                timer = self._loop.call_later(job.timeout, self._ask, job, "timed out")
            reply = await worker.execute(order.code, order.cell_id, partial(self._hear, job))
            job.stop_clock()
            worker.process.calm()
            ticks.cancel()
            status = self._status(job, reply)
            self._leaving.add(job)
            facts = await worker.leave(f"\x1e{secrets.token_hex(16)}\x1e")
            job.cpu_seconds, job.peak_memory = facts["cpu_seconds"], facts["peak_memory"]
            return End(status, facts["stopped"])
        except KernelDiedError:
            return self._died(job, worker, status)
        except TmrunError as error:
            # what it writes from now on would come too late
            worker.process.kill()
            await worker.process.gone.wait()
            if status is not None:
                return End(status, str(error))
            # its state could not be loaded
            asked = self._asked.get(job)
            job.reason = None if asked else str(error)
            return End(asked or "died")
        finally:
            for task in (ticks, timer):
                if task is not None:
                    task.cancel()
            del self._workers[job]
            self._later(self._leave(worker))

    async def _leave(self, worker: Worker) -> None:
        try:
            await worker.end()
        finally:
            self._alive.discard(worker)

    def _status(self, job: Job, reply: Json) -> str:
        if reply.get("status") == "ok":
            return "finished"
        names = ("ename", "evalue", "traceback")
        job.error = {name: reply.get(name) for name in names}
        status = self._asked.get(job, "failed")
        if status == "timed out":
            job.reason = f"it might run {job.timeout:g} s"
        return status

    def _died(self, job: Job, worker: Worker, status: str | None) -> End:
        if status is not None:
            return End(status, f"its worker died at its end: {worker.cause_of_death()}")
        if asked := self._asked.get(job):
            job.reason = (
                "the notebook let go of it, by %reset or the end of its record"
                if self._closed
                else "it did not end when it was interrupted, and was killed"
            )
            return End(asked)
        job.reason = worker.cause_of_death()
        return End("died")

    def _hear(self, job: Job, kind: str, content: Json, date: datetime) -> None:
        self._listener.put_out(job, job.hear(kind, content, date))

    async def _tick(self, job: Job, worker: Worker) -> None:
        pid = getattr(worker.process.manager.provisioner, "pid", None)
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            before = _processor_time(process)
            while True:
                await asyncio.sleep(_TICK)
                job.cpu_seconds = _processor_time(process) - before
                job.peak_memory = max(job.peak_memory, process.memory_info().rss)
                self._listener.ticked(job)

    # -- workers

    def _keep_a_spare(self, surroundings: Surroundings) -> None:
        """Have a worker warm, unless all places are taken and nobody waits: processors are busy."""
        is_wanted = len(self._tasks) != self._places.count
        if self._spare is None and is_wanted and not self._closed:
            self._spare = _start(surroundings)

    async def _worker(self, surroundings: Surroundings) -> Worker:
        """Give a worker that nobody had."""
        spare, self._spare = self._spare, None
        if spare is not None:
            try:
                worker = await asyncio.shield(spare)
            except asyncio.CancelledError:
                if self._closed:
                    spare.cancel()
                self._later(self._drop(spare))
                raise
            except Exception:  # noqa: BLE001  (another attempt tells whether it is more than chance)
                return await Worker.start(surroundings)
            # what libraries make of the environment, they make of it when they are imported
            is_fit = worker.surroundings.environment == surroundings.environment
            if is_fit and not worker.process.gone.is_set():
                return worker
            self._later(worker.kill())
        return await Worker.start(surroundings)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._ending.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Future[None]) -> None:
        self._ending.discard(task)
        if not task.cancelled():
            task.exception()


def _start(surroundings: Surroundings) -> asyncio.Task[Worker]:
    return asyncio.ensure_future(Worker.start(surroundings))


def _processor_time(process: psutil.Process) -> float:
    # of the process and of its children that have ended
    return float(sum(process.cpu_times()[:4]))
