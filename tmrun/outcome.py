"""What came back for a cell, and what is said of it: the cell's report, the run's end. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kernel_payload.telling import STATE

from .report import CellError, CellReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

Json = dict[str, Any]

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
# IPython 8.? to 9, and its two older ways to say where in a cell an error was raised
_PLACES = (
    r"Cell In\s?\[{n}\], line (\d+)",
    r"Input In \[{n}\], in .*<cell line: (\d+)>",
    r"<ipython-input-{n}-\w+> in .*\n(?:.*\n)*?-+> (\d+) ",
)


@dataclass
class Outcome:
    """What came back for one cell.

    Attributes
    ----------
    reply
        Content of the execute_reply; None when the kernel died.
    n
        The number the cell was to get.
    started, seconds
        When the request was sent (UTC), and how long it took.
    timed_out
        The time limit struck.
    unfit
        How many outputs were left out because no notebook can hold them.
    """

    n: int
    started: datetime
    reply: Json | None = None
    seconds: float = 0.0
    timed_out: bool = False
    unfit: int = 0

    @property
    def state(self) -> Json | None:
        """What the payload says of the state; None when it said nothing."""
        return next((item for item in self.said() if item.get("source") == STATE), None)

    def said(self) -> list[Json]:
        """Give what came with the reply: from the shell, and from the payload in it."""
        return (self.reply or {}).get("payload") or []


def judge(cell: Any, index: int, outcome: Outcome, *, stopping: bool, tolerant: bool) -> CellReport:
    """Judge a cell that was sent to the kernel.

    Parameters
    ----------
    cell, index
        The cell with its outputs, and its place in the notebook.
    outcome
        What came back for it.
    stopping
        The run was asked to stop while the cell ran.
    tolerant
        The cell may fail.
    """
    state = outcome.state or {}
    return CellReport(
        index=index,
        id=cell.get("id"),
        n=state.get("n", outcome.n),
        status=_status(outcome, stopping=stopping, tolerant=tolerant),
        seconds=outcome.seconds,
        error=error_of(cell, outcome.reply),
        made=tuple(state.get("made", ())),
        changed=tuple(state.get("changed", ())),
        deleted=tuple(state.get("deleted", ())),
        unsaved=tuple(state.get("unsaved", ())),
        recorded=bool(state) and state.get("stopped") is None and not state.get("unwanted"),
    )


def ending(
    cell: CellReport, outcome: Outcome, *, timeout: float | None, cause: Callable[[], str]
) -> tuple[str, str]:
    """Say how and why a cell that ended the run did so.

    Parameters
    ----------
    cell, outcome
        The cell, and what came back for it.
    timeout
        Seconds that it might run.
    cause
        Finds out why the kernel died.

    Returns
    -------
    status, reason
        For the report.
    """
    match cell.status:
        case "timeout":
            reason = f"cell {cell.n} ran longer than {timeout:g} s (--timeout)"
            if outcome.reply is None:
                reason += ", did not end when it was interrupted, and was killed"
        case "died":
            reason = f"the kernel died in cell {cell.n}: {cause()}"
        case "failed" if cell.error is not None:
            reason = f"cell {cell.n}: {cell.error.ename}: {cell.error.evalue}"
        case _:
            where = "in" if cell.status == "interrupted" else "after"
            return "interrupted", f"stopped {where} cell {cell.n}"
    return cell.status, reason


def leaves(outcome: Outcome) -> bool:
    """Whether the cell asked the kernel to end: ``exit()`` or ``quit()``."""
    return any(
        item.get("source") == "ask_exit" and not item.get("keepkernel", False)
        for item in outcome.said()
    )


def failed_line(traceback: str, n: int | None) -> int | None:
    """Find the deepest line of cell `n` in a traceback (with or without ANSI colours)."""
    text = _ANSI.sub("", traceback)
    for place in _PLACES:
        found = re.findall(place.replace("{n}", str(n)), text)
        if found:
            return int(found[-1])
    return None


def _status(outcome: Outcome, *, stopping: bool, tolerant: bool) -> str:
    if outcome.timed_out:
        return "timeout"
    if outcome.reply is None:
        return "interrupted" if stopping else "died"
    if outcome.reply.get("status") == "ok":
        return "ok"
    if stopping:
        return "interrupted"
    return "allowed" if tolerant else "failed"


def error_of(cell: Any, reply: Json | None) -> CellError | None:
    """Give the error that a cell ended with, from the reply; None when it ended well."""
    if reply is None or reply.get("status", "error") != "error":
        return None
    traceback = tuple(reply.get("traceback") or ())
    lineno = failed_line("\n".join(traceback), cell.get("execution_count"))
    lines = cell.source.splitlines()
    line = lines[lineno - 1] if lineno is not None and 0 < lineno <= len(lines) else None
    return CellError(
        ename=str(reply.get("ename", "")),
        evalue=str(reply.get("evalue", "")),
        traceback=traceback,
        lineno=lineno if line is not None else None,
        line=line,
    )
