"""Whole commands on 100 trivial cells: tmrun against jupyter execute and, where it is, papermill.

    python tests/benchmarks/whole_command.py [RUNS]

Prints the median wall seconds of each and the ratios pair by pair.  The floor is jupyter
execute's own time: the same kernel start, the same 100 requests.  What tmrun adds is one request
that loads the payload, a state after each cell, and the end of the record.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

CELLS = 100
BIN = Path(sys.executable).parent


def commands(path: Path) -> dict[str, list[str]]:
    """Give name -> command; the first is what the others are held against."""
    output = str(path.with_suffix(".done.ipynb"))
    found = {
        "jupyter execute": [str(BIN / "jupyter-execute"), str(path), "--output", output],
        "tmrun": [sys.executable, "-m", "tmrun", str(path), "-q"],
        "tmrun --no-record": [sys.executable, "-m", "tmrun", str(path), "-q", "--no-record"],
    }
    if (BIN / "papermill").exists():
        found["papermill"] = [str(BIN / "papermill"), "--no-progress-bar", str(path), output]
    return found


def main(runs: int) -> None:
    """Run the commands in turn, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trivial.ipynb"
        cells = [nbformat.v4.new_code_cell(f"x{i} = {i}") for i in range(CELLS)]
        kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(
            nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec}), path
        )
        seconds: dict[str, list[float]] = {name: [] for name in commands(path)}
        for turn in range(runs + 1):
            for name, command in commands(path).items():
                shutil.rmtree(Path(folder) / "trivial.out.varchive", ignore_errors=True)
                start = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                if turn:  # the first warms the caches
                    seconds[name].append(time.perf_counter() - start)
    base = next(iter(seconds.values()))
    print(f"{CELLS} trivial cells, {runs} runs in turn")
    for name, values in seconds.items():
        ratios = [value / other for value, other in zip(values, base, strict=True)]
        ratio = statistics.median(ratios)
        print(f"{name:20} {statistics.median(values):6.2f} s   x {ratio:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
