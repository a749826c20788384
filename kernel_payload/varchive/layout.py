"""Where things are in a varchive: hash | run id | cell number -> relative name.  Pure.

::

    varchive.json                        {"format": 1}
    objects/x4f/09c1…                    content, by its digest
    runs/20261122T131500-a1b2c3/run.json what ran, when, with which versions
    runs/20261122T131500-a1b2c3/end.json how it ended
    runs/20261122T131500-a1b2c3/states/000012.json
    tmp/                                 files that are being written
"""

from __future__ import annotations

import re

FORMAT = 1
MARK = "varchive.json"
OBJECTS = "objects"
RUNS = "runs"
TMP = "tmp"

_STATE = re.compile(r"(\d{6,})\.json")
_DIGEST = re.compile(r"[a-z][0-9a-f]{32}")
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def object_name(digest: str) -> str:
    """x4f09c1… -> objects/x4f/09c1…."""
    return f"{OBJECTS}/{digest[:3]}/{digest[3:]}"


def digest_of(folder: str, name: str) -> str:
    """x4f, 09c1… -> x4f09c1…."""
    return folder + name


def is_digest(name: object) -> bool:
    """Whether this can name an object."""
    return isinstance(name, str) and _DIGEST.fullmatch(name) is not None


def is_run_id(run: str) -> bool:
    """Whether a run's id is fit to be a directory's name."""
    return _RUN.fullmatch(run) is not None


def run_name(run: str) -> str:
    """Run id -> runs/<id>/run.json."""
    return f"{RUNS}/{run}/run.json"


def end_name(run: str) -> str:
    """Run id -> runs/<id>/end.json."""
    return f"{RUNS}/{run}/end.json"


def states_name(run: str) -> str:
    """Run id -> runs/<id>/states."""
    return f"{RUNS}/{run}/states"


def state_name(run: str, n: int) -> str:
    """Run id, 12 -> runs/<id>/states/000012.json."""
    return f"{states_name(run)}/{n:06d}.json"


def state_number(name: str) -> int | None:
    """000012.json -> 12; anything else -> None."""
    match = _STATE.fullmatch(name)
    return int(match[1]) if match else None
