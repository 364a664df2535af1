"""JPEG coefficients as bytes and back, in integers."""

import io
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.codecs.jpeg import weights
from codec.codecs.jpeg.coefficients import Geometry, decode, encode
from codec.codecs.jpeg.network import FAR, Layer, Network
from codec.codecs.jpeg.planes import Planes, aligned
from codec.errors import CodecError, FormatError
from codec.models.jpeg.shape import TOLD
from codec.train.jpeg_photos import CHROMA, DCT, LUMA, Coefficients, components, table

ASSET = Path(str(files("codec.assets") / "jpeg.safetensors"))
PLACE = np.argsort([8 * u + v for u, v in sorted(np.ndindex(8, 8), key=lambda p: (sum(p), p[sum(p) % 2 == 0]))])


@pytest.fixture(scope="module")
def networks() -> dict[str, Network]:
    return weights.load(ASSET)


def photo() -> np.ndarray:
    with Image.open(str(files("codec.assets") / "kodim23.png")) as image:
        return np.asarray(image.convert("RGB"))[100:300, 200:440]


def tables(quality: int) -> list[np.ndarray]:
    return [table(LUMA, quality), table(CHROMA, quality)]


def shapes(parts: list[Coefficients]) -> list[Geometry]:
    return [Geometry(*c.blocks.shape[:2], c.h, c.v, c.table) for c in parts]


def comes_back(networks: dict[str, Network], parts: list[Coefficients]) -> int:
    data = encode(networks, parts)
    for found, part in zip(decode(networks, data, shapes(parts)), parts, strict=True):
        assert found.dtype == np.int16
        np.testing.assert_array_equal(found, part.blocks)
    return len(data)


@pytest.mark.parametrize(("h", "v", "quality"), [(2, 2, 90), (1, 1, 50), (2, 1, 97)])
def test_photo_comes_back_much_smaller_than_its_jpeg(
    networks: dict[str, Network], h: int, v: int, quality: int
) -> None:
    buffer = io.BytesIO()
    image = Image.fromarray(photo())
    image.save(buffer, "JPEG", quality=quality, subsampling={(1, 1): 0, (2, 1): 1, (2, 2): 2}[h, v])
    headers = 623  # bytes of Pillow's markers and Huffman tables
    size = comes_back(networks, components(photo(), tables(quality), h, v))
    assert size < 0.83 * (len(buffer.getvalue()) - headers)


@dataclass
class Part:
    h: int
    v: int
    table: np.ndarray
    blocks: np.ndarray


def made(rng: np.random.Generator, rows: int, columns: int, most: int) -> np.ndarray:
    """Coefficients of any size up to `most`, sparse."""
    there = rng.random((rows, columns, 64)) < rng.random((rows, columns, 1)) ** 2
    sizes = np.exp(rng.random(there.shape) * np.log(most + 1.0)).astype(np.int64).clip(0, most)
    return (there * sizes * rng.choice([-1, 1], there.shape)).astype(np.int16)


CASES = {
    "one block": [(1, 1, 1, 1)],
    "one row": [(1, 9, 1, 1)],
    "one column": [(4, 1, 1, 1)],
    "four alike": [(2, 3, 1, 1)] * 4,
    "chroma with a third of the samples": [(6, 6, 3, 3), (2, 2, 1, 1), (2, 2, 1, 1)],
    "chroma larger than luma": [(2, 3, 1, 1), (4, 6, 2, 2), (2, 3, 1, 1)],
    "chroma of two kinds": [(4, 6, 2, 2), (2, 3, 1, 1), (4, 3, 1, 2)],
    "luma that ends early": [(3, 3, 2, 2), (2, 2, 1, 1), (2, 2, 1, 1)],
    "two": [(4, 4, 1, 2), (2, 4, 1, 1)],
}


@pytest.mark.parametrize("case", CASES)
def test_any_coefficients_come_back(networks: dict[str, Network], case: str) -> None:
    rng = np.random.default_rng(len(case))
    steps = np.where(rng.random(64) < 0.1, 65535, rng.integers(1, 256, 64))
    parts = [Part(h, v, steps, made(rng, rows, columns, 32767)) for rows, columns, h, v in CASES[case]]
    comes_back(networks, parts)


def test_extremes_come_back(networks: dict[str, Network]) -> None:
    for steps, value in ((1, 32767), (65535, -32767), (1, 0)):
        parts = [Part(1, 1, np.full(64, steps), np.full((1, 2, 64), value, np.int16)) for _ in range(3)]
        comes_back(networks, parts)


def test_what_no_photo_holds_is_refused(networks: dict[str, Network]) -> None:
    blocks = np.zeros((1, 1, 64), np.int16)
    blocks[0, 0, 5] = -32768
    with pytest.raises(CodecError, match="beyond 32767"):
        encode(networks, [Part(1, 1, np.ones(64), blocks)])


def test_parameters_do_not_depend_on_batches(networks: dict[str, Network]) -> None:
    rng = np.random.default_rng(0)
    for kind, network in networks.items():
        c, n = network.config, 301
        x = (rng.integers(-2047, 2048, (c.taps, n)) * (rng.random((c.taps, n)) < 0.6)).astype(np.float32)
        others = rng.integers(-FAR, FAR, (c.others, n)).astype(np.float32)
        told = rng.integers(0, 60, (TOLD, n)).astype(np.float32)
        whole = network.parameters(9, 2, x.copy(), others, 3, told)
        for part in (slice(0, 1), slice(7, 300)):
            again = network.parameters(9, 2, x[:, part].copy(), others[:, part], 3, told[:, part])
            for a, b in zip(whole, again, strict=True):
                np.testing.assert_array_equal(a[:, part], b, err_msg=kind)


def test_other_bytes_are_refused_or_other_coefficients(networks: dict[str, Network]) -> None:
    parts = components(photo()[:64, :64], tables(85), 1, 1)
    data = encode(networks, parts)
    rng = np.random.default_rng(0)
    for damaged in (data[:-1], data[: len(data) // 2], b"", bytes(50), rng.bytes(len(data))):
        try:
            found = decode(networks, damaged, shapes(parts))
        except FormatError:
            continue
        assert any((a != b.blocks).any() for a, b in zip(found, parts, strict=True))


def test_luma_at_half_size_is_the_transform_of_means_of_pixels() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(-60, 60, (32, 48)).astype(float)
    found = (DCT @ pixels.reshape(4, 8, 6, 8).transpose(0, 2, 1, 3) @ DCT.T).reshape(4, 6, 64)
    half = pixels.reshape(16, 2, 24, 2).mean((1, 3)).reshape(2, 8, 3, 8).transpose(0, 2, 1, 3)
    expected = (DCT @ half @ DCT.T).reshape(2, 3, 64)
    luma = Planes(4, 6, np.ones(64, np.int64))
    order = np.argsort(PLACE)
    for k in range(64):
        luma.set(k, luma.blocks, np.rint(found[:, :, order[k]]).astype(np.int64))
    result = aligned(luma, 2, 3, 2, 2)
    for k in range(64):
        np.testing.assert_allclose(result.values[k][result.blocks], expected[:, :, order[k]], atol=2.5)


def test_sums_that_would_not_be_exact_are_refused() -> None:
    tensors = {"x.weight": np.full((1, 2), 1 << 14), "x.bias": np.array([0]), "x.shift": np.array([0])}
    Layer.load(tensors, "x", np.array([511, 511]))
    with pytest.raises(FormatError, match="exact"):
        Layer.load(tensors, "x", np.array([512, 512]))
