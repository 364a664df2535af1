"""Samples of 9 to 16 bits come through exactly, with the orientation applied, and are written exactly."""

import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from helpers.image_files import ICC, ORIENTATION, PNG_KIND, XMP, chunk, exif, noise, pixels, png, png16, saved
from helpers.imports import loaded_after
from PIL import Image

from codec import media
from codec.errors import MediaError

TURNS = {1: 0, 3: 2, 6: -1, 8: 1}


def tiff(samples: np.ndarray, order: str = "<", data: bytes = b"", **changed: tuple[int, ...]) -> bytes:
    """An uncompressed TIFF of 16-bit samples in one strip; `changed` gives values of tags, as t274=(6,)."""
    height, width, channels = samples.shape
    tags = {256: (width,), 257: (height,), 258: (16,) * channels, 259: (1,), 262: (2 if channels > 2 else 1,)}
    tags |= {273: (8,), 277: (channels,), 278: (height,), 279: (samples.nbytes,)}
    if channels in (2, 4):
        tags[338] = (2,)
    tags |= {int(name[1:]): values for name, values in changed.items()}
    data = data or samples.astype(order + "u2").tobytes()
    start = 8 + len(data) + 2 + 12 * len(tags) + 4
    entries, extra = b"", b""
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}H", *values)
        if len(packed) > 4:
            packed, extra = struct.pack(order + "I", start + len(extra)), extra + packed
        entries += struct.pack(order + "HHI", tag, 3, len(values)) + packed.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(data))
    return head + data + struct.pack(order + "H", len(tags)) + entries + bytes(4) + extra


def tiff_by_ffmpeg(samples: np.ndarray, compression: str) -> bytes:
    context = av.codec.CodecContext.create("tiff", "w")
    context.height, context.width = samples.shape[:2]
    context.pix_fmt = {3: "rgb48le", 4: "rgba64le"}[samples.shape[2]]
    context.time_base = Fraction(1)
    context.options = {"compression_algo": compression}
    frame = av.VideoFrame.from_ndarray(samples, format=context.pix_fmt)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in context.encode(frame) + context.encode(None))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_is_read_exactly(channels: int) -> None:
    samples = noise(channels)
    info, (frame,) = media.read(png16(samples))
    assert (info.depth, info.channels) == (16, channels)
    assert np.array_equal(frame, samples)


@pytest.mark.parametrize("channels", [1, 3])
def test_interlaced_16_bit_png_is_read_exactly(channels: int) -> None:
    samples = noise(channels, height=11, width=13)
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = b""
    for y, x, dy, dx in passes:
        rows += b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples[y::dy, x::dx])
    assert np.array_equal(pixels(png(13, 11, rows, 16, PNG_KIND[channels], adam7=1)), samples)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_transparent_colour_of_16_bit_png_is_compared_in_16_bits(channels: int) -> None:
    samples = noise(channels)
    samples[0, 1] = samples[0, 0] ^ 1  # differs in the lowest bits only
    frame = pixels(png16(samples, chunk(b"tRNS", samples[0, 0].astype(">u2").tobytes())))
    assert np.array_equal(frame[..., :-1], samples)
    assert frame[0, :2, -1].tolist() == [0, 65535]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_tiff_is_read_exactly(channels: int, order: str) -> None:
    samples = noise(channels)
    info, (frame,) = media.read(tiff(samples, order))
    assert info.depth == 16
    assert np.array_equal(frame, samples)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("compression", ["packbits", "lzw", "deflate"])
def test_compressed_16_bit_tiff_is_read_exactly(channels: int, compression: str) -> None:
    samples = noise(channels)
    assert np.array_equal(pixels(tiff_by_ffmpeg(samples, compression)), samples)


def test_grey_tiff_where_0_is_white_is_inverted() -> None:
    samples = noise(1)
    assert np.array_equal(pixels(tiff(samples, t262=(0,))), 65535 - samples)


def test_12_bit_grey_tiff_keeps_its_depth() -> None:
    two_in_three_bytes = bytes([0xFF, 0xF0, 0x01, 0])
    data = tiff(noise(1, 12, 1, 2), data=two_in_three_bytes, t258=(12,), t279=(3,))
    info, (frame,) = media.read(data)
    assert info.depth == 12
    assert frame.ravel().tolist() == [4095, 1]


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_orientation_of_deep_images_is_applied(channels: int, orientation: int) -> None:
    samples = noise(channels)
    block = exif(orientation).tobytes().removeprefix(b"Exif\0\0")
    before = png16(samples, chunk(b"eXIf", block))
    after = png16(samples).replace(chunk(b"IEND", b""), chunk(b"eXIf", block) + chunk(b"IEND", b""))
    for data in (before, after, tiff(samples, t274=(orientation,))):
        info, (frame,) = media.read(data)
        assert np.array_equal(frame, np.rot90(samples, TURNS[orientation]))
        if data[:4] == b"\x89PNG":
            tags = Image.Exif()
            tags.load(info.metadata["exif"])
            assert tags[ORIENTATION] == 1


