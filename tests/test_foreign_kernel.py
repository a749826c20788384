"""Kernels in other environments, which have none of tmrun, cloudpickle and xxhash, are recorded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import nbformat
import pytest
from checking import Bench, paths

import tmrun

CELLS = [
    "class Shape:\n    count = 0\n    def __init__(self, side):\n        self.side = side\n"
    "        Shape.count += 1\n    def area(self):\n        return self.side ** power",
    "power = 2\nshapes = [Shape(n) for n in (1, 2)]\nfirst = shapes[0]",
    "first.side = 10\nshapes[0].area()",
    "import sys\nlacks = [m for m in ('tmrun', 'cloudpickle', 'xxhash') if m in sys.modules]\n"
    "text = 'x' * 3_000_000\nlacks, 'kernel_payload' in str(sys.path), len(sys.meta_path)",
]


def _pythons() -> list[str]:
    """Give this Python, and the others of the machine, one for each version."""
    found = {sys.version_info[:2]: sys.executable}
    names = [shutil.which(f"python3.{minor}") for minor in range(10, 15)]
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    names += [str(path) for path in sorted(root.glob("3.*/bin/python3"))]
    for name in filter(None, names):
        if (version := _version(name)) and version >= (3, 10):
            found.setdefault(version, name)
    return list(found.values())


@cache
def _version(python: str) -> tuple[int, int] | None:
    code = "import sys, venv, ssl; print(*sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    major, minor = map(int, done.stdout.split())
    return major, minor


def _label(python: str) -> str:
    return "python{}.{}".format(*(_version(python) or ("", "")))


PYTHONS = _pythons()
# this Python and the newest other: each costs an environment
CHOSEN = [PYTHONS[0], *sorted(PYTHONS[1:], key=lambda p: _version(p) or (0, 0))[-1:]]


@pytest.fixture(scope="module", params=CHOSEN, ids=_label)
def foreign(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """Give the name of a kernel in an environment of its own, and JUPYTER_PATH for it."""
    place = tmp_path_factory.mktemp("foreign")
    subprocess.run([request.param, "-m", "venv", place / "venv"], check=True)
    python = place / "venv/bin/python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "ipykernel"]
    subprocess.run(pip, check=True)
    spec = place / "jupyter/kernels/foreign"
    spec.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = {"argv": argv, "display_name": "Foreign", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(kernel))
    return "foreign", place / "jupyter"


def test_a_kernel_that_lacks_everything_is_recorded(
    foreign: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data, instances and sharing come back here, whatever Python they were recorded by."""
    name, jupyter = foreign
    monkeypatch.setenv("JUPYTER_PATH", str(jupyter))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    path = tmp_path / "far.ipynb"
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    nbformat.write(nb, path)

    report = tmrun.run(path, kernel=name)

    assert report.status == "ok", report.reason
    assert report.complete
    assert [cell.made for cell in report.cells] == [
        ("Shape",),
        ("first", "power", "shapes"),
        (),
        ("lacks", "sys", "text"),
    ]
    assert report.cells[2].changed == ("first", "shapes")
    lacks, _in_path, _finders = tmrun.ans(report, 4)
    assert (lacks, _in_path) == ([], False)
    about = tmrun.open(report).run.about
    assert about["hash"] == "blake2b-128"
    variables = tmrun.vars(report, 4)
    assert variables["text"] == "x" * 3_000_000
    assert variables["power"] == 2
    if about["python"].split(".")[:2] == [str(part) for part in sys.version_info[:2]]:
        assert variables["shapes"][0] is variables["first"]
        assert type(variables["first"]) is variables["Shape"]
        assert variables["first"].area() == 100
        assert tmrun.ans(report, 3) == 100
    else:
        with pytest.raises(tmrun.CannotLoad, match=f"recorded by Python {about['python']}"):
            variables["Shape"]
    assert tmrun.open(report).archive.verify() == []


def test_nothing_is_left_in_the_kernel_but_modules(
    foreign: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, inputs, outputs, sys.path and finders are those of a run without recording."""
    name, jupyter = foreign
    monkeypatch.setenv("JUPYTER_PATH", str(jupyter))
    look = (
        "import sys\n"
        "print(sorted(k for k in globals() if k != 'look'), In[1:0], Out, sys.path[1:],"
        " [getattr(f, '__name__', type(f).__name__) for f in sys.meta_path],"
        " [m for m in sys.modules if m.split('.')[0] in ('cloudpickle', 'xxhash', 'tmrun')])"
    )
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(look)])
    nbformat.write(nb, tmp_path / "look.ipynb")
    seen = []
    for output, recorded in (("a.ipynb", True), ("b.ipynb", False)):
        target = tmp_path / output
        report = tmrun.run(
            tmp_path / "look.ipynb", kernel=name, output=str(target), record=recorded
        )
        assert report.status == "ok", report.reason
        seen.append(nbformat.read(target, 4).cells[0].outputs[0].text)
    assert seen[0] == seen[1]


def test_going_back_needs_nothing_in_the_kernel(
    foreign: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The magic is there; classes and functions of any Python come back in that Python."""
    name, jupyter = foreign
    monkeypatch.setenv("JUPYTER_PATH", str(jupyter))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    cells = [
        "import enum, typing\nclass Shape:\n    made: list = []\n    __slots__ = ('side',)\n"
        "    def __init__(self, side):\n        self.side = side\n        Shape.made.append(self)\n"
        "class Color(enum.Enum):\n    RED = 1\nclass Pair(typing.NamedTuple):\n"
        "    a: int\n    b: list\n"
        "def area(shape): return shape.side ** power\npower = 2\n"
        "first = Shape([3])\npair = Pair(1, first.side)\nwas = id(Shape), id(Color)",
        "first.side.append(4)\ndel Shape.made[:]\nColor.note = 'x'\npower = 3\ndel area",
        "%past 1",
        "assert (id(Shape), id(Color)) == was and type(first) is Shape and Shape.made == [first]\n"
        "assert first.side == [3] and pair.b is first.side and not hasattr(Color, 'note')\n"
        "first.side = 5\nassert area(first) == 25 and Color(1) is Color.RED",
        "%past 2",
        "assert pair.b is first.side and pair.b == [3, 4] and Color.note == 'x' and power == 3",
    ]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbformat.write(nb, tmp_path / "back.ipynb")
    report = tmrun.run(tmp_path / "back.ipynb", kernel=name)
    assert report.status == "ok", report.reason


def test_a_notebook_is_checked_in_a_kernel_that_lacks_everything(
    foreign: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its baseline is the one that this Python's own kernel makes."""
    name, jupyter = foreign
    monkeypatch.setenv("JUPYTER_PATH", str(jupyter))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    bench = Bench(tmp_path, *CELLS[:3], "import fractions\nhalf = fractions.Fraction(1, 2)")
    assert bench.update().status == "made"
    files = bench.files
    assert bench.update(options={"kernel": name}).status == "unchanged"
    assert bench.files == files
    bench.replace(3, "10", "11")
    checked = bench.check(options={"kernel": name})
    assert paths(checked, 3) == {
        "first.side": "value",
        "shapes[0].side": "value",
        "Out": "value",
    }
