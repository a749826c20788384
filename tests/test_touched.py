"""Which names code may touch: tables of cells and of functions."""

from __future__ import annotations

from typing import Any

import pytest

from kernel_payload.touched import is_dynamic, names_in_cell, names_in_code, words

QUIET = False
DYNAMIC = True


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", set()),
        ("a+b", {"a", "b"}),
        ("_x9 = 3x", {"_x9", "x"}),
        ("x.y[z]", {"x", "y", "z"}),
        ("'x > @limit'", {"x", "limit"}),
        ("größe = π", {"größe", "π"}),
        ("ﬁeld = \U0001d431", {"field", "x"}),
        ("1e5 0x1f", {"e5", "x1f"}),
    ],
)
def test_words_are_identifiers_as_python_spells_them(text: str, found: set[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("source", "names", "dynamic"),
    [
        ("x = y + 1", {"x", "y"}, QUIET),
        ("# about z", {"z"}, QUIET),
        ("text = 'uses w'", {"text", "uses", "w"}, QUIET),
        ("f'{v:{width}}'", {"v", "width"}, QUIET),
        ("df.query('a > @b')", {"df", "query", "a", "b"}, QUIET),
        ("not python at all !!", {"not", "python"}, QUIET),
        ("get_ipython().run_line_magic('matplotlib', 'inline')", {"inline"}, QUIET),
        ("get_ipython().run_line_magic('timeit', 'f(x)')", {"f", "x"}, QUIET),
        ("get_ipython().run_cell_magic('time', '', 'x = f(y)\\n')", {"f", "y"}, QUIET),
        (
            "get_ipython().run_cell_magic('time', '', 'a\\nx.append(2)\\n\\ty')",
            {"a", "x", "y"},
            QUIET,
        ),
        ("get_ipython().run_cell_magic('time', '', 'a = 1\\neval(b)')", {"a", "b"}, DYNAMIC),
        ("get_ipython().run_cell_magic( 'capture', 'out', 'g()')", {"out", "g"}, QUIET),
        ("get_ipython().system('echo $x')", {"echo", "x"}, QUIET),
        ("files = get_ipython().getoutput('ls {d}')", {"files", "ls", "d"}, QUIET),
        ("get_ipython().run_line_magic('run', 'script.py')", {"script"}, DYNAMIC),
        ("get_ipython().run_line_magic('load_ext', 'autoreload')", {"autoreload"}, DYNAMIC),
        ("get_ipython().run_line_magic('mine', 'x')", {"x"}, DYNAMIC),
        ("shell = get_ipython()", {"shell"}, DYNAMIC),
        ("get_ipython().system('ls'); ip = get_ipython()", {"ip"}, DYNAMIC),
        ("get_ipython().run_line_magic('time', 'exec(code)')", {"code"}, DYNAMIC),
        ("globals()['x'] = 1", {"x"}, DYNAMIC),
        ("eval('x')", {"x"}, DYNAMIC),
        ("exec(open('a.py').read())", {"open"}, DYNAMIC),
        ("import __main__; __main__.x = 1", {"x"}, DYNAMIC),
        ("f.__globals__['x'].append(1)", {"f", "x"}, DYNAMIC),
        ("sys._getframe(1)", {"sys"}, DYNAMIC),
        ("# no eval here", {"no", "here"}, DYNAMIC),  # a check too many is no harm
    ],
)
def test_a_cell_touches_the_words_of_its_text(source: str, names: set[str], dynamic: bool) -> None:
    found = names_in_cell(source)
    assert names <= found[0]
    assert found[1] is dynamic


FUNCTIONS = [
    ("def f(a): return a + x", {"x"}, {"a"}, QUIET),
    ("def f():\n    global x\n    x = 1", {"x"}, set(), QUIET),
    ("def f(a): return a.b.c(d)", {"b", "c", "d"}, {"a"}, QUIET),
    ("def f(a): a.b = x; del a.c", {"b", "x", "c"}, {"a"}, QUIET),
    ("def f():\n    import numpy.linalg\n    from m import n", {"m", "n"}, set(), QUIET),
    ("def f(): return lambda: x", {"x"}, set(), QUIET),
    ("def f():\n    def g():\n        def h(): return x\n", {"x"}, set(), QUIET),
    ("def f(): return [x for i in y]", {"x", "y"}, {"i"}, QUIET),
    (
        "def f():\n    class A:\n        b = x\n        def m(self): return y",
        {"x", "y"},
        set(),
        QUIET,
    ),
    ("async def f(): await x", {"x"}, set(), QUIET),
    ("f = lambda: x", {"x"}, set(), QUIET),
    ("f = lambda: 'x'", {"x"}, set(), QUIET),
    ("def f(): return g(key=1)", {"g", "key"}, set(), QUIET),
    ("def f(): return f'{x} and y'", {"x", "y"}, set(), QUIET),
    # strings may hold code
    ("def f(df): return df.query('a > @limit')", {"limit"}, set(), QUIET),
    ("def f(): return 'limit'", {"limit"}, set(), QUIET),
    ("def f(): return a in ('x', ('y', 'z'))", {"x", "y", "z"}, set(), QUIET),
    ("def f(): return a in {'x', 'y'}", {"x", "y"}, set(), QUIET),
    ("def f(ds): return [d.query('x > @limit') for d in ds]", {"limit"}, set(), QUIET),
    ("def f(ds): return list(d.query('x > @limit') for d in ds)", {"limit"}, set(), QUIET),
    ("def f(ds): return {d.query('x > @limit') for d in ds}", {"limit"}, set(), QUIET),
    ("def f(ds): return lambda d: d.query('x > @limit')", {"limit"}, set(), QUIET),
    # docstrings hold prose
    ("def f():\n    'reads of y'\n    return x", {"x"}, {"of", "y"}, QUIET),
    (
        "def f():\n    'of'\n    def g():\n        'of y'\n        return x",
        {"x"},
        {"of", "y"},
        QUIET,
    ),
    # who reaches everything
    ("def f(): return globals()['x']", {"x"}, set(), DYNAMIC),
    ("def f(code): exec(code)", set(), set(), DYNAMIC),
    ("def f(): return [eval(t) for t in texts]", {"texts"}, set(), DYNAMIC),
    ("def f(): return lambda: vars()", set(), set(), DYNAMIC),
    ("def f(g): return g.__globals__", set(), set(), DYNAMIC),
    ("def f(ip): ip.run_cell('x = 1')", {"x"}, set(), DYNAMIC),
    ("def f(m): return m.modules", set(), set(), DYNAMIC),
    ("def f():\n    'never calls eval'", set(), {"never"}, QUIET),
]


@pytest.mark.parametrize(("source", "names", "others", "dynamic"), FUNCTIONS)
def test_a_function_touches_the_names_and_the_strings_of_its_code(
    source: str, names: set[str], others: set[str], dynamic: bool
) -> None:
    scope: dict[str, Any] = {}
    exec(source, scope)
    found = names_in_code(scope["f"].__code__)
    assert names <= found[0]
    assert not others & found[0]
    assert found[1] is dynamic


def test_a_closure_touches_the_variables_of_the_functions_around_it() -> None:
    count = 0

    def count_on() -> None:
        nonlocal count
        count += 1

    assert names_in_code(count_on.__code__) == ({"count"}, QUIET)


def test_looking_at_code_runs_none_of_it() -> None:
    assert names_in_code(compile("raise SystemExit", "", "exec"))[0] == {"SystemExit"}


@pytest.mark.parametrize(
    ("names", "dynamic"), [([], QUIET), (["x", "local"], QUIET), (["x", "locals"], DYNAMIC)]
)
def test_only_names_that_reach_a_namespace_are_dynamic(names: list[str], dynamic: bool) -> None:
    assert is_dynamic(names) is dynamic
