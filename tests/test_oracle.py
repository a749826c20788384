"""Every variable of every cell is what it was, against an independent recording by deepcopy."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest
from conftest import NOTEBOOKS, ROOT, in_new_process, notebook
from oracle.hard_cells import HARD_CELLS

import tmrun

# what the notebooks hold on purpose that cannot be saved
UNSAVED = {
    "study": [],
    "montecarlo": ["pool", "tally_lock", "walker"],
    "cleaning": [],
    "hard": [
        "bad",
        "both",
        "generator",
        "lock",
        "namespace",
        "pointer",
        "shell",
        "stream",
    ],
}


@pytest.mark.parametrize("name", UNSAVED)
def test_every_variable_of_every_cell_equals_its_deepcopy(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = [p for p in NOTEBOOKS if p.stem == name]
    experiment = nbformat.read(path[0], 4) if path else notebook(*HARD_CELLS)
    varchive = tmp_path / "experiment.out.varchive"
    first = nbformat.v4.new_code_cell("import plain_oracle; plain_oracle.install()")
    last = nbformat.v4.new_code_cell(f"plain_oracle.report({str(varchive)!r})")
    experiment.cells = [first, *experiment.cells, last]
    nbformat.write(experiment, tmp_path / "experiment.ipynb")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'tests/oracle'}{os.pathsep}{ROOT}")

    report = tmrun.run(tmp_path / "experiment.ipynb", allow_errors=name == "hard")

    assert report.status == "ok", report.reason
    assert report.complete
    assert report.varchive == varchive
    output = nbformat.read(report.output, 4)
    found = json.loads(output.cells[-1].outputs[0].text)
    assert found["wrong"] == []
    assert found["unsaved"] == UNSAVED[name]
    assert found["compared"] > 500


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_variable_loads_in_a_fresh_process(path: Path, tmp_path: Path) -> None:
    target = tmp_path / path.name
    target.write_bytes(path.read_bytes())
    report = tmrun.run(target)
    code = """
import sys, tmrun
recording = tmrun.open(sys.argv[1])
loaded = 0
for n in recording.states():
    loaded += len(dict(recording.vars(n)))
    recording.ans(n)
print(loaded, len(recording.states()), recording.archive.verify())
"""
    loaded, states, wrong = in_new_process(code, report.output).split(maxsplit=2)
    assert int(loaded) > 500
    assert int(states) == sum(cell.n is not None for cell in report.cells)
    assert wrong.strip() == "[]"
