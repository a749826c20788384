"""The jobs panel: as a table in headless runs, and as a widget that a front end talks to.

The front end is played by the test, over the kernel's own sockets. Jobs wait for files, and the
test waits for messages, so nothing depends on how long something takes.
"""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from conftest import notebook
from live import PATIENCE, Live

from kernel_payload import card
from kernel_payload.announcer import MESSAGE, TABLE, Announcer
from kernel_payload.jobs import Job, Jobs
from kernel_payload.outputs import Outputs, Piece
from kernel_payload.panel import Panel
from kernel_payload.varchive.errors import UsageError
from tmrun.plan import Options
from tmrun.report import CellEnded, CellOutput
from tmrun.runner import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tmrun.report import Event

BEGIN = """
import tmrun, os, time
def until(name):
    while not os.path.exists(name): time.sleep(0.005)
"""
CALL = "tmrun.panel()"
VIEW = "application/vnd.jupyter.widget-view+json"

# -- progress


@pytest.mark.parametrize(
    ("line", "share"),
    [
        (" 45%|████▌     | 45/100 [00:01<00:01, 33.3it/s]", 0.45),
        ("45.5 % of it", 0.455),
        ("100%", 1.0),
        ("0%|          | 0/7", 0.0),
        ("Epoch 3/10", 0.3),
        ("[3 / 4] loss=0.2", 0.75),
        ("step 3/4.", 0.75),
        ("done: 7/7", 1.0),
        # no share of anything
        ("grew by 250%", None),
        ("-5% since then", None),
        ("2026/11/22", None),
        ("3/0", None),
        ("8/7", None),
        ("/data/1/2", None),
        ("part 1/2/3", None),
        ("1.2/3.4 MB", None),
        ("'%d%% ' %5%d", None),
        ("no numbers", None),
        # what says nothing does not hide what does
        ("250% cpu, 5/10", 0.5),
    ],
)
def test_progress_is_what_a_line_says(line: str, share: float | None) -> None:
    assert card.progress([line]) == share


def test_the_newest_line_that_tells_of_progress_counts() -> None:
    assert card.progress(["90%", "step 1/10", "and so on"]) == 0.1
    assert card.progress([]) is None


def test_a_share_is_never_rounded_up() -> None:
    assert [card.percent(share) for share in (None, 0.0, 0.58, 0.999, 1.0)] == [
        "",
        "0 %",
        "58 %",
        "99 %",
        "100 %",
    ]


def job_of(text: str, status: str = "running", n: int = 3, name: str | None = None) -> Job:
    job = Job(n, None, name)  # type: ignore[arg-type]
    job.status = status
    job.heard = Outputs([Piece(0.0, "stream", {"name": "stdout", "text": text})])
    return job


def test_progress_is_shown_in_the_card_and_the_table_while_the_job_has_not_finished() -> None:
    job = job_of("step 1/10\rstep 2/10\rstep 3/10")
    assert job.progress == 0.3
    assert "running, 30 %" in repr(job)
    assert "30 %" in job._repr_html_()
    other = job_of("nothing", n=4)
    assert other.progress is None
    table = Jobs({3: job, 4: other})
    assert repr(table).splitlines()[0].split()[:5] == ["cell", "name", "status", "time", "progress"]
    assert "<td>30 %</td>" in table._repr_html_()
    # the last step is often not told
    job.status = "finished"
    assert "%" not in repr(job) + job._repr_html_() + table._repr_html_()
    assert "progress" not in repr(table)


# -- who listens


class Sent:
    """A kernel's session that keeps what is sent."""

    iopub_socket = None

    def __init__(self) -> None:
        self.session = self
        self.messages: list[tuple[str, Any]] = []

    def clone(self) -> Sent:
        return self

    def get_parent(self) -> dict[str, Any]:
        return {}

    def send(self, _: Any, kind: str, content: Any, parent: Any) -> None:
        self.messages.append((kind, content))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.messages]


