"""Notebook files: read any that Jupyter reads, write one so that no reader sees half of it."""

from __future__ import annotations

import json
import os
import stat
import sys
import warnings
from pathlib import Path
from typing import Any

import nbformat

from kernel_payload.varchive.errors import UsageError

from .plan import STDIO


def read(name: str) -> Any:
    """Read a notebook of nbformat 3 or 4 as nbformat 4.

    Parameters
    ----------
    name
        Path, or ``-`` for standard input.

    Raises
    ------
    UsageError
        There is no such file, or it is no notebook.
    """
    what = "standard input" if name == STDIO else name
    text = _text(name, what)
    if not text.strip():
        raise UsageError(f"{what} is empty: a notebook (.ipynb) is needed")
    try:
        with warnings.catch_warnings():
            # missing or doubled cell ids: nbformat mends them, and nobody needs to hear it
            warnings.simplefilter("ignore")
            notebook = nbformat.convert(nbformat.reader.reads(text), 4)
            if _ids_need_mending(notebook):
                _, notebook = nbformat.validator.normalize(notebook)
        # what the rest of tmrun leans on, and nbformat logs without raising
        if not all({"cell_type", "source", "metadata"} <= cell.keys() for cell in notebook.cells):
            raise ValueError("a cell lacks its type, source or metadata")
        for cell in notebook.cells:
            # nbclient raises at what some tools write
            if not isinstance(cell.metadata.get("tags", []), list):
                del cell.metadata["tags"]
    except json.JSONDecodeError as error:
        raise UsageError(f"{what} is no notebook, for it is no valid JSON: {error}") from None
    except Exception as error:  # noqa: BLE001 (nbformat raises what it stumbles over)
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UsageError(
            f"{what} is no notebook of nbformat 3 or 4 ({reason}); does Jupyter open it?"
        ) from None
    return notebook


def _ids_need_mending(notebook: Any) -> bool:
    # nbformat.reads always validates, which takes longer than everything else about reading,
    # only logs what is invalid, and on the way mends the ids; only that is done here
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        return False
    ids = [cell.get("id") for cell in notebook.cells]
    return None in ids or len(set(ids)) < len(ids)


def text_of(notebook: Any) -> str:
    """Give a notebook's text, byte for byte as nbformat writes it to a file."""
    # nbformat.writes would validate too, which takes longer than all the rest
    text: str = nbformat.v4.writes(notebook)
    return text if text.endswith("\n") else text + "\n"


def encode(text: str) -> bytes:
    """Give a notebook's text as UTF-8."""
    # a lone surrogate (a file name, often) has no UTF-8, but its escape is JSON and means it
    return text.encode("utf-8", errors="backslashreplace")


def write(path: Path, text: str) -> None:
    """Write a file wholly or not at all; symlinks are followed, an existing mode is kept.

    Raises
    ------
    OSError
        The file could not be written; what was there before still is.
    """
    target = Path(os.path.realpath(path))
    data = encode(text)
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        # /dev/null, a terminal, a named pipe: renaming over it would replace the thing itself
        target.write_bytes(data)
        return
    handle, temporary = _temporary(target)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        if mode is not None:
            Path(temporary).chmod(stat.S_IMODE(mode))
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _temporary(target: Path) -> tuple[int, str]:
    # not mkstemp: its files are 0600 whatever the umask, and the notebook is an ordinary file
    name = target.with_name(f".{target.name[:200]}.{os.urandom(4).hex()}.tmp")
    return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), str(name)


def _text(name: str, what: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == STDIO else Path(name).read_bytes()
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"there is no notebook {what}") from None
    except IsADirectoryError:
        raise UsageError(f"{what} is a directory; name a notebook (.ipynb) in it") from None
    except OSError as error:
        raise UsageError(f"cannot read {what}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{what} is no notebook, for it is no UTF-8 text") from None
