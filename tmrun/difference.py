"""What comparing two values finds, as plain frozen data; and what the rules of comparing share.

`compare` finds them, `diff_words` puts them in words.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kernel_payload import live
from kernel_payload.describe import describe
from kernel_payload.instances import Layout
from kernel_payload.plain import StandIn

_NUMBERS = (int, float, complex)

KINDS = {
    "value": "another value",
    "type": "of another type",
    "shape": "of another shape",
    "dtype": "of another dtype",
    "length": "of another length",
    "order": "in another order",
    "missing": "only in {a}",
    "added": "only in {b}",
    "code": "other code",
}
"""The kinds of differences; a and b are what the two sides are called."""


@dataclass(frozen=True)
class Amount:
    """How far numbers are from each other.

    Attributes
    ----------
    elements, of : int
        How many elements differ, of how many.
    absolute, relative : float or None
        The largest difference, and the largest one relative to A; None where there is none that is
        finite in A and B, or not zero in A.
    absolute_at, relative_at : str
        Where they are, as Python has it: ``[3, 4]``.
    """

    elements: int
    of: int
    absolute: float | None = None
    absolute_at: str = ""
    relative: float | None = None
    relative_at: str = ""


@dataclass(frozen=True)
class Difference:
    """One difference of two values.

    Attributes
    ----------
    path : str
        Where in the value, as Python has it: ``['layers'][3].weights``; empty: the value itself.
    kind : str
        One of `KINDS`.
    a, b : str
        What is there in A and in B, in short; empty where there is nothing.
    amount : Amount or None
        Of numbers and arrays, how far they are apart.
    """

    path: str
    kind: str
    a: str = ""
    b: str = ""
    amount: Amount | None = None


@dataclass(frozen=True)
class Unknown:
    """A part of two values that could not be compared, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """What comparing two values found.

    Attributes
    ----------
    differences : tuple of Difference
        The first of them.
    count : int
        How many there are; at least, when not ``complete``.
    unknown : tuple of Unknown
        The first of the parts that could not be compared.
    complete : bool
        False where the search was ended at its bounds.
    """

    differences: tuple[Difference, ...] = ()
    count: int = 0
    unknown: tuple[Unknown, ...] = ()
    complete: bool = True

    @property
    def equal(self) -> bool:
        """Whether all was compared, and nothing differs."""
        return not self.count and not self.unknown and self.complete


def is_itself_not(value: Any) -> bool:
    """Whether a value is NaN, NaT or the like."""
    return bool(value != value)  # noqa: PLR0124  (it is what NaN is known by)


@dataclass(frozen=True)
class Tolerance:
    """How far numbers may be from each other, as `numpy.isclose` has it: relative to A.

    Attributes
    ----------
    rtol, atol : float
        They are close when ``abs(a - b) <= atol + rtol * abs(a)``.
    """

    rtol: float = 0.0
    atol: float = 0.0

    def __bool__(self) -> bool:
        return self.rtol > 0 or self.atol > 0

    def close(self, a: Any, b: Any) -> bool:
        """Whether two numbers of Python's are close; NaN is to NaN."""
        if a == b or (is_itself_not(a) and is_itself_not(b)):
            return True
        try:
            apart = abs(a - b)
            return bool(self) and math.isfinite(apart) and apart <= self.atol + self.rtol * abs(a)
        except OverflowError:  # an int that no float can hold
            return False

    def alike(self, a: Any, b: Any) -> bool:
        """Whether two values are one object, or the same or close numbers, strings or the like."""
        if a is b:
            return True
        if type(a) is not type(b) or not live.is_scalar(a):
            return False
        return bool(a == b) or (type(a) in _NUMBERS and self.close(a, b))


@dataclass(frozen=True)
class Measure:
    """By what two values of one variable are judged.

    Attributes
    ----------
    rtol, atol : float
        How far numbers may be from each other; see `Tolerance`.
    ignored : callable, or None
        Path in the value -> whether a difference there does not count.
    """

    rtol: float = 0.0
    atol: float = 0.0
    ignored: Callable[[str], object] | None = None


@dataclass(frozen=True)
class Context:
    """What a rule may ask.

    Attributes
    ----------
    tolerance : Tolerance
        How far numbers may be from each other.
    equal : callable
        Whether two values inside of those that are compared are equal.
    layout : callable
        Class -> where its instances keep what they hold.
    """

    tolerance: Tolerance
    equal: Callable[[Any, Any], bool]
    layout: Callable[[type], Layout]


@dataclass(frozen=True)
class Pair:
    """Two parts that are to be compared in their turn, and the step that leads to them."""

    step: str | int
    a: Any
    b: Any


Part = Pair | Difference | Unknown
"""What a rule gives of two values; the path of a difference is what the rule adds to its own."""


def say(value: Any) -> str:
    """Say in short what a value is; runs no code of the user's."""
    if isinstance(value, StandIn):
        return repr(value)
    told = describe(value)
    if told.shape is not None:
        return f"{told.type} {told.dtype or ''} {told.shape} {told.preview}".replace("  ", " ")
    return told.preview


def say_type(value: Any) -> str:
    """Say of what type a value is, and in short what it is."""
    if isinstance(value, StandIn):
        return f"{live.type_name(type(value))} {value!r}"
    told = describe(value)
    plain = told.preview.strip("<>") == told.type
    return told.type if plain else f"{told.type} {told.preview}"
