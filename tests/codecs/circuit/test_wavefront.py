"""The pass over tiles: every picture comes back at every depth, and both directions do the same."""

import numpy as np
import pytest
import torch
from PIL import Image

from codec.codecs.circuit import wavefront
from codec.codecs.circuit.canvas import embed
from codec.codecs.circuit.matches import matches_of
from codec.codecs.circuit.network import Network
from codec.codecs.circuit.wavefront import MARGIN, code_tiles
from codec.entropy import Decoder, Encoder
from codec.models.circuit.context_net import ContextNet
from codec.models.circuit.shape import ContextConfig
from codec.train.circuit import measure
from codec.train.circuit_export import integers
from codec.train.subpixels import arrays

SMALL = {"hidden": 12, "trunk": 8, "feature_hidden": 6, "features": 4, "stage": 6, "mixtures": 3}
GRAPHICS = {"copies": 4, "matches": 2, "pattern": 12}


def trained(tile: np.ndarray, steps: int, **more: int) -> ContextNet:
    """A small network after some steps on a tile."""
    torch.manual_seed(0)
    model = ContextNet(ContextConfig(channels=tile.shape[2], **SMALL, **more))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    inputs = [torch.from_numpy(a)[None] for a in arrays(tile, model.config)]
    for _ in range(steps):
        loss = model(*inputs).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def network(channels: int, **more: int) -> Network:
    sample = np.random.default_rng(0).integers(0, 256, (24, 24, channels), dtype=np.uint8)
    model = trained(sample, 0, **more)
    return Network(model.config, integers(model, [sample]))


def drawing(channels: int = 3, height: int = 40, width: int = 44) -> np.ndarray:
    """Letters of few colours that repeat, on a plain ground, and some noise."""
    rng = np.random.default_rng(5)
    letters = rng.integers(0, 256, (3, channels), dtype=np.uint8)[rng.integers(0, 3, (4, 7, 5))]
    tile = np.empty((height, width, channels), np.uint8)
    tile[:] = (200, 90, 30)[:channels]
    for y in range(1, height - 8, 9):
        for x in range(1, width - 6, 6):
            tile[y : y + 7, x : x + 5] = letters[rng.integers(4)]
    tile[-6:, :12] = rng.integers(0, 256, (6, 12, channels))
    return tile


def there_and_back(network: Network, tiles: list[np.ndarray], depth: int = 8) -> int:
    """Bytes of tiles, which come back from them."""
    encoder = Encoder()
    code_tiles(network, encoder, tiles, False, depth)
    data = encoder.finish()
    decoder = Decoder(data)
    back = [np.empty_like(t) for t in tiles]
    code_tiles(network, decoder, back, True, depth)
    decoder.finish()
    assert decoder.checksum == encoder.checksum
    assert all((a == b).all() for a, b in zip(tiles, back, strict=True))
    return len(data)


@pytest.mark.parametrize("depth", [9, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_many_bits_come_back_whatever_their_steps(depth: int, channels: int) -> None:
    rng, top = np.random.default_rng(depth), (1 << depth) - 1
    shape = 12, 13, channels
    there_and_back(
        network(channels),
        [
            rng.integers(0, top + 1, shape, dtype=np.uint16),
            (rng.integers(0, 2, shape) * top).astype(np.uint16),
            (np.indices(shape).sum(0) % 2 * top).astype(np.uint16),
            (top // 2 + rng.normal(0, 40, shape)).clip(0, top).astype(np.uint16),
            np.full((1, 1, channels), top, np.uint16),
        ],
        depth,
    )


def test_a_picture_costs_the_same_at_every_depth(picture: Image.Image) -> None:
    tile = np.asarray(picture)[..., [1, 0, 2]].astype(np.uint16) // 2 + 64
    n = network(3)
    deep = there_and_back(n, [tile + (1 << 15) - 128], 16)
    assert deep == pytest.approx(there_and_back(n, [tile]), rel=0.01)


@pytest.mark.parametrize("config", [GRAPHICS, {"copies": 2}, {"matches": 2}, {"copies": 4, "pattern": 5}])
@pytest.mark.parametrize("channels", [1, 3])
def test_drawings_come_back_through_copies(config: dict[str, int], channels: int) -> None:
    tile = drawing(channels)
    there_and_back(network(channels, **config), [tile, tile[:9, :5], tile[3:4], tile[:, 7:8]])


@pytest.mark.parametrize("depth", [8, 16])
def test_copies_come_back_at_every_depth(depth: int) -> None:
    top = (1 << depth) - 1
    tile = (drawing().astype(np.uint16) * 2).clip(0, 255)
    tile = np.where(tile > 200, top, tile).astype(np.uint8 if depth == 8 else np.uint16)
    there_and_back(network(3, **GRAPHICS), [tile, np.full((20, 30, 3), top, tile.dtype)], depth)


def test_real_bytes_of_a_drawing_are_those_of_the_float_network() -> None:
    tile = drawing()
    model = trained(tile, 40, **GRAPHICS)
    size = there_and_back(Network(model.config, integers(model, [tile])), [tile])
    assert size * 8 / tile.size == pytest.approx(measure(model, tile), abs=0.02)


def test_plain_pictures_cost_next_to_nothing_once_learned() -> None:
    plain = np.full((64, 64, 3), 77, np.uint8)
    model = trained(plain, 60, **GRAPHICS)
    size = there_and_back(Network(model.config, integers(model, [plain])), [np.full((128, 128, 3), 201, np.uint8)])
    assert size * 8 < 0.02 * 128 * 128


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (40, 44)])
def test_training_sees_the_matches_that_the_codec_finds(shape: tuple[int, int]) -> None:
    tile = drawing()[: shape[0], : shape[1]]
    matched, flags = matches_of(embed(tile, MARGIN), MARGIN, 2, wavefront.SKEW)
    found, marks = np.zeros_like(matched), np.zeros_like(flags)
    where = wavefront.lanes([shape])
    canvas = np.full((where.rows * where.stride, 3), 128, np.float32)
    canvas.reshape(-1, where.stride, 3)[: shape[0] + MARGIN, : shape[1] + 2 * MARGIN] = embed(tile, MARGIN)
    graphics = wavefront.Graphics(network(3, **GRAPHICS), canvas, where.stride)
    for at in np.split(where.positions, where.ends[:-1]):
        colors, equal = graphics.look(at)
        row, column = at // where.stride - MARGIN, at % where.stride - MARGIN
        found[row, column] = colors
        one_hot = equal[:, -6:].reshape(len(at), 3, 2)
        marks[row, column] = (one_hot * np.arange(1, 4)[:, None]).sum(1)
    assert (found == matched).all()
    assert (marks == flags).all()
    assert shape != (40, 44) or (flags == 3).any()
