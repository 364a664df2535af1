"""The lossless image codec end to end: every picture comes back, whatever its size; damage has a name."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from codec.circuit import images, wavefront
from codec.circuit.images import Codec
from codec.circuit.network import BOUND, Network, layer_inputs
from codec.circuit.networks import load, save
from codec.circuit.wavefront import code_tiles
from codec.entropy import Decoder, Encoder
from codec.errors import CodecError, DesyncError, FormatError
from codec.media import Info
from codec.models.context import ContextNet
from codec.models.context_shape import ContextConfig
from codec.train.circuit import measure
from codec.train.quantise import integers

SMALL = {"hidden": 12, "trunk": 8, "feature_hidden": 6, "features": 4, "stage": 6, "mixtures": 3}


def coded(picture: Image.Image) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(picture)[..., images.CODED_ORDER])


@pytest.fixture(scope="module")
def model(picture: Image.Image) -> ContextNet:
    """A small network after some steps on the picture itself."""
    torch.manual_seed(0)
    model = ContextNet(ContextConfig(**SMALL))
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    canvas = torch.from_numpy(coded(picture))[None]
    for _ in range(30):
        loss = model(canvas, torch.ones(canvas.shape[:3])).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


@pytest.fixture(scope="module")
def network(model: ContextNet, picture: Image.Image) -> Network:
    return Network(model.config, integers(model, [coded(picture)]))


@pytest.fixture(scope="module")
def codec(model: ContextNet, picture: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> Codec:
    path = tmp_path_factory.mktemp("weights") / "circuit-test.safetensors"
    save(path, {"photo": (model.config, integers(model, [coded(picture)]))}, "for a test")
    return Codec(path)


def there_and_back(codec: Codec, frame: np.ndarray) -> tuple[np.ndarray, int]:
    info = Info(frame.shape[1], frame.shape[0], frame.shape[2])
    header, made = codec.encode(info, iter([frame]))
    units = list(made)
    (decoded,) = codec.decode(header, units)
    return decoded, sum(len(u.payload) for u in units)


def encode(network: Network, tiles: Sequence[np.ndarray]) -> bytes:
    encoder = Encoder()
    code_tiles(network, encoder, tiles, decoding=False)
    return encoder.finish()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(1, 255), st.integers(0, 2**32 - 1))
def test_pictures_of_any_size_and_contrast_come_back(
    codec: Codec, height: int, width: int, channels: int, contrast: int, seed: int
) -> None:
    frame = np.random.default_rng(seed).integers(0, contrast + 1, (height, width, channels), dtype=np.uint8)
    decoded, _ = there_and_back(codec, frame)
    assert decoded.dtype == np.uint8
    assert (decoded == frame).all()


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((9, 7, 3), np.uint8),
        np.full((7, 9, 1), 255, np.uint8),
        np.indices((12, 13)).sum(0)[..., None].repeat(3, 2).astype(np.uint8) % 2 * 255,
        np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, 2),
        np.arange(256, dtype=np.uint8).reshape(256, 1, 1).repeat(3, 2),
    ],
    ids=["black", "white", "checkerboard", "row", "column"],
)
def test_extreme_pictures_come_back(codec: Codec, frame: np.ndarray) -> None:
    decoded, _ = there_and_back(codec, frame)
    assert (decoded == frame).all()


def test_a_picture_of_several_tiles_and_units_comes_back(
    codec: Codec, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "HEIGHT", 20)
    monkeypatch.setattr(images, "WIDTH", 40)
    frame = np.asarray(picture)
    assert len(images.groups(*frame.shape[:2])) == 2
    decoded, _ = there_and_back(codec, frame)
    assert (decoded == frame).all()


def test_real_bytes_are_those_of_the_float_network(model: ContextNet, network: Network, picture: Image.Image) -> None:
    tile = coded(picture)
    assert len(encode(network, [tile])) * 8 / tile.size == pytest.approx(measure(model, tile), abs=0.02)


def test_tiles_cost_the_same_alone_as_in_lock_step(network: Network, picture: Image.Image) -> None:
    tiles = [coded(picture)[:20], coded(picture)[20:33, :50], coded(picture)[40:]]
    alone = sum(len(encode(network, [t])) for t in tiles)
    assert len(encode(network, tiles)) == pytest.approx(alone, abs=len(tiles))


def test_every_pixel_is_coded_once(network: Network) -> None:
    where = wavefront.lanes([(5, 7), (1, 9), (4, 2)])
    assert len(where.positions) == len(set(where.positions.tolist())) == 5 * 7 + 9 + 4 * 2
    assert where.ends[-1] == len(where.positions)


def test_every_largest_sum_of_a_layer_is_exact(network: Network) -> None:
    for name, largest in layer_inputs(network.config).items():
        layer = network.layers[name]
        worst = np.abs(layer.weight.astype(np.float64)).T @ largest + np.abs(layer.bias.astype(np.float64))
        assert worst.max() < BOUND
        for sign in (1, -1):
            x = (sign * np.sign(layer.weight[:, worst.argmax()]) * largest).astype(np.float32)
            exact = x.astype(np.int64) @ layer.weight.astype(np.int64) + layer.bias.astype(np.int64)
            assert (layer.sums(x[None])[0] == exact).all()


def test_weights_whose_sums_could_be_inexact_are_refused(
    model: ContextNet, picture: Image.Image, tmp_path: Path
) -> None:
    tensors = integers(model, [coded(picture)])
    tensors["hidden.weight"] = np.full_like(tensors["hidden.weight"], 2**15 - 1)
    save(tmp_path / "a.safetensors", {"photo": (model.config, tensors)}, "")
    with pytest.raises(FormatError, match="layer hidden is too large for exact arithmetic"):
        load(tmp_path / "a.safetensors")


def test_any_flipped_byte_is_found(codec: Codec, picture: Image.Image) -> None:
    frame = np.asarray(picture)[:16, :16]
    header, units = codec.encode(Info(16, 16, 3), iter([frame]))
    (unit,) = units
    for position in range(0, len(unit.payload), 37):
        damaged = bytearray(unit.payload)
        damaged[position] ^= 0x10
        with pytest.raises((FormatError, DesyncError)):
            list(codec.decode(header, [unit._replace(payload=bytes(damaged))]))


def test_a_truncated_unit_is_found(codec: Codec, picture: Image.Image) -> None:
    frame = np.asarray(picture)[:16, :16]
    header, units = codec.encode(Info(16, 16, 3), iter([frame]))
    (unit,) = units
    for size in (0, 1, len(unit.payload) - 1):
        with pytest.raises((FormatError, DesyncError)):
            list(codec.decode(header, [unit._replace(payload=unit.payload[:size])]))


def test_what_it_cannot_code_it_names(codec: Codec) -> None:
    info = Info(4, 4, 3)
    with pytest.raises(CodecError, match="3 channels of 16 bits"):
        codec.encode(dataclasses.replace(info, depth=16), iter([np.zeros((4, 4, 3), np.uint16)]))


def test_decoding_runs_the_pass_of_encoding(network: Network, picture: Image.Image) -> None:
    tile = coded(picture)[:24, :24]
    encoder = Encoder()
    code_tiles(network, encoder, [tile], decoding=False)
    decoder = Decoder(encoder.finish())
    back = np.zeros_like(tile)
    code_tiles(network, decoder, [back], decoding=True)
    decoder.finish()
    assert decoder.checksum == encoder.checksum
    assert (back == tile).all()
