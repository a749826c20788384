"""How a run is asked to stop: by Ctrl-C, SIGTERM or SIGHUP, or an interrupt of the calling cell.

The first request stops the run in good order, the next ones at once. Where the run is called
from decides how requests reach it:

==========================================  =========================================
called from                                 requests come from
==========================================  =========================================
the main thread                             SIGINT, SIGTERM, SIGHUP (a closed terminal)
a thread with a running event loop          KeyboardInterrupt in the waiting thread
(a Jupyter cell): runs in a new thread
another thread                              nowhere
==========================================  =========================================
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator
    from typing import Any

T = TypeVar("T")

_SIGHUP = getattr(signal, "SIGHUP", signal.SIGTERM)  # Windows has none
TERMINATING = frozenset({signal.SIGTERM, _SIGHUP})
"""Signals that ask for the end of the whole process."""


class StopRequested(Exception):
    """The run was asked to stop while it waited for something it can leave."""


class Stop:
    """The requests to stop one run.

    Attributes
    ----------
    signal
        The number of the signal of the first request; None as long as there is none.
    first, again
        What to do at the first request, and at each later one.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.first: Callable[[], None] = nothing
        self.again: Callable[[], None] = nothing
        self._event = asyncio.Event()

    def request(self, number: int) -> None:
        """Ask for the stop, as signal `number` does."""
        if self.signal is not None:
            self.again()
            return
        self.signal = number
        self._event.set()
        self.first()

    async def unless(self, work: Awaitable[T]) -> T:
        """Wait for `work`, and leave it when a stop is requested.

        Raises
        ------
        StopRequested
            It was.
        """
        task = asyncio.ensure_future(work)
        request = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait({task, request}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise StopRequested
            return task.result()
        finally:
            task.cancel()
            request.cancel()


def drive(work: Callable[[Stop], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end, wherever this is called from; pass it the stop requests.

    Parameters
    ----------
    work
        Called with the `Stop` of this run.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_listening(work))
    return _in_thread(work)


async def _listening(work: Callable[[Stop], Coroutine[Any, Any, T]]) -> T:
    stop = Stop()
    with _signals(stop):
        return await work(stop)


@contextlib.contextmanager
def _signals(stop: Stop) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *TERMINATING)}
    if before[_SIGHUP] is signal.SIG_IGN:
        del before[_SIGHUP]  # nohup: the run is to outlive its terminal
    try:
        for number in before:
            try:
                loop.add_signal_handler(number, stop.request, number)
            except NotImplementedError:  # Windows
                _plain_handler(loop, stop, number)
        yield
    finally:
        for number, handler in before.items():
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            if handler is not None:
                signal.signal(number, handler)


def _plain_handler(loop: asyncio.AbstractEventLoop, stop: Stop, number: int) -> None:
    signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.request, number))


def _in_thread(work: Callable[[Stop], Coroutine[Any, Any, T]]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []
    requests: list[Callable[[], object]] = []
    ended = threading.Event()

    async def run() -> T:
        stop = Stop()
        loop = asyncio.get_running_loop()
        requests.append(lambda: loop.call_soon_threadsafe(stop.request, signal.SIGINT))
        return await work(stop)

    def target() -> None:
        try:
            results.append(asyncio.run(run()))
        except BaseException as error:  # noqa: BLE001 (raised again, in the caller's thread)
            errors.append(error)
        finally:
            ended.set()

    threading.Thread(target=target, name="tmrun").start()
    # not Thread.join: interrupted, it takes the thread for ended (Python before 3.13)
    while not ended.is_set():
        try:
            ended.wait()
        except KeyboardInterrupt:
            with contextlib.suppress(RuntimeError):  # its loop closed just now
                for request in requests:
                    request()
    if errors:
        raise errors[0]
    return results[0]


def nothing() -> None:
    """Do nothing at a request."""
