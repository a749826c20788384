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

Told = tuple[Json, int]
"""A node, and about how many bytes the value takes; that does not depend on the digits."""

NONE = {"is": "none"}
"""Stands for None where an absent field would mean something else."""

IGNORED = {"is": "ignored"}
"""Stands for what is not to be told."""

_WIDTH = 60
_SHOWN = 6
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, sort_keys=True).encode
_NAMED = ("attributes", "holds", "fields", "items")
"""Fields that hold nodes by name, or a list of nodes."""
_HOLDING = (*_NAMED, "pairs", "contents", "columns", "index", "values", "data", "attrs")
_EXACT = ("count", "finite")
"""Of statistics, what no tolerance applies to."""
_MOMENTS = ("max", "mean", "min", "std")

PARTS = 32
"""Of numbers in a row, the parts that each have a weighted mean."""

_STEP = 2654435761  # a prime near 2 ** 32 / the golden mean: the weights of neighbours differ
_DIGITS = 12  # of statistics: the last ones depend on the processor


def canonical(node: Json) -> str:
    """Give the one text of a node: compact, ASCII, keys in order."""
    return _encode(node)


def digest(data: Any) -> str:
    """Name content (bytes), always by the same algorithm, which every Python has."""
    return "b" + hashlib.blake2b(data, digest_size=16).hexdigest()


def sum_up(node: Json, length: int | None = None) -> Json:
    """Give what is kept of a large node: its digest, and of the numbers in it some statistics."""
    about: dict[str, Any] = {"is": "large", "type": type_of(node)}
    if isinstance(node, dict):
        about |= {name: node[name] for name in ("dtype", "shape") if name in node}
    if length is not None:
        about["len"] = length
    about["digest"] = _digest_of(node)
    if found := statistics(numbers_in(node)):
        about["numbers"] = found
        about["form"] = _digest_of(_form(node))
    return about


def _digest_of(node: Json) -> str:
    return digest(canonical(node).encode("ascii"))


def _form(node: Json) -> Json:
    """Give what is left of a node without its numbers: what two that are close have in common."""
    if isinstance(node, list):
        return [*map(_form, node)]
    if isinstance(node, dict):
        if is_large(node) and "numbers" in node:
            found = {name: node["numbers"].get(name) for name in _EXACT}
            return {**node, "digest": "", "numbers": found}
        return {name: _form_of_field(name, part) for name, part in node.items()}
    return 0 if type(node) in (int, float) else node


def _form_of_field(name: str, part: Json) -> Json:
    if name in _NAMED and isinstance(part, dict):
        return {inner: _form(node) for inner, node in part.items()}
    return part if name == "shape" else _form(part)


def is_large(node: Json) -> bool:
    """Whether a node stands for a value that is not told in full."""
    return isinstance(node, dict) and node["is"] == "large"


def type_of(node: Json) -> str:
    """Give the name of the type that a node stands for."""
    if isinstance(node, dict):
        return str(node.get("type", node["is"]))
    return type(node).__name__


def numbers_in(node: Json) -> Iterator[float]:
    """Give the numbers in a node, in order; of what is large in it, its statistics."""
    stack = [iter([node])]
    while stack:
        found = next(stack[-1], _END)
        if found is _END:
            stack.pop()
        elif isinstance(found, dict):
            if found["is"] == "float":
                yield float(found["value"])
            elif found["is"] == "large":
                known = found.get("numbers", {})
                yield from (known[name] for name in _MOMENTS if name in known)
                yield from known.get("parts", ())
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
        if isinstance(found, dict) and name in _NAMED:
            # what hangs on names comes in their order
            yield from (part for _, part in sorted(found.items()))
        elif isinstance(found, list):
            yield from found
        elif found != ():
            yield found
    if node["is"] in ("complex", "member"):
        yield node["value"]


def statistics(numbers: Iterable[float]) -> dict[str, Any] | None:
    """Sum up numbers: how many there are, and of those that are finite mean, std, min and max.

    ``parts`` are the weighted means of equal parts, with which others in another order differ.
    """
    places: list[int] = []
    finite: list[float] = []
    count = 0
    for place, number in enumerate(numbers):
        count = place + 1
        try:
            if math.isfinite(number):
                finite.append(float(number))
                places.append(place)
        except OverflowError:  # an int that no float can hold
            continue
    if not count:
        return None
    if not finite:
        return {"count": count, "finite": 0}
    # fsum is exact: the order does not matter
    mean = total(finite) / len(finite)
    spread = total((x - mean) ** 2 for x in finite) / len(finite)
    parts: list[list[float]] = [[] for _ in range(PARTS)]
    for place, x in zip(places, finite, strict=True):
        parts[place * PARTS // count].append(x * (0.5 + (place * _STEP % (1 << 32)) / (1 << 32)))
    means = [total(part) * PARTS / count for part in parts]
    moments = {"mean": mean, "std": math.sqrt(spread), "min": min(finite), "max": max(finite)}
    return summary(count, len(finite), moments, means)


def summary(
    count: int, finite: int, moments: dict[str, float], parts: list[float]
) -> dict[str, Any]:
    """Give statistics as they are told: to so many digits."""
    rounded = {name: _rounded(moments[name]) for name in ("mean", "std", "min", "max")}
    return {"count": count, "finite": finite, **rounded, "parts": [*map(_rounded, parts)]}


def _rounded(x: float) -> float:
    return float(f"{x:.{_DIGITS}g}")


def weights(numpy: Any, start: int, stop: int) -> Any:
    """Give the weights of numbers from one place to another, as an array of numpy."""
    places = numpy.arange(start, stop, dtype="uint64")
    return 0.5 + (places * numpy.uint64(_STEP) % numpy.uint64(1 << 32)) / float(1 << 32)


def total(numbers: Iterable[float]) -> float:
    """Add up numbers; 0 where that is more than a float can hold."""
    try:
        found = math.fsum(numbers)
    except (OverflowError, ValueError):
        return 0.0
    return found if math.isfinite(found) else 0.0


def label(node: Json) -> str:
    """Say what a key or the label of a column is, as a path has it."""
    return repr(node) if isinstance(node, str) else preview(node)


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


def _array(node: Json) -> str:
    items = node.get("items", [])
    return _brief(items[0], 1) if node["shape"] == [] and items else f"[{_some(items, 1)}]"


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
    "array": lambda node, depth: _array(node),
    "series": lambda node, depth: _brief(node["values"], depth),
    "index": lambda node, depth: _brief(node["values"], depth),
    "frame": lambda node, depth: f"columns {_some(node['columns'], 1)}",
    "callable": lambda node, depth: node["name"],
    "function": lambda node, depth: f"{node['name']}({', '.join(node['arguments'])})",
    "class": lambda node, depth: f"class {node['name']}",
    "module": lambda node, depth: f"module {node['name']}",
    "member": lambda node, depth: f"{node['type']}.{node['name'] or node['value']}",
    "large": _large,
}
