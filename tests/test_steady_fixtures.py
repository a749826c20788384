"""The notebooks in fixtures/ against their baselines: run after run, and in two Pythons."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from checking import text_of
from conftest import NOTEBOOKS, ROOT
from packaging.requirements import Requirement
from test_foreign_kernel import PYTHONS, _version

from tmrun.baseline import files_of
from tmrun.check import check
from tmrun.subject import Settings

RERUNS = int(os.environ.get("TMRUN_RERUNS", "1"))
"""How many times each notebook is run; CI says 20."""

REQUIREMENTS = ROOT / "fixtures/requirements.txt"


def _is_met(line: str) -> bool:
    wanted = Requirement(line)
    return metadata.version(wanted.name) in wanted.specifier


LINES = [line for line in REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]
pytestmark = pytest.mark.skipif(
    not all(map(_is_met, LINES)),
    reason="the baselines are of other libraries: pip install -r fixtures/requirements.txt",
)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_run_after_run_there_is_no_false_alarm(path: Path, tmp_path: Path) -> None:
    for number in range(RERUNS):
        into = tmp_path / str(number)
        into.mkdir()
        checked = check(path, into, Settings(), lambda event: None)
        assert checked.status == "ok", f"run {number + 1}: {text_of(checked)}"
        assert all(cell.status in ("ok", "skipped") for cell in checked.cells)
        assert checked.diff is not None
        assert len(checked.diff.cells) > 20
        shutil.rmtree(into)


OTHERS = sorted((v, p) for p in PYTHONS[1:] if (v := _version(p)) and v >= (3, 11))


@pytest.mark.skipif(not OTHERS, reason="there is no other Python from 3.11 on")
def test_baselines_are_the_same_to_the_byte_in_another_python(tmp_path: Path) -> None:
    """Each Python with an environment, a tmrun and a kernel of its own."""
    version, python = next((other for other in OTHERS if other[0] == (3, 13)), OTHERS[-1])
    there = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", there], check=True)
    install = [there / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    source = tmp_path / "source"
    for name in ("tmrun", "kernel_payload"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run([*install, source, "-r", REQUIREMENTS], check=True)
    made = {}
    for name, command in (
        ("here", [sys.executable, "-m", "tmrun"]),
        ("there", [there / "bin/tmrun"]),
    ):
        folder = tmp_path / name
        folder.mkdir()
        for path in NOTEBOOKS:
            shutil.copy(path, folder)
        books = [path.name for path in NOTEBOOKS]
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        env["PYTHONHASHSEED"] = str(len(made) + 1)
        done = subprocess.run(
            [*command, "check", "--update", *books],
            cwd=folder,
            env=env | ({"PYTHONPATH": str(ROOT)} if name == "here" else {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        made[name] = {
            path.stem: files_of(folder / f"{path.stem}.baseline.varchive") for path in NOTEBOOKS
        }
    for stem, files in made["here"].items():
        assert len(files) > 20
        differ = [name for name, data in files.items() if made["there"][stem].get(name) != data]
        assert (differ, files.keys()) == ([], made["there"][stem].keys()), f"{stem}, {version}"
