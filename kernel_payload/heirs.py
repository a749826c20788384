"""Instances of the notebook's classes that inherit from a built-in or a library's value class.

By itself pickle would call the class, whose ``__new__`` and ``__init__`` may take something else,
fill it by methods that the class may have overridden, and often leave out its attributes.  Here
the base's own methods tell what an instance holds, and make it again: no code of the user's runs.
"""

from __future__ import annotations

import _random
import copyreg
import datetime
import decimal
import fractions
import itertools
import pathlib
import random
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

from . import live, rebuild
from .instances import OWN, Layout, Reduce, plain_values

_SAYS = (*OWN, "__getinitargs__")  # the last is tzinfo's
# where a class has a say in any of these, pickle's own way may not bring it back
_ASKED = ("__new__", "__class__", "__getattribute__")
_OF_LISTS = (*_ASKED, "__iter__", "append", "extend")
_OF_DICTS = (*_ASKED, "__iter__", "items", "__setitem__")
_factory_of = defaultdict.__dict__["default_factory"].__get__
_maxlen_of = deque.__dict__["maxlen"].__get__


class _Family(NamedTuple):
    """What a base's own methods tell of an instance.

    ``arguments`` are for its ``__new__``; ``contents`` for `rebuild.fill_heir`.  Pickle's own way,
    which is faster, does for heirs that have none of ``unless`` of their own.
    """

    base: type
    arguments: Callable[[Any], tuple[Any, ...]] = lambda _: ()
    contents: Callable[[Any], tuple[Any, ...]] = lambda _: ()
    unless: tuple[str, ...] = ()


def _reduced(base: Any) -> Callable[[Any], tuple[Any, ...]]:
    return lambda thing: base.__reduce_ex__(thing, rebuild.PROTOCOL)[1]


def _pairs(base: Any, mapping: Any) -> list[Any]:
    return [part for pair in base.items(mapping) for part in pair]


def _families() -> dict[int, _Family]:
    scalars: tuple[Any, ...] = (int, float, complex, str, bytes, tuple)
    reduced = (
        *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta),
        *(decimal.Decimal, fractions.Fraction, itertools.count),
        *(pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath),
    )
    found = [
        *(_Family(base, base.__getnewargs__, unless=_ASKED) for base in scalars),
        *(
            _Family(base, _reduced(base))
            for base in reduced
            # itertools loses it with Python 3.14
            if "__reduce__" in {name for b in live.mro(base)[:-1] for name in live.namespace_of(b)}
        ),
        _Family(datetime.tzinfo),
        _Family(frozenset, lambda x: ([*frozenset.__iter__(x)],)),
        _Family(set, contents=lambda x: ([*set.__iter__(x)],)),
        _Family(list, contents=lambda x: ([*list.__iter__(x)],), unless=_OF_LISTS),
        _Family(deque, contents=lambda x: ([*deque.__iter__(x)], _maxlen_of(x))),
        _Family(bytearray, contents=lambda x: (bytes(memoryview(x)),)),
        _Family(dict, contents=lambda x: (_pairs(dict, x),), unless=_OF_DICTS),
        _Family(OrderedDict, contents=lambda x: (_pairs(OrderedDict, x),)),
        _Family(Counter, contents=lambda x: (_pairs(dict, x),)),
        _Family(defaultdict, contents=lambda x: (_pairs(dict, x), _factory_of(x))),
        _Family(random.Random, contents=lambda x: (_random.Random.getstate(x),)),
    ]
    return {id(family.base): family for family in found}


_FAMILIES = _families()


def _reduce_if_noted(family: _Family, layout: Layout, thing: Any) -> Any:
    noted = live.attributes_of(thing).keys() - {"gauss_next"}  # what random itself puts there
    return _reduce_heir(family, layout, False, thing) if noted else NotImplemented


def by_class(cls: type) -> Reduce | None:
    """Give the reduction of instances of such a class; None where they are none or pickle's does.

    A class that has a say in its pickling keeps it.
    """
    bases = live.mro(cls)
    if not live.is_notebook_class(cls) or any(base is Enum for base in bases):
        return None
    place = next((n for n, base in enumerate(bases) if id(base) in _FAMILIES), None)
    if place is None or any(key is cls for key in copyreg.dispatch_table):
        return None
    family = _FAMILIES[id(bases[place])]
    below = [base for base in bases[:-1] if all(base is not b for b in live.mro(family.base))]
    own = [live.namespace_of(base) for base in below if live.is_notebook_class(base)]
    library = [live.namespace_of(base) for base in below if not live.is_notebook_class(base)]
    # a library's class that makes or pickles its instances itself knows better
    if any(name in found for found in library for name in (*_SAYS, "__new__")):
        return None
    if any(name in f and not _is_of_named_tuple(f[name]) for f in own for name in _SAYS):
        return None
    said = {name for f in own for name in f if not _is_of_named_tuple(f[name])}
    if family.unless and said.isdisjoint(family.unless):
        return None
    hashed = any(type(found.get("__hash__")) is types.FunctionType for found in own)
    return partial(_reduce_heir, family, Layout(cls, family.base), hashed)


def _is_of_named_tuple(found: Any) -> bool:
    """Whether an attribute of a class is a method that `collections.namedtuple` made."""
    function = found.__func__ if type(found) is staticmethod else found
    if type(function) is not types.FunctionType:
        return False
    home = function.__globals__.get("__name__")
    return home == "collections" or str(home).startswith("namedtuple_")


def _reduce_heir(family: _Family, layout: Layout, hashed: bool, thing: Any) -> Any:
    attributes, slots = layout.state(thing)
    # what a hash is made of must be there when a set or dict that it holds asks for its hash
    early = (plain_values(attributes), plain_values(slots)) if hashed else ({}, {})
    made = rebuild.heir_of, (family.base, type(thing), family.arguments(thing), *early)
    contents = family.contents(thing)
    if not contents and not attributes and not slots:
        return made
    state = (family.base, contents, attributes, slots)
    return *made, state, None, None, rebuild.fill_heir


BY_TYPE: dict[int, Reduce] = {
    id(cls): partial(_reduce_if_noted, _FAMILIES[id(cls)], Layout(cls, cls))
    for cls in (Counter, random.Random)
}
"""Id of type -> reduction, of library types whose own leaves out attributes."""
