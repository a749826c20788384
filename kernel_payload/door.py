"""The one entrance for requests from outside the kernel: JSON in, JSON out.

Protocol: a silent execute request whose ``user_expressions`` ask for ``call(name, json)``; the
answer is JSON with ``ok`` and either ``answer`` or ``error``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from . import commands, working
from .injection import importable


def _distil(given: dict[str, Any]) -> dict[str, Any]:
    with importable():
        from .distil import distil

    return distil(given)


_CALLS: dict[str, Callable[..., dict[str, Any]]] = {
    "hook": commands.hook,
    "finish": commands.finish,
    "status": commands.status,
    "cancel_jobs": commands.cancel_jobs,
    "warm": working.warm,
    "work": working.work,
    "leave": working.leave,
    "distil": _distil,
}


def call(name: str, arguments: str = "[]") -> str:
    """Do what is asked; errors are answers."""
    try:
        return json.dumps({"ok": True, "answer": _CALLS[name](*json.loads(arguments))})
    except Exception as error:  # noqa: BLE001  (told to who asked)
        return json.dumps({"ok": False, "error": f"{type(error).__name__}: {error}"})
