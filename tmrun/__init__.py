"""tmrun: a time machine for notebooks.

`run` runs a notebook headless and records its variables after every cell; ``%load_ext tmrun``, or
`hook`, does so in a notebook that one works in.  `vars`, `ans` and `open` look at what was
recorded, `past` goes back to it.  Importing this loads nothing of nbclient, IPython or numpy.
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
    from collections.abc import Iterable, Mapping

    from kernel_payload.jobs import Jobs
    from kernel_payload.thaw import Variables

    from .differ import Diff
    from .picture import Timeline
    from .reader import Recording, Runs
    from .report import Report

    archive: Recording
    """In a recorded notebook, what is recorded of it; ``archive.save(path)`` saves it elsewhere."""
    runs: Runs
    """In a recorded notebook, the earlier runs in its varchive: -1, -2, … -> run."""

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
    "archive",
    "clear_past",
    "dict_to_main",
    "diff",
    "dontsave",
    "finished",
    "hook",
    "jobs",
    "notify_jupyter",
    "notify_terminal",
    "open",
    "panel",
    "past",
    "run",
    "running",
    "runs",
    "saving",
    "spawned",
    "timeline",
    "unhook",
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


def vars(path: Any = None, n: int | str | None = None, run: str | int | None = None) -> Variables:
    """Look at the variables after a cell: ``vars(path, n)``; in a recorded notebook ``vars(n)``.

    Parameters
    ----------
    path
        As for `open`; in a recorded notebook by default its own varchive.
    n : int or str
        Cell number (``In [n]``), negative from the end, or a cell's id.
    run : str or int, optional
        As for `open`; without a path as for `past`.

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
    UsageError
        When no cell is given.
    """
    recording, cell = _recorded(path, n, run)
    return recording.vars(cell)


def ans(path: Any = None, n: int | str | None = None, run: str | int | None = None) -> Any:
    """Give the answer of a cell, ``Out[n]``; None when it had none.  Parameters as for `vars`."""
    recording, cell = _recorded(path, n, run)
    return recording.ans(cell)


def timeline(path: Any = None, run: str | int | None = None) -> Timeline:
    """Draw the states of a run: what each cell did to each variable.

    Parameters
    ----------
    path, run
        As for `vars`; in a recorded notebook by default this run.

    Returns
    -------
    Timeline
        As HTML where that can be shown, else as text.
    """
    from .picture import Timeline

    return Timeline(_own(run) if path is None else open(path, run))


def diff(a: Any, b: Any, *, rtol: float = 0.0, atol: float = 0.0) -> Diff:
    """Compare two runs, or two states: cell by cell, variable by variable.

    Cells are matched by id, then by source; values are compared by what they mean.

    Parameters
    ----------
    a, b : path-like, str, Recording or Report
        As for `open`; a str may name a run, ``PATH@RUN``, or a state, ``PATH:N``.
    rtol, atol : float, default 0
        Numbers are equal when ``abs(a - b) <= atol + rtol * abs(a)``; NaN equals NaN.

    Returns
    -------
    Diff
        ``equal``, ``first`` (the first cell where they part), and ``cells`` with their variables.

    Raises
    ------
    NotAVarchive, NoSuchRun, NoSuchState
        When a or b leads to nothing that was recorded.
    UsageError
        For a tolerance below 0.
    """
    from .differ import diff

    return diff(a, b, rtol=rtol, atol=atol)


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
        Another run of the same varchive, by default this one: a run's id, the start of one, its
        place (0: the first), or -1 for the one before this, -2 for that before it, ….

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
    return _payload("wishes").past(n, run)


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
    _payload("wishes").dict_to_main(variables)


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
    return bool(_payload("wishes").wait(timeout))


def notify_terminal(on: bool = True) -> None:
    """Have the end of each job told in the terminal that Jupyter or tmrun was started from.

    It is, unless told otherwise.
    """
    _payload("wishes").notify("terminal", on=on)


def notify_jupyter(on: bool = True) -> None:
    """Have the end of each job told in the cell that runs then, or ran last."""
    _payload("wishes").notify("jupyter", on=on)


def hook(**settings: Any) -> None:
    """Record the variables after every cell of this notebook, from this one on.

    The varchive stands next to the notebook; where its path is not known, in the user's data
    directory.  ``%load_ext tmrun`` does the same.  Where the notebook is recorded already, by
    ``tmrun NOTEBOOK`` say, nothing changes but the settings.

    Parameters
    ----------
    **settings
        ``threads`` (how many jobs at once), ``job_timeout`` (seconds), ``dontsave`` (list of
        patterns of names), ``thorough`` (look at all variables after every cell), ``varchive``
        (where to); see ``%config TimeMachine``.

    Raises
    ------
    UsageError
        For a setting that there is not.
    TmrunError
        When this is no notebook, or no varchive can be written.
    """
    _payload("interactive").begin(settings, {"tmrun": __version__})


def unhook() -> None:
    """Stop recording this notebook, and cancel its jobs; `hook` takes it up again."""
    _payload("interactive").end()


def load_ipython_extension(shell: Any) -> None:
    """Do as `hook`: ``%load_ext tmrun``."""
    hook()


def unload_ipython_extension(shell: Any) -> None:
    """Do as `unhook`: ``%unload_ext tmrun``."""
    unhook()


def saving(on: bool) -> None:
    """Record the variables after each cell from this one on, or do not.

    What cells do that are not recorded is told of the next one that is.  Jobs are recorded anyhow.
    """
    _payload("wishes").saving(on)


def dontsave(*things: Any) -> None:
    """Have variables never recorded from this cell on.

    Parameters
    ----------
    *things
        Names and patterns of names (str): ``dontsave("x", "tmp_*")``; or objects:
        ``dontsave(x)`` is for all variables that are this very object.

    Raises
    ------
    UsageError
        For a value that any variable may have, such as a number: give the name.
    """
    _payload("wishes").dontsave(things)


def clear_past(cells: Iterable[int] | None = None, run: str | int | None = None) -> None:
    """Clear recorded states, and free on disk what only they held.

    Parameters
    ----------
    cells : iterable of int, optional
        Cell numbers; by default all that were recorded.
    run : str or int, optional
        As for `past`.

    Raises
    ------
    NoSuchState
        When one of the cells was not recorded; nothing is cleared then.
    UsageError
        When the job of one of them has not ended.
    """
    _payload("wishes").clear_past(cells, run)


def panel() -> None:
    """Show the jobs of this notebook, live: their output, and buttons to cancel them.

    With buttons where anywidget is installed (``pip install 'tmrun[panel]'``); else a table.
    """
    _payload("wishes").panel()


def _payload(name: str) -> Any:
    """Give a module of the payload that this kernel has."""
    from importlib import import_module

    from kernel_payload.injection import importable

    # the orchestrator may have brought one of its own
    with importable():
        return import_module(f"kernel_payload.{name}")


def _own(run: str | int | None = None) -> Recording:
    """Give a run of this kernel's varchive."""
    from .reader import Recording

    return Recording(*_payload("wishes").recorded(run))


def _recorded(path: Any, n: Any, run: str | int | None) -> tuple[Recording, int | str]:
    if n is not None and path is not None:
        return open(path, run), n
    cell = path if n is None else n
    if cell is None:
        raise UsageError("say which cell: vars(20), or vars(path, 20)")
    return _own(run), cell


def __getattr__(name: str) -> Any:
    if name == "archive":
        return _own()
    if name == "runs":
        from .reader import Runs

        return Runs(_own())
    if name not in ("jobs", "spawned", "running", "finished"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = _payload("wishes").jobs()
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
