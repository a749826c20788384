"""A recorded run -> a plain run: what a regression test keeps of what each cell computed.

It holds plain data only, and nothing that two runs of one notebook need not have in common: no
times, no addresses, no order of a set.  It is written as text that git shows line by line.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from . import live
from .plain import SIZE, Encoder, TooMuch, canonical, digest, preview, public_name
from .plain.nodes import NONE
from .thaw import Namespace, Variables
from .varchive import PLAIN, SPAWNED, Entry, Run, State, Varchive
from .varchive.layout import end_name, run_name, state_name

RUN = "baseline"
"""The id of a plain run."""

ANSWER = "Out"
"""By this name a notebook says what is to be told of its answers."""

_CODE, _WITHHELD = "code", "withheld"  # in the place of the entry of what is not told
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
_PATH = re.compile(r"[.\[]")


@dataclass(frozen=True)
class Wish:
    """What is to be told of what a cell made.

    Attributes
    ----------
    check : tuple of str, or None
        Names, or patterns of names, of the variables that are told; None: all.
    ignore : tuple of str
        Those that are not; also paths in one, ``report['seconds']``, ``rows[*].time``.
    size : int
        Bytes up to which a value, or a part of one, is told in full.
    """

    check: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    size: int = SIZE

    def as_data(self) -> dict[str, Any]:
        """Give what JSON can say."""
        return {"check": self.check, "ignore": self.ignore, "size": self.size}

    def ignored(self, name: str) -> Callable[[str], bool] | None:
        """Give what tells of a path in a variable whether it is left out; None: none is."""
        if self.check is not None and not any(fnmatchcase(name, p) for p in self.check):
            return lambda path: True
        patterns = [found for p in self.ignore if (found := _in_variable(p, name)) is not None]
        if not patterns:
            return None
        found_at = re.compile(rf"(?:{'|'.join(patterns)})(?=[.\[]|$)", re.DOTALL)
        return lambda path: found_at.match(path) is not None


def _in_variable(pattern: str, name: str) -> str | None:
    """Give the pattern of paths in a variable that a pattern stands for; None: none in this one."""
    found = _PATH.search(pattern)
    at = len(pattern) if found is None else found.start()
    if not fnmatchcase(name, pattern[:at]):
        return None
    return ".*".join(map(re.escape, pattern[at:].replace('"', "'").split("*")))


def distil(given: dict[str, Any]) -> dict[str, Any]:
    """Write a plain run.

    Parameters
    ----------
    given : dict
        ``varchive`` and ``run``: what was recorded; ``into``: where to, which must be nothing yet;
        ``about``: what is known of the notebook; ``wishes``: cell number -> `Wish`, as JSON;
        ``ids``: of cells, those that the notebook's file has.

    Returns
    -------
    dict
        How many ``states`` it has.
    """
    archive = Varchive.at(given["varchive"])
    run = archive.run(given["run"])
    wishes = {int(n): _wish(wish) for n, wish in given["wishes"].items()}
    target = Varchive.create(given["into"])
    _write(target, run_name(RUN), {**given["about"], PLAIN: 1})
    distiller = _Distiller(archive, run, wishes, frozenset(given["ids"]))
    states = [*distiller.states()]
    for state in states:
        # what says nothing here: times, sizes
        data = {name: value for name, value in state.to_json().items() if value not in ("", 0)}
        _write(target, state_name(RUN, state.n), data)
    _write(target, end_name(RUN), {"status": "ok", "complete": True})
    return {"states": len(states)}


def _wish(given: dict[str, Any]) -> Wish:
    check = given["check"]
    return Wish(None if check is None else tuple(check), tuple(given["ignore"]), given["size"])


class _Distiller:
    def __init__(self, archive: Varchive, run: Run, wishes: dict[int, Wish], ids: frozenset[str]):
        self._archive = archive
        self._run = run
        self._wishes = wishes
        self._ids = ids
        # what was told before: name, digest in the run, the cell that made it
        self._told: dict[tuple[str, str | None, int], Entry | str] = {}

    def states(self) -> Iterator[State]:
        """Give the plain states, each with what it does not share with the one before."""
        before: State | None = None
        table: dict[str, Entry] = {}
        for n in self._archive.states(self._run.id):
            state = self._archive.state(self._run.id, n)
            told, withheld, answer = self._tell(state)
            new = {name: e for name, e in told.items() if table.get(name) != e}
            plain = State(
                n=n,
                # others were made up for this run
                cell_id=state.cell_id if state.cell_id in self._ids else None,
                source=state.source,
                status="ok" if state.status == SPAWNED else state.status,
                error=_steady(state.error),
                entries=new,
                gone=tuple(sorted(table.keys() - told.keys())),
                answer=answer,
                variables=len(told),
                withheld=withheld,
                upon=None if before is None else before.n,
            )
            before, table = plain, told
            yield plain

    def _tell(self, state: State) -> tuple[dict[str, Entry], tuple[str, ...], Any]:
        variables = Variables(Namespace(self._archive, self._run, state))
        told, withheld = {}, {*state.withheld}
        for name, entry in variables.entries.items():
            key = name, entry.digest, entry.n
            if key not in self._told:
                load = partial(variables.__getitem__, name)
                self._told[key] = self._entry(name, entry, load)
            found = self._told[key]
            if isinstance(found, Entry):
                told[name] = found
            elif found == _WITHHELD:
                withheld.add(name)
        return told, tuple(sorted(withheld)), self._answer(state, variables, told)

    def _answer(self, state: State, variables: Variables, told: dict[str, Entry]) -> Any:
        if isinstance(state.answer, Entry):
            found = self._entry(ANSWER, state.answer, variables.loader.load_answer)
            return found if isinstance(found, Entry) else None
        return state.answer if state.answer in told else None

    def _entry(self, name: str, entry: Entry, load: Callable[[], Any]) -> Entry | str:
        """Tell a value; or say why it is not to be told."""
        wish = self._wishes.get(entry.n, Wish())
        ignored = wish.ignored(name)
        if ignored is not None and ignored(""):
            return _WITHHELD
        about = Entry(public_name(entry.type), entry.n)
        if entry.reason is not None:
            return replace(about, reason="it cannot be saved")
        try:
            value = load()
        except (Exception, SystemExit):  # noqa: BLE001  (a value's own code runs)
            return replace(about, reason="it cannot be loaded")
        if _is_code(name, value):
            return _CODE
        try:
            node, size = Encoder(wish.size, ignored).tell(value)
        except TooMuch as error:
            return replace(about, reason=f"it cannot be compared: {error}")
        return _described(about, node, size)


def _is_code(name: str, value: Any) -> bool:
    """Whether a value is a module, or a function or class under its own name: the text is its."""
    if live.is_class(value):
        return bool(live.qualname_of(value) == name)
    kind = live.kind_of(type(value))
    if kind in (live.Kind.FUNCTION, live.Kind.BY_NAME):
        return bool(getattr(value, "__name__", "") == name)
    return isinstance(value, types.ModuleType)


def _described(about: Entry, node: Any, size: int) -> Entry:
    if isinstance(node, dict) and node["is"] == "hidden":
        return replace(about, reason="it does not show what it holds")
    found = node if isinstance(node, dict) else {}
    return replace(
        about,
        preview=preview(node),
        digest=digest(canonical(node).encode("ascii")),
        size=size,
        shape=tuple(found["shape"]) if found.get("shape") else None,
        dtype=found.get("dtype"),
        len=found.get("len", len(node) if isinstance(node, (list, str)) else None),
        plain=NONE if node is None else node,
    )


def _steady(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """Leave out of what a cell raised the addresses, which no two runs share."""
    if not error:
        return None
    return {name: _ADDRESS.sub("0x…", str(text)) for name, text in sorted(error.items())}


def _write(target: Varchive, name: str, data: dict[str, Any]) -> None:
    target.store.write(name, as_text(data).encode("ascii"))


def as_text(data: dict[str, Any]) -> str:
    """Give JSON with a field on each line, and of what a field holds by name, an item on each."""
    lines = []
    for name, value in data.items():
        text = canonical(value)
        if isinstance(value, dict) and value:
            items = ",\n".join(f"  {json.dumps(k)}:{canonical(v)}" for k, v in value.items())
            text = f"{{\n{items}}}"
        lines.append(f"{json.dumps(name)}:{text}")
    return "{" + ",\n".join(lines) + "}\n"
