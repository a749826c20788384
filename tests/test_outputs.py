"""What jobs put out and how they are shown, units: outputs, cards, options, steps joined."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import nbformat
import pytest

from kernel_payload import card
from kernel_payload.jobs import ENDED, Control, Job, Jobs
from kernel_payload.jobstate import joined
from kernel_payload.magic import answers_in, beside_thread, thread_options, with_lines_of
from kernel_payload.outputs import Outputs, Piece, overwritten
from kernel_payload.varchive import State
from kernel_payload.varchive.errors import TmrunError, UsageError

Json = dict[str, Any]


def stream(text: str, name: str = "stdout") -> tuple[str, Json]:
    return "stream", {"name": name, "text": text}


def display(text: str, display_id: str | None = None) -> tuple[str, Json]:
    transient = {} if display_id is None else {"display_id": display_id}
    data = {"text/plain": text}
    return "display_data", {"data": data, "metadata": {}, "transient": transient}


def update(text: str, display_id: str) -> tuple[str, Json]:
    return "update_display_data", display(text, display_id)[1]


def clear(*, wait: bool = False) -> tuple[str, Json]:
    return "clear_output", {"wait": wait}


RESULT: tuple[str, Json] = (
    "execute_result",
    {"data": {"text/plain": "5"}, "metadata": {}, "execution_count": 3},
)
ERROR: tuple[str, Json] = (
    "error",
    {"ename": "E", "evalue": "no", "traceback": ["\x1b[31mLine\x1b[39m", "E: no"]},
)


def heard(*messages: tuple[str, Json]) -> Outputs:
    return Outputs(Piece(float(i), *message) for i, message in enumerate(messages))


def brief(outputs: Outputs) -> list[str]:
    """Give each output as a short text."""
    found = []
    for output in outputs.outputs():
        if output["output_type"] == "stream":
            found.append(f"{output['name']}: {output['text']}")
        elif output["output_type"] == "error":
            found.append(f"{output['ename']}: {output['evalue']}")
        else:
            found.append(output["data"]["text/plain"])
    return found


# -- messages -> outputs

MESSAGES: dict[str, tuple[list[tuple[str, Json]], list[str]]] = {
    "nothing": ([], []),
    "one stream": ([stream("a"), stream("b\n")], ["stdout: ab\n"]),
    "two streams": (
        [stream("a"), stream("b", "stderr"), stream("c")],
        ["stdout: a", "stderr: b", "stdout: c"],
    ),
    "a display between": (
        [stream("a"), display("x"), stream("b")],
        ["stdout: a", "x", "stdout: b"],
    ),
    "all kinds": ([stream("a"), RESULT, ERROR], ["stdout: a", "5", "E: no"]),
    "cleared": ([stream("a"), display("x"), clear()], []),
    "cleared, and on": ([stream("a"), clear(), stream("b")], ["stdout: b"]),
    "cleared by the next": ([stream("a"), clear(wait=True), stream("b")], ["stdout: b"]),
    "to be cleared by nothing": ([stream("a"), clear(wait=True)], ["stdout: a"]),
    "cleared by the next once": (
        [stream("a"), clear(wait=True), stream("b"), display("x")],
        ["stdout: b", "x"],
    ),
    "updated": ([display("a", "i"), display("b"), update("c", "i")], ["c", "b"]),
    "updated twice over": ([display("a", "i"), display("b", "i"), update("c", "i")], ["c", "c"]),
    "another updated": ([display("a", "i"), update("c", "j")], ["a"]),
    "updated before it was there": ([update("c", "i"), display("a", "i")], ["a"]),
    "updated after it was cleared": ([display("a", "i"), clear(), update("c", "i")], []),
}


@pytest.mark.parametrize(("messages", "expected"), MESSAGES.values(), ids=list(MESSAGES))
def test_messages_become_outputs_as_in_a_notebook(
    messages: list[tuple[str, Json]], expected: list[str]
) -> None:
    assert brief(heard(*messages)) == expected


def test_outputs_are_what_nbformat_takes() -> None:
    found = heard(stream("a"), display("x", "i"), RESULT, ERROR).outputs()
    for output in found:
        nbformat.validate(nbformat.v4.new_output(**output), "output", version=4)
    assert [output["output_type"] for output in found] == [
        "stream",
        "display_data",
        "execute_result",
        "error",
    ]
    assert not any("transient" in output for output in found)
    assert found[2]["execution_count"] == 3


def test_outputs_that_were_given_do_not_change_when_more_comes() -> None:
    outputs = heard(stream("a"))
    before = outputs.outputs()
    outputs.add(Piece(1.0, *stream("b")))
    assert before[0]["text"] == "a"
    assert outputs.outputs()[0]["text"] == "ab"


def test_pieces_come_back_from_bytes_with_their_times() -> None:
    outputs = heard(stream("é\ud800\U0001f600\n"), display("x", "i"), update("y", "i"), RESULT)
    again = Outputs.from_bytes(outputs.to_bytes())
    assert again.pieces == outputs.pieces
    assert [piece.seconds for piece in again.pieces] == [0.0, 1.0, 2.0, 3.0]
    assert again.outputs() == outputs.outputs()


def test_text_is_what_there_is_to_read() -> None:
    rich = ("display_data", {"data": {"text/html": "<b>"}, "metadata": {}})
    found = heard(stream("10 %\r"), stream("20 %\n"), rich, RESULT, ERROR)
    assert found.text() == "20 %\n5\nLine\nE: no\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", ""),
        ("plain\n", "plain\n"),
        ("abc\rX", "Xbc"),
        ("abc\r", "abc"),
        ("one\r\ntwo", "one\ntwo"),
        ("a\r\r\nb", "a\nb"),
        ("ab\b\bX", "Xb"),
        ("\b\bX", "X"),
        ("50 %\r100 %\nnext\rN", "100 %\nNext"),
        ("a\n\rb", "a\nb"),
    ],
)
def test_carriage_returns_and_backspaces_are_obeyed(text: str, left: str) -> None:
    assert overwritten(text) == left


def test_the_last_lines_are_the_last_that_are_not_empty() -> None:
    lines = "".join(f"line {i}\n\n" for i in range(2000))
    found = heard(*(stream(part + "\n") for part in lines.splitlines()), RESULT)
    assert found.last_lines(3) == ["line 1998", "line 1999", "5"]
    assert len(found.last_lines()) == 5
    assert heard().last_lines() == []
    assert heard(stream("\n \n")).last_lines() == []
    assert heard(stream("10 %\r"), stream("20 %")).last_lines() == ["20 %"]


# -- jobs, cards and tables


class Notebook(Control):
    """A notebook to which jobs are nothing but numbers."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.stored: dict[str, Outputs] = {}

    def answer(self, job: Job) -> Any:
        return f"answer {job.n}"

    def cancel(self, job: Job) -> None:
        self.told.append(("cancel", job.n))

    def meet(self) -> None:
        self.told.append("meet")

    def outputs(self, job: Job, digest: str) -> Outputs:
        return self.stored[digest]

    def show(self, kind: str, content: Json) -> None:
        self.told.append((kind, content))


