"""Notebook + options -> what to do. Pure: reads and touches nothing; the runner does."""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernel_payload.varchive.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STDIO = "-"

_SKIP = "skip-execution"
_ALLOW = "raises-exception"
_THREAD = "thread"
_THREAD_MAGIC = re.compile(r"^\s*%%?thread\b", re.M)


@dataclass(frozen=True)
class Options:
    """What was asked for; ``None`` leaves the choice to the notebook, or to the default.

    Attributes
    ----------
    notebook
        Path of the notebook, or ``-`` for standard input.
    output
        Path of the output notebook, or ``-`` for standard output.
    inplace
        Write the output over the notebook.
    kernel
        Name of the kernel to run in.
    cwd
        Directory in which the kernel starts.
    timeout
        Seconds that one cell may run; negative or 0 for no limit.
    notebook_timeout
        Seconds that the whole notebook may run; negative or 0 for no limit.
    startup_timeout
        Seconds that the kernel has to get ready.
    allow_errors
        Go on after a cell that failed.
    parameters
        Values for the notebook's parameters.
    threads
        How many background jobs may run at once; 0: each cell waits for its job.  None: as the
        kernel's configuration says, or as many as there are processors.
    job_timeout
        Seconds that a job may run that does not say it itself; negative or 0 for no limit.
    dontsave
        Patterns of names never to record.
    thorough
        Look at every variable after every cell, whatever it costs.
    record
        Record the variables after every cell.
    """

    notebook: str
    output: str | None = None
    inplace: bool = False
    kernel: str | None = None
    cwd: str | None = None
    timeout: float | None = None
    notebook_timeout: float | None = None
    startup_timeout: float = 60.0
    allow_errors: bool | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    threads: int | None = None
    job_timeout: float | None = None
    dontsave: tuple[str, ...] = ()
    thorough: bool = False
    record: bool = True


@dataclass(frozen=True)
class Plan:
    """What to do: nothing in it is left to be decided.

    Attributes
    ----------
    notebook
        The notebook as it is to be run (its parameters injected); the run fills its outputs.
    name
        The notebook's file name, for people and for the record.
    output
        Where the output notebook goes; None is standard output.
    varchive
        Where the record goes; None is no record.
    cwd
        Directory in which the kernel starts.
    kernel
        Name of the kernel.
    timeout
        Seconds that one cell may run; None is no limit.
    notebook_timeout
        Seconds that the whole notebook may run; None is no limit.
    warnings
        What the user should hear before the run.
    """

    notebook: Any
    name: str
    output: Path | None
    varchive: Path | None
    cwd: Path
    kernel: str
    timeout: float | None
    notebook_timeout: float | None
    startup_timeout: float
    allow_errors: bool
    parameters: Mapping[str, Any]
    threads: int | None
    job_timeout: float | None
    dontsave: tuple[str, ...]
    thorough: bool
    warnings: tuple[str, ...] = ()


def make_plan(notebook: Any, options: Options, *, warnings: Sequence[str] = ()) -> Plan:
    """Decide where everything goes and how the cells are run.

    Parameters
    ----------
    notebook
        The notebook, nbformat 4, with its parameters injected.
    options
        What was asked for.
    warnings
        What came up so far.

    Raises
    ------
    UsageError
        Options that contradict each other, or that cannot be used.
    """
    _check_numbers(options)
    if not options.record:
        _check_no_jobs(notebook)
    output, varchive = places(options)
    asked = _section(notebook, "execution")
    own = "the notebook's metadata.execution.timeout", asked.get("timeout")
    timeout = _timeout(*(own if options.timeout is None else ("timeout", options.timeout)))
    allow = asked.get("allow_errors") if options.allow_errors is None else options.allow_errors
    source = Path() if options.notebook == STDIO else Path(options.notebook).parent
    return Plan(
        notebook=notebook,
        name="standard input" if options.notebook == STDIO else Path(options.notebook).name,
        output=output,
        varchive=varchive if options.record else None,
        cwd=Path(options.cwd) if options.cwd is not None else source,
        kernel=options.kernel or _section(notebook, "kernelspec").get("name") or "python3",
        timeout=timeout,
        notebook_timeout=_timeout("notebook_timeout", options.notebook_timeout),
        startup_timeout=options.startup_timeout,
        allow_errors=bool(allow),
        parameters=dict(options.parameters),
        threads=options.threads,
        job_timeout=_timeout("job_timeout", options.job_timeout),
        dontsave=options.dontsave,
        thorough=options.thorough,
        warnings=tuple(warnings),
    )


