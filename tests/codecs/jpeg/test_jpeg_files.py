"""JPEG files become .ncf files from which they come back byte for byte; what claims to be one is not believed."""

import io
import lzma
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.image_files import ICC, XMP, exif, saved
from PIL import Image

import codec
from codec import container, media, originals
from codec.codecs.jpeg import payload
from codec.codecs.jpeg.payload import Parts
from codec.container import Header, Unit
from codec.container.fields import varint
from codec.errors import CodecError, DesyncError, FormatError, LimitError, MediaError
from codec.media.jpeg_bits import rest, split


def kept(data: bytes) -> bytes:
    """The .ncf file of a JPEG, which comes back."""
    made = codec.encode(data, lossless=True)
    assert codec.decode(made).original == data
    assert len(made) <= len(data) + 100
    return made


def opened(made: bytes) -> tuple[Header, Unit]:
    header, units = container.read(made)
    (unit,) = units
    return header, unit


def closed(header: Header, unit: Unit) -> bytes:
    buffer = io.BytesIO()
    container.write(buffer, header, [unit])
    return buffer.getvalue()


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 30},
        {"subsampling": 0, "quality": 98},
        {"subsampling": 1, "optimize": True},
        {"progressive": True},
        {"restart_marker_rows": 1, "comment": "a comment"},
        {"exif": exif(6), "icc_profile": ICC, "xmp": XMP},
    ],
)
def test_a_jpeg_comes_back_and_reads_as_it_does_itself(picture: Image.Image, options: dict[str, Any]) -> None:
    data = saved(picture, "JPEG", **options)
    decoded = codec.decode(kept(data))
    info, (frame,) = media.read(data)
    assert decoded.info == info
    assert np.array_equal(next(decoded.frames()), frame)
    assert (decoded.header.width, decoded.header.height) == (info.width, info.height)
    assert decoded.header.channels == 3 and not decoded.header.metadata
    assert decoded.image().info.get("icc_profile") == info.metadata.get("icc")


def test_files_and_paths_are_kept_alike(picture: Image.Image, tmp_path: Any) -> None:
    data = saved(picture, "JPEG")
    path = tmp_path / "a.jpeg"
    path.write_bytes(data)
    made = kept(data)
    with open(path, "rb") as fp:
        assert codec.encode(fp, lossless=True) == made
    assert codec.encode(path, lossless=True) == codec.encode(data, "jpeg") == made


@pytest.mark.parametrize("size", [(1, 1), (17, 9)])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_small_and_odd_ones_come_back(picture: Image.Image, size: tuple[int, int], mode: str) -> None:
    data = saved(picture.crop((0, 0, *size)).convert(mode), "JPEG")
    assert len(kept(data)) < len(data)


def test_what_no_network_makes_smaller_is_kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "fits", lambda *_: False)
    header, unit = opened(kept(saved(Image.new("L", (800, 800), 200), "JPEG")))
    assert unit.payload[0] == payload.PACKED and not header.fingerprint
    noise = np.random.default_rng(0).bytes(3000)
    assert payload.pack_whole(noise)[0] == payload.STORED
    assert payload.whole(payload.pack_whole(noise), 3000) == noise
    monkeypatch.setattr(rest, "_FEW", 2**16)
    alike = bytes([payload.PACKED]) + lzma.compress(bytes(2**20), lzma.FORMAT_RAW, filters=payload._FILTERS)
    with pytest.raises(FormatError, match="not the JPEG that the head says"):
        payload.whole(alike, 2**20)
    assert payload.pack_whole(bytes(2**20))[0] == payload.STORED
    for size in (2999, 3001):
        with pytest.raises(FormatError, match="not the JPEG that the head says"):
            payload.whole(payload.pack_whole(noise), size)


def test_a_jpeg_that_can_not_be_kept_says_what_can_be_done(picture: Image.Image) -> None:
    data = saved(picture, "JPEG")
    other = data.replace(b"\xff\xc0", b"\xff\xc9", 1)
    with pytest.raises(MediaError, match=r"arithmetic coding\), so it can't be kept .*; --codec circuit"):
        codec.encode(other, lossless=True)
    pixels = codec.decode(codec.encode(data, "circuit", effort=1))
    assert pixels.original is None
    assert np.array_equal(next(pixels.frames()), next(media.read(data)[1]))


def test_what_is_damaged_is_kept_as_far_as_it_is_known_how_large_it_is(picture: Image.Image) -> None:
    data = saved(picture.crop((0, 0, 40, 24)), "JPEG", quality=90)
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    other = bytearray(data)
    other[scan + 60] ^= 8
    third = data[: scan + 40] + data[scan + 50 :]
    for damaged in (bytes(other), third, data[: scan + 30], data[:scan], data[: frame + 19], data[: frame + 40]):
        header, _ = opened(kept(damaged))
        assert (header.width, header.height, header.channels) == (40, 24, 3)
    late = data[:scan] + b"\xff\xc9" + data[frame + 2 : frame + 19] + data[scan:]  # a second frame
    for lost in (data[: frame + 18], data[:2] + data[scan:], late):
        with pytest.raises(MediaError, match="so it can't be kept byte for byte; "):
            codec.encode(lost, lossless=True)
    with pytest.raises(LimitError, match="more than the 100 allowed"):
        codec.encode(data[:scan], lossless=True, max_pixels=100)


