"""Who hears of jobs, beside the notebook: the orchestrator, a card in the job's cell, a terminal.

What a job puts out goes to the orchestrator, or into the card, and never into another cell.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from . import card
from .jobs import Job, Json
from .outputs import Piece
from .telling import sendable

MESSAGE = "tmrun_job"
"""The type of the messages for the orchestrator."""


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
        The header of the request that runs, or ran last.
    """

    def __init__(self, kernel: Any | None, *, forward: bool) -> None:
        self.terminal = True
        self.jupyter = False
        self.cell: Json = {}
        self._kernel = kernel
        self._forward = forward and kernel is not None
        # one that the notebook's thread does not use
        self._session = kernel.session.clone() if kernel is not None else None
        self._parents: dict[Job, Json] = {}
        self._output = _own_output()

    def spawned(self, job: Job) -> None:
        """A cell has a job; called while that cell runs."""
        self._parents[job] = self.cell
        if self._kernel is None:
            print(card.text(job))
            return
        # from the cell's own thread, so that it comes before the cell's end
        session = self._kernel.session
        if self._forward:
            self._send(session, job, MESSAGE, _about(job, "spawned"))
        else:
            self._send(session, job, "display_data", _card(job))

    def started(self, job: Job) -> None:
        """It runs."""
        if self._forward:
            self._send(self._session, job, MESSAGE, _about(job, "started"))
        else:
            self.ticked(job)

    def put_out(self, job: Job, piece: Piece) -> None:
        """It put something out."""
        if self._forward:
            content = {**_about(job, "output"), "piece": list(piece)}
            self._send(self._session, job, MESSAGE, content)

    def ticked(self, job: Job) -> None:
        """It still runs."""
        if not self._forward and self._kernel is not None:
            self._send(self._session, job, "update_display_data", _card(job))

    def ended(self, job: Job, told: Json) -> None:
        """It has ended; `told` is what the orchestrator is to know of its state."""
        if self._forward:
            content = {**_about(job, "ended"), **told, "terminal": self.terminal}
            self._send(self._session, job, MESSAGE, content)
        else:
            self.ticked(job)
            if self.terminal:
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
            self._kernel_send(self._kernel.session, kind, content, self.cell)
        else:
            text = content.get("text") or content.get("data", {}).get("text/plain", "")
            print(text, end="" if kind == "stream" else "\n")

    def _to_terminal(self, line: str) -> None:
        if self._output is not None:
            with contextlib.suppress(OSError):
                os.write(self._output, line.encode())

    def _send(self, session: Any, job: Job, kind: str, content: Json) -> None:
        self._kernel_send(session, kind, content, self._parents.get(job, {}))

    def _kernel_send(self, session: Any, kind: str, content: Json, parent: Json) -> None:
        assert self._kernel is not None
        session.send(self._kernel.iopub_socket, kind, content, parent=parent)


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
