"""What jobs cost: side by side in one run, as a table.

    python tests/benchmarks/jobs.py

Run it when nothing else runs.  Its floors:

- *two at once*: two processors would do twice the work of one in the same time, if processes took
  nothing from each other (clock, memory, other users of the machine): the floor is the ratio of two
  plain processes to one, measured in the same run.  What lies above is a job's start.  The seconds
  are those of the cells and jobs themselves.
- *held up*: a ``%%thread`` cell does what every cell does, the floor, and writes the state on which
  its job runs.  What is measured is from before tmrun's own work before the cell to after its work
  after the cell, and what the next cell waits for the state's writing; a trivial cell, measured in
  the same way, is subtracted.  The variable's size must not matter: it is recorded already.
- *to the first line*: from the begin of the ``%%thread`` cell to the first line of the job, by the
  clock that processes of one machine share.  The floor is the seconds that `tmrun.vars` takes to
  load the variable in a process that has numpy, which are subtracted.
- *200 jobs*: the floor is 200 starts of a Python kernel, shared by the processors.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat

import tmrun

SPAWNS = 15
SHORT_JOBS = 200

# in a module: what a notebook's own variables hold would be recorded
CLOCK = """\
import time
rows = []
row = {}

def hook(shell):
    def before_all(info):
        row.clear()
        row.update(code=info.raw_cell, begin=time.monotonic())
    def before_cell(info):
        row["ready"] = time.monotonic()
    def after_all(result):
        if "ready" in row:
            rows.append({**row, "end": time.monotonic()})
    shell.events.callbacks["pre_run_cell"].insert(0, before_all)
    shell.events.register("pre_run_cell", before_cell)
    shell.events.register("post_run_cell", after_all)
