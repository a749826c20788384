"""Going back in a live kernel: `tmrun.past`, `%past`, `tmrun.dict_to_main`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import nbformat

import tmrun

if TYPE_CHECKING:
    from pathlib import Path

NAMES = "print(sorted(n for n in globals() if n[0] not in '_IOegqt' and n != 'open'))"
"""A cell that prints the names of variables, but those that begin as IPython's own do."""


def said(report: Any, stream: str = "stdout") -> list[str]:
    """Give what each cell printed."""
    cells = nbformat.read(report.output, 4).cells
    return [
        "".join(o.text for o in cell.outputs if o.get("name") == stream).rstrip() for cell in cells
    ]


def failures(report: Any) -> list[str]:
    """Give the errors of the cells, those that asserts found among them."""
    return [f"cell {c.n}: {c.error.ename}: {c.error.evalue}" for c in report.cells if c.error]


def test_the_variables_are_those_of_the_state_and_those_that_did_not_change_the_same_objects(
    record: Any,
) -> None:
    report = record(
        "import tmrun\na = [1]\nb = {'k': a}\nkept = [0]\nwas = id(kept)\n'the answer'",
        "a.append(2)\nb['later'] = 1\nlater = 'here'\ndel kept[0:0]",
        "answer = tmrun.past(1)\nassert answer == 'the answer'",
        "assert a == [1] and b == {'k': a} and b['k'] is a\nassert id(kept) == was",
        NAMES,
        "%past 2",
        "assert a == [1, 2] and b == {'k': a, 'later': 1} and later == 'here' and id(kept) == was",
    )
    assert failures(report) == []
    assert said(report)[4] == "['a', 'answer', 'b', 'kept', 'was']"
    assert tmrun.ans(report, 3) is None
    parents = [tmrun.open(report).state(n).parent for n in range(1, 8)]
    assert parents == [None, 1, 1, 3, 4, 2, 6]
    third = tmrun.open(report).state(3)
    assert (third.made, third.changed, third.deleted) == (("answer",), ("a", "b"), ("later",))


def test_it_gives_the_answer_of_the_cell(record: Any) -> None:
    report = record("import tmrun\nx = [1]\nx", "x.append(2)\n[x, 'text']", "%past 1", "%past 2")

    cells = nbformat.read(report.output, 4).cells
    assert [c.outputs[0].data["text/plain"] for c in cells[2:]] == ["[1]", "[[1, 2], 'text']"]
    assert tmrun.ans(report, 3) is tmrun.vars(report, 3).loader.load("x") or (
        tmrun.ans(report, 3) == [1]
    )


def test_what_the_cell_that_goes_back_did_before_is_undone_and_after_is_kept(record: Any) -> None:
    report = record(
        "import tmrun\nx, y, items = 1, 1, [1]",
        "x, y, items = 2, 2, [2]",
        "x = 1\nitems.append(3)\nnew = 1\ntmrun.past(2)\n"
        "assert (x, y, items) == (2, 2, [2])\ny = 5",
        "x, y = 1, 5\ntmrun.past(1)",
        "tmrun.past(3)",
    )
    assert failures(report) == []
    for n, values in {3: (2, 5, [2]), 4: (1, 1, [1]), 5: (2, 5, [2])}.items():
        found = tmrun.vars(report, n)
        assert (found["x"], found["y"], found["items"]) == values
        assert "new" not in found


def test_what_could_not_be_saved_stays_as_it_is_and_is_named(record: Any) -> None:
    report = record(
        "import tmrun\nx = 1\nlive = (i for i in range(9))\nlost = (i for i in range(9))",
        "x = 2\ndel lost\nnext(live)",
        "lock = __import__('threading').Lock()\ntmrun.past(1)\nassert x == 1 and next(live) == 1",
        NAMES,
    )
    assert failures(report) == []
    assert said(report, "stderr")[2].splitlines() == [
        "tmrun: live (generator, cell 1) was not saved: TypeError: cannot pickle 'generator' object"
        "; it keeps the value of now",
        "tmrun: lost (generator, cell 1) was not saved: TypeError: cannot pickle 'generator' object"
        "; it has no value now",
    ]
    assert said(report)[3] == "['live', 'x']"


def test_what_is_not_to_be_saved_is_left_alone(record: Any) -> None:
    report = record(
        "import tmrun\nx = 1\nsecret_a = 1",
        "x = 2\nsecret_a = 2\nsecret_b = 3",
        "tmrun.past(1)\nassert (x, secret_a, secret_b) == (1, 2, 3)",
        dontsave=["secret*"],
    )
    assert failures(report) == []


