"""``pytest --tmrun``: notebooks are collected, a test for each cell; and the fixture ``tmrun_run``.

What is collected and how it is run is in `pytest_notebooks`, which pytest needs only then.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .report import Report


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, and what an ini file may say."""
    group = parser.getgroup("tmrun", "notebooks, compared with their baselines")
    group.addoption(
        "--tmrun",
        action="store_true",
        help="collect notebooks that have a baseline, and those that are named: a test per cell",
    )
    group.addoption(
        "--tmrun-update",
        action="store_true",
        help="run the notebooks twice, and make their baselines anew",
    )
    group.addoption("--tmrun-kernel", metavar="NAME", help="kernel to run them in")
    parser.addini("tmrun", "collect notebooks, as --tmrun does", type="bool", default=False)
    parser.addini("tmrun_timeout", "seconds that each notebook may run", default="")
    parser.addini("tmrun_rtol", "numbers may differ by this times the baseline's", default="0")
    parser.addini("tmrun_atol", "numbers may differ by this", default="0")


def _is_on(config: pytest.Config) -> bool:
    return bool(
        config.getoption("tmrun") or config.getoption("tmrun_update") or config.getini("tmrun")
    )


def pytest_configure(config: pytest.Config) -> None:
    """Take part only where notebooks are to be collected."""
    if _is_on(config):
        from .pytest_notebooks import Notebooks

        config.pluginmanager.register(Notebooks(config), "tmrun-notebooks")


@pytest.fixture
def tmrun_run(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Report]:
    """Run notebooks as `tmrun.run` does, and record them in a temporary directory.

    A path that does not lead anywhere from the current directory is taken from that of the test.
    """
    count = itertools.count(1)

    def run(notebook: Any, **options: Any) -> Report:
        import tmrun

        path = Path(notebook)
        if not path.is_absolute() and not path.exists():
            beside = request.path.parent / path
            path = beside if beside.exists() else path
        into = tmp_path / f"tmrun-{next(count)}"
        into.mkdir()
        options.setdefault("output", into / f"{path.stem}.out.ipynb")
        return tmrun.run(path, **options)

    return run
