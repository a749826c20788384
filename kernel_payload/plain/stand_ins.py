"""Plain data -> values: those of Python itself, and stand-ins for what only a library can make.

A stand-in is of a class that has the name of the real one, and shows what was told of it.  It needs
no library, and runs no code.
"""

from __future__ import annotations

from typing import Any

from .. import live
from .nodes import Json, label

__all__ = ["CONTENTS", "Array", "Atom", "Frame", "Hidden", "Instance", "Large", "StandIn", "decode"]

_SHOWN = 4
_FACTS = ("shape", "dtype", "len", "typecode", "format")

CONTENTS = "<contents>"
"""By this name, which no attribute has, an instance holds what is its base's."""


class StandIn:
    """What stands in for a value."""

    def __repr__(self) -> str:
        return f"<{live.type_name(type(self))}>"


class Instance(StandIn):
    """An instance: its attributes are the instance's; ``contents`` is what its base holds."""

    def __getattr__(self, name: str) -> Any:
        # it may have an attribute of this name itself
        if name == "contents" and CONTENTS in self.__dict__:
            return self.__dict__[CONTENTS]
        raise AttributeError(f"{type(self).__qualname__} was told without an attribute {name!r}")


class Array(StandIn):
    """An array, a tensor, a column.

    Attributes
    ----------
    dtype : str
        Of its elements.
    shape : tuple of int
        Of the array.
    items : list
        Its elements in C order; what is not finite as a float, complex numbers as such.
    fields : dict or None
        Of a structured array instead: name -> Array.
    """

    dtype: str
    shape: tuple[int, ...]
    items: list[Any]
    fields: dict[str, Any] | None

    def __repr__(self) -> str:
        if self.shape == () and self.items:
            return f"{live.type_name(type(self))}({self.items[0]})"
        return f"<{self.dtype} {self.shape}: {self._some()}>"

    def _some(self) -> str:
        more = ["…"] if len(self.items) > _SHOWN else []
        return ", ".join([*map(repr, self.items[:_SHOWN]), *more])


class Frame(StandIn):
    """A frame, a series or an index.

    Attributes
    ----------
    shape : tuple of int or None
        Of the frame.
    columns : list
        Labels; of a series its name, of an index its names.
    names : list
        Of the levels of the columns' labels.
    index : Frame, Hidden or None
        The labels of the rows.
    data : list
        A column each: `Array`, `Large`, or a list.
    attrs : dict
        What it is told to be about.
    """

    shape: tuple[int, ...] | None
    columns: list[Any]
    names: list[Any]
    index: Any
    data: list[Any]
    attrs: Any

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__} {self.shape}: {self.columns}>"


class Atom(StandIn):
    """What is what it shows: a date, a path, the name of a function.  Equal when that is.

    Attributes
    ----------
    text : str
        What it shows.
    """

    text: str

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and getattr(other, "text", None) == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return self.text


class Large(StandIn):
    """What is not told in full.

    Attributes
    ----------
    facts : dict
        Its ``shape``, ``dtype`` and ``len``, where it has them.
    digest : str
        Names its content.
    numbers : dict or None
        ``count``, ``finite``; of those that are finite ``mean``, ``std``, ``min`` and ``max``.
    form : str or None
        Names its content but for the numbers, where there is more.
    """

    facts: dict[str, Any]
    digest: str
    numbers: dict[str, float] | None
    form: str | None


class Hidden(StandIn):
    """Of what nothing but the type is told; or what was not to be told."""


def decode(node: Json) -> Any:
    """Give the value that a node stands for, or what stands in for it.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        For what is no node.
    """
    return _Decoder().value(node, "")


