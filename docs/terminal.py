"""Make docs/terminal.svg, README's picture: what the example prints in a terminal.

python docs/terminal.py
"""

from __future__ import annotations

import io
import os
import pty
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 110


def in_terminal(command: list[str], folder: Path) -> str:
    """Run a command with a terminal for its output; give what it wrote."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(WIDTH), "LINES": "40", "TERM": "xterm-256color"}
    environment["PYTHONPATH"] = str(ROOT)
    process = subprocess.Popen(command, cwd=folder, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    written = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        written += data
    process.wait()
    return written.decode().replace("\r\n", "\n")


def last_frame(text: str) -> str:
    """Give what a bar that redraws itself leaves on the screen."""
    lines = (line.split("\r")[-1].split("\x1b[2K")[-1] for line in text.split("\n"))
    return "\n".join(line for line in lines if line.strip()) + "\n"


def main() -> None:
    """Run the example in a temporary directory and draw it."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / "fixtures/notebooks/study.ipynb", folder)
        for words, most in (
            ("study.ipynb --threads 4", 6),
            ("show study.out.ipynb", 17),
            ("show study.out.ipynb 10", 22),
        ):
            command = [sys.executable, "-m", "tmrun", *words.split()]
            written = last_frame(in_terminal(command, Path(folder))).splitlines()
            console.print(Text(f"$ tmrun {words}", style="bold"))
            console.print(Text.from_ansi("\n".join(written[:most])))
            console.print(Text("…\n" if len(written) > most else "", style="dim"))
    svg = console.export_svg(title="tmrun")
    (ROOT / "docs/terminal.svg").write_text(svg)


if __name__ == "__main__":
    main()
