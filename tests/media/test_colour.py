"""A picture whose colour isn't sRGB decodes to files of the same colour."""

import io

import numpy as np
import pytest
from helpers.image_files import ICC, chunk, noise, png, png16, saved
from PIL import Image

import codec
from codec import media
from codec.container import SRGB, Color
from codec.media.boxes import avif_color, with_avif_color

P3, PQ, HLG, SDR_2020 = (12, 13), (9, 16), (9, 18), (9, 14)


def avif(image: Image.Image, color: tuple[int, int], **options: object) -> bytes:
    return with_avif_color(saved(image, "AVIF", **options), Color(*color))


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize(("depth", "color"), [(8, P3), (8, SDR_2020), (16, PQ), (16, HLG)])
def test_a_pictures_colour_goes_through_a_file_into_png(depth: int, color: tuple[int, int], lossless: bool) -> None:
    cicp = chunk(b"cICP", bytes((*color, 0, 1)))
    samples = noise(3, depth)
    rows = b"".join(b"\0" + row.tobytes() for row in samples.astype(np.uint8))
    source = png16(samples, cicp) if depth == 16 else png(7, 5, rows, 8, 2, cicp)
    decoded = codec.decode(codec.encode(source, lossless=lossless))
    assert decoded.info.color[:2] == color
    buffer = io.BytesIO()
    media.write(decoded.info, decoded.frames(), buffer)
    assert cicp in buffer.getvalue()
    back, (frame,) = media.read(buffer.getvalue())
    assert back.color == decoded.info.color
    assert not lossless or np.array_equal(frame, samples)


@pytest.mark.parametrize("color", [P3, SDR_2020, PQ])
@pytest.mark.parametrize("options", [{}, {"icc_profile": ICC}])
def test_the_colour_of_an_avif_is_read_and_written(
    picture: Image.Image, color: tuple[int, int], options: dict[str, object]
) -> None:
    info, (frame,) = media.read(avif(picture, color, **options))
    assert info.color == (*color, 0, True)
    for format in ("png", "avif"):
        buffer = io.BytesIO()
        media.write(info, [frame], buffer, format)
        assert media.read(buffer.getvalue())[0].color == info.color


@pytest.mark.parametrize("color", [(1, 13), (1, 6), (2, 2), (1, 1)])
def test_what_cameras_state_is_srgb(picture: Image.Image, color: tuple[int, int]) -> None:
    assert media.read(avif(picture, color))[0].color == SRGB


def test_damaged_boxes_say_no_colour_and_do_no_harm(picture: Image.Image) -> None:
    data = avif(picture.resize((16, 16)), P3)
    rng = np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(data)
        for at in rng.integers(0, 400, 4):
            broken[at % len(broken)] = rng.integers(256)
        assert isinstance(avif_color(bytes(broken)), Color)
    for length in range(0, 400, 7):
        assert isinstance(avif_color(data[:length]), Color)


@pytest.mark.parametrize("format", ["PNG", "AVIF"])
def test_a_pillow_image_that_is_not_loaded_yet_has_its_files_colour(picture: Image.Image, format: str) -> None:
    cicp = chunk(b"cICP", bytes((*P3, 0, 1)))
    data = avif(picture, P3) if format == "AVIF" else saved(picture)
    if format == "PNG":
        data = data[:33] + cicp + data[33:]
    with Image.open(io.BytesIO(data)) as image:
        assert media.read(image)[0].color[:2] == P3
        assert image.size == (96, 64)
    assert media.read(picture)[0].color == SRGB
