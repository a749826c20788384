"""What is told by what it shows of itself, or by its type alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .names import name_of
from .nodes import Told

if TYPE_CHECKING:
    from .encode import Encoder


def hidden(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell of what type a value is, and no more."""
    return {"is": "hidden", "type": name_of(type(value))}, 8


def text(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell what is what it shows: dates, decimals, paths, names."""
    shown = str(value)
    return {"is": "text", "type": name_of(type(value)), "value": shown}, len(shown)


def stated(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell what hides its contents, but gives them to pickle: pictures, queries."""
    inner, weight = encoder.tell(value.__getstate__(), f"{path}.__getstate__()")
    node = {"is": "instance", "type": name_of(type(value)), "attributes": {}}
    return {**node, "contents": inner}, weight