def test_a_name_of_the_shell_that_a_variable_hid_is_the_shells_again(record: Any) -> None:
    report = record(
        "import tmrun", "display = exit = sum = 5", "tmrun.past(1)", "display(sum([1, 2])); exit"
    )
    assert failures(report) == []
    assert nbformat.read(report.output, 4).cells[3].outputs[0].data["text/plain"] == "3"


def test_a_class_is_the_same_after_going_back_has_failed(record: Any) -> None:
    report = record(
        LOADS_BADLY,
        "fragile.v.append(2)\ndel Plain.level\nPlain.more = 1\nPlain.level = 2\n"
        "Plain.__doc__ = 'two'; Plain.__name__ = 'Z'; order = [*vars(Plain)]",
        "import os\nos.environ['ALARM'] = '1'\n"
        "try: tmrun.past(1)\n"
        "except tmrun.CannotLoad: failed = True\n"
        "del os.environ['ALARM']\n"
        "assert [*vars(Plain)] == order and Plain.__doc__ == 'two' and Plain.__name__ == 'Z'",
        "assert failed\nPlain",
    )
    assert failures(report) == []
    recording = tmrun.open(report)
    assert "Plain" in recording.state(2).changed
    assert recording.state(3).changed == recording.state(4).changed == ()


CLASSES = """
import tmrun, abc, enum
class Base:
    scale = 1
    def f(self): return ('old', self.scale, rate)
class A(Base, metaclass=abc.ABCMeta):
    made = []
    limit = 3
    def __init__(self): self.v = [0]; A.made.append(self)
class Color(enum.Enum):
    RED = 1
    BLUE = 2
A.register(int)
rate = 1
p, q = A(), A()
ids = id(A), id(p), id(Color), id(Base)
"""


def test_a_class_gets_its_contents_back_and_instances_keep_it(record: Any) -> None:
    report = record(
        CLASSES,
        "A.extra = 1\nA.limit = 4\ndel A.made[0]\nBase.f = lambda self: 'new'\nA.register(str)\n"
        "Color.RED.note = 'x'\nColor.more = 1\nA.scale = 7\nrate = 2\nq.v.append(1)",
        "tmrun.past(1)",
        "assert (id(A), id(Color), id(Base)) == (ids[0], ids[2], ids[3])\n"
        "assert type(p) is A is type(q) and A.made[0] is p and A.made[1] is q and q.v == [0]\n"
        "assert not hasattr(A, 'extra') and A.limit == 3 and p.f() == ('old', 1, 1)\n"
        "assert issubclass(int, A) and not issubclass(str, A) and p.scale == 1\n"
        "assert not hasattr(Color, 'more') and not hasattr(Color.RED, 'note')\n"
        "rate = 9\nassert p.f() == ('old', 1, 9)\nassert Color(1) is Color.RED",
        "tmrun.past(2)",
        "assert id(A) == ids[0] and A.extra == 1 and A.limit == 4 and A.made == [q]\n"
        "assert p.f() == 'new' and issubclass(str, A) and A.scale == 7\n"
        "assert Color.RED.note == 'x' and Color.more == 1 and q.v == [0, 1] and type(q) is A",
    )
    assert failures(report) == []


def test_a_class_that_was_defined_anew_comes_back_with_its_instances(record: Any) -> None:
    define = "class A:\n    version = {}\n    def __init__(self, v): self.v = v\n    x = A_LIST\n"
    report = record(
        "import tmrun\nA_LIST = []\n" + define.format(1) + "old = A(1)",
        define.format(2) + "new = A(2)\nassert type(old) is not A",
        "del old",
        "tmrun.past(1)\nassert type(old) is A and A.version == 1 and A.x is A_LIST",
        "tmrun.past(2)\nassert type(new) is A and type(old) is not A and type(old).version == 1",
        "assert A.x is A_LIST is type(old).x",
    )
    assert failures(report) == []


def test_functions_live_in_the_notebook(record: Any) -> None:
    report = record(
        "import tmrun\nrate = 2\nlog = []\ndef f(x):\n    log.append(x)\n    return rate * x\n"
        "def counter():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n"
        "        return n\n    return up\nup = counter()\nup()",
        "del f\nrate = 3\nup()\ncount = up()",
        "tmrun.past(1)\n"
        "assert f.__globals__ is globals() and f(2) == 4 and log == [2] and up() == 2",
        "rate = 5\nassert f(3) == 15 and log == [2, 3]",
    )
    assert failures(report) == []


