"""JPEGs without their end marker are read; those that lack more are refused. Orientations of every type are reset."""

import io
import struct

import numpy as np
import pytest
from helpers.image_files import MAKER, ORIENTATION, exif, parsed, saved
from PIL import Image

from codec import media
from codec.errors import MediaError
from codec.media import jpeg

PROGRESSIVE = {"progressive": True}
KINDS = [{}, PROGRESSIVE, {"subsampling": 2, "restart_marker_rows": 1}, {"exif": exif().tobytes()}]


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_that_lacks_only_its_end_marker_is_read(picture: Image.Image, mode: str, options: dict) -> None:
    data = saved(picture.convert(mode), "JPEG", **options)
    wanted = np.asarray(Image.open(io.BytesIO(data)))
    for cut in (data[:-2], data[:-1]):
        info, (frame,) = media.read(cut)
        assert np.array_equal(frame.squeeze(), wanted)
        assert info.notes == ("it lacks its end marker; every pixel is there",)


@pytest.mark.parametrize("options", KINDS)
def test_a_jpeg_that_lacks_more_is_refused(picture: Image.Image, options: dict) -> None:
    data = saved(picture, "JPEG", **options)
    for lost in (4, 5, 9, 40, len(data) // 2):
        with pytest.raises(MediaError, match="is damaged"):
            media.read(data[:-lost])


def test_a_progressive_jpeg_without_its_last_scan_is_refused(picture: Image.Image) -> None:
    data = saved(picture, "JPEG", progressive=True)
    with pytest.raises(MediaError, match="is damaged"):
        media.read(data[: data.rindex(b"\xff\xda")])


def test_a_file_of_heads_alone_is_refused_at_its_second(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    unpack = struct.unpack_from
    monkeypatch.setattr("struct.unpack_from", lambda *a: looked_at.append(1) or unpack(*a))
    assert not jpeg._has_every_scan(b"\xff\xd8" + b"\xff\xc0\0\x02" * 1000)
    assert len(looked_at) < 5


def test_further_pictures_of_a_jpeg_are_said(picture: Image.Image) -> None:
    data = saved(picture, "MPO", save_all=True, append_images=[picture])
    assert media.read(data)[0].notes == ("it holds more than one picture; the first is kept",)


def oriented(kind: int, packed: bytes, prefix: bytes = b"Exif\0\0", order: str = "<") -> bytes:
    """Exif with an orientation of this type, and a maker."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, 2)
    make = struct.pack(order + "HHI4s", MAKER, 2, 4, b"Foo\0")
    entry = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack(order + "I", 38)
    return prefix + head + make + struct.pack(order + "HHI", ORIENTATION, kind, 1) + entry + bytes(4) + packed


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "form"), [(3, "H"), (4, "I"), (6, "b"), (8, "h"), (9, "i"), (11, "f"), (12, "d")])
@pytest.mark.parametrize("prefix", [b"Exif\0\0", b"Exif\0\0Exif\0\0"])
def test_the_orientation_that_was_honoured_is_the_one_reset(
    picture: Image.Image, order: str, kind: int, form: str, prefix: bytes
) -> None:
    data = saved(picture, "JPEG", exif=oriented(kind, struct.pack(order + form, 6), prefix, order))
    info, (frame,) = media.read(data)
    assert frame.shape == (96, 64, 3)
    tags = parsed(info.metadata["exif"])
    assert (tags[ORIENTATION], tags[MAKER]) == (1, "Foo")


def test_a_rational_orientation_is_reset(picture: Image.Image) -> None:
    for kind in (5, 10):
        info, (frame,) = media.read(saved(picture, "JPEG", exif=oriented(kind, struct.pack("<II", 12, 2))))
        assert frame.shape == (96, 64, 3)
        assert parsed(info.metadata["exif"])[ORIENTATION] == 1
