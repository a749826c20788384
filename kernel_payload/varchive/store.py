"""Content-addressed objects in a directory: hash -> bytes.

Every file is written to ``tmp/`` and renamed into place, so no reader sees half of one, and many
writers need no locks: two that store the same content rename the same bytes to the same name.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from .digest import Buffer, check
from .errors import Damaged
from .layout import OBJECTS, TMP, digest_of, object_name


class DirectoryStore:
    """Files below one directory: objects by digest, and named files written once, atomically."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._session = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._count = itertools.count(1)

    def write(self, name: str, data: Buffer) -> Path:
        """Make the file ``name`` hold exactly ``data``, or change nothing.

        Returns
        -------
        pathlib.Path
            Where it is, for a later `sync`.

        Raises
        ------
        OSError
            When the disk is full or the directory cannot be written.
        """
        temporary = self._temporary()
        target = self.root / name
        try:
            _write_new(temporary, data)
            try:
                temporary.replace(target)
            except FileNotFoundError:
                make_private(target.parent)
                temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return target

    def put(self, digest: str, data: Buffer) -> Path | None:
        """Store an object under the digest of its content; None when it is already there."""
        return None if self.has(digest, len(data)) else self.write(object_name(digest), data)

    def has(self, digest: str, size: int) -> bool:
        """Whether an object is there, and whole; the caller may lean on it from here on.

        The time of its file is set to now: `discard` goes by it.
        """
        path = self.root / object_name(digest)
        try:
            # one that was cut short, by a crash of the machine, is written again
            if path.stat().st_size != size:
                return False
            _touch(path)
        except FileNotFoundError:
            return False
        return True

    def size(self, digest: str) -> int:
        """Count the bytes of an object."""
        try:
            return (self.root / object_name(digest)).stat().st_size
        except FileNotFoundError:
            raise self._missing(digest) from None

    def time(self, digest: str) -> int:
        """Tell when an object was last written or leaned on, in nanoseconds; 0 if it is missing."""
        try:
            return (self.root / object_name(digest)).stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def discard(self, digest: str, until: int) -> int | None:
        """Delete an object that nobody has leaned on after ``until``, in nanoseconds.

        Returns
        -------
        int or None
            How many bytes that freed; None when the object stays or is missing.
        """
        path, aside = self.root / object_name(digest), self._temporary()
        try:
            if path.stat().st_mtime_ns > until:
                return None
            # out of reach first: who looks for it from here on writes it again
            path.replace(aside)
        except FileNotFoundError:
            return None
        file = aside.stat()
        if file.st_mtime_ns > until:
            aside.replace(path)
            return None
        aside.unlink()
        return file.st_size

    def get(self, digest: str) -> bytes:
        """Read an object, verified."""
        try:
            data = (self.root / object_name(digest)).read_bytes()
        except FileNotFoundError:
            raise self._missing(digest) from None
        check(digest, data)
        return data

    def get_into(self, digest: str, target: memoryview) -> None:
        """Read an object into memory of exactly its size, verified there, without another copy."""
        try:
            with (self.root / object_name(digest)).open("rb", buffering=0) as file:
                done = 0
                while done < len(target) and (count := file.readinto(target[done:])):
                    done += count
                whole = done == len(target) and not file.read(1)
        except FileNotFoundError:
            raise self._missing(digest) from None
        if not whole:
            raise Damaged(
                f"object {digest} has not its {len(target)} bytes; restore it from a copy"
            )
        check(digest, target)

    def names(self) -> Iterator[str]:
        """Give the digest of every object."""
        for folder in self.list(OBJECTS):
            for file in self.list(f"{OBJECTS}/{folder}"):
                yield digest_of(folder, file)

    def read(self, name: str) -> bytes | None:
        """Read a named file; None when there is none."""
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            return None

    def list(self, name: str) -> list[str]:
        """List the files of a directory; none when it is not there."""
        try:
            return sorted(entry.name for entry in os.scandir(self.root / name))
        except FileNotFoundError:
            return []

    def _temporary(self) -> Path:
        # counted in one step: several threads may write
        return self.root / TMP / f"{self._session}-{next(self._count)}"

    def _missing(self, digest: str) -> Damaged:
        return Damaged(f"object {digest} is missing from {self.root}; restore it from a copy")


def make_private(directory: Path) -> None:
    """Make a directory, and those above it that are missing, for this user's eyes only."""
    missing = [directory]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)


def sync(path: Path) -> None:
    """Have the system put a file, and its name, on the disk itself, against a crash."""
    flush(path)
    flush(path.parent)


def flush(path: Path) -> None:
    """Have the system put a file, or the names in a directory, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _touch(path: Path) -> None:
    try:
        os.utime(path)
    except FileNotFoundError:
        raise  # it was deleted just now
    except OSError:
        pass  # another user's, or a disk that is only read


def _write_new(path: Path, data: Buffer) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        rest = memoryview(data).cast("B")
        while rest:
            rest = rest[os.write(handle, rest) :]
    finally:
        os.close(handle)
