"""The payload -> one silent execute request that loads it into a kernel, and what it answers.

The orchestrator loads it so into the notebook's kernel, and that one into the workers of its jobs.
Where the kernel finds the very files that the sender uses, it imports those, compiled; else the
payload travels as text, so the kernel may live in another environment, with another Python. Nothing
stays behind but modules: not in ``sys.path``, ``sys.meta_path``, ``In`` or ``Out``.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .varchive.errors import TmrunError

NO_RECORD = "TMRUN_NO_RECORD"
"""In the environment of a kernel that is not to be recorded, whatever its cells or files say."""

shipped: str | None = None
"""The text by which this payload came; None when it was imported from files."""

finder: Any = None
"""What imports its modules then."""

Request = tuple[str, dict[str, str]]

# Runs in the kernel, in a namespace of its own.
_BOOTSTRAP = """
import sys

def _same_files(path):
    from importlib.machinery import PathFinder
    spec = PathFinder.find_spec("kernel_payload")
    return spec is not None and spec.origin == path and PathFinder.find_spec("xxhash") and (
        PathFinder.find_spec("cloudpickle"))

def _load(text):
    import base64, io, zipfile
    from importlib.abc import Loader, MetaPathFinder
    from importlib.util import spec_from_loader
    archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(text)))
    files = {name: archive.read(name) for name in archive.namelist()}

    class Shipped(MetaPathFinder, Loader):
        def find_spec(self, name, path=None, target=None):
            stem = name.replace(".", "/")
            for file, package in ((stem + ".py", False), (stem + "/__init__.py", True)):
                if file in files:
                    origin = "<tmrun>/" + file
                    return spec_from_loader(name, self, origin=origin, is_package=package)
        def exec_module(self, module):
            spec = module.__spec__
            exec(compile(files[spec.origin[8:]], spec.origin, "exec"), module.__dict__)

    finder = Shipped()
    sys.meta_path.insert(0, finder)
    try:
        import kernel_payload.door
    finally:
        sys.meta_path.remove(finder)
    injection = sys.modules["kernel_payload.injection"]
    injection.shipped, injection.finder = text, finder

def _leave_to_us():
    # a configuration file may have loaded the tmrun of this environment, which is not the sender's
    there = sys.modules.get("kernel_payload")
    if there is None or getattr(there, "__file__", None) == PATH:
        return
    waiting = sys.modules.get("kernel_payload.interactive")
    if waiting is not None:
        waiting.leave_off_waiting()
    for name in list(sys.modules):
        if name.partition(".")[0] in ("kernel_payload", "tmrun"):
            del sys.modules[name]

if SYS_PATH is not None:
    sys.path[:] = SYS_PATH
_leave_to_us()
if "kernel_payload.door" not in sys.modules:
    if _same_files(PATH):
        import kernel_payload.door
    else:
        _load(TEXT)
"""


@contextmanager
def importable() -> Iterator[None]:
    """Have modules of the payload importable that not every kernel needs."""
    if finder is not None:
        sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        if finder is not None:
            sys.meta_path.remove(finder)


def injection(text: str, name: str, *arguments: Any, sys_path: list[str] | None = None) -> Request:
    """Give the silent request that loads the payload and calls its door.

    Parameters
    ----------
    text : str
        The payload, zipped, in base64; for a kernel that does not find the very same files.
    name : str
        What is asked first, see `kernel_payload.door`.
    *arguments
        For that: what JSON can say.
    sys_path : list of str, optional
        What the kernel is to have as ``sys.path`` from then on.

    Returns
    -------
    code : str
        One expression: it binds no name.
    user_expressions : dict of str
        For the same request; `answer` reads the reply.
    """
    path = "" if shipped is not None else str(Path(__file__).with_name("__init__.py"))
    scope = {"PATH": path, "TEXT": text, "SYS_PATH": sys_path}
    return f"exec({_BOOTSTRAP!r}, {scope!r})", _expression(name, *arguments)


def command(name: str, *arguments: Any) -> Request:
    """Give a later silent request."""
    return "", _expression(name, *arguments)


def answer(reply: dict[str, Any]) -> dict[str, Any]:
    """Read the content of the execute_reply to one of these requests.

    Raises
    ------
    TmrunError
        With what the kernel said.
    """
    if reply.get("status") != "ok":
        raise TmrunError(_refused(reply))
    result = reply["user_expressions"]["tmrun"]
    if result["status"] != "ok":
        raise TmrunError(_refused(result))
    said = json.loads(ast.literal_eval(result["data"]["text/plain"]))
    if not said["ok"]:
        raise TmrunError(f"the kernel cannot record: {said['error']}")
    content: dict[str, Any] = said["answer"]
    return content


def _expression(name: str, *arguments: Any) -> dict[str, str]:
    door = "__import__('sys').modules['kernel_payload.door']"
    return {"tmrun": f"{door}.call({name!r}, {json.dumps(arguments)!r})"}


def _refused(error: dict[str, Any]) -> str:
    what = f"{error.get('ename', 'it')}: {error.get('evalue', 'gave no reason')}"
    return f"the payload cannot be loaded in this kernel ({what}); run it with --no-record"
