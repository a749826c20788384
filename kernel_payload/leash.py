"""What outlives tmrun for a moment: a leash that kills the kernel when tmrun is gone.

ipykernel watches its parent from a Python thread, which never runs while a cell sits in C code
that holds the GIL; and Linux' parent-death signal is tied to the *thread* that forked, needs
code between fork and exec, and is lost on exec of a set-uid program. So a ``/bin/sh`` waits at
the end of a pipe that only tmrun holds open: however tmrun ends, even by SIGKILL, the pipe
closes, and the shell kills the kernel's process group and removes the private directory. It
costs two milliseconds and half a megabyte, and it works for kernels of any language.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_held: weakref.WeakSet[Leash] = weakref.WeakSet()

# without a target, the kernel was being started: it is known by its connection file
_SCRIPT = """
read -r target || {
    sleep 1
    for process in /proc/[0-9]*; do
        [ "${process#/proc/}" = "$$" ] || ! grep -qsF "$1/" "$process/cmdline" ||
            kill -9 "-${process#/proc/}"
    done
    rm -rf "$1"
    exit
}
read -r released || { kill -9 "$target"; rm -rf "$1"; }
"""


class Leash:
    """Holds a kernel's private directory and process group to the life of this process.

    Parameters
    ----------
    directory
        The private directory.
    """

    def __init__(self, directory: Path) -> None:
        self._shell: subprocess.Popen[bytes] | None = None
        if sys.platform == "win32":
            return  # there, ipykernel waits on a handle of its parent, without the GIL
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "tmrun-leash", str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            # a Ctrl-C, or a kill of tmrun's process group, must not take the leash along
            start_new_session=True,
        )
        _held.add(self)

    def hold(self, target: int) -> None:
        """Hold a process, too.

        Parameters
        ----------
        target
            What ``kill`` is given: minus the id of a process group, or the id of a process.
        """
        if self._shell is not None and self._shell.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._shell.stdin.write(f"{target}\n".encode())
                self._shell.stdin.flush()

    def drop(self) -> None:
        """Let go of the pipe alone, in a forked child: there it would outlive this process."""
        if self._shell is not None and self._shell.stdin is not None:
            self._shell.stdin.close()
            self._shell = None

    def release(self) -> None:
        """Let go: the kernel is gone, and its number may soon be another process's."""
        if self._shell is not None:
            try:
                # a target and a word, or a word for a target
                self._shell.communicate(b"released\nreleased\n")
            except BrokenPipeError:
                self._shell.wait()
            self._shell = None


def _forked() -> None:
    for leash in list(_held):
        leash.drop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
