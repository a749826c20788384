"""The shell's cells that have jobs: from the magic or the tag to the spawner, and back to `Out`."""

from __future__ import annotations

import linecache
import logging
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .calm import calm
from .cell import Cell, Running, now
from .injection import importable
from .magic import Wish, answers_in, beside_thread, thread_options, with_lines_of
from .recorder import Recorder
from .settings import TimeMachine
from .varchive import State
from .varchive.errors import UsageError

if TYPE_CHECKING:
    from .spawner import Spawner

log = logging.getLogger("tmrun")

_MARK = "_tmrun_has_jobs"


class JobCells:
    """The jobs of a shell's cells.

    Parameters
    ----------
    shell, recorder, settings, forward
        As for `shell.Session`.
    """

    def __init__(
        self, shell: Any, recorder: Recorder, settings: TimeMachine, *, forward: bool
    ) -> None:
        self._shell = shell
        self._recorder = recorder
        self._settings = settings
        self._forward = forward
        self._spawner: Spawner | None = None
        self._is_spawning = False

    @property
    def exist(self) -> bool:
        """Whether there may be jobs."""
        return self._spawner is not None

    @property
    def spawner(self) -> Spawner:
        """What spawns them."""
        if self._spawner is None:
            # what most notebooks do without is imported when it is asked for
            with importable():
                from .announcer import Announcer
                from .spawner import Spawner

            kernel = getattr(self._shell, "kernel", None)
            announcer = Announcer(kernel, forward=self._forward)
            announcer.cell = self._parent()
            threads = self._settings.threads
            self._spawner = Spawner(self._recorder, announcer, self.take_answer, threads)
            self.heed_settings()
        return self._spawner

    def heed_settings(self) -> None:
        """Take over the settings as they are now."""
        if self._spawner is not None:
            self._spawner.announcer.terminal = self._settings.notify_terminal
            self._spawner.announcer.jupyter = self._settings.notify_jupyter
            self._spawner.resize(self._settings.threads)

    def spawn(self, running: Running, line: str, body: str | None) -> None:
        """Give a cell that runs a job: its body, or an expression in it."""
        shell = self._shell
        name, timeout, expression = thread_options(line, is_cell=body is not None)
        code = expression if body is None else with_lines_of(running.raw, body)
        if not code.strip():
            raise UsageError("there is nothing to run: put code below %%thread, or after %thread")
        wish = Wish(
            code=code,
            transformed=self._alone(code),
            name=name,
            timeout=self._settings.job_timeout if timeout is None else timeout,
            answers=answers_in(code, shell.user_ns.get("_oh", ())),
            flags=shell.compile.flags,
            sources=_sources(shell),
        )
        cell = Cell(
            n=self.number(running),
            cell_id=running.cell_id,
            source=running.raw,
            code=beside_thread(transformed(shell, running.raw)),
            status="ok",
            error=None,
            started=running.started,
            ended=now(),
            seconds=round(time.perf_counter() - running.began, 6),
        )
        spawner = self.spawner
        self._heed_reset()
        with calm():
            spawner.spawn(cell, wish)
        # gone once %reset has emptied the namespace
        shell.user_ns_hidden[_MARK] = self

    def _alone(self, code: str) -> str:
        """Give the code of a job as IPython runs it in the worker."""
        self._is_spawning = True
        try:
            return transformed(self._shell, code)
        finally:
            self._is_spawning = False

    def begin(self, cell: Cell, answer: Any) -> State | None:
        """Let the job of a cell begin, if it has one; give the state on which it runs."""
        if self._spawner is None:
            return None
        self._heed_reset()
        return self._spawner.cell_ended(replace(cell, code=beside_thread(cell.code)), answer)

    def _heed_reset(self) -> None:
        """End the jobs when the namespace was emptied since the last one was spawned."""
        if self._spawner is not None and _MARK not in self._shell.user_ns_hidden:
            self._spawner.close()

    def enter(self) -> None:
        """Take note that another cell runs."""
        if self._spawner is not None:
            self._spawner.announcer.cell = self._parent()

    def meet(self) -> None:
        """Take in what jobs have brought since the last cell."""
        if self._spawner is None:
            return
        try:
            self._spawner.meet()
        except BaseException as error:
            # loading an answer runs the user's own code
            log.error("an answer of a job could not be loaded", exc_info=error)
            print(f"tmrun: the answer of a job could not be loaded: {error}", file=sys.stderr)

    def take_answer(self, n: int, answer: Any) -> None:
        """Take an answer that came from elsewhere for that of a cell."""
        self._shell.user_ns[f"_{n}"] = answer
        if isinstance(answers := self._shell.user_ns.get("_oh"), dict):
            answers[n] = answer

    def number(self, running: Running) -> int:
        """Give the number of a cell that runs; the shell's own count may be ahead of it."""
        return running.n or int(self._shell.displayhook.exec_result.execution_count)

    def transform(self, lines: list[str]) -> list[str]:
        """Make a job of a cell that the orchestrator says is one; an input transformer."""
        try:
            parent = self._parent()
            about = parent.get("metadata", {}).get("tmrun")
            if self._is_spawning or not lines or not about or not about.get("thread"):
                return lines
            is_it = "".join(lines).split() == parent["content"]["code"].split()
        except Exception as error:
            log.error("it is not known whether a cell is a job", exc_info=error)
            return lines
        return ["%%thread\n", *lines] if is_it and not lines[0].startswith("%%thread") else lines

    def close(self) -> None:
        """End them all."""
        if self._spawner is not None:
            self._spawner.close()

    def _parent(self) -> dict[str, Any]:
        kernel = getattr(self._shell, "kernel", None)
        return kernel.get_parent() if kernel is not None else {}


def _sources(shell: Any) -> list[tuple[str, int, str]]:
    names = getattr(shell.compile, "_filename_map", {})
    return [(name, n, "".join(linecache.getlines(name))) for name, n in list(names.items())]


def transformed(shell: Any, raw: str) -> str:
    """Give a cell as IPython runs it."""
    try:
        return str(shell.transform_cell(raw))
    except Exception:  # noqa: BLE001  (a cell that is no Python: its words are all there is)
        return raw
