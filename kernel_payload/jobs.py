"""Jobs as the notebook sees them: what became of each, its outputs and its answer; and all of them.

A job is written to by the thread of the `dispatcher`, and read by the notebook's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, Protocol

from . import card
from .outputs import KINDS, Outputs, Piece
from .varchive.errors import TmrunError

Json = dict[str, Any]

ENDED = ("finished", "failed", "cancelled", "timed out", "died")
"""The statuses of a job that has ended."""


class Job:
    """A cell that runs in the background.

    Attributes
    ----------
    n : int
        Its cell number.
    name : str or None
        From ``--name``.
    timeout : float or None
        Seconds that it may run.
    status : str
        ``waiting`` for a free place, ``running``, ``finished``, ``failed`` (it raised),
        ``cancelled``, ``timed out``, or ``died`` (its worker did).
    error : dict or None
        ``ename``, ``evalue`` and ``traceback`` (lines) of what it raised.
    reason : str or None
        Why it died, or what else is to be known of its end.
    cpu_seconds : float
        Processor time that it took, child processes that have ended included.
    peak_memory : int
        The most bytes of memory that its process had at once.
    """

    def __init__(
        self, n: int, control: Control, name: str | None = None, timeout: float | None = None
    ) -> None:
        self.n = n
        self.name = name
        self.timeout = timeout
        self.status = "waiting"
        self.error: Json | None = None
        self.reason: str | None = None
        self.cpu_seconds = 0.0
        self.peak_memory = 0
        self.started: datetime | None = None
        self.heard = Outputs()
        self.ended = threading.Event()
        self._control = control
        self._began = 0.0
        self._seconds: float | None = None
        self._stored: str | None = None
        self._last: list[str] = []

    # -- for the notebook

    @property
    def seconds(self) -> float | None:
        """How long it has run; None before it does."""
        if self._seconds is not None or not self._began:
            return self._seconds
        return time.monotonic() - self._began

    @property
    def progress(self) -> float | None:
        """How much of its work is done, 0 to 1, as the last lines of its output say; else None.

        Understood are ``45%`` and ``45.5 %``, as progress bars write them, and ``3/7``.
        """
        return card.progress(self.last_lines())

    @property
    def outputs(self) -> list[Json]:
        """What it has put out so far, as nbformat's outputs."""
        return self._outputs().outputs()

    @property
    def pieces(self) -> list[Piece]:
        """The messages that made its outputs, each with the seconds since the job's start."""
        return list(self._outputs().pieces)

    @property
    def output(self) -> str:
        """What it has put out so far, as text: carriage returns obeyed, results and errors too."""
        return self._outputs().text()

    @property
    def result(self) -> Any:
        """Its answer, ``Out[n]``; None when its cell had none.

        Raises
        ------
        TmrunError
            When it has not ended well, or not yet.
        """
        if self.status == "finished":
            return self._control.answer(self)
        mend = "wait for it with job.wait()" if self.status not in ENDED else "see job.output"
        raise TmrunError(f"{self.title} has no result: {self.told}; {mend}")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended, for at most `timeout` seconds; whether it has."""
        self._control.check_can_end(self)
        has_ended = self.ended.wait(timeout)
        self._control.meet()
        return has_ended

    def cancel(self) -> None:
        """Interrupt it, and kill it if that does not end it; it need not have begun."""
        if self.status not in ENDED:
            self._control.cancel(self)

    def replay(self, *, realtime: bool = False) -> None:
        """Show its outputs again, in the current cell.

        Parameters
        ----------
        realtime : bool, default False
            At the pace at which they came.
        """
        outputs = self._outputs()
        if not realtime:
            for output in outputs.outputs():
                self._control.show(output["output_type"], output)
            return
        began = time.monotonic()
        for piece in list(outputs.pieces):
            time.sleep(max(0.0, began + piece.seconds - time.monotonic()))
            self._control.show(piece.kind, piece.content)

    @property
    def title(self) -> str:
        """Its number, and its name if it has one."""
        return f"job {self.n}" + (f" {self.name}" if self.name else "")

    @property
    def told(self) -> str:
        """Its status in words, with its error or reason."""
        if self.error is not None and self.status == "failed":
            error = f"{self.error['ename']}: {self.error['evalue']}"
            return f"failed: {error.strip().splitlines()[0]}"
        return self.status + (f": {self.reason}" if self.reason else "")

    def __repr__(self) -> str:
        return card.text(self)

    def _repr_html_(self) -> str:
        return card.html(self)

    # -- for who runs it

    def begin(self) -> None:
        """Take note that it runs from now on."""
        self.status = "running"
        self.started = datetime.now(timezone.utc)
        self._began = time.monotonic()

    def hear(self, kind: str, content: Json, date: datetime) -> Piece:
        """Take note of a message of its worker's."""
        seconds = (date - (self.started or date)).total_seconds()
        piece = Piece(round(max(0.0, seconds), 3), kind, content)
        if kind in KINDS:
            self.heard.add(piece)
        return piece

    def stop_clock(self) -> None:
        """Take note that its code runs no longer."""
        if self._began and self._seconds is None:
            self._seconds = time.monotonic() - self._began

    def end(self, status: str, stored: str | None) -> None:
        """Take note that it has ended, with everything written; `stored` names its outputs."""
        self.stop_clock()
        self.status = status
        if stored is not None:
            # all that jobs put out must not add up in memory
            self._last, self._stored = self.heard.last_lines(), stored
            self.heard = Outputs()

    def last_lines(self, count: int = 5) -> list[str]:
        """Give the last lines of its output."""
        return (self._last or self.heard.last_lines(count))[-count:]

    def _outputs(self) -> Outputs:
        heard, stored = self.heard, self._stored
        return heard if stored is None else self._control.outputs(self, stored)


class Control(Protocol):
    """What a job asks of the notebook's time machine."""

    def answer(self, job: Job) -> Any:
        """Load its answer."""

    def cancel(self, job: Job) -> None:
        """End it."""

    def check_can_end(self, job: Job) -> None:
        """Refuse to wait for what cannot end."""

    def meet(self) -> None:
        """Give the notebook the answers of what has ended."""

    def outputs(self, job: Job, digest: str) -> Outputs:
        """Read what was stored of its outputs."""

    def show(self, kind: str, content: Json) -> None:
        """Show an output in the current cell."""


class Jobs(Mapping[int, Job]):
    """The jobs of a notebook: cell number -> job."""

    def __init__(self, jobs: Mapping[int, Job]) -> None:
        self._jobs = jobs

    def __getitem__(self, n: int) -> Job:
        try:
            return self._jobs[n]
        except KeyError:
            there = ", ".join(map(str, self._jobs)) or "none"
            raise KeyError(f"cell {n} has no job (jobs: {there})") from None

    def __iter__(self) -> Iterator[int]:
        return iter(list(self._jobs))

    def __len__(self) -> int:
        return len(self._jobs)

    def __repr__(self) -> str:
        return card.text_table(self)

    def _repr_html_(self) -> str:
        return card.html_table(self)

    @property
    def running(self) -> Jobs:
        """Those that run now."""
        return self.only("running")

    @property
    def finished(self) -> Jobs:
        """Those that have ended, however they did."""
        return self.only(*ENDED)

    def only(self, *statuses: str) -> Jobs:
        """Give those with one of these statuses."""
        return Jobs({n: job for n, job in list(self._jobs.items()) if job.status in statuses})
