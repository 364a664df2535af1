"""What is whole of a damaged picture is decoded, and what is not is told."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.containers import damaged
from helpers.pictures import picture
from PIL import Image

import codec
from codec.cli.main import cli
from codec.codecs.s2lic import image as s2lic
from codec.errors import FormatError


@pytest.fixture
def tiled(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A picture with alpha in four tiles: eight units."""
    monkeypatch.setattr(s2lic.tiling, "SINGLE", 0)
    monkeypatch.setattr(s2lic.tiling, "SIDE", 128)
    return codec.encode(picture(200, 256, 4), quality=30)


def test_a_damaged_tile_is_grey_and_its_neighbours_stay(tiled: bytes) -> None:
    whole = next(codec.decode(tiled).frames()).astype(int)
    decoded = codec.decode(damaged(tiled, 1), partial=True)
    frame = next(decoded.frames()).astype(int)
    tiles = s2lic.tiling.tiles(200, 256)
    assert len(decoded.damage or []) == 1
    assert (np.abs(tiles[1].of(frame)[..., :3] - 127.5) <= 0.5).all()
    assert (frame[..., 3] == whole[..., 3]).all()
    assert np.median(np.abs(tiles[0].of(frame) - tiles[0].of(whole))) == 0
    assert np.abs(tiles[2].of(frame) - tiles[2].of(whole))[-32:, :32].max() <= 1  # far from the lost tile


def test_damaged_alpha_is_opaque_in_its_tile_only(tiled: bytes) -> None:
    whole = next(codec.decode(tiled).frames())
    decoded = codec.decode(damaged(tiled, 5), partial=True)
    frame = next(decoded.frames())
    tiles = s2lic.tiling.tiles(200, 256)
    assert (tiles[1].of(frame)[..., 3] == 255).all() and np.abs(frame[..., :3].astype(int) - whole[..., :3]).max() <= 1
    assert len(decoded.damage or []) == 1


def test_a_whole_file_has_no_damage_and_a_damaged_one_is_refused_otherwise(tiled: bytes) -> None:
    decoded = codec.decode(tiled, partial=True)
    again = next(codec.decode(tiled).frames()).astype(int)
    assert np.abs(next(decoded.frames()) - again).max() <= 1 and decoded.damage == []
    with pytest.raises(FormatError, match="damaged"):
        codec.decode(damaged(tiled, 1))


def test_the_command_writes_the_rest_and_fails(tiled: bytes, tmp_path: Path) -> None:
    source, target = tmp_path / "a.ncf", tmp_path / "a.png"
    source.write_bytes(damaged(tiled, 1))
    assert CliRunner().invoke(cli, ["decode", str(source)]).exit_code == 1 and not target.exists()
    result = CliRunner().invoke(cli, ["decode", "--partial", "--json", str(source)])
    assert result.exit_code == 1
    row = json.loads(result.stdout)
    assert row["output"] == str(target) and "lost" in row["error"]
    assert Image.open(target).size == (256, 200)
