"""The command line: what it prints where, and with which status it exits."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import ROOT, notebook

from tmrun.cli import exit_status
from tmrun.progress import size
from tmrun.report import Report

HEAVY = ("nbclient", "nbformat", "jupyter_client", "IPython", "numpy", "rich", "zmq", "yaml")


# ipykernel hears what C code prints in a thread, and what it hears after the cell is lost to
# every client: so this cell waits until it was heard
PRINTS_FROM_C = """\
import os, sys, threading
heard, write = threading.Event(), sys.stdout.write
sys.stdout.write = lambda text: (write(text), heard.set())
os.system('echo from C')
assert heard.wait(30)
del sys.stdout.write
"""


def environment() -> dict[str, str]:
    """Give the environment of a user's shell, in which tmrun is installed."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    # with this set, ipykernel does not listen to what C code prints
    env.pop("PYTEST_CURRENT_TEST", None)
    return env


def tmrun(*arguments: object, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line in `cwd`."""
    command = [sys.executable, "-m", "tmrun", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )


def write(folder: Path, *sources: str, name: str = "nb.ipynb", **tags: Any) -> Path:
    path = folder / name
    nbformat.write(notebook(*sources, **tags), path)
    return path


def test_help_and_the_module_itself_import_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, tmrun.cli\n"
        "try: tmrun.cli.cli(['--help'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip() == "[]"
    assert "tmrun NOTEBOOK" in done.stdout


def test_help_says_what_the_options_take(tmp_path: Path) -> None:
    words = " ".join(tmrun("run", "--help", cwd=tmp_path).stdout.split())
    assert "--output PATH" in words
    assert "--dontsave PATTERN Names never to record: a glob, as 'tmp_*'; may be repeated." in words


def test_the_main_job_runs_records_and_shows(tmp_path: Path) -> None:
    write(tmp_path, "x = 1", "y = [x]\ny")
    done = tmrun("nb.ipynb", "--threads", 4, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "2 cells" in done.stderr
    assert "nb.out.ipynb, nb.out.varchive" in done.stderr
    told = json.loads(tmrun("show", "nb.out.ipynb", "--json", cwd=tmp_path).stdout)
    assert [cell["n"] for cell in told["cells"]] == [1, 2]
    for n in ("2", "-1"):
        state = json.loads(tmrun("show", "nb.out.ipynb", n, "--json", cwd=tmp_path).stdout)
        assert set(state["variables"]) == {"x", "y"}


def test_a_failed_cell_is_told_with_its_line_and_how_to_look_at_it(tmp_path: Path) -> None:
    write(tmp_path, "x = 1", "a = 2\n1 / 0")
    done = tmrun("run", "nb.ipynb", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cell 2: ZeroDivisionError: division by zero" in done.stderr
    assert "line 2: 1 / 0" in done.stderr
    assert "tmrun show nb.out.ipynb 2" in done.stderr
    assert "Traceback" not in done.stderr
    assert set(
        json.loads(tmrun("show", "nb.out.ipynb", "2", "--json", cwd=tmp_path).stdout)["variables"]
    ) == {"x", "a"}


def test_a_dead_kernel_is_told_with_its_crash_and_the_last_state(tmp_path: Path) -> None:
    write(tmp_path, "x = 1", "import faulthandler\nfaulthandler._sigsegv()", "y = 2")
    done = tmrun("nb.ipynb", cwd=tmp_path)
    assert done.returncode == 1
    assert "died in cell 2: killed by signal SIGSEGV" in done.stderr
    assert "line 2 in <module>" in done.stderr
    assert "last state recorded is that of cell 1: tmrun show nb.out.ipynb" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no.ipynb"], "there is no notebook no.ipynb"),
        (["."], "is a directory"),
        (["empty.ipynb"], "is empty"),
        (["nb.ipynb", "-k", "nope"], "no kernel 'nope'"),
        (["nb.ipynb", "-o", "nb.ipynb"], "--inplace"),
        (["nb.ipynb", "-o", "no/x.ipynb"], "no directory"),
        (["nb.ipynb", "-p", "1x", "2"], "'1x' cannot be a parameter"),
        (["nb.ipynb", "-y", "{"], "no valid YAML"),
        (["nb.ipynb", "--threads", "-1"], "--threads"),
        (["nb.ipynb", "-o", "/dev/null"], "use -o - for standard output, and --no-record"),
        (["nb.ipynb", "-q", "-v"], "--quiet and --verbose exclude each other"),
        (["shwo", "nb.ipynb"], "no notebook shwo; did you mean tmrun show?"),
        (["nb.ipynb", "--no-such-option"], "--no-such-option"),
        (["show"], "PATH"),
    ],
)
def test_a_usage_error_is_one_message_and_exit_status_2(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    write(tmp_path, "1")
    (tmp_path / "empty.ipynb").touch()
    before = sorted(tmp_path.iterdir())
    done = tmrun(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_options_may_come_before_the_notebook(tmp_path: Path) -> None:
    write(tmp_path, "1")
    done = tmrun("-q", "-k", "python3", "--no-record", "nb.ipynb", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "nb.out.varchive").exists()


def test_parameters_reach_the_cells(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("c: [1, 2]\nd: no\n", encoding="utf-8")
    write(tmp_path, "a = b = c = d = 0", "print(a, b, c, d)", tags={1: ["parameters"]})
    options = ["-p", "a", "1.5", "-r", "b", "2", "-f", "p.yaml", "-y", "d: .nan", "--no-record"]
    done = tmrun("nb.ipynb", "-o", "-", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    out = nbformat.reads(done.stdout, as_version=4)
    assert out.cells[2].outputs[0].text == "1.5 2 [1, 2] nan\n"
    assert out.metadata.tmrun.parameters.d == "nan"


def test_a_notebook_goes_from_standard_input_to_standard_output_and_nothing_else(
    tmp_path: Path,
) -> None:
    text = nbformat.writes(notebook(PRINTS_FROM_C))
    done = tmrun("-", cwd=tmp_path, input=text)
    assert done.returncode == 0, done.stderr
    output = nbformat.reads(done.stdout, as_version=4).cells[0].outputs[0]
    assert (output.name, output.text) == ("stdout", "from C\n")
    assert "from C" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notebook.out.varchive"]


def test_a_reader_of_standard_output_that_leaves_is_no_traceback(tmp_path: Path) -> None:
    write(tmp_path, "print('x' * 10**6)")
    command = f"{sys.executable} -m tmrun nb.ipynb -o - --no-record | head -c 10"
    done = subprocess.run(
        command,
        shell=True,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_inplace_writes_over_the_notebook(tmp_path: Path) -> None:
    path = write(tmp_path, "print(1)")
    assert tmrun("nb.ipynb", "--inplace", cwd=tmp_path).returncode == 0
    assert nbformat.read(path, 4).cells[0].outputs[0].text == "1\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["nb.ipynb", "nb.varchive"]


def test_an_output_notebook_that_cannot_be_written_is_exit_status_1(tmp_path: Path) -> None:
    write(tmp_path, "1")
    (tmp_path / "x.ipynb").symlink_to("no/x.ipynb")
    done = tmrun("nb.ipynb", "-o", "x.ipynb", "--no-record", cwd=tmp_path)
    assert done.returncode == 1
    assert "cannot write x.ipynb" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_record_that_stops_is_one_warning_and_exit_status_1_and_the_notebook_goes_on(
    tmp_path: Path,
) -> None:
    varchive = tmp_path / "nb.out.varchive"
    # what holds the objects becomes a file: as with a full disk, every write fails from here on
    spoil = (
        f"import os, shutil\nshutil.rmtree({str(varchive)!r})\nopen({str(varchive)!r}, 'w').close()"
    )
    write(tmp_path, "x = 1", spoil, "y = bytes(10**6)", "z = 3", "print('done')")
    done = tmrun("nb.ipynb", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("warning") == 1, done.stderr
    assert "incomplete" in done.stderr
    assert "tmrun show" not in done.stderr, "there is nothing left to look at"
    out = nbformat.read(tmp_path / "nb.out.ipynb", 4)
    assert out.cells[4].outputs[0].text == "done\n"


def test_a_varchive_that_cannot_be_made_is_one_warning_and_the_notebook_goes_on(
    tmp_path: Path,
) -> None:
    # as root, too, nothing can be made here
    (tmp_path / "nb.out.varchive").symlink_to("nb.ipynb/x")
    write(tmp_path, "x = 1", "print('done')")
    done = tmrun("nb.ipynb", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("warning") == 1, done.stderr
    assert done.stderr.count("the varchive cannot be written") == 2, done.stderr
    assert "Traceback" not in done.stderr
    out = nbformat.read(tmp_path / "nb.out.ipynb", 4)
    assert out.cells[1].outputs[0].text == "done\n"
    assert "varchive" not in out.metadata.tmrun


@pytest.mark.parametrize("earlier", [False, True], ids=["none yet", "with an earlier run"])
def test_a_notebook_on_a_read_only_mount_goes_to_standard_output_without_a_record(
    tmp_path: Path, earlier: bool
) -> None:
    write(tmp_path, "x = 1", "print('done')")
    if earlier:
        assert tmrun("nb.ipynb", "-o", "-", cwd=tmp_path).returncode == 0
    mount = 'mount --bind . . && mount -o remount,bind,ro . && cd . && cd "$PWD"'
    isolated = ["unshare", "--mount", "sh", "-c"]
    options = {"cwd": tmp_path, "env": environment(), "capture_output": True, "text": True}
    try:
        tried = subprocess.run([*isolated, f"{mount} && ! touch x"], check=False, **options)
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if tried.returncode:
        pytest.skip(f"cannot mount: {tried.stderr}")
    command = f"{mount} && exec {sys.executable} -m tmrun nb.ipynb -o -"
    done = subprocess.run([*isolated, command], check=False, **options)
    assert done.returncode == 1
    assert done.stderr.count("warning") == 1, done.stderr
    assert done.stderr.count("Read-only file system") == 2, done.stderr
    assert nbformat.reads(done.stdout, 4).cells[1].outputs[0].text == "done\n"


def test_show_says_that_a_record_is_incomplete_and_why(tmp_path: Path) -> None:
    objects = tmp_path / "nb.out.varchive" / "objects"
    spoil = f"import shutil\nshutil.rmtree({str(objects)!r})\nopen({str(objects)!r}, 'w').close()"
    write(tmp_path, "x = 1", spoil, "y = bytes(10**6)", "z = 3", "boom")
    assert tmrun("nb.ipynb", cwd=tmp_path).returncode == 1
    shown = tmrun("show", "nb.out.ipynb", cwd=tmp_path).stdout
    assert "failed, incomplete" in shown
    assert "recording stopped: " in shown
    assert "cell 5: NameError" in shown
    told = json.loads(tmrun("show", "nb.out.ipynb", "--json", cwd=tmp_path).stdout)
    assert (told["runs"][0]["status"], told["runs"][0]["complete"]) == ("failed", False)


def test_show_lists_a_cell_whose_manifest_is_damaged(tmp_path: Path) -> None:
    write(tmp_path, "x = 1", "y = 2")
    assert tmrun("nb.ipynb", cwd=tmp_path).returncode == 0
    manifest = next((tmp_path / "nb.out.varchive").rglob("000001.json"))
    manifest.write_text("{", encoding="utf-8")
    shown = tmrun("show", "nb.out.ipynb", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "000001.json is not JSON" in shown.stdout
    told = json.loads(tmrun("show", "nb.out.ipynb", "--json", cwd=tmp_path).stdout)
    assert [(cell["n"], cell["status"]) for cell in told["cells"]] == [(1, "damaged"), (2, "ok")]
    assert told["runs"][0]["complete"] is True


def test_show_cuts_the_first_line_of_a_cell_but_not_in_json(tmp_path: Path) -> None:
    line = f"x = '{'long' * 30}'"
    write(tmp_path, line)
    done = tmrun("nb.ipynb", cwd=tmp_path)
    assert "nb.ipynb: 1 cell, kernel" in done.stderr
    assert "tmrun: 1 cell in" in done.stderr
    for n in ((), ("1",)):
        shown = tmrun("show", "nb.out.ipynb", *n, cwd=tmp_path).stdout
        assert f"{line[:59]}…" in shown
        assert line[:60] not in shown
    told = json.loads(tmrun("show", "nb.out.ipynb", "1", "--json", cwd=tmp_path).stdout)
    assert told["first_line"] == line


def test_a_fifo_is_no_place_for_the_output(tmp_path: Path) -> None:
    write(tmp_path, "1")
    os.mkfifo(tmp_path / "pipe")
    done = tmrun("nb.ipynb", "-o", "pipe", cwd=tmp_path)
    assert done.returncode == 2
    assert "pipe is no regular file" in done.stderr


def test_a_notebook_may_be_called_almost_as_a_command(tmp_path: Path) -> None:
    write(tmp_path, "1", name="runs")
    assert tmrun("runs", "--no-record", cwd=tmp_path).returncode == 0


def test_verbose_writes_a_line_per_cell_and_log_output_what_they_print(tmp_path: Path) -> None:
    write(tmp_path, "x = 1\nprint('hello')", "del x")
    done = tmrun("nb.ipynb", "-v", "--log-output", cwd=tmp_path)
    lines = done.stderr.splitlines()
    assert "hello" in lines
    assert any(line.startswith("1/2 [1] ok") and line.endswith("+x") for line in lines)
    assert any(line.startswith("2/2 [2] ok") and line.endswith("-x") for line in lines)


def test_quiet_is_silent_but_for_errors(tmp_path: Path) -> None:
    write(tmp_path, "boom")
    done = tmrun("nb.ipynb", "-q", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("tmrun: cell 1: NameError")


def test_a_terminal_gets_a_bar_and_is_left_tidy(tmp_path: Path) -> None:
    write(tmp_path, "x = 1", "y = 2")
    terminal, end = pty.openpty()
    env = {**environment(), "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tmrun", "nb.ipynb"], cwd=tmp_path, env=env, stderr=end
    )
    os.close(end)
    shown = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    assert process.wait() == 0
    assert b"2/2" in shown
    assert b"2 variables" in shown
    assert b"\x1b[?25h" in shown, "the cursor is shown again"
    assert shown.rstrip().endswith(b"nb.out.ipynb, nb.out.varchive")


def test_version() -> None:
    assert tmrun("--version", cwd=Path.cwd()).stdout.startswith("tmrun ")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 0),
        ({"status": "failed"}, 1),
        ({"status": "died"}, 1),
        ({"status": "timeout"}, 1),
        ({"complete": False}, 1),
        ({"written": False}, 1),
        ({"status": "interrupted", "signal": 2, "complete": False}, 130),
        ({"status": "interrupted", "signal": 15}, 143),
        ({"status": "interrupted", "signal": 1}, 129),
    ],
)
def test_the_exit_status_follows_from_the_report(changes: dict[str, Any], status: int) -> None:
    facts = {"status": "ok", "cells": (), "seconds": 1.0, "output": None, "varchive": None}
    facts |= {"run": None, "complete": True, "written": True}
    assert exit_status(Report(**{**facts, **changes})) == status


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (123456, "123 kB"), (4.5e14, "450 TB")],
)
def test_sizes_are_told_as_people_read_them(count: float, text: str) -> None:
    assert size(count) == text


def test_a_full_disk_stops_recording_with_one_warning_and_the_notebook_goes_on(
    tmp_path: Path,
) -> None:
    """A limit on the size of files stands for the disk: writing fails as it does on a full one."""
    limit = (
        "import os, resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))"
    )
    write(tmp_path, limit, "big = os.urandom(2_000_000)", "a = 1", "print('went on')")
    done = tmrun("nb.ipynb", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("tmrun: warning:") == 1
    assert "File too large" in done.stderr
    assert "the last state recorded is that of cell 1:" in done.stderr
    output = nbformat.read(tmp_path / "nb.out.ipynb", 4)
    assert output.cells[3].outputs[0].text == "went on\n"
    shown = tmrun("show", "nb.out.ipynb", cwd=tmp_path)
    assert "ok, incomplete" in shown.stdout
