"""State that no variable holds and that changes results: random generators, by entry name."""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Iterator

from .freeze import Frozen
from .reductions import PROTOCOL

RANDOM = "<random>"
NUMPY_RANDOM = "<numpy.random>"


HIDDEN = (RANDOM, NUMPY_RANDOM)


def hidden_state() -> Iterator[tuple[str, Frozen]]:
    """Give entry name and frozen state of each generator that this process has."""
    yield RANDOM, _freeze(random.getstate())
    if mtrand := sys.modules.get("numpy.random.mtrand"):
        yield NUMPY_RANDOM, _freeze(mtrand._rand.get_state())


def _freeze(state: object) -> Frozen:
    return Frozen(memoryview(pickle.dumps([state], PROTOCOL)), [])
