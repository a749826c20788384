"""The varchive: its format and the one implementation of it; never imports IPython."""

from .archive import Varchive, ranges
from .clearing import Cleared, clear
from .copying import save
from .group import CHUNK, INLINE, Group, Part
from .model import PLAIN, SPAWNED, Entry, Place, Run, State

__all__ = [
    "CHUNK",
    "INLINE",
    "PLAIN",
    "SPAWNED",
    "Cleared",
    "Entry",
    "Group",
    "Part",
    "Place",
    "Run",
    "State",
    "Varchive",
    "clear",
    "ranges",
    "save",
]
