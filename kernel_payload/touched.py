"""Code -> the names that it may touch.  Pure: it reads text and code objects, and runs nothing.

A cell's own text counts whole, comments and strings included: magics, ``eval`` and ``exec`` hide
code in strings, and a name too many only costs a check.
"""

from __future__ import annotations

import re
import sys
import types
import unicodedata
from collections.abc import Iterable, Iterator

# between words, in the body of a magic, which IPython has made a literal: x = 1\\ny = 2
_ESCAPED = re.compile(r"\\+[abfnrtv]")
_WORD = re.compile(r"[^\W\d]\w*")
_MAGIC = re.compile(r"run_(?:line|cell)_magic\(\s*'(\w+)'")
# shell escapes get at variables only through the names in their text
_ESCAPE = re.compile(r"get_ipython\(\)\.(?:system|getoutput)\(")

# whoever names one of these can reach any variable without naming it
_DYNAMIC = frozenset(
    [
        "globals",
        "locals",
        "vars",
        "exec",
        "eval",
        "get_ipython",
        "__main__",
        "modules",
        "user_ns",
        "user_global_ns",
        "__globals__",
        "f_globals",
        "f_locals",
        "run_cell",
        "_getframe",
        "currentframe",
    ]
)
# and these look variables up by what they read: for who has only some of them
_LOOK_UP = frozenset(
    [
        "__subclasses__",
        "get_type_hints",
        "pickle",
        "cloudpickle",
        "dill",
        "joblib",
        "shelve",
        "read_pickle",
    ]
)
# magics that reach no variable but those that their own text names
_QUIET_MAGICS = frozenset(
    [
        "matplotlib",
        "time",
        "timeit",
        "capture",
        "precision",
        "pprint",
        "config",
        "who",
        "whos",
        "pwd",
        "cd",
        "ls",
        "env",
        "html",
        "markdown",
        "latex",
        "javascript",
        "js",
        "svg",
        "bash",
        "sh",
        "script",
        "writefile",
        "pip",
        "conda",
        "pycat",
        "pinfo",
        "pinfo2",
        "prun",
        "lprun",
        "memit",
        "alias",
        "automagic",
        "colors",
        "debug",
        "history",
        "lsmagic",
        "logstart",
        "logstop",
        "xmode",
        "pdb",
        "tb",
        "system",
        "sx",
        "past",
        "thread",
    ]
)


# Out[3], _3, and `_` where it is an answer rather than a name to throw away
_ANSWERS = re.compile(
    r"\b(?:Out|_oh|_\d+)\b|(?<![\w.])_{1,3}\s*[.\[]|[(,=]\s*_{1,3}\s*(?:[),]|$)", re.M
)


def words(text: str) -> set[str]:
    """Give every identifier in a text, as Python would spell it."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return set(_WORD.findall(text))


def is_dynamic(names: Iterable[str]) -> bool:
    """Whether code that uses these names may reach variables that it does not name."""
    return not _DYNAMIC.isdisjoint(names)


def names_in_cell(source: str) -> tuple[set[str], bool]:
    """Look at a cell's source, as IPython has transformed it.

    Returns
    -------
    names : set of str
        The names that it may touch.
    dynamic : bool
        Whether it may touch any.
    """
    names, dynamic = names_in_job(source)
    return names, dynamic or _ANSWERS.search(source) is not None


def names_in_job(source: str) -> tuple[set[str], bool]:
    """Look at a cell whose answers of other cells are copies; returns as `names_in_cell`."""
    names = words(source) | words(_ESCAPED.sub(" ", source))
    if "get_ipython" in names:
        calls = source.count("get_ipython")
        quiet = sum(magic in _QUIET_MAGICS for magic in _MAGIC.findall(source))
        if calls == quiet + len(_ESCAPE.findall(source)):
            names.discard("get_ipython")
    return names, is_dynamic(names)


def reaches_all(names: Iterable[str]) -> bool:
    """Whether code that uses these names may need variables that it does not name."""
    names = {*names}
    return is_dynamic(names) or not _LOOK_UP.isdisjoint(names)


def names_in_code(code: types.CodeType) -> tuple[set[str], bool]:
    """Look at a function's code and at all that is nested in it; returns as `names_in_cell`."""
    names: set[str] = set()
    for part in _nested(code):
        names.update(part.co_names)
        names.update(part.co_freevars)
        # a docstring is prose
        for text in _texts(part.co_consts[_has_docstring(part) :]):
            # in Python 3.10 the qualified names of inner functions are constants
            names |= words(text.replace("<locals>", ""))
    return names, is_dynamic(names)


def _has_docstring(code: types.CodeType) -> bool:
    """Whether the first constant is a docstring, or, up to Python 3.13, the place of one."""
    if sys.version_info >= (3, 14):
        return bool(code.co_flags & 0x4000000)  # CO_HAS_DOCSTRING
    # lambdas, comprehensions and generator expressions have none
    return not code.co_name.startswith("<")


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def _texts(constants: tuple[object, ...]) -> Iterator[str]:
    for constant in constants:
        if type(constant) is str:
            yield constant
        elif type(constant) is tuple or type(constant) is frozenset:
            yield from _texts(tuple(constant))
