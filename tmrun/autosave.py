"""The output notebook, written as the run goes, in a small share of its time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from .notebook import text_of, write
from .report import NotebookText, Warned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .report import Notify

_INTERVAL = 2.0
_SHARE = 0.05


class Autosave:
    """Writes a notebook that goes on changing.

    Parameters
    ----------
    notebook
        The notebook; written as it is at the moment.
    path
        Where it is written; None (standard output) is written once, at the end.
    notify
        Hears when it cannot be written.
    refresh
        Called before it is written.
    """

    def __init__(
        self, notebook: Any, path: Path | None, notify: Notify, refresh: Callable[[], None]
    ) -> None:
        self._refresh = refresh
        self._notebook = notebook
        self._path = path
        self._notify = notify
        self._changed = asyncio.Event()
        self._next = 0.0
        self._task: asyncio.Task[None] | None = None
        self.written = False
        self.trouble: OSError | None = None

    def begin(self) -> None:
        """Write the notebook for the first time, and then whenever it changed and it is time.

        Raises
        ------
        OSError
            It cannot be written, and it is better to know before the first cell.
        """
        if self._path is None:
            return
        self._write(self._path)
        self._task = asyncio.ensure_future(self._keep(self._path))

    def touch(self) -> None:
        """Take note that the notebook changed."""
        self._changed.set()

    async def end(self) -> None:
        """Write the notebook for the last time."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._refresh()
        if self._path is None:
            self._notify(NotebookText(text_of(self._notebook)))
            self.written = True
            return
        self._try(self._path)

    async def _keep(self, path: Path) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._next - time.monotonic())
            self._changed.clear()
            self._try(path)

    def _try(self, path: Path) -> None:
        first = self.trouble is None
        try:
            self._write(path)
        except OSError as error:
            self.trouble, self.written = error, False
            if first:
                self._notify(Warned(f"cannot write {path} ({error.strerror}); the run goes on"))

    def _write(self, path: Path) -> None:
        began = time.monotonic()
        self._refresh()
        write(path, text_of(self._notebook))
        ended = time.monotonic()
        # a notebook of many megabytes takes long to write: then it is written less often
        self._next = ended + max(_INTERVAL, (ended - began) / _SHARE)
        self.written, self.trouble = True, None
