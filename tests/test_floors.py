"""The floors of the house, recited: who imports whom, also inside functions."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("kernel_payload", "tmrun")

# below the wall
STDLIB = sys.stdlib_module_names
OF_IPYKERNEL = {"IPython", "ipykernel", "jupyter_client", "traitlets", "comm"}
# who may import what besides the standard library and kernel_payload
BESIDES = {
    "kernel_payload.shell": OF_IPYKERNEL,
    "kernel_payload._cloudpickle": {"cloudpickle"},
    "kernel_payload.varchive.digest": {"xxhash"},
    "kernel_payload.conversation": {"jupyter_client", "traitlets"},
    "kernel_payload.process": {"jupyter_client", "zmq"},
    "kernel_payload.worker": {"jupyter_client"},
    "kernel_payload.dispatcher": {"psutil"},
    "kernel_payload.settings": {"traitlets"},
    "kernel_payload.commands": {"traitlets"},
    "kernel_payload.whereabouts": {"platformdirs", "psutil"},
    "kernel_payload.wishes": {"psutil"},
    "kernel_payload.widget": {"anywidget", "traitlets"},
}
# floors of the payload, the lowest first; a module imports of those before it, and of its own
FLOORS = [
    {"varchive"},
    {"_cloudpickle", "live", "groups", "rebuild", "refill", "touched", "calm"},
    {"leash", "death", "conversation", "outputs", "card", "injection", "magic", "names"},
    {"settings", "places", "whereabouts", "withheld", "hold"},
    {"process"},
    {"attributes", "classnames", "instances", "memory", "stream", "tensors"},
    {"contents"},
    {"heirs"},
    {"deep", "definitions", "reductions"},
    {"describe", "freeze", "manifest", "plain", "reach", "writer"},
    {"load"},
    {"cell", "chunks", "escape", "mentions", "hidden", "settle", "thaw", "homeward", "where"},
    {"candidates"},
    {"register"},
    {"recorder", "distil"},
    {"travel", "telling", "sandbox"},
    {"jobs", "worker"},
    {"dispatcher", "announcer", "jobstate", "widget"},
    {"spawner", "panel"},
    {"jobcells"},
    {"shell"},
    {"magics"},
    {"commands"},
    {"working", "interactive", "wishes"},
    {"door"},
]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    return {module_name(p): p for name in PACKAGES for p in sorted((ROOT / name).rglob("*.py"))}


@cache
def imports(module: str) -> frozenset[str]:
    """Give the dotted names that a module imports anywhere, save for type checkers only."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    found = set()
    for node in walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = resolve(module, node)
            # a name may be a module of the package, or a thing in it
            inner = {f"{base}.{alias.name}" for alias in node.names}
            ours = {name for name in inner if name in modules()}
            found |= ours if ours == inner else ours | {base}
    return frozenset(found)


def walk(node: ast.AST) -> list[ast.AST]:
    """List all nodes but those below ``if TYPE_CHECKING``."""
    found = [node]
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for other in child.orelse:
                found += walk(other)
        else:
            found += walk(child)
    return found


def resolve(module: str, node: ast.ImportFrom) -> str:
    """Give the absolute name of the module from which a statement imports."""
    if not node.level:
        assert node.module is not None
        return node.module
    is_package = modules()[module].name == "__init__.py"
    parts = module.split(".")
    above = parts[: len(parts) - node.level + is_package]
    return ".".join([*above, *([node.module] if node.module else [])])


def tops(module: str) -> set[str]:
    return {name.partition(".")[0] for name in imports(module)}


def below(package: str) -> list[str]:
    return [name for name in modules() if name == package or name.startswith(package + ".")]


def floor(module: str) -> int:
    name = module.split(".")[1]
    found = [i for i, names in enumerate(FLOORS) if name in names]
    assert found, f"{module} has no floor: give it one in FLOORS"
    return found[0]


PAYLOAD = [name for name in below("kernel_payload") if name != "kernel_payload"]


def test_the_test_sees_imports_inside_functions_and_relative_ones() -> None:
    assert "kernel_payload.varchive.errors" in imports("kernel_payload.varchive.digest")
    assert "xxhash" in imports("kernel_payload.varchive.digest")
    assert "tmrun.reader" in imports("tmrun")  # in a function
    assert "kernel_payload.varchive.layout" in imports("kernel_payload.varchive.store")


@pytest.mark.parametrize("module", below("kernel_payload"))
def test_the_payload_needs_only_what_a_kernel_has(module: str) -> None:
    allowed = {*STDLIB, "kernel_payload", *BESIDES.get(module, ())}
    assert tops(module) <= allowed


@pytest.mark.parametrize("module", below("kernel_payload.varchive"))
def test_the_varchive_stands_alone(module: str) -> None:
    for name in imports(module):
        if name.startswith("kernel_payload"):
            assert name.startswith("kernel_payload.varchive")
    assert not tops(module) & OF_IPYKERNEL


@pytest.mark.parametrize("module", PAYLOAD)
def test_imports_of_the_payload_never_climb(module: str) -> None:
    for name in imports(module):
        if name.startswith("kernel_payload."):
            assert floor(name) <= floor(module), f"{module} imports {name}"


@pytest.mark.parametrize("module", below("tmrun"))
def test_only_the_kernels_keeper_imports_nbclient(module: str) -> None:
    assert ("nbclient" in tops(module)) <= (module == "tmrun.kernel")


@pytest.mark.parametrize("module", below("tmrun"))
def test_ipython_and_ipykernel_stay_in_kernels(module: str) -> None:
    assert not tops(module) & {"IPython", "ipykernel", "traitlets", "comm"}


@pytest.mark.parametrize("module", modules())
def test_no_module_imports_what_only_some_notebooks_have(module: str) -> None:
    assert not tops(module) & {"numpy", "pandas", "torch", "matplotlib", "pyarrow", "scipy"}


def test_modules_import_each_other_in_no_circle() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " > ".join([*path[path.index(module) :], module])
        if module not in done:
            for name in sorted(imports(module) & modules().keys()):
                # a package's own face, imported by what is in it, would be a circle as well
                visit(name, (*path, module))
            done.add(module)

    for module in modules():
        visit(module, ())


HEAVY = ["nbclient", "nbformat", "IPython", "ipykernel", "numpy", "pandas", "jupyter_client"]


_HELP = """
import runpy, sys
sys.argv = ["tmrun", "--help"]
try: runpy.run_module("tmrun", run_name="__main__")
except SystemExit: pass
"""


@pytest.mark.parametrize(
    "code",
    [
        "import tmrun",
        "import tmrun.cli",
        _HELP,
    ],
    ids=["import tmrun", "import tmrun.cli", "python -m tmrun --help"],
)
def test_the_door_is_light(code: str) -> None:
    tell = f"import json, sys; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    command = [sys.executable, "-c", f"{code}\n{tell}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


@pytest.mark.parametrize("module", ["kernel_payload.varchive", "kernel_payload.thaw"])
def test_reading_an_archive_needs_no_ipython(module: str) -> None:
    tell = f"import json, sys; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    command = [sys.executable, "-c", f"import {module}\n{tell}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
