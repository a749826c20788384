"""What has no order -> pairs: elements of sets and keys of dicts, matched by what they mean.

Numbers, strings and tuples of them are found by their hash.  The others, the notebook's instances
among them, are compared with those that look alike; their own ``__hash__`` and ``__eq__`` are not
asked.
"""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Iterable
from enum import Enum
from pathlib import PurePath
from typing import Any

from kernel_payload import live
from kernel_payload.plain import Atom

from .difference import Context, is_itself_not

_TRIALS = 20_000
# those that libraries inherit from: pandas' Timestamp is a datetime
_ATOMS = {*map(id, (datetime.date, datetime.time, datetime.timedelta, range, PurePath))}

Item = tuple[Any, Any]
"""What it is matched by, and what comes with it."""


class TooMany(Exception):
    """There are too many that look alike to compare each with each."""


def pair_up(
    left: Iterable[Item], right: Iterable[Item], context: Context
) -> tuple[list[tuple[Item, Item]], list[Item], list[Item]]:
    """Match items.

    Returns
    -------
    pairs, only_left, only_right
        In the order of ``left``, then of ``right``.

    Raises
    ------
    TooMany
        When that would take too long.
    """
    waiting: dict[Hashable, list[Item]] = {}
    odd: list[Item] = []
    for item in right:
        key = exact_key(item[0])
        (odd if key is None else waiting.setdefault(key, [])).append(item)
    pairs, lonely = [], []
    for item in left:
        key = exact_key(item[0])
        if key is not None and waiting.get(key):
            pairs.append((item, waiting[key].pop(0)))
        else:
            lonely.append(item)
    rest = [item for items in waiting.values() for item in items]
    more, only_left, only_right = _try(lonely, rest + odd, context)
    return pairs + more, only_left, only_right


def exact_key(value: Any) -> Hashable | None:  # noqa: PLR0911  (a table by kind)
    """Give what equal values have in common, and others not; None for what cannot be told so."""
    if type(value) is str:
        return value
    if type(value) is tuple or type(value) is frozenset:
        keys = [exact_key(item) for item in value]
        if None in keys:
            return None
        return type(value), tuple(keys) if type(value) is tuple else frozenset(keys)
    if isinstance(value, Atom):
        return live.type_name(type(value)), value.text
    if not live.is_scalar(value) and not is_atom(type(value)):
        return None
    try:
        hash(value)
    except TypeError:  # a record of numpy's
        return None
    return live.type_name(type(value)), "nan" if is_itself_not(value) else value


def are_names(keys: Iterable[Any]) -> bool:
    """Whether all are strings or integers, to be found as such."""
    return all(type(key) is str or type(key) is int for key in keys)


def is_atom(cls: type) -> bool:
    """Whether values are what they show: dates, paths, numbers of numpy and the like.

    Heirs in a notebook are not: they may say themselves what is equal.
    """
    if live.is_notebook_class(cls):
        return False
    return live.kind_of(cls) is live.Kind.ATOM or any(id(base) in _ATOMS for base in live.mro(cls))


def _try(
    left: list[Item], right: list[Item], context: Context
) -> tuple[list[tuple[Item, Item]], list[Item], list[Item]]:
    alike: dict[Hashable, list[Item]] = {}
    for item in right:
        alike.setdefault(_look(item[0]), []).append(item)
    pairs: list[tuple[Item, Item]] = []
    only_left: list[Item] = []
    trials = 0
    for item in left:
        others = alike.get(_look(item[0]), [])
        if not context.tolerance and exact_key(item[0]) is not None:
            others = []  # it would have been found
        for place, other in enumerate(others):
            trials += 1
            if trials > _TRIALS:
                raise TooMany
            if context.equal(item[0], other[0]):
                pairs.append((item, others.pop(place)))
                break
        else:
            only_left.append(item)
    kept = {id(item) for items in alike.values() for item in items}
    return pairs, only_left, [item for item in right if id(item) in kept]


def _look(value: Any) -> Hashable:
    """Give what equal values certainly have in common."""
    name = live.type_name(type(value))
    if live.is_class(value):
        return name, live.type_name(value)
    if any(base is Enum for base in live.mro(type(value))):
        return name, str(live.attributes_of(value).get("_name_"))
    if type(value) is str:
        return name, value
    found = live.attributes_of(value).items()
    # numbers may be close to each other
    return name, frozenset((key, text) for key, text in found if type(text) is str)
