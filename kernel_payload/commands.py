"""What can be asked of this kernel's time machine: by requests from outside, and by cells."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from typing import Any

from .shell import TimeMachine, is_name
from .telling import about_this_kernel
from .thaw import Variables
from .travel import put_variables
from .varchive.errors import TmrunError, UsageError

_machine: TimeMachine | None = None
_stopped: str | None = None  # why there is no time machine although one was asked for


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
    shell = _shell()
    if shell is None:
        raise TmrunError("this kernel is no IPython kernel; run it with --no-record")
    told = {"run": settings["run"], **about_this_kernel()}
    try:
        machine = TimeMachine(shell, settings)
    except OSError as error:
        # the notebook goes on without a record, and who asked for one is told
        _stopped = f"the varchive cannot be written: {error}"
        return {**told, "stopped": _stopped}
    machine.hook({"past": _past_magic})
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
    shell = _shell()
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


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _number(word: str) -> int | str:
    return int(word) if re.fullmatch(r"[+-]?\d+", word) else word


def _not_recorded() -> dict[str, Any]:
    if _stopped is None:
        raise TmrunError("this kernel is not recorded")
    return {"states": 0, "bytes": 0, "stopped": _stopped}
