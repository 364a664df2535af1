"""Odd, damaged and hostile files: they are read as well as they can be, or refused in one line."""

import io
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.image_files import XMP, chunk, exif, pixels, png, saved
from PIL import Image

from codec import media
from codec.errors import LimitError, MediaError

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on what it mends
FORMATS = ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF", "BMP", "PPM"]


@pytest.mark.parametrize("format", FORMATS)
def test_truncated_images_are_refused_by_name(picture: Image.Image, tmp_path: Path, format: str) -> None:
    data = saved(picture, format)
    for length in (20, len(data) // 3, len(data) // 2):
        path = tmp_path / "broken"
        path.write_bytes(data[:length])
        with pytest.raises(MediaError) as caught:
            media.read(path)
        assert str(caught.value).startswith(f"{path}: is damaged (")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("format", FORMATS)
def test_images_with_changed_bytes_are_read_or_refused_in_a_line(picture: Image.Image, format: str) -> None:
    whole = saved(picture.resize((24, 16)), format)
    rng = np.random.default_rng(0)
    for _ in range(100):
        data = bytearray(whole)
        for at in rng.integers(4, min(len(data), 300), 3):
            data[at] = rng.integers(256)
        try:
            pixels(bytes(data))
        except (MediaError, LimitError) as error:
            assert "\n" not in str(error)


def test_a_bomb_of_pixels_is_refused_before_they_are_decoded() -> None:
    rows = zlib.compress(bytes(30000 * 3751), 9)
    bomb = png(30000, 30000, depth=1, kind=0).replace(chunk(b"IDAT", zlib.compress(b"")), chunk(b"IDAT", rows))
    assert len(bomb) < 200_000
    with pytest.raises(LimitError, match=r"900,000,000 pixels, more than the 268,435,456 allowed.*--max-pixels"):
        media.read(bomb)


@pytest.mark.parametrize(("tag", "head"), [(b"zTXt", b"Comment\0\0"), (b"iCCP", b"ICC\0\0")])
def test_a_bomb_of_text_is_refused(tag: bytes, head: bytes) -> None:
    bomb = chunk(tag, head + zlib.compress(bytes(80_000_000 if tag == b"iCCP" else 900_000)))
    with pytest.raises(MediaError, match=r"is damaged \(.*\); get a whole copy"):
        media.read(png(1, 1, bytes(4), 8, 2, *[bomb] * (1 if tag == b"iCCP" else 80)))


def back_from(info: media.Info, frame: np.ndarray, format: str) -> Image.Image:
    buffer = io.BytesIO()
    media.write(info, [frame], buffer, format)
    image = Image.open(buffer)
    image.load()
    return image


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "avif", "tiff"])
def test_a_damaged_profile_is_kept_and_does_no_harm(picture: Image.Image, format: str) -> None:
    info, (frame,) = media.read(saved(picture, icc_profile=b"no such thing"))
    assert np.array_equal(frame, np.asarray(picture))
    assert info.metadata["icc"] == b"no such thing"
    image = back_from(info, frame, format)
    assert np.abs(np.asarray(image).astype(int) - frame).mean() < 3


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "avif", "tiff"])
@pytest.mark.parametrize("length", [0, 4, 8, 12, 20, 40])
def test_damaged_exif_does_no_harm(picture: Image.Image, format: str, length: int) -> None:
    block = exif(3).tobytes().removeprefix(b"Exif\0\0")[:length]
    data = saved(picture).replace(chunk(b"IEND", b""), chunk(b"eXIf", block) + chunk(b"IEND", b""))
    info, (frame,) = media.read(data)
    assert frame.shape == (64, 96, 3)
    image = back_from(info, frame, format)
    assert np.abs(np.asarray(image).astype(int) - frame).mean() < 3


def test_exif_that_is_none_is_dropped(picture: Image.Image) -> None:
    info, (frame,) = media.read(saved(picture, "PNG", exif=b"no such thing"))
    assert info.metadata == {}
    assert np.array_equal(frame, np.asarray(picture))


@pytest.mark.parametrize("change", [-20, -1, 1, 20])
def test_a_wrong_length_of_exif_in_jpeg_stops_nothing_or_is_refused(picture: Image.Image, change: int) -> None:
    data = saved(picture, "JPEG", exif=exif(1).tobytes())
    at = data.index(b"\xff\xe1") + 2
    (length,) = struct.unpack_from(">H", data, at)
    broken = data[:at] + struct.pack(">H", length + change) + data[at + 2 :]
    try:
        assert pixels(broken).shape == (64, 96, 3)
    except MediaError as error:
        assert "is damaged" in str(error)


@pytest.mark.parametrize(
    ("format", "options"),
    [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {}), ("AVIF", {"quality": 100}), ("MPO", {})],
)
def test_of_several_pictures_the_first_is_read(picture: Image.Image, format: str, options: dict[str, Any]) -> None:
    second = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    data = saved(picture, format, save_all=True, append_images=[second], **options)
    assert Image.open(io.BytesIO(data)).n_frames == 2
    info, (frame,) = media.read(data)
    assert info.frames == 1
    error, other = (np.abs(frame.astype(int) - np.asarray(image)).mean() for image in (picture, second))
    assert error < other / 4


def test_interlaced_png_is_read_exactly(picture: Image.Image) -> None:
    samples = np.asarray(picture)
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = b"".join(b"\0" + row.tobytes() for y, x, dy, dx in passes for row in samples[y::dy, x::dx])
    assert np.array_equal(pixels(png(96, 64, rows, adam7=1)), samples)


def test_heic_without_its_package_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for brand, others in ((b"heic", b"mif1"), (b"mif1", b"miafheic")):
        head = b"ftyp" + brand + bytes(4) + others
        with pytest.raises(MediaError, match=r"is HEIC; install pillow-heif \(pip install 'neural-codec\[heif\]'\)"):
            media.read(struct.pack(">I", 4 + len(head)) + head + bytes(100))


def test_a_tiff_of_a_kind_that_pillow_has_no_decoder_for_is_called_so(picture: Image.Image) -> None:
    data = saved(picture, "TIFF", xmp=XMP)
    at = data.index(struct.pack("<HHI", 262, 3, 1)) + 8
    with pytest.raises(MediaError, match=r"is of a kind that can't be read .*; convert it to PNG first"):
        media.read(data[:at] + b"\x63\0" + data[at + 2 :])
