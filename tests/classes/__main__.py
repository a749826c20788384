"""``python -m tests.classes``: run every specimen and write ``docs/classes.md``."""

from . import LIBRARIES
from .page import page
from .survey import ROOT, survey

missing = sorted({name for library in LIBRARIES for name in library.missing()})
if missing:
    raise SystemExit(f"the page needs all libraries; install {', '.join(missing)}")
text = page(LIBRARIES, survey())
(ROOT / "docs/classes.md").write_text(text, encoding="utf-8")
