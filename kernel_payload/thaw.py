"""A recorded state -> live values, each loaded when it is asked for.

A `Namespace` is the globals of the functions that were loaded with it: what a function asks for
and is not there yet is loaded then.
"""

from __future__ import annotations

import builtins
import difflib
import io
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import reduce
from typing import Any

from . import _cloudpickle as cloud
from . import live, rebuild
from .varchive import Entry, Place, Run, State, Varchive, ranges
from .varchive.errors import CannotLoad, Damaged, NoSuchVariable, NotSaved, TmrunError

_SKELETONS = ("_make_skeleton_class", "_make_skeleton_enum")
_CLOUDPICKLE = (f"{__package__}._cloudpickle", "cloudpickle.cloudpickle")


class Namespace(dict[str, Any]):
    """Globals that load themselves: the variables of one state."""

    def __init__(self, archive: Varchive, run: Run, state: State) -> None:
        super().__init__(__name__="__main__")
        self.archive = archive
        self.run = run
        self.state = state
        self.entries = archive.entries(state)
        self._loading: set[Place] = set()
        self["__builtins__"] = _Builtins(self)

    def __missing__(self, name: str) -> Any:
        entry = self.entries.get(name)
        if entry is None or name.startswith("<"):
            raise KeyError(name)
        if entry.reason is not None:
            # not a KeyError: the function that asks would see a NameError that explains nothing
            raise CannotLoad(_not_saved(name, entry))
        return self.load(name)

    def load(self, name: str) -> Any:
        """Give a variable, or a class by its entry's name; its whole group is loaded."""
        if not dict.__contains__(self, name):
            entry = self.entries[name]
            assert entry.place is not None
            self._load_group(entry.place)
            if not dict.__contains__(self, name):
                raise Damaged(f"the group of {name} does not hold it; restore it from a copy")
        return dict.__getitem__(self, name)

    def load_answer(self) -> Any:
        """Give ``Out[n]`` of the state; None when the cell had none."""
        answer = self.state.answer
        if isinstance(answer, str):
            return self.load(answer)
        if answer is None or dict.__contains__(self, "<out>"):
            return self.get("<out>")
        if answer.reason is not None or answer.place is None:
            raise NotSaved(_not_saved(f"Out[{self.state.n}]", answer))
        self._load_group(answer.place)
        return self["<out>"]

    def _load_group(self, place: Place) -> None:
        group = self.archive.group(place)
        parts = [group.read(part, self.archive.store.get_into) for part in group.parts]
        if place in self._loading:
            raise CannotLoad(
                f"the group of {', '.join(group.members)} needs itself; please report it"
            )
        self._loading.add(place)
        try:
            values = _Unpickler(io.BytesIO(parts[0]), parts[1:], self).load()
        except TmrunError:
            raise
        except Exception as error:
            raise CannotLoad(self._explain(group.members, error)) from error
        finally:
            self._loading.discard(place)
        for name, value in zip(group.members, values, strict=True):
            # a name that was deleted or bound anew since is no longer this group's
            if name == "<out>" or (name in self.entries and self.entries[name].place == place):
                self.setdefault(name, value)

    def _explain(self, members: tuple[str, ...], error: Exception) -> str:
        names = ", ".join(name.strip("<>") for name in members)
        text = (
            f"{names} of cell {self.state.n} cannot be loaded here: {type(error).__name__}: {error}"
        )
        if isinstance(error, ImportError):
            return f"{text}; install what the notebook had"
        here, there = _python_here(), str(self.run.about.get("python", "?"))
        if here != ".".join(there.split(".")[:2]):
            return (
                f"{text}; it was recorded by Python {there}, this is {here}: load it with that one"
            )
        return f"{text}; see tmrun show {self.archive.path} {self.state.n}"


class _Builtins(dict[str, Any]):
    """The builtins, and behind them a namespace.

    Class bodies, ``eval`` and ``exec`` look names up past the ``__missing__`` of their globals, but
    not past that of the builtins.
    """

    def __init__(self, namespace: Namespace) -> None:
        found = vars(builtins).items()
        super().__init__((name, value) for name, value in found if name not in namespace.entries)
        self._namespace = namespace

    def __missing__(self, name: str) -> Any:
        return self._namespace[name]


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, buffers: list[bytearray], namespace: Namespace) -> None:
        super().__init__(file, buffers=buffers)
        self._namespace = namespace
        self._stand_ins = {
            "namespace": lambda: namespace,
            "notebook_class": namespace.load,
        }

    def find_class(self, module: str, name: str) -> Any:
        if module == "__main__":
            # what pickle was told to find by name: in the notebook, not in this process
            first, *rest = name.split(".")
            return reduce(getattr, rest, self._namespace[first])
        if module == rebuild.__name__:
            return self._stand_ins.get(name) or getattr(rebuild, name)
        if module in _CLOUDPICKLE:
            return _anonymous(cloud, name) if name in _SKELETONS else getattr(cloud, name)
        return super().find_class(module, name)


