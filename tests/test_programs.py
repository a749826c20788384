"""Random programs in a real IPython shell: every state, and every way back, against an oracle.

The oracle looks at the namespace itself after each cell: a deepcopy of its data, taken at once so
that sharing is kept, and the shape of everything, functions and classes included.  Hypothesis
prints how to reproduce what fails.
"""

from __future__ import annotations

import copy
import sys
import tempfile
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import tmrun
from kernel_payload import commands as payload

PRELUDE = """
import copy, numpy as np
class Node:
    common = []
    def __init__(self, child): self.child = child
    def put(self, x): self.child = x; Node.common.append(len(Node.common))
def poke(n): a.append(n)
def bind(x):
    global b
    b = x
def make(x):
    def closure(n): x.append(n); return x
    return closure
held = []
a, b, c, d = [1], {'k': [2]}, 3, Node([4])
e, f, g, h = np.arange(4), {1, 2}, (5, [6]), make(a)
"""
STATEMENTS = [
    # assign
    "{a} = [{n}]",
    "{a} = {n}",
    "{a} = {b}",
    "{a} = [{b}, {c}]",
    "{a} = {{'k': {b}, 'n': {n}}}",
    "{a} = ({b}, [{n}])",
    "{a} = {{{n}, 7}}",
    "{a} = np.arange({n}, {n} + 5)",
    "{a} = {b}[1:]",
    "{a}, {b} = {b}, {a}",
    "{a} = copy.copy({b})",
    # mutate
    "{a}.append({n})",
    "{a}.append({b})",
    "{a}['x'] = {b}",
    "{a}[0] = {n}",
    "{a}.pop()",
    "{a}.clear()",
    "{a} += [{n}]",
    "{a}.add({n})",
    "{a} *= 2",
    "for {a} in [{b}, {c}]: pass",
    # through others
    "poke({n})",
    "bind({b})",
    "held.append({a})",
    "held[-1].append({n})",
    "{a} = make({b})",
    "{a}({n})",
    "{a} = lambda x, y={b}: y",
    "exec('{a}' + '.append({n})')",
    "globals()['{a}'] = {b}",
    "%time {a}.append({n})",
    # delete
    "del {a}",
    "del {a}, {b}",
    "del {a}[0]",
    # define
    "class Node:\n    common = [{n}]\n    def __init__(self, child): self.child = child",
    "class Node(Node): extra = [{n}]",
    "Node.common = {a}",
    "{a} = Node({b})",
    "{a}.child = {b}",
    "{a}.put({b})",
    "{a} = {b}.child",
    "{a} = {b}.put",
    "def {a}(x={b}, *, y=[]): y.append({n}); return x",
    "def poke(n): {a}.append(n); bind({b})",
    # answer
    "{a}",
    "[{a}, {b}]",
    "_",
    "_.append({n})",
    "1 / 0",
]
VARIABLES = [*"abcdefgh"]
OF_CELLS = {*VARIABLES, "Node", "poke", "bind", "make", "held"}


names = st.sampled_from(VARIABLES)
statements = st.builds(
    lambda text, a, b, c, n: text.format(a=a, b=b, c=c, n=n),
    st.sampled_from(STATEMENTS),
    names,
    names,
    names,
    st.integers(0, 3),
)
# a list of statements, or how far to go back
cells = st.one_of(
    st.lists(statements, min_size=1, max_size=3),
    st.lists(statements, min_size=1, max_size=3),
    st.integers(1, 6),
)


class Programs:
    """A shell that is recorded, with what the oracle noted after each cell."""

    def __init__(self, shell: Any, varchive: Path) -> None:
        self.shell = shell
        self.varchive = varchive
        self.shapes: list[Any] = []
        self.copies: list[dict[str, Any]] = []

    def variables(self) -> dict[str, Any]:
        return {n: v for n, v in self.shell.user_ns.items() if n in OF_CELLS}

    def run(self, cell: list[str] | int) -> None:
        if isinstance(cell, int):
            self._go_back(1 + (len(self.shapes) - cell) % len(self.shapes))
        else:
            self.shell.run_cell("\n".join(cell), store_history=True)
        self.shapes.append(shape(self.variables()))
        self.copies.append(data_of(self.variables()))

    def _go_back(self, n: int) -> None:
        before = self.variables()
        here, there = parts(self.shapes[-1]), parts(self.shapes[n - 1])
        result = self.shell.run_cell(f"%past {n}", store_history=True)
        result.raise_error()
        after = self.variables()
        assert shape(after) == self.shapes[n - 1]
        for name in here.keys() & there.keys():
            if here[name] == there[name] and is_data(before[name]):
                assert after[name] is before[name], f"{name} was not left alone by %past {n}"

    def compare(self) -> None:
        """Compare every state with the oracle's."""
        for n, (told, copies) in enumerate(zip(self.shapes, self.copies, strict=True), 1):
            found = tmrun.vars(self.varchive, n)
            loaded = {name: found[name] for name in found if name in OF_CELLS}
            assert shape(loaded) == told, f"cell {n}"
            assert shape(data_of(loaded)) == shape(copies), f"cell {n}"


