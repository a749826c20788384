"""The text of magics: options of ``%past`` and ``%thread``, a job's code, and what is beside it.

Pure.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from .varchive.errors import UsageError

_OPTION = re.compile(r"""--(\w+)(?:(?:=|\s+)("[^"]*"|'[^']*'|\S+))?\s*""")
_NUMBERED = re.compile(r"\bOut\s*\[\s*(\d+)\s*\]|(?<![\w.])_(\d+)\b")
_RECENT = re.compile(r"(?<![\w.])_{1,3}(?!\w)")


@dataclass(frozen=True)
class Wish:
    """What a cell asks to be run.

    Attributes
    ----------
    code, transformed
        As written, and as IPython runs it.
    name, timeout
        Of the job.
    answers
        The numbers of the cells to whose answers it may refer.
    flags
        Those of the shell's compiler.
    sources
        File name, cell number and source of each cell so far, for tracebacks.
    """

    code: str
    transformed: str
    name: str | None
    timeout: float | None
    answers: list[int]
    flags: int
    sources: list[tuple[str, int, str]]


def past_options(line: str) -> tuple[int | str, str | None]:
    """Give the cell and the run of ``%past N [--run RUN]``.

    Raises
    ------
    UsageError
        For what makes no sense.
    """
    words = [word.strip("();,") for word in shlex.split(line, comments=True)]
    match [word for word in words if word]:
        case [cell] if not cell.startswith("--"):
            return _number(cell), None
        case [cell, "--run", run] | ["--run", run, cell]:
            return _number(cell), run
    raise UsageError(
        f"cannot make sense of {line!r}: say %past 3, %past -1, %past $n, or %past 3 --run RUN"
    )


def _number(word: str) -> int | str:
    return int(word) if re.fullmatch(r"[+-]?\d+", word) else word


def thread_options(line: str, *, is_cell: bool) -> tuple[str | None, float | None, str]:
    """Give name, timeout and expression of the line of a ``%thread``, or a ``%%thread``.

    Raises
    ------
    UsageError
        For an option that there is not, a timeout that is none, or what else makes no sense.
    """
    found: dict[str, str] = {}
    rest = line.strip()
    while match := _OPTION.match(rest):
        if match[1] not in ("name", "timeout"):
            raise UsageError(f"%thread has no option --{match[1]}; there are --name and --timeout")
        if match[2] is None or match[2].startswith("--"):
            raise UsageError(f"--{match[1]} takes a value: %%thread --name fit --timeout 60")
        found[match[1]] = match[2].strip("\"'")
        rest = rest[match.end() :]
    timeout = found.get("timeout")
    try:
        seconds = None if timeout is None else float(timeout)
    except ValueError:
        seconds = 0.0
    if seconds is not None and not seconds > 0:
        raise UsageError(f"--timeout takes a number of seconds above 0, not {timeout!r}")
    if is_cell and rest:
        raise UsageError(
            f"cannot make sense of {rest!r}: say %%thread --name NAME --timeout SECONDS,"
            " and the code below; or %thread EXPRESSION"
        )
    return found.get("name"), seconds, rest


def with_lines_of(raw: str, body: str) -> str:
    """Give the body of a cell such that its lines have the numbers that they have in the cell."""
    above = raw.rstrip("\n").count("\n") - body.rstrip("\n").count("\n")
    if above < 1 or body[:1].isspace() or body.startswith("%%"):
        return body
    return "# %%thread\n" + "#\n" * (above - 1) + body


def answers_in(source: str, there: Iterable[int]) -> list[int]:
    """Give the numbers of the cells to whose answers a cell may refer, in order.

    Parameters
    ----------
    source : str
        The cell.
    there : iterable of int
        The cells that have answers.
    """
    numbers = sorted(there)
    found = {int(number) for pair in _NUMBERED.findall(source) for number in pair if number}
    if re.search(r"\b(?:Out|_oh)\b(?!\s*\[\s*\d+\s*\])", source):
        found.update(numbers)
    if _RECENT.search(source):
        found.update(numbers[-3:])
    return [number for number in numbers if number in found]


def beside_thread(source: str) -> str:
    """Give what a cell does beside spawning its job; its source is as IPython has transformed it.

    ::

        get_ipython().run_cell_magic('thread', '', 'fit()')  -->  (nothing)
        x = 5; get_ipython().run_line_magic('thread', 'f(x)') -->  x = 5
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    tree.body = [node for node in tree.body if not _is_thread(node)]
    return ast.unparse(tree)


def _is_thread(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(
            ast.Call(
                ast.Attribute(
                    ast.Call(ast.Name("get_ipython")), "run_cell_magic" | "run_line_magic"
                ),
                [ast.Constant("thread"), *_],
            )
        ):
            return True
    return False
