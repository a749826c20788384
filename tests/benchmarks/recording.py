"""What recording costs: the table of docs/benchmarks.md, cases A to L, with one command.

    python tests/benchmarks/recording.py [CASE ...] [--peers NAME,NAME|all] [--scale 1.0]
        [--json FILE] [--environments DIR]

It needs ``pip install tmrun[bench]``, Linux, 24 GB of memory and of disk for temporary files, and
a machine that does nothing else.  A CASE is a letter.  Peers run cases A to F, J and K, each in
an environment of its own that is made when first asked for.  The file is for ``pyperf stats`` and
``pyperf compare_to``.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import platformdirs

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cases import all_cases
from environments import interpreter
from others import OTHERS
from recorders import PEERS
from rows import row_of_memory, row_of_sizes, rows_of
from sessions import Compared, Peers, Session, compare
from table import Figures, Row, heading

LETTERS = "ABCDEFGHIJKL"


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    cache = Path(platformdirs.user_cache_dir("tmrun")) / "benchmarks"
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help="A to L; by default all")
    parser.add_argument("--peers", default="", help=f"all, or of {','.join(PEERS)}")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the sizes")
    parser.add_argument("--json", type=Path, help="where the figures are written, for pyperf")
    parser.add_argument("--environments", type=Path, default=cache, help="of the peers")
    chosen = parser.parse_args(arguments)
    chosen.cases = [letter.upper() for letter in chosen.cases] or list(LETTERS)
    named = PEERS if chosen.peers == "all" else chosen.peers.split(",")
    chosen.peers = [name for name in named if name]
    for names, there in ((chosen.cases, LETTERS), (chosen.peers, PEERS)):
        if unknown := [name for name in names if name not in tuple(there)]:
            parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(there)}")
    return chosen


def peers_of(names: Sequence[str], environments: Path) -> Peers:
    """Give the peers, their environments made."""
    found = {}
    for name in names:
        needs = PEERS[name].requirements
        found[name] = (PEERS[name], interpreter(environments, name, needs) if needs else None)
    return found


def keep(found: Compared, figures: Figures) -> None:
    """Enter what was measured of a case."""
    for name, pair in {"tmrun": found.tmrun, **found.peers}.items():
        _keep(found.case.name, name, pair.recorded, figures)
        _keep(found.case.name, f"plain beside {name}", pair.plain, figures)


def _keep(case: str, name: str, session: Session, figures: Figures) -> None:
    figures.keep(case, name, "gap", [timed.gap for timed in session.cells])
    figures.keep(case, name, "own", [timed.own for timed in session.cells])
    figures.keep(case, name, "opening", session.openings)
    figures.keep(case, name, "stored", [session.stored.bytes], "byte")
    figures.keep(case, name, "peak", session.peaks, "byte")
    for floor, seconds in session.floors.items():
        figures.keep(case, name, floor, seconds)


def table(chosen: argparse.Namespace, peers: Peers, figures: Figures) -> Iterator[Row]:
    """Measure the cases in the table's order; give each row as soon as it is there."""
    compared: dict[str, Compared] = {}
    for letter in LETTERS:
        asked = letter in chosen.cases
        if letter in OTHERS and asked:
            yield from OTHERS[letter](chosen.scale, figures)
        for case in all_cases(chosen.scale):
            if case.letter != letter or not (asked or (case.large and "J" in chosen.cases)):
                continue
            found = compared[case.name] = compare(case, peers)
            keep(found, figures)
            if asked:
                yield from rows_of(found)
            if asked and case.name == "B-large":
                yield row_of_sizes(compared["B"], found)
        if letter == "J" and asked:
            yield from (row_of_memory(found) for found in compared.values() if found.case.large)


def main(arguments: Sequence[str]) -> None:
    """Measure, and print the table."""
    chosen = options(arguments)
    # kernels and folders are cleared away then, too
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    figures, began = Figures(chosen.scale), time.perf_counter()
    peers = peers_of(chosen.peers, chosen.environments)
    print(heading(), flush=True)
    try:
        for row in table(chosen, peers, figures):
            print(row.line(), flush=True)
    finally:
        # what was measured until then took long
        if chosen.json:
            figures.write(chosen.json)
    machine = f"Python {platform.python_version()}, {os.cpu_count()} processors"
    print(f"\nsizes x {chosen.scale:g}; {machine}; {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
