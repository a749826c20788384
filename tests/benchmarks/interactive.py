"""What recording costs in a notebook that one works in, beside a headless one, in one run.

    python tests/benchmarks/interactive.py

Three kernels run the same trivial cells, in turn: one is plain, one has ``%load_ext tmrun``, one is
recorded as the orchestrator does it.  What is measured is from a cell's request to its idle
message, seen by a client.  The floor is the plain kernel's; above it is what is felt.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from live import Live

from kernel_payload.injection import answer, injection
from kernel_payload.varchive.archive import new_run_id

CELLS = 100
SMALL = "\n".join(f"v{i} = [{i}, 'text']" for i in range(100))
CASES = {"x += 1": "x = 0", "y.append(x)": "y = []", "z = dict(a=x)": ""}


def recorded_by_orchestrator(live: Live) -> None:
    """Hook a kernel by the request that the orchestrator sends."""
    settings = {"varchive": str(live.folder / "h.varchive"), "run": new_run_id()}
    code, expressions = injection("", "hook", {**settings, "forward_jobs": True})
    live.client.execute(code, silent=True, user_expressions=expressions)
    while (reply := live.client.get_shell_msg(timeout=60))["msg_type"] != "execute_reply":
        pass
    answer(reply["content"])


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        kernels = {}
        for name in ("plain", "interactive", "headless"):
            place = Path(folder) / name
            place.mkdir()
            kernels[name] = Live(place)
        try:
            measure(kernels)
        finally:
            for live in kernels.values():
                live.close()


def measure(kernels: dict[str, Live]) -> None:
    """Run the cells in all kernels, in turn."""
    kernels["interactive"].ok("%load_ext tmrun")
    recorded_by_orchestrator(kernels["headless"])
    took: dict[tuple[str, str], list[float]] = {}
    for live in kernels.values():
        live.ok(SMALL, *filter(None, CASES.values()))
    for _ in range(CELLS):
        for cell, (name, live) in itertools.product(CASES, kernels.items()):
            began = time.perf_counter()
            live.ok(cell)
            took.setdefault((cell, name), []).append(time.perf_counter() - began)
    print(f"{'ms per cell, median':22}{'plain':>9}{'interactive':>13}{'headless':>10}")
    for cell in CASES:
        ms = [1000 * statistics.median(took[cell, name]) for name in kernels]
        print(f"{cell:22}{ms[0]:9.2f}{ms[1]:13.2f}{ms[2]:10.2f}")


if __name__ == "__main__":
    main()
