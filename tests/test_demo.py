"""The demonstration notebook: headless and live, and the pages made of it."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import nbformat
from conftest import DEMO, ROOT
from live import Live

import tmrun

SOURCES = [c.source for c in nbformat.read(DEMO, 4).cells if c.cell_type == "code"]
COMMANDS = """%load_ext tmrun|%past 3|tm.vars(|tm.ans(|tm.saving(False)|tm.saving(True)|tm.unhook()
tm.dontsave("|tm.dontsave(big)|tm.clear_past(|tm.archive.save(|tm.dict_to_main(|%%thread|%thread
tm.running|tm.finished|tm.spawned|tm.jobs|tm.panel()|tm.timeline()|tm.wait()|tm.runs|.replay()"""


def test_it_shows_every_command() -> None:
    text = "\n".join(SOURCES)
    assert [c for c in re.split(r"[|\n]", COMMANDS) if c not in text] == []


def test_it_runs_headless(tmp_path: Path) -> None:
    report = tmrun.run(shutil.copy(DEMO, tmp_path), threads=2)
    assert [(cell.n, cell.error) for cell in report.cells if cell.error] == []
    assert (report.status, report.complete) == ("ok", True)
    assert tmrun.ans(report, 10)[0] is True
    assert "inside" not in tmrun.vars(report, 20)
    texts = [
        o.text
        for c in nbformat.read(report.output, 4).cells
        for o in c.get("outputs", ())
        if "text" in o
    ]
    assert any("2 states cleared" in text for text in texts)


def test_it_runs_in_jupyter(tmp_path: Path) -> None:
    shutil.copy(DEMO, tmp_path)
    live = Live(tmp_path, "demo.ipynb")
    try:
        results = live.ok(*SOURCES)
    finally:
        live.close()
    assert "demo.varchive (next to the notebook)" in results[0].out
    assert results[9].answer is not None
    assert results[9].answer.startswith("(True,")
    assert "has stopped recording" in results[-1].out


def test_the_page_is_made_of_this_notebook() -> None:
    page = (ROOT / "docs/demo.html").read_text(encoding="utf-8")
    shown = html.unescape(re.sub(r"<[^>]*>", "", page))
    for source in SOURCES:
        assert source.strip() in shown, "run python docs/demo.py"
    assert not re.findall(r"https?://(?!www\.w3\.org)[^\s\"']+", page), (
        "it needs nothing from elsewhere"
    )
    assert (ROOT / "docs/demo.pdf").read_bytes().startswith(b"%PDF")
