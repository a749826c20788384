"""The varchive: its format and the one implementation of it; never imports IPython."""

from .archive import Varchive, ranges
from .group import CHUNK, INLINE, Group, Part
from .model import SPAWNED, Entry, Place, Run, State

__all__ = [
    "CHUNK",
    "INLINE",
    "SPAWNED",
    "Entry",
    "Group",
    "Part",
    "Place",
    "Run",
    "State",
    "Varchive",
    "ranges",
]
