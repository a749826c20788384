"""How frames and columns are told: those of pandas, polars and pyarrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import arrays
from .names import name_of
from .nodes import Json

if TYPE_CHECKING:
    from .encode import Encoder

Told = tuple[Json, int]
Tell = Callable[["Encoder", str, Any, str], Told]


def frame(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a frame of pandas; one that is large by the sums of its columns."""
    labels, weight = encoder.listed(value.columns.tolist(), f"{path}.columns")
    names, _ = encoder.listed([*value.columns.names], f"{path}.columns.names")
    rows, more = index(encoder, value.index, f"{path}.index")
    columns = [(f"{path}[{label!r}]", value.iloc[:, i]) for i, label in enumerate(value.columns)]
    data, most = _columns(encoder, _column, [(step, x.array, str(x.dtype)) for step, x in columns])
    node: dict[str, Json] = {"is": "frame", "type": name_of(type(value)), "shape": [*value.shape]}
    return {**node, "columns": labels, "names": names, "index": rows, "data": data}, (
        weight + more + most
    )


def _columns(encoder: Encoder, tell: Tell, columns: list[tuple[str, Any, str]]) -> Told:
    told = [tell(encoder, *column) for column in columns]
    if sum(weight for _, weight in told) > encoder.size:
        with encoder.briefly():
            told = [tell(encoder, *column) for column in columns]
    return [node for node, _ in told], sum(weight for _, weight in told)


def _column(encoder: Encoder, path: str, column: Any, dtype: str) -> Told:
    if encoder.ignores(path):
        return encoder.tell(None, path)
    return encoder.part(_as_numpy(column), path, dtype)


def series(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a series of pandas."""
    told, weight = _column(encoder, path, value.array, str(value.dtype))
    rows, more = index(encoder, value.index, f"{path}.index")
    name, _ = encoder.tell(value.name, f"{path}.name")
    node = {"is": "series", "type": name_of(type(value)), "shape": [*value.shape], "name": name}
    return {**node, "index": rows, "values": told}, weight + more


def index(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell an index of pandas."""
    node: dict[str, Json] = {"is": "index", "type": name_of(type(value)), "shape": [len(value)]}
    node["names"], _ = encoder.listed([*value.names], f"{path}.names")
    if node["type"] == "pandas.RangeIndex":
        node["values"] = {"is": "text", "type": "range", "value": str(value._range)}
        return node, 24
    if value.nlevels > 1:
        node["values"], weight = encoder.listed(value.tolist(), path)
    else:
        node["values"], weight = encoder.part(_as_numpy(value.array), path, str(value.dtype))
    return node, weight


def extension(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell an array of pandas."""
    return arrays.tell(encoder, _as_numpy(value), path, name_of(type(value)), str(value.dtype))


def _as_numpy(column: Any) -> Any:
    """Give an array of numpy; of numbers that may be missing, with NaN."""
    kind = getattr(column.dtype, "kind", "O")
    if hasattr(column, "tz") and kind == "M":
        return column.to_numpy("datetime64[ns]")
    if kind in "iuf" and column.isna().any():
        return column.to_numpy(dtype="float64", na_value=float("nan"))
    return column.to_numpy()


def polars_frame(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell a frame of polars."""
    columns = [(f"{path}[{s.name!r}]", s, str(s.dtype)) for s in value.get_columns()]
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
        return encoder.tell(None, path)
    if column.dtype.is_numeric() and not column.null_count():
        return encoder.part(column.to_numpy(), path, dtype)
    return encoder.tell(column.to_list(), path)


def arrow(encoder: Encoder, value: Any, path: str) -> Told:
    """Tell what pyarrow holds: a column as a list, a table as a dict of them."""
    found = value.to_pydict() if hasattr(value, "to_pydict") else value.to_pylist()
    inner, weight = encoder.tell(found, path)
    return {"is": "instance", "type": name_of(type(value)), "contents": inner}, weight
