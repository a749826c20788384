"""Make demo.html and demo.pdf: fixtures/notebooks/demo.ipynb, run by tmrun.

Needs the extra ``docs``, and for the pdf a browser (chromium or chrome).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

import tmrun

HERE = Path(__file__).resolve().parent
NOTEBOOK = HERE.parent / "fixtures/notebooks/demo.ipynb"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

# a page that needs nothing from elsewhere, unlike those of nbconvert's full templates
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>tmrun: a demonstration</title><style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }
pre { font: 13px/1.4 ui-monospace, monospace; margin: 0; white-space: pre-wrap }
code { font-family: ui-monospace, monospace }
.input_area { background: #f5f5f5; border-left: 3px solid #1f6feb; padding: .5em .8em }
.input_prompt, .output_prompt, .prompt { color: #888; font: 11px ui-monospace, monospace }
.anchor-link { display: none }
.output_area { padding: .3em .8em; break-inside: avoid }
table { border-collapse: collapse } td, th { padding: 1px 8px; text-align: left }
</style></head><body>BODY</body></html>
"""


def main() -> None:
    """Run the notebook and write the pages."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(NOTEBOOK, folder)
        report = tmrun.run(copy, threads=2)
        if report.status != "ok" or report.output is None:
            sys.exit(f"the notebook failed: {report.reason}")
        page = page_of(nbformat.read(report.output, as_version=4), folder)
    html = HERE / "demo.html"
    html.write_text(page, encoding="utf-8")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit("demo.pdf is not made: there is no chromium or chrome here")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    pdf = f"--print-to-pdf={HERE / 'demo.pdf'}"
    with tempfile.TemporaryDirectory() as profile:
        own = f"--user-data-dir={profile}"
        subprocess.run([browser, *options, own, pdf, html.as_uri()], check=True)


def page_of(notebook: nbformat.NotebookNode, folder: str) -> str:
    """Give the notebook as one page, without the places of this machine."""
    exporter = HTMLExporter(template_name="basic")
    body, _ = exporter.from_notebook_node(notebook)
    return PAGE.replace("BODY", body.replace(folder, "/home/ann"))


if __name__ == "__main__":
    main()
