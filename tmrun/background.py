"""The jobs of a run, from outside: what the kernel tells of them, as outputs and cell reports."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import nbformat

from kernel_payload.card import duration
from kernel_payload.conversation import KernelDiedError
from kernel_payload.injection import command
from kernel_payload.outputs import COMMS, Outputs, Piece

from .metadata import note, of_cell, shown
from .outcome import error_of
from .report import CellOutput, JobEnded, JobsNow, Warned
from .stopping import nothing

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from .kernel import Kernel
    from .report import CellReport, Notify
    from .stopping import Stop

Json = dict[str, Any]

_STATUS = {"finished": "ok", "timed out": "timeout"}


@dataclass
class _Job:
    """A job, its cell, and what that cell put out itself before it returned."""

    n: int
    cell: Any
    title: str
    status: str
    tolerant: bool = False
    report: CellReport | None = None
    cell_failed: bool = False
    started: datetime | None = None
    own: list[Any] = field(default_factory=list)
    outputs: Outputs = field(default_factory=Outputs)
    shown: int = 0
    unfit: int = 0
    end: Json | None = None


class Background:
    """The jobs of one run.

    Parameters
    ----------
    notify
        Hears of them.
    touch
        Called when a cell's outputs changed.
    ended
        Called with the report of a job's cell, and what the kernel said of its state.

    Attributes
    ----------
    cell
        The cell that runs.
    hear_comm
        Called with the messages by which the widgets of jobs live.
    """

    def __init__(
        self,
        notify: Notify,
        touch: Callable[[], None],
        ended: Callable[[CellReport, Json], None],
    ) -> None:
        self.cell: Any = None
        self.hear_comm: Callable[[Json], None] | None = None
        self._notify = notify
        self._touch = touch
        self._ended = ended
        self._jobs: dict[int, _Job] = {}
        self._request: asyncio.Future[None] | None = None

    @property
    def going(self) -> bool:
        """Whether a job has not ended."""
        return any(job.end is None for job in self._jobs.values())

    def hear(self, message: Json) -> None:
        """Take a message of the kernel's on a job; one that is spawned is that of `cell`."""
        content = message["content"]
        n, event = content["n"], content["event"]
        if event == "spawned":
            self._jobs[n] = _Job(n, self.cell, content["title"], content["status"])
        elif (job := self._jobs.get(n)) is None:
            return
        elif event == "output":
            self._put_out(job, Piece(*content["piece"]))
        elif event == "ended":
            self._end(job, content)
        else:
            job.status = content["status"]
        if event != "output":
            statuses = [job.status for job in self._jobs.values() if job.end is None]
            self._notify(JobsNow(statuses.count("waiting"), statuses.count("running")))

    def returned(
        self, cell: Any, report: CellReport, started: datetime, *, tolerant: bool
    ) -> CellReport:
        """Take note that a cell returned; its report, which for one with a job is not the last.

        Parameters
        ----------
        cell, report, started
            The cell, what became of it, and when it was sent.
        tolerant
            The job may fail.
        """
        job = next((job for job in self._jobs.values() if job.cell is cell), None)
        if job is None:
            return report
        job.own, job.tolerant, job.started = list(cell.outputs), tolerant, started
        job.cell_failed = report.status != "ok"
        status = report.status if job.cell_failed else "running"
        job.report = replace(report, status=status, job=True)
        if not job.cell_failed:
            cell.metadata["tmrun"]["status"] = "running"
        if job.end is not None:
            self._end(job, job.end)
        return job.report

    async def wait(self, kernel: Kernel, stop: Stop) -> bool:
        """Wait until all jobs have ended; they are cancelled when the run is asked to stop.

        Returns
        -------
        bool
            Whether some were lost with their kernel.
        """

        def cancel() -> None:
            # kept, for the loop itself keeps but a weak reference
            self._request = asyncio.ensure_future(_cancel_jobs(kernel))

        if not self.going:
            return False
        if stop.signal is None:
            stop.first = cancel
        elif not kernel.process.gone.is_set():
            cancel()
        await kernel.listen(lambda: not self.going)
        stop.first = nothing
        lost = self.going
        self._lose("its notebook's kernel is gone")
        return lost

    def refresh(self) -> None:
        """Give the cells of jobs what these have put out by now."""
        for job in self._jobs.values():
            if job.report is not None and job.shown < len(job.outputs.pieces):
                job.shown = len(job.outputs.pieces)
                job.cell.outputs = job.own + self._fit(job)

    def _lose(self, reason: str) -> None:
        """Take note that the kernel is gone, and with it the jobs that had not ended."""
        for job in self._jobs.values():
            if job.end is None:
                about = {"status": "died", "reason": reason, "error": None, "seconds": None}
                self._end(job, {**about, "told": f"died: {reason}", "terminal": True})

    def _put_out(self, job: _Job, piece: Piece) -> None:
        if piece.kind in COMMS:
            if self.hear_comm is not None:
                self.hear_comm({"msg_type": piece.kind, "content": piece.content})
            return
        job.outputs.add(piece)
        stream, text = shown({"msg_type": piece.kind, "content": piece.content})
        if text:
            self._notify(CellOutput(stream, text))
        self._touch()

    def _end(self, job: _Job, content: Json) -> None:
        job.end = content
        if job.report is None:
            return  # its cell has not returned yet
        status = str(content["status"])
        told = _STATUS.get(status, status)
        error = job.report.error or error_of(job.cell, content["error"])
        if job.cell_failed:
            told = job.report.status
        job.report = replace(
            job.report,
            status="allowed" if told == "failed" and job.tolerant else told,
            seconds=content["seconds"],
            error=error,
            recorded=content.get("stopped") is None and "n" in content,
            made=tuple(content.get("made", ())),
            changed=tuple(content.get("changed", ())),
            deleted=tuple(content.get("deleted", ())),
            unsaved=tuple(content.get("unsaved", ())),
        )
        self.refresh()
        if job.unfit:
            what = f"{job.unfit} outputs of cell {job.n} are left out"
            self._notify(Warned(f"{what}: no notebook can hold them"))
        assert job.started is not None
        note(job.cell, of_cell(job.report, job.started) | {"job": _about(content)})
        quiet = not content["terminal"]
        took = f" after {duration(content['seconds'])}" if content["seconds"] is not None else ""
        self._notify(JobEnded(job.report, job.title, content["told"] + took, quiet=quiet))
        self._ended(job.report, content)
        self._touch()

    def _fit(self, job: _Job) -> list[Any]:
        fitting = []
        job.unfit = 0
        for output in job.outputs.outputs():
            try:
                fitting.append(nbformat.v4.new_output(**output))
            except nbformat.ValidationError:
                job.unfit += 1
        return fitting


async def _cancel_jobs(kernel: Kernel) -> None:
    with contextlib.suppress(KernelDiedError):
        await kernel.silent(*command("cancel_jobs"))


def _about(content: Json) -> Json:
    names = ("name", "cpu_seconds", "peak_memory", "reason")
    return {name: content[name] for name in names if content.get(name) is not None}
