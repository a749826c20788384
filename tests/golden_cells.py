"""The cells behind fixtures/archives/format-1.varchive.

The archive is read for ever, so it is made once for each format that is released::

    python tests/golden_cells.py fixtures/archives/format-1.varchive
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

CELLS = [
    "import enum, math, random\nimport numpy as np\nrandom.seed(1)\nnp.random.seed(1)",
    "numbers = [0, -1, 2**70, 1.5, float('inf'), 1 + 2j, True, None]\n"
    "text = 'Grüße, 世界'\nraw = b'\\x00\\xff'\nlong = 'abc' * 60_000",
    "shared = [1, 2]\nboth = {'left': shared, 'right': shared}\nloop = []\nloop.append(loop)",
    "grid = np.arange(300_000.0).reshape(300, 1000)\nrow = grid[3]\nfixed = np.arange(3)\n"
    "fixed.flags.writeable = False\nfortran = np.asfortranarray(np.ones((2, 3)))\n"
    "days = np.array(['2020-02-29'], 'M8[D]')\n"
    "records = np.zeros(2, [('a', 'i4'), ('b', 'f8')])",
    "row[0] = -1\nshared.append(3)\ndel fixed",
    "factor = 3\ndef scale(x):\n    return factor * x\n"
    "class Point:\n    made = 0\n    def __init__(self, x):\n        self.x = x\n"
    "        Point.made += 1\n"
    "class Color(enum.Enum):\n    RED = 1\n"
    "points = [Point(1), Point(2)]\nfirst = points[0]\nred = Color.RED",
    "import threading\nlock = threading.Lock()\nsum(numbers[:3])",
    "first.x = 10\n1 / 0",
    "for i in range(40):\n    globals()[f'v{i}'] = i",
    "v0 = 'last'",
]


def main(target: Path) -> None:
    """Record the cells."""
    import nbformat

    import tmrun

    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    for i, cell in enumerate(nb.cells, 1):
        cell.id = f"cell-{i}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "golden.ipynb"
        nbformat.write(nb, path)
        report = tmrun.run(path, allow_errors=True)
        assert report.status == "ok"
        assert report.complete
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(report.varchive, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
