"""All specimens by promise, and what libraries they need that not every environment has."""

from __future__ import annotations

import importlib.util

from . import Specimen
from .arrays import ARRAYS, SPARSE, TENSORS
from .classes import CLASSES
from .code import FUNCTIONS
from .frames import FRAMES
from .metaclasses import METACLASSES
from .others import DEEP, HOSTILE, MODULES, REFUSED
from .sharing import SHARING

PROMISES: dict[str, dict[str, Specimen]] = {
    "sharing": SHARING,
    "arrays": ARRAYS,
    "sparse": SPARSE,
    "torch": TENSORS,
    "frames": FRAMES,
    "functions": FUNCTIONS,
    "classes": CLASSES,
    "classes' making": METACLASSES,
    "modules": MODULES,
    "refused": REFUSED,
    "hostile": HOSTILE,
    "deep": DEEP,
}
_NEEDS = {"sparse": "scipy", "torch": "torch"}


def lacks(promise: str, specimen: Specimen) -> bool:
    """Whether a library is not installed that a specimen needs."""
    needed = "pyarrow" if "arrow" in specimen.make else _NEEDS.get(promise)
    return needed is not None and importlib.util.find_spec(needed) is None
