"""The one importer of IPython's things: events, the live namespace, messages to the orchestrator.

A `TimeMachine` stands between the cells of this kernel.  Whatever goes wrong in the recorder
stays here: it is logged, counted, told once, and the cell never sees it.
"""

from __future__ import annotations

import faulthandler
import logging
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from .calm import calm
from .cell import Cell, Running, now
from .jobcells import JobCells, transformed
from .recorder import Recorder
from .telling import describe_error, summary
from .thaw import resolve_cell
from .travel import go_back
from .varchive.errors import CannotLoad, Damaged, UsageError

log = logging.getLogger("tmrun")
log.addHandler(logging.NullHandler())  # what is not asked for is not printed into a cell


IN_A_JOB = "this cell is a job: it can neither go back nor have jobs of its own"


class TimeMachine:
    """The recorder of this kernel, between its cells.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        Whose cells.
    recorder : Recorder
        What records them.
    settings : dict
        ``threads`` (how many jobs at once), ``job_timeout`` (seconds), ``forward_jobs`` (tell all
        of them to the orchestrator), ``fault_file`` (where a crash leaves its trace); each may be
        missing.  In a worker ``source``: the job's cell as written in the notebook.

    Attributes
    ----------
    jobs : JobCells
        The jobs of its cells.
    error : BaseException or None
        What the last cell raised.
    errors : int
        How many cells could not be recorded.
    """

    def __init__(self, shell: Any, recorder: Recorder, settings: dict[str, Any]) -> None:
        self.shell = shell
        self.recorder = recorder
        self.errors = 0
        self.error: BaseException | None = None
        self.jobs = JobCells(shell, recorder, settings)
        self._source: str | None = settings.get("source")
        self._running: Running | None = None
        self._magics: Mapping[str, tuple[str, Callable[..., Any]]] = {}
        self._fault_file: TextIO | None = None
        recorder.candidates.escapes.shell_holds = self._holds
        if path := settings.get("fault_file"):
            self._fault_file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115  (while we live)
            faulthandler.enable(self._fault_file)

    def hook(self, magics: Mapping[str, tuple[str, Callable[..., Any]]]) -> None:
        """Begin to record, and have magics, name -> kind and function, until the end of it."""
        self.shell.events.register("pre_run_cell", self._before)
        self.shell.events.register("post_run_cell", self._after)
        self.shell.input_transformers_cleanup.append(self.jobs.transform)
        self._magics = magics
        for name, (kind, magic) in magics.items():
            self.shell.register_magic_function(magic, kind, name)

    def unhook(self) -> dict[str, Any]:
        """Stop recording, with everything written and no job left; give how it went."""
        self.shell.events.unregister("pre_run_cell", self._before)
        self.shell.events.unregister("post_run_cell", self._after)
        self.shell.input_transformers_cleanup.remove(self.jobs.transform)
        for name in self._magics:
            for of_kind in self.shell.magics_manager.magics.values():
                of_kind.pop(name, None)
        self.jobs.close()
        self.recorder.close()
        return self.status()

    def status(self) -> dict[str, Any]:
        """Give the number of states and bytes recorded, and why recording stopped, if it did."""
        return {
            "states": self.recorder.states,
            "bytes": self.recorder.bytes,
            "stopped": self.recorder.stopped or self._trouble(),
        }

    def _trouble(self) -> str | None:
        return f"{self.errors} cells could not be recorded, see the log" if self.errors else None

    def past(self, n: int | str, run: str | int | None = None) -> Any:
        """Go back to the state after a cell; see `commands.past`."""
        if self._source is not None:
            raise UsageError(IN_A_JOB)
        archive, recorder = self.recorder.archive, self.recorder
        of = archive.run(recorder.run if run is None else run)
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
        if info.store_history:  # not a part of a cell that has begun
            self._running = Running(info.raw_cell or "", info.cell_id, now(), time.perf_counter())
            self.jobs.meet()
        elif self._running is not None and self._running.n is None:
            self._running.n = self.jobs.number(self._running)

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
            code=transformed(self.shell, raw),
            status="ok" if error is None else "error",
            error=None if error is None else describe_error(error),
            started="" if running is None else running.started,
            ended=now(),
            seconds=0.0 if running is None else round(began - running.began, 6),
        )
        state = self.jobs.begin(cell, result.result)
        if state is None and self.recorder.stopped:
            self._tell({"n": cell.n, "stopped": self.recorder.stopped})
            return
        if state is None:
            state = self.recorder.record(cell, result.result)
        self._tell(summary(state, time.perf_counter() - began, self.recorder.stopped))

    def _holds(self) -> list[Any]:
        """Give what the shell refers to beside the namespace, each as often as it does: answers."""
        hook, last = self.shell.displayhook, self.shell.last_execution_result
        answer = getattr(last, "result", None)
        # and once more what records it right now; up to 3.10 its caller's frame does, too
        on_the_way = [answer] * (2 if sys.version_info < (3, 11) else 1)
        recent = (getattr(hook, "_" * n, None) for n in (1, 2, 3))
        return [answer, *on_the_way, *recent, *self.shell.user_ns_hidden.values()]

    def _tell(self, content: dict[str, Any]) -> None:
        """Send a message that belongs to the cell; who does not know its type passes it over."""
        kernel = getattr(self.shell, "kernel", None)
        if kernel is not None:
            parent = kernel.get_parent()
            kernel.session.send(kernel.iopub_socket, "tmrun_state", content, parent=parent)
