"""Recording at the wish of who works in a notebook: begun, paused, ended from its cells.

Nothing is written before the first cell runs: a kernel whose configuration loads the extension may
be one that is to run a job, or that the orchestrator is about to record.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from . import whereabouts
from .commands import (
    SETTINGS,
    adopt,
    current,
    is_refused,
    jobs,
    make_session,
    make_settings,
    rest,
    resting,
    shell_of_this_kernel,
)
from .settings import TimeMachine
from .shell import Session
from .varchive.archive import new_run_id
from .varchive.errors import NotAVarchive, TmrunError
from .whereabouts import Whereabouts

log = logging.getLogger("tmrun")

_awaiting: _Awaiting | None = None


def begin(given: dict[str, Any], about: dict[str, Any]) -> None:
    """Start recording in this kernel, or take it up again.

    Where it is recorded already, the settings are added to those that it has; what was said on the
    command line stays.

    Parameters
    ----------
    given : dict
        Settings.
    about : dict
        What is to be known of the run beside what is known of the kernel.

    Raises
    ------
    TmrunError
        When this is no IPython kernel.
    UsageError
        For a setting that there is not.
    """
    global _awaiting  # noqa: PLW0603  (one kernel, one recording)
    shell = shell_of_this_kernel()
    if shell is None:
        raise TmrunError(
            "there are no cells to record here: in a notebook say %load_ext tmrun; to run a"
            " notebook and record it, say tmrun NOTEBOOK"
        )
    given = {**given}
    if isinstance(one := given.get("dontsave"), str):
        given["dontsave"] = [one]
    if path := given.get("varchive"):
        given["varchive"] = str(Path(path).expanduser().absolute())
    settings = make_settings(shell, given)
    if (session := current()) is not None:
        if not session.is_worker:
            session.hold_on()
            _adjust(session, given)
        return
    if is_refused():
        return
    leave_off_waiting()
    awaiting = _Awaiting(shell, settings, given, about)
    result = shell.displayhook.exec_result
    if result is not None and result.info.store_history:
        awaiting.start(result.info, result.execution_count)
    else:
        # nobody would read what is told now
        _awaiting = awaiting
        shell.events.register("pre_run_cell", awaiting)


def leave_off_waiting() -> None:
    """Do not begin with the next cell after all."""
    global _awaiting
    awaiting, _awaiting = _awaiting, None
    if awaiting is not None:
        awaiting.shell.events.unregister("pre_run_cell", awaiting)


class _Awaiting:
    """What begins to record with the next cell."""

    def __init__(
        self, shell: Any, settings: TimeMachine, given: dict[str, Any], about: dict[str, Any]
    ) -> None:
        self.shell = shell
        self._settings = settings
        self._given = given
        self._about = about

    def __call__(self, info: Any) -> None:
        """A cell begins to run."""
        if not info.store_history:
            return
        leave_off_waiting()
        if current() is not None:
            return  # the orchestrator's, or a job's
        try:
            self.start(info, None)
        except Exception as error:
            log.error("recording could not begin", exc_info=error)
            print(f"tmrun: nothing is recorded: {error}", file=sys.stderr)

    def start(self, info: Any, n: int | None) -> None:
        """Begin to record, in this cell."""
        session, place = resting(), None
        if session is not None and self._is_fit(session):
            _adjust(session, self._given)
            session.recorder.archive.resume_run(session.recorder.run)
            # its states may have been cleared meanwhile
            session.recorder.begin_anew()
        else:
            old = session
            if old is not None:
                _carry_over(old, self._settings, self._given)
            session, place = _begin_run(self.shell, self._settings, self._about)
            if old is not None:
                # not before: should that fail, it can still be taken up again
                old.recorder.close()
        adopt(session)
        session.enter(info, n)
        _follow(session)
        if place is not None:
            _tell(session, place)

    def _is_fit(self, session: Session) -> bool:
        """Whether a session can be taken up again, as is wished now."""
        wanted = None if session.is_orchestrated else self._given.get("varchive")
        same = wanted in (None, session.settings.varchive)
        return same and session.recorder.stopped is None


def _begin_run(
    shell: Any, settings: TimeMachine, about: dict[str, Any]
) -> tuple[Session, Whereabouts]:
    """Begin a run in the first place where that can be done."""
    environment, namespace = os.environ, shell.user_ns
    if settings.varchive:
        places = [whereabouts.wanted(settings.varchive, environment, namespace)]
    else:
        beside = whereabouts.beside_notebook(environment, namespace)
        why = "the notebook's path is not known here"
        if beside is not None:
            why = f"{beside.path} cannot be written"
        places = [beside] if beside is not None else []
        places.append(whereabouts.with_user_data(Path.cwd(), why))
    for place in places:
        settings.varchive = str(place.path)
        known = {**about, "notebook": place.notebook}
        try:
            return make_session(shell, settings, new_run_id(), known), place
        except (OSError, NotAVarchive) as error:
            failure = error
    raise TmrunError(f"no varchive can be written: {failure}; give a place: varchive='…'")


def _carry_over(old: Session, settings: TimeMachine, given: dict[str, Any]) -> None:
    """Have settings go on that this kernel had before.

    Raises
    ------
    TmrunError
        When that was the orchestrator's, which knows of no other.
    """
    if old.is_orchestrated:
        raise TmrunError(f"this run can no longer be recorded: {old.recorder.stopped}")
    for name in SETTINGS:
        if name not in given and name != "varchive":
            setattr(settings, name, getattr(old.settings, name))


def _adjust(session: Session, given: dict[str, Any]) -> None:
    settings = session.settings
    said = session.said
    for name, value in given.items():
        if name == "dontsave":
            settings.dontsave = list(dict.fromkeys([*settings.dontsave, *value]))
        elif name not in said and not (name == "varchive" and session.is_orchestrated):
            setattr(settings, name, value)


def _tell(session: Session, place: Whereabouts) -> None:
    earlier = len(session.recorder.archive.runs()) - 1
    runs = f"; earlier runs there: {earlier}, see tmrun.runs" if earlier else ""
    print(f"tmrun records the variables after each cell in {place.path} ({place.told}){runs}")


# -- its end

_ends: dict[str, tuple[int, float]] = {}


def _follow(session: Session) -> None:
    """Have the end of a run written when this process ends, unless the orchestrator does."""
    run = session.recorder.run
    if run not in _ends and not session.is_orchestrated:
        _ends[run] = os.getpid(), time.monotonic()
        atexit.register(_at_exit, session)


def _at_exit(session: Session) -> None:
    if _ends[session.recorder.run][0] != os.getpid():
        return  # a forked child is not what is recorded
    if current() is session:
        rest()
        _write_end(session)
        session.recorder.close()


def _write_end(session: Session) -> None:
    status = session.status()
    end = {
        "status": "ended",
        "ended": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - _ends[session.recorder.run][1], 3),
        "complete": status["stopped"] is None,
        "reason": status["stopped"],
    }
    try:
        session.recorder.archive.end_run(session.recorder.run, end)
    except OSError as error:
        log.error("the end of the run could not be written", exc_info=error)


def end() -> None:
    """Stop recording in this kernel; `begin` takes it up again.  Jobs that run are cancelled."""
    leave_off_waiting()
    if (session := current()) is None:
        return
    session.require_notebook()
    # or %load_ext would take it for loaded
    session.shell.extension_manager.loaded.discard("tmrun")
    going = [job.title for job in jobs().values() if not job.ended.is_set()]
    session.tell_of_rest()
    rest()
    if session.recorder.run in _ends:
        _write_end(session)
    lost = f"; cancelled: {', '.join(going)}" if going else ""
    print(f"tmrun has stopped recording{lost}; tmrun.hook() takes it up again")
