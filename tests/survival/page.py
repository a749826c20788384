"""The specimens -> the list in docs/saved.md: ``cd tests && python -m survival.page``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from . import Specimen
from .promises import PROMISES

PAGE = Path(__file__).resolve().parents[2] / "docs/saved.md"
MARK = "## Tried at every landing\n"


def told() -> str:
    """Give the list."""
    lines = [
        MARK,
        "Each line is a specimen of `tests/survival`, made in one cell of a real kernel and changed in",
        "the next. `tests/test_survival.py` checks it as `tmrun.vars` gives it in a new process, and",
        "after `%past` in the kernel; it fails, too, when this list is not that of the specimens.",
        "(`cd tests && python -m survival.page` writes it.)",
        "",
    ]
    refused: list[str] = []
    for promise, specimens in PROMISES.items():
        kept = [name for name, specimen in specimens.items() if not specimen.unsaved]
        refused += _refused(specimens)
        if kept:
            lines += [f"**{promise[0].upper()}{promise[1:]}**: {'; '.join(kept)}.", ""]
    lines += ["Not saved, and listed:", "", "| | why |", "| --- | --- |", *refused]
    return "\n".join(lines) + "\n"


def _refused(specimens: Mapping[str, Specimen]) -> list[str]:
    found = []
    for name, specimen in specimens.items():
        if specimen.unsaved:
            whys = "; ".join(f"`{_plain(why)}`" for why in dict.fromkeys(specimen.unsaved.values()))
            found.append(f"| {name} | {whys} |")
    return found


def _plain(pattern: str) -> str:
    """Give a pattern of a reason as a reader would write it."""
    return re.sub(r"\\(.)", r"\1", pattern.replace(".*", " … ")).replace("  ", " ")


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page[: page.index(MARK)] + told(), encoding="utf-8")
