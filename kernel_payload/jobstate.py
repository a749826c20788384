"""What the state of a cell says that ran in the background.  Pure."""

from __future__ import annotations

from dataclasses import replace

from .jobs import Job, Json
from .varchive import State

_STATUS = {"finished": "ok", "failed": "error"}


def at_end(base: State, state: State, job: Job, status: str, outputs: str) -> State:
    """Give the state at the end of a job.

    Parameters
    ----------
    base, state : State
        That of its spawn; the same, overlaid with what the job did.
    job, status : Job, str
        The job, and how it ended.
    outputs : str
        The digest of what it put out.
    """
    error = job.error and {name: job.error[name] for name in ("ename", "evalue")}
    started = "" if job.started is None else job.started.isoformat(timespec="milliseconds")
    return replace(
        state,
        # its cell may have failed beside it
        status="error" if base.error else _STATUS.get(status, status),
        error=base.error or error,
        started=started or state.started,
        seconds=round(job.seconds or 0.0, 6),
        job=_record_of(job, status),
        outputs=outputs,
    )


def _record_of(job: Job, status: str) -> Json:
    """Give what a state says of its job."""
    return {
        "status": status,
        "name": job.name,
        "cpu_seconds": round(job.cpu_seconds, 3),
        "peak_memory": job.peak_memory,
        "timeout": job.timeout,
        "reason": job.reason,
    }


def joined(first: State, second: State) -> State:
    """Give a state with what was done to the variables in two steps that lead to it."""
    made = (set(first.made) - set(second.deleted)) | set(second.made)
    changed = (set(first.changed) | set(second.changed)) - made - set(second.deleted)
    deleted = (set(first.deleted) - set(second.made)) | (set(second.deleted) - set(first.made))
    touched = {*second.made, *second.changed, *second.deleted}
    back = set(first.deleted) & set(second.made)
    return replace(
        second,
        made=tuple(sorted(made - back)),
        changed=tuple(sorted(changed | back)),
        deleted=tuple(sorted(deleted)),
        unsaved=tuple(sorted((set(first.unsaved) - touched) | set(second.unsaved))),
        bytes=first.bytes + second.bytes,
        withheld=tuple(sorted({*first.withheld, *second.withheld} - {*second.made})),
    )
