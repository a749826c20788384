"""The variables of two states -> those that differ: by their entries, and loaded where need be.

Whatever keeps a value from being loaded is told of its variable, and of no other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any, ClassVar

from kernel_payload.plain import Encoder, decode
from kernel_payload.varchive import PLAIN, Entry, State
from kernel_payload.varchive.errors import TmrunError, Untrusted

from .compare import compare
from .difference import Comparison, Difference, Measure
from .reader import Recording

OUT = "Out"
_CODE = ("module ", "class ", "function ")  # how previews of code begin
_WITHHELD = "it was not to be saved (dontsave)"
_LEFT_OUT = "the baseline leaves it out: not to be checked, or not the same in two runs"


@dataclass(frozen=True)
class VariableDiff:
    """What is told of one variable.

    Attributes
    ----------
    name : str
        Its name; ``Out``: the cell's answer.
    kind : str
        ``added`` (only in B), ``removed`` (only in A), ``changed``, ``unknown`` (it could not be
        compared, and may differ) or ``unsaved`` (it was not saved, or not to be).
    a, b : str
        Type and preview, in A and in B; empty where it is not there.
    comparison : Comparison or None
        Where the values differ; None where they were not compared.
    reason : str
        Why it could not be compared.
    """

    name: str
    kind: str
    a: str = ""
    b: str = ""
    comparison: Comparison | None = None
    reason: str = ""

    @property
    def differs(self) -> bool:
        """Whether it certainly differs."""
        return self.kind in ("added", "removed", "changed")


class Snapshot:
    """The variables of one state, of which some will be loaded.

    Parameters
    ----------
    recording : Recording
        The run.
    state : State
        The state.

    Attributes
    ----------
    entries : dict
        Name -> entry; what was withheld has one that says so.
    answer : Entry, str or None
        The entry of ``Out[n]``, or the name of the variable that it is.
    """

    def __init__(self, recording: Recording, state: State) -> None:
        self._untrusted: Untrusted | None = None
        self.is_plain = bool(recording.run.about.get(PLAIN))
        try:
            self._variables = recording.vars(state.n)
        except Untrusted as error:
            self._untrusted = error
            self._variables = recording.describe(state.n)
        why = _LEFT_OUT if self.is_plain else _WITHHELD
        withheld = {name: Entry("", 0, reason=why) for name in state.withheld}
        self.entries = {**withheld, **self._variables.entries}
        self.answer = state.answer

    def load(self, name: str) -> Any:
        """Load a variable, or the answer.

        Raises
        ------
        Untrusted
            When the varchive is another user's.
        Exception
            Whatever the value's own code raises.
        """
        if self._untrusted is not None:
            raise self._untrusted
        # what a value prints when it is loaded is not to be among the differences
        with redirect_stdout(sys.stderr):
            if name == OUT and OUT not in self.entries:
                return self._variables.loader.load_answer()
            return self._variables[name]

    def entry(self, name: str) -> Entry | None:
        """Give the entry of a variable, or of the answer."""
        if name != OUT or OUT in self.entries:
            return self.entries.get(name)
        return self.entries.get(self.answer) if isinstance(self.answer, str) else self.answer


class Nothing:
    """In the place of a snapshot: before the first cell there are no variables."""

    is_plain: bool | None = None  # as the other side
    entries: ClassVar[dict[str, Entry]] = {}
    answer = None

    def load(self, name: str) -> Any:
        """Load a variable: there is none."""
        raise KeyError(name)

    def entry(self, name: str) -> Entry | None:
        """Give the entry of a variable: there is none."""
        return None


Side = Snapshot | Nothing


class Judge:
    """Compares variables, each pair of values once.

    Parameters
    ----------
    measure : callable
        Name, and its entry in B -> by what its values are judged.
    """

    def __init__(self, measure: Callable[[str, Entry], Measure]) -> None:
        self._measure = measure
        self._known: dict[tuple[Any, ...], VariableDiff | None] = {}

    def states(
        self, left: Side, right: Side, *, answers: bool = True
    ) -> tuple[tuple[VariableDiff, ...], tuple[str, ...]]:
        """Give what comes to differ between two states, and the names of what did so before.

        Parameters
        ----------
        left, right : Snapshot or Nothing
            The states.
        answers : bool
            Compare the answers of their cells, too.
        """
        new, still = [], []
        names = {*left.entries, *right.entries}
        for name in sorted(names if not answers or _is_told(left, right) else {*names, OUT}):
            a, b = left.entry(name), right.entry(name)
            key = name, _key(a), _key(b), self._strictness(name, b)
            if key not in self._known:
                self._known[key] = found = self._variable(name, left, right)
                if found is not None:
                    new.append(found)
            elif (before := self._known[key]) is not None and before.differs:
                still.append(name)
        return tuple(new), tuple(still)

    def _strictness(self, name: str, entry: Entry | None) -> Any:
        """Give what is the same where a pair of values is judged the same."""
        if entry is None:
            return None
        by = self._measure(name, entry)
        return by.rtol, by.atol, entry.n if by.ignored else None

    def _variable(self, name: str, left: Side, right: Side) -> VariableDiff | None:
        a, b = left.entry(name), right.entry(name)
        known, found = _by_entries(
            name, a, b, mixed={left.is_plain, right.is_plain} == {True, False}
        )
        if known or a is None or b is None:
            return found
        try:
            values = _alike(left.load(name), right.load(name), a, b)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (a value's own code runs)
            return _described(name, a, b, error)
        return _judged(name, (_text(a), _text(b)), *values, self._measure(name, b))


def _by_entries(
    name: str, a: Entry | None, b: Entry | None, *, mixed: bool
) -> tuple[bool, VariableDiff | None]:
    """Judge by what the manifests say; gives whether that is enough, and what differs.

    ``mixed``: one of them is of a plain run, which leaves out what it cannot tell, and code.
    """
    reasons = [entry.reason for entry in (a, b) if entry is not None and entry.reason]
    texts = _text(a), _text(b)
    unsaved = a is not None and b is not None and len(reasons) == 2 and a.type == b.type
    if _WITHHELD in reasons or _LEFT_OUT in reasons or unsaved or (mixed and reasons):
        return True, VariableDiff(name, "unsaved", *texts, reason=reasons[-1])
    if a is None or b is None:
        if mixed and any(map(_is_code, (a, b))):
            return True, None
        return True, VariableDiff(name, "added" if a is None else "removed", *texts)
    if reasons:
        return True, VariableDiff(name, "changed", *texts)
    return a.digest is not None and a.digest == b.digest, None


def _is_code(entry: Entry | None) -> bool:
    return entry is not None and (entry.type == "function" or entry.preview.startswith(_CODE))


def _judged(name: str, texts: tuple[str, str], a: Any, b: Any, by: Measure) -> VariableDiff | None:
    found = compare(a, b, rtol=by.rtol, atol=by.atol, ignored=by.ignored)
    if found.equal:
        return None
    if found.count:
        return VariableDiff(name, "changed", *texts, comparison=found)
    reason = "it is too large to be compared to its end"
    if found.unknown:
        reason = f"{name}{found.unknown[0].path}: {found.unknown[0].reason}"
    return VariableDiff(name, "unknown", *texts, comparison=found, reason=reason)


def _alike(x: Any, y: Any, a: Entry, b: Entry) -> tuple[Any, Any]:
    """Give two values that can be compared: where one is plain data, so is the other."""
    if (a.plain is None) == (b.plain is None):
        return x, y
    value = y if b.plain is None else x
    if value is not None:
        value = decode(Encoder().tell(value)[0])
    return (x, value) if b.plain is None else (value, y)


def _is_told(left: Side, right: Side) -> bool:
    """Whether there is nothing to say of the answers: they are variables, or there are none."""
    return all(x.answer is None or isinstance(x.answer, str) for x in (left, right)) and (
        (left.answer is None) == (right.answer is None)
    )


def _key(entry: Entry | None) -> Any:
    return None if entry is None else (entry.digest, entry.reason)


def _text(entry: Entry | None) -> str:
    """Say of what type a value is, and in short what it is."""
    if entry is None:
        return ""
    if entry.reason is not None:
        return f"{entry.type} not saved: {entry.reason}".strip()
    shape = "" if entry.shape is None else str(entry.shape)
    plain = entry.preview.strip("<>") == entry.type
    parts = (entry.type, entry.dtype, shape, "" if plain else entry.preview)
    return " ".join(part for part in parts if part)


def text_of_alone(entry: Entry, kind: str) -> tuple[str, str]:
    """Say of what only one run has what it is, in A and in B."""
    return (_text(entry), "") if kind == "removed" else ("", _text(entry))


def _described(name: str, a: Entry, b: Entry, error: BaseException) -> VariableDiff:
    """Tell what the entries say of values that cannot be loaded."""
    reason = str(error) if isinstance(error, TmrunError) else f"{type(error).__name__}: {error}"
    kinds = {"type": "type", "dtype": "dtype", "shape": "shape", "len": "length"}
    found = [
        Difference("", kind, str(getattr(a, field)), str(getattr(b, field)))
        for field, kind in kinds.items()
        if getattr(a, field) != getattr(b, field)
    ]
    told = Comparison(tuple(found), len(found), complete=False)
    kind = "changed" if found else "unknown"
    return VariableDiff(name, kind, _text(a), _text(b), told if found else None, reason)
