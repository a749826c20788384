"""How each recorder gets into a kernel: tmrun as the orchestrator does it, and its peers.

A peer that failed would look fast, for IPython only prints what a callback raises: each recorder
also tells how many states it has, and that is held against the cells that ran.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import nbformat
from stalls import Kernel

import tmrun
from kernel_payload.injection import answer, injection
from kernel_payload.varchive.archive import new_run_id

# in a module of its own: what the notebook's own variables hold would be recorded
PEER = """\
import sys, types
peer = types.ModuleType("tmrun_benchmark_peer")
peer.states, peer.kept = 0, []
sys.modules[peer.__name__] = peer
shell = get_ipython()

def variables():
    return {
        name: value for name, value in shell.user_ns.items()
        if name[0] != "_" and name not in shell.user_ns_hidden
        and not isinstance(value, types.ModuleType)
    }

def after_cell(result):
    path = f"FOLDER/{peer.states}"
    SAVE
    peer.states += 1

shell.events.register("post_run_cell", after_cell)
"""


@dataclass(frozen=True)
class Recorder:
    """One way to record a kernel.

    Parameters
    ----------
    attach : callable
        Have it record a kernel from now on.
    states : callable
        Kernel -> the number of states that it has of it.
    requirements : tuple of str
        What its environment needs besides what the cells use; none: it runs in ours.
    """

    attach: Callable[[Kernel], None]
    states: Callable[[Kernel], int]
    requirements: tuple[str, ...] = ()


def attach_tmrun(kernel: Kernel) -> None:
    """Send the request that the orchestrator sends."""
    settings = {"varchive": str(kernel.record / "of.varchive"), "run": new_run_id()}
    code, expressions = injection("", "hook", {**settings, "forward_jobs": True})
    request = kernel.client.execute(code, silent=True, user_expressions=expressions)
    answer(kernel.reply(request))


def states_of_tmrun(kernel: Kernel) -> int:
    """Count them in the varchive."""
    return len(tmrun.open(kernel.record / "of.varchive").states())


def attach_kishu(kernel: Kernel) -> None:
    """Call what its users call, with a notebook's path in place of a notebook server's answer."""
    path = kernel.record / "notebook.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), path)
    kernel.request(f"__import__('kishu').init_kishu({str(path)!r})", {})


def states_of_kishu(kernel: Kernel) -> int:
    """Count its commits."""
    with closing(sqlite3.connect(kernel.record / "notebook.kishudb")) as database:
        return int(database.execute("select count(*) from commit_entry").fetchone()[0])


def attach_peer(save: str, kernel: Kernel) -> None:
    """Have a kernel run code after every cell that saves ``variables()`` at ``path``."""
    code = PEER.replace("FOLDER", str(kernel.record)).replace("SAVE", save)
    kernel.request(f"exec({code!r}, {{'get_ipython': get_ipython}})", {})


def states_of_peer(kernel: Kernel) -> int:
    """Ask the kernel how often that was done to the end."""
    return int(kernel.ask("__import__('sys').modules['tmrun_benchmark_peer'].states"))


TMRUN = Recorder(attach_tmrun, states_of_tmrun)
PEERS = {
    "kishu": Recorder(attach_kishu, states_of_kishu, ("kishu==0.3.4",)),
    "dill": Recorder(
        partial(attach_peer, "import dill; dill.dump_module(path)"),
        states_of_peer,
        ("dill==0.4.1",),
    ),
    # all copies stay in memory, as in IJuliaTimeMachine
    "deepcopy": Recorder(
        partial(attach_peer, "import copy; peer.kept.append(copy.deepcopy(variables()))"),
        states_of_peer,
    ),
    "joblib": Recorder(
        partial(attach_peer, "import joblib; joblib.dump(variables(), path)"),
        states_of_peer,
        ("joblib==1.6.0",),
    ),
}
