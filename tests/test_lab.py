"""tmrun in JupyterLab itself, in a browser: what a person clicks and sees.

No cell sleeps in order to be right: who must wait, waits for a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import ipykernel
import lab as jupyterlab
import pytest

import tmrun

why = jupyterlab.missing()
if why is None:
    from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(why is not None, reason=str(why))

if TYPE_CHECKING:
    from lab import Cell, Lab
    from playwright.sync_api import Locator

LOAD = "%load_ext tmrun"
BEGIN = """import os, time
import tmrun as tm
def until(name):
    while not os.path.exists(name): time.sleep(0.01)
"""
"""With it, cells and jobs wait for files."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with jupyterlab.lab(tmp_path_factory.mktemp("lab")) as started:
        yield started


def job(cell: Cell, n: int) -> Locator:
    """A job's row in the panel that a cell shows."""
    return cell.area.locator(f'.tmrun-panel .tmrun-job[data-n="{n}"]')


def until_status(row: Locator, status: str) -> None:
    """Wait until a row says so."""
    expect(row).to_have_attribute("data-status", status)
    expect(row).to_contain_text(status)


def click(row: Locator, what: str) -> None:
    row.locator(f".tmrun-{what}").click()


def seconds(row: Locator) -> float:
    """Give the time that a row shows of a job that has run for less than a minute."""
    return float(row.locator(".tmrun-time").inner_text().removesuffix(" s"))


def until_later(row: Locator, was: float) -> None:
    """Wait until a row shows a later time."""
    row.page.wait_for_function(
        "([row, was]) => parseFloat(row.querySelector('.tmrun-time').textContent) > was",
        arg=[row.element_handle(), was],
    )


def test_two_jobs_in_the_panel_one_is_cancelled_and_the_notebook_goes_back_and_forth(
    lab: Lab,
) -> None:
    with lab.open("study") as notebook:
        varchive = lab.folder("study") / "study.varchive"
        notebook.run(LOAD).shows(str(varchive))
        early = notebook.run(f"{BEGIN}rate = 1")
        notebook.run("rate = 2")
        fit = notebook.run(
            "%%thread --name fit\nprint('begins at', rate)\nuntil('over')\nfitted = 10 * rate\n"
            "print('ends at', fitted)"
        )
        other = notebook.run("%%thread --name other\nprint('goes on')\nuntil('never')")
        panel = notebook.run("tm.panel()")
        rows = [job(panel, fit.n), job(panel, other.n)]
        for row, name in zip(rows, ("fit", "other"), strict=True):
            until_status(row, "running")
            expect(row).to_contain_text(name)
            expect(row.locator(".tmrun-go")).to_be_hidden()
        for row in rows:
            until_later(row, seconds(row) + 1)
        expect(rows[0].locator(".tmrun-last")).to_have_text("begins at 2")

        click(rows[1], "cancel")
        until_status(rows[1], "cancelled")
        until_status(rows[0], "running")
        look = f"print(tm.jobs[{fit.n}].status, tm.jobs[{other.n}].status)"
        notebook.run(look).shows("running cancelled")

        notebook.run(f"%past {early.n}")
        notebook.run("print('rate', rate)").shows("rate 1")
        until_status(rows[0], "running")

        (lab.folder("study") / "over").touch()
        until_status(rows[0], "finished")
        fit.shows("finished")
        output = panel.area.locator(".tmrun-text").nth(0)
        expect(output).to_be_hidden()
        click(rows[0], "output")
        expect(output).to_contain_text("begins at 2\nends at 20", use_inner_text=True)
        click(rows[0], "output")
        expect(output).to_be_hidden()

        click(rows[0], "go")
        expect(panel.area.locator(".tmrun-message")).to_contain_text(f"cell {fit.n}")
        notebook.run("print('rate', rate, 'fitted', fitted)").shows("rate 2 fitted 20")
        assert tmrun.vars(varchive, fit.n)["fitted"] == 20


