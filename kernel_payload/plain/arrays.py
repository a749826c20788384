"""How arrays of numpy and tensors of torch are told; numpy is whatever made them."""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .names import name_of
from .nodes import Json

if TYPE_CHECKING:
    from .encode import Encoder

Told = tuple[Json, int]

_SUM = 64
_BLOCK = 1 << 20  # elements that are looked at at once: what is large is not copied whole
_NUMBERS = "biufc"


def array(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell an array, or a scalar of numpy's: one without dimensions."""
    return tell(encoder, _plain(value), path, name_of(type(value)))


def tell(encoder: Encoder, x: Any, path: str, name: str, dtype: str | None = None) -> Told:
    """Tell an array under the name of a type, and of a dtype when it is not its own."""
    about: dict[str, Any] = {"type": name, "dtype": dtype or str(x.dtype.newbyteorder("="))}
    about["shape"] = [*x.shape]
    if x.dtype.names:
        fields = {field: x[field] for field in x.dtype.names}
        told, weight = encoder.named(fields, path, "[{!r}]")
        return {"is": "array", **about, "fields": told}, weight
    if x.dtype.kind in "OT":
        items, weight = encoder.listed([*x.flat], path)
        return {"is": "array", **about, "items": items}, weight
    if x.nbytes > encoder.size:
        return {"is": "large", **about, **_sum(x)}, _SUM
    return {"is": "array", **about, "items": _items(x)}, 8 + x.nbytes


def masked(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a masked array; what is masked is none."""
    numpy = sys.modules["numpy"]
    node, weight = array(encoder, value.filled() if value.ndim else value, path)
    node["type"] = name_of(type(value))
    mask = numpy.ma.getmaskarray(value).reshape(-1)
    if "items" in node:
        node["items"] = [
            None if hides else item for item, hides in zip(node["items"], mask, strict=True)
        ]
    return node, weight


def tensor(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a tensor of torch."""
    dense = value.detach().cpu().to_dense().resolve_conj().resolve_neg()
    narrow = "bfloat16" in str(dense.dtype) or "float8" in str(dense.dtype)
    dtype = str(value.dtype).removeprefix("torch.")
    return tell(
        encoder, (dense.float() if narrow else dense).numpy(), path, name_of(type(value)), dtype
    )


def _plain(value: Any) -> Any:
    numpy = sys.modules["numpy"]
    if any(base is numpy.ndarray for base in type(value).__mro__):
        return numpy.ndarray.view(value, numpy.ndarray)
    return numpy.asarray(value)


def _items(x: Any) -> list[Json]:
    kind, flat = x.dtype.kind, x.reshape(-1)
    if kind == "f":
        # a long double gives itself: what other machines have none of is told as a double
        return [_number(item) for item in flat.astype("float64").tolist()]
    if kind == "c":
        pairs = flat.astype("complex128").tolist()
        return [[_number(item.real), _number(item.imag)] for item in pairs]
    if kind == "m":
        return list(flat.astype("int64").tolist())
    if kind == "M":
        return list(flat.astype(str).tolist())
    if kind in "SV":
        return [bytes(item).hex() for item in flat.tolist()] if kind == "S" else [_hex(flat)]
    return list(flat.tolist())


def _hex(flat: Any) -> str:
    return str(flat.tobytes().hex())


def _number(item: float) -> Json:
    return item if math.isfinite(item) else repr(item)


def _sum(x: Any) -> dict[str, Any]:
    """Give digest and statistics of what is not told in full."""
    found: dict[str, Any] = {"digest": _digest(x)}
    if x.dtype.kind in _NUMBERS:
        found["numbers"] = _statistics(x)
    return found


def _blocks(x: Any) -> Iterator[Any]:
    flat = x.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        yield flat[start : start + _BLOCK]


def _digest(x: Any) -> str:
    numpy = sys.modules["numpy"]
    known = hashlib.blake2b(digest_size=16)
    little = x.dtype.newbyteorder("<")
    for block in _blocks(x):
        known.update(numpy.ascontiguousarray(block.astype(little, copy=False)).tobytes())
    return "b" + known.hexdigest()


def _statistics(x: Any) -> dict[str, Any]:
    """Sum up numbers as `nodes.statistics` does; of complex ones, real and imaginary parts."""
    numpy = sys.modules["numpy"]
    if x.dtype.kind == "c":
        x = numpy.stack([x.real, x.imag])

    def finite() -> Iterator[Any]:
        for block in _blocks(x):
            wide = block.astype("float64")
            yield wide[numpy.isfinite(wide)]

    with numpy.errstate(all="ignore"):
        looks = [(b.size, b.sum(), b.min(), b.max()) for b in finite() if b.size]
        if not looks:
            return {"count": x.size, "finite": 0}
        count = sum(size for size, *_ in looks)
        mean = math.fsum(float(total) for _, total, _, _ in looks) / count
        spread = math.fsum(float(((b - mean) ** 2).sum()) for b in finite()) / count
    return {
        "count": x.size,
        "finite": count,
        "mean": mean,
        "std": math.sqrt(spread),
        "min": float(min(low for *_, low, _ in looks)),
        "max": float(max(high for *_, high in looks)),
    }
