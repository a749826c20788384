"""What recording keeps of a run in a real kernel, and what it must not do to it."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest

import tmrun


def outputs(report: Any) -> list[Any]:
    """Give the outputs of the cells of a report's notebook."""
    return [cell.outputs for cell in nbformat.read(report.output, 4).cells]


def text(report: Any, place: int) -> str:
    """Give what the cell at a place, from 1, printed to stdout."""
    streams = [o for o in outputs(report)[place - 1] if o.get("name") == "stdout"]
    return "".join(output.text for output in streams)


def test_each_state_is_the_namespace_as_it_was(record: Any) -> None:
    report = record("x = 1\nitems = [x]", "x = 2\nitems.append(x)", "del x\ny = items", "y")

    assert dict(tmrun.vars(report, 1)) == {"x": 1, "items": [1]}
    assert dict(tmrun.vars(report, 2)) == {"x": 2, "items": [1, 2]}
    assert dict(tmrun.vars(report, 3)) == {"items": [1, 2], "y": [1, 2]}
    last = tmrun.vars(report, -1)
    assert last["y"] is last["items"]
    assert tmrun.ans(report, 4) == [1, 2]
    assert tmrun.ans(report, 1) is None
    assert [(c.made, c.changed, c.deleted) for c in report.cells] == [
        (("items", "x"), (), ()),
        ((), ("items", "x"), ()),
        (("y",), (), ("x",)),
        ((), (), ()),
    ]


def test_a_cell_is_found_by_number_from_the_end_and_by_id(record: Any) -> None:
    report = record("x = 1", "x = 2", "x = 3")
    second = nbformat.read(report.output, 4).cells[1].id

    assert tmrun.vars(report.output, -2)["x"] == 2
    assert tmrun.vars(report.varchive, second)["x"] == 2
    assert tmrun.vars(tmrun.open(report.varchive), 1)["x"] == 1


def test_what_is_not_there_is_answered_by_what_is(record: Any, tmp_path: Any) -> None:
    report = record("import threading\nloss = 1\nlock = threading.Lock()")

    with pytest.raises(tmrun.NoSuchState, match=r"cell 7 was not recorded \(recorded: 1\); see"):
        tmrun.vars(report, 7)
    with pytest.raises(tmrun.NoSuchVariable, match="did you mean loss"):
        tmrun.vars(report, 1)["lss"]
    with pytest.raises(
        tmrun.NotSaved, match=r"lock \(_thread.lock, cell 1\) was not saved: .*pickle"
    ):
        tmrun.vars(report, 1)["lock"]
    with pytest.raises(tmrun.NotAVarchive, match="does not exist"):
        tmrun.vars(tmp_path / "nothing", 1)
    with pytest.raises(tmrun.NotAVarchive, match="neither a varchive nor the output notebook"):
        tmrun.vars(tmp_path / "experiment.ipynb", 1)
    with pytest.raises(tmrun.NoSuchRun, match="is no run of"):
        tmrun.vars(report, 1, run="zzz")
    with pytest.raises(KeyError):
        tmrun.vars(report, 1)["lss"]
    assert "lock" not in tmrun.vars(report, 1)
    assert "not saved" in repr(tmrun.vars(report, 1))


def test_the_state_of_a_failed_cell_is_that_at_the_failure(record: Any) -> None:
    report = record("log = []", "log.append('before')\n1 / 0\nlog.append('after')", "log = None")

    assert report.status == "failed"
    assert tmrun.vars(report, 2)["log"] == ["before"]
    state = tmrun.open(report).state(2)
    assert state.status == "error"
    assert state.error == {"ename": "ZeroDivisionError", "evalue": "division by zero"}
    assert tmrun.open(report).states() == [1, 2]


