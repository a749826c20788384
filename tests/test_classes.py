"""The classes that people use are seen to change, are restored, or are listed with the reason."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import pytest
from conftest import ROOT

classes = import_module("tests.classes")
page = import_module("tests.classes.page")
surveying = import_module("tests.classes.survey")

PAGE = ROOT / "docs/classes.md"
ASKED = 160  # classes that must be restored


@cache
def found() -> dict[str, list[Any]]:
    """Run the notebooks of all libraries that are installed, once."""
    probes: dict[str, list[Any]] = surveying.survey()
    return probes


def probes_of(library: Any) -> list[tuple[Any, Any]]:
    """Give the specimens of a library with what became of them."""
    if missing := library.missing():
        pytest.skip(f"it needs {', '.join(missing)}")
    return [*zip(library.present(), found()[library.title], strict=True)]


@pytest.mark.parametrize("library", classes.LIBRARIES, ids=lambda library: library.title)
def test_every_class_is_seen_to_change_and_restored_or_listed(library: Any) -> None:
    wrong = [
        f"{specimen.name}: {problem}"
        for specimen, probe in probes_of(library)
        for problem in surveying.problems(specimen, probe)
    ]
    assert wrong == []


@pytest.mark.parametrize("library", classes.LIBRARIES, ids=lambda library: library.title)
def test_the_page_says_what_the_run_gives(library: Any) -> None:
    probes_of(library)
    written = PAGE.read_text(encoding="utf-8").split(f"## {library.title}\n")[1].split("\n## ")[0]
    shown = page.section(library, found()[library.title])[1:]
    gone = tuple(f"| {s.name} |" for s in library.specimens if s not in library.present())
    told = [line for line in written.rstrip().splitlines() if not line.startswith(gone)]
    assert told == shown


def test_the_table_has_what_was_asked_for() -> None:
    restored = {
        (library.title, page.kind(specimen))
        for library in classes.LIBRARIES
        for specimen in library.specimens
        if not specimen.refused
    }
    assert len(restored) >= ASKED
    for library in classes.LIBRARIES:
        names = [specimen.name for specimen in library.specimens]
        assert sorted(set(names)) == sorted(names)


def test_the_page_tells_how_many_there_are() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = [
        line
        for line in text.splitlines()
        if line.endswith("|") and "| class | modified" not in line
    ]
    told = [line for line in rows if not line.startswith("| ---")]
    specimens = sum(len(library.specimens) for library in classes.LIBRARIES)
    refused = sum("| not saved: " in line for line in told)
    assert len(told) == specimens
    assert f"{len(told)} specimens of " in text
    assert f" classes: {len(told) - refused} are seen" in text
    assert f" {refused} are listed as not saved with their reason, 0 go wrong." in text
    assert "**no**" not in text
