"""`tmrun show`: what a varchive holds, told from its manifests; nothing is unpickled."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Literal

from kernel_payload.varchive import SPAWNED, Entry, State
from kernel_payload.varchive.errors import Damaged

from .reader import Recording, open_recording
from .tree import rails

if TYPE_CHECKING:
    from rich.table import Table

Json = dict[str, Any]

_LINE = 60


def show_command(path: str, n: int | str | None, run: str | None, as_json: bool) -> None:
    """Print the runs and cells of a varchive, or the variables of one state."""
    recording = open_recording(path, run)
    told = about_state(recording, n) if n is not None else about_archive(recording)
    if as_json:
        print(json.dumps(told, indent=2))
    elif n is not None:
        _print(*_state_text(told))
    else:
        _print(*_archive_text(told))


def about_archive(recording: Recording) -> Json:
    """Tell the runs of a varchive, and the cells of the one that is looked at."""
    archive = recording.archive
    return {
        "varchive": str(archive.path),
        "runs": [_about_run(Recording(archive, archive.run(run))) for run in archive.runs()],
        "run": recording.run.id,
        "cells": [_about_cell(_state(recording, n)) for n in recording.states()],
    }


def about_state(recording: Recording, n: int | str) -> Json:
    """Tell the variables of one state: type, shape, size, preview; or why one is not saved."""
    variables = recording.describe(n)
    state = variables.state
    answer = state.answer
    return {
        "varchive": str(recording.archive.path),
        "run": recording.run.id,
        **_about_cell(state),
        "source": state.source,
        "answer": _about_entry(answer) if isinstance(answer, Entry) else answer,
        "variables": {name: _about_entry(entry) for name, entry in variables.entries.items()},
    }


def _about_run(recording: Recording) -> Json:
    end = recording.run.end or {}
    about = recording.run.about
    return {
        "id": recording.run.id,
        "notebook": about.get("notebook"),
        "cells": len(recording.states()),
        "status": end.get("status", "running, or ended without a word"),
        "complete": end.get("complete"),
        "seconds": end.get("seconds"),
        "reason": end.get("reason"),
        "python": about.get("python"),
        "parameters": about.get("parameters") or {},
        "dontsave": about.get("dontsave") or [],
    }


def _state(recording: Recording, n: int) -> State:
    """Give a state; of one whose manifest is damaged, that it is, and why."""
    try:
        return recording.state(n)
    except Damaged as error:
        what = {"ename": "Damaged", "evalue": str(error)}
        return State(n=n, status="damaged", error=what)


def _about_cell(state: State) -> Json:
    return {
        "n": state.n,
        "parent": state.parent,
        "cell_id": state.cell_id,
        "first_line": first_line(state.source),
        "status": state.status,
        "error": state.error,
        "started": state.started,
        "seconds": state.seconds,
        "made": list(state.made),
        "changed": list(state.changed),
        "deleted": list(state.deleted),
        "unsaved": list(state.unsaved),
        "withheld": list(state.withheld),
        "saved": state.variables,
        "bytes": state.bytes,
        "job": {} if state.status == SPAWNED else state.job,
    }


def _about_entry(entry: Entry) -> Json:
    told = entry.to_json()
    told.pop("place", None)
    return told


def first_line(source: str) -> str:
    """Give the first line of a cell that says something."""
    lines = (line.strip() for line in source.splitlines())
    return next((line for line in lines if line and not line.startswith("#")), source.strip()[:80])


# -- as text


def _archive_text(told: Json) -> list[Any]:
    runs = _table("run", "notebook", "cells", "status", "seconds", "python")
    for run in told["runs"]:
        mark = "* " if run["id"] == told["run"] and len(told["runs"]) > 1 else ""
        values = (
            mark + run["id"],
            run["notebook"],
            run["cells"],
            _status(run),
            _seconds(run["seconds"]),
        )
        _row(runs, *values, run["python"])
    drawn = _tree(told["cells"])
    cells = _table(
        "cell",
        *([""] if any(drawn) else []),
        "first line",
        "status",
        "seconds",
        "made",
        "changed",
        "deleted",
        "bytes",
    )
    for cell, rail in zip(told["cells"], drawn, strict=True):
        names = (_names(cell["made"], cell["unsaved"]), _names(cell["changed"], cell["unsaved"]))
        what = (_cut(cell["first_line"]), cell["status"], _seconds(cell["seconds"]))
        _row(
            cells,
            cell["n"],
            *([rail] if any(drawn) else []),
            *what,
            *names,
            _names(cell["deleted"], ()),
            size(cell["bytes"]),
        )
    reasons = [f"{run['id']}: {run['reason']}" for run in told["runs"] if run["reason"]]
    withheld = [
        f"{run['id']}: not to be saved: {', '.join(run['dontsave'])}"
        for run in told["runs"]
        if run["dontsave"]
    ]
    return [runs, *reasons, *withheld, "", cells, *_damages(told["cells"])]


def _tree(cells: list[Json]) -> list[str]:
    """Draw how the cells follow each other; one that went to another run says to which cell."""
    places = {cell["n"]: place for place, cell in enumerate(cells)}
    jobs = [place for place, cell in enumerate(cells) if cell["job"] is not None]
    drawn = rails([places.get(cell["parent"]) for cell in cells], jobs)
    for place, cell in enumerate(cells):
        if isinstance(cell["parent"], str):
            drawn[place] += f" <- {cell['parent']}"
    return drawn


def _status(run: Json) -> str:
    return f"{run['status']}, incomplete" if run["complete"] is False else str(run["status"])


def _damages(cells: list[Json]) -> list[str]:
    damaged = [cell for cell in cells if cell["status"] == "damaged"]
    return [f"cell {cell['n']}: {cell['error']['evalue']}" for cell in damaged]


def _cut(line: str) -> str:
    return line if len(line) <= _LINE else line[: _LINE - 1] + "…"


def _state_text(told: Json) -> list[Any]:
    table = _table("variable", "cell", "type", "shape", "size", "preview")
    for name, entry in told["variables"].items():
        shape = " x ".join(map(str, entry["shape"])) if "shape" in entry else entry.get("len")
        kind = " ".join(filter(None, (entry["type"], entry.get("dtype"))))
        text = f"not saved: {entry['reason']}" if "reason" in entry else entry.get("preview")
        _row(table, name, entry["n"], kind, shape, size(entry.get("size", 0)), text)
    head = (
        f"cell {told['n']} ({told['status']}, {_seconds(told['seconds'])} s): "
        f"{_cut(told['first_line'])}"
    )
    error = told["error"]
    lines = [f"{error['ename']}: {error['evalue']}"] if error else []
    if told["job"] is not None:
        lines.append(_job(told["job"]))
    if told["withheld"]:
        lines.append(f"not to be saved: {', '.join(told['withheld'])}")
    return [head, *lines, "", table]


def _job(job: Json) -> str:
    """Say what is known of a cell that ran in the background."""
    if not job:
        return "a job, whose end is not recorded: the variables are those on which it runs"
    name = f" {job['name']}" if job.get("name") else ""
    took = f"{job['cpu_seconds']:.2f} s of processor time, {size(job['peak_memory'])} at most"
    if not job["peak_memory"]:
        took = "what it took is not known"
    reason = f"; {job['reason']}" if job.get("reason") else ""
    return f"job{name}: {took}{reason}"


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    right = {"cell", "cells", "seconds", "bytes", "size"}
    # where a narrow terminal takes its width from
    folded = {"made", "changed", "deleted", "preview"}
    for name in columns:
        justify: Literal["left", "right"] = "right" if name in right else "left"
        wide = name == "first line" and sys.stdout.isatty()
        table.add_column(
            name, justify=justify, no_wrap=name not in folded, max_width=36 if wide else None
        )
    return table


def _row(table: Table, *values: Any) -> None:
    from rich.text import Text

    table.add_row(*(Text("" if value is None else str(value)) for value in values))


def _print(*parts: Any) -> None:
    from rich.console import Console

    # what is piped is for grep: lines are not folded to some terminal's width
    console = Console(width=None if sys.stdout.isatty() else 400, highlight=False, markup=False)
    for part in parts:
        console.print(part)


def _names(names: list[str], unsaved: Any) -> str:
    return ", ".join(f"{name} (not saved)" if name in unsaved else name for name in names)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def size(count: int) -> str:
    """Give a number of bytes for a reader: 734204 -> 717 kB."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.3g} {unit}" if unit != "B" else f"{count} B"
        amount /= 1024
    raise AssertionError("unreachable")
