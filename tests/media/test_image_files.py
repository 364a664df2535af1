"""Image files in and out: samples, orientation and metadata are kept, and what can't be is refused by name."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.image_files import DATE, EXIF_IFD, ICC, MAKER, ORIENTATION, XMP, exif, parsed, pixels, png, saved
from PIL import Image, ImageOps

from codec import media
from codec.errors import LimitError, MediaError


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "PPM"])
def test_lossless_formats_are_read_exactly(picture: Image.Image, format: str) -> None:
    assert np.array_equal(pixels(saved(picture, format)), np.asarray(picture))


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF", "GIF"])
def test_lossy_formats_are_read_as_pillow_reads_them(picture: Image.Image, format: str) -> None:
    data = saved(picture, format)
    assert np.array_equal(pixels(data), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def test_paths_bytes_files_arrays_and_images_give_the_same(picture: Image.Image, photo: Path) -> None:
    expected = np.asarray(picture)
    with photo.open("rb") as fp:
        for source in (photo, str(photo), photo.read_bytes(), fp, expected, picture):
            assert np.array_equal(pixels(source), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation_is_applied_and_reset(picture: Image.Image, format: str, orientation: int) -> None:
    data = saved(picture, format, exif=exif(orientation).tobytes())
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    info, (frame,) = media.read(data)
    assert (info.width, info.height) == expected.size == (picture.size if orientation < 5 else picture.size[::-1])
    assert np.array_equal(frame, np.asarray(expected))
    assert parsed(info.metadata["exif"]).get(ORIENTATION, 1) == 1


def test_resetting_the_orientation_changes_no_other_byte_of_exif(picture: Image.Image) -> None:
    def kept(orientation: int) -> bytes:
        return media.read(saved(picture, "JPEG", exif=exif(orientation).tobytes()))[0].metadata["exif"]

    assert kept(6) == kept(1) == exif(1).tobytes().removeprefix(b"Exif\0\0")


def test_orientation_is_reset_in_big_endian_exif_too(picture: Image.Image) -> None:
    def block(orientation: int) -> bytes:
        return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, ORIENTATION, 3, 1, orientation, 0, 0)

    info, (frame,) = media.read(saved(picture, "PNG", exif=block(3)))
    assert np.array_equal(frame, np.asarray(picture.rotate(180)))
    assert info.metadata["exif"] == block(1)


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "avif", "tiff"])
def test_icc_exif_and_xmp_survive_a_round_trip(picture: Image.Image, format: str) -> None:
    source = saved(picture, "WEBP", exif=exif().tobytes(), icc_profile=ICC, xmp=XMP)
    info, frames = media.read(source)
    assert info.metadata["icc"] == ICC
    assert info.metadata["xmp"] == XMP
    buffer = io.BytesIO()
    media.write(info, frames, buffer, format)
    metadata = media.read(buffer.getvalue())[0].metadata
    assert metadata["icc"] == ICC
    assert metadata["xmp"] == XMP
    tags = parsed(metadata["exif"])
    assert tags[MAKER] == "Maker"
    assert tags.get_ifd(EXIF_IFD)[DATE] == "2020:01:02 03:04:05"


def test_a_tiffs_layout_is_not_kept_as_exif(picture: Image.Image) -> None:
    info, _ = media.read(saved(picture, "TIFF", exif=exif().tobytes()))
    assert set(parsed(info.metadata["exif"])) == {MAKER, EXIF_IFD}


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_images_have_one_channel(picture: Image.Image, mode: str) -> None:
    image = picture.convert(mode)
    assert np.array_equal(pixels(saved(image))[..., 0], np.asarray(image.convert("L")))


@pytest.mark.parametrize("mode", ["P", "RGBA"])
def test_palettes_and_opaque_alpha_become_rgb(picture: Image.Image, mode: str) -> None:
    image = picture.convert(mode)
    assert np.array_equal(pixels(saved(image)), np.asarray(image.convert("RGB")))


REFUSED: dict[str, tuple[Callable[[Image.Image], bytes], str]] = {
    "cmyk jpeg": (lambda im: saved(im.convert("CMYK"), "JPEG"), "is CMYK; convert it to RGB"),
    "cmyk tiff": (lambda im: saved(im.convert("CMYK"), "TIFF"), "is CMYK; convert it to RGB"),
    "lab": (lambda im: saved(im.convert("LAB"), "TIFF"), "is LAB; convert it to RGB"),
    "float": (lambda im: saved(im.convert("F"), "TIFF"), "has floating-point samples; convert it"),
    "32-bit grey": (lambda im: saved(im.convert("I"), "TIFF"), "has signed or 32-bit samples; convert it"),
    "10-bit avif": (lambda im: deep_avif(im), "is AVIF with more than 8 bits per sample; convert it"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_lose_something_is_refused(picture: Image.Image, case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(MediaError, match=message):
        media.read(make(picture))


def deep_avif(image: Image.Image) -> bytes:
    """An AVIF file that says of itself that it has 10 bits."""
    data = bytearray(saved(image, "AVIF"))
    data[data.index(b"av1C") + 6] |= 0x40
    at = data.index(b"pixi") + 9
    data[at : at + 3] = b"\x0a\x0a\x0a"
    return bytes(data)


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(
        LimitError, match=r"46340 x 46341 is 2,147,441,940 pixels, more than the 268,435,456 allowed.* --max-pixels"
    ):
        media.read(png(46340, 46341))
    with pytest.raises(LimitError, match="more than the 10 allowed"):
        media.read(np.zeros((3, 4), np.uint8), max_pixels=10)


def test_pillows_own_lower_limit_does_not_apply(monkeypatch: pytest.MonkeyPatch, photo: Path) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert pixels(photo).shape == (64, 96, 3)


@pytest.mark.parametrize(("content", "message"), [(b"", "the file is empty"), (b"Dear diary,\n", "is not an image")])
def test_files_that_are_no_image_are_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=f"photo.jpg: {message}.*; give "):
        media.read(path)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        media.read(tmp_path / "nothing.png")


@pytest.mark.parametrize("shape", [(0, 5), (5, 0, 3), (4, 4, 0), (4, 4, 5), (4,), (1, 4, 4, 3)])
def test_arrays_of_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MediaError, match="the array has shape"):
        media.read(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", [np.float32, np.uint32, np.int8, bool])
def test_arrays_of_other_types_are_refused(dtype: type) -> None:
    with pytest.raises(MediaError, match="convert it to uint8"):
        media.read(np.zeros((4, 4), dtype))


def test_a_callers_pillow_image_is_not_changed(picture: Image.Image) -> None:
    image = Image.open(io.BytesIO(saved(picture, "JPEG", exif=exif(6).tobytes())))
    assert pixels(image).shape == (96, 64, 3)
    assert image.size == (96, 64)
    assert image.getexif()[ORIENTATION] == 6


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".pgm"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_lossless_outputs_are_exact(picture: Image.Image, suffix: str, mode: str) -> None:
    info, frames = media.read(picture.convert(mode))
    buffer = io.BytesIO()
    media.write(info, frames, buffer, media.format_for(f"a{suffix}"))
    assert np.array_equal(np.asarray(Image.open(buffer).convert(mode)), np.asarray(picture.convert(mode)))


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".jpe", ".jfif", ".avif"])
def test_lossy_outputs_are_close(picture: Image.Image, suffix: str) -> None:
    info, frames = media.read(picture)
    buffer = io.BytesIO()
    media.write(info, frames, buffer, media.format_for(f"a{suffix}"))
    error = np.asarray(Image.open(buffer)).astype(float) - np.asarray(picture)
    assert np.sqrt(np.mean(error**2)) < 4


def test_the_output_suffix_says_the_format() -> None:
    assert media.format_for("-") == "png"
    for name in ("a.xyz", "a", "a.ncf"):
        with pytest.raises(MediaError, match=r"use one of \.png"):
            media.format_for(name)


def test_an_image_that_the_format_cannot_hold_is_refused() -> None:
    info, frames = media.read(np.zeros((1, 16384), np.uint8))
    with pytest.raises(MediaError, match=r"can't be written as WEBP .*; write PNG instead"):
        media.write(info, frames, io.BytesIO(), "webp")


def test_several_frames_do_not_fit_an_image_file(picture: Image.Image) -> None:
    info, (frame,) = media.read(picture)
    with pytest.raises(MediaError, match="more than one frame"):
        media.write(info, [frame, frame], io.BytesIO())


def test_suffixes_of_folder_walks_are_those_of_formats_that_are_read() -> None:
    assert {".png", ".jpeg", ".gif", ".heic", ".pgm"} <= media.SUFFIXES
