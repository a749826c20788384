"""`tmrun diff`: what differs, in words or as JSON, and the exit status."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .differ import CellDiff, Diff, Side, diff
from .difference import KINDS, Amount, Comparison, Difference
from .picture_words import count, cut, plain
from .variable_diff import VariableDiff

if TYPE_CHECKING:
    from rich.text import Text

EQUAL, DIFFERENT, TROUBLE = range(3)
"""Exit statuses, as those of diff."""

Line = tuple[str, str]
"""A style of rich's, and a text."""

Sides = tuple[str, str]
"""What A and B are called."""

SIDES: Sides = ("A", "B")

_SHOWN = 3  # differences of one variable
_NAMES = 8
_WIDTH, _LINE = 90, 60
_MARKS = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "changed": ("~", "yellow"),
    "unknown": ("?", "magenta"),
    "unsaved": ("?", "dim"),
}


def diff_command(a: str, b: str, *, rtol: float, atol: float, as_json: bool) -> int:
    """Print what differs between two references; give the exit status."""
    found = diff(a, b, rtol=rtol, atol=atol)
    if as_json:
        print(json.dumps(as_data(found), indent=2))
    else:
        _print(found)
    return exit_status(found)


def exit_status(found: Diff) -> int:
    """Diff -> exit status: 0 equal, 1 different, 2 when something could not be compared."""
    if found.troubled:
        return TROUBLE
    return EQUAL if found.equal else DIFFERENT


def as_data(found: Diff) -> dict[str, Any]:
    """Give a diff as plain data."""
    first = found.first
    return {
        "equal": found.equal,
        "troubled": found.troubled,
        "first": None if first is None else {"a": first.a, "b": first.b},
        **asdict(found),
    }


def in_words(found: Diff) -> Iterator[Line]:
    """Say what differs: where the two part, and then cell by cell."""
    yield "bold", f"A  {_side(found.a)}"
    yield "bold", f"B  {_side(found.b)}"
    if found.first is not None:
        named = found.a.cell is not None and found.b.cell is not None
        where = "They differ" if named else f"They part at {title(found.first)}"
        yield "bold", where
    for cell in found.cells:
        yield from of_cell(cell)
    yield "", ""
    yield "bold", _sum(found)


def _side(side: Side) -> str:
    cell = "" if side.cell is None else f", cell {side.cell}"
    return plain(f"{side.varchive}, run {side.run}{cell}")


def title(cell: CellDiff, sides: Sides = SIDES) -> str:
    """Name a cell: its numbers, and the first line of its source."""
    line, (a, b) = plain(cut(cell.first_line, _LINE)), sides
    if cell.a is None or cell.b is None:
        alone = f"{cell.a}, which only {a}" if cell.b is None else f"{cell.b}, which only {b}"
        return f"cell {alone} has: {line}"
    number = f"cell {cell.a}" if cell.a == cell.b else f"cell {cell.a} of {a}, {cell.b} of {b}"
    return f"{number}: {line}" + (" (edited)" if cell.edited else "")


def of_cell(cell: CellDiff, sides: Sides = SIDES) -> Iterator[Line]:
    """Say what differs after a cell; nothing when nothing comes to differ."""
    if not cell.parts and not cell.troubled and not cell.variables:
        return
    yield "", ""
    yield "bold", title(cell, sides)
    if cell.trouble is not None:
        yield "magenta", f"  ? not compared: {plain(cell.trouble)}"
    if cell.outcomes is not None:
        a, b = (plain(cut(text, _WIDTH)) for text in cell.outcomes)
        yield "yellow", f"  ~ it ended: {a} -> {b}"
    for variable in cell.variables:
        yield from _of_variable(variable, sides)
    if cell.still:
        more = len(cell.still) - _NAMES
        names = ", ".join(cell.still[:_NAMES]) + (f" and {more} more" if more > 0 else "")
        yield "dim", f"    still different: {plain(names)}"


def _of_variable(found: VariableDiff, sides: Sides) -> Iterator[Line]:
    mark, style = _MARKS[found.kind]
    head, name = f"  {mark} ", plain(found.name)
    if found.comparison is not None and found.comparison.count:
        yield from _of_values((head, style, name), found.comparison, sides)
        if found.reason:
            yield "dim", f"    not loaded: {plain(found.reason)}"
    elif found.kind in ("unknown", "unsaved"):
        yield style, f"{head}{name}: not compared: {plain(cut(found.reason, 3 * _WIDTH))}"
    else:
        texts = (plain(cut(text, _WIDTH)) for text in (found.a, found.b) if text)
        yield style, f"{head}{name}: {' -> '.join(texts)}"


def _of_values(about: tuple[str, str, str], found: Comparison, sides: Sides) -> Iterator[Line]:
    head, style, name = about
    first, *others = found.differences[:_SHOWN]
    yield style, f"{head}{name}{difference(first, sides)}"
    for other in others:
        yield style, f"{' ' * len(head)}{name}{difference(other, sides)}"
    if (more := found.count - 1 - len(others)) > 0:
        least = "" if found.complete else " at least"
        yield style, f"{' ' * len(head)}and {count(more, 'more difference')}{least}"
    for part in found.unknown[:_SHOWN]:
        yield "magenta", f"  ? {name}{plain(part.path)}: not compared: {plain(part.reason)}"


def difference(found: Difference, sides: Sides = SIDES) -> str:
    """Say one difference: its path, what is there in A and B, and how far that is apart."""
    path, kind = plain(found.path), KINDS[found.kind].format(a=sides[0], b=sides[1])
    a, b = (plain(cut(text, _WIDTH)) for text in (found.a, found.b))
    if found.kind in ("missing", "added"):
        return f"{path}: {kind}: {a or b}"
    what = "" if found.kind in ("value", "type") else f"{kind}: "
    change = kind if found.kind == "code" and a == b else f"{what}{a} -> {b}"
    return f"{path}: {change}{_amount(found.amount)}"


def _amount(amount: Amount | None) -> str:
    if amount is None:
        return ""
    told = [f"{amount.elements} of {amount.of} elements differ"] if amount.of > 1 else []
    most = "at most " if amount.elements > 1 else ""
    for name in ("absolute", "relative"):
        value, at = getattr(amount, name), getattr(amount, f"{name}_at")
        if value is not None:
            where = f" at {plain(at)}" if amount.elements > 1 else ""
            told.append(f"{name} {most}{value:.3g}{where}")
    return f" ({'; '.join(told)})" if told else ""


def _sum(found: Diff) -> str:
    cells = count(len(found.cells), "cell")
    differing = sum(cell.differs for cell in found.cells)
    troubled = sum(cell.troubled for cell in found.cells)
    said = f"different: {differing} of {cells}" if differing else f"no difference in {cells}"
    return said + (f"; {count(troubled, 'cell')} could not be compared wholly" if troubled else "")


def _print(found: Diff) -> None:
    from rich.console import Console

    # what is piped is for grep: lines are not folded to some terminal's width
    console = Console(width=None if sys.stdout.isatty() else 1000, highlight=False, markup=False)
    for style, line in in_words(found):
        console.print(styled(style, line), soft_wrap=not sys.stdout.isatty())


def styled(style: str, line: str) -> Text:
    """Give a line as rich prints it."""
    from rich.text import Text

    return Text(line, style=style)
