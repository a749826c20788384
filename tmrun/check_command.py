"""`tmrun check`: notebooks, one after the other -> what is printed, and the exit status."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernel_payload.varchive.errors import UsageError

from .baseline import SUFFIX, baseline_of, orphans
from .check import check, update
from .check_words import as_data, columns, in_words, markdown, row, workflow_commands
from .checked import Checked
from .diff_words import Line, styled
from .scratch import scratch, temporary_top
from .subject import Settings, baseline_stem

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from .progress import Display

GOOD, BAD, TROUBLE = range(3)
"""Exit statuses: all as before; something differs or failed; something could not be checked."""

_SIGNALLED = 128


def check_command(
    given: list[str],
    *,
    settings: Settings,
    updating: bool,
    output_dir: str | None,
    as_json: bool,
    display: Callable[[], AbstractContextManager[Display]],
) -> int:
    """Check notebooks, or update their baselines; print what became of them.

    Parameters
    ----------
    given : list of str
        Notebooks, and directories that are searched for notebooks with a baseline.
    settings : Settings
        How.
    updating : bool
        Make new baselines.
    output_dir : str, optional
        Where the output notebooks and varchives are kept; otherwise only those are, in a temporary
        place, of notebooks that are not as before.
    as_json : bool
        Print JSON.
    display : callable
        Gives what shows the events of a run.

    Returns
    -------
    int
        The exit status.
    """
    say = (lambda lines: None) if as_json else _print
    found = []
    for checked in _all(given, settings, updating, output_dir, display):
        found.append(checked)
        say(in_words(checked))
        if checked.report is not None and checked.report.signal is not None:
            break
    if as_json:
        print(json.dumps([as_data(each) for each in found], indent=2))
    elif len(found) > 1:
        _print_table(found)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _tell_github(found, as_json)
    return _status(found)


def _all(
    given: list[str],
    settings: Settings,
    updating: bool,
    output_dir: str | None,
    display: Callable[[], AbstractContextManager[Display]],
) -> Iterator[Checked]:
    """Check the notebooks, one after the other."""
    act = update if updating else check
    notebooks = [*dict.fromkeys(_found(given))]
    yield from _orphans(given)
    for notebook, into in zip(notebooks, _places(notebooks, output_dir), strict=True):
        with display() as notify:
            checked = act(notebook, into, settings, notify)
        if output_dir is None and (checked.ok or checked.report is None):
            shutil.rmtree(into, ignore_errors=True)
        yield checked


def _status(found: list[Checked]) -> int:
    stopped = [each.report.signal for each in found if each.report and each.report.signal]
    if stopped:
        return _SIGNALLED + stopped[0]
    if any(each.status in ("error", "no baseline") for each in found):
        return TROUBLE
    if any(each.diff is not None and each.diff.troubled for each in found):
        return TROUBLE
    return GOOD if all(each.ok for each in found) else BAD


def _found(given: list[str]) -> Iterator[Path]:
    for name in given:
        path = Path(name)
        if path.is_dir() and path.name.endswith(SUFFIX):
            raise UsageError(f"{path} is a baseline; name its notebook")
        if not path.is_dir():
            if not path.exists():
                raise UsageError(f"there is no notebook {path}")
            yield path
            continue
        books = [book for book in sorted(path.rglob("*.ipynb")) if _is_source(book, path)]
        those = [book for book in books if baseline_of(book).exists()]
        if not those:
            raise UsageError(
                f"no notebook in {path} has a baseline; name those that are to have one:"
                " tmrun check --update NOTEBOOK"
            )
        yield from those


def _orphans(given: list[str]) -> Iterator[Checked]:
    """Tell of baselines in directories whose notebooks are gone: nothing tests what they hold."""
    for name in given:
        for orphan in orphans(Path(name)) if Path(name).is_dir() else ():
            yield Checked(orphan, "error", "this baseline has no notebook: rename it, or delete it")


def _is_source(book: Path, top: Path) -> bool:
    hidden = any(part.startswith(".") for part in book.relative_to(top).parts)
    return not hidden and not book.name.endswith(".out.ipynb")


def _places(notebooks: list[Path], output_dir: str | None) -> Iterator[Path]:
    """Give a directory for each: where two have one name, in one of its own."""
    stems = [baseline_stem(book) for book in notebooks]
    for place, stem in enumerate(stems):
        if output_dir is None:
            yield scratch(temporary_top(), stem, str(notebooks[place].absolute()))
            continue
        into = Path(output_dir)
        if stem in stems[:place]:
            into /= f"{stem}-{stems[:place].count(stem) + 1}"
        into.mkdir(parents=True, exist_ok=True)
        for name in ("check", "first", "second"):
            shutil.rmtree(into / f"{stem}.{name}.varchive", ignore_errors=True)
        yield into


def _tell_github(found: list[Checked], as_json: bool) -> None:
    # commands are read from either stream, and what is JSON stays JSON
    for each in found:
        for line in workflow_commands(each):
            print(line, file=sys.stderr if as_json else sys.stdout)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(markdown(found))


def _console() -> Any:
    from rich.console import Console

    # what is piped is for grep: lines are not folded to some terminal's width
    return Console(width=None if sys.stdout.isatty() else 1000, highlight=False, markup=False)


def _print(lines: Iterator[Line]) -> None:
    console = _console()
    for style, line in lines:
        console.print(styled(style, line), soft_wrap=not sys.stdout.isatty())


def _print_table(found: list[Checked]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns():
        table.add_column(name, justify="right" if name in ("cells", "seconds") else "left")
    for each in found:
        table.add_row(*map(Text, row(each)))
    console = _console()
    console.print()
    console.print(table)
