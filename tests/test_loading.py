"""What needs no network loads no torch, and help loads next to nothing."""

from pathlib import Path

import pytest
from helpers.imports import loaded_after

from codec.cli.main import COMMANDS

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


def test_descriptors_of_codecs_load_no_library() -> None:
    loaded = loaded_after("from codec.codecs import all_codecs\nassert all_codecs()")
    assert loaded & {"torch", "compressai", "numpy", "PIL", "av", "constriction"} == set()