class _Decoder:
    """Decodes one value; knows what stands where, for what a value holds twice.

    The paths are those of the encoder.
    """

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}
        self._paths: list[str] = []

    def value(self, node: Json, path: str) -> Any:
        if isinstance(node, list):
            made: list[Any] = []
            self.note(path, made)
            made += [self.value(item, f"{path}[{place}]") for place, item in enumerate(node)]
            return made
        if not isinstance(node, dict):
            return node
        return _KINDS[node["is"]](self, node, path)

    def note(self, path: str, made: Any) -> None:
        """Note what stands at a path, before what it holds is there."""
        if path not in self._known:  # else an instance, of which this is the contents
            self._known[path] = made
            self._paths.append(path)

    def apart(self, node: Json, path: str) -> Any:
        """Give what has no place of its own: an element of a set, a key."""
        before = len(self._paths)
        found = self.value(node, path)
        for met in self._paths[before:]:
            del self._known[met]
        del self._paths[before:]
        return found

    def same(self, node: Json, path: str) -> Any:
        found = self._known.get(node["as"], self)
        return _atom("same", node["as"]) if found is self else found

    def items(self, node: Json, path: str) -> list[Any]:
        return [self.value(item, f"{path}[{place}]") for place, item in enumerate(node["items"])]

    def unordered(self, node: Json, path: str) -> list[Any]:
        return [self.apart(item, f"{path}{{}}") for item in node["items"]]

    def named(self, found: dict[str, Json], path: str, step: str = ".{}") -> dict[str, Any]:
        # in the order in which they were told
        return {name: self.value(found[name], path + step.format(name)) for name in sorted(found)}

    def dict(self, node: Json, path: str) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        self.note(path, made)
        if "pairs" not in node:
            made.update(self.named(node["items"], path, "[{!r}]"))
            return made
        for key, inner in node["pairs"]:
            found = self.apart(key, f"{path}{{}}")
            made[found] = self.value(inner, f"{path}[{label(key)}]")
        return made

    def array(self, node: Json, path: str) -> Any:
        made = _stand_in(node["type"], Array)
        self.note(path, made)
        made.dtype, made.shape = node["dtype"], tuple(node["shape"])
        made.fields = None
        if "fields" in node:
            made.fields = self.named(node["fields"], path, "[{!r}]")
            made.items = []
        elif made.dtype.startswith("complex"):
            made.items = [x and complex(float(x[0]), float(x[1])) for x in node["items"]]
        elif made.dtype.lower().startswith("float"):
            made.items = [float(x) if isinstance(x, str) else x for x in node["items"]]
        else:
            made.items = self.items(node, path)
        return made

    def frame(self, node: Json, path: str) -> Any:
        made = _stand_in(node["type"], Frame)
        self.note(path, made)
        made.shape = tuple(node["shape"]) if "shape" in node else None
        labels = node.get("columns", node.get("names", [node.get("name")]))
        made.columns = [self.value(x, f"{path}.columns[{i}]") for i, x in enumerate(labels)]
        names = node["names"] if "columns" in node and "names" in node else []
        made.names = [self.value(x, f"{path}.columns.names[{i}]") for i, x in enumerate(names)]
        made.index = self.value(node["index"], f"{path}.index") if "index" in node else None
        if "data" in node:
            columns = zip(labels, node["data"], strict=True)
            made.data = [self.value(column, f"{path}[{label(x)}]") for x, column in columns]
        else:
            made.data = [self.value(node["values"], path)]
        made.attrs = self.value(node["attrs"], f"{path}.attrs") if "attrs" in node else {}
        return made

    def instance(self, node: Json, path: str) -> Any:
        made = _stand_in(node["type"], Instance)
        self.note(path, made)
        made.__dict__.update(self.named(node.get("attributes", {}), path))
        if "contents" in node:
            made.__dict__[CONTENTS] = self.value(node["contents"], path)
        return made

    def member(self, node: Json, path: str) -> Any:
        made = _stand_in(node["type"], Instance)
        self.note(path, made)
        made.__dict__["value"] = self.value(node["value"], f"{path}.value")
        made.__dict__["name"] = node["name"]
        return made

    def function(self, node: Json, path: str) -> Any:
        made = _stand_in("function", Instance)
        self.note(path, made)
        made.__dict__.update(self.named(node["holds"], path))
        made.__dict__["__name__"] = f"{node['name']}({', '.join(node['arguments'])})"
        return made

    def class_(self, node: Json, path: str) -> Any:
        if "holds" not in node:
            return _atom("class", node["name"])
        made = _stand_in("type", Instance)
        self.note(path, made)
        made.__dict__.update(self.named(node["holds"], path))
        made.__dict__["__name__"] = node["name"]
        return made

    def large(self, node: Json, path: str) -> Any:
        made = _stand_in(node["type"], Large)
        made.facts = {name: node[name] for name in _FACTS if name in node}
        made.digest, made.numbers = node["digest"], node.get("numbers")
        made.form = node.get("form")
        return made


def _stand_in(name: str, base: type) -> Any:
    key = name, base
    if key not in _classes:
        module, _, qualname = name.partition(".")
        place = {"__module__": module if qualname else "__main__"}
        _classes[key] = type((qualname or name).rpartition(".")[2], (base,), place)
        _classes[key].__qualname__ = qualname or name
    return _classes[key]()


_classes: dict[tuple[str, type], type] = {}


def _atom(kind: str, text: str) -> Any:
    made = _stand_in(kind, Atom)
    made.text = text
    return made


_KINDS: dict[str, Any] = {
    "none": lambda decoder, node, path: None,
    "float": lambda decoder, node, path: float(node["value"]),
    "int": lambda decoder, node, path: int(node["value"], 16),
    "complex": lambda decoder, node, path: complex(
        *(float(decoder.value(part, "")) for part in node["value"])
    ),
    "bytes": lambda decoder, node, path: bytes.fromhex(node["value"]),
    "tuple": lambda decoder, node, path: tuple(decoder.items(node, path)),
    "set": lambda decoder, node, path: {*decoder.unordered(node, path)},
    "frozenset": lambda decoder, node, path: frozenset(decoder.unordered(node, path)),
    "dict": _Decoder.dict,
    "array": _Decoder.array,
    "frame": _Decoder.frame,
    "series": _Decoder.frame,
    "index": _Decoder.frame,
    "instance": _Decoder.instance,
    "member": _Decoder.member,
    "function": _Decoder.function,
    "large": _Decoder.large,
    "same": _Decoder.same,
    "text": lambda decoder, node, path: _atom(node["type"], node["value"]),
    "callable": lambda decoder, node, path: _atom("callable", node["name"]),
    "class": _Decoder.class_,
    "module": lambda decoder, node, path: _atom("module", node["name"]),
    "hidden": lambda decoder, node, path: _stand_in(node["type"], Hidden),
    "ignored": lambda decoder, node, path: _stand_in("ignored", Hidden),
}
