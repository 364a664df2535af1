"""Imports go one way, cli -> codec -> models, and so they do inside codec."""

from pathlib import Path

import pytest
from helpers.imports import PARTS, imports, is_in, modules


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
