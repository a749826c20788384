"""All libraries, in processes of their own -> what became of their specimens, and a verdict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import ChainMap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import ROWS
from .probe import Probe
from .specimen import Library, Specimen

ROOT = Path(__file__).resolve().parent.parent.parent
_AT_ONCE = 3  # on two cores: each waits, at times, for its kernel


def survey() -> dict[str, list[Probe]]:
    """Give title -> probes of each library that is installed."""
    rows = ([library for library in row if not library.missing()] for row in ROWS)
    # the last take longest: begun first, they leave no core idle at the end
    todo = [row for row in rows if row][::-1]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(ChainMap(*pool.map(_in_process, todo)))


def _in_process(row: list[Library]) -> dict[str, list[Probe]]:
    titles = [library.title for library in row]
    command = [sys.executable, "-m", "tests.classes.probe", *titles]
    # more threads would only be in each other's way
    names = ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "POLARS_MAX")
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, **{f"{n}_THREADS": "1" for n in names}, "PYTHONPATH": path}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{', '.join(titles)}: {done.stderr[-2000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    return {title: [Probe(**probe) for probe in probes] for title, probes in told.items()}


def problems(specimen: Specimen, probe: Probe) -> Iterator[str]:
    """Tell what of a probe is not as the table says."""
    if probe.failed:
        yield f"its cells failed: {probe.failed}"
    elif specimen.refused:
        if not probe.reason:
            yield "it was saved"
        elif specimen.refused not in probe.reason:
            yield f"it was not saved for another reason: {probe.reason}"
        elif probe.refusal != "NotSaved":
            yield f"asking for it gave {probe.refusal}"
    elif probe.reason:
        yield f"it was not saved: {probe.reason}"
    else:
        yield from _differences(specimen, probe)


def _differences(specimen: Specimen, probe: Probe) -> Iterator[str]:
    if probe.made == probe.changed:
        yield f"the cell did not modify it: {probe.made}"
    if not probe.is_seen:
        yield "the change was not seen"
    if not specimen.rebinds and not probe.is_shared:
        yield "x and y are no longer the same object"
    for what, found, expected in (
        ("made, loaded", probe.loaded_made, probe.made),
        ("modified, loaded", probe.loaded_changed, probe.changed),
        ("made, gone back to", probe.returned, probe.made),
    ):
        if found != expected:
            yield f"{what}: {found[-500:]} instead of {expected[-500:]}"
