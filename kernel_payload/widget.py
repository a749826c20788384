"""The widget of a jobs panel: an anywidget whose traits any thread may set; panel.js is its view.

anywidget need not be there, and is imported here alone.
"""

from __future__ import annotations

import contextvars
import logging
import pkgutil
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

log = logging.getLogger("tmrun")


class Widget:
    """A widget.

    Parameters
    ----------
    asked : callable
        Called with what the front end asks, in the notebook's thread or that of a subshell.
    lost : callable
        Called when the front end closes it.

    Raises
    ------
    ImportError
        Without anywidget.
    """

    def __init__(self, asked: Callable[[Any], None], lost: Callable[[], None]) -> None:
        self._widget = _widget_class()()
        comm = self._widget.comm
        # where the front end asks in a thread of its own (a subshell), so that it is answered while
        # a cell runs, ipykernel 7.4 would take the question to the thread that runs cells
        comm._reply_subshell_for = lambda _, asked_in: asked_in
        comm.on_close(lambda _: lost())
        self._widget.on_msg(lambda _, content, __: asked(content))
        # a message belongs to a request, and threads have none of their own
        self._context = contextvars.copy_context()

    @property
    def is_open(self) -> bool:
        """Whether nobody has closed it in the kernel."""
        return self._widget.comm is not None

    @property
    def view(self) -> Json:
        """What a front end needs for showing it."""
        return {"version_major": 2, "version_minor": 0, "model_id": self._widget.model_id}

    def set(self, **traits: Any) -> None:
        """Set ``jobs``, ``outputs`` or ``message``; what did not change is not sent."""
        for name, value in traits.items():
            self._context.copy().run(setattr, self._widget, name, value)

    def close(self) -> None:
        """Close it, with its views."""
        self._context.copy().run(self._widget.close)


def widget(asked: Callable[[Any], None], lost: Callable[[], None]) -> Widget | None:
    """Open a widget, as `Widget`; None where there can be none."""
    try:
        return Widget(asked, lost)
    except ImportError:
        return None
    except Exception as error:
        # of a version that is not understood, or damaged
        log.warning("the panel is a table, for its widget failed", exc_info=error)
        return None


def _widget_class() -> Any:
    import anywidget
    import traitlets

    front_end = pkgutil.get_data("kernel_payload", "panel.js")
    if front_end is None:
        raise ImportError("panel.js is not there")
    source = front_end.decode()
    base: Any = anywidget.AnyWidget

    class JobsPanel(base):  # type: ignore[misc]
        _esm = source
        jobs: Any = traitlets.List().tag(sync=True)
        outputs: Any = traitlets.Dict().tag(sync=True)
        message = traitlets.Unicode().tag(sync=True)

    return JobsPanel
