"""The one importer of IPython's things: events, the live namespace, messages to the orchestrator.

`hook` puts a `TimeMachine` between the cells of this kernel.  Whatever goes wrong in the recorder
stays here: it is logged, counted, told once, and the cell never sees it.
"""

from __future__ import annotations

import faulthandler
import logging
import platform
import re
import shlex
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TextIO

from .calm import calm
from .recorder import Cell, Recorder
from .thaw import Variables, resolve_cell
from .travel import go_back, put_variables
from .varchive import State, Varchive
from .varchive.digest import ALGORITHM
from .varchive.errors import TmrunError, UsageError

log = logging.getLogger("tmrun")
log.addHandler(logging.NullHandler())  # what is not asked for is not printed into a cell

# IPython's own record of inputs and outputs, and what every module has
_OWN = re.compile(
    r"_i{0,3}|_{2,3}|_i?\d+|_[dio]h|__(name|doc|package|loader|spec|builtins?|session|file"
    r"|nonzero|warningregistry|annotations|annotate|conditional_annotations)__"
)

_machine: TimeMachine | None = None
_stopped: str | None = None  # why there is no time machine although one was asked for


class TimeMachine:
    """The recorder of this kernel, between its cells.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        Whose cells.
    settings : dict
        ``varchive`` (absolute path), ``run`` (id), ``about`` (what is known of the run),
        ``dontsave`` (patterns), ``fault_file`` (where a crash leaves its trace; may be missing).
    """

    def __init__(self, shell: Any, settings: dict[str, Any]) -> None:
        self.shell = shell
        self.errors = 0
        self._started = (0.0, "")
        self._raw = ""
        self._fault_file: TextIO | None = None
        archive = Varchive.create(settings["varchive"])
        dontsave = settings.get("dontsave", ())
        about = {**settings.get("about", {}), "dontsave": dontsave, **about_this_kernel()}
        archive.begin_run(settings["run"], about)
        self.recorder = Recorder(archive, settings["run"], shell.user_ns, self._is_public, dontsave)
        self.recorder.candidates.escapes.shell_holds = self._holds
        if path := settings.get("fault_file"):
            self._fault_file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115  (while we live)
            faulthandler.enable(self._fault_file)

    def hook(self) -> None:
        """Begin to record."""
        self.shell.events.register("pre_run_cell", self._before)
        self.shell.events.register("post_run_cell", self._after)
        self.shell.register_magic_function(_past_magic, "line", "past")

    def unhook(self) -> dict[str, Any]:
        """Stop recording, with everything written; give how it went."""
        self.shell.events.unregister("pre_run_cell", self._before)
        self.shell.events.unregister("post_run_cell", self._after)
        self.shell.magics_manager.magics["line"].pop("past", None)
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
        """Go back to the state after a cell; see the function of this name."""
        archive, recorder = self.recorder.archive, self.recorder
        of = archive.run(recorder.run if run is None else run)
        number = resolve_cell(archive, of.id, n)
        defaults = self.shell.user_ns_hidden
        arrival = go_back(recorder, of, number, _transformed(self.shell, self._raw), defaults)
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
            error=None if error is None else _describe_error(error),
            started=self._started[1],
            ended=_now(),
            seconds=round(began - self._started[0], 6),
        )
        state = self.recorder.record(cell, result.result)
        self._tell(_summary(state, time.perf_counter() - began, self.recorder.stopped))

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


def hook(settings: dict[str, Any]) -> dict[str, Any]:
    """Start recording in this kernel.

    Returns
    -------
    dict
        The run's id and what is known of this kernel.

    Raises
    ------
    TmrunError
        When this is no IPython kernel, or it is recorded already.
    """
    global _machine, _stopped  # noqa: PLW0603  (one kernel, one time machine)
    if _machine is not None:
        raise TmrunError("this kernel is recorded already; stop that first")
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        raise TmrunError("this kernel is no IPython kernel; run it with --no-record")
    told = {"run": settings["run"], **about_this_kernel()}
    try:
        machine = TimeMachine(shell, settings)
    except OSError as error:
        # the notebook goes on without a record, and who asked for one is told
        _stopped = f"the varchive cannot be written: {error}"
        return {**told, "stopped": _stopped}
    machine.hook()
    _machine = machine
    return told


