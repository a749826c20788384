"""A kernel's process: started in private, watched, interrupted, killed, and tidied away after.

Done on jupyter_client's public methods and not by nbclient, whose own way takes over the
signals, hides why a kernel died, lets the kernel write to our stdout, and waits where it need
not.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zmq
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager

from .conversation import Client
from .leash import Leash
from .varchive.errors import TmrunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

GRACE = 10.0
"""Seconds that an interrupted kernel has before it is interrupted again."""

_LAST_GRACE = 5.0  # seconds from there until it is killed

_SHUTDOWN = 5.0
_IPC_PATH = 100  # of the 104 (macOS) or 108 (Linux) bytes that a socket's path may have


class _Only(KernelSpecManager):
    """Knows one kernel: that of a spec that is installed nowhere."""

    spec: KernelSpec

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Give it, whatever the name."""
        return self.spec


class Process:
    """The process of one kernel, and the private directory it works with.

    Make one with `Process.start`; `stop` it whatever happens.

    Attributes
    ----------
    manager
        jupyter_client's manager of the process.
    directory
        Private directory (0700) of this run, removed at the end: sockets, log, fault file.
    gone
        Set when the process has ended.
    """

    def __init__(self, kernel: str | KernelSpec) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tmrun-"))
        self.gone = asyncio.Event()
        self.manager = AsyncKernelManager(
            kernel_name=kernel if isinstance(kernel, str) else kernel.display_name,
            client_factory=Client,
            connection_file=str(self.directory / "kernel.json"),
        )
        if isinstance(kernel, KernelSpec):
            self.manager.kernel_spec_manager = only = _Only()
            only.spec = kernel
        self._leash = Leash(self.directory)
        self._with_children = False
        self._grace: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Future[Any]] = set()

    @classmethod
    async def start(
        cls,
        kernel: str | KernelSpec,
        cwd: Path,
        environment: Mapping[str, str] | None = None,
        *,
        with_children: bool = False,
    ) -> Process:
        """Start a kernel, by its name or by a spec, in the directory `cwd`.

        Without an `environment`, it has that of this process. `with_children`: when it ends, by
        itself even, its child processes do.

        Raises
        ------
        UsageError
            There is no such kernel.
        TmrunError
            Its command could not be run.
        """
        process = cls(kernel)
        process._with_children = with_children
        try:
            await process._launch(cwd, os.environ if environment is None else environment)
        except BaseException:
            await process.stop()
            raise
        return process

    @property
    def language(self) -> str:
        """The language that the kernel spec states, in lower case."""
        return str(getattr(self.manager.kernel_spec, "language", "")).lower()

    @property
    def log(self) -> Path:
        """What the process wrote to its stdout and stderr."""
        return self.directory / "kernel.log"

    @property
    def exit_code(self) -> int | None:
        """The exit code, or minus the number of the signal that killed it; None if unknown."""
        process = getattr(self.manager.provisioner, "process", None)
        return None if process is None else process.poll()

    def interrupt(self) -> None:
        """Interrupt the kernel, twice at need; kill it unless `calm` is called in time."""
        self._interrupt(GRACE, self._insist)

    def _insist(self) -> None:
        # Python loses an interrupt that arrives just before a system call begins, or in a
        # destructor: killed for that, the kernel would take the cell's state along
        self._interrupt(_LAST_GRACE, self.kill)

    def _interrupt(self, grace: float, then: Callable[[], None]) -> None:
        self.calm()
        self._grace = asyncio.get_running_loop().call_later(grace, then)
        self._later(self.manager.interrupt_kernel())

    def calm(self) -> None:
        """Take note that the kernel came back from its interrupt, if there was one."""
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None

    def kill(self) -> None:
        """Kill the process and its group at once."""
        if not self.gone.is_set() and self.manager.provisioner is not None:
            self._later(self.manager.provisioner.kill())

    async def ended(self) -> bool:
        """Wait a few seconds for the end of a process that was asked to end."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.gone.wait(), _SHUTDOWN)
        return self.gone.is_set()

    async def stop(self) -> None:
        """Kill the process unless it has ended, and remove what it leaves behind."""
        self.calm()
        if self.manager.has_kernel and not self.gone.is_set():
            await self.manager.shutdown_kernel(now=True)
        with contextlib.suppress(OSError):
            await self.manager.cleanup_resources()
        self._leash.release()
        shutil.rmtree(self.directory, ignore_errors=True)

    async def _launch(self, cwd: Path, environment: Mapping[str, str]) -> None:
        manager = self.manager
        try:
            argv = [] if manager.kernel_spec is None else manager.kernel_spec.argv
        except NoSuchKernel as error:
            there = ", ".join(sorted(KernelSpecManager().find_kernel_specs())) or "none"
            raise UsageError(
                f"there is no kernel {error.name!r}; give --kernel one of: {there}"
            ) from None
        self._transport()
        # as nbclient: the notebook's cells are no part of anybody's IPython history
        ipykernel = any("ipykernel" in word for word in argv)
        extra = ["--HistoryManager.hist_file=:memory:"] if ipykernel else []
        try:
            with self.log.open("wb") as log:
                # not inherited: what C code and os.system print would end up in `tmrun -o -`
                await manager.start_kernel(
                    extra_arguments=extra,
                    cwd=str(cwd),
                    env=dict(environment),
                    stdout=log,
                    stderr=log,
                )
        except OSError as error:
            raise TmrunError(
                f"the kernel {manager.kernel_name!r} could not be started: {error}; "
                "see `jupyter kernelspec list`"
            ) from None
        provisioner = manager.provisioner
        pid, group = (getattr(provisioner, name, None) for name in ("pid", "pgid"))
        if pid is not None:
            # a kernel with its own session leads its group; never kill a group that it shares
            self._leash.hold(-pid if group == pid else pid)
        self._watch(asyncio.get_running_loop())

    def _transport(self) -> None:
        # IPC only for Python: kernels of other languages disagree on what its addresses look like
        sockets = str(self.directory / "k")
        if self.language == "python" and sys.platform != "win32" and len(sockets) < _IPC_PATH:
            self.manager.transport = "ipc"
            self.manager.ip = sockets
        context = self.manager.context
        context.setsockopt(zmq.RECONNECT_IVL, 10)  # ms; the default of 100 delays every start
        context.setsockopt(zmq.RCVHWM, 0)  # no output is dropped while we are slow to read

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        process = getattr(self.manager.provisioner, "process", None)
        if process is None:
            self._later(self._poll())
            return

        group = process.pid if self._with_children else None

        def wait() -> None:
            if group is not None:
                _end_group_with_leader(group)
            process.wait()
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody listens
                loop.call_soon_threadsafe(self.gone.set)

        threading.Thread(target=wait, name="tmrun-kernel-watch", daemon=True).start()

    async def _poll(self) -> None:
        # a provisioner that keeps its process to itself: a remote kernel, say
        while await self.manager.is_alive():
            await asyncio.sleep(0.5)
        self.gone.set()

    def _later(self, work: Awaitable[Any]) -> None:
        # the loop itself keeps but a weak reference to a task
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # asked for: signalling a process that just died is no error


def _end_group_with_leader(group: int) -> None:
    """Kill what is left of a process group when its leader has ended, which is not yet reaped."""
    with contextlib.suppress(OSError):
        # unreaped, its number cannot be another's
        os.waitid(os.P_PID, group, os.WEXITED | os.WNOWAIT)
        os.killpg(group, signal.SIGKILL)
