"""G, H and I: what is no stall.  Each gives its rows and keeps its figures."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter

import nbformat
from cases import FLOATS
from recorders import TMRUN
from sessions import folder_for_gigabytes, kernel, settled
from table import Figures, Row, time

import tmrun

PAST = 0.01
TIMES = 7
CELLS = 100
RUNS = 5
BIN = Path(sys.executable).parent


def past(scale: float, figures: Figures) -> list[Row]:
    """Measure G: cells that go back and forth while a large array stays what it is."""
    size = round(10 * FLOATS * scale)
    make = f"import tmrun, numpy as np; big = np.random.default_rng(1).random({size})"
    cells = ["tmrun.past(2)", "x = 5"] * TIMES
    with folder_for_gigabytes() as folder, kernel(folder / "tmrun", TMRUN) as recorded:
        recorded.run([make, "x = 0", "x = 1"])
        settled(recorded.record)
        seconds = [timed.own for timed in recorded.run([*cells, "pass"])[::2]]
    figures.keep("G", "tmrun", "own", seconds)
    took = statistics.median(seconds)
    what = f"`past(n)`, {8 * size / 1e6:,.0f} MB unchanged, one small variable differs"
    return [Row("G", what, f"<= {time(PAST)}", time(took), reached=took <= PAST)]


def loading(scale: float, figures: Figures) -> list[Row]:
    """Measure H: an array from the varchive and from numpy's file, in turn, in this process."""
    import numpy as np

    size = round(FLOATS * scale)
    make = f"import numpy as np; a = np.random.default_rng(1).random({size})"
    with folder_for_gigabytes() as folder:
        with kernel(folder / "tmrun", TMRUN) as recorded:
            recorded.run([make, "pass"])
            settled(recorded.record)
        path, file = folder / "tmrun" / "record" / "of.varchive", folder / "a.npy"
        np.save(file, tmrun.vars(path, 1)["a"])
        ways = {"numpy": lambda: np.load(file), "tmrun": lambda: tmrun.vars(path, 1)["a"]}
        seconds = in_turn(ways, TIMES)
    keep("H", seconds, figures)
    what = f"`tmrun.vars(path, n)['a']`, {8 * size / 1e6:,.0f} MB, warm"
    return [_ratio("H", what, seconds, "tmrun", "numpy", 1.5)]


def whole_command(scale: float, figures: Figures) -> list[Row]:
    """Measure I: whole commands on trivial cells.

    The floor is jupyter execute's own time: the same kernel start, the same requests.  What tmrun
    adds is one request that loads the payload, a state after each cell, the end of the record.
    """
    count = max(10, round(CELLS * scale))
    with folder_for_gigabytes() as folder:
        path = folder / "trivial.ipynb"
        cells = [nbformat.v4.new_code_cell(f"x{i} = {i}") for i in range(count)]
        kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
        nbformat.write(notebook, path)
        ways = {
            name: partial(_command, path.with_name("trivial.out.varchive"), command)
            for name, command in commands(path).items()
        }
        seconds = in_turn(ways, RUNS)
    keep("I", seconds, figures)
    what, limits = f"whole command, {count} trivial cells", {"jupyter execute": 1.1}
    unlimited = _ratio("I", what, seconds, "tmrun --no-record", "jupyter execute", None)
    if "papermill" in seconds:
        limits["papermill"] = 0.5
    rows = [_ratio("I", what, seconds, "tmrun", n, limit) for n, limit in limits.items()]
    return [*rows, unlimited]


def commands(path: Path) -> dict[str, list[str]]:
    """Give name -> command."""
    output = str(path.with_suffix(".done.ipynb"))
    found = {
        "jupyter execute": [str(BIN / "jupyter-execute"), str(path), "--output", output],
        "tmrun": [sys.executable, "-m", "tmrun", str(path), "-q"],
        "tmrun --no-record": [sys.executable, "-m", "tmrun", str(path), "-q", "--no-record"],
    }
    if (BIN / "papermill").exists():
        found["papermill"] = [str(BIN / "papermill"), "--no-progress-bar", str(path), output]
    return found


def _command(varchive: Path, command: list[str]) -> None:
    shutil.rmtree(varchive, ignore_errors=True)
    # compiled once, as what is installed is, whatever this machine has in its environment
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(varchive.parent / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(command, check=True, capture_output=True, env=environment)


def keep(case: str, seconds: Mapping[str, list[float]], figures: Figures) -> None:
    """Enter what each way took."""
    for name, values in seconds.items():
        figures.keep(case, name, "seconds", values)


def in_turn(ways: Mapping[str, Callable[[], object]], times: int) -> dict[str, list[float]]:
    """Measure each way to do a thing, one after the other, so many times."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(times + 1):
        for name, way in ways.items():
            began = perf_counter()
            way()
            if turn:  # the first warms the caches
                seconds[name].append(perf_counter() - began)
    return seconds


def _ratio(
    case: str, what: str, seconds: Mapping[str, list[float]], ours: str, floor: str,
    limit: float | None,
) -> Row:  # fmt: skip
    """Hold one way against another, pair by pair."""
    pairs = zip(seconds[ours], seconds[floor], strict=True)
    ratio = statistics.median(took / least for took, least in pairs)
    measured = f"{ratio:.2f} x ({time(statistics.median(seconds[ours]))})"
    least = f"{floor} {time(statistics.median(seconds[floor]))}"
    target = "" if limit is None else f"<= {limit} x {floor}"
    told = what if ours == "tmrun" else f"{what}, {ours}"
    reached = None if limit is None else ratio <= limit
    return Row(case, told, target, measured, least, reached=reached)


OTHERS: Mapping[str, Callable[[float, Figures], list[Row]]] = {
    "G": past,
    "H": loading,
    "I": whole_command,
}
