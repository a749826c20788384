"""Where the varchive of an interactive session stands: by the notebook, or with the user's data.

Pure, but for looking which files there are, and who started this process.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from .varchive.digest import digest


@dataclass(frozen=True)
class Whereabouts:
    """A place for a varchive: its path, what is told of it, and the notebook's name if known."""

    path: Path
    told: str
    notebook: str | None


def wanted(path: str, environment: Mapping[str, str], namespace: Mapping[str, Any]) -> Whereabouts:
    """Give the place that the user has named."""
    notebook = _notebook(environment, namespace)
    place = Path(path).expanduser().absolute()
    return Whereabouts(place, "as asked", notebook.name if notebook else None)


def beside_notebook(
    environment: Mapping[str, str], namespace: Mapping[str, Any]
) -> Whereabouts | None:
    """Give the place next to the notebook; None when it is not known which that is.

    ::

        /home/ann/study.ipynb --> /home/ann/study.varchive
    """
    notebook = _notebook(environment, namespace)
    if notebook is None:
        return None
    return Whereabouts(notebook.with_suffix(".varchive"), "next to the notebook", notebook.name)


def with_user_data(directory: Path, why: str) -> Whereabouts:
    """Give the place for what runs in a directory, in the user's data directory."""
    # the directory's name for people, and a digest, for there may be many of that name
    name = f"{directory.name or 'root'}-{digest(str(directory).encode())[-8:]}.varchive"
    told = f"in your data directory, since {why}"
    return Whereabouts(user_data_path("tmrun", appauthor=False) / name, told, None)


def _notebook(environment: Mapping[str, str], namespace: Mapping[str, Any]) -> Path | None:
    """Find the notebook's path, as Jupyter Server and VS Code tell it to their kernels."""
    server = environment.get("JPY_SESSION_NAME")
    if server is not None and _is_inherited(server):
        server = None
    for told in (namespace.get("__vsc_ipynb_file__"), server):
        if isinstance(told, str) and told:
            path = Path(told).absolute()
            # consoles have a name, too, but it is no file's
            if path.is_file() or (path.suffix == ".ipynb" and path.parent.is_dir()):
                return path
    return None


def _is_inherited(name: str) -> bool:
    """Whether it names the notebook from which the process was run that started this kernel."""
    import psutil

    try:
        return bool(psutil.Process(os.getppid()).environ().get("JPY_SESSION_NAME") == name)
    except (psutil.Error, OSError):
        return False
