"""What can be asked of this kernel's time machine: by requests from outside, and by cells."""

from __future__ import annotations

import re
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .injection import importable
from .names import is_name, is_variable
from .recorder import Recorder
from .shell import TimeMachine
from .telling import about_this_kernel
from .thaw import Variables
from .travel import put_variables
from .varchive import Varchive
from .varchive.errors import TmrunError, UsageError

if TYPE_CHECKING:
    from .jobs import Jobs

_machine: TimeMachine | None = None
_stopped: str | None = None  # why there is no time machine although one was asked for


def hook(settings: dict[str, Any]) -> dict[str, Any]:
    """Start recording in this kernel.

    Parameters
    ----------
    settings : dict
        ``varchive`` (absolute path), ``run`` (id), ``about`` (what is known of the run),
        ``dontsave`` (patterns), ``thorough`` (look at all after every cell); and those of
        `TimeMachine`.

    Returns
    -------
    dict
        The run's id and what is known of this kernel.

    Raises
    ------
    TmrunError
        When this is no IPython kernel, or it is recorded already.
    """
    global _stopped  # noqa: PLW0603  (one kernel, one time machine)
    if _machine is not None:
        raise TmrunError("this kernel is recorded already; stop that first")
    shell = shell_of_this_kernel()
    if shell is None:
        raise TmrunError("this kernel is no IPython kernel; run it with --no-record")
    told = {"run": settings["run"], **about_this_kernel()}
    try:
        recorder = _recorder(shell, settings)
    except OSError as error:
        # the notebook goes on without a record, and who asked for one is told
        _stopped = f"the varchive cannot be written: {error}"
        return {**told, "stopped": _stopped}
    adopt(TimeMachine(shell, recorder, settings), past=_past_magic, thread=_thread_magic)
    return told


def adopt(machine: TimeMachine, *, past: Callable[..., Any], thread: Callable[..., Any]) -> None:
    """Make a time machine that of this kernel, with these magics."""
    global _machine  # noqa: PLW0603  (one kernel, one time machine)
    if _machine is not None:
        finish()
    machine.hook({"past": ("line", past), "thread": ("line_cell", thread)})
    _machine = machine


def _recorder(shell: Any, settings: dict[str, Any]) -> Recorder:
    archive = Varchive.create(settings["varchive"])
    dontsave = settings.get("dontsave", ())
    about = {**settings.get("about", {}), "dontsave": dontsave, **about_this_kernel()}
    archive.begin_run(settings["run"], about)
    return Recorder(
        archive,
        settings["run"],
        shell.user_ns,
        partial(is_variable, shell),
        dontsave,
        thorough=settings.get("thorough", False),
    )


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


def cancel_jobs() -> dict[str, Any]:
    """Cancel all jobs that have not ended."""
    for job in jobs().values():
        job.cancel()
    return {}


def jobs() -> Jobs:
    """Give the notebook's jobs."""
    with importable():
        from .jobs import Jobs

    if _machine is None or not _machine.jobs.exist:
        return Jobs({})
    return _machine.jobs.spawner.jobs


def wait(timeout: float | None = None) -> bool:
    """Wait until all jobs have ended, at most `timeout` seconds; whether they have."""
    until = None if timeout is None else time.monotonic() + timeout
    return all(
        job.wait(None if until is None else max(0.0, until - time.monotonic()))
        for job in jobs().values()
    )


def notify(where: str, *, on: bool) -> None:
    """Have the end of each job told in the ``terminal`` or in ``jupyter``, or not."""
    if _machine is None:
        raise TmrunError("there are no jobs here: they are for notebooks that are recorded")
    setattr(_machine.jobs.spawner.announcer, where, bool(on))


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
        raise TmrunError(
            "there is no past here: it is for notebooks that are recorded"
            " (tmrun NOTEBOOK, without --no-record); in a script use tmrun.vars(path, n)"
        )
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
    shell = shell_of_this_kernel()
    namespace = vars(sys.modules["__main__"]) if shell is None else shell.user_ns
    if not isinstance(variables, Mapping):
        kind = type(variables).__name__
        raise UsageError(
            f"dict_to_main takes a mapping, name -> value, such as tmrun.vars, no {kind}"
        )
    if wrong := [name for name in variables if not is_name(name)]:
        raise UsageError(f"{wrong[0]!r} is no name that a variable may have; nothing was changed")
    if isinstance(variables, Variables):
        for lack in put_variables(variables, namespace):
            print(f"tmrun: {lack}", file=sys.stderr)
    else:
        namespace.update(dict(variables))


def _past_magic(line: str) -> Any:
    """Go back to the state after a cell: ``%past N [--run RUN]``, N as for `past`."""
    words = [word.strip("();,") for word in shlex.split(line, comments=True)]
    match [word for word in words if word]:
        case [cell] if not cell.startswith("--"):
            return past(_number(cell))
        case [cell, "--run", run] | ["--run", run, cell]:
            return past(_number(cell), run)
    raise UsageError(
        f"cannot make sense of {line!r}: say %past 3, %past -1, %past $n, or %past 3 --run RUN"
    )


def _thread_magic(line: str, cell: str | None = None) -> None:
    """Run a cell in the background: ``%%thread [--name NAME] [--timeout SECONDS]``, or an
    expression: ``%thread [--name NAME] [--timeout SECONDS] EXPRESSION``."""
    if _machine is not None:
        _machine.spawn(line, cell)


# braces and dollars in the expression are Python's
_thread_magic._ipython_magic_no_var_expand = True  # type: ignore[attr-defined]


def shell_of_this_kernel() -> Any:
    """Give IPython's shell; None where there is none."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _number(word: str) -> int | str:
    return int(word) if re.fullmatch(r"[+-]?\d+", word) else word


def _not_recorded() -> dict[str, Any]:
    if _stopped is None:
        raise TmrunError("this kernel is not recorded")
    return {"states": 0, "bytes": 0, "stopped": _stopped}
