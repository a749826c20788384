"""A value -> what a manifest says of it: type, shape, dtype, length and a short preview.

Runs no code of the user's: contents are looked at only where the type is exactly a builtin's, or
numpy's or pandas' own.
"""

from __future__ import annotations

import types
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

from . import live

_WIDTH = 60


class Description(NamedTuple):
    """What is told of a value without its being loaded."""

    type: str
    preview: str = ""
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    len: int | None = None
    nbytes: int | None = None


def describe(value: Any) -> Description:
    """Describe a value."""
    cls = type(value)
    name = live.type_name(cls)
    if special := _LIBRARY.get(name):
        try:
            return special(name, value)
        except Exception:  # noqa: BLE001  (a library's object in a state of its own making)
            return Description(name)
    length = len(value) if id(cls) in _SIZED else None
    return Description(name, brief(value), len=length)


def brief(value: Any, depth: int = 2) -> str:  # noqa: PLR0911  (a table by kind)
    """Give a short text of a value; of what is no builtin, only its type."""
    cls = type(value)
    if cls is str or cls is bytes:
        return _cut(repr(value[:_WIDTH]) + ("…" if len(value) > _WIDTH else ""))
    if cls is int:
        # the digits of a very long integer take quadratic time, or are refused
        return repr(value) if value.bit_length() < 200 else f"<{value.bit_length()} bits>"
    if live.is_scalar(value) or cls is range:
        return repr(value)
    if id(cls) in _BRACKETS:
        return _cut(_items(value, cls, depth))
    if cls is types.ModuleType:
        return f"module {value.__dict__.get('__name__')}"
    if cls is types.FunctionType:
        if live.is_notebook_function(value):
            return f"{value.__qualname__}({', '.join(_arguments(value.__code__))})"
        return f"function {value.__module__}.{value.__qualname__}"
    if live.is_class(value):
        return f"class {live.type_name(value)}"
    return f"<{live.type_name(cls)}>"


def _items(value: Any, cls: type, depth: int) -> str:
    opening, closing = _BRACKETS[id(cls)]
    if depth == 0:
        return f"{opening}…{closing}" if len(value) else opening + closing
    shown: Iterable[str]
    if cls is dict or cls is OrderedDict:
        some = islice(dict.items(value), 5)
        shown = [f"{brief(k, depth - 1)}: {brief(v, depth - 1)}" for k, v in some]
    else:
        shown = [brief(item, depth - 1) for item in islice(iter(value), 5)]
    more = ["…"] if len(value) > 5 else []
    return opening + ", ".join([*shown, *more]) + closing


def _arguments(code: types.CodeType) -> tuple[str, ...]:
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH + 20 else text[: _WIDTH + 19] + "…"


# by id: hashing a class may run its metaclass's code
_BRACKETS: dict[int, tuple[str, str]] = {
    id(list): ("[", "]"),
    id(tuple): ("(", ")"),
    id(set): ("{", "}"),
    id(frozenset): ("frozenset({", "})"),
    id(dict): ("{", "}"),
    id(OrderedDict): ("OrderedDict({", "})"),
    id(deque): ("deque([", "])"),
}
_SIZED = frozenset({*_BRACKETS, *map(id, (str, bytes, bytearray, range))})


def _array(name: str, array: Any) -> Description:
    shown = array.flat[:6].tolist()
    text = ", ".join([*(brief(item) for item in shown), *(["…"] if array.size > 6 else [])])
    return Description(
        name, _cut(f"[{text}]"), tuple(array.shape), str(array.dtype), nbytes=int(array.nbytes)
    )


def _frame(name: str, frame: Any) -> Description:
    columns = frame.columns
    shown = ", ".join(brief(label) for label in columns[:8].tolist())
    more = ", …" if len(columns) > 8 else ""
    return Description(name, _cut(f"columns {shown}{more}"), tuple(frame.shape), len=len(frame))


def _series(name: str, series: Any) -> Description:
    text = ", ".join(brief(item) for item in series.iloc[:4].tolist())
    more = ", …" if len(series) > 4 else ""
    dtype = str(series.dtype)
    return Description(name, _cut(f"[{text}{more}]"), tuple(series.shape), dtype, len(series))


def _scalar(name: str, value: Any) -> Description:
    return Description(name, brief(value.item()), dtype=str(value.dtype))


def _tensor(name: str, tensor: Any) -> Description:
    shape, dtype = tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
    if tensor.device.type != "cpu" or str(tensor.layout) != "torch.strided":
        return Description(name, f"<{name} on {tensor.device}>", shape, dtype)
    # cut in every direction first: what is not contiguous would be copied whole
    shown = tensor.detach()[(slice(6),) * tensor.ndim].reshape(-1)[:6].tolist()
    text = ", ".join([*map(brief, shown), *(["…"] if tensor.numel() > 6 else [])])
    nbytes = tensor.numel() * tensor.element_size()
    return Description(name, _cut(f"[{text}]"), shape, dtype, nbytes=nbytes)


_LIBRARY: dict[str, Callable[[str, Any], Description]] = {
    "numpy.ndarray": _array,
    "torch.Tensor": _tensor,
    "torch.nn.parameter.Parameter": _tensor,
    "pandas.core.frame.DataFrame": _frame,
    "pandas.core.series.Series": _series,
    "pandas.DataFrame": _frame,
    "pandas.Series": _series,
    **{
        f"numpy.{kind}": _scalar
        for kind in ("bool", "bool_", "int64", "int32", "uint8", "float64", "float32", "complex128")
    },
}
