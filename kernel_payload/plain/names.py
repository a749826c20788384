"""What types are called in plain data: by package and name, wherever a version keeps them."""

from __future__ import annotations

from .. import live

# what some versions of Python and numpy call otherwise
_OTHERWISE = {"str_ascii_iterator": "str_iterator", "numpy.bool_": "numpy.bool"}


def public_name(name: str) -> str:
    """Give a type's name without the modules between its package and itself.

    ::

        pathlib._local.PosixPath --> pathlib.PosixPath
        Layer                    --> Layer
    """
    package, _, rest = name.partition(".")
    name = f"{package}.{rest.rpartition('.')[2]}" if rest else name
    return _OTHERWISE.get(name, name)


def name_of(cls: type) -> str:
    """Give the public name of a class."""
    name = live.type_name(cls)
    qualname = live.qualname_of(cls)
    if name != qualname:  # else a builtin, or of the notebook: <locals> and all
        name = f"{name.partition('.')[0]}.{qualname}"
    return _OTHERWISE.get(name, name)
