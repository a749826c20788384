"""Virtual environments for peers, one for each, made when first asked for."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

# what runs the cells, and what they use: of the same version as here, so that the plain kernel
# of this environment is the floor of all
BESIDE = ("ipykernel", "numpy", "pandas")


def interpreter(folder: Path, name: str, requirements: Sequence[str]) -> Path:
    """Give the interpreter of an environment that has these requirements; make what is missing.

    Parameters
    ----------
    folder : Path
        Where the environments are.
    name : str
        Of the peer.
    requirements : sequence of str
        As pip takes them, pinned.

    Raises
    ------
    subprocess.CalledProcessError
        When pip cannot install them.
    """
    pins = [*requirements, *(f"{package}=={version(package)}" for package in BESIDE)]
    # other pins or another Python are another environment
    key = hashlib.sha256("\n".join([*pins, sys.version]).encode()).hexdigest()[:8]
    place = folder / f"{name}-{key}"
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        print(f"making an environment for {name}: {place}", file=sys.stderr, flush=True)
        venv.create(place, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", *pins], check=True)
        (place / "complete").touch()
    return python
