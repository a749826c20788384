"""What is asked of a worker: to get ready, to become that of a job, and to end the work on it."""

from __future__ import annotations

import contextlib
import importlib
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from .commands import adopt, finish, shell_of_this_kernel
from .injection import importable
from .names import is_variable
from .shell import IN_A_JOB, TimeMachine
from .varchive.errors import UsageError

if TYPE_CHECKING:
    from .sandbox import Sandbox

_sandbox: Sandbox | None = None


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
    global _sandbox  # noqa: PLW0603  (a worker has one job)
    with importable():
        from .sandbox import Sandbox

    shell = shell_of_this_kernel()
    _sandbox = Sandbox(shell.user_ns, partial(is_variable, shell), settings)
    machine = TimeMachine(shell, _sandbox.recorder, settings)
    for n, answer in _sandbox.answers.items():
        machine.jobs.take_answer(n, answer)
    recent = reversed(_sandbox.answers.values())
    for name, answer in zip(("_", "__", "___"), recent, strict=False):
        shell.user_ns[name] = answer
    adopt(machine, past=_refuse, thread=_refuse)
    shell.compile.flags = settings["flags"]
    shell.execution_count = settings["n"]
    return {}


def leave(mark: str) -> dict[str, Any]:
    """End the work on a job; give how it went, and what it took.

    Parameters
    ----------
    mark : str
        Written where C code and child processes write: nothing that they wrote comes after it.
    """
    assert _sandbox is not None
    error = shell_of_this_kernel().last_execution_result.error_in_exec
    if isinstance(error, NameError) and (why := _sandbox.lacks.get(error.name)):
        print(f"tmrun: a job has what its state holds; {why}", file=sys.stderr)
    return {"marked": _sandbox.mark_streams(mark), **_sandbox.usage(), **finish()}


def _refuse(*_: Any) -> None:
    raise UsageError(IN_A_JOB)
