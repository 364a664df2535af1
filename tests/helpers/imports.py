"""What modules import, as their source says and as a fresh interpreter finds."""

import ast
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PARTS = ("models", "cli", "assets")


def modules(package: str) -> Iterator[tuple[str, Path]]:
    """Names and files of the modules of a package; those of `codec` without its three separate parts."""
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations is not None
    (folder,) = spec.submodule_search_locations
    for path in sorted(Path(folder).rglob("*.py")):
        inner = path.relative_to(folder).with_suffix("").parts
        if not (package == "codec" and inner[0] in PARTS):
            yield ".".join([package, *inner]).removesuffix(".__init__"), path


def imports(name: str, path: Path, types: bool = True) -> set[str]:
    """Every module that a module imports, at its top or later; `from a import b` counts as a.b.

    `types`: those under TYPE_CHECKING, too.
    """
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found |= {f"{base}.{alias.name}" for alias in node.names}
        elif types or not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            waiting += ast.iter_child_nodes(node)
    return found


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def loaded_after(code: str) -> set[str]:
    """Top-level modules in memory after `code` ran in a fresh interpreter."""
    report = "\nimport json, sys\njson.dump(sorted(sys.modules), sys.stderr)"
    # Away from the checkout, whose folders would hide the installed package.
    here = Path(__file__).parent
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, check=True, cwd=here)
    return {name.split(".")[0] for name in json.loads(done.stderr)}
