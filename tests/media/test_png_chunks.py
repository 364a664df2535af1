"""What a PNG says beside its pixels comes back, and damage there costs no picture."""

import io
import struct
import zlib

import numpy as np
import pytest
from helpers.image_files import ICC, PNG_KIND, XMP, chunk, exif, noise, parsed, png, png16, saved
from PIL import Image

from codec import media
from codec.container import SRGB, unpack_chunks
from codec.errors import MediaError

GAMMA = chunk(b"gAMA", struct.pack(">I", 100_000))
P3 = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))
DPI = chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1))
TEXT = chunk(b"tEXt", b"parameters\0a parrot, steps: 20")
PACKED = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"words " * 50))
INTERNATIONAL = chunk(b"iTXt", b"Title\0\0\0de\0Titel\0" + "Grüße".encode())
LIGHT = chunk(b"cLLI", struct.pack(">II", 10_000_000, 4_000_000))
EVERYTHING = (GAMMA, P3, DPI, TEXT, PACKED, INTERNATIONAL, LIGHT, chunk(b"tIME", bytes((7, 230, 1, 2, 3, 4, 5))))


def made(depth: int, *more: bytes) -> bytes:
    """A PNG of 8 or 16 bits with these chunks."""
    if depth == 16:
        return png16(noise(3), *more)
    return png(7, 5, b"".join(b"\0" + row.tobytes() for row in noise(3, 8).astype(np.uint8)), 8, PNG_KIND[3], *more)


def rewritten(data: bytes, format: str = "png") -> bytes:
    info, frames = media.read(data)
    buffer = io.BytesIO()
    media.write(info, frames, buffer, format)
    return buffer.getvalue()


@pytest.mark.parametrize("depth", [8, 16])
def test_chunks_come_back_as_they_were(depth: int) -> None:
    back = rewritten(made(depth, *EVERYTHING))
    for one in EVERYTHING:
        assert one in back
    with Image.open(io.BytesIO(back)) as image:
        image.verify()  # every checksum
    assert media.read(back)[0].metadata == media.read(made(depth, *EVERYTHING))[0].metadata


@pytest.mark.parametrize(
    "more",
    [
        (),
        (chunk(b"gAMA", struct.pack(">I", 45455)),),
        (chunk(b"sRGB", b"\0"), GAMMA, P3),
        (chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),),
        (chunk(b"bKGD", bytes(6)), chunk(b"prVt", b"?"), chunk(b"pHYs", struct.pack(">IIB", 1, 1, 0))),
    ],
)
def test_what_says_nothing_is_not_carried(more: tuple[bytes, ...]) -> None:
    assert media.read(made(8, *more))[0].metadata == {}


@pytest.mark.parametrize("depth", [8, 16])
def test_the_colour_counts_wherever_it_stands_before_the_pixels(depth: int) -> None:
    cicp, block = chunk(b"cICP", bytes((12, 13, 0, 1))), chunk(b"eXIf", exif().tobytes()[6:] + bytes(6000))
    for more in (
        (cicp,),
        (block, cicp),
        (chunk(b"iCCP", b"P3\0\0" + zlib.compress(np.random.default_rng(0).bytes(9000))), cicp),
    ):
        back = rewritten(made(depth, *more))
        assert cicp in back
        assert media.read(back)[0].color[:2] == (12, 13)
    assert media.read(made(depth, GAMMA, cicp))[0].metadata == {}  # CICP outranks gamma


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("value", [b"x\0\0notzlib", b"x", b"x\0\0" + zlib.compress(ICC)[:-9]])
def test_a_picture_with_a_damaged_profile_is_read_without(depth: int, value: bytes) -> None:
    info, (frame,) = media.read(made(depth, chunk(b"iCCP", value)))
    assert np.array_equal(frame, noise(3, depth))
    assert info.metadata == {}
    assert info.notes == ("its colour profile is damaged and left out",)


@pytest.mark.parametrize("depth", [8, 16])
def test_large_profiles_and_xmp_come_back(depth: int) -> None:
    icc = b"large" * 400_000
    xmp = XMP + b" " * 1_500_000
    packed = chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp))
    info, _ = media.read(rewritten(made(depth, chunk(b"iCCP", b"x\0\0" + zlib.compress(icc)), packed)))
    assert info.metadata == {"icc": icc, "xmp": xmp}


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("tag", [b"tEXt", b"pHYs", b"eXIf", b"iCCP"])
def test_a_wrong_checksum_beside_the_pixels_is_a_note(depth: int, tag: bytes) -> None:
    broken = bytearray(chunk(tag, b"Comment\0hello"))
    broken[-1] ^= 1
    info, (frame,) = media.read(made(depth, bytes(broken), bytes(broken)))
    assert np.array_equal(frame, noise(3, depth))
    assert info.metadata == {}
    assert info.notes == (f"what is in chunks of it ({tag.decode()}) is damaged and left out",)


