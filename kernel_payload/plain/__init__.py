"""Values as plain data, which JSON can hold and any Python reads; docs/format.md lists its nodes.

`encode` tells a value so, `decode` gives what stands in for it, `preview` says it in short.
Equal values give equal bytes, whatever the process, its hash seed and the version of Python.
"""

from .encode import SIZE, Encoder, TooMuch
from .names import public_name
from .nodes import canonical, digest, preview
from .stand_ins import CONTENTS, Array, Atom, Frame, Hidden, Instance, Large, StandIn, decode

__all__ = [
    "CONTENTS",
    "SIZE",
    "Array",
    "Atom",
    "Encoder",
    "Frame",
    "Hidden",
    "Instance",
    "Large",
    "StandIn",
    "TooMuch",
    "canonical",
    "decode",
    "digest",
    "preview",
    "public_name",
]
