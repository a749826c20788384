"""The jobs panel: all jobs, live, in one cell; a widget, or a table that is updated in place.

Jobs are told of by three threads, and the front end asks in a fourth: whatever is sent, is made and
sent under a lock, so that what comes last is what is so.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from . import card
from .announcer import Announcer
from .jobs import ENDED, Job, Json
from .telling import sendable
from .varchive.errors import TmrunError
from .widget import Widget, widget

_VIEW = "application/vnd.jupyter.widget-view+json"

# seconds between two looks at what runs: a widget changes a few texts, a table is made anew
_PACE_OF_WIDGET = 0.4
_PACE_OF_TABLE = 0.9
# seconds in which the widget's first word comes, unless the front end has no widgets, or the kernel
# does not listen while a cell runs; until then a table would make the front end draw it anew
_PATIENCE = 5.0


class Panel:
    """A panel of jobs.

    Parameters
    ----------
    announcer : Announcer
        Tells of the jobs, and shows.
    jobs : mapping
        Cell number -> job, as they are at any time.
    go : callable
        Goes back to the state after the cell of this number; what it raises is shown.
    """

    def __init__(
        self, announcer: Announcer, jobs: Mapping[int, Job], go: Callable[[int], object]
    ) -> None:
        self._announcer = announcer
        self._jobs = jobs
        self._go = go
        self._cell: Json = {}
        self._id = f"tmrun-panel-{uuid.uuid4().hex}"
        self._lock = threading.RLock()
        self._widget: Widget | None = None
        self._is_ready = False
        self._views = 0
        self._unfolded: set[int] = set()
        self._last_texts: dict[Job, str] = {}
        self._statuses: list[tuple[int, str]] = []
        self._told = 0.0
        self._timer: threading.Timer | None = None

    def show(self) -> None:
        """Show it in the current cell; one of an earlier run of this cell is closed."""
        announcer = self._announcer
        self._cell = announcer.cell
        for listener in list(announcer.listeners):
            other = getattr(listener, "__self__", None)
            if isinstance(other, Panel) and other._was_of(self._cell):
                other.close()
        if announcer.in_kernel and not announcer.forward:
            self._widget = widget(self._asked, self._lose_widget)
        with self._lock:
            if announcer.in_kernel:
                announcer.listeners.append(self._hear)
            if self._widget is not None:
                self._timer = threading.Timer(_PATIENCE, self._wait_no_longer)
                self._timer.daemon = True
                self._timer.start()
            self._statuses = self._statuses_now()
            self._update_widget()
            announcer.show("display_data", self._bundle())

    def close(self) -> None:
        """Hear of jobs no longer."""
        with self._lock:
            if self._hear in self._announcer.listeners:
                self._announcer.listeners.remove(self._hear)
            self._stop_waiting()
            closed, self._widget = self._widget, None
            if closed is not None:
                closed.close()

    def _was_of(self, cell: Json) -> bool:
        """Whether an earlier run of this cell showed it."""
        ids = [(of.get("metadata") or {}).get("cellId") for of in (cell, self._cell)]
        return ids[0] is not None and ids[0] == ids[1] and cell is not self._cell

    # -- what is told of jobs, in any thread

    def _hear(self, _: Job) -> None:
        with self._lock:
            statuses = self._statuses_now()
            news, self._statuses = statuses != self._statuses, statuses
            now = time.monotonic()
            if not news and now < self._told + self._pace():
                return
            self._told = now
            self._update_widget()
            if not self._is_ready and self._timer is None:
                self._show_anew()

    def _show_anew(self) -> None:
        self._announcer.show_anew(self._bundle(), self._cell)

    def _wait_no_longer(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer = None
                self._show_anew()

    def _stop_waiting(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _pace(self) -> float:
        if not self._is_ready:
            return _PACE_OF_TABLE
        return _PACE_OF_WIDGET if self._views > 0 else float("inf")

    def _all(self) -> dict[int, Job]:
        # one by one: the notebook's thread may put another in the place of one
        return {n: job for n in self._jobs if (job := self._jobs.get(n)) is not None}

    def _statuses_now(self) -> list[tuple[int, str]]:
        return [(n, job.status) for n, job in self._all().items()]

    def _bundle(self) -> Json:
        jobs = self._all()
        text, page = card.text_table(jobs), card.html_table(jobs) if jobs else "no jobs"
        data: Json = {}
        if self._widget is not None and (self._is_ready or self._timer is not None):
            # the table stays as it is once the widget lives, and is what a saved notebook has
            as_of = f"Jobs as of {datetime.now():%Y-%m-%d %H:%M:%S}"
            text, page = f"{as_of}\n{text}", f"<div>{as_of}</div>{page}"
            data[_VIEW] = self._widget.view
        data |= {"text/plain": sendable(text), "text/html": sendable(page)}
        return {"data": data, "metadata": {}, "transient": {"display_id": self._id}}

    # -- the widget

    def _lose_widget(self) -> None:
        """Be a table from now on: the front end knows no widgets, or somebody closed it."""
        with self._lock:
            if self._widget is not None:
                self._widget, self._is_ready = None, False
                self._stop_waiting()
                self._show_anew()

    def _update_widget(self) -> None:
        if self._widget is not None and not self._widget.is_open:
            self._lose_widget()
        if self._widget is not None:
            self._widget.set(jobs=self._rows(), outputs=self._texts())

    def _say(self, text: str) -> None:
        with self._lock:
            if self._widget is not None:
                self._widget.set(message=sendable(text))

    def _rows(self) -> list[Json]:
        return [_sendable(card.facts(job)) for job in self._all().values()]

    def _texts(self) -> dict[str, str]:
        jobs = self._all()
        return {str(n): self._text(jobs[n]) for n in sorted(self._unfolded & jobs.keys())}

    def _text(self, job: Job) -> str:
        if job not in self._last_texts:
            has_ended = job.status in ENDED
            try:
                text = sendable(card.output(job))
            except TmrunError as error:  # its state was cleared
                text = str(error)
            if not has_ended:
                return text
            # read once: it lies in the varchive by now
            self._last_texts[job] = text
        return self._last_texts[job]

    # -- what the front end asks, in the notebook's thread or a subshell's

    def _asked(self, content: Any) -> None:
        asked = content.get("type") if isinstance(content, dict) else None
        try:
            if asked in ("ready", "gone"):
                self._seen(asked)
            elif asked in _QUESTIONS:
                # the same words twice are to be seen twice
                self._say("")
                self._say(_QUESTIONS[asked](self, int(content["n"]), content) or "")
        except Exception as error:  # noqa: BLE001  (shown to who asked)
            self._say(_words(error))

    def _seen(self, what: str) -> None:
        with self._lock:
            self._views = max(0, self._views + (1 if what == "ready" else -1))
            if what == "gone" or self._widget is None:
                return
            is_table, self._is_ready = not self._is_ready and self._timer is None, True
            self._stop_waiting()
            self._update_widget()
            if is_table:
                self._show_anew()

    def _unfold(self, n: int, content: Json) -> None:
        with self._lock:
            (self._unfolded.add if content.get("on") else self._unfolded.discard)(n)
            self._last_texts = {j: t for j, t in self._last_texts.items() if j.n in self._unfolded}
            self._update_widget()

    def _cancel(self, n: int, _: Json) -> str:
        job = self._jobs[n]
        job.cancel()
        return f"{job.title} was asked to end"

    def _go_to(self, n: int, _: Json) -> str:
        # not under the lock: loading takes its time, and jobs go on
        self._announcer.in_thread_of_cells(lambda: self._go(n))
        return f"went to the state after cell {n}"


_QUESTIONS: dict[str, Callable[[Panel, int, Json], str | None]] = {
    "output": Panel._unfold,
    "cancel": Panel._cancel,
    "go": Panel._go_to,
}


def _sendable(facts: Json) -> Json:
    return {k: sendable(v) if isinstance(v, str) else v for k, v in facts.items()}


def _words(error: Exception) -> str:
    # a KeyError's own words are quoted
    text = error.args[0] if type(error) is KeyError and error.args else error
    return str(text) or type(error).__name__
