"""A kernel that someone works in: cells run one after the other, as a front end runs them."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager

PATIENCE = 60.0


@dataclass
class Ran:
    """What came back for a cell."""

    n: int = 0
    out: str = ""
    err: str = ""
    answer: str | None = None
    error: str | None = None
    displays: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)


class Live:
    """A kernel as Jupyter Server starts it for a notebook.

    Parameters
    ----------
    folder : Path
        Where it runs, and where its data and configuration are.
    notebook : str or None
        The name of the notebook, if the kernel is told.
    """

    def __init__(self, folder: Path, notebook: str | None = "study.ipynb", **environment: str):
        self.folder = folder
        self.environment = {
            **os.environ,
            "IPYTHONDIR": str(folder / "ipython"),
            "XDG_DATA_HOME": str(folder / "data"),
            "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
            **environment,
        }
        self.environment.pop("JPY_SESSION_NAME", None)
        # pytest's own, by which ipykernel would leave uncaptured what C code prints
        self.environment.pop("PYTEST_CURRENT_TEST", None)
        if notebook is not None:
            self.environment["JPY_SESSION_NAME"] = str(folder / notebook)
        self.start()

    def start(self) -> None:
        """Start the kernel, or start it anew."""
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(cwd=str(self.folder), env=self.environment)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def restart(self) -> None:
        """End the kernel as Jupyter does, and start another."""
        self.close()
        self.start()

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel()

    def run(self, source: str, **options: Any) -> Ran:
        """Run a cell, and give what came back."""
        ran = Ran()
        request = self.client.execute(source, **options)
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            content, kind = message["content"], message["msg_type"]
            if message["parent_header"].get("msg_id") != request:
                ran.others.append(message)
            elif kind == "stream" and content["name"] == "stdout":
                ran.out += content["text"]
            elif kind == "stream":
                ran.err += content["text"]
            elif kind == "execute_result":
                ran.answer = content["data"]["text/plain"]
                ran.displays.append(content)
            elif kind == "display_data":
                ran.displays.append(content)
            elif kind == "update_display_data":
                ran.updates.append(content)
            elif kind == "error":
                ran.error = f"{content['ename']}: {content['evalue']}"
            elif kind == "status" and content["execution_state"] == "idle":
                break
        reply = self.client.get_shell_msg(timeout=PATIENCE)
        while reply["parent_header"].get("msg_id") != request:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
        ran.n = reply["content"].get("execution_count", 0)
        return ran

    def ok(self, *sources: str) -> list[Ran]:
        """Run cells, none of which may fail."""
        found = [self.run(source) for source in sources]
        assert [ran.error for ran in found if ran.error] == []
        return found

    def written(self, name: str = "study.varchive") -> Path:
        """Give the path of the varchive, once all states so far are written."""
        self.run("__import__('tmrun').archive", silent=True)
        return self.folder / name

    def messages(self) -> list[dict[str, Any]]:
        """Give the messages that have come by now."""
        found = []
        with suppress(Empty):
            while True:
                found.append(self.client.get_iopub_msg(timeout=0))
        return found