def finish() -> dict[str, Any]:
    """Stop recording in this kernel; give how it went."""
    global _machine
    if _machine is None:
        return _not_recorded()
    machine, _machine = _machine, None
    return machine.unhook()


def status() -> dict[str, Any]:
    """Give how recording goes in this kernel."""
    return _not_recorded() if _machine is None else _machine.status()


def past(n: int | str, run: str | int | None = None) -> Any:
    """Go back: give the notebook the variables that it had after a cell.

    Parameters
    ----------
    n : int or str
        Cell number, negative from the end, or a cell's id.
    run : str or int, optional
        Another run of the varchive; by default this one.

    Returns
    -------
    object
        The answer of the cell; None when it had none.

    Raises
    ------
    NoSuchState, NoSuchRun
        With what there is.
    CannotLoad, Damaged
        When a value does not load; nothing is changed then.
    """
    if _machine is None:
        raise TmrunError("this kernel is not recorded, so there is no past; run it with tmrun")
    return _machine.past(n, run)


def dict_to_main(variables: Mapping[str, Any]) -> None:
    """Put variables into the notebook's namespace.

    Parameters
    ----------
    variables : dict
        Name -> value.  Those of `tmrun.vars` are loaded anew, all or none: the notebook's
        namespace is then that of their functions.

    Raises
    ------
    UsageError
        For a name that is no name; nothing is changed then.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    namespace = vars(sys.modules["__main__"]) if shell is None else shell.user_ns
    if wrong := [name for name in variables if not (type(name) is str and name.isidentifier())]:
        raise UsageError(f"{wrong[0]!r} cannot name a variable; give a mapping of names")
    if isinstance(variables, Variables):
        for lack in put_variables(variables, namespace):
            print(f"tmrun: {lack}", file=sys.stderr)
    else:
        namespace.update(variables)


def _past_magic(line: str) -> Any:
    """Go back to the state after a cell: ``%past N [--run RUN]``, N as for `past`."""
    words = shlex.split(line)
    run = words.pop(words.index("--run") + 1) if "--run" in words[:-1] else None
    words = [word for word in words if word != "--run"]
    if len(words) != 1:
        raise UsageError("say which cell: %past 3, %past -1, or %past 3 --run RUN")
    return past(*(_number(word) for word in (words[0], *([run] if run else []))))


def _number(word: str) -> int | str:
    return int(word) if re.fullmatch(r"-?\d+", word) else word


def _not_recorded() -> dict[str, Any]:
    if _stopped is None:
        raise TmrunError("this kernel is not recorded")
    return {"states": 0, "bytes": 0, "stopped": _stopped}


def about_this_kernel() -> dict[str, Any]:
    """Give versions: of Python, of the hash, and of the packages that shape what is recorded."""
    packages = {name: sys.modules.get(name) for name in ("IPython", "ipykernel", "numpy", "pandas")}
    versions = {name: getattr(module, "__version__", None) for name, module in packages.items()}
    return {
        "python": platform.python_version(),
        "platform": platform.system(),
        "hash": ALGORITHM,
        "packages": {name: version for name, version in versions.items() if version},
    }


def _transformed(shell: Any, raw: str) -> str:
    try:
        return str(shell.transform_cell(raw))
    except Exception:  # noqa: BLE001  (a cell that is no Python: its words are all there is)
        return raw


def _describe_error(error: BaseException) -> dict[str, Any]:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  (the user's own exception)
        text = "<its text could not be made>"
    return {"ename": type(error).__name__, "evalue": text[:2000]}


def _summary(state: State, seconds: float, stopped: str | None) -> dict[str, Any]:
    return {
        "n": state.n,
        "status": state.status,
        "made": _sendable(state.made),
        "changed": _sendable(state.changed),
        "deleted": _sendable(state.deleted),
        "unsaved": _sendable(state.unsaved),
        "variables": state.variables,
        "bytes": state.bytes,
        "seconds": round(seconds, 6),
        "stopped": stopped,
    }


def _sendable(names: tuple[str, ...]) -> list[str]:
    # globals() takes any str for a name, a message only what UTF-8 can say
    return [name.encode("utf-8", "backslashreplace").decode() for name in names]


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
