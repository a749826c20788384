"""Why a kernel died: what can still be found out from its exit code, memory, and last words."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

_TAIL_LINES = 12
_TAIL_BYTES = 16_384
_RUNS_CELLS = "/IPython/core/interactiveshell.py"
_SIGNAL_IN_SHELL = 128  # a shell, or a container's init, reports signal 9 as exit code 137

_ADVICE = {
    "SIGSEGV": "a compiled library wrote or read where it must not",
    "SIGBUS": "a compiled library or a truncated memory-mapped file",
    "SIGABRT": "a compiled library gave up",
    "SIGILL": "a library was compiled for another processor",
    "SIGFPE": "an arithmetic error in compiled code",
}


def out_of_memory_kills() -> dict[str, int]:
    """Count the kills for want of memory so far: in this control group, and on this machine.

    Compare two counts, from before and after; what cannot be read is left out.
    """
    counts = {}
    for place, path in _counters().items():
        try:
            lines = path.read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            continue
        fields = (line.split() for line in lines)
        found = [int(field[1]) for field in fields if len(field) == 2 and field[0] == "oom_kill"]
        if found:
            counts[place] = found[0]
    return counts


@dataclass(frozen=True)
class Evidence:
    """What a dead kernel left.

    Attributes
    ----------
    exit_code
        Its exit code, or minus the number of a signal; None if unknown.
    out_of_memory
        Where (see `out_of_memory_kills`) something was killed for want of memory meanwhile.
    fault
        What faulthandler wrote.
    log
        The end of what the process wrote to its stdout and stderr.
    """

    exit_code: int | None
    out_of_memory: tuple[str, ...] = ()
    fault: str = ""
    log: str = ""


def gather(exit_code: int | None, before: dict[str, int], fault: Path, log: Path) -> Evidence:
    """Collect the evidence while it is there.

    Parameters
    ----------
    exit_code
        Of the process.
    before
        What `out_of_memory_kills` gave before the run.
    fault, log
        faulthandler's file and the process's log; either may be missing.
    """
    now = out_of_memory_kills()
    more = tuple(place for place, count in now.items() if count > before.get(place, count))
    return Evidence(exit_code, more, _current_thread(_text(fault)), _tail(_text(log)))


def explain(evidence: Evidence) -> str:
    """Say in a sentence, and with its last words below, why the kernel died."""
    text = _cause(evidence)
    for title, words in (("faulthandler", evidence.fault), ("its log", evidence.log)):
        if words:
            text += f"\n  {title}:" + "".join(f"\n    {line}" for line in words.splitlines())
    return text


def _cause(evidence: Evidence) -> str:
    name = _signal_name(evidence.exit_code)
    if name == "SIGKILL":
        if evidence.out_of_memory:
            return (
                "killed (SIGKILL) because memory ran out, by the count of "
                f"{' and '.join(evidence.out_of_memory)}; use smaller data, or allow it more"
            )
        return "killed (SIGKILL) by another process, a job scheduler, or for want of memory"
    if name is not None:
        advice = _ADVICE.get(name)
        return f"killed by signal {name}" + (f": {advice}" if advice else "")
    if evidence.exit_code is None:
        return "its process is gone, for reasons that it did not leave"
    return f"its process ended with exit code {evidence.exit_code}"


def _signal_name(exit_code: int | None) -> str | None:
    if exit_code is None or 0 <= exit_code <= _SIGNAL_IN_SHELL:
        return None
    number = -exit_code if exit_code < 0 else exit_code - _SIGNAL_IN_SHELL
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"{number}" if exit_code < 0 else None


def _counters() -> dict[str, Path]:
    counters = {"the machine": Path("/proc/vmstat")}
    try:
        groups = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return counters
    for line in groups:
        _, controllers, path = line.split(":", 2)
        inside = path.lstrip("/")
        if controllers == "":
            counters["its control group"] = Path("/sys/fs/cgroup", inside, "memory.events")
        elif controllers == "memory":
            root = Path("/sys/fs/cgroup/memory")
            counters["its memory group"] = root / inside / "memory.oom_control"
    return counters


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()[-_TAIL_BYTES:]
    except OSError:
        return ""
    return data.decode("utf-8", errors="replace").strip()


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-_TAIL_LINES:])


def _current_thread(text: str) -> str:
    """Keep what faulthandler says first, and the thread that did it; a kernel has many."""
    blocks = text.split("\n\n")
    culprits = [block for block in blocks[1:] if block.startswith("Current thread")]
    lines = "\n".join([blocks[0], *culprits[:1]]).splitlines()
    # from there on, it is how every cell is run
    ends = (at for at, line in enumerate(lines) if _RUNS_CELLS in line)
    return "\n".join(lines[: min(next(ends, _TAIL_LINES), _TAIL_LINES)])
