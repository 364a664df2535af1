"""Stripping drops metadata and keeps colours."""

import io
import struct

import numpy as np
import pytest
from helpers.image_files import ICC, XMP, exif, noise, png16, saved, swapped
from PIL import Image

from codec import media


def linear_grey() -> bytes:
    """A profile of grey whose values are proportional to light."""
    head = bytearray(128)
    head[8:12], head[12:24], head[36:40] = bytes([4, 0x30, 0, 0]), b"mntrGRAYXYZ ", b"acsp"
    head[68:80] = struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    white = b"XYZ \0\0\0\0" + bytes(head[68:80])
    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)
    tags = struct.pack(">I", 2) + b"wtpt" + struct.pack(">II", 156, 20) + b"kTRC" + struct.pack(">II", 176, 12)
    whole = bytes(head) + tags + white + curve
    return struct.pack(">I", len(whole)) + whole[4:]


def read(data: bytes) -> tuple[media.Info, np.ndarray]:
    info, (frame,) = media.read(data, strip=True)
    return info, frame


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_stripping_drops_all_metadata(picture: Image.Image, format: str) -> None:
    data = saved(picture, format, exif=exif().tobytes(), icc_profile=ICC, **({} if format == "PNG" else {"xmp": XMP}))
    info, frame = read(data)
    assert media.read(data)[0].metadata
    assert info.metadata == {}
    assert np.array_equal(frame, next(media.read(data)[1]))


def test_stripping_turns_upright_first(picture: Image.Image) -> None:
    info, frame = read(saved(picture, exif=exif(6).tobytes()))
    assert np.array_equal(frame, np.asarray(picture.rotate(270, expand=True)))
    assert info.metadata == {}


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_stripping_converts_other_profiles_to_srgb(picture: Image.Image, mode: str) -> None:
    image = picture.convert(mode)
    if mode == "RGBA":
        image.putalpha(picture.getchannel("G"))
    info, frame = read(saved(image, icc_profile=swapped()))
    samples = np.asarray(image).astype(int)
    assert info.metadata == {}
    assert np.abs(frame[..., :3] - samples[..., 2::-1]).max() <= 2
    assert np.array_equal(frame[..., 3:], samples[..., 3:])


def test_stripping_converts_grey_profiles_to_the_grey_of_srgb(picture: Image.Image) -> None:
    image = picture.convert("L")
    info, frame = read(saved(image, icc_profile=linear_grey()))
    light = np.asarray(image) / 255
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert (info.channels, info.metadata) == (1, {})
    assert np.abs(frame[..., 0] - 255 * srgb).max() < 1.5


@pytest.mark.parametrize("profile", [b"no such thing", ICC[:200], linear_grey()])
def test_stripping_drops_profiles_that_mean_nothing(picture: Image.Image, profile: bytes) -> None:
    info, frame = read(saved(picture, icc_profile=profile))
    assert info.metadata == {}
    assert np.array_equal(frame, np.asarray(picture))


def test_deep_samples_keep_the_profile_that_gives_their_colours() -> None:
    samples = noise(3)
    for profile, kept in ((swapped(), {"icc": swapped()}), (ICC, {})):
        buffer = io.BytesIO()
        media.write(media.Info(7, 5, 3, 16, metadata={"icc": profile, "xmp": XMP}), [samples], buffer)
        info, frame = read(buffer.getvalue())
        assert info.metadata == kept
        assert np.array_equal(frame, samples)
    assert read(png16(samples))[0].metadata == {}


def test_stripping_works_on_pillow_images(picture: Image.Image) -> None:
    image = Image.open(io.BytesIO(saved(picture, icc_profile=ICC, exif=exif().tobytes())))
    assert media.read(image, strip=True)[0].metadata == {}


def test_stripping_exactly_keeps_samples_and_what_they_mean(picture: Image.Image) -> None:
    data = saved(picture, icc_profile=swapped(), exif=exif(1))
    info, (frame,) = media.read(data, strip=True, exact=True)
    assert np.array_equal(frame, np.asarray(picture)) and dict(info.metadata) == {"icc": swapped()}
