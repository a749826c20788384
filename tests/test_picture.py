"""The picture of a run: as text to the letter, as HTML by what it holds."""

from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tmrun
from kernel_payload.varchive import SPAWNED, Entry, Place, State, Varchive
from kernel_payload.varchive.digest import digest
from kernel_payload.varchive.model import dump_json
from tmrun.grid import KINDS
from tmrun.picture import Timeline
from tmrun.picture_html import _data

RUN = "20260101T000000-aaaa"
EVIL = "a</script><script>alert(1)</script><!--"


@pytest.fixture(autouse=True)
def terminal(monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")


class Page(HTMLParser):
    """The table of a picture, and its data."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[list[tuple[str, dict[str, Any]]]] = []
        self.cells: dict[str, str] = {}
        self.titles: list[str] = []
        self.scripts: list[str] = []
        self.ids: list[str] = []
        self.classes: set[str] = set()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self._cell = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag != "br":
            self.open.append(tag)
        self.tags.append(tag)
        self.classes |= set(found.get("class", "").split())
        self.addresses += [v for k, v in found.items() if k in ("src", "href")]
        self.ids += [found["id"]] if "id" in found else []
        self.titles += [found["title"]] if "title" in found else []
        if tag == "tr":
            self.rows.append([])
        if tag == "td" and found.get("class") != "tmrun-bar":
            self.rows[-1].append((found.get("class", ""), found))
        if "data-n" in found:
            self._cell = found["data-n"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "div":
            self._cell = ""

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self._cell:
            self.cells[self._cell] = self.cells.get(self._cell, "") + data

    @property
    def data(self) -> Any:
        return json.loads(self.scripts[0])

    def grid(self) -> list[str]:
        """Give a text for each row of the table, as a browser lays it: spans take their rows."""
        letters = {"tmrun-" + word.replace(" ", "-"): kind for kind, word in KINDS.items()}
        width = len(self.data["names"])
        lines = [[""] * width for _ in self.rows[1:]]
        for place, row in enumerate(self.rows[1:]):
            free = (v for v in range(width) if not lines[place][v])
            for (name, attributes), v in zip(row[1:], list(free), strict=True):
                for below in range(int(attributes.get("rowspan", 1))):
                    lines[place + below][v] = letters.get(name, " ")
        return ["".join(line) for line in lines]


def page(timeline: Timeline) -> Page:
    found = Page(timeline._repr_html_())
    assert found.open == []
    return found


def picture(report: Any) -> list[str]:
    """Give the squares and marks of the text, without what stands before and after."""
    return repr(Timeline(tmrun.open(report))).splitlines()[2:-3]


# -- recorded notebooks


def test_the_text_draws_what_each_cell_did_to_each_variable(record: Any) -> None:
    report = record(
        "a = [1]\nb = 2",
        "a.append(2)\ngen = (i for i in [1])",
        "del b\nc = 1",
        "c = 2\n1/0",
        allow_errors=True,
    )
    timeline = Timeline(tmrun.open(report))
    lines = repr(timeline).splitlines()
    assert lines[0] == f"run {report.run} of experiment.out.varchive: 4 cells, 4 variables"
    assert lines[1:-1] == [
        "",
        "     1234",
        "        x",
        "a    +~..",
        "b    +.-",
        "gen   !!!",
        "c      +~",
        "",
        "+ made  ~ changed  . unchanged  - deleted  ! not saved",
        "x failed",
    ]
    sizes = [entry.size for entry in tmrun.open(report).describe(4).entries.values()]
    stored = sum(tmrun.open(report).state(n).bytes for n in range(1, 5))
    assert lines[-1] == f"{sum(sizes)} B in variables after cell 4, {stored / 1000:.1f} kB stored"

    found = page(timeline)
    assert found.grid() == ["++  ", "~.! ", ".-!+", ". !~"]
    assert found.cells["4"].split() == ["4", "c", "=", "2", "error"]
    entries = found.data["entries"]
    assert entries[found.data["columns"][2][1][2]][1] == "generator"
    assert "gen: not saved: TypeError: cannot pickle 'generator' object" in found.titles
    assert found.data["cells"][3][2] == "ZeroDivisionError: division by zero"


def test_jobs_and_going_back_are_marked_and_drawn(record: Any) -> None:
    report = record(
        "import tmrun\nx = 1\nkeep = 'k'",
        "%%thread --name sim\nz = x + 1",
        "x = 3\nnew = 1\ntmrun.wait()",
        "%past 1",
        "y = 7",
    )
    timeline = Timeline(tmrun.open(report))
    assert picture(report) == [
        "       12345",
        "        & <",
        "keep   +....",
        "tmrun  +....",
        "x      +.~~.",
        "z       +",
        "new      +-",
        "y          +",
        "",
    ]
    found = page(timeline)
    assert found.grid() == ["+++   ", "...+  ", "..~ + ", "..~ - ", "...  +"]
    assert "job" in found.cells["2"]
    assert "from cell 1" in found.cells["4"]
    rails = {n: text.split()[1:3] for n, text in found.cells.items()}
    assert rails == {
        "1": ["o-.", "import"],
        "2": ["*", "|"],
        "3": ["o", "|"],
        "4": ["o", "%past"],
        "5": ["o", "y"],
    }
    facts = found.data["cells"][1][1]
    assert facts.startswith("cell 2, ok, ")
    assert "job sim: finished, " in facts
    entries = tmrun.open(report).describe(1).entries
    kept = entries["keep"].size
    assert f"x: changed back as of cell 1, {entries['x'].size} B" in found.titles
    assert f"keep: made, {kept} B" in found.titles
    assert f"keep: unchanged since cell 1, {kept} B" in found.titles


def test_what_a_notebook_says_stays_text(record: Any) -> None:
    report = record(
        f"globals()[{EVIL!r}] = {EVIL!r}  # {EVIL}",
        "globals()['\\ud800\\x00\\n'] = '\\ud800\\x01'",
        f"raise ValueError({EVIL!r})",
        allow_errors=True,
    )
    timeline = Timeline(tmrun.open(report))
    timeline._repr_html_().encode()
    assert (
        repr(timeline).encode().splitlines()[4:6]
        == [
            rb"\ud800\x00\n               +.",
            "a</script><script>alert…  +..".encode(),
        ][::-1]
    )
    found = page(timeline)
    assert found.data["names"] == [EVIL, "\\ud800\\x00\\n"]
    assert found.tags.count("script") == 2
    assert found.cells["1"].split()[:2] == ["1", f"globals()[{EVIL!r}]".split()[0]]
    assert EVIL in found.data["entries"][0][4]
    assert EVIL in found.data["cells"][2][2]
    data = re.findall(r"<script type.*?</script>", timeline._repr_html_(), re.S)[0]
    assert not re.search(r"[<>&]", data[len('<script type="application/json">') : -9])


def test_what_was_withheld_is_not_saved_by_wish(record: Any) -> None:
    report = record("x = secret = 1", "secret = 2", dontsave=["secret"])
    assert picture(report)[1:3] == ["secret  !!", "x       +."]
    found = page(Timeline(tmrun.open(report)))
    assert "secret: not saved: by your wish (dontsave)" in found.titles


# -- archives made here


def build(path: Path, states: list[State], end: Any = None) -> Timeline:
    archive = Varchive.create(path / "made.varchive")
    archive.begin_run(RUN, {"notebook": "made.ipynb"})
    for state in states:
        archive.put_state(RUN, state)
    if end:
        archive.end_run(RUN, end)
    return Timeline(tmrun.open(archive))


def entry(n: int, **others: Any) -> Entry:
    return Entry("int", n, 10, "1", digest(f"{n}{others}".encode()), **others)


def test_a_run_without_cells_says_so(tmp_path: Path) -> None:
    told = f"run {RUN} of made.varchive: no cells recorded"
    going = build(tmp_path, [])
    assert repr(going) == told + " yet"
    assert told + " yet</div>" in going._repr_html_()
    assert repr(build(tmp_path, [], {"status": "failed"})) == told


def test_a_cell_without_variables_is_a_picture_too(tmp_path: Path) -> None:
    lines = repr(build(tmp_path, [State(1)])).splitlines()
    assert lines[0].endswith(": 1 cell, 0 variables")
    assert lines[2:4] == ["  1", ""]
    page(build(tmp_path, [State(1)]))


def test_a_job_that_still_runs_is_told_from_one_that_ended(tmp_path: Path) -> None:
    x = {"x": entry(1)}
    timeline = build(
        tmp_path,
        [State(1, entries=x, made=("x",)), State(2, 1, status=SPAWNED, entries=x), State(3, 1)],
    )
    assert repr(timeline).splitlines()[2:5] == ["   123", "    &", "x  +."]
    found = page(timeline)
    assert "spawned, job" in found.cells["2"]
    assert "a job whose end is not recorded" in found.data["cells"][1][1]


def test_a_damaged_state_is_a_gap_and_no_other_is_touched(tmp_path: Path) -> None:
    x = {"x": entry(1)}
    states = [
        State(1, entries=x, made=("x",)),
        State(2, 1, entries=x),
        State(3, 2, source="y = 1", base="x" + "0" * 32),
        State(4, 3, entries=x),
    ]
    build(tmp_path, states)
    manifest = next((tmp_path / "made.varchive").rglob("*2.json"))
    manifest.write_bytes(b"{")
    timeline = Timeline(tmrun.open(tmp_path / "made.varchive"))
    assert repr(timeline).splitlines()[2:5] == ["   1234", "    ??", "x  +??."]
    assert repr(timeline).splitlines()[-3].endswith("! not saved  ? damaged")
    found = page(timeline)
    assert found.cells["3"].split() == ["3", "y", "=", "1", "damaged"]
    assert "is missing from" in found.data["cells"][2][2]
    assert "is not JSON" in found.data["cells"][1][2]


def test_a_wide_run_is_folded_and_blocks_name_only_what_they_draw(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("COLUMNS", "16")
    first, late = {"early": entry(1)}, {"変": entry(12)}
    states = [State(1, entries=first, made=("early",))]
    states += [State(n, n - 1, entries=first) for n in range(2, 11)]
    states += [State(11, 10, deleted=("early",)), State(12, 11, entries=late, made=("変",))]
    assert repr(build(tmp_path, states)).splitlines()[2:-2] == [
        "       123456789",
        "early  +........",
        "",
        "       111",
        "       012",
        "early  .-",
        "変       +",
        "",
    ]


def test_two_showings_on_one_page_do_not_share_their_id(tmp_path: Path) -> None:
    timeline = build(tmp_path, [State(1, entries={"x": entry(1)}, made=("x",))])
    first, second = timeline._repr_html_(), timeline._repr_html_()
    (one,), (other,) = Page(first).ids, Page(second).ids
    assert one != other
    assert first.replace(one, "") == second.replace(other, "")
    assert "TIMELINE" not in first
    assert {"tmrun-timeline", "tmrun-cell", "tmrun-variables"} <= Page(first).classes
    assert Page(first).addresses == []
    assert not re.search(r"https?:|url\(|@import", first)


def test_what_is_large_and_shared_counts_once(tmp_path: Path) -> None:
    shared = Entry("list", 1, 2_000_000, place=Place("x" * 33, 0, 9), digest="x")
    small = Entry("list", 1, 500, place=Place("y" * 33, 0, 9), digest="y")
    entries = {"a": shared, "b": shared, "c": small, "d": small, "<random>": shared}
    timeline = build(tmp_path, [State(1, entries=entries, made=("a", "b", "c", "d"))])
    assert timeline.rows[0].size == 2_001_000
    assert list(timeline.columns) == ["a", "b", "c", "d"]


def many(path: Path, cells: int, names: int, changes: int) -> Varchive:
    """Make a run in which each cell makes one variable and changes some, tables as recorded."""
    archive = Varchive.create(path / f"{cells}.varchive")
    archive.begin_run(RUN, {})
    table: dict[str, Entry] = {}
    base, delta = None, {}
    for n in range(1, cells + 1):
        made = [f"variable_{n}"] if n <= names else []
        # the same ones again and again, as in a loop
        changed = [f"variable_{(n // 2 + 13 * i) % n or 1}" for i in range(changes) if n > 7]
        changed = sorted({*changed} - {*made})
        for name in (*made, *changed):
            delta[name] = Entry(
                "pandas.DataFrame", n, 10**6, f"{name} " * 8, digest(f"{name}{n}".encode()),
                shape=(1000, 30), dtype="float64",
            )  # fmt: skip
        table |= delta
        if len(delta) > 40:
            data = dump_json({name: e.to_json() for name, e in table.items()})
            base, delta = digest(data), {}
            archive.put_object(base, data)
        archive.put_state(
            RUN,
            State(n, n - 1 or None, source="x = 1\n" * 30, base=base, entries=dict(delta),
                  made=tuple(made), changed=tuple(changed)),
        )  # fmt: skip
    return archive


def test_hundreds_of_cells_and_variables_are_small_and_fast(tmp_path: Path) -> None:
    recording = tmrun.open(many(tmp_path, 300, 300, 5))
    start = time.process_time()
    timeline = Timeline(recording)
    read = time.process_time() - start
    html = timeline._repr_html_()
    took = time.process_time() - start
    assert (len(timeline.rows), len(timeline.columns)) == (300, 300)
    assert len(html.encode()) < 2_000_000
    assert read < 2
    assert took < 4
    data = page(timeline).data
    events = [span for column in data["columns"] for span in column if span[1] in "+~"]
    assert len(data["entries"]) == len(events)


def test_the_size_grows_with_cells_and_not_with_their_square(tmp_path: Path) -> None:
    sizes = [
        len(Timeline(tmrun.open(many(tmp_path, cells, cells, 2)))._repr_html_())
        for cells in (50, 100, 200)
    ]
    assert sizes[2] - sizes[1] < 2.4 * (sizes[1] - sizes[0])


def test_base_tables_are_read_once_each(tmp_path: Path, monkeypatch: Any) -> None:
    archive = many(tmp_path, 100, 100, 2)
    read: list[str] = []
    get = archive.store.get
    monkeypatch.setattr(archive.store, "get", lambda name: read.append(name) or get(name))
    Timeline(tmrun.open(archive))
    assert len(read) == len(set(read)) > 0


def test_the_archive_is_not_loaded(record: Any) -> None:
    report = record(
        "import os\nclass Loud:\n    def __reduce__(self): return os.mkdir, ('loaded',)\n"
        "loud = Loud()"
    )
    timeline = Timeline(tmrun.open(report))
    repr(timeline)
    timeline._repr_html_()
    assert not Path("loaded").exists()
    assert not (Path(report.output).parent / "loaded").exists()


def test_the_script_reads_what_the_picture_embeds() -> None:
    """What clicks need is there by the names that the script uses."""
    script = (Path(tmrun.__file__).parent / "picture.js").read_text(encoding="utf-8")
    fake = SimpleNamespace(rows=[], columns={})
    used = set(re.findall(r"\bdata\.(\w+)", script))
    assert used == set(_data(fake))  # type: ignore[arg-type]
    assert "</script" not in script
    assert "<!--" not in script
