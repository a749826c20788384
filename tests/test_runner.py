"""Running a plan: the outputs, the report, the output notebook, and what other kernels need."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from conftest import NOTEBOOKS, notebook

import tmrun
from kernel_payload.death import Evidence, explain, gather, out_of_memory_kills
from kernel_payload.varchive.layout import is_run_id
from tmrun.outcome import failed_line
from tmrun.plan import Options
from tmrun.recording import new_run_id
from tmrun.report import (
    CellEnded,
    CellOutput,
    CellStarted,
    Event,
    NotebookText,
    Report,
    Started,
    Warned,
)
from tmrun.runner import run


def write(folder: Path, *sources: str, name: str = "nb.ipynb", **tags: Any) -> Path:
    path = folder / name
    nbformat.write(notebook(*sources, **tags), path)
    return path


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def run_cells(folder: Path, *sources: str, **options: Any) -> Report:
    """Run code cells without a record."""
    tags = options.pop("tags", None)
    path = write(folder, *sources, tags=tags)
    return tmrun.run(path, **{"record": False, **options})


# -- outputs

STREAMS = [
    "import sys\nprint('a'); print('b', file=sys.stderr); print('c', end='')",
    "for i in range(3): print(i, end='\\r')\nprint('over\\b\\bwritten')",
    "",
    "%%bash\necho b\necho e >&2",
    "!echo shell",
    "1 + 1;",
    "'é\\U0001f600'",
    "await __import__('asyncio').sleep(0)\n5",
    "for i in range(300): display(i)",
]
DISPLAYS = [
    "from IPython.display import HTML, clear_output, display, update_display",
    "display('first', display_id='x')",
    "update_display('second', display_id='x')\ndisplay('other', display_id='x')",
    "print('p')\nclear_output(wait=True)\nprint('q')\nupdate_display('third', display_id='x')",
    "display(HTML('<b>x</b>'), metadata={'a': 1})\nclear_output()\nprint('after')",
    "print('kept')\nclear_output(wait=True)",
    "display({'application/json': {'a': [1]}, 'text/plain': 'z'}, raw=True)",
]
ERRORS = [
    "1 / 0",
    "def f():\n    return g()\nf()",
    "x = = 1",
    "import sys; sys.exit(3)",
    "raise KeyboardInterrupt",
    "input('?')",
    "%reset -f",
    "get_ipython().execution_count",
]
VOLATILE = re.compile(r"0x[0-9a-f]+|ipykernel_\d+|\d+\.py")


def comparable(nb: Any) -> Any:
    """Keep what two runs of one notebook must have in common."""
    nb = json.loads(VOLATILE.sub("#", json.dumps(nb)))
    nb["metadata"].pop("tmrun", None)
    for cell in nb["cells"]:
        cell["metadata"].pop("tmrun", None)
        cell["metadata"]["execution"] = sorted(cell["metadata"].get("execution", ()))
        if "outputs" in cell:
            cell["outputs"] = _joined(cell["outputs"])
    return nb


def _joined(outputs: list[Any]) -> list[Any]:
    """Join streams that follow each other, by name: where they are cut is a matter of time."""
    joined: list[Any] = []
    for output in outputs:
        if output["output_type"] != "stream":
            joined.append(output)
            continue
        if not joined or "stream" not in joined[-1]:
            joined.append({"stream": {}})
        texts = joined[-1]["stream"]
        texts[output["name"]] = texts.get(output["name"], "") + output["text"]
    return joined


@pytest.mark.parametrize("record", [False, True], ids=["no record", "recorded"])
@pytest.mark.parametrize(
    "sources", [STREAMS, DISPLAYS, ERRORS], ids=["streams", "displays", "errors"]
)
def test_the_output_notebook_is_the_one_that_jupyter_execute_writes(
    tmp_path: Path, sources: list[str], record: bool
) -> None:
    tags = {place: ["raises-exception"] for place in range(1, len(sources) + 1)}
    path = write(tmp_path, *sources, tags=tags)
    theirs = read(path)
    nbclient.NotebookClient(theirs, resources={"metadata": {"path": str(tmp_path)}}).execute()
    report = tmrun.run(path, record=record)
    assert report.output is not None
    assert comparable(read(report.output)) == comparable(theirs)


@pytest.mark.parametrize("fixture", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_outputs_of_the_examples_are_those_of_jupyter_execute(
    fixture: Path, tmp_path: Path
) -> None:
    path = tmp_path / fixture.name
    path.write_bytes(fixture.read_bytes())
    theirs = tmp_path / "theirs.ipynb"
    command = [sys.executable, "-m", "jupyter", "execute", str(path), "--output", str(theirs)]
    subprocess.run(command, check=True, capture_output=True)
    report = tmrun.run(path, threads=4)
    assert report.output is not None
    assert report.complete
    assert comparable(read(report.output)) == comparable(read(theirs))


def test_an_output_that_no_notebook_can_hold_is_left_out_with_a_warning(tmp_path: Path) -> None:
    path = write(tmp_path, "display({'no-mime-type': 1}, raw=True)\nprint('on')")
    events: list[Event] = []
    report = run(Options(str(path), record=False), events.append)
    assert report.status == "ok"
    assert report.output is not None
    assert [output.output_type for output in read(report.output).cells[0].outputs] == ["stream"]
    assert any("left out" in event.message for event in events if isinstance(event, Warned))


@pytest.mark.parametrize("minor", [0, 4])
def test_a_notebook_stays_of_its_own_format(tmp_path: Path, minor: int) -> None:
    nb = notebook("1")
    nb.nbformat_minor = minor
    del nb.cells[0]["id"]
    nb.metadata["custom"] = {"kept": True}
    nbformat.write(nb, tmp_path / "nb.ipynb")
    report = tmrun.run(tmp_path / "nb.ipynb", record=False)
    assert report.output is not None
    out = json.loads(report.output.read_text(encoding="utf-8"))
    assert (out["nbformat_minor"], out["metadata"]["custom"]) == (minor, {"kept": True})
    assert "id" not in out["cells"][0]
    assert report.cells[0].id is None


def test_cells_that_do_not_run_are_left_as_they_are(tmp_path: Path) -> None:
    nb = notebook("1", "2", tags={2: ["skip-execution"]})
    for cell in nb.cells:
        cell.outputs = [nbformat.v4.new_output("stream", text="old")]
        cell.execution_count = 7
    extra = [nbformat.v4.new_markdown_cell("# text"), nbformat.v4.new_raw_cell("raw")]
    nb.cells += extra
    nbformat.write(nb, tmp_path / "nb.ipynb")
    report = tmrun.run(tmp_path / "nb.ipynb", record=False)
    assert report.output is not None
    out = read(report.output)
    assert [cell.status for cell in report.cells] == ["ok", "skipped"]
    assert out.cells[0].outputs[0].data["text/plain"] == "1"
    assert (out.cells[1].outputs[0].text, out.cells[1].execution_count) == ("old", 7)
    assert out.cells[2:] == nb.cells[2:]


def test_the_kernel_knows_which_cell_it_runs(tmp_path: Path) -> None:
    report = run_cells(
        tmp_path,
        "ids = []\nget_ipython().events.register('pre_run_cell', lambda i: ids.append(i.cell_id))",
        "ids",
    )
    assert report.output is not None
    out = read(report.output)
    assert out.cells[1].outputs[0].data["text/plain"] == repr([out.cells[1].id])


# -- the report and the metadata


def test_a_run_that_goes_well_reports_every_cell(tmp_path: Path) -> None:
    report = run_cells(tmp_path, "x = 1", "", "x + 1")
    assert (report.status, report.complete, report.written) == ("ok", True, True)
    assert (report.run, report.varchive, report.reason) == (None, None, None)
    assert [(cell.index, cell.n, cell.status) for cell in report.cells] == [
        (0, 1, "ok"),
        (1, None, "skipped"),
        (2, 2, "ok"),
    ]
    assert report.output == tmp_path / "nb.out.ipynb"
    assert report.stopped_at is None


def test_a_failed_cell_ends_the_run_and_is_reported_with_its_line(tmp_path: Path) -> None:
    report = run_cells(tmp_path, "def f(x):\n    return 1 / x", "a = 1\nf(0)\nb = 2", "3")
    failed = report.stopped_at
    assert report.status == "failed"
    assert failed is not None
    assert failed.error is not None
    assert (failed.error.ename, failed.error.evalue) == ("ZeroDivisionError", "division by zero")
    assert (failed.error.lineno, failed.error.line) == (2, "f(0)")
    assert any("division by zero" in line for line in failed.error.traceback)
    assert [cell.status for cell in report.cells] == ["ok", "failed", "not run"]
    assert report.output is not None
    out = read(report.output)
    assert out.cells[1].outputs[0].ename == "ZeroDivisionError"
    assert out.metadata.tmrun.status == "failed"


def test_a_cell_that_did_not_run_shows_nothing_of_an_earlier_run(tmp_path: Path) -> None:
    run_cells(tmp_path, "1", "2")
    again = read(tmp_path / "nb.out.ipynb")
    again.cells[0].source = "boom"
    nbformat.write(again, tmp_path / "again.ipynb")
    tmrun.run(tmp_path / "again.ipynb", record=False)
    cell = read(tmp_path / "again.out.ipynb").cells[1]
    assert (cell.outputs, cell.execution_count, dict(cell.metadata)) == ([], None, {})


@pytest.mark.parametrize("by", ["tag", "option", "notebook"])
def test_an_allowed_failure_does_not_end_the_run(tmp_path: Path, by: str) -> None:
    nb = notebook("boom", "2", tags={1: ["raises-exception"]} if by == "tag" else None)
    if by == "notebook":
        nb.metadata["execution"] = {"allow_errors": True}
    nbformat.write(nb, tmp_path / "nb.ipynb")
    options = {"allow_errors": True} if by == "option" else {}
    report = tmrun.run(tmp_path / "nb.ipynb", record=False, **options)
    assert report.status == "ok"
    assert [cell.status for cell in report.cells] == ["allowed", "ok"]
    assert report.cells[0].error is not None


def test_sys_exit_is_an_error_of_its_cell(tmp_path: Path) -> None:
    report = run_cells(tmp_path, "import sys; sys.exit('bye')", "2")
    assert (report.status, report.reason) == ("failed", "cell 1: SystemExit: bye")


def test_quit_before_the_last_cell_is_explained(tmp_path: Path) -> None:
    report = run_cells(tmp_path, "quit()", "2")
    assert report.status == "died"
    assert report.reason is not None
    assert "exit() or quit()" in report.reason
    assert [cell.status for cell in report.cells] == ["ok", "not run"]


def test_exit_in_the_last_cell_is_no_failure(tmp_path: Path) -> None:
    assert run_cells(tmp_path, "1", "exit()").status == "ok"


def test_the_output_notebook_carries_the_run_and_its_cells(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    path = write(tmp_path / "in", "alpha = 1", "b = alpha\nalpha = 3", tags={1: ["parameters"]})
    report = tmrun.run(path, output=tmp_path / "out" / "x.ipynb", parameters={"alpha": 2})
    assert report.output is not None
    out = read(report.output)
    about = out.metadata.tmrun
    assert (about.run, about.varchive, about.status) == (report.run, "x.varchive", "ok")
    assert about.parameters == {"alpha": 2}
    assert {"tmrun", "python", "nbclient"} <= about.versions.keys()
    last = out.cells[2].metadata.tmrun
    assert (last.n, last.status, last.made, last.changed) == (3, "ok", ["b"], ["alpha"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", last.started)
    assert last.seconds > 0
    assert report.cells[2].recorded
    assert report.complete


def test_a_varchive_that_cannot_be_made_leaves_a_report_that_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, "x = 1")
    (tmp_path / "nb.out.varchive").symlink_to("nb.ipynb/x")
    events: list[Event] = []
    report = run(Options(str(path)), events.append)
    assert (report.status, report.complete, report.varchive, report.run) == (
        "ok",
        False,
        None,
        None,
    )
    assert report.reason is not None
    assert "the varchive cannot be written" in report.reason
    assert len([event for event in events if isinstance(event, Warned)]) == 1


def test_without_a_record_the_metadata_names_none_and_an_earlier_ones_is_gone(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, "1")
    tmrun.run(path, inplace=True)
    assert "varchive" in read(path).metadata.tmrun
    report = tmrun.run(path, inplace=True, record=False)
    assert report.output == path
    assert {"run", "varchive"}.isdisjoint(read(path).metadata.tmrun)


def test_events_tell_the_run_as_it_goes(tmp_path: Path) -> None:
    path = write(tmp_path, "print('hi')", "# comment\n2", "boom")
    events: list[Event] = []
    run(Options(str(path), output="-", record=False), events.append)
    assert [type(event) for event in events] == [
        Started,
        *(CellStarted, CellOutput, CellEnded),
        *(CellStarted, CellOutput, CellEnded),
        *(CellStarted, CellOutput, CellEnded),
        NotebookText,
    ]
    texts = [event.text for event in events if isinstance(event, CellOutput)]
    assert texts[:2] == ["hi\n", "2\n"]
    assert "NameError" in texts[2]
    text = next(event.text for event in events if isinstance(event, NotebookText))
    assert nbformat.reads(text, as_version=4).cells[0].outputs[0].text == "hi\n"


def test_an_unknown_option_of_the_python_door_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(tmrun.UsageError, match="timeout"):
        tmrun.run(write(tmp_path, "1"), time_limit=3)


# -- places


def test_a_kernel_starts_in_the_notebooks_directory_or_in_cwd(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    path = write(here, "import os\nprint(os.getcwd())")
    for options, expected in (({}, here), ({"cwd": there}, there)):
        report = tmrun.run(path, record=False, **options)
        assert report.output is not None
        assert read(report.output).cells[0].outputs[0].text == f"{expected}\n"


def test_the_private_directory_is_private_and_gone_after_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    report = run_cells(
        tmp_path,
        "import os, json\nfrom ipykernel import get_connection_info\n"
        "info = json.loads(get_connection_info())\n"
        "folder = os.path.dirname(info['ip'])\n"
        "print(info['transport'], folder, oct(os.stat(folder).st_mode & 0o777))",
    )
    assert report.output is not None
    transport, folder, mode = read(report.output).cells[0].outputs[0].text.split()
    assert (transport, mode) == ("ipc", "0o700")
    assert Path(folder).parent == tmp_path
    assert not Path(folder).exists()


def test_a_path_too_long_for_a_socket_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    assert run_cells(tmp_path, "1").status == "ok"


def test_atexit_functions_of_the_kernel_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    run_cells(
        tmp_path, f"import atexit, pathlib\natexit.register(pathlib.Path({str(mark)!r}).touch)"
    )
    assert mark.exists()


def test_the_notebook_is_on_disk_while_a_long_cell_still_prints(tmp_path: Path) -> None:
    report = run_cells(
        tmp_path,
        "import json, pathlib, time\nmark = 'so' + 'far'\nlimit = time.time() + 30",
        "print(mark, flush=True)\n"
        "while mark not in (text := pathlib.Path('nb.out.ipynb').read_text()):\n"
        "    assert time.time() < limit",
        "print(json.loads(text)['metadata']['tmrun']['status'])",
    )
    assert report.status == "ok"
    assert report.output is not None
    assert read(report.output).cells[2].outputs[0].text == "running\n"


def test_an_output_notebook_that_cannot_be_written_at_all_stops_before_the_first_cell(
    tmp_path: Path,
) -> None:
    mark = tmp_path / "mark"
    path = write(tmp_path, f"open({str(mark)!r}, 'w')")
    link = tmp_path / "x.ipynb"
    link.symlink_to("no/x.ipynb")
    with pytest.raises(tmrun.TmrunError, match="nothing was run"):
        tmrun.run(path, output=link, record=False)
    assert not mark.exists()


def test_an_output_notebook_that_becomes_unwritable_does_not_stop_the_run(tmp_path: Path) -> None:
    report = run_cells(
        tmp_path, "import os\nos.remove('nb.out.ipynb'); os.mkdir('nb.out.ipynb')", "2"
    )
    assert [cell.status for cell in report.cells] == ["ok", "ok"]
    assert (report.written, report.output) == (False, None)
    assert report.reason is not None
    assert "cannot write" in report.reason


# -- from elsewhere than a script's main thread


def test_it_runs_inside_a_running_event_loop(tmp_path: Path) -> None:
    async def main() -> Report:
        return run_cells(tmp_path, "1")

    assert asyncio.run(main()).status == "ok"


def test_it_runs_in_another_thread(tmp_path: Path) -> None:
    reports: list[Report] = []
    thread = threading.Thread(target=lambda: reports.append(run_cells(tmp_path, "1")))
    thread.start()
    thread.join()
    assert reports[0].status == "ok"


def test_errors_reach_the_caller_from_inside_a_running_event_loop(tmp_path: Path) -> None:
    async def main() -> None:
        run_cells(tmp_path, "1", kernel="no-such-kernel")

    with pytest.raises(tmrun.UsageError, match="no-such-kernel"):
        asyncio.run(main())


# -- other kernels


ECHO = """\
import sys
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

