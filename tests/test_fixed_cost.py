"""What it costs to record a trivial cell, in calls and files: no test here looks at a clock."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from conftest import in_new_process
from test_recorder import Notebook

from kernel_payload import writer
from kernel_payload.escape import Escapes
from kernel_payload.names import is_own
from kernel_payload.varchive import State
from kernel_payload.varchive.store import DirectoryStore
from kernel_payload.writer import Writer
from tmrun.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _same(file: Path) -> Path:
    return file


class Counted:
    """A function that takes note of what it is called with."""

    def __init__(self, patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        self.calls: list[tuple[Any, ...]] = []
        inner = getattr(owner, name)

        def called(*arguments: Any, **options: Any) -> Any:
            self.calls.append(arguments)
            return inner(*arguments, **options)

        patch.setattr(owner, name, called)


class Asked(Notebook):
    """A notebook with IPython's own names, which takes note of what is asked about."""

    def __init__(self, path: Path) -> None:
        self.asked: list[str] = []
        super().__init__(path)

    def is_public(self, name: str, value: Any) -> bool:  # type: ignore[override]
        self.asked.append(name)
        return not is_own(name) and not name.startswith("__")

    def cell(self, source: str) -> State:  # type: ignore[override]
        self.namespace[f"_i{self.n + 1}"] = source
        return super().cell(source)


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Asked]:
    made = Asked(tmp_path / "study.varchive")
    yield made
    made.recorder.close()


def test_a_state_is_one_file_and_one_more_for_all_that_changed(
    notebook: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook.cell("x = y = 0\n" + "\n".join(f"v{i} = [{i}, 'text']" for i in range(100)))
    written = Counted(monkeypatch, DirectoryStore, "write")
    notebook.cell("x += 1; y += 2; v7.append(x)")
    assert [name.partition("/")[0] for _, name, _ in written.calls] == ["objects", "runs"]
    notebook.cell("x + y")
    assert len(written.calls) == 3


def test_the_files_of_many_states_are_put_on_the_disk_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_PAUSE", 3600)
    flushed = Counted(monkeypatch, writer, "flush")
    files = [tmp_path / "states" / f"{n}.json" for n in range(20)]
    files[0].parent.mkdir()
    made = Writer()
    for file in files:
        file.touch()
        made.put(partial(_same, file))
    made.wait()
    assert not flushed.calls
    made.close()
    # each file, and then their names once
    assert [path for (path,) in flushed.calls] == [*files, files[0].parent]


def test_what_was_cleared_meanwhile_keeps_nothing_else_from_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = Counted(monkeypatch, writer, "flush")
    made = Writer()
    kept = tmp_path / "kept"
    kept.touch()
    for file in (tmp_path / "gone" / "file", kept):
        made.put(partial(_same, file))
    made.close()
    assert made.failure is None
    assert (kept,) in flushed.calls
    assert (tmp_path,) in flushed.calls


def test_names_of_the_shell_itself_are_asked_for_once(notebook: Asked) -> None:
    notebook.cell("x = 0")
    notebook.cell("x += 1")
    notebook.asked.clear()
    notebook.cell("x += 1")
    # the name of this cell's own input is new
    assert notebook.asked == ["x", "_i3"]


def test_a_look_in_the_middle_of_a_cell_does_not_search_for_functions(
    notebook: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook.cell("x = [0]\ndef f(): return x")
    searched = Counted(monkeypatch, Escapes, "_all_functions")

    def look() -> None:
        # the frame of a cell that runs refers to the namespace, too
        notebook.recorder.present("x")

    notebook.namespace["_look"] = look
    exec("_look()", notebook.namespace)
    notebook.recorder.present("x")
    del notebook.namespace["_look"]
    notebook.cell("x.append(1)")
    assert not searched.calls


def test_variables_that_are_saved_are_counted_as_they_come_and_go(notebook: Asked) -> None:
    assert notebook.cell("a = 1\nb = [2]\nc = (i for i in b)").variables == 2
    assert notebook.cell("a = (i for i in b)").variables == 1
    assert notebook.cell("a = 2\nc = 3").variables == 3
    assert notebook.cell("del a, b").variables == 1


def test_the_reply_to_a_cell_tells_of_its_state() -> None:
    outcome = Outcome(1, datetime.now(timezone.utc))
    assert outcome.state is None
    outcome.reply = {"status": "ok", "payload": [{"source": "page"}]}
    assert outcome.state is None
    said = {"source": "tmrun_state", "n": 1}
    outcome.reply = {"status": "ok", "payload": [{"source": "page"}, said]}
    assert outcome.state == said


@pytest.mark.skipif(find_spec("lark") is None, reason="only what comes with JupyterLab has one")
def test_the_command_compiles_no_grammar(tmp_path: Path) -> None:
    code = """\
import sys
from tmrun.cli import cli
try:
    cli(["run", sys.argv[1]], standalone_mode=False)
except Exception as error:
    print(type(error).__name__)
import nbformat, tmrun.runner
print("lark" in sys.modules)
"""
    assert in_new_process(code, tmp_path / "none.ipynb").split() == ["UsageError", "False"]
