"""The small JPEG in a file: what it shows, and what isn't taken for one."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.containers import IMAGE, IMAGE_UNITS, damaged, written
from helpers.image_files import swapped
from helpers.pictures import picture
from helpers.stored import stored
from PIL import Image, ImageCms

import codec
from codec import media
from codec.container import SRGB
from codec.container.fields import varint
from codec.errors import LimitError, MediaError
from codec.media import previews
from codec.thumbnail import thumbnail


def jpeg(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def preview_of(source: object) -> Image.Image:
    info, (frame,) = media.read(source)
    return previews.read(previews.made(info, frame))


@pytest.mark.parametrize(
    ("shape", "size", "mode"),
    [((90, 700, 3), (256, 33), "RGB"), ((40, 30, 1), (30, 40), "L"), ((1100, 3, 2), (1, 256), "L")],
)
def test_a_preview_is_a_small_copy(shape, size, mode) -> None:
    frame = picture(*shape)
    image = preview_of(frame)
    assert (image.size, image.mode) == (size, mode)
    if shape[2] in (1, 3):
        assert abs(np.asarray(image).mean() - frame.mean()) < 3


def test_a_preview_is_srgb_and_white_where_nothing_shows() -> None:
    wide = Image.new("RGB", (50, 40), (200, 30, 30))
    wide.info["icc_profile"] = swapped()
    assert preview_of(wide).getpixel((20, 20))[2] > 150  # what it calls red is blue
    clear = np.zeros((30, 40, 4), np.uint8)
    clear[:, 20:] = (9, 9, 9, 255)
    image = preview_of(clear)
    assert min(image.getpixel((3, 15))) > 240 and max(image.getpixel((36, 15))) < 30
    deep = np.full((20, 30), 40_000, np.uint16)
    assert preview_of(deep).getpixel((9, 9)) == pytest.approx(40_000 // 257, abs=3)


def test_colours_that_are_told_by_code_points_have_none(tmp_path: Path) -> None:
    wide = tmp_path / "wide.png"
    info, frames = media.from_array(picture(40, 60))
    with wide.open("wb") as fp:
        media.write(replace(info, color=SRGB._replace(primaries=12)), frames, fp, "png")
    notes: list[str] = []
    data = codec.encode(wide, preview=True, notes=notes)
    assert "there is no preview" in "".join(notes) and "preview" not in codec.info(data).metadata


def test_a_kept_jpeg_has_one_too_and_comes_back_as_it_was() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    source = jpeg(Image.fromarray(picture(60, 90)), exif=exif)
    data = codec.encode(source, lossless=True, preview=True)
    assert previews.read(codec.info(data).metadata["preview"]).size == (60, 90)
    assert codec.decode(data).original == source


def test_small_copies_of_lossless_files_come_from_it() -> None:
    frame = picture(160, 200)
    info = media.Info(200, 160)
    data = stored(frame, {"preview": previews.made(info, frame)})
    small = next(codec.decode(data, scale=2).frames()).astype(int)
    exact = next(codec.decode(stored(frame), scale=2).frames())
    assert small.shape == exact.shape and 0 < np.abs(small - exact).mean() < 4
    # No unit is read, nor does a region differ.
    assert np.array_equal(next(codec.decode(damaged(data, 0), scale=2).frames()), small)
    part = codec.decode(data, region=(20, 10, 31, 21), scale=2)
    assert np.array_equal(next(part.frames()), small[5:16, 10:26])
    # Where it would be other colours, or enlarged, it isn't taken.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    coloured = stored(frame, {"preview": previews.made(info, frame), "icc": profile})
    assert np.array_equal(next(codec.decode(coloured, scale=2).frames()), exact)
    tiny = stored(frame, {"preview": jpeg(Image.new("RGB", (99, 80)))})
    assert np.array_equal(next(codec.decode(tiny, scale=2).frames()), exact)
    other = stored(frame, {"preview": jpeg(Image.new("RGB", (160, 200)))})
    assert np.array_equal(next(codec.decode(other, scale=2).frames()), exact)
    assert thumbnail(other, 50).size == (50, 40)


def test_previews_of_long_pictures_fit_them() -> None:
    for shape in ((90, 701, 3), (1100, 3, 2), (257, 256, 1)):
        assert previews.shaped_like(preview_of(picture(*shape)), shape[1], shape[0])


HOSTILE = {
    "nothing": b"x",
    "cut": jpeg(Image.fromarray(picture(60, 90)))[:500],
    "large": jpeg(Image.new("L", (513, 1))),
    "CMYK": jpeg(Image.new("CMYK", (30, 30))),
    "in many scans": jpeg(Image.fromarray(picture(60, 90)), progressive=True),
    "a PNG": b"\x89PNG\r\n\x1a\n" + bytes(99),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_plain_small_jpeg_is_refused_and_pictures_are_decoded_without_it(name: str) -> None:
    with pytest.raises(MediaError, match="the preview"):
        previews.read(HOSTILE[name])
    data = stored(picture(32, 48), {"preview": HOSTILE[name]})
    assert next(codec.decode(data, scale=2).frames()).shape == (16, 24, 3)


def test_a_preview_has_a_limit() -> None:
    small, large = ({"preview": bytes([1]) * count} for count in (2**16, 2**16 + 1))
    assert codec.info(written(replace(IMAGE, metadata=small), IMAGE_UNITS)).metadata == small
    with pytest.raises(LimitError, match="preview"):
        written(replace(IMAGE, metadata=large), IMAGE_UNITS)
    data = written(replace(IMAGE, metadata={"exif": b"x"}), IMAGE_UNITS)
    head = data.index(b"e\x02\0x")
    with pytest.raises(LimitError, match="'v'"):
        codec.info(data[:head] + b"v" + varint(2**16 + 1) + bytes(2**16 + 5))
