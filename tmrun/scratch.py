"""Where the outputs of checks are kept until the next check of the same notebook."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import tempfile
from pathlib import Path


def scratch(top: Path, stem: str, key: str) -> Path:
    """Make an empty directory for a notebook, and remove those of processes that have ended.

    Parameters
    ----------
    top : Path
        Where to.
    stem, key : str
        The notebook's name, and what tells it from others of this name.
    """
    # two notebooks may have one name, and two processes one notebook
    name = f"{stem}-{hashlib.blake2b(key.encode(), digest_size=3).hexdigest()}"
    for left in top.glob(f"{glob.escape(name)}-*"):
        if not _lives(left.name.rpartition("-")[2]):
            shutil.rmtree(left, ignore_errors=True)
    into = top / f"{name}-{os.getpid()}"
    into.mkdir(parents=True, exist_ok=True)
    return into


def temporary_top() -> Path:
    """Give a directory of this user's own for temporary files."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    top = Path(tempfile.gettempdir()) / f"tmrun-check-{user}"
    try:
        top.mkdir(mode=0o700, exist_ok=True)
        if not top.is_symlink() and top.stat().st_uid == user:
            return top
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="tmrun-check-"))


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:  # another user's
        pass
    return int(pid) != os.getpid()
