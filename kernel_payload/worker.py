"""A worker: a kernel for one job, seen from the notebook's kernel.

Made like the notebook's own kernel (interpreter, its options, environment), with the payload in it
and waiting; then given one job, and ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec

from . import injection
from .conversation import Conversation
from .death import explain, gather, out_of_memory_kills
from .outputs import COMMS, KINDS
from .process import Process

Json = dict[str, Any]
Hear = Callable[[str, Json, datetime], None]
"""Called with a message's type, content and date."""

STARTUP = 60.0
"""Seconds that a worker has to get ready."""

log = logging.getLogger("tmrun")

_FAULT_FILE = "fault.txt"
_LATE = 1.0  # seconds for what C code and child processes wrote just before the end


@dataclass(frozen=True)
class Surroundings:
    """What a worker has in common with the notebook's kernel.

    Attributes
    ----------
    cwd, sys_path, environment
        Those of the notebook's kernel.
    libraries
        Names of modules to import.
    """

    cwd: str
    sys_path: list[str]
    environment: dict[str, str]
    libraries: list[str]


class Worker:
    """One worker; make it with `Worker.start`, and `end` it whatever happens."""

    def __init__(self, process: Process, surroundings: Surroundings) -> None:
        self.process = process
        self.surroundings = surroundings
        self._memory = out_of_memory_kills()
        self._conversation = Conversation(process)
        self._hear: Hear | None = None
        self._request = ""
        self._idle = asyncio.Event()
        self._mark = ""
        self._seen: set[str] = set()
        self._held: dict[str, str] = {}
        self._marked = asyncio.Event()
        self._reader: asyncio.Future[None] | None = None

    @classmethod
    async def start(cls, surroundings: Surroundings) -> Worker:
        """Start a kernel with the payload and some libraries in it.

        Raises
        ------
        TmrunError
            It did not start.
        """
        # pytest's own, by which ipykernel would leave uncaptured what C code prints
        given = dict(surroundings.environment)
        given.pop("PYTEST_CURRENT_TEST", None)
        argv = [sys.executable, *subprocess._args_from_interpreter_flags()]  # type: ignore[attr-defined]
        spec = KernelSpec(
            argv=[*argv, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="tmrun-worker",
            language="python",
        )
        cwd = Path(surroundings.cwd)
        process = await Process.start(spec, cwd, given, with_children=True)
        worker = cls(process, surroundings)
        try:
            await worker._conversation.ready(STARTUP)
            worker._reader = asyncio.ensure_future(worker._read())
            text = injection.shipped or ""
            libraries, sys_path = surroundings.libraries, surroundings.sys_path
            request = injection.injection(text, "warm", libraries, sys_path=sys_path)
            injection.answer(await worker._conversation.silent(*request))
        except BaseException:
            await worker.kill()
            raise
        return worker

    async def ask(self, name: str, *arguments: Any) -> Json:
        """Ask the payload in it; the answer.

        Raises
        ------
        TmrunError
            With what it said.
        KernelDiedError
            It died.
        """
        request = injection.command(name, *arguments)
        return injection.answer(await self._conversation.silent(*request))

    @property
    def fault_file(self) -> str:
        """Where a crash is to leave its trace."""
        return str(self.process.directory / _FAULT_FILE)

    async def execute(self, code: str, cell_id: str | None, hear: Hear) -> Json:
        """Run the job's cell; the content of its reply.

        Parameters
        ----------
        code, cell_id
            What to run, as the cell with this id.
        hear
            Hears every message that changes outputs.

        Raises
        ------
        KernelDiedError
            It died.
        """
        self._hear = hear
        self._conversation.client.cell_id = cell_id
        self._request = self._conversation.client.execute(code)
        reply = await self._conversation.reply(self._request)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._idle.wait(), 60)
        return reply

    async def leave(self, mark: str) -> Json:
        """Have it write what is left, outputs included; what it says of itself."""
        self._mark = mark
        answer = await self.ask("leave", mark)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._all_seen(set(answer["marked"])), _LATE)
        return answer

    async def _all_seen(self, names: set[str]) -> None:
        while not names <= self._seen:
            self._marked.clear()
            await self._marked.wait()

    def cause_of_death(self) -> str:
        """Explain why it died."""
        fault = self.process.directory / _FAULT_FILE
        evidence = gather(self.process.exit_code, self._memory, fault, self.process.log)
        return explain(evidence)

    async def end(self) -> None:
        """Ask it to end, kill it if it does not, and remove what it leaves behind."""
        self._hear = None
        try:
            await self._conversation.ask_to_end()
            await self.process.ended()
        finally:
            await self.kill()

    async def kill(self) -> None:
        """Kill it, and remove what it leaves behind."""
        if self._reader is not None:
            self._reader.cancel()
        self._conversation.close()
        await self.process.stop()

    async def _read(self) -> None:
        while True:
            message = await self._conversation.client.get_iopub_msg(timeout=None)
            try:
                self._take(message)
            except Exception as error:
                # one message less, and not all that come after it
                log.error("a message of a job could not be taken", exc_info=error)

    def _take(self, message: Json) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "status" and content["execution_state"] == "idle":
            if message["parent_header"].get("msg_id") == self._request:
                self._idle.set()
        elif kind in KINDS | COMMS and self._hear is not None:
            if kind == "stream":
                content["text"] = self._unmarked(content["name"], content["text"])
                if not content["text"]:
                    return
            self._hear(kind, content, message["header"]["date"])

    def _unmarked(self, name: str, text: str) -> str:
        """Take the mark out of a stream's text; it may come in two parts."""
        if not self._mark or name in self._seen:
            return text
        text = self._held.pop(name, "") + text
        before, mark, after = text.partition(self._mark)
        if mark:
            self._seen.add(name)
            self._marked.set()
            return before + after
        kept = next(k for k in range(len(self._mark), -1, -1) if text.endswith(self._mark[:k]))
        self._held[name] = text[len(text) - kept :]
        return text[: len(text) - kept]
