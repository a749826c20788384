"""What dies, what is stopped, and what takes too long leaves a readable notebook and varchive.

Cells speak to the test through a socket: the test knows when a cell has come to its point, and
the end of the connection is the end of the kernel's process, so nothing here has to sleep.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from conftest import ROOT, notebook

import tmrun
from kernel_payload import process
from tmrun.plan import Options
from tmrun.report import CellOutput
from tmrun.runner import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tmrun.report import Event

SECONDS = 30.0
"""How long the tests wait for what should happen at once, or in a few seconds."""

# every way to be busy, in an order of growing deafness
SLEEPS = "import time\ntime.sleep(600)"
IGNORES = """\
while True:
    try:
        while True:
            pass
    except KeyboardInterrupt:
        line.sendall(b'ignored\\n')
"""
HOLDS_THE_GIL = "sum(range(10 ** 15))"


class Line:
    """A connection that a cell opens to the test."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(SECONDS)
        self.connection: socket.socket | None = None

    @property
    def connect(self) -> str:
        """Code that connects."""
        port = self.server.getsockname()[1]
        return f"import socket\nline = socket.create_connection(('127.0.0.1', {port}))"

    @property
    def open_it(self) -> str:
        """Code that connects, and says the kernel's process id."""
        return f"{self.connect}\nimport os\nline.sendall(b'%d\\n' % os.getpid())"

    def hear(self) -> str:
        """Wait for the next line from the kernel; "" when it is gone."""
        if self.connection is None:
            self.connection, _ = self.server.accept()
            self.connection.settimeout(SECONDS)
        heard = b""
        with contextlib.suppress(ConnectionResetError):
            while not heard.endswith(b"\n") and (byte := self.connection.recv(1)):
                heard += byte
        return heard.decode().strip()

    def say(self) -> None:
        """Let the kernel go on from where it listens."""
        assert self.connection is not None
        self.connection.sendall(b".")

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.server.close()


@pytest.fixture
def line() -> Iterator[Line]:
    opened = Line()
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tmp").mkdir()
    return tmp_path


