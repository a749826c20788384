"""Rules for frames, series and indexes of pandas and polars: column by column.

The libraries are those that made the values: nothing here imports them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .compare_arrays import Where, elements
from .compare_unordered import pair_up
from .difference import Context, Difference, Pair, Part, say


def frame(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare frames of pandas: shape, columns, index, and the columns that both have."""
    if a.shape != b.shape:
        yield Difference("", "shape", str(a.shape), str(b.shape))
    places, told = columns_of(a.columns.tolist(), b.columns.tolist(), context)
    yield from told
    yield Pair(".columns.names", [*a.columns.names], [*b.columns.names])
    yield Pair(".attrs", a.attrs, b.attrs)
    if len(a) != len(b):
        return
    yield Pair(".index", a.index, b.index)
    labels, names = _labels(a.index), a.columns.tolist()
    for i, j in places:
        step = f"[{say(names[i])}]"
        x, y = a.iloc[:, i], b.iloc[:, j]
        yield from under(step, values(x.array, y.array, context, labels))


def columns_of(
    left: list[Any], right: list[Any], context: Context
) -> tuple[list[tuple[int, int]], list[Difference]]:
    """Give the places of the columns that both have, and what is to be told of the others."""
    x, y = ([(label, place) for place, label in enumerate(side)] for side in (left, right))
    pairs, only_a, only_b = pair_up(x, y, context)
    told = [Difference(f"[{say(label)}]", "missing", a="a column") for label, _ in only_a]
    told += [Difference(f"[{say(label)}]", "added", b="a column") for label, _ in only_b]
    places = sorted((i, j) for (_, i), (_, j) in pairs)
    there = [j for _, j in places]
    if there != sorted(there):
        told.append(Difference(".columns", "order", say(left), say(right)))
    return places, told


def _labels(index: Any) -> Where:
    """Give where the rows of an index are: by label, where that is unique."""
    if not index.is_unique:
        return lambda place: f".iloc[{place}]"
    return lambda place: f".loc[{_label(index[place])}]"


def _label(found: Any) -> str:
    told = say(found.item() if hasattr(found, "item") else found)
    return repr(str(found)) if told.startswith("<") else told


def under(step: str, parts: Iterator[Part]) -> Iterator[Part]:
    """Put a step before those of some parts."""
    for part in parts:
        if isinstance(part, Pair):
            inner = f"[{part.step}]" if isinstance(part.step, int) else part.step
            yield Pair(step + inner, part.a, part.b)
        elif isinstance(part, Difference):
            yield _moved(step, part)
        else:
            yield type(part)(step + part.path, part.reason)


def _moved(step: str, found: Difference) -> Difference:
    return Difference(step + found.path, found.kind, found.a, found.b, found.amount)


def series(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare series of pandas."""
    if a.shape != b.shape:
        yield Difference("", "shape", str(a.shape), str(b.shape))
    yield Pair(".name", a.name, b.name)
    yield Pair(".attrs", a.attrs, b.attrs)
    if len(a) == len(b):
        yield Pair(".index", a.index, b.index)
        yield from values(a.array, b.array, context, _labels(a.index))


def index(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare indexes of pandas."""
    if len(a) != len(b):
        yield Difference("", "length", str(len(a)), str(len(b)))
    yield Pair(".names", [*a.names], [*b.names])
    if a.nlevels > 1 and a.nlevels == b.nlevels:
        for level in range(a.nlevels):
            step = f".get_level_values({level})"
            yield Pair(step, *(x.get_level_values(level) for x in (a, b)))
    elif len(a) == len(b):
        yield from values(a.array, b.array, context, lambda place: f"[{place}]")


def extension(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare arrays of pandas."""
    if len(a) != len(b):
        yield Difference("", "length", str(len(a)), str(len(b)))
    else:
        yield from values(a, b, context, lambda place: f"[{place}]")


def values(a: Any, b: Any, context: Context, where: Where) -> Iterator[Part]:
    """Compare two columns of one length, as arrays of pandas."""
    if str(a.dtype) != str(b.dtype):
        yield Difference("", "dtype", str(a.dtype), str(b.dtype))
    x, y = (_as_numpy(each) for each in (a, b))
    if x.dtype.kind != y.dtype.kind and "O" in (x.dtype.kind, y.dtype.kind):
        x, y = x.astype(object), y.astype(object)
    yield from elements(x, y, context, where)


def _as_numpy(column: Any) -> Any:
    """Give an array of numpy; of numbers that may be missing, with NaN."""
    kind = getattr(column.dtype, "kind", "O")
    if hasattr(column, "tz") and kind == "M":
        return column.to_numpy("datetime64[ns]")
    if kind in "iuf" and column.isna().any():
        # in which all of 64 bits have their place
        return column.to_numpy(dtype="longdouble", na_value=float("nan"))
    return column.to_numpy()


def polars_frame(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare frames of polars."""
    if a.shape != b.shape:
        yield Difference("", "shape", str(a.shape), str(b.shape))
    places, told = columns_of(a.columns, b.columns, context)
    yield from told
    for i, j in places if len(a) == len(b) else ():
        yield Pair(f"[{a.columns[i]!r}]", a.to_series(i), b.to_series(j))


def polars_series(a: Any, b: Any, context: Context) -> Iterator[Part]:
    """Compare series of polars."""
    if a.dtype != b.dtype:
        yield Difference("", "dtype", str(a.dtype), str(b.dtype))
    if a.equals(b, null_equal=True):
        return
    numbers = all(x.dtype.is_numeric() and not x.null_count() for x in (a, b))
    yield Pair("", *(x.to_numpy() if numbers else x.to_list() for x in (a, b)))
