"""A kernel and the cells sent to it, one at a time; the one importer of nbclient.

nbclient turns the messages of a cell into its outputs. What it does not do is here: silent
requests, time limits, and knowing at once that a kernel died.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import nbclient
import nbformat
from nbclient.exceptions import DeadKernelError

from kernel_payload.varchive.errors import TmrunError

from .outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from .process import Process

    Json = dict[str, Any]

VERSION: str = nbclient.__version__
"""nbclient's version."""

_LAST_WORDS = 0.2  # seconds in which what a dead kernel had sent still arrives
_STATE = "tmrun_state"
_VISIBLE = {"stream", "display_data", "execute_result", "error", "update_display_data"}


class KernelDiedError(TmrunError):
    """The kernel's process ended while something was asked of it."""


class _Cells(nbclient.NotebookClient):  # type: ignore[misc]
    """nbclient's half: messages -> outputs; what the payload sends is kept out of them."""

    def __init__(self, notebook: Any, process: Process, heard: Callable[[Json], None]) -> None:
        # allow_errors: what a failed cell means is for the runner to decide, from the reply.
        # iopub_timeout: the tail of a flood of outputs comes late, and nothing is to be cut off
        super().__init__(notebook, km=process.manager, allow_errors=True, iopub_timeout=60)
        self.gone = process.gone
        self.heard = heard
        self.unfit = 0

    def process_message(self, msg: Json, cell: Any, cell_index: int) -> Any:
        if msg["msg_type"] == _STATE:
            self.heard(msg)
            return None
        try:
            output = super().process_message(msg, cell, cell_index)
        except nbformat.ValidationError:
            # raised on, it would take nbclient, and so the whole run, down
            self.unfit += 1
            return None
        if msg["msg_type"] in _VISIBLE:
            self.heard(msg)
        return output

    async def _async_poll_kernel_alive(self) -> None:
        await self.gone.wait()
        await asyncio.sleep(_LAST_WORDS)
        if self.task_poll_for_reply is not None:
            self.task_poll_for_reply.cancel()


class Kernel:
    """The requests to one kernel, for one notebook.

    Parameters
    ----------
    process
        A started process.
    notebook
        Its cells get their outputs as these arrive.
    show
        Called with every message that changes outputs.

    Attributes
    ----------
    info
        The kernel's own description of itself: the content of its kernel_info_reply.
    """

    def __init__(self, process: Process, notebook: Any, show: Callable[[Json], None]) -> None:
        self.info: Json = {}
        self._process = process
        self._show = show
        self._outcome: Outcome | None = None
        self._cells = _Cells(notebook, process, self._heard)
        self._cells.on_cell_executed = self._executed
        self._client: Any = process.manager.client()
        self._cells.kc = self._client
        self._client.start_channels(stdin=False, hb=False, control=False)

    async def ready(self, timeout: float) -> None:
        """Wait until the kernel answers, and its messages get through.

        Raises
        ------
        KernelDiedError
            It died first.
        TmrunError
            It took longer than `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        # nbformat compiles its schema at the first output: better now, while the kernel starts
        nbformat.v4.new_output("stream")
        while time.monotonic() < deadline:
            request = str(self._client.kernel_info())
            with contextlib.suppress(asyncio.TimeoutError):
                self.info = await asyncio.wait_for(self._reply(request), 1.0)
                # a subscription takes a moment, and what is sent before that is lost: ask again
                await asyncio.wait_for(self._idle(request), 0.1)
                return
        raise TmrunError(
            f"the kernel was not ready after {timeout:g} s; give a longer --startup-timeout"
        )

    async def silent(self, code: str, expressions: dict[str, str]) -> Json:
        """Run code that leaves no trace; the content of its reply.

        Raises
        ------
        KernelDiedError
            The kernel died over it.
        """
        request = self._client.execute(
            code, silent=True, store_history=False, user_expressions=expressions
        )
        return await self._reply(request)

    async def run_cell(self, index: int, timeout: float | None) -> Outcome:
        """Run one code cell and fill its outputs.

        Parameters
        ----------
        index
            Its place in the notebook.
        timeout
            Seconds until it is interrupted, and soon after that the kernel killed.
        """
        cell = self._cells.nb.cells[index]
        self._client.cell_id = cell.get("id")
        n = self._cells.code_cells_executed + 1
        self._cells.unfit = 0
        outcome = self._outcome = Outcome(n, datetime.now(timezone.utc))
        began = time.perf_counter()
        timer = None
        if timeout is not None:
            timer = asyncio.get_running_loop().call_later(timeout, self._time_out, outcome)
        try:
            await self._cells.async_execute_cell(cell, index, execution_count=n)
        except DeadKernelError:
            outcome.reply = None
        finally:
            outcome.seconds = time.perf_counter() - began
            outcome.unfit = self._cells.unfit
            if timer is not None:
                timer.cancel()
            self._process.calm()
        return outcome

    def add_widgets(self) -> None:
        """Put the state of the widgets into the notebook's metadata, as nbclient does."""
        self._cells.set_widgets_metadata()

    async def ask_to_end(self) -> None:
        """Ask the kernel to end, its ``atexit`` functions and all; the process ends later."""
        if self._process.gone.is_set():
            return
        if self.info.get("implementation") != "ipython":
            await self._process.manager.request_shutdown()
            return
        # ipykernel takes it on the shell channel, too; on the control channel, whose thread
        # then races with the main thread's exit, it now and then hangs for ten seconds
        message = self._client.session.msg("shutdown_request", {"restart": False})
        self._client.shell_channel.send(message)

    def close(self) -> None:
        """Close the sockets."""
        self._client.stop_channels()

    def _time_out(self, outcome: Outcome) -> None:
        outcome.timed_out = True
        self._process.interrupt()

    def _executed(self, *, execute_reply: Json, **_: Any) -> None:
        if self._outcome is not None:
            self._outcome.reply = execute_reply["content"]

    def _heard(self, message: Json) -> None:
        if message["msg_type"] != _STATE:
            self._show(message)
        elif self._outcome is not None:
            self._outcome.state = message["content"]

    async def _reply(self, request: str) -> Json:
        answer = asyncio.ensure_future(self._answer(request))
        death = asyncio.ensure_future(self._process.gone.wait())
        try:
            await asyncio.wait({answer, death}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                await asyncio.wait({answer}, timeout=_LAST_WORDS)
            if not answer.done():
                raise KernelDiedError("the kernel died")
            return answer.result()
        finally:
            answer.cancel()
            death.cancel()

    async def _answer(self, request: str) -> Json:
        while True:
            message = await self._client.get_shell_msg(timeout=None)
            if message["parent_header"].get("msg_id") == request:
                content: Json = message["content"]
                return content

    async def _idle(self, request: str) -> None:
        while True:
            message = await self._client.get_iopub_msg(timeout=None)
            if (
                message["parent_header"].get("msg_id") == request
                and message["content"].get("execution_state") == "idle"
            ):
                return
