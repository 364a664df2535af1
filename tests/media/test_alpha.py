"""Transparency comes through whole: into frames from every format that holds it, and out again."""

import io

import numpy as np
import pytest
from helpers.image_files import chunk, exif, pixels, png, saved
from PIL import Image

from codec import media
from codec.errors import MediaError


@pytest.fixture(scope="module")
def veil() -> np.ndarray:
    """An alpha plane, 64 x 96, with clear, opaque and all partial values."""
    ramp = np.arange(64 * 96).reshape(64, 96) % 256
    ramp[:8], ramp[-8:] = 0, 255
    return ramp.astype(np.uint8)


@pytest.fixture(params=["LA", "RGBA"])
def veiled(request: pytest.FixtureRequest, picture: Image.Image, veil: np.ndarray) -> Image.Image:
    image = picture.convert(request.param)
    image.putalpha(Image.fromarray(veil))
    return image


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_alpha_is_read_exactly(veiled: Image.Image, format: str) -> None:
    assert np.array_equal(pixels(saved(veiled, format)), np.asarray(veiled))


@pytest.mark.parametrize("format", ["WEBP", "AVIF"])
def test_alpha_is_read_as_pillow_reads_it(veiled: Image.Image, format: str) -> None:
    data = saved(veiled, format)
    assert np.array_equal(pixels(data), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("mode", ["LA", "PA", "RGBA"])
def test_opaque_alpha_is_dropped(picture: Image.Image, mode: str) -> None:
    image = picture.convert(mode)
    colors = np.asarray(image.convert("L" if mode == "LA" else "RGB")).reshape(64, 96, -1)
    assert np.array_equal(pixels(image), colors)
    if mode != "PA":
        assert np.array_equal(pixels(np.asarray(image)), colors)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_exact_reading_keeps_opaque_alpha(picture: Image.Image, mode: str) -> None:
    expected = np.asarray(picture.convert(mode))
    for source in (saved(picture.convert(mode)), picture.convert(mode), expected):
        info, (frame,) = media.read(source, exact=True)
        assert info.channels == len(mode) and np.array_equal(frame, expected)


def test_palettes_with_transparent_entries_become_rgba(picture: Image.Image) -> None:
    image = picture.quantize(4)
    one, many = saved(image, transparency=2), saved(image, transparency=bytes([255, 0, 128]))
    for data, alphas in ((one, {0, 255}), (many, {0, 128, 255})):
        frame = pixels(data)
        assert np.array_equal(frame, np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")))
        assert set(np.unique(frame[..., 3])) == alphas


def test_a_gif_s_transparent_colour_becomes_alpha(picture: Image.Image) -> None:
    image = picture.quantize(4)
    frame = pixels(saved(image, "GIF", transparency=2))
    assert np.array_equal(frame[..., 3] == 0, np.asarray(image) == 2)
    assert np.array_equal(frame[..., :3], np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_a_transparent_colour_becomes_alpha(picture: Image.Image, mode: str) -> None:
    image = picture.convert(mode)
    key = image.getpixel((5, 5))
    frame = pixels(saved(image, transparency=key))
    colors = np.asarray(image.convert("L" if mode == "1" else mode)).reshape(64, 96, -1)
    assert np.array_equal(frame[..., :-1], colors)
    assert np.array_equal(frame[..., -1] == 0, (colors == key).all(-1))


@pytest.mark.parametrize(("depth", "row"), [(2, 0b00_01_10_11), (4, 0x03)])
def test_the_transparent_colour_of_a_png_of_few_bits_is_found(depth: int, row: int) -> None:
    frame = pixels(png(8 // depth, 1, bytes([0, row]), depth, 0, chunk(b"tRNS", b"\0\3")))
    assert frame[0, -1].tolist() == [{2: 255, 4: 51}[depth], 0]
    assert (frame[0, :-1, 1] == 255).all()


def test_premultiplied_colours_are_divided_by_alpha(veiled: Image.Image) -> None:
    frame = pixels(veiled.convert(veiled.mode.replace("A", "a"))).astype(int)
    original = np.asarray(veiled).astype(int)
    assert np.array_equal(frame[..., -1], original[..., -1])
    clear = original[..., -1] > 127
    assert np.abs(frame - original)[clear].max() <= 2


@pytest.mark.parametrize("orientation", [3, 6])
def test_alpha_turns_with_its_colours(veiled: Image.Image, orientation: int) -> None:
    turned = veiled.rotate({3: 180, 6: 270}[orientation], expand=True)
    assert np.array_equal(pixels(saved(veiled, "PNG", exif=exif(orientation).tobytes())), np.asarray(turned))


def written(image: Image.Image | np.ndarray, format: str) -> bytes:
    info, frames = media.read(image)
    buffer = io.BytesIO()
    media.write(info, frames, buffer, format)
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["png", "webp", "tiff"])
def test_lossless_outputs_keep_alpha_and_the_colours_under_it(veiled: Image.Image, format: str) -> None:
    back = Image.open(io.BytesIO(written(veiled, format)))
    assert np.array_equal(np.asarray(back.convert(veiled.mode)), np.asarray(veiled))


def test_avif_output_keeps_alpha_closely(veiled: Image.Image, veil: np.ndarray) -> None:
    alpha = pixels(written(veiled, "avif"))[..., -1].astype(int)
    assert np.sqrt(np.mean((alpha - veil) ** 2)) < 2


@pytest.mark.parametrize("format", ["jpeg", "bmp", "ppm"])
def test_formats_without_alpha_refuse_it(veiled: Image.Image, format: str) -> None:
    with pytest.raises(MediaError, match=f"{format.upper()} can't hold transparency; write PNG instead"):
        written(veiled, format)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_frames_become_pillow_images_of_their_mode(picture: Image.Image, mode: str) -> None:
    frame = np.asarray(picture.convert(mode)).reshape(64, 96, -1)
    image = media.to_pillow(frame)
    assert image.mode == mode
    assert np.array_equal(np.asarray(image).reshape(frame.shape), frame)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("dtype", "depth"), [(np.uint8, 8), (np.uint16, 16)])
def test_arrays_are_taken_as_they_are(channels: int, dtype: type, depth: int) -> None:
    array = np.random.default_rng(0).integers(0, 2**depth, (5, 7, channels)).astype(dtype)
    info, (frame,) = media.read(array)
    assert (info.width, info.height, info.channels, info.depth) == (7, 5, channels, depth)
    assert frame.dtype == dtype
    assert np.array_equal(frame, array)
