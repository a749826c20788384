"""Rules for arrays of numpy and tensors of torch: how many elements differ, how far, and where.

numpy is whatever made the values: nothing here imports it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .difference import Amount, Context, Difference, Pair, Part, Tolerance, say

_BLOCK = 1 << 20  # elements that are looked at at once: what is large is not copied whole
_NUMBERS = "biufc"

Where = Callable[[int], str]
"""The place of an element, counted from 0 in C order -> where that is, as Python has it."""


def array(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare arrays and scalars of numpy."""
    x, y = plain(a), plain(b)
    yield from _kinds(x, y)
    if x.shape == y.shape:
        yield from elements(x, y, context, lambda place: position(place, x.shape))


def plain(value: Any) -> Any:
    """See an array of whatever class, or a scalar, as a mere array."""
    numpy = sys.modules["numpy"]
    if any(base is numpy.ndarray for base in type(value).__mro__):
        return numpy.ndarray.view(value, numpy.ndarray)
    return numpy.asarray(value)


def _kinds(x: Any, y: Any) -> Iterator[Part]:
    if x.shape != y.shape:
        yield Difference("", "shape", str(x.shape), str(y.shape))
    # the order of the bytes means nothing
    if x.dtype != y.dtype and x.dtype.newbyteorder("=") != y.dtype.newbyteorder("="):
        yield Difference("", "dtype", str(x.dtype), str(y.dtype))


def position(place: int, shape: tuple[int, ...]) -> str:
    """Give an index, of C order, as Python has it: 7 in (2, 4) -> ``[1, 3]``."""
    index = []
    for length in reversed(shape):
        place, at = divmod(place, length)
        index.append(at)
    return f"[{', '.join(map(str, reversed(index)))}]" if shape else ""


def elements(x: Any, y: Any, context: Context, where: Where) -> Iterator[Part]:
    """Compare the elements of two arrays of one shape.

    Parameters
    ----------
    x, y : ndarray
        The arrays.
    context : Context
        The tolerance.
    where : callable
        Tells where an element is.
    """
    if x.dtype.names and x.dtype.names == y.dtype.names:
        for name in x.dtype.names:
            yield Pair(f"[{name!r}]", x[name], y[name])
    elif x.dtype.kind in "OT" and y.dtype.kind in "OT":
        for place, (left, right) in enumerate(zip(x.flat, y.flat, strict=True)):
            if not context.tolerance.alike(left, right):
                yield Pair(where(place), left, right)
    elif x.dtype.kind == y.dtype.kind or {x.dtype.kind, y.dtype.kind} <= {*_NUMBERS}:
        tally = _Tally(x.size)
        left, right = x.reshape(-1), y.reshape(-1)
        for start in range(0, x.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            tally.take(left[block], right[block], start, context.tolerance)
        if tally.count:
            a, b = left[tally.first], right[tally.first]
            at = where(tally.first)
            yield Difference(at, "value", _said(a), _said(b), tally.amount(where))


def _said(element: Any) -> str:
    if element.dtype.kind not in _NUMBERS:
        return str(element)
    # a long double gives itself
    return say(float(element) if element.dtype.kind == "f" else element.item())


@dataclass
class _Tally:
    """How many elements differ, and the largest differences so far with their places."""

    of: int
    count: int = 0
    first: int = 0
    absolute: tuple[float, int] | None = None
    relative: tuple[float, int] | None = None

    def take(self, x: Any, y: Any, start: int, tolerance: Tolerance) -> None:
        """Count a block of elements."""
        numpy = sys.modules["numpy"]
        with numpy.errstate(all="ignore"):
            differ = _differ(x, y, tolerance)
            places = numpy.flatnonzero(differ)
            if not len(places):
                return
            if not self.count:
                self.first = start + int(places[0])
            self.count += len(places)
            if all(each.dtype.kind in _NUMBERS and each.dtype.kind != "b" for each in (x, y)):
                self._measure(x[places], y[places], places + start)

    def _measure(self, x: Any, y: Any, places: Any) -> None:
        x, y = _wide(x), _wide(y)
        absolute = abs(x - y)
        self.absolute = _largest(self.absolute, absolute, places)
        self.relative = _largest(self.relative, absolute / abs(x), places)

    def amount(self, where: Where) -> Amount:
        """Give the sum of it."""
        found: list[Any] = []
        for most in (self.absolute, self.relative):
            found += (None, "") if most is None else (most[0], where(most[1]))
        return Amount(self.count, self.of, *found)


def _differ(x: Any, y: Any, tolerance: Tolerance) -> Any:
    numpy = sys.modules["numpy"]
    differ = (x != y) & ~(_missing(x) & _missing(y))
    numbers = x.dtype.kind in _NUMBERS and y.dtype.kind in _NUMBERS
    if tolerance and numbers and "b" not in (x.dtype.kind, y.dtype.kind) and differ.any():
        wide = _wide(y), _wide(x)
        differ &= ~numpy.isclose(*wide, rtol=tolerance.rtol, atol=tolerance.atol, equal_nan=True)
    return differ


def _missing(x: Any) -> Any:
    """Give which elements are NaN or NaT."""
    numpy = sys.modules["numpy"]
    if x.dtype.kind in "mM":
        return numpy.isnat(x)
    return numpy.isnan(x) if x.dtype.kind in "fc" else False


def _wide(x: Any) -> Any:
    """Give numbers of a type in which their differences are exact, or nearly so."""
    numpy = sys.modules["numpy"]
    return x.astype(numpy.clongdouble if x.dtype.kind == "c" else numpy.longdouble)


def _largest(known: tuple[float, int] | None, found: Any, places: Any) -> tuple[float, int] | None:
    numpy = sys.modules["numpy"]
    finite = numpy.isfinite(found)
    if not finite.any():
        return known
    at = int(numpy.argmax(numpy.where(finite, found, -1)))
    most = float(found[at]), int(places[at])
    return most if known is None or most[0] > known[0] else known


def masked(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare masked arrays: the masks, and what neither of them hides."""
    masks = [sys.modules["numpy"].ma.getmaskarray(x) for x in (a, b)]
    x, y = plain(a), plain(b)
    yield from _kinds(x, y)
    if x.shape == y.shape:
        yield Pair(".mask", *masks)
        shown = ~(masks[0] | masks[1])
        places = sys.modules["numpy"].flatnonzero(shown)
        yield from elements(
            x[shown], y[shown], context, lambda at: position(int(places[at]), x.shape)
        )


def tensor(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare tensors of torch."""
    if a.dtype != b.dtype:
        yield Difference("", "dtype", str(a.dtype), str(b.dtype))
    yield Pair("", _from_torch(a), _from_torch(b))


def generator(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare random generators of torch."""
    yield Pair(".get_state()", a.get_state(), b.get_state())


def _from_torch(found: Any) -> Any:
    dense = found.detach().cpu().to_dense().resolve_conj().resolve_neg()
    narrow = "bfloat16" in str(dense.dtype) or "float8" in str(dense.dtype)
    return (dense.float() if narrow else dense).numpy()
