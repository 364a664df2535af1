"""Imports go one way, cli -> codec -> models, and what needs no network loads no torch."""

import ast
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codec.cli.main import COMMANDS

PARTS = ("models", "cli", "assets")
LIGHT = [
    "codec",
    "codec.api",
    "codec.cli.main",
    "codec.container",
    "codec.entropy",
    "codec.errors",
    "codec.media",
    "codec.evaluate",
    "codec.media.audio",
    "codec.metrics",
    "codec.peers",
    "codec.tasks",
    "codec.weights",
]


def modules(package: str) -> Iterator[tuple[str, Path]]:
    """Names and files of the modules of a package; those of `codec` without its three separate parts."""
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations is not None
    (folder,) = spec.submodule_search_locations
    for path in sorted(Path(folder).rglob("*.py")):
        inner = path.relative_to(folder).with_suffix("").parts
        if not (package == "codec" and inner[0] in PARTS):
            yield ".".join([package, *inner]).removesuffix(".__init__"), path


def imports(name: str, path: Path) -> set[str]:
    """Every module that a module imports, at its top or later; `from a import b` counts as a.b."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize(("name", "path"), list(modules("codec.models")))
def test_models_import_nothing_of_ours_but_models(name: str, path: Path) -> None:
    ours = {i for i in imports(name, path) if i.split(".")[0] in ("codec", *PARTS)}
    assert {i for i in ours if not is_in(i, "codec.models")} == set()


@pytest.mark.parametrize(("name", "path"), list(modules("codec")))
def test_codec_does_not_import_the_command_line(name: str, path: Path) -> None:
    assert {i for i in imports(name, path) if is_in(i, "codec.cli")} == set()


@pytest.mark.parametrize(("name", "path"), list(modules("codec.cli")))
def test_the_command_line_does_not_import_models(name: str, path: Path) -> None:
    assert {i for i in imports(name, path) if is_in(i, "codec.models") or is_in(i, "torch")} == set()


def loaded_after(code: str) -> set[str]:
    """Top-level modules in memory after `code` ran in a fresh interpreter."""
    report = "\nimport json, sys\njson.dump(sorted(sys.modules), sys.stderr)"
    # Away from the checkout, whose folders would hide the installed package.
    here = Path(__file__).parent
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, check=True, cwd=here)
    return {name.split(".")[0] for name in json.loads(done.stderr)}


@pytest.mark.parametrize("name", LIGHT)
def test_importing_loads_no_torch(name: str) -> None:
    assert loaded_after(f"import {name}") & {"torch", "compressai"} == set()


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_no_library_but_click(command: str) -> None:
    arguments = [*([command] if command else []), "--help"]
    code = f"from codec.cli.main import cli\nassert cli.main({arguments}, standalone_mode=False) == 0"
    assert loaded_after(code) & {"torch", "compressai", "numpy", "PIL", "av", "constriction"} == set()


def test_info_loads_no_torch(tmp_path: Path) -> None:
    path = tmp_path / "a.ncf"
    code = f"""
from codec import container
from codec.cli.main import cli
header = container.Header(codec=1, revision=0, width=3, height=2, private=bytes(2))
with open({str(path)!r}, "wb") as fp:
    container.write(fp, header, [container.Unit(0, 0, 0, b"x")])
assert cli.main(["info", {str(path)!r}], standalone_mode=False) is None
"""
    assert loaded_after(code) & {"torch", "compressai"} == set()
