"""What became of the specimens -> the page `docs/classes.md`."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version

from .probe import Probe
from .specimen import Library, Specimen
from .survey import problems

_DISTRIBUTIONS = {"sklearn": "scikit-learn", "PIL": "pillow"}
_HEAD = """# Classes that people use

Made by a run: `python -m tests.classes` in the repository writes this page; `tests/test_classes.py`
runs the same, and fails when a line here is no longer true. For each class a notebook makes an
object `x`, with a second name `y` for it; the next cell modifies it in place, through `y` (*bound
anew*: what is immutable can only be replaced). Then

- **seen**: the state after that cell reports `x` as changed, though the cell does not name it;
- **loaded**: in another process, `tmrun.vars` gives for both cells an object that shows what it
  showed in the kernel then, and `x is y` still;
- **past**: `%past` in the kernel gives it back as it was made.

What holds a lock, a handle or a running frame is not saved: the state lists it with its type and
the reason, of which a part stands here; asking for it raises `tmrun.NotSaved`. What has kinds of
its own stands here once for each: arrays of `float`, of `object`, ... Of what a module names (a
logger, a ufunc) the name is recorded, not what the module keeps. Objects of `itertools` are saved
up to Python 3.13: from 3.14 on they refuse.

{counts}

Made with {made_with}.
"""


def row(specimen: Specimen, probe: Probe) -> str:
    """Give the line of a specimen in the table."""
    change = specimen.change.removeprefix("x = ") if specimen.rebinds else specimen.change
    how = f"{_code(change)}{' (bound anew)' if specimen.rebinds else ''}"
    if specimen.refused:
        kept = f"| not saved: {_code(specimen.refused)} | | |"
        return f"| {specimen.name} | {how if specimen.change != 'y' else ''} {kept}"
    wrong = [*problems(specimen, probe)]
    marks = "| yes | yes | yes |" if not wrong else f"| **no**: {_line('; '.join(wrong))} | | |"
    return f"| {specimen.name} | {how} {marks}"


def section(library: Library, probes: Iterable[Probe]) -> list[str]:
    """Give the lines of a library: its title and its table."""
    rows = [row(s, p) for s, p in zip(library.present(), probes, strict=True)]
    head = ["| class | modified by | seen | loaded | past |", "| --- | --- | --- | --- | --- |"]
    return [f"## {library.title}", "", *head, *rows]


def counts(libraries: Sequence[Library], found: Mapping[str, list[Probe]]) -> str:
    """Give the sentence of totals."""
    pairs = [
        (specimen, probe)
        for library in libraries
        for specimen, probe in zip(library.present(), found[library.title], strict=True)
    ]
    wrong = sum(any(problems(specimen, probe)) for specimen, probe in pairs)
    refused = sum(bool(specimen.refused) for specimen, _ in pairs)
    restored = len(pairs) - refused - wrong
    classes = len({(library.title, kind(s)) for library in libraries for s in library.present()})
    return (
        f"{len(pairs)} specimens of {classes} classes: {restored} are seen, loaded and gone back"
        f" to, {refused} are listed as not saved with their reason, {wrong} go wrong."
    )


def kind(specimen: Specimen) -> str:
    """Give the class of a specimen, without what tells its kinds apart."""
    return specimen.name.partition(" (")[0]


def page(libraries: Sequence[Library], found: Mapping[str, list[Probe]]) -> str:
    """Give the whole page."""
    names = dict.fromkeys(name for library in libraries for name in library.needs)
    versions = (f"{_DISTRIBUTIONS.get(n, n)} {version(_DISTRIBUTIONS.get(n, n))}" for n in names)
    made_with = ", ".join([f"Python {platform.python_version()}", *versions])
    head = _HEAD.format(counts=counts(libraries, found), made_with=made_with)
    parts = ["\n".join(section(library, found[library.title])) for library in libraries]
    return "\n".join([head, "\n\n".join(parts), ""])


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{_line(text)}{fence}"


def _line(text: str) -> str:
    """Give text as it can stand in a cell of a table."""
    return " ⏎ ".join(text.splitlines()).replace("|", "\\|")
