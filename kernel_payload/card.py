"""What is shown of jobs: one as a line or a card, many as a table; as text and as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .jobs import Job

_UNITS = ("B", "kB", "MB", "GB", "TB")
_HEAD = ("cell", "name", "status", "time", "CPU", "memory", "last output")
_COLOURS = {
    "waiting": "#888",
    "running": "#1f6feb",
    "finished": "#1a7f37",
    "failed": "#cf222e",
    "died": "#cf222e",
    "timed out": "#bc4c00",
    "cancelled": "#bc4c00",
}
_LINES = 5
_WIDTH = 60


def text(job: Job) -> str:
    """One job as a line, and the last lines of its output below."""
    took = f", {duration(job.seconds)}" if job.seconds is not None else ""
    lines = [f"{job.title}: {job.told}{took}"]
    return "\n".join([*lines, *(f"  {line}" for line in job.last_lines(_LINES))])


def html(job: Job) -> str:
    """One job as a card."""
    took = f" &middot; {duration(job.seconds)}" if job.seconds is not None else ""
    output = "\n".join(map(escape, job.last_lines(_LINES)))
    below = f'<pre style="margin:2px 0 0 0">{output}</pre>' if output else ""
    return (
        f'<div style="border-left:4px solid {_COLOURS[job.status]};padding:2px 8px">'
        f"<b>{escape(job.title)}</b> {escape(job.told)}{took}{below}</div>"
    )


def text_table(jobs: Mapping[int, Job]) -> str:
    """Jobs as a table."""
    if not jobs:
        return "no jobs"
    rows = [_HEAD, *(_row(job) for job in jobs.values())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def html_table(jobs: Mapping[int, Job]) -> str:
    """Jobs as a table, in HTML."""
    head = "".join(f"<th>{name}</th>" for name in _HEAD)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _row(job)) + "</tr>"
        for job in jobs.values()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def duration(seconds: float | None) -> str:
    """Seconds as people say them: 0.35 s, 12.3 s, 4 min 05 s, 3 h 12 min."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: float) -> str:
    """Bytes -> the size that people read: 1234567 -> 1.2 MB."""
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"


def _row(job: Job) -> tuple[str, ...]:
    last = job.last_lines(1)
    return (
        str(job.n),
        job.name or "",
        job.status,
        duration(job.seconds),
        duration(job.cpu_seconds) if job.cpu_seconds else "",
        size(job.peak_memory) if job.peak_memory else "",
        last[0][:_WIDTH] if last else "",
    )
