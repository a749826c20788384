"""What is told of this kernel and of a state: plain data that JSON can say."""

from __future__ import annotations

import os
import platform
import time
from importlib import metadata
from typing import Any

from .varchive import State
from .varchive.digest import ALGORITHM

STATE = "tmrun_state"
"""The source of what the replies to cells tell the orchestrator, among their payload."""

_PACKAGES = ("IPython", "ipykernel", "numpy", "pandas")


def about_this_kernel() -> dict[str, Any]:
    """Give what records: its process, and the versions of what shapes what is recorded."""
    return {
        "python": platform.python_version(),
        "platform": platform.system(),
        "process": {"host": platform.node(), "pid": os.getpid(), "began": time.time()},
        "hash": ALGORITHM,
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except Exception:  # noqa: BLE001  (not installed, or its metadata is broken)
        return None


def describe_error(error: BaseException) -> dict[str, Any]:
    """Give the name and text of what a cell raised."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  (the user's own exception)
        text = "<its text could not be made>"
    return {"ename": type(error).__name__, "evalue": text[:2000]}


def summary(state: State, seconds: float, stopped: str | None) -> dict[str, Any]:
    """Give what the orchestrator is told of a state, and the seconds that recording it took."""
    return {
        "n": state.n,
        "status": state.status,
        "made": [*map(sendable, state.made)],
        "changed": [*map(sendable, state.changed)],
        "deleted": [*map(sendable, state.deleted)],
        "unsaved": [*map(sendable, state.unsaved)],
        "variables": state.variables,
        "bytes": state.bytes,
        "seconds": round(seconds, 6),
        "stopped": stopped,
    }


def sendable(text: str) -> str:
    """Give a text as a message can say it: what UTF-8 cannot is escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