def test_a_cell_that_is_no_python_is_a_failed_cell_that_changed_nothing(record: Any) -> None:
    report = record("x = [1]", "def broken(", "x.append(2)", allow_errors=True)

    assert tmrun.open(report).states() == [1, 2, 3]
    assert tmrun.vars(report, 2)["x"] == [1]
    assert tmrun.open(report).state(2).error["ename"] in ("SyntaxError", "_IncompleteInputError")


def test_functions_see_the_variables_of_the_state_that_they_are_loaded_from(record: Any) -> None:
    report = record("rate = 2\ndef scale(x):\n    return rate * x", "rate = 5", "scale(10)")

    assert tmrun.vars(report, 1)["scale"](10) == 20
    assert tmrun.vars(report, 2)["scale"](10) == 50
    assert tmrun.ans(report, 3) == 50


def test_names_that_are_not_to_be_saved_are_nowhere(record: Any) -> None:
    report = record(
        "secret = 'k3y'\ntmp_a = tmp_b = 1\nkept = [secret]", dontsave=["secret", "tmp_*"]
    )

    assert list(tmrun.vars(report, 1)) == ["kept"]
    assert report.cells[0].made == ("kept",)


def test_recording_keeps_no_object_alive(record: Any) -> None:
    report = record(
        "import gc, sys, weakref\nclass Big:\n    pass\nbig = Big(); other = [big]\n"
        "gone = weakref.ref(big)\ncounts = sys.getrefcount(big)",
        "again = sys.getrefcount(big)\nprint(again == counts)",
        "del big, other\nprint(gone() is None)",
    )
    assert text(report, 2) == "True\n"
    assert text(report, 3) == "True\n"


def test_recording_is_silent_whatever_a_value_does_when_it_is_pickled(record: Any) -> None:
    noisy = (
        "import warnings\nclass Noisy:\n    def __getstate__(self):\n"
        "        print('pickled'); warnings.warn('pickled')\n        return {'a': 1}\n"
        "    def __repr__(self):\n        raise ValueError('repr')\n"
        "noisy = Noisy()\nholds = [noisy]"
    )
    report = record(noisy, "noisy.b = 1", "print('said')")

    assert outputs(report)[0] == []
    assert outputs(report)[1] == []
    assert text(report, 3) == "said\n"
    assert tmrun.vars(report, 1)["noisy"].a == 1


def test_hostile_objects_are_recorded_or_listed_and_harm_nothing(record: Any) -> None:
    hostile = (
        "class Meta(type):\n    def __hash__(cls):\n        raise RuntimeError('hash')\n"
        "    def __eq__(cls, other):\n        raise RuntimeError('eq')\n"
        "class Hostile(metaclass=Meta):\n"
        "    def __reduce__(self):\n        raise SystemExit('reduce')\n"
        "    def __getattr__(self, name):\n        raise RuntimeError('getattr')\n"
        "    def __bool__(self):\n        raise RuntimeError('bool')\n"
        "    __len__ = __hash__ = __eq__ = __repr__ = __bool__\n"
        "hostile = Hostile()\nharmless = 1"
    )
    report = record(hostile, "harmless += 1")

    assert report.status == "ok", report.reason
    assert report.complete
    assert outputs(report) == [[], []]
    assert tmrun.vars(report, 2)["harmless"] == 2
    with pytest.raises(tmrun.NotSaved, match="its class Hostile cannot be saved"):
        tmrun.vars(report, 2)["hostile"]


def test_a_reduction_that_ends_the_process_ends_only_its_variable(record: Any) -> None:
    report = record(
        "class Quits:\n    def __reduce__(self):\n        raise SystemExit('reduce')\n"
        "quits = Quits()\nfine = [1]",
        "fine.append(2)",
    )
    assert report.complete
    assert tmrun.vars(report, 2)["fine"] == [1, 2]
    with pytest.raises(tmrun.NotSaved, match="SystemExit: reduce"):
        tmrun.vars(report, 2)["quits"]


