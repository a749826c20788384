"""The records of a varchive, frozen, and their JSON.

An *entry* is what a manifest says of one variable (or of one notebook class, or of hidden state:
their names begin with ``<``, which no variable's does).  A *group* is what was pickled together:
variables that share mutable objects.  A *state* is a cell's manifest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Json = dict[str, Any]

# made now: a notebook may put something else in the place of json.dumps
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode


SPAWNED = "spawned"
"""The status of the state of a cell that runs in the background, until its end is recorded."""

PLAIN = "plain"
"""What a run says of itself that holds plain data only: no value of it needs to be unpickled."""


class Place(NamedTuple):
    """Where a group's bytes are: a range of an object."""

    object: str
    offset: int
    length: int


@dataclass(frozen=True)
class Entry:
    """What a manifest says of a variable without unpickling it.

    ``n`` is the cell that made it what it is, ``size`` counts bytes; ``digest`` names the value,
    ``place`` its group; an entry that could not be saved has ``reason`` instead of both.  What a
    plain run keeps of a value is ``plain``, a node of plain data, and has no ``place``.
    """

    type: str
    n: int
    size: int = 0
    preview: str = ""
    digest: str | None = None
    place: Place | None = None
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    len: int | None = None
    reason: str | None = None
    plain: Any = None

    def to_json(self) -> Json:
        """Give plain data, absent fields left out."""
        return _dense(self)

    @classmethod
    def from_json(cls, data: Json) -> Entry:
        """Read what `to_json` gave; unknown fields, of a later minor format, are passed over."""
        known = _known(cls, data)
        if "place" in known:
            known["place"] = Place(*known["place"])
        if "shape" in known:
            known["shape"] = tuple(known["shape"])
        return cls(**known)


@dataclass(frozen=True)
class State:
    """What was recorded after cell ``n`` of a run.

    The namespace is the table in object ``base`` (none: empty), less ``gone``, overlaid with
    ``entries``: a manifest stays small however many variables there are.  ``answer`` is the
    entry of ``Out[n]``, or the name of the variable that it is.  ``parent`` is the cell whose state
    the cell ran on: the one before, or where `past` went back to (``"run:n"`` of another run).
    A cell that ran in the background has ``job`` (how it ended and what it took) and ``outputs``
    (the digest of the object that holds them); as long as its end is not recorded, its status is
    ``spawned``, and the variables are those on which it runs.  ``withheld`` names the variables
    that were there and were not to be saved.  In a plain run, ``upon`` is the cell whose namespace
    is there in the place of ``base``.
    """

    n: int
    parent: int | str | None = None
    cell_id: str | None = None
    source: str = ""
    status: str = "ok"
    error: Json | None = None
    started: str = ""
    ended: str = ""
    seconds: float = 0.0
    base: str | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    unsaved: tuple[str, ...] = ()
    answer: Entry | str | None = None
    cwd: str | None = None
    variables: int = 0
    bytes: int = 0
    job: Json | None = None
    outputs: str | None = None
    withheld: tuple[str, ...] = ()
    upon: int | None = None

    def to_json(self) -> Json:
        """Give plain data, absent fields left out."""
        data = _dense(self)
        data["entries"] = {name: entry.to_json() for name, entry in self.entries.items()}
        if isinstance(self.answer, Entry):
            data["answer"] = self.answer.to_json()
        return data

    @classmethod
    def from_json(cls, data: Json) -> State:
        """Read what `to_json` gave; unknown fields, of a later minor format, are passed over."""
        known = _known(cls, data)
        known["entries"] = table_from_json(known.get("entries", {}))
        for name in ("gone", "made", "changed", "deleted", "unsaved", "withheld"):
            known[name] = tuple(known.get(name, ()))
        if isinstance(known.get("answer"), dict):
            known["answer"] = Entry.from_json(known["answer"])
        return cls(**known)


@dataclass(frozen=True)
class Run:
    """One execution of a notebook: what is known of it, and how it ended (None: unknown)."""

    id: str
    about: Json
    end: Json | None


def table_from_json(data: Json) -> dict[str, Entry]:
    """Plain data -> name -> entry."""
    return {name: Entry.from_json(entry) for name, entry in data.items()}


def dump_json(data: Json) -> bytes:
    """Give the one serialized form: UTF-8, compact, in order of insertion."""
    # surrogates (a cell may print or hold any str) must not stop a recording: escape them
    return _encode(data).encode("ascii")


def _dense(record: Any) -> Json:
    # a dataclass's own dict has its fields, in their order
    return {
        name: value for name, value in record.__dict__.items() if value is not None and value != ()
    }


def _known(cls: Any, data: Json) -> Json:
    fields = cls.__dataclass_fields__
    return {name: value for name, value in data.items() if name in fields}
