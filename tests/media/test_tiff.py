"""Which page of a TIFF is read, what is refused, which tags are kept, and 16-bit TIFFs out."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from helpers.image_files import EXIF_IFD, ICC, MAKER, XMP, exif, noise, parsed, pixels, saved
from helpers.tiffs import Values, tiff
from PIL import Image

from codec import media
from codec.errors import MediaError

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on what it mends
REDUCED: dict[int, Values] = {254: (4, [1])}
SMALL, LARGE = noise(3, 8).astype(np.uint8), noise(3, 8, 20, 31).astype(np.uint8)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("mark", [REDUCED, {255: (3, [2])}, {254: (4, [4])}])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_page_that_is_no_thumbnail_is_read(order: str, mark: dict[int, Values], dtype: type) -> None:
    large = LARGE.astype(dtype) * (257 if dtype is np.uint16 else 1)
    data = tiff((SMALL, mark), (large, {}), order=order)
    assert np.array_equal(pixels(data), large)
    assert media.read(data)[0].notes == ()


def test_a_picture_inside_the_thumbnails_directory_is_read() -> None:
    assert np.array_equal(pixels(tiff((SMALL, REDUCED | {330: (4, [1])}), (LARGE, {}))), LARGE)


def test_a_thumbnail_alone_is_read() -> None:
    assert np.array_equal(pixels(tiff((SMALL, REDUCED))), SMALL)


def test_the_first_of_several_pages_is_read_and_said() -> None:
    info, (frame,) = media.read(tiff((LARGE, {}), (SMALL, REDUCED), (SMALL, {}), (SMALL, {})))
    assert np.array_equal(frame, LARGE)
    assert info.notes == ("it has 3 pages; the first is kept",)


def test_raw_pictures_are_refused_by_name() -> None:
    sensor = noise(1)
    inside = tiff((SMALL, REDUCED | {330: (4, [1]), 50706: (1, [1, 4, 0, 0])}), (sensor, {262: (3, [32803])}))
    for data, name in ((inside, "is DNG, a raw picture"), (tiff((sensor, {262: (3, [34892])})), "is a raw picture")):
        with pytest.raises(MediaError, match=f"{name} of a camera; develop it"):
            media.read(data)
    for head in (
        b"FUJIFILMCCD-RAW 0201",
        b"IIRO\x08\0\0\0",
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
        b"II*\0\x10\0\0\0CR\2\0",
    ):
        with pytest.raises(MediaError, match="is a raw picture of a camera; develop it"):
            media.read(head + bytes(100))


def test_directories_in_a_circle_end() -> None:
    data = bytearray(tiff((LARGE, {}), (SMALL, {})))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    (second,) = struct.unpack_from("<I", data, first + 2 + 12 * count)
    (more,) = struct.unpack_from("<H", data, second)
    struct.pack_into("<I", data, second + 2 + 12 * more, first)
    assert np.array_equal(pixels(bytes(data)), LARGE)


def test_a_next_directory_where_no_file_reaches_ends_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(LARGE).save(path, big_tiff=True)
    data = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<Q", data, 8)
    (count,) = struct.unpack_from("<Q", data, first)
    struct.pack_into("<Q", data, first + 8 + 20 * count, 2**62)
    path.write_bytes(data)
    assert np.array_equal(pixels(path), LARGE)


@pytest.mark.parametrize(
    ("channels", "tags"),
    [(2, {338: (3, [0])}), (4, {338: (3, [0])}), (5, {338: (3, [2, 0])}), (6, {338: (3, [0, 0, 0])})],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_channels_beyond_colour_and_alpha_are_refused(channels: int, tags: dict[int, Values], dtype: type) -> None:
    samples = np.ones((5, 7, channels), dtype)
    with pytest.raises(MediaError, match=r"beyond colour and alpha.*save it without|can't be read.*convert it"):
        media.read(tiff((samples, tags)))


def test_two_channels_that_do_not_say_what_they_are_are_refused() -> None:
    data = tiff((np.ones((5, 7, 2), np.uint8), {338: (3, [0])}))
    with pytest.raises(MediaError, match="a channel beyond colour and alpha"):
        media.read(data)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_signed_samples_are_refused(dtype: type) -> None:
    with pytest.raises(MediaError, match="has signed or 32-bit samples; convert it"):
        media.read(tiff((np.ones((5, 7, 1), dtype), {339: (3, [2])})))


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 7, 9, 10, 11, 12])
@pytest.mark.parametrize("tag", [270, 271, 272, 282, 296, 305, 306, 315, 33432])
def test_odd_descriptive_tags_stop_nothing(tag: int, kind: int) -> None:
    data = tiff((SMALL, {tag: (kind, [70, 3] if kind != 4 else [70_000])}))
    info, (frame,) = media.read(data)
    assert np.array_equal(frame, SMALL)
    for format in ("png", "jpeg", "tiff", "webp"):
        buffer = io.BytesIO()
        media.write(info, [frame], buffer, format)
        assert pixels(buffer.getvalue()).shape == SMALL.shape


LAYOUT = {
    "width": (256, 4, [2_000_000]), "bits": (258, 3, [8]), "photometric": (262, 3, [6]), "order": (266, 3, [2]),
    "strips": (273, 4, [1234]), "channels": (277, 3, [7]), "rows": (278, 4, [7]), "bytes": (279, 4, [99999]),
    "planes": (284, 3, [2]), "predictor": (317, 3, [2]), "tile": (322, 4, [16]), "sub": (330, 4, [8]),
    "format": (339, 3, [3]), "icc": (34675, 7, [1, 2, 3, 4, 5, 6]), "compression": (259, 3, [7]),
}  # fmt: skip


@pytest.mark.parametrize("case", LAYOUT)
@pytest.mark.parametrize("depth", [8, 16])
def test_layout_tags_in_exif_do_not_reach_a_tiff(case: str, depth: int) -> None:
    tag, kind, values = LAYOUT[case]
    size = struct.calcsize("<HHI4s")
    head = struct.pack("<2sHIH", b"II", 42, 8, 2)
    make = struct.pack("<HHI4s", MAKER, 2, 4, b"Foo\0")
    packed = struct.pack(f"<{len(values)}{ {3: 'H', 4: 'I', 7: 'B'}[kind] }", *values)
    entry = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", len(head) + 2 * size + 4)
    other = struct.pack("<HHI", tag, kind, len(values)) + entry
    block = head + b"".join(sorted((make, other), key=lambda e: e[1::-1])) + bytes(4) + packed
    samples = noise(3, depth, 30, 41).astype(np.uint8 if depth == 8 else np.uint16)
    buffer = io.BytesIO()
    media.write(media.Info(41, 30, 3, depth, metadata={"exif": block}), [samples], buffer, "tiff")
    info, (frame,) = media.read(buffer.getvalue())
    assert np.array_equal(frame, samples)
    assert info.metadata.keys() == {"exif"}
    assert parsed(info.metadata["exif"])[MAKER] == "Foo"


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [9, 12, 16])
def test_deep_images_are_written_as_16_bit_tiff(channels: int, depth: int) -> None:
    samples = noise(channels, depth)
    metadata = {"icc": ICC, "xmp": XMP, "exif": exif().tobytes()[6:]}
    buffer = io.BytesIO()
    media.write(media.Info(7, 5, channels, depth, metadata=metadata), [samples], buffer, "tiff")
    info, (frame,) = media.read(buffer.getvalue())
    wanted = np.round(samples * (65535 / (2**depth - 1)))
    assert np.array_equal(frame, wanted if channels != 2 else wanted[..., [0, 0, 0, 1]])
    assert info.depth == 16
    assert (info.metadata["icc"], info.metadata["xmp"]) == (ICC, XMP)
    tags = parsed(info.metadata["exif"])
    assert (tags[MAKER], tags.get_ifd(EXIF_IFD)[0x9003]) == ("Maker", "2020:01:02 03:04:05")
    if channels != 2:
        with Image.open(buffer) as image:
            image.load()
            assert image.size == (7, 5)


def test_a_16_bit_tiff_says_its_resolution(picture: Image.Image) -> None:
    info, (frame,) = media.read(saved(picture, dpi=(300, 300)))
    deep = media.Info(info.width, info.height, 3, 16, metadata=info.metadata)
    buffer = io.BytesIO()
    media.write(deep, [frame.astype(np.uint16) * 257], buffer, "tiff")
    with Image.open(buffer) as image:
        assert tuple(map(float, image.info["dpi"])) == (300, 300)
