"""What is whole of a damaged file is decoded, and what is not is told."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from test_container import IMAGE, SAMPLES, reading
from test_s2lic_codec import picture

import codec
from codec import container
from codec.cli.main import cli
from codec.codecs.s2lic import image as s2lic
from codec.container import salvage
from codec.errors import FormatError


def damaged(data: bytes, number: int) -> bytes:
    """The file with one bit of a unit's payload flipped."""
    index = container.read_index(io.BytesIO(data))
    broken = bytearray(data)
    broken[index.offsets[number] + index.lengths[number] // 2] ^= 16
    return bytes(broken)


@pytest.mark.parametrize("name", SAMPLES)
def test_everything_of_a_whole_file_is_salvaged(name: str) -> None:
    header, units = reading(SAMPLES[name])
    assert salvage(io.BytesIO(SAMPLES[name])) == (header, list(units))


def test_one_damaged_unit_leaves_the_others() -> None:
    _, units = reading(SAMPLES["tiles"])
    header, found = salvage(io.BytesIO(damaged(SAMPLES["tiles"], 1)))
    assert header == IMAGE and [i for i, f in enumerate(found) if f == units[i]] == [0, 2]
    assert isinstance(found[1], FormatError) and "damaged" in str(found[1])


def test_of_a_truncated_file_the_units_before_the_cut_are_left() -> None:
    data = SAMPLES["tiles"]
    index = container.read_index(io.BytesIO(data))
    _, units = reading(data)
    _, found = salvage(io.BytesIO(data[: index.offsets[1] + 5]))
    assert found[0] == units[0] and isinstance(found[1], FormatError) and len(found) == 2


def test_without_a_head_nothing_is_salvaged() -> None:
    data = bytearray(SAMPLES["tiles"])
    data[8] ^= 1
    with pytest.raises(FormatError):
        salvage(io.BytesIO(bytes(data)))


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
