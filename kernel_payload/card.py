"""What is shown of jobs: one as a line or a card, many as a table; as text and as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .jobs import Job

_UNITS = ("B", "kB", "MB", "GB", "TB")
_HEAD = ("cell", "name", "status", "time", "progress", "CPU", "memory", "last output")
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
_LONGEST = 500_000  # characters

# not a part of a date, a path, a version, or of what has a sign
_PERCENT = re.compile(r"(?<![\w.,+-])(\d{1,3}(?:\.\d+)?)\s?%(?!\w)")
_OF = re.compile(r"(?<![\w./-])(\d+)\s?/\s?(\d+)(?![\w/]|\.\d)")


def text(job: Job) -> str:
    """One job as a line, and the last lines of its output below."""
    times = (duration(job.seconds), percent(shown_progress(job)))
    took = "".join(f", {time}" for time in times if time)
    lines = [f"{job.title}: {job.told}{took}"]
    return "\n".join([*lines, *(f"  {line}" for line in job.last_lines(_LINES))])


def html(job: Job) -> str:
    """One job as a card."""
    times = (duration(job.seconds), percent(shown_progress(job)))
    took = "".join(f" &middot; {time}" for time in times if time)
    last = "\n".join(map(escape, job.last_lines(_LINES)))
    below = f'<pre style="margin:2px 0 0 0">{last}</pre>' if last else ""
    return (
        f'<div style="border-left:4px solid {_COLOURS[job.status]};padding:2px 8px">'
        f"<b>{escape(job.title)}</b> {escape(job.told)}{took}{below}</div>"
    )


def text_table(jobs: Mapping[int, Job]) -> str:
    """Jobs as a table."""
    if not jobs:
        return "no jobs"
    head, *rows = _rows(jobs)
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = (
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True))
        for row in (head, *rows)
    )
    return "\n".join(line.rstrip() for line in lines)


def html_table(jobs: Mapping[int, Job]) -> str:
    """Jobs as a table, in HTML."""
    head, *rows = _rows(jobs)
    titles = "".join(f"<th>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(map(_cell, head, row)) + "</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def facts(job: Job) -> dict[str, Any]:
    """One job as a row of the panel: what JSON can say."""
    last = job.last_lines(1)
    return {
        "n": job.n,
        "name": job.name or "",
        "status": job.status,
        "why": job.told[len(job.status) :].lstrip(": "),
        "seconds": job.seconds,
        "progress": shown_progress(job),
        "last": last[0] if last else "",
        "cpu": duration(job.cpu_seconds) if job.cpu_seconds else "",
        "memory": size(job.peak_memory) if job.peak_memory else "",
    }


def output(job: Job) -> str:
    """The output of one job; of one that is too long to be sent again and again, the end."""
    text = job.output
    if (more := len(text) - _LONGEST) <= 0:
        return text
    return f"[{more:,} characters before this: tmrun.jobs[{job.n}].output]\n{text[more:]}"


def progress(lines: Iterable[str]) -> float | None:
    """How much of the work is done, 0 to 1, by the newest line that says it: ``45%``, ``3/7``."""
    for line in reversed(list(lines)):
        for number in _PERCENT.findall(line):
            if float(number) <= 100:
                return float(number) / 100
        for done, of in _OF.findall(line):
            if int(done) <= int(of) != 0:
                return int(done) / int(of)
    return None


def shown_progress(job: Job) -> float | None:
    """Give its progress while that says more than its status; many count to 39/40."""
    return None if job.status == "finished" else job.progress


def percent(share: float | None) -> str:
    """0.456 -> 45 %; never more than is done."""
    # what was 58 % is not to become 57 % by way of a float
    return "" if share is None else f"{int(share * 100 + 1e-9)} %"


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


def _rows(jobs: Mapping[int, Job]) -> list[tuple[str, ...]]:
    rows = [_HEAD, *map(_row, jobs.values())]
    place = _HEAD.index("progress")
    if any(row[place] for row in rows[1:]):
        return rows
    return [row[:place] + row[place + 1 :] for row in rows]


def _row(job: Job) -> tuple[str, ...]:
    last = job.last_lines(1)
    return (
        str(job.n),
        job.name or "",
        job.status,
        duration(job.seconds),
        percent(shown_progress(job)),
        duration(job.cpu_seconds) if job.cpu_seconds else "",
        size(job.peak_memory) if job.peak_memory else "",
        last[0][:_WIDTH] if last else "",
    )


def _cell(column: str, text: str) -> str:
    style = f' style="color:{_COLOURS[text]}"' if column == "status" else ""
    return f"<td{style}>{escape(text)}</td>"