def test_running_the_next_cell_again_gives_bit_for_bit_what_it_gave(record: Any) -> None:
    draw = "out = random.random(), np.random.rand(3).tolist(), rng.normal()"
    report = record(
        "import tmrun, random\nimport numpy as np\nrng = np.random.default_rng()",
        f"{draw}\nprint(out)",
        "random.seed(0)\nnp.random.seed(0)\nrng.random(100)",
        "tmrun.past(1)",
        f"{draw}\nprint(out)",
    )
    assert failures(report) == []
    assert said(report)[1] == said(report)[4] != ""


def test_the_working_directory_comes_back(record: Any, tmp_path: Path) -> None:
    report = record(
        "import tmrun, os\nos.mkdir('deeper')\nos.chdir('deeper')",
        "os.mkdir('gone')\nos.chdir('gone')",
        "tmrun.past(1)\nprint(os.path.basename(os.getcwd()))\nos.rmdir('gone')",
        "tmrun.past(2)",
    )
    assert failures(report) == []
    assert said(report)[2] == "deeper"
    assert "gone, which cannot be entered: No such file" in said(report, "stderr")[3]


LOADS_BADLY = """
import tmrun
fails = False
class Fragile:
    def __init__(self, v): self.v = v
    def __setstate__(self, state):
        if 'ALARM' in __import__('os').environ: raise ValueError('broken on purpose')
        self.__dict__ = state; self.doubled = state['v'] * factor
class Plain: level = 1
factor = 2
fragile = Fragile([1])
a, z = [1], [1]
"""


def test_it_is_all_or_nothing(record: Any) -> None:
    report = record(
        LOADS_BADLY,
        "fragile.v.append(2)\na.append(2)\nz.append(2)\nfactor = 3\nPlain.level = 2\nnew = 1",
        "before = {n: id(v) for n, v in globals().items() if n[0] not in '_IO'}\n"
        "import os, random\nos.environ['ALARM'] = '1'\nstate = random.getstate()\n"
        "try: tmrun.past(1)\n"
        "except tmrun.CannotLoad as error: message = str(error)\n"
        "del os.environ['ALARM']",
        "assert 'broken on purpose' in message, message\n"
        "assert {n: id(globals()[n]) for n in before} == before and Plain.level == 2\n"
        "assert (a, z, factor, new, fragile.v) == ([1, 2], [1, 2], 3, 1, [1, 2])\n"
        "assert random.getstate() == state",
        "tmrun.past(1)",
        "assert fragile.doubled == [1, 1] and (a, factor, Plain.level) == ([1], 2, 1)",
    )
    assert failures(report) == []
    assert tmrun.vars(report, 3)["a"] == [1, 2]


def test_a_damaged_archive_is_found_out_before_anything_is_touched(record: Any) -> None:
    report = record(
        "import tmrun, pathlib\nimport numpy as np\na = np.arange(100_000)\nb = [1]",
        "a[0] = -1\nb.append(2)",
        # every object that holds a chunk of the array, one byte off
        "for path in pathlib.Path('experiment.out.varchive/objects').rglob('*'):\n"
        "    if path.is_file() and path.stat().st_size > 500_000:\n"
        "        data = bytearray(path.read_bytes()); data[-1] ^= 1; path.write_bytes(data)\n"
        "try: tmrun.past(1)\n"
        "except tmrun.Damaged: print('damaged')\n"
        "assert a[0] == -1 and b == [1, 2]",
    )
    assert failures(report) == []
    assert said(report)[2] == "damaged"