def begun(notebook: Notebook, n: int = 3, name: str | None = None) -> Job:
    job = Job(n, notebook, name)
    job.begin()
    return job


def test_a_job_has_what_it_puts_out_before_and_after_its_outputs_are_stored() -> None:
    notebook = Notebook()
    job = begun(notebook)
    assert job.started is not None
    job.hear(*stream("a\n"), job.started + timedelta(seconds=1.5))
    job.hear(*stream("b\n"), job.started - timedelta(seconds=1))
    job.hear(*RESULT, datetime.now(timezone.utc) + timedelta(hours=1))
    assert [piece.seconds for piece in job.pieces][:2] == [1.5, 0.0]
    before = job.output, job.outputs, job.pieces, job.last_lines(2)
    notebook.stored["d"] = job.heard
    job.end("finished", "d")
    assert job.heard.pieces == []
    assert (job.output, job.outputs, job.pieces, job.last_lines(2)) == before
    assert before[0] == "a\nb\n5\n"
    assert before[3] == ["b", "5"]
    assert job.wait(0) is False
    job.ended.set()
    assert job.wait(0) is True
    assert job.result == "answer 3"


def test_a_job_is_cancelled_only_until_it_has_ended() -> None:
    notebook = Notebook()
    job = begun(notebook)
    assert job.wait(0) is False
    job.cancel()
    job.end("cancelled", None)
    job.cancel()
    assert notebook.told == ["meet", ("cancel", 3)]
    assert job.seconds is not None
    assert job.seconds == job.seconds
    assert Job(1, notebook).seconds is None