def test_listeners_hear_of_each_event_and_what_they_raise_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: Job) -> None:
        raise ValueError("the listener's own")

    heard: list[str] = []
    announcer = Announcer(Sent(), forward=True)
    announcer.listeners += [fail, lambda job: heard.append(job.status)]
    job = job_of("", "waiting")
    with caplog.at_level(logging.ERROR, "tmrun"):
        announcer.spawned(job)
        job.begin()
        announcer.started(job)
        announcer.ticked(job)
        announcer.put_out(job, Piece(0.0, "stream", {"name": "stdout", "text": "x"}))
        job.end("finished", None)
        announcer.ended(job, {})
    assert heard == ["waiting", "running", "running", "finished"]
    assert [str(r.exc_info[1]) for r in caplog.records if r.exc_info] == ["the listener's own"] * 4


def test_the_last_table_comes_before_the_last_end_is_told() -> None:
    sent = Sent()
    announcer = Announcer(sent, forward=True)
    job = job_of("", "waiting")
    Panel(announcer, Jobs({3: job}), lambda n: None).show()
    job.end("finished", None)
    announcer.ended(job, {})
    assert sent.kinds == ["display_data", TABLE, MESSAGE]
    assert "finished" in sent.messages[1][1]["data"]["text/plain"]


def test_what_only_goes_on_is_shown_now_and_then_and_what_changes_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kernel_payload.panel._PACE_OF_TABLE", 1e9)
    sent = Sent()
    announcer = Announcer(sent, forward=True)
    job = job_of("")
    panel = Panel(announcer, Jobs({3: job}), lambda n: None)
    panel.show()
    panel._told = time.monotonic()
    for _ in range(5):
        announcer.ticked(job)
    assert sent.kinds == ["display_data"]
    job.end("finished", None)
    announcer.ended(job, {})
    assert sent.kinds == ["display_data", TABLE, MESSAGE]


def test_in_plain_ipython_the_panel_is_a_printed_table(capsys: pytest.CaptureFixture[str]) -> None:
    announcer = Announcer(None, forward=False)
    jobs = Jobs({3: job_of("so far", name="fit")})
    Panel(announcer, jobs, lambda n: None).show()
    assert capsys.readouterr().out == f"{jobs!r}\n"
    assert announcer.listeners == []


# -- headless


def test_headless_the_notebook_ends_with_the_table_of_how_jobs_ended(tmp_path: Path) -> None:
    cells = (
        BEGIN + "def left(n):\n    while tmrun.jobs[n].status in ('waiting', 'running'):"
        " time.sleep(0.005)",
        CALL,
        "%%thread --name <first>\nprint('30%')\n1 / 0",
        "left(3)",
        "%%thread --name last\nuntil('over')\nprint('at the end')",
        "print('the last cell')",
    )
    path = tmp_path / "experiment.ipynb"
    nbformat.write(notebook(*cells, tags={3: ["raises-exception"], 5: ["raises-exception"]}), path)
    events: list[Event] = []

    def hear(event: Event) -> None:
        events.append(event)
        if isinstance(event, CellEnded) and event.cell.n == len(cells):
            # the second job ends while no cell runs
            (tmp_path / "over").touch()

    report = run(Options(str(path), threads=1, timeout=PATIENCE), hear)

    assert report.status == "ok", report.reason
    written = nbformat.read(report.output, 4)
    assert [len(cell.outputs) for cell in written.cells] == [0, 1, 2, 0, 1, 1]
    data = written.cells[1].outputs[0].data
    assert sorted(data) == ["text/html", "text/plain"]
    head, first, last = data["text/plain"].splitlines()
    assert "progress" in head
    assert first.split()[:3] == ["3", "<first>", "failed"]
    assert " 30 % " in first
    assert last.split()[:3] == ["5", "last", "finished"]
    assert last.endswith("at the end")
    assert "&lt;first&gt;" in data["text/html"]
    assert "<first>" not in data["text/html"]
    assert data["text/html"].count("<tr>") == 3
    # and it is said once, not with every change
    told = "".join(event.text for event in events if isinstance(event, CellOutput))
    assert told.count("no jobs") == 1
    assert "<first>" not in told


