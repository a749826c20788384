"""The messages of a job -> outputs as a notebook holds them, with the seconds at which they came.

Both sides of the wall use it: for `tmrun.jobs`, and for the cells of the output notebook.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from .varchive.model import dump_json

Json = dict[str, Any]

KINDS = frozenset(
    {"stream", "display_data", "execute_result", "error", "update_display_data", "clear_output"}
)
"""The types of message that change outputs."""

COMMS = frozenset({"comm_open", "comm_msg", "comm_close"})
"""The types of message by which widgets live."""

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_TAIL = 4000  # characters from which the last lines are taken
_WIDTH = 200  # characters of one


class Piece(NamedTuple):
    """A message: seconds since the job's start, its type, and its content."""

    seconds: float
    kind: str
    content: Json


class Outputs:
    """What a job has put out so far.

    Attributes
    ----------
    pieces : list of Piece
        The messages, as they came.
    """

    def __init__(self, pieces: Iterable[Piece] = ()) -> None:
        self.pieces: list[Piece] = []
        self._outputs: list[Json] = []
        self._clear_first = False
        for piece in pieces:
            self.add(piece)

    def add(self, piece: Piece) -> None:
        """Take one more message."""
        self.pieces.append(piece)
        _, kind, content = piece
        if kind == "clear_output":
            if content.get("wait"):
                self._clear_first = True
            else:
                self._outputs = []
        elif kind == "update_display_data":
            self._update(content)
        else:
            if self._clear_first:
                self._clear_first, self._outputs = False, []
            self._append(kind, content)

    def outputs(self) -> list[Json]:
        """Give them as nbformat's outputs, streams joined, cleared and updated as they were."""
        return [
            {**output, "text": "".join(output["text"])}
            if output["output_type"] == "stream"
            else {name: value for name, value in output.items() if name != "transient"}
            for output in self._outputs
        ]

    def text(self) -> str:
        """Give what is to be read: streams, results and errors, carriage returns obeyed."""
        return overwritten("".join(map(_text, self.outputs())))

    def last_lines(self, count: int = 5) -> list[str]:
        """Give the last lines of the text."""
        found: list[str] = []
        size = 0
        for output in reversed(self._outputs):
            parts = output["text"] if output["output_type"] == "stream" else [_text(output)]
            for part in reversed(parts):
                found.append(part[-_TAIL:])
                size += len(part)
                if size > _TAIL:
                    break
            if size > _TAIL:
                break
        lines = overwritten("".join(reversed(found))).splitlines()
        return [line[:_WIDTH] for line in lines if line.strip()][-count:]

    def to_bytes(self) -> bytes:
        """Give what `from_bytes` reads."""
        return dump_json({"pieces": [list(piece) for piece in self.pieces]})

    @classmethod
    def from_bytes(cls, data: bytes) -> Outputs:
        """Read what `to_bytes` gave."""
        return cls(Piece(*piece) for piece in json.loads(data)["pieces"])

    def _append(self, kind: str, content: Json) -> None:
        last = self._outputs[-1] if self._outputs else {}
        if kind != "stream":
            fields = _FIELDS[kind]
            output = {"output_type": kind, **{name: content.get(name) for name in fields}}
            if display_id := _display_id(content):
                output["transient"] = display_id
            self._outputs.append(output)
        elif last.get("output_type") == "stream" and last["name"] == content["name"]:
            # joined when asked for: ten megabytes line by line would be copied for each line
            last["text"].append(content["text"])
        else:
            text = [content["text"]]
            self._outputs.append({"output_type": "stream", "name": content["name"], "text": text})

    def _update(self, content: Json) -> None:
        wanted = _display_id(content)
        for output in self._outputs:
            if wanted is not None and output.get("transient") == wanted:
                output["data"], output["metadata"] = content["data"], content["metadata"]


_FIELDS = {
    "display_data": ("data", "metadata"),
    "execute_result": ("data", "metadata", "execution_count"),
    "error": ("ename", "evalue", "traceback"),
}


def overwritten(text: str) -> str:
    """Give a text as a terminal would leave it: ``\\r`` goes to the line's begin, ``\\b`` back."""
    if "\r" not in text and "\b" not in text:
        return text
    return "\n".join(map(_line, text.replace("\r\n", "\n").split("\n")))


def _line(text: str) -> str:
    if "\r" not in text and "\b" not in text:
        return text
    cells: list[str] = []
    place = 0
    for part in re.split(r"([\r\b])", text):
        if part == "\r":
            place = 0
        elif part == "\b":
            place = max(0, place - 1)
        else:
            cells[place : place + len(part)] = part
            place += len(part)
    return "".join(cells)


def _text(output: Json) -> str:
    if output["output_type"] == "stream":
        return "".join(output["text"])
    if output["output_type"] == "error":
        return _ANSI.sub("", "\n".join(output["traceback"])) + "\n"
    found = (output.get("data") or {}).get("text/plain", "")
    return f"{found}\n" if found else ""


def _display_id(content: Json) -> str | None:
    return (content.get("transient") or {}).get("display_id")
