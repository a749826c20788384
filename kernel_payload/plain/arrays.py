"""How arrays of numpy and tensors of torch are told; numpy is whatever made them."""

from __future__ import annotations

import hashlib
import itertools
import math
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .. import live
from .names import name_of
from .nodes import PARTS, Json, Told, summary, total, weights

if TYPE_CHECKING:
    from .encode import Encoder


_SUM = 64
_BLOCK = 1 << 20  # elements that are looked at at once: what is large is not copied whole
_NUMBERS = "iufc"  # booleans are alike or not: no tolerance applies


def array(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell an array."""
    return tell_array(encoder, _plain(value), path, name_of(type(value)))


def scalar(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a scalar of numpy's: an array without dimensions."""
    return array(encoder, value, path)


def tell_array(
    encoder: Encoder, x: Any, path: str, name: str, *, dtype: str | None = None, mask: Any = None
) -> Told:
    """Tell an array under the name of a type, and of a dtype when it is not its own.

    What a mask, an array of booleans, hides is none.
    """
    about: dict[str, Any] = {"type": name, "dtype": dtype or _dtype(x), "shape": [*x.shape]}
    if x.dtype.names:
        fields = {field: x[field] for field in x.dtype.names}
        told, weight = encoder.named(fields, path, "[{!r}]")
        return {"is": "array", **about, "fields": told}, weight
    if x.dtype.kind in "OT":
        items, weight = encoder.listed(_shown([*x.flat], mask), path)
        return {"is": "array", **about, "items": items}, weight
    x = _narrow(x)
    weight = 8 + x.nbytes
    if weight > encoder.size:
        return {"is": "large", **about, **_sum(x, mask)}, _SUM
    return {"is": "array", **about, "items": _shown(_items(x), mask)}, weight


def _dtype(x: Any) -> str:
    # the order of the bytes means nothing; strings of any length refuse to be asked for it
    return str(x.dtype if x.dtype.kind == "T" else x.dtype.newbyteorder("="))


def _shown(items: list[Any], mask: Any) -> list[Any]:
    if mask is None:
        return items
    return [None if hides else item for item, hides in zip(items, mask.flat, strict=True)]


def _narrow(x: Any) -> Any:
    """Give long doubles as doubles: other machines have none, and in their bytes are gaps."""
    if x.dtype.kind == "f" and x.dtype.itemsize > 8:
        return x.astype("float64")
    return x.astype("complex128") if x.dtype.kind == "c" and x.dtype.itemsize > 16 else x


def masked(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a masked array; what is masked is none."""
    if value.dtype.names:  # its fields have masks of their own
        return tell_array(encoder, value, path, name_of(type(value)))
    mask = sys.modules["numpy"].ma.getmaskarray(value)
    return tell_array(encoder, _plain(value), path, name_of(type(value)), mask=mask)


def tensor(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a tensor of torch."""
    dense = value.detach().cpu().to_dense().resolve_conj().resolve_neg()
    narrow = "bfloat16" in str(dense.dtype) or "float8" in str(dense.dtype)
    dtype = str(value.dtype).removeprefix("torch.")
    x = (dense.float() if narrow else dense).numpy()
    return tell_array(encoder, x, path, name_of(type(value)), dtype=dtype)


def generator(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a random generator of torch."""
    return tensor(encoder, value.get_state(), f"{path}.get_state()")


def storage(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a storage of torch by its bytes."""
    return encoder.tell(bytes(value.tolist()), path)


def _plain(value: Any) -> Any:
    numpy = sys.modules["numpy"]
    if any(base is numpy.ndarray for base in live.mro(type(value))):
        return numpy.ndarray.view(value, numpy.ndarray)
    return numpy.asarray(value)


def _items(x: Any) -> list[Json]:
    kind, flat = x.dtype.kind, x.reshape(-1)
    if kind == "f":
        return [_number(item) for item in flat.tolist()]
    if kind == "c":
        return [[_number(item.real), _number(item.imag)] for item in flat.tolist()]
    if kind == "m":
        return list(flat.astype("int64").tolist())
    if kind == "M":
        return list(flat.astype(str).tolist())
    if kind in "SV":
        return [bytes(item).hex() for item in flat.tolist()]
    return list(flat.tolist())


def _number(item: float) -> Json:
    return item if math.isfinite(item) else repr(item)


def _sum(x: Any, mask: Any) -> dict[str, Any]:
    """Give digest and statistics of what is not told in full."""
    numbers = x.dtype.kind in _NUMBERS
    if mask is None:
        return {"digest": _digest(x), **({"numbers": _statistics(x)} if numbers else {})}
    # what is hidden may be anything
    shown = x[~mask]
    found: dict[str, Any] = {"digest": _digest(shown, mask)}
    return found | ({"numbers": _statistics(shown), "form": _digest(mask)} if numbers else {})


def _blocks(x: Any) -> Iterator[Any]:
    flat = x.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        yield flat[start : start + _BLOCK]


def _digest(*arrays: Any) -> str:
    numpy = sys.modules["numpy"]
    known = hashlib.blake2b(digest_size=16)
    for x in arrays:
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
        mean = total(float(found) for _, found, _, _ in looks) / count
        spread = total(float(((b - mean) ** 2).sum()) for b in finite()) / count
        parts = _parts(x, numpy)
    moments = {"mean": mean, "std": math.sqrt(spread)}
    moments["min"] = float(min(least for *_, least, _ in looks))
    moments["max"] = float(max(most for *_, most in looks))
    return summary(x.size, count, moments, parts)


def _parts(x: Any, numpy: Any) -> list[float]:
    """Give the weighted means of equal parts."""
    flat, means = x.reshape(-1), []
    # part k has the places of which place * PARTS // size is k
    edges = [-(-k * x.size // PARTS) for k in range(PARTS + 1)]
    for start, stop in itertools.pairwise(edges):
        wide = flat[start:stop].astype("float64")
        found = numpy.where(numpy.isfinite(wide), wide, 0.0) * weights(numpy, start, stop)
        means.append(total([float(found.sum())]) * PARTS / x.size)
    return means
