"""What cells ask of their time machine: going back, looking back, what is saved, and the jobs."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from .card import size
from .commands import jobs, session_of_this_kernel, shell_of_this_kernel
from .injection import importable
from .names import is_name
from .shell import Session
from .thaw import Variables, resolve_cell
from .travel import put_variables
from .varchive import Run, Varchive
from .varchive.clearing import clear
from .varchive.errors import UsageError


def wait(timeout: float | None = None) -> bool:
    """Wait until all jobs have ended, at most `timeout` seconds; whether they have."""
    until = None if timeout is None else time.monotonic() + timeout
    return all(
        job.wait(None if until is None else max(0.0, until - time.monotonic()))
        for job in jobs().values()
    )


def notify(where: str, *, on: bool) -> None:
    """Have the end of each job told in the ``terminal`` or in ``jupyter``, or not."""
    setattr(_notebook_session().settings, f"notify_{where}", bool(on))


def past(n: int | str, run: str | int | None = None) -> Any:
    """Go back: give the notebook the variables that it had after a cell.

    Parameters
    ----------
    n : int or str
        Cell number, negative from the end, or a cell's id.
    run : str or int, optional
        Another run of the varchive, see `Session.run_of`; by default this one.

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
    return session_of_this_kernel().past(n, run)


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


def saving(on: bool) -> None:
    """Record the variables after each cell from this one on, or do not.

    Raises
    ------
    UsageError
        For what is neither true nor false.
    """
    session = _notebook_session()
    if on not in (True, False):
        raise UsageError(f"{on!r} is neither True nor False")
    session.settings.saving = bool(on)


def dontsave(things: Iterable[Any]) -> None:
    """Have names, patterns of names (str), and objects never recorded from this cell on.

    Raises
    ------
    UsageError
        For a value that many variables may have.
    """
    _notebook_session().recorder.dontsave.add(things)


def clear_past(cells: Iterable[int] | None, run: str | int | None) -> None:
    """Clear states of a run, and free on disk what only they held.

    Parameters
    ----------
    cells : iterable of int or str, optional
        Their numbers, negative from the end, or ids; by default all but those of jobs that have
        not ended.
    run : str or int, optional
        As for `Session.run_of`; by default this one.

    Raises
    ------
    NoSuchState, NoSuchRun
        With what there is; nothing is cleared then.
    UsageError
        When a job of one of the cells has not ended.
    """
    session = _notebook_session()
    recorder, of = session.recorder, session.run_of(run)
    session.jobs.meet()  # their answers are among what goes
    recorder.wait()
    archive, is_own = recorder.archive, of.id == recorder.run
    if not is_own and _is_going(of):
        raise UsageError(
            f"run {of.id} is being recorded by another kernel, process"
            f" {of.about['process']['pid']}: end that first, or clear its states there"
        )
    going = [job.n for job in jobs().values() if not job.ended.is_set()] if is_own else []
    if cells is None:
        cells = [n for n in archive.states(of.id) if n not in going]
    if isinstance(cells, (int, str)):
        cells = [cells]
    cells = {resolve_cell(archive, of.id, n) for n in cells}
    if busy := sorted(cells & {*going}):
        raise UsageError(
            f"the job of cell {busy[0]} runs on its state: wait for it, or cancel it, first"
        )
    if is_own:
        # before, for what is interrupted midway has removed something
        recorder.forget(cells)
    cleared = clear(archive, of.id, cells)
    count = len(cleared.states)
    print(f"tmrun: {count} state{'s' * (count != 1)} cleared, {size(cleared.bytes)} freed")


# -- what was recorded


def recorded(run: str | int | None = None) -> tuple[Varchive, Run]:
    """Give this kernel's varchive, with everything written, and a run of it."""
    session = session_of_this_kernel(or_resting=True)
    session.recorder.wait()
    return session.recorder.archive, session.run_of(run)


# -- the panel


def panel() -> None:
    """Show the jobs, live, in this cell."""
    with importable():
        from .panel import Panel

    session = _notebook_session()
    spawner = session.jobs.spawner
    Panel(spawner.announcer, spawner.jobs, go).show()


def go(n: int) -> None:
    """Go back to the state after a cell, while none runs.

    Raises
    ------
    UsageError
        When one runs.
    """
    session = session_of_this_kernel()
    if session.is_in_cell or threading.current_thread() is not threading.main_thread():
        raise UsageError("a cell is running: go back when it has ended")
    session.past(n)


def _is_going(run: Run) -> bool:
    """Whether a process on this machine goes on with a run."""
    told = run.about.get("process")
    if run.end is not None or not told or told["host"] != platform.node():
        return False
    if told["pid"] == os.getpid():
        return False  # an earlier one of this very kernel
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(told["pid"])
        # one that began later has got the number of one that has ended
        is_it: bool = process.create_time() < told["began"] + 1
        return is_it and bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _notebook_session() -> Session:
    """Give this kernel's session, where it may be told what to do."""
    session = session_of_this_kernel()
    session.require_notebook()
    return session
