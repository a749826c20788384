"""kernel_payload -> one silent execute request that loads it into a kernel.

The payload travels as text, so the kernel may live in another environment, with another Python.
Where the kernel finds the very files that this process uses, it imports those instead, compiled.
Nothing stays behind but modules: not in ``sys.path``, ``sys.meta_path``, ``In`` or ``Out``.
"""

from __future__ import annotations

import ast
import base64
import io
import json
import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kernel_payload.varchive.errors import TmrunError

_PAYLOAD = Path(__file__).resolve().parent.parent / "kernel_payload"
_STANDS_FOR_CLOUDPICKLE = "kernel_payload/_cloudpickle.py"

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

if "kernel_payload.door" not in sys.modules:
    if _same_files(PATH):
        import kernel_payload.door
    else:
        _load(TEXT)
"""


@cache
def _zip() -> str:
    """Give the payload, and cloudpickle under the payload's name for it, zipped, in base64."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(_PAYLOAD.rglob("*.py")):
            name = path.relative_to(_PAYLOAD.parent).as_posix()
            archive.writestr(
                name, _cloudpickle() if name == _STANDS_FOR_CLOUDPICKLE else path.read_bytes()
            )
    return base64.b64encode(memory.getvalue()).decode("ascii")


def _cloudpickle() -> bytes:
    spec = find_spec("cloudpickle.cloudpickle")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_bytes()


def injection(settings: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Give the silent request that loads the payload and starts recording.

    Parameters
    ----------
    settings : dict
        See `kernel_payload.shell.TimeMachine`.

    Returns
    -------
    code : str
        One expression: it binds no name.
    user_expressions : dict of str
        For the same request; `answer` reads the reply.
    """
    scope = f"{{'PATH': {str(_PAYLOAD / '__init__.py')!r}, 'TEXT': {_zip()!r}}}"
    return f"exec({_BOOTSTRAP!r}, {scope})", _expression("hook", settings)


def command(name: str) -> tuple[str, dict[str, str]]:
    """Give a later silent request: ``finish`` or ``status``."""
    return "", _expression(name)


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