def test_variables_made_in_a_reset_namespace_are_recorded(record: Any) -> None:
    report = record("x = 1\ny = 2", "%reset -f", "z = 3")

    assert dict(tmrun.vars(report, 2)) == {}
    assert report.cells[1].deleted == ("x", "y")
    assert dict(tmrun.vars(report, 3)) == {"z": 3}


def test_a_hanging_reduction_ends_with_an_interrupt_and_the_variable_is_listed(record: Any) -> None:
    hanging = (
        "import os, signal, threading\nclass Hangs:\n    def __reduce__(self):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n        threading.Event().wait()\n"
        "hangs = Hangs()\nfine = [1]"
    )
    report = record(hanging, "after = 2")

    assert report.status == "ok", report.reason
    assert dict(tmrun.vars(report, 1)) | {"Hangs": 0, "os": 0, "signal": 0, "threading": 0} == {
        **dict.fromkeys(("Hangs", "os", "signal", "threading"), 0),
        "fine": [1],
    }
    with pytest.raises(tmrun.NotSaved, match="interrupted while it was pickled"):
        tmrun.vars(report, 1)["hangs"]
    assert tmrun.vars(report, 2)["after"] == 2


def test_a_change_behind_an_alias_a_callback_or_exec_is_seen(record: Any) -> None:
    report = record(
        "data = []\nhandlers = []\nhidden = {'n': 0}",
        "handlers.append(lambda: hidden.update(n=hidden['n'] + 1))",
        "for handle in handlers:\n    handle()",
        "exec('da' + 'ta.append(1)')",
        "globals()['da' + 'ta'].append(2)",
        "%timeit -n 1 -r 1 data.append(3)",
    )
    assert [cell.changed for cell in report.cells[2:]] == [("hidden",)] + [("data",)] * 3
    assert [tmrun.vars(report, n)["data"] for n in (3, 4, 5, 6)] == [[], [1], [1, 2], [1, 2, 3]]
    assert tmrun.vars(report, 3)["hidden"] == {"n": 1}


def test_the_generators_and_the_directory_are_part_of_a_state(record: Any, tmp_path: Any) -> None:
    report = record(
        "import os, random\nrandom.seed(1)", "random.random()", "os.mkdir('d'); os.chdir('d')"
    )
    recording = tmrun.open(report)
    places = [recording.archive.entries(recording.state(n))["<random>"].place for n in (1, 2, 3)]

    assert places[0] != places[1] == places[2]
    assert [recording.state(n).cwd for n in (2, 3)] == [".", "d"]
    assert str(tmp_path) not in "".join(p.read_text() for p in report.varchive.rglob("*.json"))


def test_runs_of_one_notebook_share_a_varchive_and_its_store(record: Any) -> None:
    cells = ("text = 'x' * 3_000_000", "n = len(text)")
    first = record(*cells)
    size = sum(p.stat().st_size for p in (first.varchive / "objects").rglob("*") if p.is_file())
    second = record(*cells)

    again = sum(p.stat().st_size for p in (first.varchive / "objects").rglob("*") if p.is_file())
    assert first.varchive == second.varchive
    assert len(tmrun.open(first.varchive).archive.runs()) == 2
    assert again - size < 10_000  # the text is stored once; new is what is random
    assert tmrun.vars(first, 2)["n"] == tmrun.vars(second, 2)["n"] == 3_000_000
    assert tmrun.open(second.output).run.id == second.run


def test_what_another_user_wrote_is_described_and_not_loaded(
    record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner cannot be changed without being root: who asks is, instead."""
    report = record("x = 1")
    monkeypatch.setattr("os.getuid", lambda: report.varchive.stat().st_uid + 1)

    with pytest.raises(tmrun.Untrusted, match="trusted=True"):
        tmrun.vars(report, 1)
    assert tmrun.open(report).describe(1).entries["x"].preview == "1"
    assert tmrun.open(report, trusted=True).vars(1)["x"] == 1