def _anonymous(module: Any, name: str) -> Callable[..., type]:
    """Give cloudpickle's maker of a class, without its search for one of the same identity."""
    make: Callable[..., type] = getattr(module, name)

    def made(*arguments: Any) -> type:
        bases = arguments[0] if name == "_make_skeleton_enum" else arguments[2]
        with _no_init_subclass(bases):
            return make(*arguments[:-2], None, None)

    return made


@contextmanager
def _no_init_subclass(bases: tuple[Any, ...]) -> Iterator[None]:
    """Keep the notebook's ``__init_subclass__`` from running again: its effects were recorded."""
    classes = [cls for base in bases if isinstance(base, type) for cls in live.mro(base)]
    hooks = [
        (cls, live.namespace_of(cls)["__init_subclass__"])
        for cls in dict.fromkeys(classes)
        if "__init_subclass__" in live.namespace_of(cls) and live.is_notebook_class(cls)
    ]
    for cls, _ in hooks:
        type.__setattr__(cls, "__init_subclass__", classmethod(lambda *_, **__: None))
    try:
        yield
    finally:
        for cls, hook in hooks:
            type.__setattr__(cls, "__init_subclass__", hook)


class Variables(Mapping[str, Any]):
    """The variables of a state: name -> value, loaded when asked for.

    ``dict(variables)`` loads all.  What could not be saved is not among the names; asking for it
    raises `NotSaved`, which says why.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        entries = namespace.entries.items()
        self._names = [n for n, e in entries if e.reason is None and not n.startswith("<")]
        self._names.sort()

    @property
    def entries(self) -> dict[str, Entry]:
        """What the manifest says of every variable: name -> entry, unsaved ones included."""
        found = self._namespace.entries.items()
        return {name: entry for name, entry in sorted(found) if not name.startswith("<")}

    @property
    def state(self) -> State:
        """The state whose variables these are."""
        return self._namespace.state

    def __getitem__(self, name: str) -> Any:
        entry = self.entries.get(name)
        if entry is None:
            self._raise_if_excluded(name)
            raise NoSuchVariable(self._nothing(name))
        if entry.reason is not None:
            raise NotSaved(_not_saved(name, entry))
        return self._namespace.load(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        n = self.state.n
        lines = [f"variables after cell {n}, {len(self)} saved (loaded when asked for):"]
        width = max((len(name) for name in self.entries), default=0)
        for name, entry in self.entries.items():
            text = entry.preview if entry.reason is None else f"not saved: {entry.reason}"
            lines.append(f"  {name:{width}}  {entry.type}  {text}")
        return "\n".join(lines)

    def _raise_if_excluded(self, name: str) -> None:
        for pattern in self._namespace.run.about.get("dontsave", ()):
            if fnmatchcase(str(name), pattern):
                raise NotSaved(f"{name} was not saved: the run was told not to save {pattern!r}")

    def _nothing(self, name: str) -> str:
        state = self.state
        near = difflib.get_close_matches(str(name), self._names, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(self._names)}"
        return f"no variable {name!r} after cell {state.n}: {hint}"


def resolve_cell(archive: Varchive, run: str, n: int | str) -> int:
    """Cell number, negative from the end, or a cell's id -> cell number.

    A cell id stands for the last time that cell ran.
    """
    numbers = archive.states(run)
    if isinstance(n, int):
        return numbers[n] if n < 0 and -n <= len(numbers) else n
    for number in reversed(numbers):
        if archive.state(run, number).cell_id == n:
            return number
    from .varchive.errors import NoSuchState

    raise NoSuchState(
        f"no cell with id {n!r} was recorded (recorded: {ranges(numbers)});"
        f" see tmrun show {archive.path}"
    )


def _not_saved(name: str, entry: Entry) -> str:
    return f"{name} ({entry.type}, cell {entry.n}) was not saved: {entry.reason}"


def _python_here() -> str:
    import platform

    return ".".join(platform.python_version_tuple()[:2])
