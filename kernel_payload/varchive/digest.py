"""Bytes -> the name of the object that holds them.

A digest is one letter for the algorithm and 32 hexadecimal digits: ``x`` xxh3-128, or, in a kernel
that lacks xxhash, ``b`` blake2b with 16 bytes.  Objects of both kinds may stand in one store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from .errors import Damaged

Buffer = bytes | bytearray | memoryview

try:
    import xxhash

    _xxh3: Callable[[Any], str] | None = xxhash.xxh3_128_hexdigest
except ImportError:
    _xxh3 = None

ALGORITHM = "xxh3-128" if _xxh3 else "blake2b-128"


def _blake2b(data: Any) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def digest(data: Buffer) -> str:
    """Name the content: algorithm letter and 32 hexadecimal digits.

    Parameters
    ----------
    data : bytes-like
        Contiguous memory.
    """
    return "x" + _xxh3(data) if _xxh3 else "b" + _blake2b(data)


def check(name: str, data: Buffer) -> None:
    """Raise `Damaged` unless the content has this digest."""
    if name.startswith("b"):
        found = "b" + _blake2b(data)
    elif _xxh3:
        found = "x" + _xxh3(data)
    else:
        raise Damaged(f"object {name} cannot be verified without xxhash; pip install xxhash")
    if found != name:
        raise Damaged(f"object {name} holds other bytes ({found}); restore it from a copy")