def test_another_run_of_the_varchive_and_dict_to_main(record: Any, tmp_path: Path) -> None:
    first = record(
        "class P:\n    def __init__(self): self.v = [1]\n"
        "p = P()\nsame = [p]\ndef f(): return rate\nrate = 1\ngen = (i for i in [])\np"
    )
    old = tmp_path / "old"
    old.mkdir()
    (tmp_path / "experiment.out.varchive").rename(old / "nb.varchive")
    second = record("rate = 1\nx = 'second'\ndef f(): return rate")
    assert second.varchive == first.varchive
    third = record(
        "import tmrun\nx = rate = 3\nonly = 1",
        f"tmrun.past(1, run={second.run!r})\nassert (x, rate, f()) == ('second', 1, 1)",
        "rate = 8\nassert f() == 8 and 'only' not in globals()",
        "%past 1",
        "%past 1 --run 0",
        "assert x == 'second'",
        "tmrun.dict_to_main(tmrun.vars('old/nb.varchive', 1))",
        "assert same == [p] and type(p) is P and f.__globals__ is globals() and f() == 1\n"
        "rate = 2\nassert f() == 2",
        "tmrun.dict_to_main({'plain': 5})\nassert plain == 5 and x == 'second'",
        "try: tmrun.dict_to_main({'no name': 5})\nexcept tmrun.UsageError as error: print(error)",
    )
    assert failures(third) == []
    recording = tmrun.open(third)
    assert [recording.state(n).parent for n in (2, 3)] == [f"{second.run}:1", 2]
    assert "gen (generator, cell 1) was not saved" in said(third, "stderr")[6]
    assert said(third)[9] == "'no name' is no name that a variable may have; nothing was changed"


def test_a_missing_cell_and_a_kernel_without_a_record_say_what_there_is(record: Any) -> None:
    report = record(
        "import tmrun",
        "for n in (7, 'no such id'):\n    try: tmrun.past(n)\n"
        "    except tmrun.NoSuchState as error: print(error)\n"
        "try: tmrun.past(1, run='xyz')\nexcept tmrun.NoSuchRun as error: print('no run')",
        "%past",
        allow_errors=True,
    )
    lines = said(report)[1].splitlines()
    assert lines[0].startswith("cell 7 was not recorded (recorded: 1)")
    assert lines[1].startswith("no cell with id 'no such id'")
    assert lines[2] == "no run"
    assert failures(report) == [
        "cell 3: UsageError: cannot make sense of '': say %past 3, %past -1, %past $n,"
        " or %past 3 --run RUN"
    ]
    without = record("import tmrun\ntmrun.past(1)", allow_errors=True, record=False)
    assert "this kernel is not recorded: say %load_ext tmrun" in failures(without)[0]


def test_going_back_stores_nothing_again(record: Any) -> None:
    report = record(
        "import tmrun\nimport numpy as np\na = np.arange(500_000.)\nb = [1]",
        "a[:] = 1\nb.append(1)",
        "tmrun.past(1)",
        "tmrun.past(2)",
    )
    sizes = [tmrun.open(report).state(n).bytes for n in (1, 2, 3, 4)]
    assert failures(report) == []
    assert sizes[0] > 4_000_000
    assert sizes[2] == sizes[3] == 0


def test_what_came_back_counts_as_unchanged_until_it_is_changed(record: Any) -> None:
    """Also what pickles to other bytes once it was loaded: views, frames, classes."""
    ids = "[id(v), id(w), id(frame), id(series), id(A), id(a), id(fig)]"
    report = record(
        "import tmrun\nimport numpy as np, pandas as pd, matplotlib.pyplot as plt\n"
        "base = np.arange(10.)\nv = base[2:5]\nw = base[3:8]\ndel base\n"
        "frame = pd.DataFrame({'a': [1., 2], 'b': ['x', 'y']})\nseries = frame['a']\n"
        "class A:\n    n = [1]\n    def f(self): return A\na = A()\n"
        "fig = plt.figure()\nplt.close()",
        "v[:] = 0\nframe.loc[0, 'a'] = 9\nseries[1] = 5\nA.n.append(2)\na.m = 1\nfig.note = 1",
        f"tmrun.past(1)\ntmrun.ids = {ids}",
        "v, w, frame, series, A, a, fig;",
        f"tmrun.past(1)\nassert tmrun.ids == {ids}",
        "v[0] = 7\ntmrun.past(1)\nassert v[0] == 2 and w[0] == 3 and id(frame) == tmrun.ids[2]",
    )
    assert failures(report) == []
    states = [tmrun.open(report).state(n) for n in range(1, 7)]
    assert [state.bytes for state in states[2:]] == [0] * 4
    assert [state.changed for state in states[3:]] == [()] * 3