@pytest.mark.parametrize("status", ["waiting", "running", *ENDED])
def test_only_a_job_that_ended_well_has_a_result(status: str) -> None:
    job = begun(Notebook(), name="fit")
    job.status = status
    if status == "finished":
        assert job.result == "answer 3"
        return
    mend = "see job.output" if status in ENDED else "wait for it with job.wait()"
    with pytest.raises(TmrunError, match=f"job 3 fit has no result: {status}; ") as raised:
        _ = job.result
    assert str(raised.value).endswith(mend)


def test_replaying_shows_outputs_or_the_messages_that_made_them() -> None:
    notebook = Notebook()
    job = begun(notebook)
    assert job.started is not None
    for message in (stream("a"), clear(), stream("b"), display("x", "i"), update("y", "i")):
        job.hear(*message, job.started)
    job.replay()
    assert [kind for kind, _ in notebook.told] == ["stream", "display_data"]
    assert notebook.told[0][1]["text"] == "b"
    assert notebook.told[1][1]["data"] == {"text/plain": "y"}
    notebook.told.clear()
    job.replay(realtime=True)
    kinds = ["stream", "clear_output", "stream", "display_data", "update_display_data"]
    assert [kind for kind, _ in notebook.told] == kinds


@pytest.mark.parametrize("status", ["waiting", "running", *ENDED])
def test_every_status_has_a_line_and_a_card(status: str) -> None:
    job = Job(3, Notebook(), "<fit>")
    job.status = status
    assert repr(job) == f"job 3 <fit>: {status}"
    html = job._repr_html_()
    assert f"<b>job 3 &lt;fit&gt;</b> {status}" in html
    assert "<pre" not in html


def test_a_card_tells_why_and_the_last_lines() -> None:
    job = begun(Notebook())
    assert job.started is not None
    job.hear(*stream("<i>\n" + "\n".join("abcdef")), job.started)
    job.error = {"ename": "E", "evalue": "<no>", "traceback": []}
    job.status = "failed"
    first, *lines = repr(job).splitlines()
    assert first.startswith("job 3: failed: E: <no>, 0")
    assert lines == ["  b", "  c", "  d", "  e", "  f"]
    html = job._repr_html_()
    assert "failed: E: &lt;no&gt;" in html
    assert ">b\nc\nd\ne\nf</pre>" in html
    job.status, job.reason = "died", "killed"
    assert repr(job).startswith("job 3: died: killed, ")


def test_a_table_has_a_line_for_each_job() -> None:
    notebook = Notebook()
    done, waiting = begun(notebook, name="a & b"), Job(12, notebook)
    done.cpu_seconds, done.peak_memory = 2.5, 56_700_000
    assert done.started is not None
    done.hear(*stream("<" + 100 * "x"), done.started)
    jobs = Jobs({3: done, 12: waiting})
    head, first, second = repr(jobs).splitlines()
    assert head.split() == ["cell", "name", "status", "time", "CPU", "memory", "last", "output"]
    assert first.startswith("3     a & b  running  0.")
    assert first.endswith("2.5 s  56.7 MB  <" + 59 * "x")
    assert second == "12           waiting"
    html = jobs._repr_html_()
    assert html.count("<tr>") == 3
    assert re.search("<td>a &amp; b</td><td[^>]*>running</td>", html)
    assert "<td>&lt;xxx" in html
    assert repr(Jobs({})) == "no jobs"


