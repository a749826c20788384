"""The notebook's classes by the names of their entries: ``<class Name 3>``."""

from __future__ import annotations

import weakref

from . import live


class ClassNames:
    """Classes of the notebook <-> the names of their entries, for as long as they live."""

    def __init__(self) -> None:
        self._by_id: dict[int, tuple[weakref.ref[type], str]] = {}
        self._count = 0

    def count_from(self, count: int) -> None:
        """Count new classes from here: names are not to clash with those of another process."""
        self._count = count

    def name(self, cls: type) -> str:
        """Give ``<class Name 3>``, the same for the life of a class."""
        key = id(cls)
        if key not in self._by_id:
            self._count += 1
            forget = weakref.ref(cls, lambda _: self._by_id.pop(key, None))
            self._by_id[key] = (forget, f"<class {live.type_name(cls)} {self._count}>")
        return self._by_id[key][1]

    def adopt(self, name: str, cls: type) -> None:
        """Give a class that was loaded the name that its entry has."""
        key = id(cls)
        self._by_id[key] = (weakref.ref(cls, lambda _: self._by_id.pop(key, None)), name)

    def knows(self, cls: type) -> bool:
        """Whether a class has a name here."""
        return id(cls) in self._by_id

    def alive(self) -> dict[str, type]:
        """Give name -> class, of those that still exist."""
        found = ((name, cls()) for cls, name in list(self._by_id.values()))
        return {name: cls for name, cls in found if cls is not None}
