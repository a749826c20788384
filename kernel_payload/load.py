"""The bytes of a group -> its values: pickle's loader, and what stands in for the notebook in it.

What a stream names as the notebook's own (its namespace, a class that another group holds) the
loader finds in the state that it loads from.
"""

from __future__ import annotations

import io
import pickle
import platform
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial, reduce
from typing import Any

from . import _cloudpickle as cloud
from . import live, rebuild, refill
from .plain import decode
from .varchive import PLAIN, Entry, Group, Place, Run, State, Varchive
from .varchive.archive import MISREAD
from .varchive.errors import CannotLoad, Damaged, NotSaved, TmrunError
from .varchive.group import Memory

OUT = "<out>"

_SKELETONS = ("_make_skeleton_class", "_make_skeleton_enum")
_CLOUDPICKLE = (f"{__package__}._cloudpickle", "cloudpickle.cloudpickle")


class Loader:
    """Loads the groups of one state.

    Parameters
    ----------
    archive, run, state : Varchive, Run, State
        What to load from.
    values : dict
        Takes what was loaded, and is asked first: name -> value.
    scope : dict
        The globals of the functions that are loaded.

    Attributes
    ----------
    entries : dict
        Name -> entry of all that the state holds.
    """

    def __init__(
        self,
        archive: Varchive,
        run: Run,
        state: State,
        values: MutableMapping[str, Any],
        scope: dict[str, Any],
    ) -> None:
        self.archive = archive
        self.run = run
        self.state = state
        self.entries = archive.entries(state)
        self.values = values
        self.scope = scope
        self._loading: set[Place] = set()
        self._read: dict[Place, tuple[Group, list[Memory]]] = {}

    def load(self, name: str) -> Any:
        """Give a variable, or a class by its entry's name; its whole group is loaded."""
        if name not in self.values:
            entry = self.entries[name]
            if entry.plain is not None:
                return self._decode(name, entry)
            if entry.place is None:
                raise CannotLoad(not_saved(name, entry))
            self.load_group(entry.place)
            if name not in self.values:
                raise Damaged(f"the group of {name} does not hold it; restore it from a copy")
        return self.values[name]

    def load_answer(self) -> Any:
        """Give ``Out[n]`` of the state; None when the cell had none."""
        answer = self.state.answer
        if isinstance(answer, str):
            return self.load(answer)
        if answer is None or OUT in self.values:
            return self.values.get(OUT)
        if answer.plain is not None:
            return self._decode(OUT, answer)
        if answer.reason is not None or answer.place is None:
            raise NotSaved(not_saved(f"Out[{self.state.n}]", answer))
        self.load_group(answer.place)
        return self.values[OUT]

    def _decode(self, name: str, entry: Entry) -> Any:
        try:
            value = decode(entry.plain)
        except MISREAD as error:
            raise Damaged(f"what is kept of {name} is no plain data ({error!r})") from None
        return self.values.setdefault(name, value)

    def read(self, place: Place) -> None:
        """Read and verify all bytes of a group, for a `load_group` to come."""
        group = self.archive.group(place)
        self._read[place] = (
            group,
            [group.read(part, self.archive.store.get_into) for part in group.parts],
        )

    def load_group(self, place: Place) -> None:
        """Load the values of a group.

        Raises
        ------
        CannotLoad
            With what their own code raised.
        Damaged
            When the bytes are not what was stored.
        """
        if self.run.about.get(PLAIN):
            # it was not asked whether its writer is trusted
            raise Damaged(f"{self.archive.path} is to hold plain data only; restore it from a copy")
        if place in self._loading:
            group = self.archive.group(place)
            raise CannotLoad(
                f"the group of {', '.join(group.members)} needs itself; please report it"
            )
        if place not in self._read:
            self.read(place)
        group, parts = self._read.pop(place)
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
            if name == OUT or (name in self.entries and self.entries[name].place == place):
                self.values.setdefault(name, value)

    # -- what streams ask for

    def by_name(self, name: str) -> Any:
        """Give what pickle finds in ``__main__``: that of the notebook, not of this process."""
        return self.scope[name]

    def make_class(self, make: Callable[..., type], arguments: tuple[Any, ...]) -> type:
        """Make a class of the notebook that has its contents still to come.

        The last but one of the arguments is the name of its entry.
        """
        # without them, cloudpickle does not search for a class of the same identity
        bases = arguments[2] if make is cloud._make_skeleton_class else arguments[0]
        with _no_init_subclass(bases):
            return make(*arguments[:-2], None, None)

    def fill_class(self, fill: Callable[..., Any], cls: type, state: Any) -> Any:
        """Give a class of the notebook its contents."""
        if fill is rebuild.set_enum:
            return fill(cls, state)
        # cloudpickle's own way would run a metaclass's __setattr__
        refill.fill(cls, state[0])
        return cls

    def _explain(self, members: tuple[str, ...], error: Exception) -> str:
        names = ", ".join(name.strip("<>") for name in members)
        text = (
            f"{names} of cell {self.state.n} cannot be loaded here: {type(error).__name__}: {error}"
        )
        if isinstance(error, ImportError):
            return f"{text}; install what the notebook had"
        here, there = platform.python_version_tuple()[:2], str(self.run.about.get("python", "?"))
        if list(here) != there.split(".")[:2]:
            return (
                f"{text}; it was recorded by Python {there}, this is {'.'.join(here)}:"
                " load it with that one"
            )
        return f"{text}; see tmrun show {self.archive.path} {self.state.n}"


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, buffers: list[Memory], loader: Loader) -> None:
        super().__init__(file, buffers=buffers)
        self._loader = loader
        self._stand_ins = {
            (rebuild, "namespace"): lambda: loader.scope,
            (rebuild, "notebook_class"): loader.load,
            (rebuild, "set_enum"): partial(loader.fill_class, rebuild.set_enum),
            (cloud, "_class_setstate"): partial(loader.fill_class, cloud._class_setstate),
            **{(cloud, name): _maker(loader, name) for name in _SKELETONS},
        }

    def find_class(self, module: str, name: str) -> Any:
        if module == "__main__":
            first, *rest = name.split(".")
            return reduce(getattr, rest, self._loader.by_name(first))
        home = rebuild if module == rebuild.__name__ else cloud if module in _CLOUDPICKLE else None
        if home is None:
            return super().find_class(module, name)
        return self._stand_ins.get((home, name)) or getattr(home, name)


def _maker(loader: Loader, name: str) -> Callable[..., type]:
    return lambda *arguments: loader.make_class(getattr(cloud, name), arguments)


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


def not_saved(name: str, entry: Entry) -> str:
    """Say of a variable that it was not saved, and why."""
    return f"{name} ({entry.type}, cell {entry.n}) was not saved: {entry.reason}"
