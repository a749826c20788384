"""Places for tasks of an event loop: at most so many are taken at once, the others wait in line."""

from __future__ import annotations

import asyncio
from collections import deque


class Places:
    """As many places as are given at a time; each is taken by ``async with``, in order.

    Attributes
    ----------
    count : int
        How many there are.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._taken = 0
        self._line: deque[asyncio.Future[None]] = deque()

    def resize(self, count: int) -> None:
        """Have more places, or fewer: what is taken stays so until it is left."""
        self.count = count
        self._admit()

    async def __aenter__(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._line.remove(turn)
            else:  # its turn came at the same moment
                self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        self._taken -= 1
        self._admit()

    def _admit(self) -> None:
        waiting = [turn for turn in self._line if not turn.done()]
        for turn in waiting[: max(0, self.count - self._taken)]:
            self._line.remove(turn)
            self._taken += 1
            turn.set_result(None)
