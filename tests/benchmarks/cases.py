"""The cases as data: what cells make, what cells are measured, and what is their floor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FLOATS = 50_000_000
DICTS = 1_000_000
ROWS = 5_000_000
LOOPS = 10**7
CELLS_OF_L = 2_000


@dataclass(frozen=True)
class Case:
    """Cells to run with each recorder and without.

    Parameters
    ----------
    name : str
        Its letter, and which of the letter's it is.
    what : str
        For the table.
    setup, cells : tuple of str
        The cells before, and those that are measured.
    floors : dict of str
        Name -> code to run first and code to time, in the kernel that tmrun records.
    turns : int, default 1
        In how many parts the cells run, with tmrun and without in turn.
    peer_cells : int, optional
        How many of the cells peers run: by default all, 0 for no peers.
    new_bytes : int, default 0
        What a measured cell makes anew, where that is large.
    large : bool, default False
        Whether J looks at its memory.
    """

    name: str
    what: str
    setup: tuple[str, ...]
    cells: tuple[str, ...]
    floors: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    turns: int = 1
    peer_cells: int | None = None
    new_bytes: int = 0
    large: bool = False

    @property
    def letter(self) -> str:
        """Give the case that it belongs to."""
        return self.name[0]


def all_cases(scale: float) -> list[Case]:
    """Give the cases, their sizes multiplied by ``scale``."""
    return [small(), *arrays(scale), *dicts(scale), frame(scale), *loops(scale), long(scale)]


def small() -> Case:
    """Give A."""
    setup = (
        "\n".join(f"v{i} = [{i}, 'text']" for i in range(100)),
        "\n".join(f"x_{i} = 0" for i in range(50)),
    )
    cells = tuple(f"x_{i} += 1" for i in range(50))
    return Case("A", "50 cells `x_i += 1`, 100 small variables", setup, cells, turns=5)


def arrays(scale: float) -> list[Case]:
    """Give B and C."""
    size = round(FLOATS * scale)
    # random: a recorder that compresses gains nothing
    make = "import numpy as np; big = np.random.default_rng(1).random({})"
    setup, large = ((make.format(n), "x = 0") for n in (size, 10 * size))
    told = f"{8 * size / 1e6:,.0f} MB array"
    floors = {"hash": ("import xxhash", "xxhash.xxh3_128_digest(big)")}
    touched = tuple(f"big[{i * size // 20}] += 1" for i in range(20))
    trivial, read = ("x += 1",) * 20, ("x = float(big[7])",) * 20
    return [
        Case("B", f"{told} untouched", setup, trivial, turns=4, peer_cells=3),
        Case("B-large", f"{80 * size / 1e6:,.0f} MB array untouched", large, trivial,
             turns=4, peer_cells=0, large=True),
        Case("B-read", f"{told}, the cell reads one element", setup, read, floors, peer_cells=3),
        Case("C", f"{told}, one element set", setup, touched, floors, peer_cells=3,
             large=True),
    ]  # fmt: skip


def dicts(scale: float) -> list[Case]:
    """Give D and E."""
    size = round(DICTS * scale)
    setup = (f"L = [{{'n': i}} for i in range({size})]", "x = 0")
    told = f"list of {size:,} dicts"
    floors = {"pickle": ("import pickle", "pickle.dumps(L, protocol=5)")}
    changes = tuple(f"L[{i * size // 10}]['n'] = -1" for i in range(10))
    return [
        Case("D", f"{told} untouched", setup, ("x += 1",) * 20, turns=4, peer_cells=3, large=True),
        Case("D-len", f"{told}, the cell calls `len(L)`", setup, ("x = len(L)",) * 5, floors,
             peer_cells=1),
        Case("E", f"{told}, one element changed", setup, changes, floors, peer_cells=2,
             large=True),
    ]  # fmt: skip


def frame(scale: float) -> Case:
    """Give F."""
    rows = round(ROWS * scale)
    make = (
        "import numpy as np, pandas as pd\n"
        f"df = pd.DataFrame(np.random.default_rng(1).random(({rows}, 8)), columns=list('abcdefgh'))"
    )
    once = "import numpy, xxhash\ndef digest(name): xxhash.xxh3_128_digest({})"
    once = once.format("numpy.ascontiguousarray(df[name])")
    return Case(
        "F",
        f"DataFrame {rows:,} x 8, one column added",
        (make, "x = 0"),
        tuple(f"df['c{i}'] = df['a'] * {i + 2}" for i in range(4)),
        {"hash": (once, "digest('c0')"), "hash all": (once, "for name in df: digest(name)")},
        peer_cells=2,
        new_bytes=8 * rows,
        large=True,
    )


def loops(scale: float) -> list[Case]:
    """Give K."""
    loop = f"for i in range({round(LOOPS * scale)}):\n    s += i"
    inside = "def loop():\n    s = 0\n    " + loop.replace("\n", "\n    ")
    told = f"`for i in range({round(LOOPS * scale):,}): s += i`"
    return [
        Case("K", f"{told} at top level", ("s = 0",), (f"s = 0\n{loop}",) * 7, turns=7),
        Case("K-function", f"{told} in a function", (inside,), ("loop()",) * 7, turns=7),
    ]


def long(scale: float) -> Case:
    """Give L."""
    count = max(200, round(CELLS_OF_L * scale))
    setup = ("\n".join(f"v{i} = {i}" for i in range(500)),)
    cells = tuple(f"v{i % 500} += 1" for i in range(count))
    return Case("L", f"{count:,} cells, 500 variables", setup, cells, peer_cells=0)
