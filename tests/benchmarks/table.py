"""Figures -> a markdown table, and a suite that pyperf reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyperf

HEADER = ("case", "what", "target", "measured", "floor", "peers", "reached")


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Parameters
    ----------
    case, what, target, measured, floor : str
        As they are told.
    peers : dict of str
        Name -> what was measured of it.
    reached : bool, optional
        None where there is no target.
    """

    case: str
    what: str
    target: str
    measured: str
    floor: str = ""
    peers: Mapping[str, str] = field(default_factory=dict)
    reached: bool | None = None

    def line(self) -> str:
        """Give it as markdown."""
        peers = "; ".join(f"{name} {told}" for name, told in self.peers.items())
        reached = "" if self.reached is None else "yes" if self.reached else "no"
        return markdown(
            (self.case, self.what, self.target, self.measured, self.floor, peers, reached)
        )


def markdown(columns: Sequence[str]) -> str:
    """Give a line of a table."""
    # what a peer says when it fails may hold the border of a column
    return f"| {' | '.join(column.replace('|', '/') for column in columns)} |"


def heading() -> str:
    """Give the first two lines."""
    return f"{markdown(HEADER)}\n{markdown(['---'] * len(HEADER))}"


def time(seconds: float) -> str:
    """Give seconds as text, to three digits."""
    for unit, factor in (("s", 1), ("ms", 1e3)):
        if abs(seconds) * factor >= 1:
            return f"{seconds * factor:.3g} {unit}" if abs(seconds) < 100 else f"{seconds:.0f} s"
    return f"{seconds * 1e3:.2f} ms"


def size(count: float) -> str:
    """Give bytes as text, to three digits."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(count) >= factor:
            return f"{count / factor:.3g} {unit}" if abs(count) < 1e11 else f"{count / 1e9:.0f} GB"
    return f"{count:.0f} B"


class Figures:
    """Every value that was measured.

    Parameters
    ----------
    scale : float
        Of the sizes: told in the metadata.
    """

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._benchmarks: list[pyperf.Benchmark] = []

    def keep(
        self, case: str, recorder: str, what: str, values: Sequence[float], unit: str = "second"
    ) -> None:
        """Enter values of one case and recorder; pyperf takes positive ones only."""
        if not (positive := [value for value in values if value > 0]):
            return
        name = f"{case} {what} {recorder}"
        about = {"case": case, "recorder": recorder, "scale": self._scale, "unit": unit}
        # pyperf would take bytes for the seconds of the run
        duration = sum(positive) if unit == "second" else 1e-6
        run = pyperf.Run(positive, metadata={"name": name, **about, "duration": duration})
        self._benchmarks.append(pyperf.Benchmark([run]))

    def write(self, path: Path) -> None:
        """Write a file for ``pyperf stats`` and ``pyperf compare_to``."""
        if self._benchmarks:
            pyperf.BenchmarkSuite(self._benchmarks).dump(str(path), replace=True)
