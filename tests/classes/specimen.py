"""A specimen: how an object of a class is made, modified and looked at, as code of a notebook."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Specimen:
    """One class of the table.

    Parameters
    ----------
    name : str
        The class, as people write it.
    make : str
        Code that makes it and binds it to ``x``; the notebook binds ``y`` to the same object.
    change : str
        Code that modifies it in place through ``y``; where ``rebinds``, code that binds ``x`` anew,
        which is all that one can do with what is immutable.
    show : str
        An expression of ``x`` that shows its value or its behaviour, alike in every process.
    refused : str
        Part of the reason for which it cannot be saved; empty when it can.
    rebinds : bool
        Whether ``change`` binds ``x`` anew.
    until : tuple of int
        The first Python in which its class can no longer be pickled.
    """

    name: str
    make: str
    change: str
    show: str = "x"
    refused: str = ""
    rebinds: bool = False
    until: tuple[int, int] = (4, 0)


@dataclass(frozen=True)
class Library:
    """The specimens of a library: its title, the modules that they need, what all import."""

    title: str
    needs: tuple[str, ...]
    setup: str
    specimens: tuple[Specimen, ...]

    def present(self) -> list[Specimen]:
        """Give the specimens that this Python can pickle, or refuses for the reason given."""
        return [s for s in self.specimens if sys.version_info < s.until]

    def missing(self) -> list[str]:
        """Give the modules that are needed and not installed."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


def immutable(name: str, make: str, change: str, show: str = "x") -> Specimen:
    """Give a specimen of a class whose objects cannot be modified: ``x`` is bound anew."""
    return Specimen(name, f"x = {make}", f"x = {change}", show, rebinds=True)


def mutable(name: str, make: str, change: str, show: str = "x") -> Specimen:
    """Give a specimen that is restored; ``make`` is an expression, or binds ``x`` itself."""
    return Specimen(name, make if "x = " in make else f"x = {make}", change, show)


def old(specimen: Specimen) -> Specimen:
    """Give a specimen of `itertools`, whose objects are not pickled any more from 3.14 on."""
    return replace(specimen, until=(3, 14))


def refused(name: str, make: str, reason: str, change: str = "") -> Specimen:
    """Give a specimen that cannot be saved, for a reason that has this text in it."""
    code = make if "x = " in make else f"x = {make}"
    return Specimen(name, code, change or "y", "type(x).__name__", reason)
