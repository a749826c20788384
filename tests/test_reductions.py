"""Single objects of libraries whose own pickling would lose, refuse or break them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_recorder import Notebook, notebook

from kernel_payload.varchive.errors import NotSaved

__all__ = ["notebook"]  # a fixture


def test_a_weak_reference_leads_to_the_object_that_a_variable_holds(notebook: Notebook) -> None:
    notebook.cell(
        "import weakref\nclass A: pass\na = A(); a.child = A(); a.child.parent = weakref.ref(a)\n"
        "r = weakref.ref(a); named = weakref.WeakValueDictionary(one=a)\n"
        "keyed = weakref.WeakKeyDictionary({a: [1]}); gone = weakref.ref(A())"
    )
    assert notebook.cell("a.n = 5").changed == ("a", "keyed", "named", "r")
    found = notebook.vars()
    assert found["r"]() is found["a"] is found["named"]["one"] is found["a"].child.parent()
    assert found["keyed"][found["a"]] == [1]
    assert found["gone"]() is None


def test_what_only_a_weak_reference_leads_to_is_gone_when_it_is_loaded(notebook: Notebook) -> None:
    notebook.cell(
        "import weakref\nclass A: pass\ndef hold(v): yield v\n"
        "a = A(); r = weakref.ref(a); held = hold(a); del a"
    )
    assert notebook.namespace["r"]() is not None
    assert notebook.vars()["r"]() is None


def test_what_would_come_back_empty_is_not_saved(notebook: Notebook) -> None:
    notebook.cell("import weakref, functools\nclass A: pass\na = A(); f = weakref.finalize(a, int)")
    with pytest.raises(NotSaved, match=r"cannot pickle 'weakref.finalize' object"):
        notebook.vars()["f"]
    assert "a" in notebook.vars()


def test_a_parser_suppresses_what_it_did(notebook: Notebook) -> None:
    notebook.cell(
        "import argparse\nclass Mine(argparse.Action):\n"
        "    def __call__(self, parser, space, values, option=None): space.n = values\n"
        "p = argparse.ArgumentParser(argument_default=argparse.SUPPRESS)\n"
        "p.add_argument('--n', action=Mine); q = p.add_subparsers().add_parser('go')\n"
        "q.add_argument('--hidden', help=argparse.SUPPRESS)"
    )
    p = notebook.vars()["p"]
    assert vars(p.parse_args([])) == {}
    assert vars(p.parse_args(["--n", "4", "go", "--hidden", "5"])) == {"n": "4", "hidden": "5"}
    assert "hidden" not in notebook.vars()["q"].format_help()


def test_a_record_of_numpy_that_two_names_stand_for_is_one_again(notebook: Notebook) -> None:
    notebook.cell("import numpy as np\na = np.zeros(1, 'i4,f8')[0]; b = a; i = np.finfo('f4')")
    assert notebook.cell("b['f0'] = 3").changed == ("a", "b")
    found = notebook.vars()
    assert found["a"] is found["b"]
    assert found["a"]["f0"] == 3
    assert found["i"].eps == np.finfo("f4").eps


def test_an_index_that_a_variable_stands_for_is_that_of_its_frame(notebook: Notebook) -> None:
    notebook.cell(
        "import pandas as pd\nf = pd.DataFrame({'a': [1, 2]}, index=['u', 'v']); i = f.index\n"
        "g = pd.DataFrame({'b': [3, 4]}, index=f.columns.repeat(2)); h = pd.Series([1], g.columns)"
    )
    assert notebook.cell("i.name = 'n'").changed == ("f", "i")
    found = notebook.vars()
    assert found["f"].index is found["i"]
    assert found["f"].index.name == "n"
    pd.testing.assert_frame_equal(found["g"], notebook.namespace["g"])


def test_frames_that_share_an_index_stay_apart(notebook: Notebook) -> None:
    notebook.cell("import pandas as pd\nf = pd.DataFrame({'a': [1]}); g = pd.Series([2], f.index)")
    assert notebook.cell("f.loc[0, 'a'] = 5").changed == ("f",)
    entries = notebook.vars().entries
    assert entries["f"].place != entries["g"].place


def test_a_figure_that_was_only_looked_at_is_as_it_was(notebook: Notebook) -> None:
    notebook.cell(
        "import matplotlib.figure\nfigure = matplotlib.figure.Figure()\n"
        "axes = figure.subplots()\naxes.plot([1, 2])"
    )
    assert notebook.cell("figure, axes").bytes == 0
    assert notebook.cell("axes.set_title('changed')").changed == ("axes", "figure")


def test_code_keeps_the_file_by_which_tracebacks_find_its_lines(notebook: Notebook) -> None:
    notebook.cell("def f(): return (lambda: 1)\ng = f()")
    here, there = notebook.namespace, notebook.vars()
    for name in ("f", "g"):
        assert there[name].__code__.co_filename == here[name].__code__.co_filename
        assert there[name].__code__.co_filename != "<dynamic-code>"
