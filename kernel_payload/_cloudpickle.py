"""cloudpickle's reductions of classes, code and the like, under a name of the payload's own.

In a kernel that tmrun injects, the bundle puts cloudpickle's source itself here: the kernel's
environment may lack it or hold another version, and gains no ``cloudpickle`` by being recorded.
"""

from cloudpickle.cloudpickle import *  # noqa: F403  (the source has no __all__)
from cloudpickle.cloudpickle import (  # what the payload leans on
    Pickler,
    _class_getnewargs,
    _class_getstate,
    _class_setstate,
    _enum_getnewargs,
    _enum_getstate,
    _extract_code_globals,
    _make_skeleton_class,
    _make_skeleton_enum,
)

__all__ = [
    "Pickler",
    "_class_getnewargs",
    "_class_getstate",
    "_class_setstate",
    "_enum_getnewargs",
    "_enum_getstate",
    "_extract_code_globals",
    "_make_skeleton_class",
    "_make_skeleton_enum",
]
