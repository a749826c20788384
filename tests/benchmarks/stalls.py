"""How long a kernel takes from the end of one cell's code to the begin of the next one's.

The clock sits in the kernel, around the very call that runs a cell's code, so it sees all that a
recorder does: what it registers to run after cells and before them, what it writes meanwhile, and
what it does to the memory that the next cell uses.  All cells are sent at once, as "Run All" does:
a recorder cannot hide behind the way to a client and back.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

PATIENCE = 3600.0

# in a module of its own: what the notebook's own variables hold would be recorded
CLOCK = """\
import sys, time, types
clock = types.ModuleType("tmrun_benchmark_clock")
clock.rows = []
sys.modules[clock.__name__] = clock

def install(shell):
    run_code = type(shell).run_code
    async def timed(code_obj, result=None, **options):
        n = result.execution_count if result is not None else None
        began = time.perf_counter()
        try:
            return await run_code(shell, code_obj, result, **options)
        finally:
            ended = time.perf_counter()
            if n is None:
                pass
            elif clock.rows and clock.rows[-1][0] == n:
                clock.rows[-1][2] = ended
            else:
                clock.rows.append([n, began, ended])
    shell.run_code = timed

def took(once, code, names, times):
    scope, seconds = dict(names), []
    exec(once, scope)
    compiled = compile(code, "<floor>", "exec")
    for _ in range(times):
        began = time.perf_counter()
        exec(compiled, scope)
        seconds.append(time.perf_counter() - began)
    return seconds

clock.took = took
install(get_ipython())
"""
MODULE = "__import__('sys').modules['tmrun_benchmark_clock']"
TELL = f"__import__('json').dumps({MODULE}.rows)"
TIMES = 3


@dataclass(frozen=True)
class Timed:
    """The seconds of a cell's own code, and those until the next one's begins."""

    own: float
    gap: float


class Kernel:
    """A kernel with a clock in it.

    Parameters
    ----------
    folder : Path
        Where it runs.  What a recorder writes belongs into ``record``, below it.
    python : Path, optional
        The interpreter; by default this one.
    """

    def __init__(self, folder: Path, python: Path | None = None) -> None:
        self.folder = folder
        self.record = folder / "record"
        self.record.mkdir(parents=True)
        self.cells = 0
        self.manager = KernelManager(
            kernel_name="python3",
            transport="ipc",
            ip=str(folder / "k"),
            # Kishu reads the id of its kernel from this name
            connection_file=str(folder / "kernel-benchmark.json"),
        )
        self.manager.kernel_spec.argv[0] = str(python or sys.executable)
        self.manager.start_kernel(cwd=str(folder), env=_environment(folder))
        self.client = self.manager.blocking_client()
        try:
            self.client.start_channels()
            self.client.wait_for_ready(timeout=60)
            self.request(f"exec({CLOCK!r}, {{'get_ipython': get_ipython}})", {})
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End it."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def ask(self, expression: str, code: str = "") -> str:
        """Give what an expression is, as text, after some code that is no cell."""
        return str(self.request(code, {"asked": expression})["asked"]["data"]["text/plain"])

    def took(self, once: str, code: str) -> list[float]:
        """Measure how long code takes that is no cell and binds nothing, after other such code."""
        call = f"{MODULE}.took({once!r}, {code!r}, globals(), {TIMES})"
        seconds: list[float] = json.loads(self.ask(call))
        return seconds

    def request(self, code: str, expressions: dict[str, str]) -> dict[str, Any]:
        """Run code that is no cell; give the expressions' values."""
        request = self.client.execute(code, silent=True, user_expressions=expressions)
        content = self.reply(request)
        return dict(content["user_expressions"])

    def run(self, cells: Sequence[str]) -> list[Timed]:
        """Run cells, sent at once; give the times of all but the last."""
        requests = [self.client.execute(cell) for cell in cells]
        numbers = [self.reply(request)["execution_count"] for request in requests]
        self.cells += len(cells)
        told = self.ask(TELL)
        rows = {n: (began, ended) for n, began, ended in json.loads(told[1:-1])}
        times = [rows[n] for n in numbers]
        return [
            Timed(ended - began, following - ended)
            for (began, ended), (following, _) in itertools.pairwise(times)
        ]

    def peak(self) -> int:
        """Give the most memory it had since this was asked last, in bytes."""
        process = Path(f"/proc/{self.manager.provisioner.pid}")
        lines = (process / "status").read_text().splitlines()
        line = next(line for line in lines if line.startswith("VmHWM"))
        # the peak of what follows would hide below the one of what made the variables
        (process / "clear_refs").write_text("5")
        return int(line.split()[1]) << 10

    def reply(self, request: str) -> dict[str, Any]:
        """Wait for the reply to a request; give its content."""
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"].get("msg_id") == request:
                break
        content: dict[str, Any] = reply["content"]
        if content["status"] != "ok":
            lines = "\n".join(content.get("traceback", ["aborted"]))
            raise RuntimeError(re.sub(r"\x1b\[[0-9;]*m", "", lines))
        return content


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "IPYTHONDIR": str(folder / "ipython"),
        "XDG_DATA_HOME": str(folder / "data"),
        "KISHU_PATH_ROOT": str(folder),
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
