"""Options -> plan, with the disk: reads the notebook, and refuses early what cannot end well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_payload.varchive import Varchive
from kernel_payload.varchive.errors import NotAVarchive, UsageError

from .notebook import read as read_notebook
from .parameters import check as check_parameters
from .parameters import inject
from .plan import STDIO, make_plan

if TYPE_CHECKING:
    from pathlib import Path

    from .plan import Options, Plan


def prepare(options: Options) -> Plan:
    """Read the notebook and decide what to do with it.

    Raises
    ------
    UsageError
        The options, the parameters or the notebook cannot be used.
    """
    check_parameters(options.parameters)
    source = read_notebook(options.notebook)
    parametrised, warnings = inject(source, options.parameters)
    plan = make_plan(parametrised, options, warnings=warnings)
    if not plan.cwd.is_dir():
        raise UsageError(f"{plan.cwd} is no directory to run in; give another --cwd")
    if plan.output is not None:
        _check_output(plan.output, options)
    if plan.varchive is not None:
        _check_varchive(plan.varchive)
    return plan


def _check_output(output: Path, options: Options) -> None:
    mend = "give another --output"
    if not output.parent.is_dir():
        raise UsageError(f"there is no directory {output.parent} to write to; make it, or {mend}")
    if output.is_dir():
        raise UsageError(f"{output} is a directory; give --output the name of a notebook")
    if output.exists() and not output.is_file():
        raise UsageError(
            f"{output} is no regular file, and no varchive can stand beside it; use -o - for "
            "standard output, and --no-record to run without a record"
        )
    if options.inplace or options.notebook == STDIO or not output.exists():
        return
    if output.samefile(options.notebook):
        raise UsageError(
            f"{output} is the notebook itself; use --inplace to write over it, or {mend}"
        )


def _check_varchive(varchive: Path) -> None:
    if not varchive.exists():
        return
    try:
        Varchive.create(varchive)
    except NotAVarchive as error:
        raise UsageError(f"{error}; or give another --output, or --no-record") from None
    except OSError:
        pass  # the payload will stop for the same reason, and the report says so
