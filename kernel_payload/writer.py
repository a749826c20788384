"""Writes states on a thread of its own, in order, within bounded memory; the first failure ends it.

`Writer.wait` is called before the next cell's code runs, so what a cell left behind is in the
system's hands by then and survives the kernel.  Against a crash of the machine, a second thread
has the system put the files on the disk itself, those of many cells at a time: each such request
slows down what is written meanwhile.  Nothing waits for it but `Writer.close`.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

from .varchive.digest import Buffer
from .varchive.store import flush

_LIMIT = 64 << 20  # bytes in line
_PAUSE = 0.5  # seconds between the first file and the request to put it on the disk

Write = Callable[[], Path | None]


class Writer:
    """A queue of writes with a thread behind it.

    Attributes
    ----------
    failure : OSError or None
        Why writing ended; later writes are dropped.
    """

    def __init__(self) -> None:
        self.failure: OSError | None = None
        self._queue: deque[tuple[Write, int]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closed = False
        self._unsynced: SimpleQueue[Path | None] = SimpleQueue()
        self._closing = threading.Event()
        self._pid = os.getpid()
        self._threads = [_start(self._write), _start(self._sync)]

    def put(self, write: Write, data: Buffer | None = None) -> None:
        """Line up a write that holds ``data``; waits while too much is in line."""
        if self._is_forked():
            return
        size = 0 if data is None else len(data)
        with self._changed:
            self._changed.wait_for(lambda: not self._queue or self._bytes + size <= _LIMIT)
            if self.failure is None and not self._closed:
                self._queue.append((write, size))
                self._bytes += size
                self._changed.notify_all()

    def wait(self) -> None:
        """Wait until all that is in line has been written, or has failed."""
        if not self._is_forked():
            with self._changed:
                self._changed.wait_for(lambda: not self._queue)

    def close(self) -> None:
        """Write and sync what is left, and end the threads."""
        if self._is_forked():
            return
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def _is_forked(self) -> bool:
        # a child of the kernel has the queue but not the threads, and is not what is recorded
        return os.getpid() != self._pid

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                if not self._queue:
                    self._unsynced.put(None)
                    return
                write, size = self._queue[0]
            if self.failure is None:
                self._try(write)
            with self._changed:
                self._queue.popleft()
                self._bytes -= size
                self._changed.notify_all()

    def _try(self, write: Write) -> None:
        try:
            if (path := write()) is not None:
                self._unsynced.put(path)
        except OSError as error:
            self.failure = error

    def _sync(self) -> None:
        while (path := self._unsynced.get()) is not None:
            self._closing.wait(_PAUSE)
            waiting = [path]
            while not self._unsynced.empty() and (path := self._unsynced.get()) is not None:
                waiting.append(path)
            # a file first, and then its name
            for target in dict.fromkeys([*waiting, *(path.parent for path in waiting)]):
                self._try_flush(target)
            if path is None:
                return

    def _try_flush(self, path: Path) -> None:
        try:
            flush(path)
        except FileNotFoundError:
            pass  # its state was cleared since
        except OSError as error:
            # a network file system may find out only now that the disk is full
            self.failure = self.failure or error


def _start(target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target, name=f"tmrun{target.__name__}", daemon=True)
    thread.start()
    return thread