# -- a front end


class Front:
    """A front end of a kernel, as far as the panel is concerned."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.client: Any = live.client
        self.seen: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {}
        self.subshell: str | None = None
        live.ok("%load_ext tmrun", BEGIN)

    def start(self, source: str, cell_id: str | None = None) -> str:
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False}
        content |= {"user_expressions": {}, "stop_on_error": True}
        metadata = {"cellId": cell_id} if cell_id else {}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def run(self, source: str, cell_id: str | None = None) -> None:
        self.wait(self.start(source, cell_id))

    def wait(self, request: str) -> None:
        def is_end(message: dict[str, Any]) -> bool:
            of = message["parent_header"].get("msg_id")
            return of == request and message["content"].get("execution_state") == "idle"

        self.until(lambda: any(map(is_end, self.seen)))
        errors = [m["content"] for m in self.seen if m["msg_type"] == "error"]
        assert [error["evalue"] for error in errors] == []

    def until(self, condition: Callable[[], Any]) -> None:
        """Read messages until something is so."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, (self.state, [m["msg_type"] for m in self.seen[-20:]])
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            self.seen.append(message)
            data = message["content"].get("data", {})
            if message["msg_type"] in ("comm_open", "comm_msg"):
                self.state |= data.get("state", {})

    def panels(self, kind: str = "display_data") -> list[dict[str, Any]]:
        """Give what was displayed or updated as panels."""
        contents = [m["content"] for m in self.seen if m["msg_type"] == kind]
        displays = [(c.get("transient") or {}).get("display_id", "") for c in contents]
        return [c for c, d in zip(contents, displays, strict=True) if d.startswith("tmrun-panel-")]

    @property
    def comm(self) -> str:
        return str(self.panels()[-1]["data"][VIEW]["model_id"])

    def say(self, kind: str, **content: Any) -> None:
        """Ask the panel, in the subshell if there is one."""
        data = {"method": "custom", "content": {"type": kind, **content}}
        self.send("comm_msg", data)

    def send(self, kind: str, data: dict[str, Any]) -> None:
        message = self.client.session.msg(kind, {"comm_id": self.comm, "data": data})
        if self.subshell is not None:
            message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)

    def open_subshell(self) -> None:
        self.client.control_channel.send(self.client.session.msg("create_subshell_request"))
        self.subshell = self.client.get_control_msg(timeout=PATIENCE)["content"]["subshell_id"]

    def status(self, n: int) -> str | None:
        return next((row["status"] for row in self.state["jobs"] if row["n"] == n), None)

    def until_status(self, n: int, status: str) -> None:
        self.until(lambda: self.status(n) == status)

    def until_message(self, text: str) -> None:
        self.until(lambda: self.state["message"] == text)

    def number(self) -> int:
        """Give the number of the cell that ran last."""
        inputs = [m["content"] for m in self.seen if m["msg_type"] == "execute_input"]
        return int(inputs[-1]["execution_count"])

    def spawn(self, body: str, options: str = "") -> int:
        self.run(f"%%thread {options}\n{body}")
        return self.number()


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    live = Live(tmp_path)
    try:
        yield Front(live)
    finally:
        live.close()


