"""A grid as HTML: a plain table, and below it the data for what a click shows.

`picture.css` gives it its looks and `picture.js` only what a click shows, so that it says the same
where neither is let in.  What it says of cells and variables is left to `picture_words`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from kernel_payload.card import duration, size

from .grid import ABSENT, KINDS, Grid, Row, Span, value
from .picture_words import NAME, cell_facts, cut, entry_facts, in_words, plain, told
from .show import first_line
from .tree import rails

Json = dict[str, Any]

_LINE = 60  # characters that are shown of a source
_FILES = Path(__file__).parent


def as_html(grid: Grid, head: Sequence[str]) -> str:
    """Draw a grid below the lines of its head; one without cells is only its head."""
    # anew for each showing: one picture may stand on a page twice
    identity = f"tmrun-{secrets.token_hex(8)}"
    said = "<br>".join(map(escape, head))
    if not grid.rows:
        return f'<div id="{identity}" class="tmrun-timeline">{said}</div>'
    style, script = (
        (_FILES / name).read_text(encoding="utf-8").replace("TIMELINE", identity)
        for name in ("picture.css", "picture.js")
    )
    return (
        f'<div id="{identity}" class="tmrun-timeline"><style>{style}</style>'
        f"<p>{said}</p>{_table(grid)}{_key(grid)}"
        '<div class="tmrun-variables" aria-live="polite"></div>'
        f'<script type="application/json">{_embedded(_data(grid))}</script></div>'
        f"<script>{script}</script>"
    )


# -- the table


def _table(grid: Grid) -> str:
    names = "".join(
        f'<th scope="col" data-v="{place}" title="{_escape(name)}">'
        f"<span>{_escape(cut(name, NAME))}</span></th>"
        for place, name in enumerate(grid.columns)
    )
    squares: list[list[str]] = [[] for _ in grid.rows]
    for place, (name, spans) in enumerate(grid.columns.items()):
        for span in spans:
            squares[span.start].append(_square(place, name, span, grid.rows[span.start]))
    body = "".join(map("<tr>{}{}</tr>".format, _heads(grid), map("".join, squares)))
    return (
        '<div class="tmrun-scroll"><table class="tmrun-grid"><thead><tr><th scope="col">cell</th>'
        '<th scope="col">time</th><th scope="col" title="bytes of the variables">size</th>'
        f'<th scope="col" title="bytes that the cell stored">stored</th>{names}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _heads(grid: Grid) -> Iterator[str]:
    """Give what stands before the squares of each row."""
    rows = grid.rows
    most = [max(row.size for row in rows), max(row.state.bytes for row in rows)]
    for row, rail in zip(rows, _rails(rows), strict=True):
        state, words = row.state, ", ".join(in_words(row))
        failed = " tmrun-failed" if {"x", "?"} & {*row.marks} else ""
        bars = zip((row.size, state.bytes), most, strict=True)
        yield (
            f'<th scope="row"><div class="tmrun-cell{failed}" data-n="{state.n}" role="button"'
            f' tabindex="0" title="{escape(words)}"><b>{state.n}</b>'
            f' <span class="tmrun-rail">{rail}</span> '
            f"<code>{_escape(cut(first_line(state.source), _LINE))}</code> "
            f'<span class="tmrun-mark">{escape(words)}</span></div></th>'
            f"<td>{duration(state.seconds)}</td>" + "".join(_bar(*bar) for bar in bars)
        )


def _bar(count: int, most: int) -> str:
    share = round(100 * count / most) if most else 0
    return (
        f'<td class="tmrun-bar" style="--share:{share}%" title="{count} bytes">{size(count)}</td>'
    )


def _rails(rows: list[Row]) -> list[str]:
    places: dict[object, int] = {row.state.n: place for place, row in enumerate(rows)}
    jobs = [place for place, row in enumerate(rows) if row.is_job]
    return rails([places.get(row.state.parent) for row in rows], jobs)


def _square(place: int, name: str, span: Span, row: Row) -> str:
    rows = f' rowspan="{span.rows}"' if span.rows > 1 else ""
    if span.kind == ABSENT:
        return f"<td{rows}></td>"
    # the power of ten of its size: how full the square is
    power = len(str(span.entry.size)) if span.entry else 0
    return (
        f'<td{rows} class="tmrun-{KINDS[span.kind].replace(" ", "-")}" data-v="{place}"'
        f' data-s="{min(power, 9)}" title="{_escape(told(name, span, row.state.n))}">'
        f"{span.kind}</td>"
    )


def _key(grid: Grid) -> str:
    signs = "".join(
        f'<span><i class="tmrun-{word.replace(" ", "-")}" data-s="5">{kind}</i> {word}</span> '
        for kind, word in grid.kinds.items()
    )
    return f'<p class="tmrun-key">{signs}the fuller, the larger</p>'


# -- for the script


def _data(grid: Grid) -> Json:
    """Give what clicks show: each entry once, and which one a variable has from which row on."""
    entries: list[list[Any]] = []
    known: dict[Any, int] = {}
    columns = []
    for name, spans in grid.columns.items():
        column = []
        for span in spans:
            place = -1
            if span.entry is not None:
                place = known.setdefault((name, value(span.entry)), len(entries))
                if place == len(entries):
                    entries.append(entry_facts(span.entry))
            column.append([span.start, span.kind, place])
        columns.append(column)
    names = [plain(name) for name in grid.columns]
    cells = [cell_facts(row) for row in grid.rows]
    return {"cells": cells, "names": names, "entries": entries, "columns": columns, "kinds": KINDS}


def _escape(text: str) -> str:
    return escape(plain(text))


def _embedded(data: Json) -> str:
    """Give JSON in which nothing ends a script or begins a comment."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