def test_jobs_are_a_mapping_that_says_what_there_is() -> None:
    notebook = Notebook()
    known = {3: begun(notebook), 5: Job(5, notebook)}
    jobs = Jobs(known)
    assert ([*jobs], len(jobs), jobs[3] is known[3], 4 in jobs) == ([3, 5], 2, True, False)
    with pytest.raises(KeyError, match=r"cell 4 has no job \(jobs: 3, 5\)"):
        jobs[4]
    with pytest.raises(KeyError, match=r"cell 4 has no job \(jobs: none\)"):
        jobs.only("died")[4]
    assert [*jobs.only("waiting", "running")] == [3, 5]
    assert [*jobs.only("waiting")] == [5]
    known[7] = Job(7, notebook)
    assert [*jobs] == [3, 5, 7]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (0.0, "0.00 s"),
        (0.349, "0.35 s"),
        (12.34, "12.3 s"),
        (60, "1 min 00 s"),
        (245.9, "4 min 05 s"),
        (3599.9, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (11_520, "3 h 12 min"),
        (90_061, "25 h 01 min"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float | None, said: str) -> None:
    assert card.duration(seconds) == said


# -- cells with jobs

MAGIC = "get_ipython().run_line_magic('thread', 'f(x)')"
BESIDE = {
    "get_ipython().run_cell_magic('thread', '', 'fit()\\n')": "",
    MAGIC: "",
    f"x = 5\n{MAGIC}\nx = 9": "x = 5\nx = 9",
    f"x = 5; {MAGIC}": "x = 5",
    "get_ipython().run_line_magic('time', 'f(x)')": "get_ipython().run_line_magic('time', 'f(x)')",
    f"for i in y:\n    {MAGIC}": f"for i in y:\n    {MAGIC}",
    "x = = 1": "x = = 1",
    "run_line_magic('thread', 'f(x)')": "run_line_magic('thread', 'f(x)')",
    "": "",
}


@pytest.mark.parametrize(("source", "left"), BESIDE.items())
def test_what_a_cell_does_beside_its_job(source: str, left: str) -> None:
    assert beside_thread(source) == left


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", (None, None, "")),
        ("f(x)", (None, None, "f(x)")),
        ("--name fit", ("fit", None, "")),
        ("--name=fit f(x)", ("fit", None, "f(x)")),
        ("--name 'two words' x", ("two words", None, "x")),
        ('--timeout=1.5 --name "a b" x', ("a b", 1.5, "x")),
        ("  --timeout 60   f(a, b)  ", (None, 60.0, "f(a, b)")),
        ("--timeout 1e3", (None, 1000.0, "")),
        ("f(x) --name fit", (None, None, "f(x) --name fit")),
        ("-x", (None, None, "-x")),
    ],
)
def test_options_of_a_job(line: str, found: tuple[str | None, float | None, str]) -> None:
    assert thread_options(line, is_cell=False) == found


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--nam x", "has no option --nam; there are --name and --timeout"),
        ("--name a --times 3", "has no option --times"),
        ("--timeout soon", "above 0, not 'soon'"),
        ("--timeout 0", "above 0, not '0'"),
        ("--timeout -3 x", "above 0, not '-3'"),
        ("--timeout nan", "above 0, not 'nan'"),
        ("--timeout", "--timeout takes a value"),
        ("--name", "--name"),
        ("--name --timeout 5", "--name"),
    ],
)
@pytest.mark.parametrize("is_cell", [False, True])
def test_bad_options_are_refused(line: str, message: str, is_cell: bool) -> None:
    with pytest.raises(UsageError) as raised:
        thread_options(line, is_cell=is_cell)
    assert message in str(raised.value)


