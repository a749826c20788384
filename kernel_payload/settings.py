"""Settings of a kernel's time machine, as traits: for ``ipython_config.py`` and ``%config``."""

from __future__ import annotations

from typing import Any

from traitlets import Bool, Float, Int, List, Unicode, default, validate
from traitlets.config import Configurable

from .varchive.spread import processors


class TimeMachine(Configurable):
    """How this kernel's time machine works.

    ``c.TimeMachine.threads = 4`` in ``ipython_config.py``, ``%config TimeMachine.threads = 4`` in a
    cell, ``tmrun.hook(threads=4)``, and the options of the command line all set the same.
    """

    threads = Int(min=1, help="How many jobs run at once, at most.").tag(config=True)
    job_timeout = Float(
        None, allow_none=True, help="Seconds that a job may run that says nothing of it."
    ).tag(config=True)
    dontsave = List(Unicode(), help="Patterns of names never to record, such as 'tmp_*'.").tag(
        config=True
    )
    thorough = Bool(False, help="Look at every variable after every cell.").tag(config=True)
    saving = Bool(True, help="Record the variables after each cell.").tag(config=True)
    notify_terminal = Bool(
        True, help="Tell the end of each job in the terminal that Jupyter was started from."
    ).tag(config=True)
    notify_jupyter = Bool(
        False, help="Tell the end of each job in the cell that runs then, or ran last."
    ).tag(config=True)
    varchive = Unicode(
        help="Where the states go; by default a varchive next to the notebook, or in the user's"
        " data directory."
    ).tag(config=True)

    @validate("job_timeout")
    def _limit(self, proposal: Any) -> float | None:
        """Negative or 0 is for no limit, as on the command line."""
        seconds: float | None = proposal["value"]
        return seconds if seconds is not None and seconds > 0 else None

    @default("threads")
    def _processors(self) -> int:
        return processors()
