"""A kernel, asked: requests to it, their replies, and knowing at once that it died.

What is sent is silent, or a cell; what a cell's messages mean is left to others.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from traitlets import Type

from .varchive.errors import TmrunError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .process import Process

Json = dict[str, Any]

LAST_WORDS = 0.2
"""Seconds in which what a dead kernel had sent still arrives."""


class KernelDiedError(TmrunError):
    """The kernel's process ended while something was asked of it."""


class _Iopub(AsyncZMQSocketChannel):
    """A channel from which messages of some types go elsewhere, whoever reads it."""

    diverted: dict[str, Callable[[Json], None]] | None = None

    async def get_msg(self, timeout: float | None = None) -> Json:  # type: ignore[override]
        """Give the next message of all others."""
        while True:
            message: Json = await super().get_msg(timeout)
            hear = (self.diverted or {}).get(message["msg_type"])
            if hear is None:
                return message
            hear(message)


class Client(AsyncKernelClient):
    """A client whose execute requests say which cell they come from, as JupyterLab's do.

    Attributes
    ----------
    cell_id
        That cell's id.
    is_job
        The kernel is to run it in the background.
    """

    iopub_channel_class = Type(_Iopub)
    cell_id: str | None = None
    is_job = False

    def execute(  # type: ignore[override]
        self,
        code: str,
        silent: bool = False,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        **_: Any,
    ) -> str:
        """Send an execute request, and give its id; parameters as jupyter_client's."""
        content = {
            "code": code,
            "silent": silent,
            "store_history": store_history,
            "user_expressions": user_expressions or {},
            "allow_stdin": False,
            # one request at a time: there is no queue for an error to empty, and a silent
            # request right after a failed cell must not be taken for a queued one
            "stop_on_error": False,
        }
        metadata: Json = {}
        if not silent:
            metadata |= {"cellId": self.cell_id} if self.cell_id else {}
            metadata |= {"tmrun": {"thread": True}} if self.is_job else {}
        message = self.session.msg("execute_request", content, metadata=metadata)
        self.shell_channel.send(message)
        return str(message["header"]["msg_id"])


class Conversation:
    """The requests to one kernel.

    Parameters
    ----------
    process
        A started process.
    diverted
        Type of message -> who hears those, of the messages to all clients.

    Attributes
    ----------
    info
        The kernel's own description of itself: the content of its kernel_info_reply.
    client
        jupyter_client's half of it.
    """

    def __init__(
        self, process: Process, diverted: dict[str, Callable[[Json], None]] | None = None
    ) -> None:
        self.info: Json = {}
        self.process = process
        self.client: Any = process.manager.client()
        self.client.iopub_channel.diverted = diverted
        self.client.start_channels(stdin=False, hb=False, control=False)

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
        while time.monotonic() < deadline:
            request = str(self.client.kernel_info())
            with contextlib.suppress(asyncio.TimeoutError):
                self.info = await asyncio.wait_for(self.reply(request), 1.0)
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
        request = self.client.execute(
            code, silent=True, store_history=False, user_expressions=expressions
        )
        return await self.reply(request)

    async def ask_to_end(self) -> None:
        """Ask the kernel to end, its ``atexit`` functions and all; the process ends later."""
        if self.process.gone.is_set():
            return
        if self.info.get("implementation") != "ipython":
            await self.process.manager.request_shutdown()
            return
        # ipykernel takes it on the shell channel, too; on the control channel, whose thread
        # then races with the main thread's exit, it now and then hangs for ten seconds
        message = self.client.session.msg("shutdown_request", {"restart": False})
        self.client.shell_channel.send(message)

    def close(self) -> None:
        """Close the sockets."""
        self.client.stop_channels()

    async def reply(self, request: str) -> Json:
        """Wait for the reply to a request; its content.

        Raises
        ------
        KernelDiedError
            The kernel died first.
        """
        answer = asyncio.ensure_future(self._answer(request))
        death = asyncio.ensure_future(self.process.gone.wait())
        try:
            await asyncio.wait({answer, death}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                await asyncio.wait({answer}, timeout=LAST_WORDS)
            if not answer.done():
                raise KernelDiedError("the kernel died")
            return answer.result()
        finally:
            answer.cancel()
            death.cancel()

    async def _answer(self, request: str) -> Json:
        while True:
            message = await self.client.get_shell_msg(timeout=None)
            if message["parent_header"].get("msg_id") == request:
                content: Json = message["content"]
                return content

    async def _idle(self, request: str) -> None:
        while True:
            message = await self.client.get_iopub_msg(timeout=None)
            if (
                message["parent_header"].get("msg_id") == request
                and message["content"].get("execution_state") == "idle"
            ):
                return