def data_of(variables: dict[str, Any]) -> dict[str, Any]:
    """Copy what is data, all at once; deepcopy leaves functions and classes as they are."""
    return copy.deepcopy({name: value for name, value in variables.items() if is_data(value)})


def is_data(value: Any, seen: frozenset[int] = frozenset()) -> bool:
    """Whether a value is made of containers, numbers and arrays only."""
    if id(value) in seen:
        return True
    if isinstance(value, (list, tuple, set, dict)):
        inside = [*value, *value.values()] if isinstance(value, dict) else value
        return all(is_data(thing, seen | {id(value)}) for thing in inside)
    return isinstance(value, (int, str, type(None), np.ndarray, np.generic))


def shape(variables: dict[str, Any]) -> list[Any]:
    """Tell all values, their types, and which of them are one, as plain data."""
    numbers: dict[int, int] = {}

    def tell(value: Any) -> Any:
        if isinstance(value, (int, str, type(None), np.generic)):
            return f"{type(value).__name__} {value!r}"
        if type(value) is tuple:  # immutable: which of two equal ones it is does not matter
            return ("tuple", *map(tell, value))
        if id(value) in numbers:
            return f"#{numbers[id(value)]}"
        numbers[id(value)] = number = len(numbers)
        return (f"#{number}", type(value).__name__, *map(tell, contents(value)))

    return [(name, tell(variables[name])) for name in sorted(variables)]


def contents(value: Any) -> list[Any]:
    if isinstance(value, np.ndarray):
        root = value
        while isinstance(root.base, np.ndarray):
            root = root.base
        # whose memory it is: a list stands for it, the same for all of its views
        memory = MEMORIES.setdefault(id(root), (root, []))[1]
        return [str(value.dtype), str(value.shape), repr(value.tolist()), memory]
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, list):
        return value
    if isinstance(value, types.FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        defaults = (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values())
        return [value.__name__, value.__code__.co_code.hex(), *cells, *defaults]
    if isinstance(value, types.BuiltinMethodType):
        return [value.__name__, value.__self__]
    if isinstance(value, types.MethodType):
        return [value.__func__.__name__, value.__self__]
    if isinstance(value, type):
        own = {k: v for k, v in vars(value).items() if not k.startswith("__") or k == "__init__"}
        bases = [base for base in value.__bases__ if base is not object]
        return [value.__name__, *bases, *own, *own.values()]
    return [type(value), *vars(value), *vars(value).values()]


MEMORIES: dict[int, tuple[Any, list[Any]]] = {}


def parts(told: list[Any]) -> dict[str, Any]:
    """Give name -> what it holds, of the variables that share nothing with others."""
    alone = {}
    for name, value in told:
        text = repr(value)
        inside = {word.strip("(',)") for word in text.split() if word.startswith(("('#", "'#"))}
        others = [repr(other) for key, other in told if key != name]
        if not any(f"'{number}'" in other for number in inside for other in others):
            alone[name] = renumbered(text)
    return alone


def renumbered(text: str) -> str:
    found: dict[str, str] = {}
    words = text.split("'")
    return "'".join(
        found.setdefault(word, f"#{len(found)}") if word.startswith("#") else word for word in words
    )


@contextmanager
def recorded_shell(folder: Path) -> Iterator[Programs]:
    """Give a shell of its own, recorded, with the process as it was afterwards."""
    main = sys.modules["__main__"]
    options = Config()
    options.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=options)
    shell.InteractiveTB.set_mode("Minimal")
    varchive = folder / "study.varchive"
    payload.hook({"varchive": str(varchive), "run": "r"})
    try:
        yield Programs(shell, varchive)
    finally:
        payload.finish()
        InteractiveShell.clear_instance()
        sys.modules["__main__"] = main


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[*HealthCheck],
    print_blob=True,
)
@given(program=st.lists(cells, min_size=1, max_size=8))
def test_every_state_of_a_program_and_every_way_back_is_what_it_was(
    program: list[list[str] | int],
) -> None:
    MEMORIES.clear()
    with tempfile.TemporaryDirectory() as folder, recorded_shell(Path(folder)) as programs:
        programs.run([PRELUDE])
        for cell in program:
            programs.run(cell)
        payload.session_of_this_kernel().recorder.wait()
        programs.compare()