def test_pixels_are_recommended_where_they_can_be_read(picture: Image.Image) -> None:
    data = saved(picture, "JPEG")
    at = data.index(b"\xff\xc0")
    for other in (data[:at] + b"\xff\xc1\0\x11\x0c" + data[at + 5 :], data.replace(b"\xff\xc0", b"\xff\xf7", 1)):
        with pytest.raises(MediaError, match=r"a rare kind \(.*; keep the JPEG itself$"):
            codec.encode(other, lossless=True)


def test_a_file_too_large_is_refused_before_all_of_it_is_read(
    picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = saved(picture, "JPEG")
    monkeypatch.setattr(originals, "_MOST", len(data))
    with pytest.raises(LimitError, match="too large to be kept"):
        codec.encode(data, lossless=True)


def test_a_reader_that_refuses_the_jpeg_says_how_to_have_it(picture: Image.Image) -> None:
    decoded = codec.decode(kept(saved(picture.convert("CMYK"), "JPEG")))
    with pytest.raises(MediaError, match=r"CMYK; name an output .jpg"):
        next(decoded.frames())


def test_arguments_that_go_with_pictures_are_refused(picture: Image.Image) -> None:
    data = saved(picture, "JPEG")
    for options, said in (
        ({"strip": True}, "keeps its metadata"), ({"codec": "jpeg", "effort": 3}, "jpeg has no effort"),
        ({"quality": 3}, "no quality"),
    ):  # fmt: skip
        with pytest.raises(CodecError, match=said):
            codec.encode(data, lossless=True, **options)
    for source in (picture, np.asarray(picture), saved(picture, "PNG")):
        with pytest.raises(CodecError, match="jpeg keeps JPEG files, and it is none"):
            codec.encode(source, "jpeg")
    with pytest.raises(LimitError, match="more than the 100 allowed"):
        codec.encode(data, lossless=True, max_pixels=100)


def test_heads_and_units_that_no_encoder_writes_are_refused(picture: Image.Image) -> None:
    header, unit = opened(kept(saved(picture, "JPEG")))
    parts = payload.unpack(unit.payload)
    assert isinstance(parts, Parts)
    for head, said in (
        ({"revision": 1}, "made by revision 1"), ({"depth": 9}, "not the head of a JPEG"),
        ({"width": 97}, "not of the size"), ({"channels": 1}, "not of the size"), ({"private": b""}, "in the middle"),
        ({"private": b"\1\1"}, "more than"), ({"fingerprint": b""}, "weights of a JPEG"),
        ({"metadata": {"icc": b"x"}}, "not the head of a JPEG"),
    ):  # fmt: skip
        with pytest.raises(FormatError, match=said):
            codec.decode(closed(replace(header, **head), unit))
    for data, said in (
        (b"\3" + unit.payload[1:], "no method 3"), (b"", "ends in the middle"),
        (payload.pack(Parts(parts.rest, b"1")), "more blocks"), (b"\1" + bytes(9), "weights of a JPEG"),
        (payload.pack(Parts(b"\2" + parts.rest[1:], parts.coded)), "beside its picture"),
    ):  # fmt: skip
        with pytest.raises(FormatError, match=said):
            codec.decode(closed(header, unit._replace(payload=data)))
    with pytest.raises(DesyncError, match="the JPEG's bytes are not those encoded"):
        _ = codec.decode(closed(header, unit._replace(checksum=1))).original
    with pytest.raises(FormatError, match="phase 1"):
        codec.decode(closed(header, unit._replace(phase=1)))


def test_a_frame_that_claims_much_is_refused_before_its_memory_is_taken(picture: Image.Image) -> None:
    header, unit = opened(kept(saved(picture, "JPEG")))
    parts = payload.unpack(unit.payload)
    assert isinstance(parts, Parts)
    large = saved(Image.new("L", (6000, 6000), 200), "JPEG")
    claims = closed(
        replace(header, width=6000, height=6000, channels=1, private=varint(len(large))),
        unit._replace(payload=payload.pack(Parts(split(large).rest, parts.coded))),
    )
    with pytest.raises(FormatError, match="more blocks than so many bytes can hold"):
        codec.decode(claims)


def test_any_damage_is_an_error_in_a_line(picture: Image.Image) -> None:
    data = saved(picture.crop((0, 0, 40, 24)), "JPEG", progressive=True)
    header, unit = opened(kept(data))
    source = random.Random(5)
    for _ in range(60):
        damaged = bytearray(unit.payload)
        damaged[source.randrange(len(damaged))] ^= 1 << source.randrange(8)
        try:
            assert codec.decode(closed(header, unit._replace(payload=bytes(damaged)))).original == data
        except CodecError as error:
            assert "\n" not in str(error)
