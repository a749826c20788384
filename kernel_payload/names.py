"""Which names of a notebook's namespace are the user's."""

from __future__ import annotations

import keyword
import re
from typing import Any

# IPython's own record of inputs and outputs, and what every module has
_OWN = re.compile(
    r"_i{0,3}|_{2,3}|_i?\d+|_[dio]h|__(name|doc|package|loader|spec|builtins?|session|file"
    r"|nonzero|warningregistry|annotations|annotate|conditional_annotations|vsc_ipynb_file)__"
)
_NOTHING = object()


def is_own(name: str) -> bool:
    """Whether a name is no variable's, whatever stands under it."""
    first = name[:1]
    return first == "<" or (first == "_" and _OWN.fullmatch(name) is not None)


def is_variable(shell: Any, name: str, value: Any) -> bool:
    """Whether what stands under a name is the user's."""
    # what the shell itself put there counts by identity: a user's own `open` is a variable
    return shell.user_ns_hidden.get(name, _NOTHING) is not value and not is_own(name)


def is_name(name: object) -> bool:
    """Whether a variable may have this name: a name of Python's, and not one of the shell's own."""
    if type(name) is not str or not name.isidentifier() or keyword.iskeyword(name):
        return False
    return not _OWN.fullmatch(name) and name not in ("In", "Out", "get_ipython")
