"""Run a notebook of specimens in a kernel, load what it recorded, and tell of each specimen."""

from __future__ import annotations

import ast
import json
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nbformat

import tmrun

from . import BY_TITLE
from .specimen import Library, Specimen

STEPS = 3  # cells per specimen: it is made, it is modified, it is looked at and sent back
MARK = "-- back --"


@dataclass
class Probe:
    """What became of a specimen.

    ``made`` and ``changed`` are what the kernel showed after the cells, ``returned`` what it
    showed after ``%past`` to the first, and ``loaded_…`` what the states of both show, loaded.
    """

    name: str
    failed: str = ""
    made: str = ""
    changed: str = ""
    returned: str = ""
    loaded_made: str = ""
    loaded_changed: str = ""
    is_seen: bool = False
    is_shared: bool = True
    reason: str = ""
    refusal: str = ""


def cells(libraries: Iterable[Library]) -> tuple[list[str], dict[str, list[int]]]:
    """Give a notebook's cells, and title -> the number of each specimen's first one.

    A library begins with its imports; every specimen takes `STEPS` cells.
    """
    found: list[str] = []
    places: dict[str, list[int]] = {}
    for library in libraries:
        found.append(library.setup)
        places[library.title] = []
        for specimen in library.present():
            n = len(found) + 1
            places[library.title].append(n)
            look = f"print(repr(({specimen.show})))"
            back = "" if specimen.refused else f"print({MARK!r})\n%past {n}\n{look}"
            found += [f"{specimen.make}\ny = x\n{look}", specimen.change, f"{look}\n{back}"]
    return found, places


def run(libraries: list[Library], directory: Path) -> dict[str, list[Probe]]:
    """Run the notebook of some libraries, load its states here: title -> its specimens' probes."""
    texts, places = cells(libraries)
    sources = [nbformat.v4.new_code_cell(text) for text in texts]
    path = directory / "classes.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=sources), path)
    report = tmrun.run(path, allow_errors=True)
    done = nbformat.read(report.output, 4).cells
    recording = tmrun.open(report)
    return {
        library.title: [
            _probe(specimen, n, done, recording)
            for specimen, n in zip(library.present(), places[library.title], strict=True)
        ]
        for library in libraries
    }


def _probe(specimen: Specimen, n: int, done: list[Any], recording: Any) -> Probe:
    probe = Probe(specimen.name)
    probe.failed = "; ".join(_errors(done[n - 1 : n - 1 + STEPS]))
    if probe.failed:
        return probe
    probe.made, _, text = (_printed(cell) for cell in done[n - 1 : n - 1 + STEPS])
    probe.changed, _, probe.returned = text.partition(f"\n{MARK}\n")
    before, after = recording.vars(n), recording.vars(n + 1)
    entry = after.entries["x"]
    probe.is_seen = "x" in recording.state(n + 1).changed
    probe.reason = entry.reason or ""
    if entry.reason is not None:
        probe.refusal = _refusal(after)
        return probe
    probe.loaded_made, _ = _load(before, specimen)
    probe.loaded_changed, probe.is_shared = _load(after, specimen)
    return probe


def _refusal(variables: Any) -> str:
    """Give the error that asking for what was not saved raises."""
    try:
        return f"nothing, but {variables['x']!r}"
    except Exception as error:
        return type(error).__name__


def _load(variables: Any, specimen: Specimen) -> tuple[str, bool]:
    """Give what a loaded specimen shows, and whether ``y`` is still the same object."""
    names = {node.id for node in ast.walk(ast.parse(specimen.show)) if isinstance(node, ast.Name)}
    try:
        found = {name: variables[name] for name in {*names, "x", "y"} if name in variables}
        return repr(eval(specimen.show, found)), found["x"] is found["y"]
    except Exception as error:
        return f"{type(error).__name__}: {error}", False


def _errors(outcomes: list[Any]) -> Iterator[str]:
    for cell in outcomes:
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"{output.ename}: {output.evalue}"


def _printed(cell: Any) -> str:
    texts = [o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stdout"]
    return "".join(texts).removesuffix("\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        probes = run([BY_TITLE[title] for title in sys.argv[1:]], Path(scratch))
    print(json.dumps({title: [*map(asdict, found)] for title, found in probes.items()}))
