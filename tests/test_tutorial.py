"""The tutorial, followed word by word in a kernel as Jupyter starts it."""

from __future__ import annotations

import re
from pathlib import Path

from conftest import ROOT, in_new_process
from live import Live, Ran

TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"^```(python|text)( repeated until (\d+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


def fits(shown: str, said: str) -> bool:
    """Whether what the tutorial shows is what was said; … stands for anything."""
    parts = map(re.escape, shown.strip().split("…"))
    return re.fullmatch(".*".join(parts), said.strip(), re.DOTALL) is not None


def test_a_newcomer_who_follows_it_sees_what_it_shows(tmp_path: Path) -> None:
    (tmp_path / "dish.ipynb").write_text('{"cells": [], "metadata": {}}')
    live = Live(tmp_path, "dish.ipynb")
    ran, shown = Ran(), 0
    try:
        for kind, _, until, text in BLOCK.findall(TUTORIAL):
            if kind == "text":
                assert fits(text, ran.answer or ran.out), (text, ran)
                shown += 1
                continue
            ran = live.run(text)
            while until and ran.n < int(until):
                ran = live.run(text)
            assert ran.error is None, (text, ran.error)
            assert ran.err == "", text
        last = ran.n
        live.restart()
        live.ok("%load_ext tmrun\nimport tmrun as tm", "tm.runs")
        assert live.ok("tm.vars(20, run=-1)['dish']['bacteria']")[0].answer == "6"
        assert live.ok("tm.past(20, run=-1)")[0].answer == "{'day': 17, 'bacteria': 6, 'food': 0}"
    finally:
        live.close()
    assert (shown, last) == (TUTORIAL.count("```text"), 38)
    # and from a script, as it says
    (command,) = re.findall(r"python -c '(.*)'", TUTORIAL)
    code = f"import os; os.chdir({str(tmp_path)!r}); {command}"
    assert in_new_process(code) == "{'day': 17, 'bacteria': 6, 'food': 0}\n"


def test_what_it_shows_is_compared() -> None:
    assert fits("a … c\n", "a b c")
    assert not fits("a … c", "a b d")
