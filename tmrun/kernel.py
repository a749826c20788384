"""A kernel and the cells sent to it, one at a time; the one importer of nbclient.

nbclient turns the messages of a cell into its outputs. What it does not do is here: silent
requests, time limits, and knowing at once that a kernel died.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime, timezone
from queue import Empty
from typing import TYPE_CHECKING, Any

import nbclient
import nbformat
from nbclient.exceptions import DeadKernelError

from kernel_payload.announcer import MESSAGE, TABLE
from kernel_payload.conversation import LAST_WORDS, Conversation

from .outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from kernel_payload.process import Process

    Json = dict[str, Any]

VERSION: str = nbclient.__version__
"""nbclient's version."""

_VISIBLE = {"stream", "display_data", "execute_result", "error", "update_display_data"}


class _Cells(nbclient.NotebookClient):  # type: ignore[misc]
    """nbclient's half: messages -> outputs."""

    def __init__(self, notebook: Any, process: Process, heard: Callable[[Json], None]) -> None:
        # allow_errors: what a failed cell means is for the runner to decide, from the reply.
        # iopub_timeout: the tail of a flood of outputs comes late, and nothing is to be cut off
        super().__init__(notebook, km=process.manager, allow_errors=True, iopub_timeout=60)
        self.gone = process.gone
        self.heard = heard
        self.unfit = 0

    def process_message(self, msg: Json, cell: Any, cell_index: int) -> Any:
        try:
            output = super().process_message(msg, cell, cell_index)
        except nbformat.ValidationError:
            # raised on, it would take nbclient, and so the whole run, down
            self.unfit += 1
            return None
        if msg["msg_type"] in _VISIBLE:
            self.heard(msg)
        return output

    def show_anew(self, content: Json) -> None:
        """Bring up to date what a cell displayed, which may have ended long ago."""
        message = {"msg_type": "update_display_data", "content": content}
        message["header"] = {"msg_type": message["msg_type"]}
        with contextlib.suppress(nbformat.ValidationError):
            super().process_message(message, {}, -1)

    async def _async_poll_kernel_alive(self) -> None:
        await self.gone.wait()
        await asyncio.sleep(LAST_WORDS)
        if self.task_poll_for_reply is not None:
            self.task_poll_for_reply.cancel()


class Kernel(Conversation):
    """The requests to one kernel, for one notebook.

    Parameters
    ----------
    process
        A started process.
    notebook
        Its cells get their outputs as these arrive.
    show
        Called with every message that changes outputs.
    hear_job
        Called with every message on a job.
    """

    def __init__(
        self,
        process: Process,
        notebook: Any,
        show: Callable[[Json], None],
        hear_job: Callable[[Json], None],
    ) -> None:
        super().__init__(process, {MESSAGE: hear_job, TABLE: self._show_anew})
        self._show = show
        self._outcome: Outcome | None = None
        self._cells = _Cells(notebook, process, show)
        self._cells.on_cell_executed = self._executed
        self._cells.kc = self.client

    async def ready(self, timeout: float) -> None:
        """Wait until the kernel answers; raises as `Conversation.ready`."""
        # nbformat compiles its schema at the first output: better now, while the kernel starts
        nbformat.v4.new_output("stream")
        await super().ready(timeout)

    async def run_cell(self, index: int, timeout: float | None, *, is_job: bool = False) -> Outcome:
        """Run one code cell and fill its outputs.

        Parameters
        ----------
        index
            Its place in the notebook.
        timeout
            Seconds until it is interrupted, and soon after that the kernel killed.
        is_job
            It is to run in the background.
        """
        cell = self._cells.nb.cells[index]
        self.client.cell_id, self.client.is_job = cell.get("id"), is_job
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
            self.process.calm()
        return outcome

    async def listen(self, until: Callable[[], bool]) -> None:
        """Hear of jobs while no cell runs, until something is so, or the kernel died."""
        death = asyncio.ensure_future(self.process.gone.wait())
        try:
            while not until() and not death.done():
                message = asyncio.ensure_future(self._next_of_job(until))
                await asyncio.wait({message, death}, return_when=asyncio.FIRST_COMPLETED)
                if not message.done():
                    # its last words
                    await asyncio.wait({message}, timeout=LAST_WORDS)
                message.cancel()
        finally:
            death.cancel()

    async def _next_of_job(self, until: Callable[[], bool]) -> None:
        while not until():
            with contextlib.suppress(Empty):
                await self.client.get_iopub_msg(timeout=0.1)

    def hear_comm(self, message: Json) -> None:
        """Take a message of the widgets of a job for one of the notebook's own."""
        with contextlib.suppress(Exception):  # what nbclient makes of a widget is not ours to judge
            self._cells.handle_comm_msg([], message, 0)

    def add_widgets(self) -> None:
        """Put the state of the widgets into the notebook's metadata, as nbclient does."""
        self._cells.set_widgets_metadata()

    def _show_anew(self, message: Json) -> None:
        # nbclient would drop it when the cell that displayed it is not the one that runs
        self._cells.show_anew(message["content"])
        # to be saved, and not printed
        self._show({"msg_type": "update_display_data", "content": {}})

    def _time_out(self, outcome: Outcome) -> None:
        outcome.timed_out = True
        self.process.interrupt()

    def _executed(self, *, execute_reply: Json, **_: Any) -> None:
        if self._outcome is not None:
            self._outcome.reply = execute_reply["content"]
