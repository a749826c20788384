"""What the output notebook says of its run: the metadata under the key ``tmrun``. Pure, mostly."""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .kernel import VERSION as NBCLIENT
from .parameters import plain
from .plan import runs
from .version import __version__

if TYPE_CHECKING:
    from datetime import datetime

    from .plan import Plan
    from .report import CellReport

Json = dict[str, Any]


def of_run(plan: Plan, run: str | None, info: Json, answer: Json) -> Json:
    """Give what the notebook says of its run.

    Parameters
    ----------
    plan, run
        What is run, and the run's id; None without a record.
    info
        What the kernel says of itself to every client.
    answer
        What it said when the payload was loaded; empty without a record.
    """
    versions = {
        "tmrun": __version__,
        "nbclient": NBCLIENT,
        "python": answer.get("python", info["language_info"].get("version")),
        "ipykernel": answer.get("ipykernel"),
    }
    about = {
        "status": "running",
        "parameters": plain(dict(plan.parameters)),
        "versions": {name: value for name, value in versions.items() if value is not None},
    }
    if plan.varchive is not None and run is not None:
        about |= {"run": run, "varchive": _relative(plan.varchive, plan.output)}
    return about


def of_cell(cell: CellReport, started: datetime) -> Json:
    """Give what the notebook says of a cell that ran; `started` is UTC."""
    return {
        "n": cell.n,
        "status": cell.status,
        "started": started.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z",
        "seconds": round(cell.seconds or 0.0, 6),
        "made": list(cell.made),
        "changed": list(cell.changed),
        "deleted": list(cell.deleted),
    }


WISHES = ("check", "ignore", "rtol", "atol", "size", "timeout")
"""What the author of a notebook writes there, and no run changes; see `expectations`."""


def wishes(found: Any) -> Json:
    """Give what the author of a notebook wrote under the key ``tmrun``."""
    return {name: found[name] for name in WISHES if name in found} if found else {}


def note(part: Any, about: Json) -> None:
    """Put what is said of a run or a cell into the metadata, beside what the author wrote."""
    part.metadata["tmrun"] = {**wishes(part.metadata.get("tmrun")), **about}


def clear(notebook: Any) -> None:
    """Remove what an earlier run left in cells that this run may not reach."""
    for part in (notebook, *notebook.cells):
        if kept := wishes(part.metadata.pop("tmrun", None)):
            part.metadata["tmrun"] = kept
    for cell in notebook.cells:
        if runs(cell):
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("execution", None)


def shown(message: Json) -> tuple[str, str]:
    """Message of an output -> the stream it belongs to, and its text ("" without one)."""
    content = message["content"]
    kind = message["msg_type"]
    if kind == "stream":
        return content["name"], content["text"]
    if kind == "error":
        return "stderr", "\n".join(content["traceback"]) + "\n"
    text = content.get("data", {}).get("text/plain", "")
    return "stdout", f"{text}\n" if text else ""


def _relative(varchive: Path, output: Path | None) -> str:
    start = Path() if output is None else output.parent
    return Path(os.path.relpath(varchive, start)).as_posix()
