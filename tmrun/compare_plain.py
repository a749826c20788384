"""Rules for what stands in for values that were told as plain data: arrays, frames, what is large.

They are those of `compare_arrays` and `compare_frames`, for lists of numbers: no library is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from kernel_payload.plain import CONTENTS, Array, Atom, Frame, Hidden, Instance, Large

from .compare_arrays import position
from .compare_frames import columns_of, under
from .compare_objects import named
from .difference import Amount, Context, Difference, Pair, Part, Tolerance, say

Where = Callable[[int], str]

_NUMBERS = (int, float, complex)
_ROUNDED = 2e-12
_STATISTICS = ("mean", "std", "min", "max")
# what is known of something large -> what kind of difference that makes
_FACTS = {
    "len": "length",
    "shape": "shape",
    **dict.fromkeys(("dtype", "typecode", "format"), "dtype"),
}


def instance(a: Instance, b: Instance, context: Context) -> Iterator[Part]:
    """Compare instances by their attributes, and by what they have of their base."""
    yield from named(_attributes(a), _attributes(b), context)
    x, y = (vars(of).get(CONTENTS) for of in (a, b))
    if x is not None or y is not None:
        yield Pair("", x, y)


def _attributes(of: Instance) -> dict[str, Any]:
    return {name: value for name, value in vars(of).items() if name != CONTENTS}


def array(a: Array, b: Array, context: Context) -> Iterator[Part]:
    """Compare arrays, element by element."""
    yield from _kinds(a.shape, a.dtype, b.shape, b.dtype)
    if a.shape == b.shape and a.fields is not None and b.fields is not None:
        yield from named(a.fields, b.fields, context, "[{!r}]")
    elif a.shape == b.shape:
        yield from elements(a.items, b.items, context, lambda place: position(place, a.shape))


def _kinds(a: Any, a_dtype: str, b: Any, b_dtype: str) -> Iterator[Part]:
    if a != b:
        yield Difference("", "shape", str(a), str(b))
    if a_dtype != b_dtype:
        yield Difference("", "dtype", a_dtype, b_dtype)


def elements(x: list[Any], y: list[Any], context: Context, where: Where) -> Iterator[Part]:
    """Compare the elements of two arrays of one shape: numbers all together, others each."""
    numbers, at = [], []
    for place, (a, b) in enumerate(zip(x, y, strict=True)):
        if context.tolerance.alike(a, b):
            continue
        if type(a) in _NUMBERS and type(b) in _NUMBERS and not context.tolerance.close(a, b):
            numbers.append((a, b))
            at.append(place)
        elif type(a) not in _NUMBERS or type(b) not in _NUMBERS:
            yield Pair(where(place), a, b)
    if numbers:
        (a, b), first = numbers[0], where(at[0])
        yield Difference(first, "value", say(a), say(b), _amount(numbers, at, len(x), where))


def _amount(numbers: list[tuple[Any, Any]], at: list[int], size: int, where: Where) -> Amount:
    found: list[Any] = []
    for far in (_absolute, _relative):
        rows = [
            (apart, place)
            for (a, b), place in zip(numbers, at, strict=True)
            if (apart := far(a, b)) is not None
        ]
        most = max(rows, key=lambda row: row[0], default=None)
        found += (None, "") if most is None else (most[0], where(most[1]))
    return Amount(len(numbers), size, *found)


def _absolute(a: Any, b: Any) -> float | None:
    try:
        apart = float(abs(a - b))
    except OverflowError:  # ints that no float can hold
        return None
    return apart if math.isfinite(apart) else None


def _relative(a: Any, b: Any) -> float | None:
    apart = _absolute(a, b)
    return apart / abs(a) if apart is not None and a and math.isfinite(abs(a)) else None


def frame(a: Frame, b: Frame, context: Context) -> Iterator[Part]:
    """Compare frames, series and indexes: shape, labels, and the columns that both have."""
    if a.shape != b.shape:
        yield Difference("", "shape", str(a.shape), str(b.shape))
    x, y = a.columns, b.columns
    single = len(a.data) == len(b.data) == 1 and (a.shape is None or len(a.shape) < 2)
    yield Pair(".columns.names", a.names, b.names)
    yield Pair(".attrs", a.attrs, b.attrs)
    if single:
        is_series = a.index is not None
        yield Pair(*((".name", x[0], y[0]) if is_series else (".names", x, y)))
        places = [(0, 0)]
    else:
        places, told = columns_of(x, y, context)
        yield from told
    rows = [None if not each.shape else each.shape[0] for each in (a, b)]
    if rows[0] != rows[1]:
        return
    if a.index is not None or b.index is not None:
        yield Pair(".index", a.index, b.index)
    where = _labels(a.index)
    for i, j in places:
        step = "" if single else f"[{say(x[i])}]"
        yield from under(step, _column(a.data[i], b.data[j], context, where))


def _column(a: Any, b: Any, context: Context, where: Where) -> Iterator[Part]:
    if not (isinstance(a, Array) and isinstance(b, Array)):
        yield Pair("", a, b)
        return
    yield from _kinds(a.shape, a.dtype, b.shape, b.dtype)
    if a.shape == b.shape:
        yield from elements(a.items, b.items, context, where)


def _labels(index: Any) -> Where:
    """Give where the rows are: by label, where that is unique."""
    if not isinstance(index, Frame):  # or it was not to be told
        return lambda place: f"[{place}]" if index is None else f".iloc[{place}]"
    values = index.data[0] if index.data else None
    labels = values.items if isinstance(values, Array) else values
    if not isinstance(labels, list):  # a range, or what is large
        return lambda place: f".iloc[{place}]"
    shown = [*map(say, labels)]
    if len({*shown}) < len(shown):
        return lambda place: f".iloc[{place}]"
    return lambda place: f".loc[{shown[place]}]"


def large(a: Large, b: Large, context: Context) -> Iterator[Part]:
    """Compare what is large by its digest; where there is a tolerance, by its statistics."""
    for name in sorted({*a.facts, *b.facts}):
        if a.facts.get(name) != b.facts.get(name):
            kind = _FACTS[name]
            yield Difference("", kind, str(a.facts.get(name)), str(b.facts.get(name)))
    if a.digest == b.digest:
        return
    numbers = a.numbers or {}, b.numbers or {}
    differ = [*_statistics(*numbers, context.tolerance)]
    yield from differ
    # what is no number, texts among the numbers and what a mask hides, is alike or not
    close = context.tolerance and all(numbers) and a.form == b.form
    if not differ and not close:
        yield Difference("", "value", f"content {a.digest[:9]}", f"content {b.digest[:9]}")


def _statistics(a: dict[str, Any], b: dict[str, Any], tolerance: Tolerance) -> Iterator[Part]:
    for name in ("count", "finite"):
        if a.get(name) != b.get(name):
            yield Difference(f".{name}()", "value", str(a.get(name)), str(b.get(name)))
    # what is cancelled out in a mean is noise against the numbers
    scale = max((abs(x.get(name, 0.0)) for x in (a, b) for name in ("min", "max")), default=0.0)
    # they are told to 12 digits; the weights in parts are up to 1.5
    least = tolerance.atol + (tolerance.rtol + _ROUNDED) * scale
    wide, weighted = Tolerance(0.0, least), Tolerance(0.0, 1.5 * least)
    moments = [(f".{name}()", a.get(name), b.get(name)) for name in _STATISTICS]
    differ = [*_far(moments, wide)]
    parts = enumerate(zip(a.get("parts", ()), b.get("parts", ()), strict=False))
    # where the whole is as it was, something in it is not where it was
    differ = differ or [*_far([(f".parts()[{k}]", x, y) for k, (x, y) in parts], weighted)][:1]
    yield from differ


def _far(found: list[tuple[str, Any, Any]], tolerance: Tolerance) -> Iterator[Part]:
    for path, x, y in found:
        if x is not None and y is not None and not tolerance.close(x, y):
            apart = _absolute(x, y), "", _relative(x, y), ""
            yield Difference(path, "value", say(x), say(y), Amount(1, 1, *apart))


def hidden(a: Hidden, b: Hidden, context: Context) -> Iterator[Part]:
    """Find no difference: that they are of one type is all that is known of them."""
    return iter(())


def atom(a: Atom, b: Atom, context: Context) -> Iterator[Part]:
    """Compare what is what it shows."""
    if a.text != b.text:
        yield Difference("", "value", a.text, b.text)