def start(folder: Path, *sources: str, options: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start the command line on a notebook of these cells, as a terminal would."""
    nbformat.write(notebook(*sources), folder / "nb.ipynb")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp")}
    return subprocess.Popen(
        [sys.executable, "-m", "tmrun", "nb.ipynb", *options],
        cwd=folder,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def output(folder: Path) -> Any:
    return nbformat.read(folder / "nb.out.ipynb", as_version=4)


def statuses(folder: Path) -> list[str | None]:
    return [cell.metadata.get("tmrun", {}).get("status") for cell in output(folder).cells]


def left_behind(folder: Path) -> list[str]:
    hidden = [path.name for path in folder.iterdir() if path.name.startswith(".")]
    return hidden + [path.name for path in (folder / "tmp").iterdir()]


# -- tmrun is killed


@pytest.mark.parametrize("busy", [SLEEPS, IGNORES, HOLDS_THE_GIL], ids=["sleep", "ignore", "GIL"])
@pytest.mark.parametrize("options", [("--no-record",), ()], ids=["no record", "recorded"])
def test_when_tmrun_is_killed_the_kernel_is_gone_and_the_rest_is_readable(
    folder: Path, line: Line, busy: str, options: tuple[str, ...]
) -> None:
    running = start(folder, "x = [1]", f"{line.open_it}\n{busy}", options=options)
    assert int(line.hear()) > 0
    running.kill()
    assert line.hear() == "", "the kernel outlived tmrun"
    running.communicate()
    assert output(folder).metadata.tmrun.status == "running"
    if not options:
        assert tmrun.vars(folder / "nb.out.ipynb", 1)["x"] == [1]


@pytest.mark.skipif(sys.platform == "win32", reason="the leash is a /bin/sh")
def test_when_tmrun_is_killed_the_leash_removes_the_private_directory(
    folder: Path, line: Line
) -> None:
    running = start(folder, f"{line.open_it}\n{SLEEPS}", options=("--no-record",))
    line.hear()
    assert len(left_behind(folder)) == 1
    running.kill()
    # the leash holds tmrun's stderr no more than the kernel does, but ends after both: what it
    # does last is to remove the directory
    limit = threading.Event()
    while left_behind(folder) and not limit.wait(0.01):
        pass
    assert left_behind(folder) == []
    running.communicate()


# -- the kernel dies


@pytest.mark.parametrize("options", [("--no-record",), ()], ids=["no record", "recorded"])
def test_a_kernel_killed_from_outside_is_explained_and_earlier_cells_are_readable(
    folder: Path, line: Line, options: tuple[str, ...]
) -> None:
    running = start(
        folder, "x = [1]\nprint(x)", f"{line.open_it}\n{HOLDS_THE_GIL}", "3", options=options
    )
    os.kill(int(line.hear()), signal.SIGKILL)
    _, said = running.communicate(timeout=SECONDS)
    assert running.returncode == 1
    assert "the kernel died in cell 2: killed (SIGKILL)" in said
    assert statuses(folder) == ["ok", "died", None]
    assert output(folder).cells[0].outputs[0].text == "[1]\n"
    assert output(folder).metadata.tmrun.status == "died"
    assert left_behind(folder) == []
    if not options:
        assert "tmrun show nb.out.ipynb" in said
        assert tmrun.vars(folder / "nb.out.ipynb", 1)["x"] == [1]
        run = tmrun.open(folder / "nb.out.ipynb").run
        assert run.end is not None
        assert run.end["status"] == "died"


def test_what_a_cell_said_before_its_kernel_died_is_kept(folder: Path, line: Line) -> None:
    path = write(folder, f"{line.open_it}\nprint('last words')\nline.recv(1)\nos._exit(7)")

    def let_die(event: Event) -> None:
        if isinstance(event, CellOutput):
            line.hear()
            line.say()

    report = run(Options(str(path), record=False), let_die)
    assert report.status == "died"
    assert report.reason is not None
    assert "exit code 7" in report.reason
    assert output(folder).cells[0].outputs[0].text == "last words\n"


def test_a_kernel_that_dies_between_cells_is_found_dead(folder: Path) -> None:
    kill = "import os, threading\nthreading.Timer(0, lambda: os._exit(9)).start()"
    report = tmrun.run(write(folder, kill, SLEEPS), record=False)
    assert report.status == "died"


# -- asked to stop


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_interrupts_the_cell_and_writes_everything(
    folder: Path, line: Line, number: signal.Signals, status: int
) -> None:
    running = start(folder, "x = 1", f"x = 2\n{line.open_it}\n{SLEEPS}", "x = 3")
    line.hear()
    running.send_signal(number)
    _, said = running.communicate(timeout=SECONDS)
    assert running.returncode == status, said
    assert "stopped in cell 2" in said
    assert "Traceback" not in said
    assert statuses(folder) == ["ok", "interrupted", None]
    assert output(folder).cells[1].outputs[-1].ename == "KeyboardInterrupt"
    assert tmrun.vars(folder / "nb.out.ipynb", 2)["x"] == 2
    assert line.hear() == ""
    assert left_behind(folder) == []


def test_a_second_ctrl_c_kills_a_kernel_that_does_not_listen(folder: Path, line: Line) -> None:
    says_and_ignores = (
        "while True:\n"
        "    try:\n"
        "        line.sendall(b'here\\n')\n"
        "        while True: pass\n"
        "    except KeyboardInterrupt: pass"
    )
    running = start(folder, "1", f"{line.connect}\n{says_and_ignores}", options=("--no-record",))
    assert line.hear() == "here"
    running.send_signal(signal.SIGINT)
    assert line.hear() == "here", "the first one was ignored"
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=SECONDS)
    assert running.returncode == 130, said
    assert line.hear() == ""
    assert statuses(folder) == ["ok", "interrupted"]


def test_ctrl_c_while_the_kernel_starts_leaves_nothing(folder: Path, line: Line) -> None:
    spec = folder / "jupyter" / "kernels" / "slow"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-c", f"{line.open_it}\n{SLEEPS}"]
    content = {"argv": argv, "display_name": "slow", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
        running = start(folder, "1", options=("-k", "slow"))
    line.hear()
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=SECONDS)
    assert running.returncode == 130, said
    assert line.hear() == ""
    assert not (folder / "nb.out.ipynb").exists()
    assert left_behind(folder) == []


def test_an_interrupt_of_the_cell_that_called_run_stops_the_run(folder: Path, line: Line) -> None:
    inner = write(folder, f"{line.open_it}\n{SLEEPS}", name="inner.ipynb")
    outer = f"import tmrun\nprint(tmrun.run({str(inner)!r}, record=False).status)"
    running = start(folder, outer, options=("--no-record",))
    line.hear()
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=SECONDS)
    assert line.hear() == ""
    inner_cell = nbformat.read(folder / "inner.out.ipynb", 4).cells[0]
    assert inner_cell.metadata.tmrun.status == "interrupted"
    assert output(folder).cells[0].outputs[0].text == "interrupted\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_a_script_that_called_run_ends_the_script_when_all_is_written(
    folder: Path, line: Line, number: signal.Signals
) -> None:
    path = write(folder, "x = 1", f"x = 2\n{line.open_it}\n{SLEEPS}")
    code = f"import tmrun\ntmrun.run({str(path)!r})\nprint('went on')"
    script = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    line.hear()
    script.send_signal(number)
    said, _ = script.communicate(timeout=SECONDS)
    assert (script.returncode, said) == (-number, "")
    assert statuses(folder) == ["ok", "interrupted"]
    assert tmrun.vars(folder / "nb.out.ipynb", 2)["x"] == 2


def test_a_handler_of_the_script_hears_the_signal_after_the_run(folder: Path, line: Line) -> None:
    path = write(folder, f"{line.open_it}\n{SLEEPS}")
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        teller = threading.Thread(
            target=lambda: (line.hear(), os.kill(os.getpid(), signal.SIGTERM))
        )
        teller.start()
        report = tmrun.run(path, record=False)
        teller.join()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (report.status, heard) == ("interrupted", [signal.SIGTERM])


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGHUP")
def test_nohup_is_heeded(folder: Path, line: Line) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        running = start(folder, f"{line.open_it}\nline.recv(1)", "print('on')")
    finally:
        signal.signal(signal.SIGHUP, before)
    line.hear()
    running.send_signal(signal.SIGHUP)
    line.say()
    _, said = running.communicate(timeout=SECONDS)
    assert running.returncode == 0, said
    assert statuses(folder) == ["ok", "ok"]


def test_a_closed_terminal_stops_the_run_in_good_order(folder: Path, line: Line) -> None:
    nbformat.write(notebook("x = 1", f"{line.open_it}\n{SLEEPS}"), folder / "nb.ipynb")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
        os.execve(sys.executable, [sys.executable, "-m", "tmrun", "nb.ipynb"], env)
    line.hear()
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 129
    assert statuses(folder) == ["ok", "interrupted"]
    assert tmrun.vars(folder / "nb.out.ipynb", 2)["x"] == 1


# -- too long


def write(folder: Path, *sources: str, name: str = "nb.ipynb") -> Path:
    nbformat.write(notebook(*sources), folder / name)
    return folder / name


def test_a_cell_over_its_time_is_interrupted_and_its_state_recorded(folder: Path) -> None:
    report = tmrun.run(write(folder, "x = 1", f"x = 2\n{SLEEPS}", "x = 3"), timeout=0.5)
    assert report.status == "timeout"
    assert report.reason is not None
    assert "longer than 0.5 s (--timeout)" in report.reason
    assert [cell.status for cell in report.cells] == ["ok", "timeout", "not run"]
    assert report.cells[1].error is not None
    assert report.cells[1].error.line == "time.sleep(600)"
    assert tmrun.vars(report.output, 2)["x"] == 2
    assert report.complete


def test_a_cell_over_its_time_that_does_not_listen_is_killed(
    folder: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE", 0.5)
    path = write(folder, "x = 1", f"{line.open_it}\n{HOLDS_THE_GIL}")
    report = tmrun.run(path, timeout=0.5)
    assert report.status == "timeout"
    assert report.reason is not None
    assert "was killed" in report.reason
    assert line.hear() != ""
    assert line.hear() == ""
    assert tmrun.vars(report.output, 1)["x"] == 1


def test_a_cell_that_loses_an_interrupt_hears_a_second_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE", 0.5)
    loses = "import time\ntry:\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    x = 2"
    report = tmrun.run(write(folder, "x = 1", f"{loses}\n{SLEEPS}"), timeout=0.5)
    assert report.status == "timeout"
    assert report.cells[1].error is not None
    assert tmrun.vars(report.output, 2)["x"] == 2
    assert report.complete


def test_the_time_limit_is_for_each_cell_alone_and_allowed_errors_do_not_lift_it(
    folder: Path,
) -> None:
    short = "import time\ntime.sleep(0.4)"
    path = write(folder, short, short, short, SLEEPS, "5")
    report = tmrun.run(path, timeout=1, allow_errors=True, record=False)
    assert [cell.status for cell in report.cells] == ["ok", "ok", "ok", "timeout", "not run"]
