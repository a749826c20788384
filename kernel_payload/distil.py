"""A recorded run -> a plain run: what a regression test keeps of what each cell computed.

It holds plain data only, and nothing that two runs of one notebook need not have in common: no
times, no addresses, no order of a set.  It is written as text that git shows line by line.
"""

from __future__ import annotations

import ast
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

ANSWER, ERROR = "Out", "Error"
"""By these names a notebook says what is to be told of its cells' answers, and errors."""

_CODE, _WITHHELD = "code", "withheld"  # in the place of the entry of what is not told
ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
"""What an address of memory looks like."""

_PATH = re.compile(r"[.\[]")
_KEY = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")


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
    # keys as Python shows them, whichever quotes they were written in
    rest = _KEY.sub(_shown, pattern[at:])
    return "".join(_piece(text, inside) for text, inside in _pieces(rest))


def _shown(key: re.Match[str]) -> str:
    try:
        return repr(ast.literal_eval(key[0]))
    except (ValueError, SyntaxError):
        return key[0]


def _pieces(path: str) -> Iterator[tuple[str, bool]]:
    """Cut a path at its stars; gives with each piece whether it stands in brackets."""
    depth = 0
    for text in re.split(r"(\*)", path):
        yield text, depth > 0
        depth += text.count("[") - text.count("]")


def _piece(text: str, inside: bool) -> str:
    # a star is for one step: what is deeper is another's
    if text == "*":
        return r"[^\]]*" if inside else r"[^.\[]*"
    return re.escape(text)


def distil(given: dict[str, Any]) -> dict[str, Any]:
    """Write a plain run.

    Parameters
    ----------
    given : dict
        ``varchive`` and ``run``: what was recorded; ``into``: where to, which must be nothing yet;
        ``about``: what is known of the notebook; ``wishes``: cell number -> `Wish`, as JSON;
        ``base``: that of other cells; ``ids``: of cells, those that the notebook's file has.

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
    distiller = _Distiller(archive, run, wishes, _wish(given["base"]), frozenset(given["ids"]))
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
    def __init__(
        self,
        archive: Varchive,
        run: Run,
        wishes: dict[int, Wish],
        base: Wish,
        ids: frozenset[str],
    ) -> None:
        self._archive = archive
        self._run = run
        self._wishes = wishes
        self._base = base
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
            gone = tuple(sorted(table.keys() - told.keys()))
            plain = State(
                n=n,
                # others were made up for this run
                cell_id=state.cell_id if state.cell_id in self._ids else None,
                source=state.source,
                status="ok" if state.status == SPAWNED else state.status,
                error=self._error(state),
                entries=new,
                made=tuple(sorted(new.keys() - table.keys())),
                changed=tuple(sorted(new.keys() & table.keys())),
                deleted=gone,
                gone=gone,
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
        answer: Any = state.answer if state.answer in told else None
        if state.answer in withheld:
            withheld.add(ANSWER)
        if isinstance(state.answer, Entry):
            answer = self._entry(ANSWER, state.answer, variables.loader.load_answer)
            if answer == _WITHHELD:
                withheld.add(ANSWER)
            answer = answer if isinstance(answer, Entry) else None
        return told, tuple(sorted(withheld)), answer

    def _error(self, state: State) -> dict[str, Any] | None:
        """Tell what a cell raised; not by the addresses in it, which no two runs share."""
        if not state.error:
            return None
        ignored = self._wishes.get(state.n, self._base).ignored(ERROR)
        kept = ("ename",) if ignored is not None and ignored("") else ("ename", "evalue")
        said = {name: str(state.error.get(name, "")) for name in kept}
        return {name: ADDRESS.sub("0x…", text) for name, text in said.items()}

    def _entry(self, name: str, entry: Entry, load: Callable[[], Any]) -> Entry | str:
        """Tell a value; or say why it is not to be told."""
        wish = self._wishes.get(entry.n, self._base)
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
        try:
            node, size = Encoder(wish.size, ignored).tell(value)
        except TooMuch as error:
            return replace(about, reason=f"it cannot be compared: {error}")
        if _is_code(name, value, node):
            return _CODE
        return _described(about, node, size)


def _is_code(name: str, value: Any, node: Any) -> bool:
    """Whether a value is a module, or a function or class under its own name, and holds no data.

    The notebook's text is what they are.
    """
    if isinstance(value, types.ModuleType):
        return True
    if live.is_class(value):
        return bool(live.qualname_of(value) == name) and not node.get("holds")
    if live.kind_of(type(value)) not in (live.Kind.FUNCTION, live.Kind.BY_NAME):
        return False
    # defaults are the text's, as long as there is nothing else
    holds = {*node.get("holds", ())} - {"__defaults__", "__kwdefaults__"}
    return bool(getattr(value, "__name__", "") == name) and not holds


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