class Echo(Kernel):
    implementation, implementation_version, banner = "echo", "1", "echo"
    language_info = {"name": "echo", "mimetype": "text/plain", "file_extension": ".txt"}

    def do_execute(self, code, silent, *_, **__):
        self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": code})
        return {"status": "ok", "execution_count": self.execution_count, "payload": [],
                "user_expressions": {}}

IPKernelApp.launch_instance(kernel_class=Echo)
"""


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install kernel specs for one test."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))

    def install(name: str, argv: list[str], language: str) -> None:
        folder = tmp_path / "jupyter" / "kernels" / name
        folder.mkdir(parents=True)
        spec = {"argv": argv, "display_name": name, "language": language}
        (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")

    return install


@pytest.mark.parametrize("language", ["echo", "python"])
def test_a_kernel_that_is_not_ipykernel_runs_but_only_without_a_record(
    tmp_path: Path, kernels: Any, language: str
) -> None:
    (tmp_path / "echo.py").write_text(ECHO, encoding="utf-8")
    argv = [sys.executable, str(tmp_path / "echo.py"), "-f", "{connection_file}"]
    kernels("echo", argv, language)
    report = run_cells(tmp_path, "hello", kernel="echo")
    assert report.output is not None
    assert read(report.output).cells[0].outputs[0].text == "hello"
    with pytest.raises(tmrun.UsageError, match="--no-record"):
        run_cells(tmp_path, "hello", kernel="echo", record=True)


def test_an_unknown_kernel_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(tmrun.UsageError, match="python3"):
        run_cells(tmp_path, "1", kernel="no-such-kernel")


def test_a_kernel_that_dies_at_its_start_says_its_last_words(tmp_path: Path, kernels: Any) -> None:
    kernels("sick", [sys.executable, "-c", "import sys; sys.exit('no ipykernel')"], "python")
    with pytest.raises(tmrun.TmrunError, match=r"(?s)died as it started: .*code 1.*no ipykernel"):
        run_cells(tmp_path, "1", kernel="sick")


def test_a_kernel_whose_program_is_missing_is_an_error_with_a_mend(
    tmp_path: Path, kernels: Any
) -> None:
    kernels("gone", ["/no/such/python", "{connection_file}"], "python")
    with pytest.raises(tmrun.TmrunError, match="could not be started"):
        run_cells(tmp_path, "1", kernel="gone")


def test_a_kernel_that_never_answers_is_given_up(tmp_path: Path, kernels: Any) -> None:
    kernels("mute", [sys.executable, "-c", "import time; time.sleep(600)"], "python")
    with pytest.raises(tmrun.TmrunError, match="--startup-timeout"):
        run_cells(tmp_path, "1", kernel="mute", startup_timeout=0.5)


# -- why a kernel died


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (Evidence(-11), "SIGSEGV"),
        (Evidence(139), "SIGSEGV"),
        (Evidence(-9), "another process"),
        (Evidence(-9, ("the machine",)), "memory ran out"),
        (Evidence(3), "exit code 3"),
        (Evidence(200), "exit code 200"),
        (Evidence(None), "is gone"),
        (Evidence(-11, fault="Fatal", log="last\nwords"), "Fatal\n  its log:\n    last\n    words"),
    ],
)
def test_a_death_is_explained_by_what_is_known(evidence: Evidence, words: str) -> None:
    assert words in explain(evidence)


def test_memory_is_blamed_only_when_a_count_rose(tmp_path: Path) -> None:
    now = out_of_memory_kills()
    none = tmp_path / "none"
    assert gather(-9, now, none, none).out_of_memory == ()
    fewer = {place: count - 1 for place, count in now.items()}
    assert set(gather(-9, fewer, none, none).out_of_memory) == set(now)
    assert gather(-9, {}, none, none) == Evidence(-9)


@pytest.mark.parametrize(
    ("traceback", "line"),
    [
        ("File Cell In[5], line 2\n--> x\nFile Cell In[3], line 9\n", 2),
        ("Cell \x1b[32mIn[5]\x1b[39m\x1b[32m, line 1\x1b[39m\nCell In[5], line 7", 7),
        ("Input \x1b[0;32mIn [5]\x1b[0m, in \x1b[0;36m<cell line: 4>\x1b[0;34m()", 4),
        ("<ipython-input-5-ab12> in <module>\n      1 a\n----> 2 b\n", 2),
        ("Traceback of another kernel", None),
    ],
)
def test_the_failing_line_is_found_in_tracebacks_of_all_ages(
    traceback: str, line: int | None
) -> None:
    assert failed_line(traceback, 5) == line


def test_the_environment_of_the_kernel_is_that_of_tmrun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMRUN_TEST", "seen")
    report = run_cells(tmp_path, "import os\nprint(os.environ['TMRUN_TEST'])")
    assert report.status == "ok"
    assert "TMRUN_TEST" in os.environ


def test_ids_of_runs_are_in_the_order_of_the_runs() -> None:
    ids = [new_run_id() for _ in range(1000)]
    begun = [run[:21] for run in ids]
    assert begun == sorted(begun)
    assert all(is_run_id(run) for run in ids)
