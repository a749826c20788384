"""A run as a picture, its cells against its variables; told from manifests, nothing is unpickled.

Here it is drawn as text.  What there is to draw comes from `grid`; the picture that a notebook
shows is left to `picture_html`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from rich.cells import cell_len

from kernel_payload.card import size

from .grid import Grid, Row
from .picture_html import as_html
from .picture_words import NAME, count, cut, plain
from .reader import Recording


class Timeline(Grid):
    """The states of a run as a picture: as text, and in a notebook as a table to click on.

    Parameters
    ----------
    recording : Recording
        The run.  It is read now: a picture shows what was recorded when it was made.
    """

    def __init__(self, recording: Recording) -> None:
        super().__init__(recording)
        self._title = f"run {recording.run.id} of {plain(recording.archive.path.name)}"
        self._end = recording.run.end

    def __repr__(self) -> str:
        if not self.rows:
            return self.head
        return "\n".join([self.head, "", *_blocks(self), *_legend(self)])

    def _repr_html_(self) -> str:
        return as_html(self, [self.head, self.totals] if self.rows else [self.head])

    @property
    def head(self) -> str:
        """What it is a picture of."""
        if not self.rows:
            return f"{self._title}: no cells recorded" + " yet" * (self._end is None)
        cells, names = len(self.rows), len(self.columns)
        return f"{self._title}: {count(cells, 'cell')}, {count(names, 'variable')}"

    @property
    def totals(self) -> str:
        """The bytes of the variables at the end, and of all that the cells stored."""
        last, stored = self.rows[-1], sum(row.state.bytes for row in self.rows)
        return f"{size(last.size)} in variables after cell {last.state.n}, {size(stored)} stored"


def _blocks(timeline: Timeline) -> Iterator[str]:
    """Give the lines of the picture, folded to the width of the terminal."""
    names = {name: cut(plain(name), NAME) for name in timeline.columns}
    margin = max(map(cell_len, names.values()), default=0)
    wide = max(8, shutil.get_terminal_size().columns - margin - 2)
    for start in range(0, len(timeline.rows), wide):
        rows = timeline.rows[start : start + wide]
        heads = [*_numbers(rows), "".join(row.marks[:1] or " " for row in rows)]
        yield from ((" " * (margin + 2) + line).rstrip() for line in heads if line.strip())
        for name, spans in timeline.columns.items():
            drawn = "".join(span.kind * span.rows for span in spans)[start : start + wide]
            if drawn.strip():
                pad = " " * (margin - cell_len(names[name]) + 2)
                yield f"{names[name]}{pad}{drawn}".rstrip()
        yield ""


def _numbers(rows: list[Row]) -> list[str]:
    """Write the numbers of cells from top to bottom."""
    numbers = [str(row.state.n) for row in rows]
    digits = max(map(len, numbers))
    return ["".join(column) for column in zip(*(n.rjust(digits) for n in numbers), strict=True)]


def _legend(timeline: Timeline) -> Iterator[str]:
    for words in (timeline.kinds, timeline.marks):
        if words:
            yield "  ".join(f"{sign} {word}" for sign, word in words.items())
    yield timeline.totals
