"""What checking notebooks found, in words: lines, a table, JSON, annotations of GitHub Actions."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .baseline import how_to_update
from .diff_words import Line, of_cell, title
from .picture_words import count, cut, plain

if TYPE_CHECKING:
    from .checked import Checked, CheckedCell
    from .differ import CellDiff

SIDES = ("the baseline", "this run")

BAD = ("different", "failed")
"""Statuses of cells that are not as they should be."""

_STYLES = {"ok": "green", "made": "green", "updated": "yellow", "unchanged": "green"}
_WIDTH = 90
_ANNOTATED = 3  # cells of a notebook: ten are shown of a step, and what parts first is what counts
_SHOWN = 20  # values that were not the same twice


def about_cell(cell: CheckedCell, checked: Checked) -> Iterator[Line]:
    """Say what is wrong with a cell, and how to look at it; nothing when all is well."""
    yield from _wrong(cell, checked)
    if cell.status in BAD:
        yield from _mend(cell, checked)


def _wrong(cell: CheckedCell, checked: Checked) -> Iterator[Line]:
    if cell.status == "failed":
        yield from _failure(cell, checked)
    elif cell.diff is not None:
        yield from of_cell(_told(cell.diff), SIDES)
    for gone in cell.missing:
        yield from of_cell(gone, SIDES)


def _failure(cell: CheckedCell, checked: Checked) -> Iterator[Line]:
    yield "", ""
    yield "bold", f"cell {cell.report.n}" if cell.diff is None else title(cell.diff, SIDES)
    error = cell.report.error
    if error is None or cell.report.status in ("interrupted", "timeout"):
        what = checked.reason
    else:
        what = f"{error.ename}: {error.evalue}"
    yield "red", f"  {plain(cut(what, 3 * _WIDTH))}"
    if error is not None and error.line is not None:
        yield "red", f"    line {error.lineno}: {plain(error.line.strip())}"
    if cell.diff is not None:
        differing = replace(_told(cell.diff), outcomes=None)
        yield from (line for line in of_cell(differing, SIDES) if line[1] and line[0] != "bold")


def _told(found: CellDiff) -> CellDiff:
    """Leave out what was not to be compared."""
    return replace(
        found, variables=tuple(v for v in found.variables if v.kind != "unsaved"), still=()
    )


def _mend(cell: CheckedCell, checked: Checked) -> Iterator[Line]:
    if checked.report is None or checked.report.output is None:
        return
    n, where = cell.report.n, shlex.quote(str(checked.report.output))
    if cell.report.recorded:
        yield "dim", f"  look at its variables: tmrun show {where} {n}"
        yield "dim", f"  load them: tmrun.vars({str(checked.report.output)!r}, {n})"
    if cell.status == "different":
        yield "dim", f"  if it is as it should be: {how_to_update(checked.notebook)}"


def in_words(checked: Checked) -> Iterator[Line]:
    """Say what became of a notebook."""
    style = _STYLES.get(checked.status, "red")
    yield style, f"{plain(str(checked.notebook))}: {_head(checked)}"
    bad = [cell for cell in checked.cells if cell.status in BAD]
    if checked.reason and not bad:
        yield style, f"  {plain(checked.reason, keep=chr(10))}"
    if checked.status in BAD and checked.diff is not None and checked.diff.first is not None:
        yield "bold", f"  they part at {title(checked.diff.first, SIDES)}"
    for gone in checked.missing:
        yield from of_cell(gone, SIDES)
    for cell in checked.cells:
        yield from about_cell(cell, checked) if cell in bad[:1] else _wrong(cell, checked)
    if checked.status == "updated" and checked.diff is not None:
        for found in checked.diff.cells:
            yield from of_cell(_told(found), ("the old baseline", "the new one"))
    if checked.unsteady:
        yield from _unsteady(checked)
    for note in checked.notes:
        yield "yellow", f"  {plain(note)}"


def _head(checked: Checked) -> str:
    ran = sum(cell.report.seconds is not None for cell in checked.cells)
    took = f" in {checked.report.seconds:.1f} s" if checked.report is not None else ""
    if checked.status in ("made", "updated", "unchanged"):
        return f"its baseline is {checked.status}{took}"
    if checked.status in ("ok", "different", "failed") and ran:
        left_out = f", {checked.ignored} left out as unsteady" if checked.ignored else ""
        found = [cell.status for cell in checked.cells]
        bad = [f"{found.count(kind)} {kind}" for kind in ("failed", "different") if kind in found]
        return f"{', '.join(bad) or checked.status}, {count(ran, 'cell')}{took}{left_out}"
    return checked.status


def _unsteady(checked: Checked) -> Iterator[Line]:
    found = checked.unsteady
    yield "yellow", f"  {count(len(found), 'value')} not the same in two runs, and left out:"
    for each in found[:_SHOWN]:
        values = " -> ".join(cut(text, _WIDTH // 2) for text in (each.a, each.b) if text)
        yield "yellow", f"    cell {each.n}: {plain(each.path)}: {each.kind} ({plain(values)})"
    if len(found) > _SHOWN:
        yield "yellow", f"    and {len(found) - _SHOWN} more"
    yield "dim", "  seed it, or say so in the metadata of these cells:"
    cells: dict[int, list[str]] = {}
    for each in found:
        cells.setdefault(each.n, []).append(each.path)
    for n, paths in [*cells.items()][:_SHOWN]:
        said = json.dumps({"tmrun": {"ignore": paths}}, ensure_ascii=False)
        yield "dim", f"    cell {n}: {plain(said)[1:-1]}"


def columns() -> tuple[str, ...]:
    """Give the heads of the columns of the table."""
    return "notebook", "status", "cells", "not as before", "seconds", "first"


def row(checked: Checked) -> tuple[str, ...]:
    """Give what the table says of a notebook."""
    bad = [cell for cell in checked.cells if cell.status in BAD]
    ran = sum(cell.report.seconds is not None for cell in checked.cells)
    seconds = "" if checked.report is None else f"{checked.report.seconds:.1f}"
    first = f"cell {bad[0].report.n}" if bad else ""
    if bad and checked.diff is not None and checked.diff.first is not None:
        first = title(checked.diff.first, SIDES)
    return (
        str(checked.notebook),
        checked.status,
        str(ran or ""),
        str(len(bad) or ""),
        seconds,
        plain(cut(first, _WIDTH)),
    )


def as_data(checked: Checked) -> dict[str, Any]:
    """Give what became of a notebook as plain data."""
    report = checked.report
    return {
        "notebook": str(checked.notebook),
        "status": checked.status,
        "reason": checked.reason,
        "seconds": None if report is None else report.seconds,
        "output": None if report is None or report.output is None else str(report.output),
        "cells": [
            {"n": cell.report.n, "id": cell.report.id, "status": cell.status}
            | {"diff": None if cell.diff is None else asdict(cell.diff)}
            | {"missing": [asdict(gone) for gone in cell.missing]}
            for cell in checked.cells
        ],
        "missing": [asdict(gone) for gone in checked.missing],
        "unsteady": [asdict(each) for each in checked.unsteady],
        "notes": [*checked.notes],
    }


# -- GitHub Actions


def workflow_commands(checked: Checked) -> Iterator[str]:
    """Give workflow commands: an error at each cell where something is wrong."""
    bad = [cell for cell in checked.cells if cell.status in BAD]
    for cell in bad[:_ANNOTATED]:
        text = "\n".join(line.strip() for _, line in about_cell(cell, checked) if line)
        line = line_of(checked.notebook, cell.report.index, cell.report.id)
        yield _annotation(checked, f"{checked.notebook.name}, cell {cell.report.n}", text, line)
    if not checked.ok and not bad:
        text = checked.reason or checked.status
        yield _annotation(checked, checked.notebook.name, text, 1)


def _annotation(checked: Checked, head: str, text: str, line: int) -> str:
    place = Path(os.path.abspath(checked.notebook))  # noqa: PTH100  (symlinks stay as they are)
    top = os.environ.get("GITHUB_WORKSPACE")
    if top and place.is_relative_to(top):
        place = place.relative_to(top)
    where = f"file={_escaped(str(place), ',:')},line={line},title={_escaped(head, ',:')}"
    return f"::error {where}::{_escaped(text)}"


def _escaped(text: str, more: str = "") -> str:
    for sign in "%\r\n" + more:
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


_CELL = re.compile(r'"cell_type"\s*:')


def line_of(notebook: Path, index: int, cell_id: str | None) -> int:
    """Give the line of a notebook's file where a cell is: of its id, or of its type."""
    text = notebook.read_text("utf-8", errors="replace")
    found = re.search(rf'"id"\s*:\s*{re.escape(json.dumps(cell_id))}', text) if cell_id else None
    if found is None:
        found = next((m for i, m in enumerate(_CELL.finditer(text)) if i == index), None)
    return 1 if found is None else text.count("\n", 0, found.start()) + 1


def markdown(all_checked: list[Checked]) -> str:
    """Give the table for the summary of a job."""
    rows = [columns(), ("---",) * len(columns()), *map(row, all_checked)]
    lines = ("| " + " | ".join(cell.replace("|", "\\|") for cell in each) + " |" for each in rows)
    return "\n".join(lines) + "\n"