@pytest.mark.skipif(
    ipykernel.version_info < (7,), reason="ipykernel answers while a cell runs from version 7 on"
)
def test_a_job_is_cancelled_while_a_cell_runs_and_going_back_waits_for_its_end(lab: Lab) -> None:
    with lab.open("busy") as notebook:
        notebook.run(LOAD)
        notebook.run(BEGIN)
        forever = notebook.run("%%thread\nuntil('never')")
        soon = notebook.run("%%thread\nprint('one')\nuntil('over')\nprint('two')\nmade = 1")
        panel = notebook.run("tm.panel()")
        until_status(job(panel, soon.n), "running")

        busy = notebook.start("until('go')\nprint('has gone on')")
        click(job(panel, forever.n), "cancel")
        until_status(job(panel, forever.n), "cancelled")
        click(job(panel, soon.n), "output")
        expect(panel.area.locator(".tmrun-text").nth(1)).to_have_text("one\n")
        (lab.folder("busy") / "over").touch()
        until_status(job(panel, soon.n), "finished")
        expect(panel.area.locator(".tmrun-text").nth(1)).to_have_text("one\ntwo\n")
        click(job(panel, soon.n), "go")
        expect(panel.area.locator(".tmrun-message")).to_contain_text("a cell is running")
        assert not busy.has_run

        (lab.folder("busy") / "go").touch()
        busy.wait().shows("has gone on")
        click(job(panel, soon.n), "go")
        expect(panel.area.locator(".tmrun-message")).to_contain_text("went to the state")
        notebook.run("print('made', made)").shows("made 1")


def test_a_page_that_is_loaded_again_has_the_panel_live(lab: Lab) -> None:
    with lab.open("reloaded") as notebook:
        notebook.run(LOAD)
        notebook.run(BEGIN)
        forever = notebook.run("%%thread\nuntil('never')")
        soon = notebook.run("%%thread\nuntil('over')\nprint('made it')")
        panel = notebook.run("tm.panel()")
        until_status(job(panel, soon.n), "running")
        notebook.reload()
        until_status(job(panel, soon.n), "running")
        (lab.folder("reloaded") / "over").touch()
        until_status(job(panel, soon.n), "finished")
        click(job(panel, forever.n), "cancel")
        until_status(job(panel, forever.n), "cancelled")


def test_a_click_on_a_cell_of_the_timeline_shows_its_variables(lab: Lab) -> None:
    with lab.open("timeline") as notebook:
        notebook.run(LOAD)
        notebook.run("import tmrun as tm\nlength = 1234")
        notebook.run("length = 5678\nword = 'needle'")
        notebook.run("del word")
        timeline = notebook.run("tm.timeline()").area.locator(".tmrun-timeline")
        below = timeline.locator(".tmrun-variables")
        for n, seen, unseen in [
            (2, ["length", "1234"], ["word", "5678"]),
            (3, ["length", "5678", "word", "needle"], ["1234"]),
            (4, ["length", "5678", "word", "deleted"], ["needle"]),
        ]:
            timeline.locator(f'.tmrun-cell[data-n="{n}"]').click()
            for text in seen:
                expect(below.locator("table")).to_contain_text(text)
            for text in unseen:
                expect(below.locator("table")).not_to_contain_text(text)


def test_after_a_restart_the_earlier_run_can_be_looked_at_and_gone_back_to(lab: Lab) -> None:
    with lab.open("restarted") as notebook:
        notebook.run(LOAD)
        notebook.run("import tmrun as tm\nvalue = 'first'\ndef f(): return value")
        notebook.restart()
        again = notebook.run(LOAD)
        assert again.n == 1
        again.shows("earlier runs there: 1")
        notebook.run("import tmrun as tm\nvalue = 'second'")
        notebook.run("print(tm.vars(2, run=-1)['value'], tm.vars(2)['value'], value)").shows(
            "first second second"
        )
        notebook.run("tm.past(2, run=-1)")
        notebook.run("print(f(), 'again')").shows("first again")
        notebook.run("tm.past(2)")
        notebook.run("print(value, 'f' in dir())").shows("second False")


@pytest.mark.parametrize("lacking", ["anywidget", "@jupyter-widgets"])
def test_without_widgets_the_panel_is_a_table_that_is_brought_up_to_date_in_place(
    lab: Lab, lacking: str
) -> None:
    name, in_browser = f"without {lacking}", lacking.startswith("@")
    with lab.open(name, without=lacking if in_browser else None) as notebook:
        if not in_browser:
            notebook.run(f"import sys\nsys.modules[{lacking!r}] = None")
        notebook.run(LOAD)
        notebook.run(BEGIN)
        panel = notebook.run("tm.panel()").shows("no jobs")
        first = notebook.run("%%thread\nuntil('over')\nprint('made it')")
        row = panel.area.locator("tr").filter(has_text=re.compile(f"^{first.n}"))
        expect(row).to_contain_text("running")
        (lab.folder(name) / "over").touch()
        expect(row).to_contain_text("finished")
        expect(row).to_contain_text("made it")
        expect(panel.area.locator(".jp-OutputArea-output")).to_have_count(1)
        expect(panel.area.locator(".tmrun-panel")).to_have_count(0)
