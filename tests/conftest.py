"""What the tests share: notebooks from lists of cells, run in real kernels."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import settings

import tmrun

# the same examples each time; --hypothesis-profile=random looks for others, and prints the blob
# with which to reproduce what it finds
settings.register_profile("steady", derandomize=True, print_blob=True)
settings.register_profile("random", derandomize=False, print_blob=True)
settings.load_profile("steady")

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "fixtures/notebooks/demo.ipynb"
"""Shows every command, those too that clear states and end the record."""
NOTEBOOKS = sorted(p for p in DEMO.parent.glob("*.ipynb") if ".out." not in p.name and p != DEMO)


def notebook(*sources: str, tags: dict[int, list[str]] | None = None) -> Any:
    """Make a notebook of code cells; ``tags`` by place, from 1."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    for place, names in (tags or {}).items():
        cells[place - 1].metadata.tags = names
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Any]:
    """Run code cells as a notebook, recorded; gives the report."""

    def run(*sources: str, tags: dict[int, list[str]] | None = None, **options: Any) -> Any:
        path = tmp_path / "experiment.ipynb"
        nbformat.write(notebook(*sources, tags=tags), path)
        return tmrun.run(path, **options)

    return run


def in_new_process(code: str, *arguments: object) -> str:
    """Run Python code in a process of its own, and give what it prints."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
