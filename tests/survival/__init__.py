"""What must survive: specimens by promise, each made in one cell and changed in the next."""

from __future__ import annotations

from textwrap import dedent
from typing import NamedTuple


class Specimen(NamedTuple):
    """Code of two cells, and what must hold of the states after them.

    ``check`` holds after ``make``, whatever ``change`` did since; ``after`` after ``change``.
    ``unsaved`` is variable -> a pattern of the reason for which it is listed instead.
    """

    make: str
    change: str
    check: str
    after: str = ""
    unsaved: dict[str, str] = {}  # noqa: RUF012  (a NamedTuple's default; nobody writes to it)

    def plain(self) -> Specimen:
        """Give the same with its code flush left."""
        code = (dedent(part) for part in (self.make, self.change, self.check, self.after))
        return Specimen(*code, self.unsaved)
