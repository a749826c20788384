"""What must survive, by loading in a fresh process and by going back in the live kernel.

A notebook runs all specimens: each in a cell that makes it and one that changes it.  Then it goes
back to the state after the first of them and checks it there; a process that knows only the report
checks what `tmrun.vars` gives.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from textwrap import dedent
from typing import Any, NamedTuple

import nbformat
import pytest
from conftest import ROOT, notebook
from survival.page import MARK, PAGE, told
from survival.promises import PROMISES, lacks

import tmrun

ALL = {
    f"{promise}: {name}": specimen.plain()
    for promise, specimens in PROMISES.items()
    for name, specimen in specimens.items()
}
MISSING = {
    f"{promise}: {name}"
    for promise, specimens in PROMISES.items()
    for name, specimen in specimens.items()
    if lacks(promise, specimen)
}
HERE = {name: specimen for name, specimen in ALL.items() if name not in MISSING}
# nothing of one specimen is there when the next one is made
CLEAN = """for name in [name for name in globals() if not name.startswith('__')]:
    if name not in get_ipython().user_ns_hidden and name not in ('In', 'Out'): del globals()[name]
del name"""

LOADS_GENERATORS = "import numpy\ntry: import torch\nexcept ImportError: pass"

IN_NEW_PROCESS = """
import json, sys, traceback, tmrun
report, todo = sys.argv[1], json.load(sys.stdin)
def trouble(n, check, backwards):
    try:
        variables = tmrun.vars(report, n)
        names = [*variables]
        scope = {name: variables[name] for name in (reversed(names) if backwards else names)}
        scope['__name__'] = '__main__'
        exec(compile(check, f'<check of cell {n}>', 'exec'), scope)
    except BaseException:
        return traceback.format_exc()
print(json.dumps([trouble(*one) for one in todo]))
"""


class Ran(NamedTuple):
    """The report of the notebook, specimen -> number of its first cell, way -> its trouble."""

    report: Any
    cells: dict[str, int]
    trouble: dict[str, dict[str, str | None]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run all specimens, go back to each, and check each in a new process."""
    # going back tells of generators of numbers that were loaded later: none is
    sources = [LOADS_GENERATORS, CLEAN]
    cells = {}
    for name, specimen in HERE.items():
        cells[name] = len(sources) + 1
        sources += [specimen.make, specimen.change, CLEAN]
    checks = {}
    for name, n in cells.items():
        checks[name] = len(sources) + 1
        sources += [f"%past {n}", HERE[name].check, CLEAN]
    path = tmp_path_factory.mktemp("survival") / "specimens.ipynb"
    nbformat.write(notebook(*sources), path)
    report = tmrun.run(path, allow_errors=True)
    assert report.status == "ok", report.reason
    assert report.complete
    outputs = [cell.outputs for cell in nbformat.read(report.output, 4).cells]
    # going back tells what it cannot bring back; that is in order where it was not saved
    past = {}
    for name, n in checks.items():
        back = [o for o in outputs[n - 1] if o.output_type == "error" or not HERE[name].unsaved]
        past[name] = said(back + outputs[n])
    printed = {name: said(outputs[n - 1] + outputs[n]) for name, n in cells.items()}
    return Ran(report, cells, {"cells": printed, "past": past, **loaded(report, cells)})


def said(outputs: Any) -> str | None:
    """Give what a cell said; these have nothing to say."""
    texts = [o.get("text") or "\n".join(o.get("traceback", ())) for o in outputs]
    return "\n".join(filter(None, texts)) or None


