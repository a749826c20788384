"""The one importer of IPython's things: events, the live namespace, messages to the orchestrator.

A `TimeMachine` stands between the cells of this kernel.  Whatever goes wrong in the recorder
stays here: it is logged, counted, told once, and the cell never sees it.
"""

from __future__ import annotations

import faulthandler
import keyword
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from .calm import calm
from .cell import Cell
from .injection import importable
from .recorder import Recorder
from .telling import describe_error, summary
from .thaw import resolve_cell
from .touched import beside_thread
from .travel import go_back
from .varchive import State
from .varchive.errors import CannotLoad, Damaged, UsageError

if TYPE_CHECKING:
    from .spawner import Spawner

log = logging.getLogger("tmrun")
log.addHandler(logging.NullHandler())  # what is not asked for is not printed into a cell

# IPython's own record of inputs and outputs, and what every module has
_OWN = re.compile(
    r"_i{0,3}|_{2,3}|_i?\d+|_[dio]h|__(name|doc|package|loader|spec|builtins?|session|file"
    r"|nonzero|warningregistry|annotations|annotate|conditional_annotations)__"
)


_OPTION = re.compile(r"""--(\w+)(?:(?:=|\s+)("[^"]*"|'[^']*'|\S+))?\s*""")
_MARK = "_tmrun_has_jobs"


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
    """

    def __init__(self, shell: Any, recorder: Recorder, settings: dict[str, Any]) -> None:
        self.shell = shell
        self.recorder = recorder
        self.errors = 0
        self._settings = settings
        self._spawner: Spawner | None = None
        self._started = (0.0, "")
        self._raw = ""
        self._cell_id: str | None = None
        self._in_cell = False
        self._n: int | None = None  # of the cell that runs, once it runs others inside
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
        self.shell.input_transformers_cleanup.append(self._tagged)
        self._magics = magics
        for name, (kind, magic) in magics.items():
            self.shell.register_magic_function(magic, kind, name)

    def unhook(self) -> dict[str, Any]:
        """Stop recording, with everything written and no job left; give how it went."""
        self.shell.events.unregister("pre_run_cell", self._before)
        self.shell.events.unregister("post_run_cell", self._after)
        self.shell.input_transformers_cleanup.remove(self._tagged)
        for name in self._magics:
            for of_kind in self.shell.magics_manager.magics.values():
                of_kind.pop(name, None)
        if self._spawner is not None:
            self._spawner.close()
        self.recorder.close()
        return self.status()

    @property
    def has_jobs(self) -> bool:
        """Whether there may be jobs."""
        return self._spawner is not None

    @property
    def spawner(self) -> Spawner:
        """The jobs of this notebook."""
        if self._spawner is None:
            # what most notebooks do without is imported when it is asked for
            with importable():
                from .announcer import Announcer
                from .spawner import Spawner

            kernel = getattr(self.shell, "kernel", None)
            forward = bool(self._settings.get("forward_jobs"))
            self._spawner = Spawner(
                self.recorder,
                Announcer(kernel, forward=forward),
                self._take_answer,
                self._settings.get("threads") or os.cpu_count() or 1,
                self._settings.get("job_timeout"),
            )
            self._spawner.announcer.cell = self._parent()
        return self._spawner

    def spawn(self, line: str, body: str | None) -> None:
        """Give the cell that runs a job: its body, or an expression in it."""
        if not self._in_cell:
            raise UsageError("a job is that of a cell with a number; run %thread in such a cell")
        name, timeout, expression = thread_options(line)
        if body is not None and expression:
            raise UsageError(
                f"cannot make sense of {expression!r}: say %%thread --name NAME --timeout SECONDS,"
                " and the code below; or %thread EXPRESSION"
            )
        code = expression if body is None else with_lines_of(self._raw, body)
        if not code.strip():
            raise UsageError("there is nothing to run: put code below %%thread, or after %thread")
        cell = Cell(
            n=self._number(),
            cell_id=self._cell_id,
            source=self._raw,
            code=beside_thread(_transformed(self.shell, self._raw)),
            status="ok",
            error=None,
            started=self._started[1],
            ended=_now(),
            seconds=round(time.perf_counter() - self._started[0], 6),
        )
        spawner = self.spawner
        with calm():
            spawner.spawn(cell, code, _transformed(self.shell, code), name, timeout)
        # gone once %reset has emptied the namespace
        self.shell.user_ns_hidden[_MARK] = self

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
        archive, recorder = self.recorder.archive, self.recorder
        of = archive.run(recorder.run if run is None else run)
        number = resolve_cell(archive, of.id, n)
        defaults = self.shell.user_ns_hidden
        try:
            arrival = go_back(recorder, of, number, _transformed(self.shell, self._raw), defaults)
        except (CannotLoad, Damaged) as error:
            raise type(error)(f"{error}; nothing was changed") from error
        for lack in arrival.lacks:
            print(f"tmrun: {lack}", file=sys.stderr)
        return arrival.answer

    # -- the two events; neither may raise, whatever happens

    def _before(self, info: Any) -> None:
        try:
            self.recorder.wait()
        except BaseException:  # noqa: BLE001  (an interrupt too: the cell has not begun)
            log.debug("interrupted while the last state was written")
        if info.store_history:  # not a part of a cell that has begun
            self._raw = info.raw_cell or ""
            self._cell_id, self._in_cell, self._n = info.cell_id, True, None
            self._started = (time.perf_counter(), _now())
            self._meet_jobs()
        elif self._in_cell and self._n is None:
            self._n = self._number()

    def _meet_jobs(self) -> None:
        if self._spawner is not None:
            self._spawner.announcer.cell = self._parent()
            try:
                self._spawner.meet()
            except BaseException as error:
                # loading an answer runs the user's own code
                log.error("an answer of a job could not be loaded", exc_info=error)
                print(f"tmrun: the answer of a job could not be loaded: {error}", file=sys.stderr)

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
        self._in_cell = False
        error = result.error_before_exec or result.error_in_exec
        cell = Cell(
            n=result.execution_count,
            cell_id=info.cell_id,
            source=self._settings.get("source", raw),
            code=_transformed(self.shell, raw),
            status="ok" if error is None else "error",
            error=None if error is None else describe_error(error),
            started=self._started[1],
            ended=_now(),
            seconds=round(began - self._started[0], 6),
        )
        state = self._begin_job(cell, result.result)
        if state is None and self.recorder.stopped:
            self._tell({"n": cell.n, "stopped": self.recorder.stopped})
            return
        if state is None:
            state = self.recorder.record(cell, result.result)
        self._tell(summary(state, time.perf_counter() - began, self.recorder.stopped))

    def _number(self) -> int:
        """Give the number of the cell that runs; the shell's own count may be ahead of it."""
        return self._n or int(self.shell.displayhook.exec_result.execution_count)

    def _begin_job(self, cell: Cell, answer: Any) -> State | None:
        """Let the job of a cell begin, if it has one; give the state on which it runs."""
        if self._spawner is None:
            return None
        if _MARK not in self.shell.user_ns_hidden:
            self._spawner.close()
        beside = replace(cell, code=beside_thread(cell.code))
        return self._spawner.cell_ended(beside, answer, self.shell.compile.flags)

    def _take_answer(self, n: int, answer: Any) -> None:
        """Take the answer of a job for that of its cell."""
        self.shell.user_ns[f"_{n}"] = answer
        if isinstance(answers := self.shell.user_ns.get("_oh"), dict):
            answers[n] = answer

    def _tagged(self, lines: list[str]) -> list[str]:
        """Make a job of a cell that the orchestrator says is one; an input transformer."""
        parent = self._parent()
        about = parent.get("metadata", {}).get("tmrun")
        if not about or not about.get("thread") or lines[:1] == []:
            return lines
        is_it = "".join(lines).split() == parent["content"]["code"].split()
        return ["%%thread\n", *lines] if is_it and not lines[0].startswith("%%thread") else lines

    def _parent(self) -> dict[str, Any]:
        kernel = getattr(self.shell, "kernel", None)
        return kernel.get_parent() if kernel is not None else {}

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


