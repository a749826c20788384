"""Plan x kernel -> report: runs the cells of one notebook, one after the other."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import functools
import os
import signal
import time
from typing import TYPE_CHECKING, Any

from kernel_payload.conversation import KernelDiedError
from kernel_payload.death import explain, gather, out_of_memory_kills
from kernel_payload.injection import NO_RECORD
from kernel_payload.process import Process
from kernel_payload.varchive.errors import TmrunError, UsageError

from .autosave import Autosave
from .background import Background
from .kernel import Kernel
from .metadata import clear as clear_metadata
from .metadata import note, of_cell, of_run, shown
from .outcome import ending, judge, leaves
from .plan import Options, is_job, may_fail, runs
from .preparation import prepare
from .recording import Recording
from .report import ENDS, CellEnded, CellOutput, CellReport, CellStarted, Report, Started, Warned
from .stopping import TERMINATING, Stop, StopRequested, drive, nothing
from .version import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .outcome import Outcome
    from .plan import Plan
    from .report import Event, Notify

    AtEnd = Callable[[Kernel, str, list[CellReport]], Awaitable[None]]

__all__ = ["Report", "run", "run_notebook", "run_plan"]

Json = dict[str, Any]

_FAULT_FILE = "fault.txt"
_GRACE = 10.0  # seconds that a cell has to end after it was interrupted


def _ignore(_: Event) -> None:
    pass


def run_notebook(notebook: str | os.PathLike[str], **options: Any) -> Report:
    """Run a notebook: the Python door's short way to `run`.

    A signal that asks the whole process to end stops the run, and then ends the process.

    Parameters
    ----------
    notebook
        Its path.
    **options
        Further attributes of `tmrun.plan.Options`.

    Raises
    ------
    UsageError
        An option that there is not; and as `run`.
    """
    known = {field.name for field in dataclasses.fields(Options)} - {"notebook"}
    if unknown := sorted(options.keys() - known):
        raise UsageError(f"no option {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    paths = {name: os.fspath(options[name]) for name in ("output", "cwd") if options.get(name)}
    report = run(Options(os.fspath(notebook), **options | paths))
    if report.signal is not None and report.signal in TERMINATING:
        # it was meant for the caller's process, and has by now its handler back
        signal.raise_signal(report.signal)
    return report


def run(options: Options, notify: Notify = _ignore) -> Report:
    """Run a notebook as the options say.

    Parameters
    ----------
    options
        What was asked for.
    notify
        Called with every event of the run, in the thread that runs it.

    Raises
    ------
    UsageError
        The options, the parameters, the notebook or its kernel cannot be used.
    TmrunError
        The kernel did not start, or the output notebook cannot be written.
    """
    return run_plan(prepare(options), notify)


def run_plan(plan: Plan, notify: Notify = _ignore, at_end: AtEnd | None = None) -> Report:
    """Run a plan; a cell that fails, or a kernel that dies, is reported and not raised.

    Parameters
    ----------
    plan
        What to do; it is left as it is.
    notify
        Called with every event of the run, in the thread that runs it.
    at_end
        Called once all is recorded, and the kernel is still there: with it, the run's id and the
        reports of the cells.

    Raises
    ------
    UsageError
        The kernel is not one that can be used.
    TmrunError
        The kernel did not start, or the output notebook cannot be written.
    """
    for warning in plan.warnings:
        notify(Warned(warning))
    return drive(lambda stop: _Run(plan, notify, stop, at_end).main())


class _Run:
    """One run, while it goes."""

    def __init__(self, plan: Plan, notify: Notify, stop: Stop, at_end: AtEnd | None) -> None:
        self.plan = plan
        self.at_end = at_end
        self.is_late = False
        self.notify = notify
        self.stop = stop
        self.nb = copy.deepcopy(plan.notebook)
        self.cells = {
            index: CellReport(index, cell.get("id"), status="not run" if runs(cell) else "skipped")
            for index, cell in enumerate(self.nb.cells)
            if cell.cell_type == "code"
        }
        self.recording = Recording(plan, notify)
        self.jobs = Background(notify, self._touch, self._job_ended)
        self.saving = Autosave(self.nb, plan.output, notify, self.jobs.refresh)
        self.job_failures: dict[int, str] = {}
        self.status = "running"
        self.reason: str | None = None
        self.began = time.monotonic()
        self.memory = out_of_memory_kills()

    async def main(self) -> Report:
        """Run it all: kernel, cells, record, output notebook."""
        process = await Process.start(self.plan.kernel, self.plan.cwd, _environment(self.plan))
        self.stop.again = process.kill
        if self.plan.notebook_timeout is not None:
            asyncio.get_running_loop().call_later(self.plan.notebook_timeout, self._be_late)
        try:
            kernel = Kernel(process, self.nb, self._show, self.jobs.hear)
            self.jobs.hear_comm = kernel.hear_comm
            try:
                await self._run(process, kernel)
                await process.ended()
            finally:
                kernel.close()
        except Exception as error:
            self._end("failed", str(error))
            raise
        finally:
            await process.stop()
            seconds = time.monotonic() - self.began
            self.recording.end(self.status, round(seconds, 3), self.reason)
        return self._report(seconds)

    async def _run(self, process: Process, kernel: Kernel) -> None:
        try:
            await self.stop.unless(self._begin(process, kernel))
        except StopRequested:
            self._end("interrupted", "stopped before the first cell")
            process.kill()
            return
        except KernelDiedError:
            cause = self._cause(process)
            raise TmrunError(f"the kernel died as it started: {cause}") from None
        try:
            await self._run_cells(process, kernel)
            await self._wait_for_jobs(process, kernel)
            if self.status == "running":
                self.status, self.reason = "ok", None
                if self.job_failures:
                    self._end("failed", self.job_failures.pop(min(self.job_failures)))
            if self.job_failures:
                cells = ", ".join(str(self.cells[index].n) for index in sorted(self.job_failures))
                self.reason = f"{self.reason}\n  did not end well either: the jobs of cells {cells}"
            if process.gone.is_set():
                self.recording.lost("the kernel died before the record was finished")
            else:
                await self.recording.finish(kernel)
                stopped = self.stop.signal is not None and not self.is_late
                if self.at_end is not None and self.recording.run and not stopped:
                    await self.at_end(kernel, self.recording.run, [*self.cells.values()])
            kernel.add_widgets()
            await kernel.ask_to_end()
        finally:
            self.nb.metadata["tmrun"]["status"] = self.status
            await self.saving.end()

    async def _begin(self, process: Process, kernel: Kernel) -> None:
        recorded = self.plan.varchive is not None
        if recorded and process.language not in {"python", ""}:
            raise UsageError(self._not_usable(f"is for {process.language}"))
        # made while the kernel starts, for it takes a moment
        request = self.recording.request(process.directory / _FAULT_FILE, __version__)
        await kernel.ready(self.plan.startup_timeout)
        if recorded and kernel.info.get("implementation") != "ipython":
            raise UsageError(self._not_usable("is not ipykernel"))
        answer = await self.recording.begin(kernel, request)
        clear_metadata(self.nb)
        self.nb.metadata["language_info"] = kernel.info["language_info"]
        note(self.nb, of_run(self.plan, self.recording.run, kernel.info, answer))
        try:
            self.saving.begin()
        except OSError as error:
            raise TmrunError(
                f"cannot write {self.plan.output}: {error.strerror}; nothing was run, "
                "give another --output"
            ) from None
        self.notify(Started(self.plan.name, sum(map(runs, self.nb.cells)), self.plan.kernel))

    async def _run_cells(self, process: Process, kernel: Kernel) -> None:
        todo = [index for index, cell in enumerate(self.nb.cells) if runs(cell)]
        for place, index in enumerate(todo, 1):
            if self.stop.signal is not None:
                if self.status == "running":
                    self._end("interrupted", "stopped before the first cell")
                return
            cell = self.nb.cells[index]
            self.notify(CellStarted(place, cell.source.strip().splitlines()[0]))
            # an interrupt is for a cell: afterwards it would hit what finishes the record
            self.stop.first = process.interrupt
            self.jobs.cell = cell
            in_background = is_job(cell, self.plan)
            outcome = await kernel.run_cell(index, self.plan.timeout, is_job=in_background)
            self.stop.first = nothing
            report = self._judge(place, index, outcome)
            if report.status in ENDS or self.stop.signal is not None:
                cause = functools.partial(self._cause, process)
                self._end(*ending(report, outcome, timeout=self.plan.timeout, cause=cause))
                return
            if leaves(outcome) and place < len(todo):
                self._end("died", f"cell {report.n} called exit() or quit(), which ends the kernel")
                return
            if self.plan.threads == 0:
                await self._wait_for_jobs(process, kernel)
                if self.status != "running":
                    return

    async def _wait_for_jobs(self, process: Process, kernel: Kernel) -> None:
        lost = await self.jobs.wait(kernel, self.stop)
        if self.status == "running" and self.stop.signal is not None:
            self._end("interrupted", "stopped while jobs were running")
        elif self.status == "running" and lost:
            cause = self._cause(process)
            self._end("died", f"the kernel died while jobs were running: {cause}")

    def _job_ended(self, report: CellReport, content: Json) -> None:
        self.cells[report.index] = report
        self.recording.heard_of_job(report.n, content)
        if report.status in ENDS and content["status"] != "finished":
            self.job_failures[report.index] = f"cell {report.n}, a job, {content['told']}"

    def _judge(self, place: int, index: int, outcome: Outcome) -> CellReport:
        cell = self.nb.cells[index]
        report = judge(
            cell,
            index,
            outcome,
            stopping=self.stop.signal is not None,
            tolerant=may_fail(cell, self.plan),
        )
        # before anything is said of it, for its job may have ended by now
        note(cell, of_cell(report, outcome.started))
        told = self.cells[index] = self.jobs.returned(
            cell, report, outcome.started, tolerant=may_fail(cell, self.plan)
        )
        if outcome.reply is not None:
            self.recording.heard(outcome.state, report.n)
        if outcome.unfit:
            what = f"{outcome.unfit} outputs of cell {report.n} are left out"
            self.notify(Warned(f"{what}: no notebook can hold them"))
        state = outcome.state or {}
        size = state.get("bytes", 0)
        self.notify(CellEnded(place, told, state.get("variables", 0), size))
        self.saving.touch()
        return report

    def _be_late(self) -> None:
        """Stop the run, as Ctrl-C does; what does not end then is killed."""
        if self.status == "running" and self.stop.signal is None:
            self.is_late = True
            self.stop.request(signal.SIGINT)
            asyncio.get_running_loop().call_later(_GRACE, self._be_too_late)

    def _be_too_late(self) -> None:
        if self.status == "running":  # the cell did not end when it was interrupted
            self.stop.request(signal.SIGINT)

    def _end(self, status: str, reason: str) -> None:
        if self.is_late and status in ("interrupted", "died"):
            limit = f"the notebook ran longer than {self.plan.notebook_timeout:g} s"
            status, reason = "timeout", f"{limit} (notebook_timeout); {reason}"
        self.status, self.reason = status, reason

    def _cause(self, process: Process) -> str:
        fault = process.directory / _FAULT_FILE
        return explain(gather(process.exit_code, self.memory, fault, process.log))

    def _not_usable(self, what: str) -> str:
        return (
            f"the kernel {self.plan.kernel!r} {what}, and only Python's ipykernel can be recorded; "
            "use --no-record to run the notebook without a record"
        )

    def _touch(self) -> None:
        self.saving.touch()

    def _show(self, message: Json) -> None:
        self._touch()
        stream, text = shown(message)
        if text:
            self.notify(CellOutput(stream, text))

    def _report(self, seconds: float) -> Report:
        trouble = self.saving.trouble
        if trouble is not None and self.status == "ok":
            self.reason = f"cannot write {self.plan.output}: {trouble.strerror}"
        return Report(
            status=self.status,
            cells=tuple(self.cells.values()),
            seconds=seconds,
            output=self.plan.output if self.saving.written else None,
            varchive=None if self.recording.run is None else self.plan.varchive,
            run=self.recording.run,
            complete=self.recording.missing is None,
            written=self.saving.written,
            reason=self.reason or self.recording.missing,
            signal=None if self.is_late else self.stop.signal,
        )


def _environment(plan: Plan) -> dict[str, str]:
    """Give the environment of the kernel: whether it is recorded is for the plan to say."""
    environment = {name: value for name, value in os.environ.items() if name != NO_RECORD}
    return environment if plan.varchive is not None else {**environment, NO_RECORD: "1"}
