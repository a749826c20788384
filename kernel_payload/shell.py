"""The one importer of IPython's things: events, the live namespace, messages to the orchestrator.

A `TimeMachine` stands between the cells of this kernel.  Whatever goes wrong in the recorder
stays here: it is logged, counted, told once, and the cell never sees it.
"""

from __future__ import annotations

import faulthandler
import keyword
import logging
import re
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TextIO

from .calm import calm
from .cell import Cell
from .recorder import Recorder
from .telling import about_this_kernel, describe_error, summary
from .thaw import resolve_cell
from .travel import go_back
from .varchive import Varchive
from .varchive.errors import CannotLoad, Damaged

log = logging.getLogger("tmrun")
log.addHandler(logging.NullHandler())  # what is not asked for is not printed into a cell

# IPython's own record of inputs and outputs, and what every module has
_OWN = re.compile(
    r"_i{0,3}|_{2,3}|_i?\d+|_[dio]h|__(name|doc|package|loader|spec|builtins?|session|file"
    r"|nonzero|warningregistry|annotations|annotate|conditional_annotations)__"
)


class TimeMachine:
    """The recorder of this kernel, between its cells.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        Whose cells.
    settings : dict
        ``varchive`` (absolute path), ``run`` (id), ``about`` (what is known of the run),
        ``dontsave`` (patterns), ``thorough`` (look at all after every cell), ``fault_file`` (where
        a crash leaves its trace); the last two may be missing.
    """

    def __init__(self, shell: Any, settings: dict[str, Any]) -> None:
        self.shell = shell
        self.errors = 0
        self._started = (0.0, "")
        self._raw = ""
        self._magics: Mapping[str, Callable[[str], Any]] = {}
        self._fault_file: TextIO | None = None
        archive = Varchive.create(settings["varchive"])
        dontsave = settings.get("dontsave", ())
        about = {**settings.get("about", {}), "dontsave": dontsave, **about_this_kernel()}
        archive.begin_run(settings["run"], about)
        self.recorder = Recorder(
            archive,
            settings["run"],
            shell.user_ns,
            self._is_public,
            dontsave,
            thorough=settings.get("thorough", False),
        )
        self.recorder.candidates.escapes.shell_holds = self._holds
        if path := settings.get("fault_file"):
            self._fault_file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115  (while we live)
            faulthandler.enable(self._fault_file)

    def hook(self, magics: Mapping[str, Callable[[str], Any]]) -> None:
        """Begin to record, and have line magics, by name, until the end of it."""
        self.shell.events.register("pre_run_cell", self._before)
        self.shell.events.register("post_run_cell", self._after)
        self._magics = magics
        for name, magic in magics.items():
            self.shell.register_magic_function(magic, "line", name)

    def unhook(self) -> dict[str, Any]:
        """Stop recording, with everything written; give how it went."""
        self.shell.events.unregister("pre_run_cell", self._before)
        self.shell.events.unregister("post_run_cell", self._after)
        for name in self._magics:
            self.shell.magics_manager.magics["line"].pop(name, None)
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
            self._started = (time.perf_counter(), _now())

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
        if self.recorder.stopped:
            self._tell({"n": result.execution_count, "stopped": self.recorder.stopped})
            return
        error = result.error_before_exec or result.error_in_exec
        cell = Cell(
            n=result.execution_count,
            cell_id=info.cell_id,
            source=raw,
            code=_transformed(self.shell, raw),
            status="ok" if error is None else "error",
            error=None if error is None else describe_error(error),
            started=self._started[1],
            ended=_now(),
            seconds=round(began - self._started[0], 6),
        )
        state = self.recorder.record(cell, result.result)
        self._tell(summary(state, time.perf_counter() - began, self.recorder.stopped))

    def _is_public(self, name: str, value: Any) -> bool:
        # what the shell itself put there counts by identity: a user's own `open` is a variable
        mine = self.shell.user_ns_hidden.get(name, self) is not value
        return mine and not name.startswith("<") and not _OWN.fullmatch(name)

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
