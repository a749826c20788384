"""The command line: parse, call, print, exit code. Only this module prints.

Everything heavy is imported by the command that needs it, so that ``tmrun --help`` is quick.
"""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from kernel_payload.varchive.errors import TmrunError, UsageError

from .version import __version__

if TYPE_CHECKING:
    from typing import IO

    from .progress import Display
    from .report import CellReport, Report

_STATUS = {"ok": 0, "failed": 1, "died": 1, "timeout": 1, "interrupted": 130}
_BAD_USAGE = 2
_NAMES = 8  # of variables that could not be saved, in the summary
_INTERRUPTED = 130
_SIGNALLED = 128
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Door(click.Group):
    """A group in which ``tmrun NOTEBOOK ...`` is short for ``tmrun run NOTEBOOK ...``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {*self.commands, "-h", "--help", "--version"}
        if args and args[0] not in known:
            self._suggest(args[0])
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def _suggest(self, name: str) -> None:
        if name.startswith("-") or Path(name).exists():
            return
        if near := get_close_matches(name, self.commands, 1):
            raise UsageError(f"there is no notebook {name}; did you mean tmrun {near[0]}?")


def exit_status(report: Report) -> int:
    """Report -> exit status: 0, 1, 130 (Ctrl-C), 143 (SIGTERM) or 129 (SIGHUP)."""
    if report.signal is not None:
        return _SIGNALLED + report.signal
    if not report.complete or not report.written:
        return 1
    return _STATUS[report.status]


@click.group(cls=_Door, context_settings=_CONTEXT, no_args_is_help=True)
@click.version_option(__version__, prog_name="tmrun", message="%(prog)s %(version)s")
def cli() -> None:
    """Run a notebook headless and record its variables after every cell.

    `tmrun NOTEBOOK` is short for `tmrun run NOTEBOOK`; see `tmrun run --help`.
    """


_PAIR: dict[str, Any] = {"nargs": 2, "multiple": True, "metavar": "NAME VALUE"}


@cli.command(context_settings=_CONTEXT)
@click.argument("notebook")
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="Output notebook [default: NAME.out.ipynb]; - for stdout.",
)
@click.option("--inplace", is_flag=True, help="Write the output over the notebook.")
@click.option("-k", "--kernel", help="Kernel to run in [default: the notebook's own].")
@click.option("--cwd", help="Directory to run in [default: the notebook's].")
@click.option("--timeout", type=float, help="Seconds that a cell may run; -1 for no limit.")
@click.option(
    "--startup-timeout",
    type=float,
    default=60.0,
    show_default=True,
    help="Seconds that the kernel has to get ready.",
)
@click.option(
    "--allow-errors/--no-allow-errors", default=None, help="Go on after a cell that failed."
)
@click.option(
    "-p", "--parameters", **_PAIR, help="Set a parameter; None, booleans and numbers are typed."
)
@click.option("-r", "--parameters-raw", **_PAIR, help="Set a parameter to a text.")
@click.option(
    "-y", "--parameters-yaml", multiple=True, metavar="YAML", help="Set parameters from YAML."
)
@click.option(
    "-f",
    "--parameters-file",
    multiple=True,
    metavar="PATH",
    help="Set parameters from a YAML or JSON file.",
)
@click.option(
    "--threads",
    type=int,
    help="How many background jobs may run at once [default: the number of processors]; "
    "0: each cell waits for its job.",
)
@click.option(
    "--job-timeout",
    type=float,
    help="Seconds that a background job may run [default: no limit].",
)
@click.option(
    "--dontsave",
    multiple=True,
    metavar="PATTERN",
    help="Names never to record: a glob, as 'tmp_*'; may be repeated.",
)
@click.option(
    "--thorough", is_flag=True, help="Look at every variable after every cell, whatever it costs."
)
@click.option("--no-record", is_flag=True, help="Run the notebook without recording it.")
@click.option("--no-progress", is_flag=True, help="Show no progress bar.")
@click.option("--log-output", is_flag=True, help="Write what the cells print to stderr.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.option("-v", "--verbose", count=True, help="Write a line per cell.")
def run(**given: Any) -> None:
    """Run NOTEBOOK, record it, and write NAME.out.ipynb and NAME.out.varchive next to it.

    NOTEBOOK may be - for standard input; the output then goes to standard output.

    Exit status: 0; 1 when a cell failed (unless allowed), the kernel died or the record is
    incomplete; 2 when something is wrong with the options or the notebook; 130 on Ctrl-C, 143 on
    SIGTERM, 129 on SIGHUP.
    """
    # what validates notebooks would compile a grammar of IRIs, which takes seconds; none has any
    sys.modules.setdefault("rfc3987_syntax", cast("Any", None))

    from .parameters import collect
    from .plan import Options
    from .runner import run as run_notebook

    quiet = given["quiet"]
    if quiet and given["verbose"]:
        raise UsageError("--quiet and --verbose exclude each other; give one of them")
    options = Options(
        notebook=given["notebook"],
        output=given["output"],
        inplace=given["inplace"],
        kernel=given["kernel"],
        cwd=given["cwd"],
        timeout=given["timeout"],
        startup_timeout=given["startup_timeout"],
        allow_errors=given["allow_errors"],
        parameters=collect(
            files=given["parameters_file"],
            yamls=given["parameters_yaml"],
            typed=given["parameters"],
            raw=given["parameters_raw"],
        ),
        threads=given["threads"],
        job_timeout=given["job_timeout"],
        dontsave=given["dontsave"],
        thorough=given["thorough"],
        record=not given["no_record"],
    )
    with _display(given) as display:
        report = run_notebook(options, display)
    status = exit_status(report)
    if status or not quiet:
        _say(_summary(report) if not status else _failure(report))
    sys.exit(status)


@cli.command(context_settings={**_CONTEXT, "ignore_unknown_options": True})
@click.argument("path")
@click.argument("n", required=False)
@click.option(
    "--run",
    "run_id",
    help="Which run: its id, the start of it, or its place (0: the first, -1: the latest) "
    "[default: the notebook's own; of a varchive the latest].",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
def show(path: str, n: str | None, run_id: str | None, as_json: bool) -> None:
    """Show the runs and cells recorded in PATH, or the variables after cell N.

    PATH is a varchive or an output notebook; N is a cell number, negative from the end, or a
    cell's id. Nothing that was recorded is executed.
    """
    from .show import show_command

    number = n is not None and n.removeprefix("-").isdecimal()
    show_command(path, int(n) if n is not None and number else n, run_id, as_json)


@cli.command(context_settings=_CONTEXT)
@click.argument("a")
@click.argument("b")
@click.option("--rtol", type=float, default=0.0, help="Numbers may differ by this times A.")
@click.option("--atol", type=float, default=0.0, help="Numbers may differ by this.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
def diff(a: str, b: str, rtol: float, atol: float, as_json: bool) -> None:
    """Compare what A and B recorded: cell by cell, variable by variable.

    A and B are varchives, output notebooks, runs (PATH@RUN) or states (PATH:N). Values are compared
    by what they mean; where two of them are not known to be equal, they are loaded.

    Exit status: 0 when all is equal, 1 when something differs, 2 when something could not be
    compared.
    """
    from .diff_words import diff_command

    try:
        status = diff_command(a, b, rtol=rtol, atol=atol, as_json=as_json)
    except (TmrunError, PermissionError) as error:
        _say(f"tmrun: {error}")
        status = _BAD_USAGE  # 1 would say that they differ
    sys.exit(status)


@cli.command(context_settings=_CONTEXT)
@click.argument("notebooks", nargs=-1, required=True)
@click.option("--update", is_flag=True, help="Run each twice, and make its baseline anew.")
@click.option("--rtol", type=float, default=0.0, help="Numbers may differ by this times A.")
@click.option("--atol", type=float, default=0.0, help="Numbers may differ by this.")
@click.option(
    "-o",
    "--output-dir",
    help="Where output notebooks and varchives go [default: a temporary place, kept when "
    "something differs].",
)
@click.option("-k", "--kernel", help="Kernel to run in [default: the notebook's own].")
@click.option("--cwd", help="Directory to run in [default: the notebook's].")
@click.option("--timeout", type=float, help="Seconds that a cell may run; -1 for no limit.")
@click.option("--notebook-timeout", type=float, help="Seconds that a whole notebook may run.")
@click.option("--startup-timeout", type=float, default=60.0, help="Seconds for the kernel's start.")
@click.option("--threads", type=int, help="How many background jobs may run at once.")
@click.option("--job-timeout", type=float, help="Seconds that a background job may run.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
def check(notebooks: tuple[str, ...], **given: Any) -> None:
    """Run NOTEBOOKS and compare what they compute with their baselines.

    The baseline of NAME.ipynb is NAME.baseline.varchive, which --update makes: keep it in git. Of a
    directory, those of its notebooks are checked that have a baseline.

    Exit status: 0 when all is as before, 1 when something differs or a cell fails, 2 when something
    could not be checked.
    """
    # see `run`
    sys.modules.setdefault("rfc3987_syntax", cast("Any", None))

    from .check_command import check_command
    from .subject import Settings

    passed = ("kernel", "cwd", "timeout", "notebook_timeout", "startup_timeout", "threads")
    options = {name: given[name] for name in (*passed, "job_timeout")}
    quiet = {"quiet": not sys.stderr.isatty(), "verbose": 0, "no_progress": False}
    status = check_command(
        [*notebooks],
        settings=Settings(given["rtol"], given["atol"], None, options),
        updating=given["update"],
        output_dir=given["output_dir"],
        as_json=given["as_json"],
        display=lambda: _display({**quiet, "log_output": False}),
    )
    sys.exit(status)


def main() -> None:
    """Run the command line and exit."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(_INTERRUPTED)
    except TmrunError as error:
        _say(f"tmrun: {error}")
        sys.exit(_BAD_USAGE if isinstance(error, UsageError) else 1)
    except BrokenPipeError:
        # whoever read our stdout is gone; Python must not complain when it closes it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _display(given: dict[str, Any]) -> Display:
    from .progress import Bar, Lines

    verbosity = -1 if given["quiet"] else given["verbose"]
    wanted = verbosity >= 0 and not given["no_progress"] and not given["log_output"]
    if wanted and sys.stderr.isatty():
        return Bar(_print_notebook, verbosity=verbosity)
    log_output = given["log_output"]
    return Lines(_write, _print_notebook, verbosity=verbosity, log_output=log_output)


