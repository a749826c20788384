"""cloudpickle's reductions of classes, code and the like, under a name of the payload's own.

In a kernel that tmrun injects, the bundle puts cloudpickle's source itself here: the kernel's
environment may lack it or hold another version, and gains no ``cloudpickle`` by being recorded.
"""

from typing import Any

from cloudpickle import cloudpickle as _source


def __getattr__(name: str) -> Any:
    return getattr(_source, name)
