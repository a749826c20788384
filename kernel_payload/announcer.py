"""Who hears of jobs, beside the notebook: the orchestrator, a card in the job's cell, a terminal.

What a job puts out goes to the orchestrator, or into the card, and never into another cell.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

from . import card
from .jobs import Job, Json
from .outputs import Piece
from .telling import sendable
from .varchive.errors import TmrunError, UsageError

MESSAGE = "tmrun_job"
"""The type of the messages for the orchestrator."""

TABLE = "tmrun_table"
"""The type of those that bring what was shown in a cell up to date, whichever cell runs now."""

_PATIENCE = 1.0
"""Seconds in which the notebook's thread begins what it is asked, unless a cell keeps it."""

log = logging.getLogger("tmrun")


class Announcer:
    """Tells of jobs.

    Parameters
    ----------
    kernel : ipykernel.kernelbase.Kernel or None
        Through which messages go; None in a plain IPython.
    forward : bool
        Send everything to the orchestrator, which shows it; else show cards.

    Attributes
    ----------
    terminal, jupyter : bool
        Whether the end of a job is told in the terminal, and in the current cell.
    cell : dict
        The request whose cell runs, or ran last.
    listeners : list of callable
        Called with a job that was spawned, started, still runs, or has ended, in whichever thread
        that is told.  Of what they raise, the log knows.
    in_kernel, forward : bool
        Whether there is a kernel, and whether the orchestrator shows everything.
    """

    def __init__(self, kernel: Any | None, *, forward: bool) -> None:
        self.terminal = True
        self.jupyter = False
        self.cell: Json = {}
        self.listeners: list[Callable[[Job], None]] = []
        self.in_kernel = kernel is not None
        self.forward = forward and self.in_kernel
        self._kernel = kernel
        # one that the notebook's thread does not use
        self._session = kernel.session.clone() if kernel is not None else None
        self._parents: dict[Job, Json] = {}
        self._output = _own_output()

    def spawned(self, job: Job) -> None:
        """A cell has a job; called while that cell runs."""
        self._parents[job] = self.cell
        # from the cell's own thread, so that it comes before the cell's end
        if self._kernel is None:
            print(card.text(job))
        elif self.forward:
            self._send(self._kernel.session, job, MESSAGE, _about(job, "spawned"))
        else:
            self._send(self._kernel.session, job, "display_data", _card(job))
        self._listen(job)

    def started(self, job: Job) -> None:
        """It runs."""
        if self.forward:
            self._send(self._session, job, MESSAGE, _about(job, "started"))
        self._refresh(job)
        self._listen(job)

    def put_out(self, job: Job, piece: Piece) -> None:
        """It put something out."""
        if self.forward:
            content = {**_about(job, "output"), "piece": list(piece)}
            self._send(self._session, job, MESSAGE, content)

    def ticked(self, job: Job) -> None:
        """It still runs."""
        self._refresh(job)
        self._listen(job)

    def ended(self, job: Job, told: Json) -> None:
        """It has ended; `told` is what the orchestrator is to know of its state."""
        # first, for once the orchestrator knows of the last end, it may hear nothing more
        self._listen(job)
        self._refresh(job)
        if self.forward:
            content = {**_about(job, "ended"), **told, "terminal": self.terminal}
            self._send(self._session, job, MESSAGE, content)
        elif self.terminal:
            self._to_terminal(_line(job))
        if self.jupyter and self._kernel is not None:
            content = {"name": "stdout", "text": _line(job)}
            self._kernel_send(self._session, "stream", content, self.cell)
        self._parents.pop(job, None)

    def show(self, kind: str, content: Json) -> None:
        """Show an output in the current cell."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # what the cell printed before comes first
        kind, content = _showable(kind, content)
        if self._kernel is not None:
            # asked anew: while nothing is recorded, nobody is told of cells
            self._kernel_send(self._kernel.session, kind, content, self._kernel.get_parent())
        else:
            text = content.get("text") or content.get("data", {}).get("text/plain", "")
            print(text, end="" if kind == "stream" else "\n")

    def show_anew(self, content: Json, cell: Json) -> None:
        """Bring up to date what was shown in a cell with a ``display_id``; from any thread."""
        kind = TABLE if self.forward else "update_display_data"
        self._kernel_send(self._session, kind, content, cell)

    def in_thread_of_cells(self, work: Callable[[], object]) -> None:
        """Have something done between two cells, and wait for it; from any thread.

        Raises
        ------
        UsageError
            When a cell is running.
        Exception
            What the work raises.
        """
        if self._kernel is None or threading.current_thread() is threading.main_thread():
            work()
            return
        done: Future[object] = Future()
        self._kernel.io_loop.add_callback(_fulfil, done, work)
        wait({done}, _PATIENCE)
        # once it has begun, it can be withdrawn no longer
        if done.cancel():
            raise UsageError("a cell is running: go back when it has ended")
        done.result()

    def _refresh(self, job: Job) -> None:
        if self._kernel is not None and not self.forward:
            # of the cell that runs now: who follows that one hears of no other
            self._kernel_send(self._session, "update_display_data", _card(job), self.cell)

    def _listen(self, job: Job) -> None:
        for listener in list(self.listeners):
            try:
                listener(job)
            except Exception as error:
                log.error("what listens to jobs failed", exc_info=error)

    def _to_terminal(self, line: str) -> None:
        if self._output is not None:
            with contextlib.suppress(OSError):
                os.write(self._output, line.encode())

    def _send(self, session: Any, job: Job, kind: str, content: Json) -> None:
        self._kernel_send(session, kind, content, self._parents.get(job, {}))

    def _kernel_send(self, session: Any, kind: str, content: Json, parent: Json) -> None:
        assert self._kernel is not None
        session.send(self._kernel.iopub_socket, kind, content, parent=parent)


def _fulfil(promise: Future[object], work: Callable[[], object]) -> None:
    if not promise.set_running_or_notify_cancel():
        return
    try:
        promise.set_result(work())
    except Exception as error:  # noqa: BLE001  (given to who waits)
        promise.set_exception(error)
    except BaseException as error:  # noqa: BLE001  (given to who waits)
        promise.set_exception(TmrunError(f"it was stopped: {type(error).__name__}"))


def _about(job: Job, event: str) -> Json:
    return {
        "event": event,
        "n": job.n,
        "name": job.name and sendable(job.name),
        "title": sendable(job.title),
        "told": sendable(job.told),
        "status": job.status,
        "seconds": job.seconds,
        "error": job.error,
        "reason": job.reason and sendable(job.reason),
        "cpu_seconds": job.cpu_seconds,
        "peak_memory": job.peak_memory,
    }


def _card(job: Job) -> Json:
    data = {"text/plain": sendable(card.text(job)), "text/html": sendable(card.html(job))}
    transient = {"display_id": f"tmrun-job-{os.getpid()}-{job.n}"}
    return {"data": data, "metadata": {}, "transient": transient}


def _line(job: Job) -> str:
    took = f" after {card.duration(job.seconds)}" if job.seconds is not None else ""
    return sendable(f"tmrun: {job.title} {job.told.splitlines()[0]}{took}\n")


def _showable(kind: str, content: Json) -> tuple[str, Json]:
    """Give an output as one of a cell that it is not of."""
    if kind == "execute_result":
        return "display_data", {"data": content["data"], "metadata": content["metadata"]}
    if kind == "error":
        # as what it is, it would say that this cell failed
        text = "\n".join(content["traceback"]) + "\n"
        return "stream", {"name": "stderr", "text": text}
    return kind, content


def _own_output() -> int | None:
    """Give a way to where this process's output went before the kernel took it over."""
    # kept from the beginning: a cell may put a file of its own in the place of sys.stdout
    kept = sys.stdout if hasattr(sys.stdout, "_original_stdstream_copy") else sys.__stdout__
    try:
        return os.dup(kept.fileno()) if kept is not None else None
    except (OSError, ValueError):
        return None