"""
HOOK = "import clock, json, time\nclock.hook(get_ipython())"
TELL = "print(json.dumps(clock.rows))"
NEXT = "clock"
SMALL = "import numpy as np\nvalue = 1"
ARRAY = "import numpy as np\nvalue = np.arange(50_000_000.0)"
DICTS = "import numpy as np\nvalue = [{'n': i} for i in range(1_000_000)]"
BUSY = "total = 0\nfor i in range(COUNT):\n    total += i * i % 7\ntotal"
FIRST_LINE = "%%thread\nimport time; first = time.monotonic()\nlen(str(type(value))), first"


def run(folder: Path, name: str, *sources: str, **options: Any) -> tuple[Any, list[Any]]:
    """Run these cells; give the report and the cells of the output notebook."""
    path = folder / f"{name}.ipynb"
    (folder / "clock.py").write_text(CLOCK, encoding="utf-8")
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec}), path)
    report = tmrun.run(path, **options)
    out = nbformat.read(report.output, as_version=4).cells
    return report, out


def two_at_once(folder: Path) -> list[tuple[str, str, str]]:
    """Measure two CPU-bound jobs at once against one of them in the foreground."""
    began, count = time.perf_counter(), 2_000_000
    exec(BUSY, {"COUNT": count})
    per_second = count / (time.perf_counter() - began)
    busy = BUSY.replace("COUNT", str(round(10 * per_second)))
    job = f"%%thread\n{busy}"
    wait = "import tmrun\ntmrun.wait()"
    report, out = run(folder, "two", HOOK, busy, job, job, wait, TELL, threads=2)
    assert report.status == "ok", report.reason
    plain = [plain_processes(busy, count) for count in (1, 2)]
    alone = [report.cells[n].seconds for n in (2, 3)]
    rows = json.loads(out[5].outputs[0].text)
    one = rows[0]["end"] - rows[0]["begin"]
    both = rows[3]["end"] - rows[1]["begin"]
    return [
        ("a CPU-bound cell in the foreground", f"{one:.2f} s", ""),
        ("two jobs of it at once, from the first spawn to both ends", f"{both:.2f} s", ""),
        ("  each of the two", f"{alone[0]:.2f} s, {alone[1]:.2f} s", ""),
        ("  ratio", f"{both / one:.2f}", "1.2"),
        ("  its floor: two plain processes against one", f"{plain[1] / plain[0]:.2f}", ""),
    ]


def plain_processes(code: str, count: int) -> float:
    """Measure how long processes take, at once, that run this code and nothing else."""
    began = time.perf_counter()
    # in a function, as fast as it goes, would be another program: a cell's names are global
    started = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(count)]
    assert [process.wait() for process in started] == [0] * count
    return time.perf_counter() - began


def spawning(folder: Path, name: str, value: str, *, first_lines: bool) -> dict[str, float]:
    """Measure spawns of jobs that use ``value``: seconds held up, and until the first line."""
    sources = [HOOK, value]
    for _ in range(SPAWNS):
        # the spare worker gets ready, and the last state is written
        pause = "time.sleep(1.3)" if first_lines else "time.sleep(0.2)"
        wait = f"import tmrun\ntmrun.wait()\n{pause}" if first_lines else pause
        sources += [wait, "1", NEXT, "time.sleep(0.1)", FIRST_LINE, NEXT]
    end = [] if first_lines else ["import tmrun\nfor job in tmrun.jobs.values(): job.cancel()"]
    sources += [*end, TELL]
    report, out = run(folder, name, *sources, threads=1)
    place = next(i for i, cell in enumerate(out) if cell.source == TELL)
    rows = json.loads(out[place].outputs[0].text)
    held: dict[str, list[float]] = {"1": [], FIRST_LINE: []}
    starts = []
    numbers = [cell.n for cell in report.cells if cell.job]
    for row, following in itertools.pairwise(rows):
        if row["code"] in held:
            waited = following["ready"] - following["begin"]
            held[row["code"]].append(row["end"] - row["begin"] + waited)
    spawns = [row["begin"] for row in rows if row["code"] == FIRST_LINE]
    assert len(spawns) == len(numbers) == SPAWNS
    trivial, spawn = (statistics.median(values) for values in held.values())
    found = {"trivial": trivial, "spawn": spawn, "most": max(held[FIRST_LINE])}
    if first_lines:
        for begin, n in zip(spawns, numbers, strict=True):
            starts.append(tmrun.ans(report, n)[1] - begin)
        # the first one found no worker that was warm
        found["start"] = statistics.median(starts[1:])
        found["load"] = loading(report, numbers)
    return found


def loading(report: Any, numbers: list[int]) -> float:
    """Measure what `tmrun.vars` takes to load the variable, in this process."""
    import numpy as np

    assert np.arange(1).size == 1
    seconds = []
    for n in numbers[1:6]:
        began = time.perf_counter()
        tmrun.vars(report, n)["value"]
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def many(folder: Path) -> list[tuple[str, str, str]]:
    """Measure many short jobs."""
    job = "%%thread\nimport time; time.sleep(0.01)\nprint('job', {n}, base)\n{n} ** 2"
    # not by getrusage, which counts what the parent had when it started this process
    tell = "print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) // 1000)"
    before, peak = f"base = 5\n{tell}", f"import tmrun\ntmrun.wait()\n{tell}"
    jobs = [job.format(n=n) for n in range(SHORT_JOBS)]
    began = time.perf_counter()
    report, out = run(folder, "many", before, *jobs, peak, threads=4)
    seconds = time.perf_counter() - began
    assert report.status == "ok", report.reason
    right = sum(
        [output.get("text") for output in out[n + 1].outputs][:1] == [f"job {n} 5\n"]
        and out[n + 1].outputs[-1].data["text/plain"] == str(n**2)
        for n in range(SHORT_JOBS)
    )
    first, last = out[0].outputs[0].text.strip(), out[-1].outputs[0].text.strip()
    return [
        (f"{SHORT_JOBS} jobs of 10 ms, --threads 4", f"{seconds:.1f} s", ""),
        ("  with all outputs right", f"{right} of {SHORT_JOBS}", f"{SHORT_JOBS}"),
        ("  peak memory of the notebook's kernel", f"{last} MB (before: {first} MB)", "bounded"),
    ]


def spawn_rows(folder: Path) -> list[tuple[str, str, str]]:
    """Measure spawns with variables of three sizes."""
    rows = []
    for title, value, first_lines in (
        ("a small variable", SMALL, True),
        ("an array of 400 MB", ARRAY, True),
        ("a list of 1,000,000 dicts", DICTS, False),
    ):
        with tempfile.TemporaryDirectory(dir=folder) as inner:
            found = spawning(Path(inner), "spawn", value, first_lines=first_lines)
        held = found["spawn"] - found["trivial"]
        told = f"{_ms(held)} ({_ms(found['spawn'])} - {_ms(found['trivial'])}"
        rows.append(
            (f"held up by a spawn, {title}", f"{told}; most {_ms(found['most'])})", "20 ms")
        )
        if first_lines:
            more = found["start"] - found["load"]
            told = f"{_ms(more)} ({_ms(found['start'])} - {_ms(found['load'])})"
            rows.append((f"to the first line, {title}", told, "150 ms"))
    return rows


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


def main() -> None:
    """Measure everything, and print the table."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for part in (two_at_once, spawn_rows, many) for row in part(Path(folder))]
    print("| what | measured | limit |\n| --- | --- | --- |")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(f"\n{os.cpu_count()} processors, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
