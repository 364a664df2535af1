"""Rates of cells: coded both ways, calm where a picture is calm, and kept apart from tiles and quality."""

import numpy as np
import pytest
from helpers.pictures import picture

import codec
from codec.codecs.s2lic import image as s2lic
from codec.codecs.s2lic.ratemap import STEPS, Rates, calming_offsets, code_offsets
from codec.entropy import Decoder, Encoder
from codec.errors import CodecError, FormatError
from codec.metrics import psnr
from codec.tiling import Tile


@pytest.fixture(scope="module")
def opened() -> s2lic.S2licImages:
    return s2lic.open_codec(None, "cpu")


def half_busy(side: int = 256) -> np.ndarray:
    """Grey noise at the left, a smooth ramp at the right."""
    image = np.repeat(np.linspace(100, 120, side).astype(np.uint8)[None, :, None], side, 0).repeat(3, 2)
    image[:, : side // 2] += np.random.default_rng(0).integers(0, 90, (side, side // 2, 1), dtype=np.uint8)
    return image


def test_offsets_come_back(opened: s2lic.S2licImages) -> None:
    offsets = np.random.default_rng(0).integers(-STEPS, STEPS + 1, (5, 7)).astype(np.int32)
    encoder = Encoder()
    code_offsets(encoder, offsets, offsets.shape, opened.tables[1])
    decoder = Decoder(encoder.finish())
    assert np.array_equal(code_offsets(decoder, None, (5, 7), opened.tables[1]), offsets)


def test_offsets_beyond_the_range_are_damage(opened: s2lic.S2licImages) -> None:
    encoder = Encoder()
    encoder.code(np.array([STEPS + 1], np.int32), np.array([28]), opened.tables[1])
    with pytest.raises(FormatError, match="rates of its cells are damaged"):
        code_offsets(Decoder(encoder.finish()), None, (1, 1), opened.tables[1])


@pytest.mark.parametrize(("depth", "channels"), [(8, 3), (8, 1), (16, 4)])
def test_calm_cells_get_more(depth: int, channels: int) -> None:
    image = half_busy()[:200, :250, :1].repeat(channels, 2).astype(np.uint16) << (depth - 8)
    offsets = calming_offsets(image, depth, 5.5)
    assert offsets.shape == (4, 4)
    assert (offsets[:, :2] < 0).all() and (offsets[:, 2:] > 0).all()


def test_rates_of_a_part_are_those_of_its_cells(opened: s2lic.S2licImages) -> None:
    header = s2lic.header_of(opened, codec.media.from_array(half_busy())[0], 50.0, "ssim")
    rates = Rates(opened.rate(header), 256, 320, mapped=s2lic.is_mapped(header))
    assert rates.offsets is not None
    rates.offsets[1, 2:4] = 4, 15
    assert rates.of(Tile(64, 128, 64, 192)).tolist() == [[[0.75, 1.0, 0.5]]]


@pytest.mark.parametrize("tiled", [False, True])
def test_a_tuned_picture_is_better_where_it_is_calm(tiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if tiled:
        monkeypatch.setattr(s2lic.tiling, "SINGLE", 0)
        monkeypatch.setattr(s2lic.tiling, "SIDE", 128)
    image = half_busy()
    found = {}
    for tune in ("psnr", "ssim"):
        data = codec.encode(image, quality=30, tune=tune)
        assert codec.api.describe(codec.info(data))["tune"] == tune
        assert codec.api.describe(codec.info(data))["quality"] == 30
        found[tune] = next(codec.decode(data).frames())
    assert psnr(found["ssim"][:, 160:], image[:, 160:]) > psnr(found["psnr"][:, 160:], image[:, 160:])
    assert psnr(found["ssim"][:, :96], image[:, :96]) < psnr(found["psnr"][:, :96], image[:, :96])


def test_wrong_tunes_are_named() -> None:
    with pytest.raises(CodecError, match="no tune 'vmaf'; choose one of psnr, ssim"):
        codec.encode(picture(20, 20), tune="vmaf")
    with pytest.raises(CodecError, match="circuit has no tune"):
        codec.encode(picture(20, 20), lossless=True, tune="ssim")
