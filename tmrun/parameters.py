"""Parameters: from the command line's texts and files to one injected cell.

The options, their order of precedence and the tags are papermill's, so that its users find
what they know; values are Python literals, so that what the kernel gets is what was given.
"""

from __future__ import annotations

import ast
import copy
import keyword
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernel_payload.varchive.errors import UsageError

from .plan import language

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_WORDS = {"True": True, "False": False, "None": None}


def collect(
    *,
    files: Iterable[str] = (),
    yamls: Iterable[str] = (),
    typed: Iterable[tuple[str, str]] = (),
    raw: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Gather parameters from all four options; a later source wins over an earlier one.

    Parameters
    ----------
    files
        Paths of YAML or JSON files.
    yamls
        YAML texts.
    typed
        Names and texts; a text that reads as None, a bool, an int or a float is one.
    raw
        Names and texts that stay texts.

    Raises
    ------
    UsageError
        A file that cannot be read, a text that is no YAML mapping, a bad name or value.
    """
    values: dict[str, Any] = {}
    for name in files:
        values.update(_mapping(_read(name), f"the parameters file {name}"))
    for text in yamls:
        values.update(_mapping(text, "--parameters-yaml"))
    values.update({name: typed_value(text) for name, text in typed})
    values.update(raw)
    check(values)
    return values


def typed_value(text: str) -> Any:
    """Text of ``-p`` -> the value it reads as."""
    if text in _WORDS:
        return _WORDS[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def check(values: Mapping[str, Any]) -> None:
    """Raise UsageError for a name that is no variable's, or a value that is no plain data."""
    for name, value in values.items():
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise UsageError(f"{name!r} cannot be a parameter: a variable's name is needed")
        try:
            literal(value)
        except (TypeError, RecursionError) as error:
            raise UsageError(
                f"parameter {name}: {error}; give None, booleans, numbers, texts, "
                "and lists, sets and dicts of them"
            ) from None


def literal(value: Any) -> str:
    """Plain data -> the Python expression that makes it again."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, tuple):
        return "(" + "".join(f"{literal(item)}, " for item in value) + ")"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(map(literal, value)) + "}" if value else "set()"
    raise TypeError(f"a {type(value).__name__} has no literal form")


def plain(value: Any) -> Any:
    """Plain data -> the nearest JSON data, for metadata."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, bytes) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value


def inject(notebook: Any, values: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """Put one cell of assignments after the one tagged ``parameters``.

    An ``injected-parameters`` cell of an earlier run is replaced.

    Parameters
    ----------
    notebook
        nbformat 4; left as it is.
    values
        Checked names and values.

    Returns
    -------
    notebook, warnings
        A new notebook (the same, without values), and what the user should hear.
    """
    if not values:
        return notebook, []
    if (other := language(notebook)) not in {"python", "ipython"}:
        raise UsageError(
            f"parameters are injected as Python, and this notebook is in {other}; "
            "set them in the notebook itself"
        )
    notebook = copy.deepcopy(notebook)
    cell = _cell(notebook, values)
    at = _tagged(notebook, "parameters")
    old = _tagged(notebook, "injected-parameters")
    if old is not None:
        notebook.cells[old] = cell
    else:
        notebook.cells.insert(0 if at is None else at + 1, cell)
    if at is None:
        where = "before the first cell"
        return notebook, [] if old is not None else [
            f"no cell is tagged 'parameters': the parameters are set {where}"
        ]
    known = assigned(notebook.cells[at].source)
    unknown = [name for name in values if known is not None and name not in known]
    return notebook, [f"the cell tagged 'parameters' does not set {name}" for name in unknown]


def assigned(source: str) -> set[str] | None:
    """Names that a cell's code assigns; None when it cannot be parsed."""
    lines = ("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):
        return None
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _cell(notebook: Any, values: Mapping[str, Any]) -> Any:
    from nbformat.v4 import new_code_cell

    lines = [f"{name} = {literal(value)}" for name, value in values.items()]
    cell = new_code_cell("\n".join(["# Parameters", *lines]))
    cell.metadata["tags"] = ["injected-parameters"]
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        del cell["id"]
    return cell


def _tagged(notebook: Any, tag: str) -> int | None:
    for index, cell in enumerate(notebook.cells):
        if tag in cell.metadata.get("tags", []):
            return index
    return None


def _read(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the parameters file {name}: {error}") from None


def _mapping(text: str, what: str) -> dict[str, Any]:
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML without dates: a value that looks like one stays the text it is."""

    Loader.yaml_implicit_resolvers = {
        first: [entry for entry in entries if not entry[0].endswith(":timestamp")]
        for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        values = yaml.load(text, Loader=Loader)  # a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{what} is no valid YAML: {error}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UsageError(f"{what} holds a {type(values).__name__}; write NAME: VALUE pairs")
    return values
