"""kernel_payload -> the text by which it travels to a kernel of another environment."""

from __future__ import annotations

import base64
import io
import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_PAYLOAD = Path(__file__).resolve().parent.parent / "kernel_payload"
_STANDS_FOR_CLOUDPICKLE = "kernel_payload/_cloudpickle.py"


@cache
def text() -> str:
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
