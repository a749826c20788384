"""What is told of this kernel and of a state: plain data that JSON can say."""

from __future__ import annotations

import platform
import sys
from typing import Any

from .varchive import State
from .varchive.digest import ALGORITHM


def about_this_kernel() -> dict[str, Any]:
    """Give versions: of Python, of the hash, and of the packages that shape what is recorded."""
    packages = {name: sys.modules.get(name) for name in ("IPython", "ipykernel", "numpy", "pandas")}
    versions = {name: getattr(module, "__version__", None) for name, module in packages.items()}
    return {
        "python": platform.python_version(),
        "platform": platform.system(),
        "hash": ALGORITHM,
        "packages": {name: version for name, version in versions.items() if version},
    }


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
        "made": _sendable(state.made),
        "changed": _sendable(state.changed),
        "deleted": _sendable(state.deleted),
        "unsaved": _sendable(state.unsaved),
        "variables": state.variables,
        "bytes": state.bytes,
        "seconds": round(seconds, 6),
        "stopped": stopped,
    }


def _sendable(names: tuple[str, ...]) -> list[str]:
    # globals() takes any str for a name, a message only what UTF-8 can say
    return [name.encode("utf-8", "backslashreplace").decode() for name in names]