def places(options: Options) -> tuple[Path | None, Path]:
    """Options -> the output notebook (None: standard output) and the varchive.

    ::

        study.ipynb                --> study.out.ipynb, study.out.varchive
        study.ipynb -o x/y.ipynb   --> x/y.ipynb, x/y.varchive
        study.ipynb --inplace      --> study.ipynb, study.varchive
        study.ipynb -o -           --> standard output, study.out.varchive
        -                          --> standard output, notebook.out.varchive
    """
    from_stdin = options.notebook == STDIO
    if options.inplace and (options.output is not None or from_stdin):
        what = "standard input" if from_stdin else "--output"
        raise UsageError(f"--inplace and {what} exclude each other; give --output alone")
    source = Path("notebook.ipynb" if from_stdin else options.notebook)
    default = source.with_name(_stem(source.name) + ".out.ipynb")
    if options.inplace:
        return source, _beside(source)
    if options.output == STDIO or (from_stdin and options.output is None):
        return None, _beside(default)
    output = default if options.output is None else Path(options.output)
    if not from_stdin and os.path.normpath(output) == os.path.normpath(source):
        raise UsageError(
            f"{output} is the notebook itself; use --inplace to write over it, or another --output"
        )
    return output, _beside(output)


def runs(cell: Any) -> bool:
    """Whether a cell is executed, by nbformat's and nbclient's conventions."""
    return (
        cell.cell_type == "code"
        and bool(cell.source.strip())
        and _SKIP not in cell.metadata.get("tags", [])
    )


def may_fail(cell: Any, plan: Plan) -> bool:
    """Whether the run goes on when this cell fails."""
    return plan.allow_errors or _ALLOW in cell.metadata.get("tags", [])


def is_job(cell: Any, plan: Plan) -> bool:
    """Whether a cell is to run in the background because its tag says so."""
    return plan.varchive is not None and _THREAD in cell.metadata.get("tags", [])


def language(notebook: Any) -> str:
    """Notebook -> the language it says that it is in, in lower case; "python" if it is silent."""
    name = _section(notebook, "language_info").get("name")
    return str(name or _section(notebook, "kernelspec").get("language") or "python").lower()


def _section(notebook: Any, name: str) -> Mapping[str, Any]:
    section = notebook.metadata.get(name)
    return section if isinstance(section, dict) else {}


def _beside(output: Path) -> Path:
    return output.with_name(_stem(output.name) + ".varchive")


def _stem(name: str) -> str:
    return name[: -len(".ipynb")] if name.endswith(".ipynb") and name != ".ipynb" else name


def _timeout(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError(
            f"{name} is {value!r}, not a number of seconds; give --timeout, or mend the notebook"
        )
    return float(value) if value > 0 else None


def _check_no_jobs(notebook: Any) -> None:
    for place, cell in enumerate(notebook.cells, 1):
        if runs(cell) and _THREAD_MAGIC.search(cell.source):
            raise UsageError(
                f"cell {place} of the notebook is a job (%thread), and a job runs on a recorded"
                " state; run it without --no-record"
            )


def _check_numbers(options: Options) -> None:
    if options.threads is not None and options.threads < 0:
        raise UsageError(f"--threads must be 0 or more, not {options.threads}")
    if not options.startup_timeout > 0:
        raise UsageError(f"--startup-timeout must be above 0, not {options.startup_timeout}")