@pytest.mark.parametrize("tag", [b"IDAT", b"tRNS"])
def test_a_wrong_checksum_of_what_pixels_need_is_refused(tag: bytes) -> None:
    data = made(8, chunk(b"tRNS", bytes(6)))
    at = data.index(tag) + 4 + struct.unpack(">I", data[data.index(tag) - 4 : data.index(tag)])[0]
    with pytest.raises(MediaError, match="is damaged"):
        media.read(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_changed_pixels_are_refused_though_they_can_be_inflated(picture: Image.Image) -> None:
    data = bytearray(saved(picture, compress_level=0))
    data[data.index(b"IDAT") + 500] ^= 1
    with pytest.raises(MediaError, match="is damaged"):
        media.read(bytes(data))


def test_texts_beyond_the_limit_are_cut_and_said() -> None:
    info, _ = media.read(made(8, *[TEXT] * 4097))
    assert len(list(unpack_chunks(info.metadata["chunks"]))) == 4096
    assert info.notes == ("it has more than 4,096 texts; the rest is left out",)


def test_an_animation_says_that_it_is_one(picture: Image.Image) -> None:
    data = saved(picture, "PNG", save_all=True, append_images=[picture.rotate(180)])
    info, (frame,) = media.read(data)
    assert info.notes == ("it has 2 frames; the first is kept",)
    assert np.array_equal(frame, np.asarray(picture))


@pytest.mark.parametrize("exact", [False, True])
def test_stripped_pictures_keep_only_what_colours_mean(exact: bool) -> None:
    info, _ = media.read(made(8, *EVERYTHING, chunk(b"eXIf", exif().tobytes()[6:])), strip=True, exact=exact)
    assert info.color == SRGB
    assert [tag for tag, _ in unpack_chunks(info.metadata["chunks"])] == [b"gAMA", b"cHRM", b"cLLI"]
    assert info.metadata.keys() == {"chunks"}


def test_exif_as_text_is_taken_for_exif() -> None:
    block = exif(1).tobytes()
    lines = b"\nexif\n%8d\n" % len(block) + block.hex().encode()
    info, _ = media.read(made(8, chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(lines))))
    assert info.metadata.keys() == {"exif"}
    assert parsed(info.metadata["exif"])[0x010F] == "Maker"


@pytest.mark.parametrize("format", ["png", "jpeg", "tiff", "bmp"])
def test_a_resolution_goes_from_every_format_to_every_format(picture: Image.Image, format: str) -> None:
    for source in ("PNG", "JPEG", "TIFF", "BMP"):
        with Image.open(io.BytesIO(rewritten(saved(picture, source, dpi=(300, 150)), format))) as image:
            assert tuple(round(float(value)) for value in image.info["dpi"]) == (300, 150)


@pytest.mark.parametrize("format", ["png", "jpeg", "tiff", "bmp"])
def test_no_resolution_is_made_up(picture: Image.Image, format: str) -> None:
    assert media.read(rewritten(saved(picture), format))[0].metadata == {}


def test_a_resolution_that_exif_has_is_not_carried_twice(picture: Image.Image) -> None:
    tags = exif()
    tags[0x011A], tags[0x011B], tags[0x0128] = 300.0, 300.0, 2
    for format in ("JPEG", "PNG"):
        assert media.read(saved(picture, format, dpi=(300, 300), exif=tags))[0].metadata.keys() == {"exif"}
        assert media.read(saved(picture, format, dpi=(72, 72), exif=tags))[0].metadata.keys() == {"exif", "chunks"}


@pytest.mark.parametrize("format", ["JPEG", "GIF"])
def test_a_comment_is_kept(picture: Image.Image, format: str) -> None:
    data = saved(picture, format, comment=b"what a view")
    assert chunk(b"tEXt", b"Comment\0what a view") in rewritten(data)
    with Image.open(io.BytesIO(rewritten(data, "jpeg"))) as image:
        assert image.info["comment"] == b"what a view"


def test_what_a_format_cannot_hold_is_said(picture: Image.Image) -> None:
    color = chunk(b"cICP", bytes((9, 16, 0, 1)))
    info, _ = media.read(made(8, *EVERYTHING, chunk(b"iCCP", b"x\0\0" + zlib.compress(ICC))))
    assert media.left_out(info, "png") == []
    assert media.left_out(info, "jpeg") == ["JPEG can't hold its gamma or light levels, text; PNG does"]
    assert media.left_out(info, "ppm") == [
        "PPM can't hold the colour profile, its gamma or light levels, text, its resolution; PNG does"
    ]
    assert media.left_out(media.read(made(8, color))[0], "tiff") == ["TIFF can't hold its colour (CICP); PNG does"]
    assert media.left_out(media.read(picture)[0], "bmp") == []


def test_exif_too_long_for_jpeg_is_left_out_and_said(picture: Image.Image) -> None:
    data = saved(picture, exif=exif().tobytes() + bytes(70_000))
    assert media.left_out(media.read(data)[0], "jpeg") == ["JPEG can't hold Exif; PNG does"]
    assert media.read(rewritten(data, "jpeg"))[0].metadata == {}


def test_changed_chunks_with_right_checksums_are_read_or_refused_in_a_line() -> None:
    whole = made(8, *EVERYTHING, chunk(b"iCCP", b"x\0\0" + zlib.compress(ICC)), chunk(b"cICP", bytes((9, 16, 0, 1))))
    rng = np.random.default_rng(0)
    for _ in range(300):
        at, data = 8, bytearray(whole)
        data[rng.integers(12, len(data) - 12)] = rng.integers(256)
        while at + 12 <= len(data):
            (length,) = struct.unpack_from(">I", data, at)
            if at + 12 + length > len(data):
                break
            struct.pack_into(">I", data, at + 8 + length, zlib.crc32(data[at + 4 : at + 8 + length]))
            at += 12 + length
        try:
            info, (frame,) = media.read(bytes(data))
            media.write(info, [frame], io.BytesIO())
        except MediaError as error:
            assert "\n" not in str(error)