def is_variable(shell: Any, name: str, value: Any) -> bool:
    """Whether what stands under a name is the user's."""
    # what the shell itself put there counts by identity: a user's own `open` is a variable
    mine = shell.user_ns_hidden.get(name, shell) is not value
    return mine and not name.startswith("<") and not _OWN.fullmatch(name)


def thread_options(line: str) -> tuple[str | None, float | None, str]:
    """Give name, timeout and what is left of the line of a ``%thread``.

    Raises
    ------
    UsageError
        For an option that there is not, or a timeout that is none.
    """
    found: dict[str, str] = {}
    rest = line.strip()
    while match := _OPTION.match(rest):
        if match[1] not in ("name", "timeout"):
            raise UsageError(f"%thread has no option --{match[1]}; there are --name and --timeout")
        found[match[1]] = (match[2] or "").strip("\"'")
        rest = rest[match.end() :]
    timeout = found.get("timeout")
    try:
        seconds = None if timeout is None else float(timeout)
    except ValueError:
        seconds = 0.0
    if seconds is not None and not seconds > 0:
        raise UsageError(f"--timeout takes a number of seconds above 0, not {timeout!r}")
    return found.get("name"), seconds, rest


def with_lines_of(raw: str, body: str) -> str:
    """Give the body of a cell such that its lines have the numbers that they have in the cell."""
    above = raw.rstrip("\n").count("\n") - body.rstrip("\n").count("\n")
    if above < 1 or body[:1].isspace() or body.startswith("%%"):
        return body
    return "# %%thread\n" + "#\n" * (above - 1) + body


def is_name(name: object) -> bool:
    """Whether a variable may have this name: a name of Python's, and not one of the shell's own."""
    if type(name) is not str or not name.isidentifier() or keyword.iskeyword(name):
        return False
    return not _OWN.fullmatch(name) and name not in ("In", "Out", "get_ipython")


def _transformed(shell: Any, raw: str) -> str:
    try:
        return str(shell.transform_cell(raw))
    except Exception:  # noqa: BLE001  (a cell that is no Python: its words are all there is)
        return raw


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
