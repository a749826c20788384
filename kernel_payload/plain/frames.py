"""How frames and columns are told: those of pandas, polars and pyarrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import live
from .arrays import tell_array
from .names import name_of
from .nodes import IGNORED, Json, Told, canonical, digest, label

if TYPE_CHECKING:
    from .encode import Encoder

Tell = Callable[["Encoder", str, Any, str], Told]

_CATEGORIES = 200  # characters in which they are told


def frame(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a frame of pandas; one that is large by the sums of its columns."""
    labels, weight = encoder.listed(value.columns.tolist(), f"{path}.columns")
    kept = [i for i, x in enumerate(labels) if not encoder.ignores(f"{path}[{label(x)}]")]
    names, _ = encoder.listed([*value.columns.names], f"{path}.columns.names")
    rows, more = index(encoder, value.index, f"{path}.index")
    columns = [(f"{path}[{label(labels[i])}]", value.iloc[:, i]) for i in kept]
    data, most = _columns(
        encoder, _column, [(step, x.array, _dtype(encoder, x.array)) for step, x in columns]
    )
    node: dict[str, Json] = {"is": "frame", "type": name_of(type(value)), "shape": [*value.shape]}
    node |= {"columns": [labels[i] for i in kept], "names": names, "index": rows, "data": data}
    about, attrs = _attrs(encoder, value, path)
    return {**node, **about}, weight + more + most + attrs


def _attrs(encoder: Encoder, value: Any, path: str) -> tuple[dict[str, Json], int]:
    if not value.attrs:
        return {}, 0
    told, weight = encoder.tell(value.attrs, f"{path}.attrs")
    return {"attrs": told}, weight


def _columns(encoder: Encoder, tell: Tell, columns: list[tuple[str, Any, str]]) -> Told:
    before = encoder.met
    told = [tell(encoder, *column) for column in columns]
    if sum(weight for _, weight in told) > encoder.size:
        with encoder.briefly(before):
            told = [tell(encoder, *column) for column in columns]
    return [node for node, _ in told], sum(weight for _, weight in told)


def _column(encoder: Encoder, path: str, column: Any, dtype: str) -> Told:
    if encoder.ignores(path):
        return IGNORED, 1
    x, mask = _as_numpy(column)
    return encoder.part(x, path, dtype, mask)


def _dtype(encoder: Encoder, column: Any) -> str:
    """Name the dtype of a column; of a categorical one with its categories."""
    name = str(column.dtype)
    if name != "category":
        return name
    told, _ = encoder.apart(column.categories.tolist(), "")
    text = canonical(told)
    shown = text if len(text) <= _CATEGORIES else digest(text.encode("ascii"))
    return f"category{' ordered' if column.ordered else ''} {shown}"


def categories(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a dtype of categories by these."""
    told, weight = encoder.tell([*(value.categories if value.categories is not None else ())], path)
    node = {
        "is": "instance",
        "type": name_of(type(value)),
        "attributes": {"ordered": value.ordered},
    }
    return {**node, "contents": told}, weight


def series(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a series of pandas."""
    told, weight = _column(encoder, path, value.array, _dtype(encoder, value.array))
    rows, more = index(encoder, value.index, f"{path}.index")
    name, _ = encoder.tell(value.name, f"{path}.name")
    node = {"is": "series", "type": name_of(type(value)), "shape": [*value.shape], "name": name}
    about, attrs = _attrs(encoder, value, path)
    return {**node, "index": rows, "values": told, **about}, weight + more + attrs


def index(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell an index of pandas."""
    if encoder.ignores(path):
        return IGNORED, 1
    node: dict[str, Json] = {"is": "index", "type": name_of(type(value)), "shape": [len(value)]}
    node["names"], _ = encoder.listed([*value.names], f"{path}.names")
    if node["type"] == "pandas.RangeIndex":
        node["values"] = {"is": "text", "type": "range", "value": str(value._range)}
        return node, 24
    if value.nlevels > 1:
        labels = value.tolist()
        node["values"], weight = encoder.fitting(*encoder.listed(labels, path), labels)
    else:
        node["values"], weight = _column(encoder, path, value.array, _dtype(encoder, value.array))
    return node, weight


def extension(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell an array of pandas."""
    x, mask = _as_numpy(value)
    name = name_of(type(value))
    return tell_array(encoder, x, path, name, dtype=_dtype(encoder, value), mask=mask)


def _as_numpy(column: Any) -> tuple[Any, Any]:
    """Give an array of numpy; and what is missing, where numpy has no sign of that, as a mask."""
    dtype = column.dtype
    kind = getattr(dtype, "kind", "O")
    if hasattr(column, "tz") and kind == "M":
        return column.to_numpy(f"datetime64[{column.unit}]"), None
    missing = live.type_name(type(getattr(dtype, "na_value", None)))
    if kind in "iufb" and missing.endswith("NAType") and column.isna().any():
        # as floats, large integers would lose their last digits
        plain = dtype.numpy_dtype
        return column.to_numpy(dtype=plain, na_value=plain.type(0)), column.isna()
    return column.to_numpy(), None


def polars_frame(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a frame of polars."""
    columns = [(f"{path}[{label(s.name)}]", s, str(s.dtype)) for s in value.get_columns()]
    labels, weight = encoder.listed([*value.columns], f"{path}.columns")
    data, more = _columns(encoder, _polars_column, columns)
    node = {"is": "frame", "type": name_of(type(value)), "shape": [*value.shape]}
    return {**node, "columns": labels, "data": data}, weight + more


def polars_series(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a series of polars."""
    told, weight = _polars_column(encoder, path, value, str(value.dtype))
    return {
        "is": "series",
        "type": name_of(type(value)),
        "name": value.name,
        "values": told,
    }, weight


def _polars_column(encoder: Encoder, path: str, column: Any, dtype: str) -> Told:
    if encoder.ignores(path):
        return IGNORED, 1
    if column.dtype.is_numeric() and not column.null_count():
        return encoder.part(column.to_numpy(), path, dtype)
    return encoder.tell(column.to_list(), path)


def arrow(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell what pyarrow holds: a column as a list, a table as a dict of them."""
    found = value.to_pydict() if hasattr(value, "to_pydict") else value.to_pylist()
    inner, weight = encoder.tell(found, path)
    return {"is": "instance", "type": name_of(type(value)), "contents": inner}, weight
