"""How the values of libraries are told whose attributes do not show what they hold: a table.

Each is looked up by package and name, wherever in its package a version keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import live
from .arrays import array, generator, masked, scalar, storage, tensor
from .frames import (
    arrow,
    categories,
    extension,
    frame,
    index,
    polars_frame,
    polars_series,
    series,
)
from .nodes import Json
from .shown import hidden, stated, text

if TYPE_CHECKING:
    from .encode import Encoder

Rule = Callable[["Encoder", Any, str], tuple[Json, int]]

_TABLE: dict[tuple[str, str], Rule] = {
    ("numpy", "MaskedArray"): masked,
    ("numpy", "ndarray"): array,
    ("numpy", "generic"): scalar,
    ("torch", "Tensor"): tensor,
    ("torch", "Generator"): generator,
    ("torch", "UntypedStorage"): storage,
    ("pandas", "DataFrame"): frame,
    ("pandas", "Series"): series,
    ("pandas", "Index"): index,
    ("pandas", "ExtensionArray"): extension,
    ("pandas", "CategoricalDtype"): categories,
    **{("pandas", name): text for name in ("Period", "Interval", "BaseOffset", "ExtensionDtype")},
    ("pandas", "NAType"): text,
    ("polars", "DataFrame"): polars_frame,
    ("polars", "Series"): polars_series,
    **{("polars", name): stated for name in ("LazyFrame", "Expr")},
    **{("pyarrow", name): arrow for name in ("Array", "ChunkedArray", "Table")},
    ("pyarrow", "RecordBatch"): arrow,
    ("PIL", "Image"): stated,
    ("sympy", "Basic"): text,  # which also keeps its hash
    **{("typing", name): text for name in ("_GenericAlias", "TypeVar")},  # it hides its arguments
    # pictures: what is in them, canvas and caches, is for their library to know
    **{
        ("matplotlib", name): hidden
        for name in (
            *("Artist", "Container", "FigureCanvasBase", "FigureManagerBase", "GridSpecBase"),
            *("TickHelper", "_ScalarMappable", "ScalarMappable", "SubplotSpec", "Colorbar"),
        )
    },
}


def rule_of_library(cls: type) -> Rule | None:
    """Give the rule for the instances of a class that a library's class is a base of."""
    for base in live.mro(cls):
        package, _, rest = live.type_name(base).partition(".")
        if rest and (rule := _TABLE.get((package, live.qualname_of(base)))):
            return rule
    return None
