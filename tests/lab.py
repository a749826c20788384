"""JupyterLab in a browser, as a person uses it: a server, a browser, notebooks that are typed into.

Nothing of this user's settings plays a part, and nothing but the server is reached.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import psutil
from conftest import ROOT, notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PATIENCE = 60.0
"""Seconds after which what has not come is taken to be missing."""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_BROWSER_OPTIONS = (
    "--no-sandbox",  # which root does not have
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
_SETTINGS: dict[str, dict[str, Any]] = {
    "apputils-extension/notification": {"checkForUpdates": False, "fetchNews": "false"},
    # all cells are in the page, also those that have scrolled out of sight
    "notebook-extension/tracker": {"windowingMode": "none"},
}
# looking whether extensions are to be built takes seconds
_PAGE = {"buildCheck": False, "buildAvailable": False}
_SIZE: Any = {"width": 1400, "height": 1800}


def missing() -> str | None:
    """Say why there can be no JupyterLab in a browser here; None when there can."""
    for name in ("jupyterlab", "anywidget", "playwright"):
        if find_spec(name) is None:
            return f"{name} is not installed: pip install '.[lab]'"
    if _browser() is None:
        return f"there is no browser ({', '.join(_BROWSERS)}): apt-get install chromium"
    return None


def _browser() -> str | None:
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


class Server:
    """A JupyterLab of this interpreter, with the tree's own tmrun; `folder` is all that it has."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "notebooks"
        self.root.mkdir()
        self._runtime = folder / "runtime"
        self._token = secrets.token_hex()
        self._log = folder / "server.log"
        _configure(folder)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(folder), env=self._environment(folder), stdout=log, stderr=log
            )
        try:
            self._url = self._until_it_listens()
        except BaseException:
            self.end()
            raise

    @property
    def address(self) -> str:
        """Where JupyterLab opens, as it would the first time."""
        return f"{self._url}lab?reset&token={self._token}"

    def end_kernels(self) -> None:
        """End all kernels, in good order."""
        for kernel in json.loads(self._ask("GET", "api/kernels")):
            self._ask("DELETE", f"api/kernels/{kernel['id']}")

    def end(self) -> None:
        """End the server with all that it started, however it is."""
        with contextlib.suppress(psutil.NoSuchProcess):
            server = psutil.Process(self._process.pid)
            family = [*server.children(recursive=True), server]
            server.terminate()
            _, left = psutil.wait_procs(family, timeout=10)
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self._process.wait()

    def log(self) -> str:
        """Give the last of what it logged."""
        return self._log.read_text(errors="replace")[-3000:]

    def _command(self, folder: Path) -> list[str]:
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": _free_port(),
            "ServerApp.open_browser": False,
            "ServerApp.allow_root": True,
            "ServerApp.root_dir": self.root,
            "ServerApp.terminals_enabled": False,
            "IdentityProvider.token": self._token,
            "LabApp.user_settings_dir": folder / "settings",
            "LabApp.workspaces_dir": folder / "workspaces",
            "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "LabApp.extension_manager": "readonly",
            "LabApp.expose_app_in_browser": True,
        }
        told = (f"--{name}={value}" for name, value in options.items())
        return [sys.executable, "-m", "jupyterlab", *told]

    def _environment(self, folder: Path) -> dict[str, str]:
        # with pytest's own, ipykernel would leave uncaptured what C code prints
        dropped = ("JUPYTER", "JPY", "IPY", "PYTEST_CURRENT_TEST")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {
            **kept,
            "PYTHONPATH": os.pathsep.join(paths),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self._runtime),
            "IPYTHONDIR": str(folder / "ipython"),
        }

    def _until_it_listens(self) -> str:
        """Give its address: the port may be another one than asked for."""
        about = self._runtime / f"jpserver-{self._process.pid}.json"
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                self._url = str(json.loads(about.read_text())["url"])
                self._ask("GET", "api/status")
                return self._url
            time.sleep(0.05)
        raise RuntimeError(f"JupyterLab does not start:\n{self.log()}")

    def _ask(self, method: str, what: str) -> bytes:
        headers = {"Authorization": f"token {self._token}"}
        request = urllib.request.Request(self._url + what, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return bytes(answer.read())


class Cell:
    """A cell of a notebook in the browser.

    Attributes
    ----------
    area : Locator
        Its outputs.
    """

    def __init__(self, whole: Locator) -> None:
        self._prompt = whole.locator(".jp-InputPrompt")
        self.area = whole.locator(".jp-Cell-outputWrapper")

    def wait(self) -> Cell:
        """Wait until it has run."""
        from playwright.sync_api import expect

        expect(self._prompt).to_have_text(re.compile(r"\[\d+\]:"))
        return self

    @property
    def n(self) -> int:
        """Its number, ``In [n]``."""
        return int(self._prompt.inner_text().strip("[]: \n"))

    @property
    def has_run(self) -> bool:
        """Whether it has."""
        return re.search(r"\d", self._prompt.inner_text()) is not None

    def shows(self, text: str) -> Cell:
        """Wait until its outputs show a text."""
        from playwright.sync_api import expect

        expect(self.area).to_contain_text(text, use_inner_text=True)
        return self

    @property
    def failed(self) -> bool:
        """Whether an error is among its outputs."""
        # a traceback is what has colours there
        return self.area.locator('[data-mime-type$="stderr"] [class*="ansi-"]').count() > 0


class Notebook:
    """The notebook that a browser shows: cells are typed at its end, and run with Shift+Enter."""

    was_reloaded = False

    def __init__(self, page: Page) -> None:
        self._page = page
        self._cells = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell")
        self._until_ready()

    def start(self, source: str) -> Cell:
        """Type a cell and run it, without waiting for its end."""
        place = self._cells.count() - 1
        self._cells.nth(place).locator(".cm-content").click()
        self._page.keyboard.insert_text(source)
        self._page.keyboard.press("Shift+Enter")
        # a new one is at the end once this one is sent
        self._cells.nth(place + 1).wait_for()
        return Cell(self._cells.nth(place))

    def run(self, source: str) -> Cell:
        """Type a cell, run it, and wait for its end; it must not fail."""
        cell = self.start(source).wait()
        assert not cell.failed, cell.area.inner_text()
        return cell

    def restart(self) -> None:
        """Restart the kernel, as its button does."""
        self._page.locator('[data-command="notebook:restart-kernel"]').first.click()
        with self._page.expect_response(re.compile(r"/restart\b")):
            self._page.locator(".jp-Dialog .jp-mod-accept").click()
        self._until_ready()

    def reload(self) -> None:
        """Save it, and load the page again; cells stay what they were."""
        _command(self._page, "docmanager:save")
        self._page.reload()
        self.was_reloaded = True
        self._until_ready()

    def _until_ready(self) -> None:
        # what the page shows of a kernel's status, it may show before there is a kernel
        kernel = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
        self._page.wait_for_function(f"{kernel}?.status === 'idle'")
        self._cells.first.wait_for()


class Lab:
    """A server and a browser."""

    def __init__(self, server: Server, browser: Browser) -> None:
        self._server = server
        self._browser = browser
        self._page: Page | None = None

    @contextlib.contextmanager
    def open(self, name: str, without: str | None = None) -> Iterator[Notebook]:
        """Open a new notebook ``name/study.ipynb``; its kernel ends with it.

        What stands in it at the end is printed: pytest shows it when the test fails.

        Parameters
        ----------
        name : str
            Of its folder.
        without : str, optional
            The beginning of the name of extensions of JupyterLab that the browser is not given.
        """
        path = self.folder(name) / "study.ipynb"
        path.parent.mkdir()
        nbformat.write(notebook(""), path)
        # a page takes seconds to load, and serves all notebooks until a test fails
        page, self._page = (None if without else self._page) or self._new_page(without), None
        try:
            _command(page, "docmanager:open", path=path.relative_to(self._server.root).as_posix())
            shown = Notebook(page)
            yield shown
            _command(page, "docmanager:save")
            _command(page, "application:close")
            # one that was loaded again opens in its own time what it had open
            if not without and not shown.was_reloaded:
                self._page = page
        finally:
            self._server.end_kernels()
            print(*page.locator(".jp-Notebook").all_inner_texts(), self._server.log(), sep="\n")
            if self._page is None:
                page.context.close()

    def folder(self, name: str) -> Path:
        """Where a notebook lies, and its kernel works."""
        return self._server.root / name

    def _new_page(self, without: str | None) -> Page:
        context = self._browser.new_context(viewport=_SIZE)
        context.set_default_timeout(PATIENCE * 1000)
        if without:
            context.route(f"**/lab/extensions/{without}*/**", lambda route: route.abort())
        page = context.new_page()
        page.goto(self._server.address)
        page.wait_for_function("window.jupyterapp?.restored.then(() => true)")
        return page


@contextlib.contextmanager
def lab(folder: Path) -> Iterator[Lab]:
    """Start a server and a browser, and end them whatever happens."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE * 1000)
    server = Server(folder)
    try:
        with sync_playwright() as playwright:
            options: Any = {"executable_path": _browser(), "args": list(_BROWSER_OPTIONS)}
            browser = playwright.chromium.launch(headless=True, **options)
            try:
                yield Lab(server, browser)
            finally:
                browser.close()
    finally:
        server.end()


def _command(page: Page, name: str, **arguments: str) -> None:
    """Have JupyterLab do what one of its menus does."""
    page.evaluate(
        "async ([name, given]) => { await jupyterapp.commands.execute(name, given); }",
        [name, arguments],
    )


def _configure(folder: Path) -> None:
    """Write the user's settings, and those of the page."""
    files = {
        f"settings/@jupyterlab/{name}.jupyterlab-settings": values
        for name, values in _SETTINGS.items()
    }
    files["config/labconfig/page_config.json"] = _PAGE
    for name, values in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
