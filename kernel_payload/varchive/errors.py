"""The one error tree of tmrun; every message says what is there instead, and how to mend it.

::

    TmrunError                    anything tmrun raises on purpose
    ├── NotFound (KeyError)       a thing that was asked for is not there
    │   ├── NoSuchState           the cell was not recorded
    │   ├── NoSuchRun             the varchive has no such run
    │   ├── NoSuchVariable        the state has no variable of that name
    │   └── NotSaved              the variable was there, but could not be (or was not to be) saved
    ├── NotAVarchive (ValueError) the path is no varchive, and leads to none
    ├── Damaged                   bytes of the varchive are missing or are not what their name says
    ├── Untrusted                 loading would execute what another user wrote
    ├── CannotLoad                the bytes are whole, but this Python cannot rebuild the value
    └── UsageError (ValueError)   an option, a parameter or a notebook that cannot be used as given
"""

from __future__ import annotations


class TmrunError(Exception):
    """Anything tmrun raises on purpose."""

    def __str__(self) -> str:
        # KeyError, a second base of some, would show the repr of its message
        return str(self.args[0]) if self.args else ""


class NotFound(TmrunError, KeyError):
    """A thing that was asked for is not there."""


class NoSuchState(NotFound):
    """The cell was not recorded."""


class NoSuchRun(NotFound):
    """The varchive has no such run."""


class NoSuchVariable(NotFound):
    """The state has no variable of that name."""


class NotSaved(NotFound):
    """The variable was there, but could not be (or was not to be) saved."""


class NotAVarchive(TmrunError, ValueError):
    """The path is no varchive, and leads to none."""


class Damaged(TmrunError):
    """Bytes of the varchive are missing or are not what their name says."""


class Untrusted(TmrunError):
    """Loading would execute what another user wrote."""


class CannotLoad(TmrunError):
    """The saved bytes are whole, but this Python cannot rebuild the value."""


class UsageError(TmrunError, ValueError):
    """An option, a parameter or a notebook that cannot be used as given."""
