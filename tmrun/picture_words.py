"""What a picture says of cells and variables, in words that can be printed and are not too many.

The words are the same for every picture; where they stand is left to `picture` and
`picture_html`, and so is what HTML needs escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kernel_payload.card import duration, size
from kernel_payload.varchive import SPAWNED, Entry, State

from .grid import KINDS, UNCHANGED, Row, Span

# characters that are shown: of a variable's name, of a value, of a source or an error
NAME, _TEXT, _SOURCE = 24, 200, 1000
_LINES = 12


def count(number: int, what: str) -> str:
    """Write how many there are of a thing."""
    return f"{number} {what}{'s' * (number != 1)}"


def cut(text: str, width: int) -> str:
    """Shorten a text to ``width`` characters."""
    return text if len(text) <= width else text[: width - 1] + "…"


def plain(text: str, keep: str = "") -> str:
    """Show what cannot be printed, surrogates among it, by its escapes."""
    if text.isprintable():
        return text
    signs = (c if c.isprintable() or c in keep else repr(c)[1:-1] for c in text)
    return "".join(signs)


def in_words(row: Row) -> Iterator[str]:
    """Say what a cell's marks mean."""
    state = row.state
    if state.status != "ok" or state.error:
        yield state.status
    if row.is_job:
        yield "job"
    if "<" in row.marks:
        yield f"from cell {state.parent}"


def told(name: str, span: Span, n: int) -> str:
    """Say what cell ``n`` did to a variable."""
    entry, word = span.entry, KINDS[span.kind]
    if entry is None:
        return f"{name}: {word}"
    if entry.reason:
        return f"{name}: {word}: {cut(entry.reason, _TEXT)}"
    since = f" since cell {entry.n}" if span.kind == UNCHANGED else f" back as of cell {entry.n}"
    return f"{name}: {word}{since if entry.n != n else ''}, {size(entry.size)}"


def entry_facts(entry: Entry) -> list[Any]:
    """Give what is shown of a value: its cell, type, shape, size and preview."""
    shape = " x ".join(map(str, entry.shape)) if entry.shape is not None else entry.len
    kind = " ".join(filter(None, (entry.type, entry.dtype)))
    text = f"not saved: {entry.reason}" if entry.reason else entry.preview
    counted = "" if entry.reason else size(entry.size)
    return [entry.n, plain(kind), shape, counted, plain(cut(text, _TEXT))]


def cell_facts(row: Row) -> list[Any]:
    """Give what is shown of a cell: its number, facts, error and source."""
    state = row.state
    facts = [f"cell {state.n}", state.status, duration(state.seconds), *_job(state)]
    if "<" in row.marks:
        facts.append(f"went on from cell {state.parent}")
    facts += [f"{size(row.size)} in variables", f"{size(state.bytes)} stored"]
    error = state.error or {}
    said = f"{error.get('ename')}: {error.get('evalue')}" if error else ""
    return [state.n, ", ".join(facts), plain(cut(said, _SOURCE)), _beginning(state.source)]


def _job(state: State) -> Iterator[str]:
    if state.status == SPAWNED:
        yield "a job whose end is not recorded: these are the variables on which it runs"
    if job := state.job:
        name = f" {plain(job['name'])}" if job.get("name") else ""
        yield f"job{name}: {job['status']}"
        if job.get("peak_memory"):
            yield f"{duration(job['cpu_seconds'])} of processor time"
            yield f"{size(job['peak_memory'])} of memory at most"
        if job.get("reason"):
            yield plain(job["reason"])


def _beginning(source: str) -> str:
    lines = source.strip("\n").splitlines()
    text = plain(cut("\n".join(lines[:_LINES]), _SOURCE), keep="\n\t")
    return text if len(lines) <= _LINES else f"{text}\n… {len(lines) - _LINES} more lines"