def test_without_anywidget_the_panel_is_a_table_that_is_updated_in_place(front: Front) -> None:
    front.run("import sys\nsys.modules['anywidget'] = None")
    front.run(CALL)
    (shown,) = front.panels()
    assert shown["data"] == {"text/plain": "no jobs", "text/html": "no jobs"}
    n = front.spawn("print('<i>')\nuntil('go')", "--name <fit>")
    front.until(lambda: has(front, "running", "<i>"))
    (front.live.folder / "go").touch()
    front.until(lambda: has(front, "finished"))
    updates = front.panels("update_display_data")
    assert {u["transient"]["display_id"] for u in updates} == {shown["transient"]["display_id"]}
    assert [*updates[-1]["data"]] == [*shown["data"]]
    assert f"<td>{n}</td><td>&lt;fit&gt;</td>" in updates[-1]["data"]["text/html"]
    assert "comm_open" not in [message["msg_type"] for message in front.seen]


def has(front: Front, *words: str) -> bool:
    """Whether the last table has these words."""
    tables = front.panels("update_display_data")
    return bool(tables) and all(word in tables[-1]["data"]["text/plain"] for word in words)


def test_a_widget_brings_the_table_along_and_lives_on_messages_of_its_own(front: Front) -> None:
    pytest.importorskip("anywidget")
    front.run(CALL)
    (shown,) = front.panels()
    assert sorted(shown["data"]) == [VIEW, "text/html", "text/plain"]
    when, table = shown["data"]["text/plain"].splitlines()
    assert re.fullmatch(r"Jobs as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", when)
    assert table == "no jobs"
    assert front.state["jobs"] == []
    assert "tmrun-panel" in front.state["_esm"]
    front.say("ready")
    n = front.spawn("print('so far')\nprint('2/4')\nuntil('go')\nprint('<b>end</b>')", "--name fit")
    front.until(lambda: front.status(n) == "running" and front.state["jobs"][0]["last"] == "2/4")
    (row,) = front.state["jobs"]
    assert row["seconds"] > 0
    assert (row["name"], row["why"], row["progress"]) == ("fit", "", 0.5)
    assert front.state["outputs"] == {}
    front.say("output", n=n, on=True)
    front.until(lambda: front.state["outputs"] == {str(n): "so far\n2/4\n"})
    (front.live.folder / "go").touch()
    front.until_status(n, "finished")
    # while it is unfolded, it follows
    front.until(lambda: front.state["outputs"] == {str(n): "so far\n2/4\n<b>end</b>\n"})
    row = front.state["jobs"][0]
    assert (row["progress"], row["last"]) == (None, "<b>end</b>")
    assert row["memory"].endswith("MB")
    front.say("output", n=n, on=False)
    front.until(lambda: front.state["outputs"] == {})
    failed = front.spawn("print('5%')\n1 / 0")
    front.until_status(failed, "failed")
    row = front.state["jobs"][1]
    assert (row["why"], row["progress"]) == ("ZeroDivisionError: division by zero", 0.05)
    # once it is there, it is not drawn anew
    assert front.panels("update_display_data") == []


def test_nothing_of_the_panel_stays_in_the_namespace(front: Front) -> None:
    pytest.importorskip("anywidget")
    front.run("before = {*globals()}")
    front.run(CALL)
    front.run("new = [k for k in {*globals()} - before if not k.startswith('_i')]\n"
              "assert new == ['before'] and Out == {} and _ == '', (new, Out, _)")  # fmt: skip


def test_a_job_is_cancelled_and_its_output_read_while_a_cell_runs(front: Front) -> None:
    pytest.importorskip("anywidget")
    front.open_subshell()
    front.run(CALL)
    front.say("ready")
    n = front.spawn("print('begun', flush=True)\nuntil('never')", "--name <slow>")
    front.until_status(n, "running")
    cell = front.start("until('go')")
    front.say("output", n=n, on=True)
    front.until(lambda: front.state["outputs"].get(str(n)) == "begun\n")
    front.say("go", n=n)
    front.until_message("a cell is running: go back when it has ended")
    front.say("cancel", n=n)
    front.until_message(f"job {n} <slow> was asked to end")
    front.until_status(n, "cancelled")
    (front.live.folder / "go").touch()
    front.wait(cell)


