"""What recording does to the process while it lasts: it is quiet, collects no garbage, and gives in
to Ctrl-C only where a value's own code may hang.
"""

from __future__ import annotations

import copyreg
import gc
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import live


class _Muted:
    """A stream that one thread's writing does not reach; other threads notice nothing."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() == self._thread:
            return len(text)
        written: int = self._stream.write(text)
        return written

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Interrupts:
    """Ctrl-C while recording: it ends the freezing of a value, and is passed over elsewhere."""

    def __init__(self) -> None:
        self._welcome = False

    @contextmanager
    def welcome(self) -> Iterator[None]:
        """Let Ctrl-C raise KeyboardInterrupt inside."""
        self._welcome = True
        try:
            yield
        finally:
            self._welcome = False

    def handle(self, *_: Any) -> None:
        """Be the handler of SIGINT."""
        if self._welcome:
            self._welcome = False
            raise KeyboardInterrupt


interrupts = Interrupts()


class _Slots:
    """The names of classes' slots, as ``copyreg`` finds them, but not noted in the classes."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[type, list[str]]] = {}

    def of(self, cls: type) -> list[str]:
        """Give those of a class; many instances of one are pickled in a row."""
        found = self._found.get(id(cls))
        if found is None:
            self._found[id(cls)] = found = cls, _slots_of(cls)
        return found[1]


def _slots_of(cls: type) -> list[str]:
    found = []
    for base in live.mro(cls):
        slots = live.namespace_of(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name in ("__dict__", "__weakref__"):
                continue
            is_private = name.startswith("__") and not name.endswith("__")
            owner = live.qualname_of(base).rpartition(".")[2].lstrip("_")
            found.append(f"_{owner}{name}" if is_private and owner else name)
    return found


@contextmanager
def calm() -> Iterator[None]:
    """Do something between two cells that the user must not notice."""
    # what reductions print, and warnings about them, are no output of the cell
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Muted(streams[0]), _Muted(streams[1])
    collects = gc.isenabled()
    gc.disable()
    note_slots, copyreg._slotnames = copyreg._slotnames, _Slots().of  # type: ignore[attr-defined]
    try:
        handler = signal.signal(signal.SIGINT, interrupts.handle)
    except ValueError:  # not in the main thread: Ctrl-C is not ours to see
        handler = None
    try:
        yield
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        copyreg._slotnames = note_slots  # type: ignore[attr-defined]
        if collects:
            gc.enable()
        sys.stdout, sys.stderr = streams
