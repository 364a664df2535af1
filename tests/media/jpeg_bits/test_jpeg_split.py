"""A JPEG that comes apart gives the same file again; what doesn't is refused in one line."""

import io
import lzma
import random
from collections.abc import Sequence

import numpy as np
import pytest
from helpers.image_files import ICC, XMP, exif, saved
from helpers.jpegs import Script, Ways, coefficients, jpeg
from PIL import Image, JpegImagePlugin

from codec.container.fields import varint
from codec.errors import CodecError, FormatError, LimitError, MediaError
from codec.media.jpeg_bits import Component, frame_of, join, rest, split

ALL = [Script((0, 1, 2), 0, 63, 0, 0)]
APART = [Script((i,), 0, 63, 0, 0) for i in range(3)]
PROGRESSIVE = [
    Script((0, 1, 2), 0, 0, 0, 1),
    *[Script((i,), 1, 5, 0, 2) for i in range(3)],
    *[Script((i,), 6, 63, 0, 2) for i in range(3)],
    *[Script((i,), 1, 63, 2, 1) for i in range(3)],
    Script((0, 1, 2), 0, 0, 1, 0),
    *[Script((i,), 1, 63, 1, 0) for i in range(3)],
]


def again(data: bytes) -> list[Component]:
    """The components of a file that comes apart and together again."""
    found = split(data)
    assert join(found.components, found.rest) == data
    return found.components


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}])
@pytest.mark.parametrize("restart", [{}, {"restart_marker_blocks": 1}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("size", [(1, 1), (9, 17), (96, 64)])
def test_what_pillow_writes_comes_back(
    picture: Image.Image, size: tuple[int, int], restart: dict[str, int], options: dict[str, bool]
) -> None:
    small = picture.crop((0, 0, *size))
    for mode in ("L", "CMYK"):
        again(saved(small.convert(mode), "JPEG", quality=70, **options, **restart))
    for sampling in (0, 1, 2):
        data = saved(small, "JPEG", quality=70, subsampling=sampling, **options, **restart)
        found = split(data)
        assert join(found.components, found.rest) == data
        width, height, shapes = frame_of(found.rest)
        assert (width, height) == size
        for one, shape, name in zip(found.components, shapes, (0, 1, 1), strict=True):
            assert one.blocks.shape == (shape.rows, shape.columns, 64)
            kept = JpegImagePlugin.JpegImageFile(io.BytesIO(data)).quantization[name]  # in rows
            assert sorted(kept) == sorted(one.table.tolist()) and np.array_equal(one.table, shape.table)


@pytest.mark.parametrize("script", [ALL, APART, PROGRESSIVE], ids=["all", "apart", "progressive"])
@pytest.mark.parametrize(
    "sampling",
    [
        [(1, 1)] * 3,
        [(2, 2), (1, 1), (1, 1)],
        [(4, 1), (1, 1), (2, 1)],
        [(1, 2), (2, 1), (1, 1)],
        [(3, 1), (1, 1), (1, 1)],
    ],
)
@pytest.mark.parametrize("restart", [0, 2])
def test_coefficients_are_those_of_any_sampling(
    sampling: Sequence[tuple[int, int]], script: list[Script], restart: int
) -> None:
    width, height = 51, 37
    blocks = coefficients(width, height, sampling)
    data = jpeg(blocks, width, height, sampling, script, restart)
    for one, wanted, (h, v) in zip(again(data), blocks, sampling, strict=True):
        assert (one.h, one.v) == (h, v) and set(one.table.tolist()) == {3}
        # Blocks that only fill the last MCUs are in scans of several components alone.
        rows, columns = wanted.shape[:2]
        if len(script) > 1:
            rows, columns = (
                -(-height * v // max(v for _, v in sampling) // 8),
                -(-width * h // max(h for h, _ in sampling) // 8),
            )
        assert np.array_equal(one.blocks[:rows, :columns], wanted[:rows, :columns])


@pytest.mark.parametrize("count", [1, 2, 4])
def test_any_number_of_components(count: int) -> None:
    sampling = [(1, 1)] * count
    blocks = coefficients(40, 20, sampling)
    data = jpeg(blocks, 40, 20, sampling, [Script(range(count), 0, 63, 0, 0)])
    assert all(np.array_equal(one.blocks, wanted) for one, wanted in zip(again(data), blocks, strict=True))


@pytest.mark.parametrize(
    "ways", [Ways(longest=1), Ways(longest=3), Ways(needless=3), Ways(pad=0), Ways(longest=2, pad=0)]
)
def test_other_encoders_choices_are_kept(ways: Ways) -> None:
    sampling = [(1, 1)] * 3
    blocks = coefficients(90, 90, sampling)
    for script in (ALL, PROGRESSIVE):
        data = jpeg(blocks, 90, 90, sampling, script, ways=ways)
        assert all(np.array_equal(one.blocks, wanted) for one, wanted in zip(again(data), blocks, strict=True))


def test_long_runs_and_full_buffers_are_libjpegs() -> None:
    shape = (182, 182, 64)
    blocks = np.zeros(shape, np.int16)
    blocks[100:110, :, 1:40] = 3  # correction bits that wait until there are too many of them
    blocks[-1, -1, 5] = 1
    script = [Script((0,), 0, 0, 0, 0), Script((0,), 1, 63, 0, 1), Script((0,), 1, 63, 1, 0)]
    data = jpeg([blocks], 1456, 1456, [(1, 1)], script)
    (one,) = again(data)
    assert np.array_equal(one.blocks, blocks)
    assert len(split(data).rest) < 400  # no run had to be told


def test_a_scan_of_more_than_a_chunk(picture: Image.Image) -> None:
    noise = Image.effect_noise((400, 400), 120)
    for options in ({}, {"progressive": True}, {"restart_marker_blocks": 7}):
        data = saved(noise, "JPEG", quality=98, **options)
        assert len(data) > 2**17
        again(data)


def test_what_stands_beside_the_picture_is_kept(picture: Image.Image) -> None:
    data = saved(picture, "JPEG", exif=exif(6), icc_profile=ICC, xmp=XMP, comment="a comment")
    second = saved(picture.resize((30, 20)), "JPEG")
    moving = bytes(random.Random(0).randbytes(5000))
    for whole in (
        data,
        data + second,
        data + moving,
        data[:-2] + b"\0\0\0" + data[-2:],
        data[:-2] + b"\xff\xff" + data[-2:],
    ):
        again(whole)
    mpo = saved(picture, "MPO", save_all=True, append_images=[picture])
    again(mpo)


def test_padding_that_is_not_one_bit_is_kept(picture: Image.Image) -> None:
    rows = bytearray(saved(picture, "JPEG", restart_marker_rows=1))
    marks = [i for i in range(len(rows) - 1) if rows[i] == 0xFF and 0xD0 <= rows[i + 1] < 0xD8]
    for at in marks[::2]:
        rows[at - 1] &= 0xFE if rows[at - 1] != 0xFF and rows[at - 2] != 0xFF else 0xFF
    again(bytes(rows))


def test_a_file_that_is_cut_off_may_come_back(picture: Image.Image) -> None:
    for options in ({}, {"progressive": True}, {"restart_marker_rows": 1}):
        data = saved(picture.resize((400, 300)), "JPEG", **options)
        for size in (len(data) // 4, len(data) // 2, len(data) - 2, len(data) - 1):
            again(data[:size])


def test_damage_is_kept_or_refused_in_a_line(picture: Image.Image) -> None:
    source = random.Random(3)
    kinds = [{}, {"progressive": True}, {"optimize": True}, {"restart_marker_blocks": 2}]
    files = [saved(picture.crop((0, 0, 48, 40)), "JPEG", **options) for options in kinds]
    kept = 0
    for number in range(160):
        data = bytearray(files[number % len(files)])
        for _ in range(source.randrange(1, 4)):
            at = source.randrange(len(data))
            if source.random() < 0.5:
                data[at] = source.choice([0, 0xFF, 0xD0, 0xDA, source.randrange(256)])
            else:
                del data[at : at + source.randrange(1, 9)]
        try:
            again(bytes(data))
            kept += 1
        except CodecError as error:
            assert str(error) and "\n" not in str(error)
    assert kept > 30


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((0xC0, 0xC9), "arithmetic coding"),
        ((0xC0, 0xC3), "lossless"),
        ((0xC0, 0xC5), "hierarchical"),
        ((0xDB, 0xDC), "its height is said after the picture"),
    ],
)
def test_rare_kinds_are_named(picture: Image.Image, change: tuple[int, int], said: str) -> None:
    data = saved(picture.convert("L"), "JPEG")
    with pytest.raises(CodecError, match=said):
        split(data.replace(bytes([0xFF, change[0]]), bytes([0xFF, change[1]]), 1))


def test_twelve_bits_are_refused(picture: Image.Image) -> None:
    data = saved(picture.convert("L"), "JPEG")
    at = data.index(b"\xff\xc0")
    with pytest.raises(CodecError, match="12 bits"):
        split(data[: at + 4] + b"\x0c" + data[at + 5 :])


def test_sizes_are_bounded_before_memory_is_taken(picture: Image.Image) -> None:
    data = saved(picture, "JPEG")
    at = data.index(b"\xff\xc0")
    huge = data[: at + 5] + b"\x40\0\x40\0" + data[at + 9 :]
    with pytest.raises(CodecError, match="too few for its"):
        split(huge)
    with pytest.raises(LimitError, match="more than the 1,000 allowed"):
        split(data, max_pixels=1000)


def test_scans_are_counted(picture: Image.Image) -> None:
    for size, most in (((8, 8), 256), ((2000, 1000), 70)):
        data = saved(Image.effect_noise(size, 9), "JPEG", progressive=True)
        scan = data[data.rindex(b"\xff\xda") : -2]
        with pytest.raises(CodecError, match="scans and more, which no encoder writes"):
            split(data[:-2] + most * scan + data[-2:])


def test_a_rest_that_claims_much_is_refused_before_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "_FEW", 2**16)

    def packed(start: bytes, zeros: int) -> bytes:
        return b"\1" + lzma.compress(start + bytes(zeros), lzma.FORMAT_RAW, filters=rest._FILTERS)

    for claim in (packed(b"\0", 2**20), packed(varint(300), 2**12), packed(b"\1\0\x08" + varint(2**20 + 1), 2**12)):
        with pytest.raises(FormatError, match="what the JPEG is beside its picture; get"):
            rest.unpack(claim)
    with pytest.raises(MediaError, match="nearly all alike"):
        rest.pack(rest.Rest(bytes(2**20), []), 75)


def test_dc_values_that_run_away_are_damage() -> None:
    blocks = coefficients(64, 128, [(1, 1)])
    blocks[0][:] = 0
    blocks[0][..., 0] = 255 * np.arange(1, 129).reshape(16, 8)  # each block takes three bytes
    data = jpeg(blocks, 64, 128, [(1, 1)], [Script((0,), 0, 63, 0, 0)])
    head, scan = data[: data.index(b"\xff\xda") + 10], data[data.index(b"\xff\xda") + 10 : -2]
    twice = head.replace(b"\0\x80\0\x40", b"\1\0\0\x40") + scan + scan + data[-2:]
    (found,) = again(twice)
    assert np.array_equal(found.blocks[:16], blocks[0]) and not found.blocks[16:].any()


def test_a_rest_that_is_none_is_refused(picture: Image.Image) -> None:
    found = split(saved(picture, "JPEG", progressive=True))
    source = random.Random(1)
    for number in range(200):
        rest = bytearray(found.rest)
        rest[source.randrange(len(rest))] ^= 1 << source.randrange(8)
        try:
            frame_of(bytes(rest))
            join(found.components, bytes(rest[: len(rest) - number % 3]))
        except CodecError as error:
            assert "\n" not in str(error)
    with pytest.raises(FormatError, match="not as many blocks"):
        join(found.components[:1], found.rest)
    with pytest.raises(FormatError, match="damaged"):
        join(found.components, b"")