def test_a_whole_cell_takes_no_expression() -> None:
    assert thread_options("--name fit --timeout 5", is_cell=True) == ("fit", 5.0, "")
    with pytest.raises(UsageError, match=r"cannot make sense of 'f\(x\)'"):
        thread_options("--name fit f(x)", is_cell=True)


@pytest.mark.parametrize(
    ("source", "numbers"),
    [
        ("x = 1", []),
        ("Out[2] + _5", [2, 5]),
        ("Out [ 2 ]", [2]),
        ("Out[9], _9", []),
        ("Out[n]", [2, 3, 5, 7]),
        ("sum(Out.values())", [2, 3, 5, 7]),
        ("_oh", [2, 3, 5, 7]),
        ("_ + __", [3, 5, 7]),
        ("a_2, a._3, x_, __name__", []),
    ],
)
def test_the_answers_that_a_cell_may_name(source: str, numbers: list[int]) -> None:
    assert answers_in(source, [7, 2, 5, 3]) == numbers


@pytest.mark.parametrize(
    ("raw", "body", "code"),
    [
        ("%%thread\nf()\n", "f()\n", "# %%thread\nf()\n"),
        ("%%thread\nf()", "f()\n", "# %%thread\nf()\n"),
        ("\n\n%%thread\nf()", "f()\n", "# %%thread\n#\n#\nf()\n"),
        ("f()", "f()", "f()"),
        ("%%thread\n%%time\nf()", "%%time\nf()\n", "%%time\nf()\n"),
        ("%%thread\n  f()", "  f()\n", "  f()\n"),
        ("%%thread\na\n\nb", "a\n\nb\n", "# %%thread\na\n\nb\n"),
    ],
)
def test_lines_of_a_job_are_numbered_as_in_its_cell(raw: str, body: str, code: str) -> None:
    assert with_lines_of(raw, body) == code


# -- two steps -> one

Step = dict[str, tuple[str, ...]]
STEPS: dict[str, tuple[Step, Step, Step]] = {
    "nothing": ({}, {}, {}),
    "apart": (
        {"made": ("a",), "changed": ("b",), "deleted": ("c",)},
        {"made": ("d",), "changed": ("e",), "deleted": ("f",)},
        {"made": ("a", "d"), "changed": ("b", "e"), "deleted": ("c", "f")},
    ),
    "made, changed": ({"made": ("x",)}, {"changed": ("x",)}, {"made": ("x",)}),
    "made, deleted": ({"made": ("x",)}, {"deleted": ("x",)}, {}),
    "changed, changed": ({"changed": ("x",)}, {"changed": ("x",)}, {"changed": ("x",)}),
    "changed, deleted": ({"changed": ("x",)}, {"deleted": ("x",)}, {"deleted": ("x",)}),
    "deleted, made": ({"deleted": ("x",)}, {"made": ("x",)}, {"changed": ("x",)}),
    "unsaved, left": ({"unsaved": ("x",)}, {}, {"unsaved": ("x",)}),
    "saved, unsaved": (
        {"made": ("x",)},
        {"changed": ("x",), "unsaved": ("x",)},
        {"made": ("x",), "unsaved": ("x",)},
    ),
    "unsaved, deleted": ({"made": ("x",), "unsaved": ("x",)}, {"deleted": ("x",)}, {}),
    "unsaved, saved": (
        {"made": ("x",), "unsaved": ("x",)},
        {"changed": ("x",)},
        {"made": ("x",)},
    ),
}


@pytest.mark.parametrize(("first", "second", "both"), STEPS.values(), ids=list(STEPS))
def test_two_steps_make_one(first: Step, second: Step, both: Step) -> None:
    found = joined(State(3, bytes=10, **first), State(3, bytes=5, source="x", **second))  # type: ignore[arg-type]
    names = ("made", "changed", "deleted", "unsaved")
    assert {name: getattr(found, name) for name in names if getattr(found, name)} == both
    assert (found.bytes, found.source) == (15, "x")
