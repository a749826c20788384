"""How the values of libraries are told whose attributes do not show what they hold: a table.

Each is looked up by package and name, wherever in its package a version keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import live
from . import arrays, frames
from .nodes import Json
from .shown import hidden, stated, text

if TYPE_CHECKING:
    from .encode import Encoder

Rule = Callable[["Encoder", Any, str], tuple[Json, int]]

_TABLE: dict[tuple[str, str], Rule] = {
    ("numpy", "MaskedArray"): arrays.masked,
    ("numpy", "ndarray"): arrays.array,
    ("numpy", "generic"): arrays.scalar,
    ("torch", "Tensor"): arrays.tensor,
    ("torch", "Generator"): arrays.generator,
    ("torch", "UntypedStorage"): arrays.storage,
    ("pandas", "DataFrame"): frames.frame,
    ("pandas", "Series"): frames.series,
    ("pandas", "Index"): frames.index,
    ("pandas", "ExtensionArray"): frames.extension,
    ("pandas", "CategoricalDtype"): frames.categories,
    **{("pandas", name): text for name in ("Period", "Interval", "BaseOffset", "ExtensionDtype")},
    ("pandas", "NAType"): text,
    ("polars", "DataFrame"): frames.polars_frame,
    ("polars", "Series"): frames.polars_series,
    **{("polars", name): stated for name in ("LazyFrame", "Expr")},
    **{("pyarrow", name): frames.arrow for name in ("Array", "ChunkedArray", "Table")},
    ("pyarrow", "RecordBatch"): frames.arrow,
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
