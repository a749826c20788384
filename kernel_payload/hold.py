"""What a session has in the shell: its events, a transformer, settings, magics; and out again.

The shell is the user's, too: what was put there may be gone by now, or stand there twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

log = logging.getLogger("tmrun")

Magics = Mapping[str, tuple[str, Callable[..., Any]]]
"""Name -> kind and function."""


class Hold:
    """A session's hold on a shell.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        Of whose cells it hears.
    before, after : callable
        Called as each cell begins and ends.
    transform : callable
        Transforms the lines of cells.
    settings : traitlets.config.Configurable
        What ``%config`` shows.
    """

    def __init__(
        self,
        shell: Any,
        before: Callable[[Any], None],
        after: Callable[[Any], None],
        transform: Callable[[list[str]], list[str]],
        settings: Any,
    ) -> None:
        self._shell = shell
        self._events = {"pre_run_cell": before, "post_run_cell": after}
        self._lists = (
            (shell.input_transformers_cleanup, transform),
            (shell.configurables, settings),
        )
        self._magics: Magics = {}

    @property
    def hears(self) -> bool:
        """Whether it hears of the ends of cells."""
        return self._events["post_run_cell"] in self._shell.events.callbacks["post_run_cell"]

    def take(self, magics: Magics | None = None) -> None:
        """Be in the shell wherever that is needed, with these magics, or those of before."""
        self._magics = self._magics if magics is None else magics
        for name, call in self._events.items():
            self._shell.events.register(name, call)
        for there, mine in self._lists:
            if mine not in there:
                there.append(mine)
        for name, (kind, magic) in self._magics.items():
            self._shell.register_magic_function(magic, kind, name)

    def ways_out(self) -> Iterable[Callable[[], object]]:
        """Give what is to be done to let go of the shell; each may fail."""
        for name, call in self._events.items():
            yield partial(self._shell.events.unregister, name, call)
        for there, mine in self._lists:
            yield partial(there.remove, mine)
        yield self._remove_magics

    def _remove_magics(self) -> None:
        for name, (_, magic) in self._magics.items():
            for of_kind in self._shell.magics_manager.magics.values():
                if of_kind.get(name) is magic:
                    del of_kind[name]


def do_all(steps: Iterable[Callable[[], object]]) -> None:
    """Do each of these, whatever fails; an interrupt is raised again at the end."""
    interrupt: BaseException | None = None
    for step in steps:
        try:
            step()
        except BaseException as error:  # noqa: BLE001  (the next steps are to be done all the same)
            log.debug("on the way out: %r", error)
            interrupt = interrupt or (error if isinstance(error, KeyboardInterrupt) else None)
    if interrupt is not None:
        raise interrupt
