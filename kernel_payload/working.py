"""What is asked of a worker: to get ready, to become that of a job, and to end the work on it."""

from __future__ import annotations

import contextlib
import importlib
import linecache
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from .commands import adopt, finish, shell_of_this_kernel
from .injection import importable
from .names import is_variable
from .settings import TimeMachine
from .shell import Session

if TYPE_CHECKING:
    from .sandbox import Sandbox

_at_work: tuple[Sandbox, Session] | None = None


def warm(libraries: list[str]) -> dict[str, Any]:
    """Get ready to become the worker of a job: import what the notebook has."""
    with importable():
        from . import sandbox  # noqa: F401

    for name in libraries:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    return {}


def work(settings: dict[str, Any]) -> dict[str, Any]:
    """Become the worker of a job, which runs next; settings as for `sandbox.Sandbox`."""
    global _at_work  # noqa: PLW0603  (a worker has one job)
    with importable():
        from .sandbox import Sandbox

    shell = shell_of_this_kernel()
    sandbox = Sandbox(shell.user_ns, partial(is_variable, shell), settings)
    traits = {name: settings[name] for name in ("dontsave", "thorough")}
    session = Session(
        shell,
        sandbox.recorder,
        TimeMachine(**traits),
        source=settings["source"],
        fault_file=settings["fault_file"],
    )
    _at_work = sandbox, session
    for n, answer in sandbox.answers.items():
        session.jobs.take_answer(n, answer)
    recent = reversed(sandbox.answers.values())
    for name, answer in zip(("_", "__", "___"), recent, strict=False):
        shell.user_ns[name] = answer
    adopt(session)
    shell.compile.flags = settings["flags"]
    for name, n, source in settings["sources"]:
        # as IPython does for its own cells
        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
        getattr(shell.compile, "_filename_map", {})[name] = n
    shell.execution_count = settings["n"]
    return {}


def leave(mark: str) -> dict[str, Any]:
    """End the work on a job; give how it went, and what it took.

    Parameters
    ----------
    mark : str
        Written where C code and child processes write: nothing that they wrote comes after it.
    """
    assert _at_work is not None
    sandbox, session = _at_work
    error = session.error
    if isinstance(error, NameError) and (why := sandbox.lacks.get(error.name)):
        print(f"tmrun: a job has what its state holds; {why}", file=sys.stderr)
    usage, end = sandbox.usage(), finish()
    return {"marked": sandbox.mark_streams(mark), **usage, **end}