def loaded(report: Any, cells: dict[str, int]) -> dict[str, dict[str, str | None]]:
    """Check in a new process what `tmrun.vars` gives: variables by name, backwards, and later."""
    ways = {
        "vars": [(n, HERE[name].check, False) for name, n in cells.items()],
        "vars, last first": [(n, HERE[name].check, True) for name, n in cells.items()],
        "vars after the change": [(n + 1, HERE[name].after, False) for name, n in cells.items()],
    }
    todo = json.dumps([one for way in ways.values() for one in way])
    command = [sys.executable, "-c", IN_NEW_PROCESS, str(report.output)]
    # where the notebook ran: one of its modules lies there
    done = subprocess.run(
        command,
        input=todo,
        capture_output=True,
        text=True,
        cwd=report.output.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = iter(json.loads(done.stdout))
    return {way: {name: next(found) for name in cells} for way in ways}


@pytest.mark.parametrize("way", ["cells", "vars", "vars, last first", "vars after the change"])
@pytest.mark.parametrize("name", ALL)
def test_it_survives(ran: Ran, name: str, way: str) -> None:
    if name in MISSING:
        pytest.skip("its library is not installed")
    trouble = ran.trouble[way][name]
    assert trouble is None, trouble


@pytest.mark.parametrize("name", ALL)
def test_it_is_there_again_after_going_back(ran: Ran, name: str) -> None:
    if name in MISSING:
        pytest.skip("its library is not installed")
    trouble = ran.trouble["past"][name]
    assert trouble is None, trouble


@pytest.mark.parametrize("name", HERE)
def test_only_what_is_known_to_be_refused_is_not_saved_and_the_reason_says_where(
    ran: Ran, name: str
) -> None:
    entries = tmrun.vars(ran.report, ran.cells[name]).entries
    reasons = {n: entry.reason for n, entry in entries.items() if entry.reason is not None}
    expected = HERE[name].unsaved
    assert reasons.keys() == expected.keys(), reasons
    for variable, pattern in expected.items():
        with pytest.raises(tmrun.NotSaved, match=pattern):
            tmrun.vars(ran.report, ran.cells[name])[variable]


# -- what a state of its own kind must keep


def test_going_back_and_running_the_next_cell_again_gives_the_same_bits(
    record: Callable[..., Any],
) -> None:
    draws = """
        import random, numpy as np
        drawn = [random.random(), random.gauss(0, 1), np.random.rand(3).tolist(), own.random(),
                 rng.normal(size=3).tolist(), old.rand(), random.sample(range(99), 5)]
    """
    report = record(
        "import random, numpy as np\nown = random.Random(1); rng = np.random.default_rng(2)\n"
        "old = np.random.RandomState(3); random.gauss(0, 1); np.random.randn()",
        dedent(draws),
        dedent(draws),
        "%past 1",
        dedent(draws),
        dedent(draws),
    )
    assert report.status == "ok", report.reason
    drawn = {n: tmrun.vars(report, n)["drawn"] for n in (2, 3, 5, 6)}
    assert drawn[2] == drawn[5]
    assert drawn[3] == drawn[6]
    assert drawn[2] != drawn[3]


ALIKE = {
    "arrays of one dtype": (
        "t = np.dtype([('x', 'f8')]); a, b = np.ones(3, t), np.ones(3, t)",
        "a['x'] = 5",
    ),
    "views of equal arrays": ("a, b = np.ones(9)[1:], np.ones(9)[1:]", "a[0] = 5"),
    "dicts of equal keys": ("k = 'key' * 9; a, b = {k: 1}, {k: 1}", "a[k] = 5"),
    "instances of one class": ("class A: pass\na, b = A(), A()", "a.x = 5"),
    "their bound methods": (
        "class A:\n def f(self): pass\na, b = A().f, A().f",
        "a.__self__.x = 5",
    ),
    "instances that can be hashed": (
        "class A:\n def __hash__(self): return 1\na, b = A(), A(); a.s = {a}; b.s = {b}",
        "a.x = 5",
    ),
    "members of one enum in lists": (
        "import enum\nclass E(enum.Enum): X = 1\na, b = [E.X], [E.X]",
        "a.append(5)",
    ),
    "frames of one index": (
        "i = pd.Index(list('xy')); a, b = pd.Series([1, 2], i), pd.Series([1, 2], i); del i",
        "a['x'] = 5",
    ),
    "frames that were copied": ("a = pd.DataFrame({'x': ['s', 't']}); b = a.copy()", "a['y'] = 5"),
    "masked arrays": ("a, b = np.ma.array([1, 2]), np.ma.array([1, 2])", "a[0] = 5"),
    "functions that read one variable": ("x = [1]\ndef a(): x\ndef b(): x", "a.note = 5"),
    "closures of one function": (
        "def make():\n x = []\n return lambda: x\na, b = make(), make()",
        "a().append(5)",
    ),
}


def test_of_two_that_are_alike_only_the_one_that_changed_is_stored_again(
    record: Callable[..., Any],
) -> None:
    sources = [part for pair in ALIKE.values() for part in (*pair, "del a, b")]
    report = record("import numpy as np, pandas as pd", *sources)
    assert report.status == "ok", report.reason
    recording = tmrun.open(report)
    for place, name in enumerate(ALIKE):
        n = 3 * place + 2
        made, changed = (recording.describe(n).entries for n in (n, n + 1))
        assert made["a"].place != made["b"].place, name
        assert made["b"].place == changed["b"].place, name
        assert recording.state(n + 1).changed == ("a",), name


def test_functions_and_classes_do_not_drag_along_what_they_mention(
    record: Callable[..., Any],
) -> None:
    report = record(
        "import numpy as np\nbig = np.ones(400_000_000, 'u1')\n"
        "def total(): return big.sum()\n"
        "class Sums:\n    def get(self): return big.sum()\n"
        "sums = Sums(); get = sums.get; later = lambda: total()"
    )
    sizes = {name: entry.size for name, entry in tmrun.vars(report, 1).entries.items()}
    assert sizes.pop("big") > 400_000_000
    assert sizes.keys() >= {"total", "Sums", "sums", "get", "later"}
    assert max(sizes.values()) < 4_000


def test_the_page_lists_the_specimens() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page[page.index(MARK) :] == told()
