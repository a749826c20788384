"""tmrun: a time machine for notebooks.

`run` runs a notebook headless and records its variables after every cell; `vars`, `ans` and
`open` look at what was recorded.  Importing this loads nothing of nbclient, IPython or numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kernel_payload.varchive.errors import (
    CannotLoad,
    Damaged,
    NoSuchRun,
    NoSuchState,
    NoSuchVariable,
    NotAVarchive,
    NotFound,
    NotSaved,
    TmrunError,
    Untrusted,
    UsageError,
)

from .version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kernel_payload.jobs import Jobs
    from kernel_payload.thaw import Variables

    from .reader import Recording
    from .report import Report

    jobs: Jobs
    """In a recorded notebook, its jobs: cell number -> job."""
    spawned: Jobs
    """The same."""
    running: Jobs
    """Those that run now."""
    finished: Jobs
    """Those that have ended, however they did."""

__all__ = [
    "CannotLoad",
    "Damaged",
    "NoSuchRun",
    "NoSuchState",
    "NoSuchVariable",
    "NotAVarchive",
    "NotFound",
    "NotSaved",
    "TmrunError",
    "Untrusted",
    "UsageError",
    "__version__",
    "ans",
    "dict_to_main",
    "finished",
    "jobs",
    "notify_jupyter",
    "notify_terminal",
    "open",
    "past",
    "run",
    "running",
    "spawned",
    "vars",
    "wait",
]


def open(path: Any, run: str | int | None = None, *, trusted: bool = False) -> Recording:
    """Open what a run recorded.

    Parameters
    ----------
    path : path-like, Recording or Report
        A varchive, an output notebook (which knows its varchive), or what `run` returned.
    run : str or int, optional
        A run's id, the start of one, or its place (-1: the latest).  By default the run of the
        output notebook, or the latest of the varchive.
    trusted : bool, default False
        Load even what another user wrote: loading runs code.

    Returns
    -------
    Recording
        With ``states()``, ``state(n)``, ``vars(n)`` and ``ans(n)``.

    Raises
    ------
    NotAVarchive
        When the path leads to no varchive.
    NoSuchRun
        With the runs that there are.
    """
    from .reader import open_recording

    return open_recording(path, run, trusted=trusted)


def vars(path: Any, n: int | str, run: str | int | None = None) -> Variables:
    """Look at the variables after a cell.

    Parameters
    ----------
    path, run
        As for `open`.
    n : int or str
        Cell number (``In [n]``), negative from the end, or a cell's id.

    Returns
    -------
    Variables
        Name -> value; a value is loaded when asked for, ``dict(...)`` loads all.

    Raises
    ------
    NoSuchState
        When cell ``n`` was not recorded.
    NoSuchVariable, NotSaved
        By the mapping, for a name that was not there, or that could not be saved.
    """
    return open(path, run).vars(n)


def ans(path: Any, n: int | str, run: str | int | None = None) -> Any:
    """Give the answer of a cell, ``Out[n]``; None when it had none.  Parameters as for `vars`."""
    return open(path, run).ans(n)


def past(n: int | str, run: str | int | None = None) -> Any:
    """In a recorded notebook, give it the variables that it had after a cell.

    Names made later are gone, changed variables are back, unchanged ones stay the objects that
    they are; so do the random generators and the working directory come back.  Going back is
    recorded like everything else: `past` of a later cell leads forth again.

    Parameters
    ----------
    n : int or str
        Cell number (``In [n]``), negative from the end, or a cell's id.
    run : str or int, optional
        Another run of the same varchive, as for `open`; by default this one.

    Returns
    -------
    object
        The answer of that cell, ``Out[n]``; None when it had none.

    Raises
    ------
    NoSuchState, NoSuchRun
        With what there is.
    CannotLoad, Damaged
        When a value does not load; nothing is changed then.
    """
    from kernel_payload import commands

    return commands.past(n, run)


def dict_to_main(variables: Mapping[str, Any]) -> None:
    """Put variables into the notebook's namespace.

    Parameters
    ----------
    variables : dict
        Name -> value.  What `vars` gives, from whatever archive, is loaded anew, all or nothing,
        and its functions live in the notebook.

    Raises
    ------
    UsageError
        For a key that is no name; nothing is changed then.
    """
    from kernel_payload import commands

    commands.dict_to_main(variables)


def wait(timeout: float | None = None) -> bool:
    """In a recorded notebook, wait until all jobs have ended.

    Parameters
    ----------
    timeout : float, optional
        Seconds; by default as long as it takes.

    Returns
    -------
    bool
        Whether they have.
    """
    from kernel_payload import commands

    return commands.wait(timeout)


def notify_terminal(on: bool = True) -> None:
    """Have the end of each job told in the terminal that Jupyter or tmrun was started from.

    It is, unless told otherwise.
    """
    from kernel_payload import commands

    commands.notify("terminal", on=on)


def notify_jupyter(on: bool = True) -> None:
    """Have the end of each job told in the cell that runs then, or ran last."""
    from kernel_payload import commands

    commands.notify("jupyter", on=on)


def __getattr__(name: str) -> Any:
    if name not in ("jobs", "spawned", "running", "finished"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from kernel_payload import commands

    found = commands.jobs()
    return found if name in ("jobs", "spawned") else getattr(found, name)


def run(notebook: Any, **options: Any) -> Report:
    """Run a notebook and record every cell.

    Parameters
    ----------
    notebook : path-like
        The notebook.
    **options
        Attributes of `tmrun.plan.Options`: ``parameters`` (dict), ``output``, ``kernel``, ``cwd``,
        ``timeout``, ``allow_errors``, ``record`` (False: none), ``dontsave`` (patterns), ….

    Returns
    -------
    Report
        Status, cells, seconds, and the paths of the output notebook and the varchive.  A cell that
        fails raises nothing.

    Notes
    -----
    SIGTERM and SIGHUP stop the run in good order, and are delivered again once all is written.

    Raises
    ------
    UsageError
        When the notebook or an option cannot be used as given.
    """
    from .runner import run_notebook

    return run_notebook(notebook, **options)
