"""What became of a notebook that was checked, and of its cells: frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .differ import CellDiff, Diff
from .report import ENDS, CellReport, Report
from .steady import Unsteady


@dataclass(frozen=True)
class CheckedCell:
    """What became of one code cell.

    Attributes
    ----------
    report : CellReport
        How it ran.
    diff : CellDiff or None
        What differs from the baseline; None where that was not looked at.
    missing : tuple of CellDiff
        Cells of the baseline, after this one, that are no longer there.
    """

    report: CellReport
    diff: CellDiff | None = None
    missing: tuple[CellDiff, ...] = ()

    @property
    def status(self) -> str:
        """``ok``, ``different``, ``failed``, ``not compared`` or ``not run``."""
        if self.report.status in ENDS:
            return "failed"
        if self.report.status in ("not run", "skipped"):
            return self.report.status
        if self.diff is None:
            return "not compared"
        bad = self.diff.parts or self.diff.troubled or self.missing
        return "different" if bad else "ok"


@dataclass(frozen=True)
class Checked:
    """What became of one notebook.

    Attributes
    ----------
    notebook : Path
        The notebook.
    status : str
        ``ok``; ``different``; ``failed`` (a cell did, or the kernel); ``no baseline``; of an update
        ``made``, ``updated`` or ``unchanged``; ``error`` (it could not be run at all).
    reason : str
        What went wrong, for people.
    report : Report or None
        How it ran.
    diff : Diff or None
        What differs from the baseline (A).
    cells : tuple of CheckedCell
        Its code cells.
    unsteady : tuple of Unsteady
        Of an update: what two runs did not have in common.
    ignored : int
        How many names and paths the baseline ignores because two runs differed in them.
    missing : tuple of CellDiff
        Cells of the baseline that are no longer there, when no others are.
    notes : tuple of str
        Of an update, what is not checked, and why.
    """

    notebook: Path
    status: str
    reason: str = ""
    report: Report | None = None
    diff: Diff | None = None
    cells: tuple[CheckedCell, ...] = ()
    unsteady: tuple[Unsteady, ...] = ()
    ignored: int = 0
    missing: tuple[CellDiff, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.status in ("ok", "made", "updated", "unchanged")
