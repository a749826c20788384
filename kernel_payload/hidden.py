"""State that no variable holds and that changes results: random generators, by entry name."""

from __future__ import annotations

import ctypes
import importlib
import random
import sys
from collections.abc import Iterator
from typing import Any

RANDOM = "<random>"
NUMPY_RANDOM = "<numpy.random>"
TORCH_RANDOM = "<torch.random>"

HIDDEN = (RANDOM, NUMPY_RANDOM, TORCH_RANDOM)


def hidden_state() -> Iterator[tuple[str, Any]]:
    """Give entry name and state of each generator that this process has."""
    yield RANDOM, random.getstate()
    if mtrand := _numpy_random():
        yield NUMPY_RANDOM, mtrand._rand.get_state()
    if torch := _torch():
        yield TORCH_RANDOM, _bytes_of(torch.get_rng_state())


def restore(name: str, state: Any) -> None:
    """Give a generator the state that it had; one that this process does not have is passed over.

    Parameters
    ----------
    name : str
        The entry's name.
    state : object
        What was recorded under it.
    """
    if name == RANDOM:
        random.setstate(state)
    elif name == NUMPY_RANDOM and (mtrand := _numpy_random()):
        mtrand._rand.set_state(state)
    elif name == TORCH_RANDOM and (torch := _torch()):
        torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


def _numpy_random() -> Any:
    # numpy loads it when it is first asked for a random number, which is too late to know the state
    # from which that was drawn
    if getattr(sys.modules.get("numpy"), "__version__", None) is None:
        return None
    try:
        return importlib.import_module("numpy.random.mtrand")
    except Exception:  # noqa: BLE001  (numpy is broken, or being imported by a thread)
        return None


def _torch() -> Any:
    # while torch is being imported it may lack what is asked of it here
    found = sys.modules.get("torch")
    return found if hasattr(found, "set_rng_state") and hasattr(found, "frombuffer") else None


def _bytes_of(state: Any) -> bytes:
    """Give the bytes of torch's state, a tensor on the CPU; numpy may be missing."""
    return ctypes.string_at(state.data_ptr(), state.numel())