def _summary(report: Report) -> str:
    from .progress import counted

    ran = sum(cell.seconds is not None for cell in report.cells)
    allowed = sum(cell.status == "allowed" for cell in report.cells)
    text = f"tmrun: {counted(ran, 'cell')} in {report.seconds:.1f} s"
    if allowed:
        text += f" ({allowed} failed, as allowed)"
    if report.output is not None:
        text += f" -> {report.output}"
    if report.varchive is not None:
        text += f", {report.varchive}"
    if unsaved := list(dict.fromkeys(name for cell in report.cells for name in cell.unsaved)):
        told = ", ".join(unsaved[:_NAMES]) + (", …" if len(unsaved) > _NAMES else "")
        text += f"\n  {counted(len(unsaved), 'variable')} could not be saved: {told}"
        text += f" (why: tmrun show {report.output or report.varchive} CELL)"
    return text


def _failure(report: Report) -> str:
    lines = [f"tmrun: {report.reason or report.status}"]
    cell = report.stopped_at
    if cell is not None and cell.error is not None and cell.error.line is not None:
        lines.append(f"  line {cell.error.lineno}: {cell.error.line.strip()}")
    lines += _look(report, cell)
    if report.output is not None:
        lines.append(f"  written so far: {report.output}")
    return "\n".join(lines)


def _recorded(report: Report) -> list[int]:
    """Give the cells that the varchive really holds: the payload announces one before it is."""
    from kernel_payload.varchive import Varchive

    if report.varchive is None or report.run is None:
        return []
    try:
        return Varchive.at(report.varchive).states(report.run)
    except (TmrunError, OSError):
        return []


def _look(report: Report, cell: CellReport | None) -> list[str]:
    recorded = _recorded(report)
    if not recorded:
        return []
    where = report.output or report.varchive
    if cell is not None and cell.n in recorded:
        return [f"  look at its variables: tmrun show {where} {cell.n}"]
    return [f"  the last state recorded is that of cell {recorded[-1]}: tmrun show {where}"]


def _say(text: str) -> None:
    _write(text + "\n")


def _write(text: str) -> None:
    from .progress import Stderr

    click.echo(text, cast("IO[str]", Stderr()), nl=False)


def _print_notebook(text: str) -> None:
    from .notebook import encode

    sys.stdout.buffer.write(encode(text))
    sys.stdout.flush()
