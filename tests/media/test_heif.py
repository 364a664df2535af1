"""HEIC files, as pillow-heif writes them; the tests are skipped where that isn't installed."""

import io
from typing import Any

import numpy as np
import pytest
from helpers.image_files import ICC, MAKER, ORIENTATION, XMP, exif, parsed, saved
from PIL import Image

from codec import media
from codec.errors import LimitError, MediaError

heif = pytest.importorskip("pillow_heif")
EXACT = {"quality": -1, "chroma": 444, "matrix_coefficients": 0}


def heic(samples: np.ndarray, mode: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    size = samples.shape[1::-1]
    heif.encode(mode, size, np.ascontiguousarray(samples).tobytes(), buffer, **EXACT | options)
    return buffer.getvalue()


def heic_of(image: Image.Image, **info: bytes) -> bytes:
    file = heif.from_pillow(image)
    file[0].info |= info
    buffer = io.BytesIO()
    file.save(buffer, **EXACT)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_heic_is_read_exactly(picture: Image.Image, mode: str) -> None:
    image = picture.convert(mode)
    if mode == "RGBA":
        image.putalpha(picture.getchannel("R"))
    info, (frame,) = media.read(heic_of(image))
    assert (info.depth, info.channels) == (8, len(mode))
    assert np.array_equal(frame, np.asarray(image).reshape(frame.shape))


@pytest.mark.parametrize("depth", [10, 12])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_deep_heic_keeps_its_depth(mode: str, depth: int) -> None:
    samples = np.random.default_rng(0).integers(0, 2**depth, (64, 96, len(mode))).astype(np.uint16)
    stored, given = (samples, f"{mode};12") if depth == 12 else (samples * 64, f"{mode};16")
    info, (frame,) = media.read(heic(stored, given))
    assert info.depth == depth
    assert np.array_equal(frame, samples)


def test_the_rotation_of_heic_is_applied_once(picture: Image.Image) -> None:
    # As phones do it: the file says how to turn the picture, and the Exif inside says so again.
    data = heic(np.asarray(picture), "RGB", exif=exif(6).tobytes())
    assert parsed(heif.open_heif(data).info["exif"])[ORIENTATION] == 6
    info, (frame,) = media.read(data)
    assert np.array_equal(frame, np.asarray(picture.rotate(270, expand=True)))
    assert parsed(info.metadata["exif"])[ORIENTATION] == 1


def test_icc_exif_and_xmp_of_heic_are_kept(picture: Image.Image) -> None:
    info, _ = media.read(heic_of(picture, icc_profile=ICC, exif=exif().tobytes(), xmp=XMP))
    assert info.metadata["icc"] == ICC
    assert info.metadata["xmp"] == XMP
    assert parsed(info.metadata["exif"])[MAKER] == "Maker"


def test_the_colour_of_hdr_heic_is_kept() -> None:
    samples = np.zeros((64, 64, 3), np.uint16)
    data = heic(samples, "RGB;12", color_primaries=9, transfer_characteristics=16, matrix_coefficients=9)
    assert tuple(media.read(data)[0].color) == (9, 16, 0, True)


def test_the_brands_tell_avif_and_heic_apart(picture: Image.Image) -> None:
    for data in (heic_of(picture), saved(picture, "AVIF")):
        renamed = data[:8] + b"mif1" + data[12:]
        assert np.array_equal(next(media.read(renamed)[1]), next(media.read(data)[1]))


def test_too_large_or_damaged_heic_is_refused(picture: Image.Image) -> None:
    data = heic_of(picture)
    with pytest.raises(LimitError, match="96 x 64 is 6,144 pixels, more than the 6,143 allowed"):
        media.read(data, max_pixels=6143)
    for length in (40, len(data) // 3, len(data) // 2):
        with pytest.raises(MediaError, match=r"is damaged \(.*\); get a whole copy of it"):
            media.read(data[:length])