def test_what_code_binds_while_values_load_is_undone(record: Any) -> None:
    report = record(
        "import tmrun\nloads = 0\nclass Model:\n    def __init__(self): self.w = 1\n"
        "    def __setstate__(self, state):\n        global loads, extra\n"
        "        loads += 1; extra = 'new'; self.__dict__.update(state)\nm = Model()",
        "m.w = 2",
        "tmrun.past(1)\nassert m.w == 1 and loads == 0 and 'extra' not in globals()",
        "loads = 5",
    )
    assert failures(report) == []
    assert [tmrun.vars(report, n)["loads"] for n in (1, 2, 3, 4)] == [0, 0, 0, 5]
    assert "extra" not in tmrun.vars(report, 4)


def test_what_dies_by_going_back_acts_on_what_is_left_behind(record: Any) -> None:
    report = record(
        "import tmrun\nx = [1]",
        "def closing():\n    try: yield 1\n    finally: x.append('closed')\n"
        "g = closing()\nnext(g)\nx.append(2)",
        "tmrun.past(1)\nassert x == [1], x",
    )
    assert failures(report) == []


def test_names_that_python_would_not_take_are_variables_too(record: Any) -> None:
    report = record(
        "import tmrun\nglobals()[''] = 3\nglobals()['a b'] = [1]\nx = 1",
        "del globals()['']\nglobals()['a b'].append(2)\nx = 2",
        "tmrun.past(1)\nassert globals()[''] == 3 and globals()['a b'] == [1] and x == 1",
        "tmrun.past(2)\nassert '' not in globals() and globals()['a b'] == [1, 2]",
    )
    assert failures(report) == []
    assert all(cell.recorded for cell in report.cells)


def test_a_generator_of_numbers_is_known_before_it_is_first_asked(record: Any) -> None:
    report = record(
        "import tmrun\nimport numpy as np",
        "x = 1",
        "print(np.random.rand(3))",
        "tmrun.past(2)",
        "print(np.random.rand(3))",
    )
    assert failures(report) == []
    assert said(report)[2] == said(report)[4] != ""
    late = record("import tmrun", "import numpy as np\nnp.random.rand()", "tmrun.past(1)")
    assert "numpy.random goes on from where it is: it was loaded later" in said(late, "stderr")[2]


BAD = {
    "tmrun.past(True)": "True names no cell",
    "tmrun.past(2.0)": "2.0 names no cell; give its number, In [n], or its id, a str",
    "tmrun.past('2')": "no cell with id '2' was recorded (recorded: 1",
    "tmrun.past(10 ** 400)": "was not recorded (recorded: 1",
    "tmrun.past(1, run=1.5)": "1.5 names no run",
    "%past 1 --run": "cannot make sense of '1 --run'",
    "%past 1 2": "cannot make sense of '1 2'",
    "tmrun.dict_to_main([1])": "takes a mapping, name -> value, such as tmrun.vars, no list",
    "tmrun.dict_to_main({'x': 1, 'class': 2})": "'class' is no name that a variable may have",
    "tmrun.dict_to_main({'__builtins__': {}})": "'__builtins__' is no name",
}


def test_bad_input_is_told_how_to_be_mended_and_changes_nothing(record: Any) -> None:
    report = record("import tmrun\nx = 0", *BAD, "x", allow_errors=True)
    for cell, message in zip(report.cells[1:], BAD.values(), strict=False):
        assert cell.error is not None
        assert message in cell.error.evalue
    assert tmrun.ans(report, -1) == 0


def test_a_cell_is_named_in_many_ways(record: Any) -> None:
    report = record(
        "import tmrun\nimport numpy as np",
        "x = 1",
        "x = 2\nn = 2",
        "%past $n\nassert x == 1",
        "tmrun.past(np.int64(3))\nassert x == 2",
        "%past 2;  # the first x\nassert x == 1",
        "from tmrun import past as back\n%past 3\nback(2)\nassert x == 1",
    )
    assert failures(report) == []


def test_show_draws_the_tree(record: Any, capsys: Any) -> None:
    from tmrun.show import show_command

    report = record("import tmrun", "x = 1", "x = 2", "tmrun.past(2)", "x = 3", "tmrun.past(3)")
    show_command(str(report.output), None, None, True)
    told = json.loads(capsys.readouterr().out)
    assert [cell["parent"] for cell in told["cells"]] == [None, 1, 2, 2, 4, 3]
    show_command(str(report.output), None, None, False)
    lines = capsys.readouterr().out.splitlines()
    first = next(i for i, line in enumerate(lines) if "import tmrun" in line)
    told = [line[:9].rstrip() for line in lines[first : first + 6]]
    assert told == ["   1  o", "   2  o-.", "   3  o |", "   4  | o", "   5  | o", "   6  o"]
