"""The record of a run, from outside the kernel: begun, followed, finished, and its end written.

The payload in the kernel does the recording; where no record is asked for, nothing here acts.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from kernel_payload.injection import Request, command, injection
from kernel_payload.injection import answer as answer_of
from kernel_payload.varchive import Varchive
from kernel_payload.varchive.archive import new_run_id
from kernel_payload.varchive.errors import TmrunError

from .bundle import text as payload
from .parameters import plain
from .report import Warned

if TYPE_CHECKING:
    from pathlib import Path

    from .kernel import Kernel
    from .plan import Plan
    from .report import Notify

Json = dict[str, Any]


class Recording:
    """The record of one run.

    Attributes
    ----------
    run
        The run's id; None without a record, and where none can be written.
    missing
        Why the record is not complete; None as long as it is.
    """

    def __init__(self, plan: Plan, notify: Notify) -> None:
        self._plan = plan
        self._notify = notify
        self._begun = False
        self._unwanted = False  # a cell has ended the recording
        self.run = None if plan.varchive is None else new_run_id()
        self.missing: str | None = None

    def request(self, fault_file: Path, version: str) -> Request | None:
        """Make the request that loads the payload; None without a record.

        Parameters
        ----------
        fault_file
            Where faulthandler writes, should the kernel crash.
        version
            tmrun's own.
        """
        if self._plan.varchive is None:
            return None
        settings = {
            "varchive": str(self._plan.varchive.absolute()),
            "run": self.run,
            "about": {
                "notebook": self._plan.name,
                "parameters": plain(dict(self._plan.parameters)),
                "tmrun": version,
            },
            "forward_jobs": True,
            "fault_file": str(fault_file),
        }
        return injection(payload(), "hook", settings | self._said())

    def _said(self) -> Json:
        """Give the settings that were said; the kernel's configuration says the others."""
        plan = self._plan
        settings = {
            # with none, it is we who wait for each job
            "threads": None if plan.threads is None else max(1, plan.threads),
            "job_timeout": plan.job_timeout,
            "dontsave": list(plan.dontsave) or None,
            "thorough": plan.thorough or None,
        }
        return {name: value for name, value in settings.items() if value is not None}

    async def begin(self, kernel: Kernel, request: Request | None) -> Json:
        """Send that request to a kernel that is ready; what the kernel answers about itself."""
        if request is None:
            return {}
        answer = answer_of(await kernel.silent(*request))
        if answer.get("stopped") is not None:
            self.run = None
            self._lack(f"recording stopped: {answer['stopped']}")
            return answer
        self._begun = True
        return answer

    def heard(self, state: Json | None, n: int | None) -> None:
        """Take note of what the payload said after cell `n`; None: it said nothing."""
        if self.run is None:
            return
        if state is None:
            if not self._unwanted:
                self._lack(f"cell {n} was not recorded")
            return
        self._unwanted = bool(state.get("for_good"))
        if state.get("stopped") is not None:
            self._lack(f"recording stopped: {state['stopped']}")

    def heard_of_job(self, n: int | None, content: Json) -> None:
        """Take note of what the payload said when the job of cell `n` ended."""
        if self.run is not None and content.get("stopped") is not None:
            self._lack(f"the job of cell {n} is not recorded: {content['stopped']}")

    async def finish(self, kernel: Kernel) -> None:
        """Have everything written that is not yet on disk."""
        if not self._begun:
            return
        try:
            answer = answer_of(await kernel.silent(*command("finish")))
        except TmrunError as error:
            self._lack(f"the end of the record may be missing: {error}")
            return
        if answer.get("stopped") is not None:
            self._lack(f"recording stopped: {answer['stopped']}")

    def lost(self, reason: str) -> None:
        """Take note that the kernel is gone before it could finish the record."""
        if self._begun and self.missing is None:
            self.missing = reason

    def end(self, status: str, seconds: float, reason: str | None) -> None:
        """Say in the varchive how the run ended; the kernel must be gone."""
        if not self._begun or self._plan.varchive is None or self.run is None:
            return
        ended = datetime.now(timezone.utc).isoformat(timespec="seconds")
        end = {
            "status": status,
            "ended": ended,
            "seconds": seconds,
            "complete": self.missing is None,
            "reason": "; ".join(filter(None, (self.missing, reason))) or None,
        }
        try:
            Varchive.at(self._plan.varchive).end_run(self.run, end)
        except (OSError, TmrunError) as error:
            self._lack(f"the end of the run could not be recorded: {error}")

    def _lack(self, reason: str) -> None:
        if self.missing is None:
            self.missing = reason
            self._notify(Warned(f"{reason}; the record is incomplete"))
