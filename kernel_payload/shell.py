"""The one importer of IPython's things: events, the live namespace, messages to the orchestrator.

A `Session` stands between the cells of this kernel.  Whatever goes wrong in the recorder
stays here: it is logged, counted, told once, and the cell never sees it.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from .calm import calm
from .cell import Cell, Running, now
from .hold import Hold, Magics, do_all
from .jobcells import JobCells, transformed
from .recorder import Recorder
from .settings import TimeMachine
from .telling import STATE, describe_error, summary
from .thaw import resolve_cell
from .travel import go_back
from .varchive import Run
from .varchive.errors import CannotLoad, Damaged, UsageError

log = logging.getLogger("tmrun")
log.addHandler(logging.NullHandler())  # what is not asked for is not printed into a cell


IN_A_JOB = (
    "this cell is a job: it can neither go back nor have jobs of its own, nor say what is recorded"
)


class Session:
    """The recording of this kernel, between its cells.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        Whose cells.
    recorder : Recorder
        What records them.
    settings : TimeMachine
        As they are at any time.
    forward : bool
        Tell the orchestrator of states, and all of jobs.
    fault_file : str or None
        Where a crash leaves its trace.
    source : str or None
        In a worker, the job's cell as written in the notebook.
    said : mapping
        The settings from the command line, name -> value: no cell changes them.

    Attributes
    ----------
    jobs : JobCells
        The jobs of its cells.
    error : BaseException or None
        What the last cell raised.
    errors : int
        How many cells could not be recorded.
    """

    def __init__(
        self,
        shell: Any,
        recorder: Recorder,
        settings: TimeMachine,
        *,
        forward: bool = False,
        fault_file: str | None = None,
        source: str | None = None,
        said: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.shell = shell
        self.recorder = recorder
        self.settings = settings
        self.said = said
        self.errors = 0
        self.error: BaseException | None = None
        self.jobs = JobCells(shell, recorder, settings, forward=forward)
        self._source = source
        self._forward = forward
        self._pid = os.getpid()
        self._told = False  # why recording stopped
        self._running: Running | None = None
        self._hold = Hold(shell, self._before, self._after, self.jobs.transform, settings)
        self._fault_file: TextIO | None = None
        recorder.candidates.escapes.shell_holds = self._holds
        if fault_file is not None:
            self._fault_file = Path(fault_file).open("a", encoding="utf-8")  # noqa: SIM115  (while we live)
            faulthandler.enable(self._fault_file)

    @property
    def is_worker(self) -> bool:
        """Whether this kernel runs a job of another one's notebook."""
        return self._source is not None

    def require_notebook(self) -> None:
        """Refuse what only a cell of the notebook's own kernel may ask.

        Raises
        ------
        UsageError
            In a job, or in a child process.
        """
        if self.is_worker:
            raise UsageError(IN_A_JOB)
        if os.getpid() != self._pid:
            raise UsageError(
                "this is a child process of the notebook's kernel: ask in the notebook"
            )

    @property
    def is_orchestrated(self) -> bool:
        """Whether an orchestrator runs the cells."""
        return self._forward

    @property
    def is_in_cell(self) -> bool:
        """Whether a cell runs."""
        return self._running is not None

    def hook(self, magics: Magics) -> None:
        """Begin to record, and have magics until the end of it."""
        self.settings.observe(self._heed_settings)
        self._heed_settings()
        self._hold.take(magics)

    def hold_on(self) -> None:
        """Be in the shell also where a cell has removed us."""
        if not self._hold.hears:
            self.recorder.look_at_all()
        self._hold.take()

    def unhook(self) -> None:
        """Stop recording, with everything written and no job left; whatever fails."""
        heed_no_more = partial(self.settings.unobserve, self._heed_settings)
        do_all([*self._hold.ways_out(), heed_no_more, self.jobs.close, self.recorder.wait])

    def enter(self, info: Any, n: int | None = None) -> None:
        """Take note of a cell that begins to run, or that runs already and has this number."""
        self._running = Running(info.raw_cell or "", info.cell_id, now(), time.perf_counter(), n)
        self.jobs.enter()

    def tell_of_rest(self) -> None:
        """Have the orchestrator know that from this cell on nothing is recorded, as is wished."""
        if self._running is not None:
            self.tell({"n": self.jobs.number(self._running), "unwanted": True, "for_good": True})

    def _heed_settings(self, _: Any = None) -> None:
        where = str(self.recorder.archive.path)
        if not self.is_worker and self.settings.varchive != where:
            self.settings.varchive = where
            raise UsageError(
                f"this notebook is recorded in {where}; say tm.unhook() first, and then"
                " tm.hook(varchive='…')"
            )
        for name, value in self.said.items():
            if name != "dontsave" and getattr(self.settings, name) != value:
                setattr(self.settings, name, value)
        self.recorder.candidates.thorough = self.settings.thorough
        self.recorder.dontsave.add(self.settings.dontsave)
        self.jobs.heed_settings()

    def status(self) -> dict[str, Any]:
        """Give the number of states and bytes recorded, and why recording stopped, if it did."""
        return {
            "states": self.recorder.states,
            "bytes": self.recorder.bytes,
            "stopped": self.recorder.stopped or self._trouble(),
        }

    def _trouble(self) -> str | None:
        return f"{self.errors} cells could not be recorded, see the log" if self.errors else None

    def run_of(self, run: str | int | None) -> Run:
        """Give a run of the varchive: an id, the start of one, its place, or how many before this.

        Raises
        ------
        NoSuchRun, UsageError
            With the runs that there are.
        """
        own = self.recorder.run
        return self.recorder.archive.run(own if run is None else run, own=own)

    def past(self, n: int | str, run: str | int | None = None) -> Any:
        """Go back to the state after a cell; see `wishes.past`."""
        self.require_notebook()
        archive, recorder = self.recorder.archive, self.recorder
        of = self.run_of(run)
        archive.require_trust(of.id)
        number = resolve_cell(archive, of.id, n)
        defaults = self.shell.user_ns_hidden
        code = "" if self._running is None else transformed(self.shell, self._running.raw)
        try:
            arrival = go_back(recorder, of, number, code, defaults)
        except (CannotLoad, Damaged) as error:
            raise type(error)(f"{error}; nothing was changed") from error
        for lack in arrival.lacks:
            print(f"tmrun: {lack}", file=sys.stderr)
        return arrival.answer

    def spawn(self, line: str, body: str | None) -> None:
        """Give the cell that runs a job: its body, or an expression in it."""
        if self._running is None:
            raise UsageError("a job is that of a cell with a number; run %thread in such a cell")
        self.jobs.spawn(self._running, line, body)

    # -- the two events; neither may raise, whatever happens

    def _before(self, info: Any) -> None:
        try:
            self.recorder.wait()
        except BaseException:  # noqa: BLE001  (an interrupt too: the cell has not begun)
            log.debug("interrupted while the last state was written")
        try:
            if info.store_history:  # not a part of a cell that has begun
                self.enter(info)
                self._tell_if_stopped()
                self.jobs.meet()
            elif self._running is not None and self._running.n is None:
                self._running.n = self.jobs.number(self._running)
        except Exception as error:  # what it is for is not worth a cell
            log.error("a cell was not seen to begin", exc_info=error)

    def _tell_if_stopped(self) -> None:
        """Tell once why nothing is recorded any longer, where no orchestrator does."""
        if (reason := self.recorder.stopped) and not self._forward and not self._told:
            self._told = True
            print(
                f"tmrun: nothing is recorded any longer: {reason}; mend that, then say"
                " tmrun.unhook() and tmrun.hook()",
                file=sys.stderr,
            )

    def _after(self, result: Any) -> None:
        began = time.perf_counter()
        try:
            with calm():
                self._record(result, began)
        except BaseException as error:
            self.errors += 1
            log.error("cell could not be recorded", exc_info=error)
            if self.errors == 1:
                what = f"{type(error).__name__}: {error}"
                print(f"tmrun: this cell could not be recorded ({what})", file=sys.stderr)
        # what it prints when it goes is the user's
        self.recorder.dontsave.let_go()

    def _record(self, result: Any, began: float) -> None:
        info = result.info
        raw = info.raw_cell or ""
        if result.execution_count is None or not info.store_history:
            # no cell of the notebook's (a part of one, by %%capture or the like), but it may have
            # changed variables
            self.recorder.notice(raw)
            return
        running, self._running = self._running, None
        error = self.error = result.error_before_exec or result.error_in_exec
        cell = Cell(
            n=result.execution_count,
            cell_id=info.cell_id,
            source=raw if self._source is None else self._source,
            # some versions of IPython tell it; to transform it once more takes a while
            code=getattr(info, "transformed_cell", None) or transformed(self.shell, raw),
            status="ok" if error is None else "error",
            error=None if error is None else describe_error(error),
            started="" if running is None else running.started,
            ended=now(),
            seconds=0.0 if running is None else round(began - running.began, 6),
        )
        state = self.jobs.begin(cell, result.result)
        if state is None and not self.settings.saving:
            self.recorder.notice(cell.code)
            self.tell({"n": cell.n, "unwanted": True})
            return
        if state is None and self.recorder.stopped:
            self.tell({"n": cell.n, "stopped": self.recorder.stopped})
            return
        if state is None:
            state = self.recorder.record(cell, result.result)
        took = time.perf_counter() - began
        log.debug("cell %d recorded in %.4f s, %d bytes", cell.n, took, state.bytes)
        self.tell(summary(state, took, self.recorder.stopped))

    def _holds(self) -> list[Any]:
        """Give what the shell refers to beside the namespace, each as often as it does: answers."""
        hook, last = self.shell.displayhook, self.shell.last_execution_result
        answer = getattr(last, "result", None)
        # and once more what records it right now; up to 3.10 its caller's frame does, too
        on_the_way = [answer] * (2 if sys.version_info < (3, 11) else 1)
        recent = (getattr(hook, "_" * n, None) for n in (1, 2, 3))
        return [answer, *on_the_way, *recent, *self.shell.user_ns_hidden.values()]

    def tell(self, content: dict[str, Any]) -> None:
        """Have the reply to the cell tell the orchestrator of it, if there is one."""
        if self._forward:
            # a message of its own would wake another thread of the kernel, and wait for it
            self.shell.payload_manager.write_payload({"source": STATE, **content})
