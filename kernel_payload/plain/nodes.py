"""Nodes of plain data: their one text, their digest, what sums up a large one, a short preview.

A *node* is what JSON calls null, a boolean, a number, a string or a list, and means that; or an
object, whose ``is`` says what it stands for.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

Json = Any

NONE = {"is": "none"}
"""Stands for None where an absent field would mean something else."""

IGNORED = {"is": "ignored"}
"""Stands for what is not to be told."""

_WIDTH = 60
_SHOWN = 6
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, sort_keys=True).encode
_HOLDING = (
    "attributes",
    "holds",
    "fields",
    "items",
    "pairs",
    "contents",
    "columns",
    "index",
    "values",
    "data",
)


def canonical(node: Json) -> str:
    """Give the one text of a node: compact, ASCII, keys in order."""
    return _encode(node)


def digest(data: Any) -> str:
    """Name content (bytes), always by the same algorithm, which every Python has."""
    return "b" + hashlib.blake2b(data, digest_size=16).hexdigest()


def sum_up(node: Json, length: int | None = None) -> Json:
    """Give what is kept of a large node: its digest, and of the numbers in it some statistics."""
    about: dict[str, Any] = {"is": "large", "type": type_of(node)}
    if length is not None:
        about["len"] = length
    about["digest"] = digest(canonical(node).encode("ascii"))
    if found := statistics(numbers_in(node)):
        about["numbers"] = found
    return about


def is_large(node: Json) -> bool:
    """Whether a node stands for a value that is not told in full."""
    return isinstance(node, dict) and node["is"] == "large"


def type_of(node: Json) -> str:
    """Give the name of the type that a node stands for."""
    if isinstance(node, dict):
        return str(node.get("type", node["is"]))
    return type(node).__name__


def numbers_in(node: Json) -> Iterator[float]:
    """Give the numbers in a node, in order."""
    stack = [iter([node])]
    while stack:
        found = next(stack[-1], _END)
        if found is _END:
            stack.pop()
        elif isinstance(found, dict):
            if found["is"] == "float":
                yield float(found["value"])
            stack.append(_parts(found))
        elif isinstance(found, list):
            stack.append(iter(found))
        elif isinstance(found, (int, float)) and not isinstance(found, bool):
            yield found


_END = object()


def _parts(node: Json) -> Iterator[Json]:
    """Give the nodes in an object, in order."""
    for name in _HOLDING:
        found = node.get(name, ())
        if isinstance(found, dict) and "is" not in found:
            # what hangs on names comes in their order
            yield from (part for _, part in sorted(found.items()))
        elif isinstance(found, list):
            yield from found
        elif found != ():
            yield found
    if node["is"] in ("complex", "member"):
        yield node["value"]


def statistics(numbers: Iterable[float]) -> dict[str, Any] | None:
    """Sum up numbers: how many there are, and of those that are finite mean, std, min and max."""
    count, finite = 0, []
    for number in numbers:
        count += 1
        try:
            if math.isfinite(number):
                finite.append(float(number))
        except OverflowError:  # an int that no float can hold
            continue
    if not count:
        return None
    if not finite:
        return {"count": count, "finite": 0}
    # fsum is exact: the order does not matter
    mean = _sum(finite) / len(finite)
    spread = _sum((x - mean) ** 2 for x in finite) / len(finite)
    return {
        "count": count,
        "finite": len(finite),
        "mean": mean,
        "std": math.sqrt(spread),
        "min": min(finite),
        "max": max(finite),
    }


def _sum(numbers: Iterable[float]) -> float:
    try:
        return math.fsum(numbers)
    except OverflowError:
        return 0.0


def preview(node: Json) -> str:
    """Say in short what a node stands for."""
    text = _brief(node, 2)
    return text if len(text) <= _WIDTH + 20 else text[: _WIDTH + 19] + "…"


def _brief(node: Json, depth: int) -> str:
    if isinstance(node, str):
        return repr(node[:_WIDTH]) + ("…" if len(node) > _WIDTH else "")
    if isinstance(node, list):
        return f"[{_some(node, depth)}]"
    if not isinstance(node, dict):
        return repr(node)
    say = _SAY.get(node["is"])
    return say(node, depth) if say else f"<{type_of(node)}>"


def _some(nodes: list[Json], depth: int) -> str:
    if depth == 0:
        return "…" if nodes else ""
    told = [_brief(node, depth - 1) for node in nodes[:_SHOWN]]
    return ", ".join(told + (["…"] if len(nodes) > _SHOWN else []))


def _dict(node: Json, depth: int) -> str:
    pairs = node["pairs"] if "pairs" in node else [[*pair] for pair in node["items"].items()]
    if depth == 0:
        return "{…}" if pairs else "{}"
    told = [f"{_brief(k, depth - 1)}: {_brief(v, depth - 1)}" for k, v in pairs[:_SHOWN]]
    return "{" + ", ".join(told + (["…"] if len(pairs) > _SHOWN else [])) + "}"


def _large(node: Json, _: int) -> str:
    numbers = node.get("numbers")
    if not numbers or "mean" not in numbers:
        return f"<{type_of(node)}, kept as its digest>"
    return "mean {mean:.6g}, std {std:.3g}, {min:.6g} to {max:.6g}".format(**numbers)


_SAY = {
    "none": lambda node, depth: "None",
    "ignored": lambda node, depth: "<ignored>",
    "float": lambda node, depth: node["value"],
    "int": lambda node, depth: node["value"],
    "complex": lambda node, depth: "({}, {})".format(*node["value"]),
    "bytes": lambda node, depth: _brief(bytes.fromhex(node["value"][: 2 * _WIDTH]), depth),
    "text": lambda node, depth: node["value"],
    "tuple": lambda node, depth: f"({_some(node['items'], depth)})",
    "set": lambda node, depth: f"{{{_some(node['items'], depth)}}}",
    "frozenset": lambda node, depth: f"frozenset({{{_some(node['items'], depth)}}})",
    "dict": _dict,
    "array": lambda node, depth: f"[{_some(node.get('items', []), 1)}]",
    "series": lambda node, depth: _brief(node["values"], depth),
    "index": lambda node, depth: _brief(node["values"], depth),
    "frame": lambda node, depth: f"columns {_some(node['columns'], 1)}",
    "callable": lambda node, depth: node["name"],
    "function": lambda node, depth: f"{node['name']}({', '.join(node['arguments'])})",
    "class": lambda node, depth: f"class {node['name']}",
    "module": lambda node, depth: f"module {node['name']}",
    "member": lambda node, depth: f"{node['type']}.{node['name']}",
    "large": _large,
}