@pytest.mark.parametrize("depth", [9, 10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_deep_ppm_keeps_its_depth(channels: int, depth: int) -> None:
    samples = noise(channels, depth)
    head = f"7 5 # a comment\n{2**depth - 1}\n".encode()
    plain = b" ".join(b"%d" % value for value in samples.ravel()).replace(b" ", b" # note\n", 1)
    raw = b"P%d " % (5 if channels == 1 else 6) + head + samples.astype(">u2").tobytes()
    for data in (raw, b"P%d " % (2 if channels == 1 else 3) + head + plain):
        info, (frame,) = media.read(data)
        assert info.depth == depth
        assert np.array_equal(frame, samples)


DAMAGED = {
    "png": png16(noise(3, height=50))[:-600],
    "grey png": png16(noise(1, height=50))[:-300],
    "tiff": tiff(noise(3, height=50))[:-1000],
    "compressed tiff": tiff_by_ffmpeg(noise(3, height=50), "lzw").replace(b"\x80", b"\x7f"),
    "ppm": b"P6 7 5 65535\n" + bytes(7 * 5 * 6 - 1),
    "plain ppm": b"P3 7 5 65535\n" + b"1 " * (7 * 5 * 3 - 1),
    "ppm above its largest value": b"P5 1 1 1023\n\x04\0",
}


@pytest.mark.parametrize("case", DAMAGED)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_deep_images_are_refused(case: str) -> None:
    with pytest.raises(MediaError, match=r"is damaged|can't be read"):
        media.read(DAMAGED[case])


def test_other_largest_values_of_a_ppm_are_refused() -> None:
    with pytest.raises(MediaError, match="samples from 0 to 1000; scale them to 0 to 2"):
        media.read(b"P5 1 1 1000\n\0\0")


@pytest.mark.parametrize(("channels", "tags"), [(3, {"t284": (2,)}), (4, {"t338": (1,)}), (1, {"t339": (2,)})])
def test_tiffs_that_would_be_read_wrong_are_refused(channels: int, tags: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(MediaError, match=r"can't be read.*convert it|signed.*convert it"):
        media.read(tiff(noise(channels), **tags))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [9, 10, 16])
def test_deep_images_are_written_as_16_bit_png(channels: int, depth: int) -> None:
    samples = noise(channels, depth, height=150)  # more rows than are filtered at once
    info = media.Info(7, 150, channels, depth, metadata={"icc": ICC, "xmp": XMP, "exif": exif().tobytes()[6:]})
    buffer = io.BytesIO()
    media.write(info, [samples], buffer)
    with Image.open(buffer) as image:
        image.verify()  # every checksum
    back, (frame,) = media.read(buffer.getvalue())
    assert np.array_equal(frame, np.round(samples * (65535 / (2**depth - 1))))
    assert np.array_equal(frame >> (16 - depth), samples)
    assert back.depth == 16
    assert back.metadata == info.metadata


@pytest.mark.parametrize("depth", range(9, 17))
@pytest.mark.parametrize("channels", [1, 3])
def test_deep_images_are_written_exactly_as_ppm(channels: int, depth: int) -> None:
    samples = noise(channels, depth)
    buffer = io.BytesIO()
    media.write(media.Info(7, 5, channels, depth), [samples], buffer, "ppm")
    info, (frame,) = media.read(buffer.getvalue())
    assert info.depth == depth
    assert np.array_equal(frame, samples)


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif", "bmp"])
def test_other_formats_refuse_deep_images(format: str) -> None:
    with pytest.raises(MediaError, match=r"written with 8 bits per sample, and the image has 10; write PNG instead"):
        media.write(media.Info(7, 5, 3, 10), [noise(3, 10)], io.BytesIO(), format)


def test_pillow_gets_grey_in_16_bits_and_colour_in_8() -> None:
    grey = media.to_pillow(noise(1, 10), 10)
    assert grey.mode == "I;16"
    assert np.array_equal(np.asarray(grey), np.round(noise(1, 10)[..., 0] * (65535 / 1023)))
    for channels, mode in ((2, "LA"), (3, "RGB"), (4, "RGBA")):
        image = media.to_pillow(noise(channels))
        assert image.mode == mode
        assert np.array_equal(np.asarray(image), np.round(noise(channels) / 257))


def test_pillow_images_of_16_bits_are_taken() -> None:
    grey, color = noise(1), noise(3)
    assert np.array_equal(pixels(Image.fromarray(grey[..., 0])), grey)
    assert np.array_equal(pixels(Image.open(io.BytesIO(png16(color)))), color)


def test_the_colour_of_a_png_is_kept() -> None:
    data = png16(noise(3), chunk(b"cICP", bytes([9, 16, 0, 1])))
    info, (frame,) = media.read(data)
    assert tuple(info.color) == (9, 16, 0, True)
    for written in (info, media.Info(7, 5, color=info.color)):
        buffer = io.BytesIO()
        media.write(written, [frame if written.depth == 16 else frame.astype(np.uint8)], buffer)
        assert media.read(buffer.getvalue())[0].color == info.color


def test_8_bit_images_load_no_ffmpeg_and_no_heif(picture: Image.Image) -> None:
    code = f"from codec import media\nmedia.read({saved(picture.crop((0, 0, 8, 8)))!r})"
    assert loaded_after(code) & {"av", "pillow_heif", "torch"} == set()