@pytest.mark.parametrize("in_subshell", [False, True])
def test_the_notebook_goes_to_the_state_of_a_job_or_is_told_why_not(
    front: Front, in_subshell: bool
) -> None:
    pytest.importorskip("anywidget")
    if in_subshell:
        front.open_subshell()
    front.run("x = 1")
    front.run(CALL)
    front.say("ready")
    n = front.spawn("x = 'of the job'")
    front.until_status(n, "finished")
    front.run("assert x == 1")
    front.say("go", n=n)
    front.until_message(f"went to the state after cell {n}")
    front.run("assert x == 'of the job'")
    front.say("go", n=77)
    front.until(lambda: "cell 77 was not recorded" in front.state["message"])
    front.say("cancel", n=77)
    front.until_message(f"cell 77 has no job (jobs: {n})")
    # what makes no sense does no harm
    front.say("dance", n=n)
    front.say("cancel")
    front.until(lambda: "'n'" in front.state["message"] or front.state["message"] == "n")


def test_where_the_front_end_refuses_the_widget_the_table_takes_its_place(front: Front) -> None:
    pytest.importorskip("anywidget")
    # not because it said nothing for so long
    front.run("import kernel_payload.panel\nkernel_payload.panel._PATIENCE = 10_000")
    front.run(CALL)
    front.send("comm_close", {})
    front.until(lambda: front.panels("update_display_data"))
    n = front.spawn("1")
    front.until(lambda: has(front, "finished"))
    assert all(VIEW not in u["data"] for u in front.panels("update_display_data"))
    assert n == front.number()


def test_a_front_end_that_says_nothing_gets_a_table_until_it_does(front: Front) -> None:
    pytest.importorskip("anywidget")
    front.run("import kernel_payload.panel\nkernel_payload.panel._PATIENCE = 0.01")
    front.run(CALL)
    front.until(lambda: front.panels("update_display_data"))
    assert VIEW not in front.panels("update_display_data")[-1]["data"]
    n = front.spawn("until('go')")
    front.until(lambda: has(front, "running"))
    front.say("ready")
    front.until(lambda: VIEW in front.panels("update_display_data")[-1]["data"])
    count = len(front.panels("update_display_data"))
    (front.live.folder / "go").touch()
    front.until_status(n, "finished")
    assert len(front.panels("update_display_data")) == count


def test_a_widget_that_is_closed_in_the_kernel_becomes_a_table(front: Front) -> None:
    pytest.importorskip("anywidget")
    front.run(CALL)
    front.say("ready")
    front.run("import ipywidgets\nipywidgets.Widget.close_all()")
    front.spawn("1")
    front.until(lambda: has(front, "finished"))
    assert VIEW not in front.panels("update_display_data")[-1]["data"]


def test_a_cell_that_runs_again_shows_its_panel_once_and_others_stay(front: Front) -> None:
    pytest.importorskip("anywidget")
    front.run(CALL, "a")
    first = front.comm
    front.run(f"{CALL}\n{CALL}", "b")
    others = [panel["data"][VIEW]["model_id"] for panel in front.panels()[1:]]
    front.run(CALL, "a")
    closed = [m["content"]["comm_id"] for m in front.seen if m["msg_type"] == "comm_close"]
    assert closed == [first]
    front.spawn("1")
    alive = {*others, front.comm}

    def told() -> set[str]:
        messages = [m["content"] for m in front.seen if m["msg_type"] == "comm_msg"]
        return {c["comm_id"] for c in messages if c["data"].get("state", {}).get("jobs")}

    front.until(lambda: alive <= told())
    assert told() == alive


def test_work_between_cells_raises_what_it_raises() -> None:
    def refuse() -> None:
        raise UsageError("no")

    with pytest.raises(UsageError, match="no"):
        Announcer(Sent(), forward=False).in_thread_of_cells(refuse)
