"""This kernel's session: begun, ended, and asked by requests from outside."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from traitlets import TraitError
from traitlets.config import Config

from .injection import NO_RECORD, importable
from .magics import magics_of
from .names import is_variable
from .recorder import Recorder
from .settings import TimeMachine
from .shell import Session
from .telling import about_this_kernel
from .varchive import Varchive
from .varchive.errors import TmrunError, UsageError

if TYPE_CHECKING:
    from .jobs import Jobs

_session: Session | None = None
_resting: Session | None = None  # one that may be taken up again
_stopped: str | None = None  # why this kernel is not recorded although it was to be

SETTINGS = tuple(TimeMachine.class_trait_names(config=True))
"""The names of the settings."""


def hook(given: dict[str, Any]) -> dict[str, Any]:
    """Start recording in this kernel, for the orchestrator.

    Parameters
    ----------
    given : dict
        ``varchive`` (absolute path), ``run`` (id), ``about`` (what is known of the run),
        ``forward_jobs``, ``fault_file`` (as for `Session`), and settings.

    Returns
    -------
    dict
        The run's id and what is known of this kernel.

    Raises
    ------
    TmrunError
        When this is no IPython kernel.
    """
    global _stopped  # noqa: PLW0603  (one kernel, one time machine)
    shell = shell_of_this_kernel()
    if shell is None:
        raise TmrunError("this kernel is no IPython kernel; run it with --no-record")
    said = {name: given[name] for name in SETTINGS if name in given}
    settings = make_settings(shell, said)
    told = {"run": given["run"], **about_this_kernel()}
    options = {"forward": given.get("forward_jobs", False), "fault_file": given.get("fault_file")}
    options["said"] = said
    try:
        session = make_session(shell, settings, given["run"], given.get("about", {}), **options)
    except OSError as error:
        # the notebook goes on without a record, and who asked for one is told
        _stopped = f"the varchive cannot be written: {error}"
        return {**told, "stopped": _stopped}
    adopt(session)
    return told


def make_settings(shell: Any, given: Mapping[str, Any]) -> TimeMachine:
    """Make the settings of a kernel: those given go before those of its configuration files.

    Raises
    ------
    UsageError
        For one that there is not, or a value that it cannot have.
    """
    if unknown := [name for name in given if name not in SETTINGS]:
        raise UsageError(f"there is no setting {unknown[0]!r}; there are {', '.join(SETTINGS)}")
    settings = _configured(shell, given)
    try:
        for name, value in given.items():
            # what one place wishes not to be saved, no other can have saved
            before = settings.dontsave if name == "dontsave" else None
            setattr(settings, name, value)
            if before is not None:
                settings.dontsave = [*before, *settings.dontsave]
    except TraitError as error:
        raise UsageError(str(error)) from None
    return settings


def _configured(shell: Any, given: Mapping[str, Any]) -> TimeMachine:
    """Make the settings of the configuration; what it cannot have is told and passed over."""
    try:
        return TimeMachine(parent=shell)
    except TraitError:
        settings, section = TimeMachine(), shell.config["TimeMachine"]
    for name in section:
        try:
            one = TimeMachine(config=Config({"TimeMachine": {name: section[name]}}))
            if name in SETTINGS:
                setattr(settings, name, getattr(one, name))
        except TraitError as error:
            if name not in given:
                print(f"tmrun: the configuration cannot be followed: {error}", file=sys.stderr)
    return settings


def make_session(
    shell: Any, settings: TimeMachine, run: str, about: dict[str, Any], **options: Any
) -> Session:
    """Begin a run in the varchive of the settings; options as for `Session`.

    What the kernel's last session withheld is withheld from now on, too.

    Raises
    ------
    OSError, NotAVarchive
        When the varchive cannot be written.
    """
    archive = Varchive.create(settings.varchive)
    about = {**about, "dontsave": list(settings.dontsave), **about_this_kernel()}
    archive.begin_run(run, about)
    is_public = partial(is_variable, shell)
    recorder = Recorder(archive, run, shell.user_ns, is_public, settings.dontsave)
    if _resting is not None:
        recorder.dontsave.take_over(_resting.recorder.dontsave)
    return Session(shell, recorder, settings, **options)


def adopt(session: Session) -> None:
    """Make a session that of this kernel."""
    global _session, _resting
    if _session is not None:
        finish()
    session.hook(magics_of(session))
    _session, _resting = session, None


def current() -> Session | None:
    """Give this kernel's session; None when it is not recorded."""
    return _session


def session_of_this_kernel(*, or_resting: bool = False) -> Session:
    """Give this kernel's session.

    Parameters
    ----------
    or_resting : bool, default False
        One that has been ended will do, too.

    Raises
    ------
    TmrunError
        When there is none.
    """
    if _session is not None:
        return _session
    if _resting is None:
        raise TmrunError(
            "this kernel is not recorded: say %load_ext tmrun in a cell, or run the notebook with"
            " tmrun NOTEBOOK; for what was recorded elsewhere, give its path: tmrun.vars(path, n)"
        )
    if not or_resting:
        raise TmrunError("this kernel is no longer recorded: tmrun.hook() takes it up again")
    return _resting


def is_refused() -> bool:
    """Whether this kernel is not to be recorded: the orchestrator says so, or could not do it."""
    return _stopped is not None or NO_RECORD in os.environ


def rest() -> Session:
    """Stop recording in this kernel, so that it can be taken up again; give the session."""
    global _session, _resting
    session = session_of_this_kernel()
    _session, _resting = None, session
    session.unhook()
    return session


def resting() -> Session | None:
    """Give the session that can be taken up again, if there is one."""
    return _resting


def finish() -> dict[str, Any]:
    """Stop recording in this kernel for good; give how it went."""
    global _session, _resting
    session, _session, _resting = _session or _resting, None, None
    if session is None:
        return _not_recorded()
    session.unhook()
    session.recorder.close()
    return session.status()


def status() -> dict[str, Any]:
    """Give how recording goes in this kernel."""
    session = _session or _resting
    return _not_recorded() if session is None else session.status()


def cancel_jobs() -> dict[str, Any]:
    """Cancel all jobs that have not ended."""
    for job in jobs().values():
        job.cancel()
    return {}


def jobs() -> Jobs:
    """Give the notebook's jobs."""
    with importable():
        from .jobs import Jobs

    session = _session or _resting
    if session is None or not session.jobs.exist:
        return Jobs({})
    return session.jobs.spawner.jobs


def shell_of_this_kernel() -> Any:
    """Give IPython's shell; None where there is none."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _not_recorded() -> dict[str, Any]:
    if _stopped is None:
        raise TmrunError("this kernel is not recorded")
    return {"states": 0, "bytes": 0, "stopped": _stopped}
