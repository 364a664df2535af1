"""The lossless image codec end to end: every picture comes back, whatever its size; damage has a name."""

import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from codec import container
from codec.codecs.circuit import head, layout, method_circuit, methods, wavefront
from codec.codecs.circuit.image import CircuitImages
from codec.codecs.circuit.network import BOUND, Network, layer_inputs
from codec.codecs.circuit.wavefront import code_tiles
from codec.codecs.circuit.weights import load, save
from codec.codecs.options import ImageOptions
from codec.container import Header, Unit
from codec.entropy import Decoder, Encoder
from codec.errors import CodecError, DesyncError, FormatError
from codec.media import Info
from codec.models.circuit.context_net import ContextNet
from codec.models.circuit.shape import ContextConfig
from codec.train.circuit import measure
from codec.train.circuit_export import integers

SMALL = {"hidden": 12, "trunk": 8, "feature_hidden": 6, "features": 4, "stage": 6, "mixtures": 3}


def coded(picture: Image.Image) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(picture)[..., method_circuit.CODED_ORDER])


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
def codec(model: ContextNet, picture: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> CircuitImages:
    path = tmp_path_factory.mktemp("weights") / "circuit-test.safetensors"
    save(path, {"photo": (model.config, integers(model, [coded(picture)]))}, "for a test")
    return CircuitImages(path)


def there_and_back(codec: CircuitImages, frame: np.ndarray, depth: int = 8) -> tuple[np.ndarray, Header, list[Unit]]:
    info = Info(frame.shape[1], frame.shape[0], frame.shape[2], depth)
    header, made = codec.encode(info, iter([frame]), ImageOptions(effort=1, verify=False))
    buffer = io.BytesIO()
    container.write(buffer, header, made)
    read, found = container.read(buffer.getvalue())
    coded = list(found)
    (decoded,) = codec.decode(read, coded)
    return decoded, read, coded


def encode(network: Network, tiles: Sequence[np.ndarray]) -> bytes:
    encoder = Encoder()
    code_tiles(network, encoder, tiles, decoding=False)
    return encoder.finish()


def content(kind: str, shape: tuple[int, int, int], depth: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    peak = (1 << depth) - 1
    noise = rng.integers(0, peak + 1, shape)
    if kind == "constant":
        noise[:] = noise[:1, :1]
    elif kind == "checkerboard":
        noise = (np.indices(shape[:2]).sum(0) % 2 * peak)[..., None].repeat(shape[2], 2)
    elif kind == "grey":
        noise[..., :3] = noise[..., :1]
    elif kind == "sparse":
        noise = noise // 37 * 37
    elif kind == "palette":
        noise = rng.integers(0, peak + 1, (5, shape[2]))[rng.integers(0, 5, shape[:2])]
    elif kind == "smooth":
        waves = np.indices(shape).sum(0)
        noise = (peak / 2 + peak / 3 * np.sin(waves / 9) + rng.normal(0, 2, shape)).clip(0, peak).astype(int)
    elif kind == "hidden" and shape[2] in (2, 4):
        noise[: shape[0] // 2, :, -1] = 0  # colour under transparent pixels is kept
    elif kind == "opaque" and shape[2] in (2, 4):
        noise[..., -1] = peak
    return noise.astype(np.uint8 if depth == 8 else np.uint16)


KINDS = ["noise", "constant", "checkerboard", "grey", "sparse", "palette", "smooth", "hidden", "opaque"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.tuples(st.integers(1, 20), st.integers(1, 20), st.integers(1, 4)),
    st.sampled_from([8, 8, 9, 10, 12, 13, 16]),
    st.sampled_from(KINDS),
    st.integers(0, 2**32 - 1),
)
def test_pictures_of_any_size_and_kind_come_back(
    codec: CircuitImages, shape: tuple[int, int, int], depth: int, kind: str, seed: int
) -> None:
    frame = content(kind, shape, depth, seed)
    decoded, _, coded = there_and_back(codec, frame, depth)
    assert decoded.dtype == frame.dtype
    assert (decoded == frame).all()
    assert sum(len(u.payload) for u in coded) <= len(coded) + 1 + frame.size * depth / 8


@pytest.mark.parametrize(("channels", "depth"), [(1, 8), (4, 12)])
def test_larger_odd_pictures_come_back(codec: CircuitImages, channels: int, depth: int) -> None:
    frame = content("smooth", (97, 131, channels), depth, 0)
    decoded, _, _ = there_and_back(codec, frame, depth)
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
def test_extreme_pictures_come_back(codec: CircuitImages, frame: np.ndarray) -> None:
    decoded, _, _ = there_and_back(codec, frame)
    assert (decoded == frame).all()


@pytest.fixture
def tiny_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """96 x 64 pixels are six tiles, in four units."""
    monkeypatch.setattr(layout, "HEIGHT", 16)
    monkeypatch.setattr(layout, "WIDTH", 50)
    monkeypatch.setattr(layout, "TILES", 2)


@pytest.mark.usefixtures("tiny_tiles")
def test_a_picture_of_several_tiles_and_units_comes_back(codec: CircuitImages, picture: Image.Image) -> None:
    frame = np.asarray(picture)
    decoded, _, coded = there_and_back(codec, frame)
    assert len(coded) == 4
    assert (decoded == frame).all()


@pytest.mark.usefixtures("tiny_tiles")
def test_a_drawing_larger_than_a_unit_is_one_unit(codec: CircuitImages) -> None:
    frame = (np.indices((64, 96)) // 7).sum(0)[..., None].repeat(3, 2).astype(np.uint8) % 3 * 90
    frame[..., 1] += 1
    decoded, header, coded = there_and_back(codec, frame)
    assert (decoded == frame).all()
    assert [methods.method(u.payload) for u in coded] == [methods.WEBP]
    assert not header.fingerprint  # and it needs no weights


def test_grey_in_three_channels_costs_as_much_as_grey(codec: CircuitImages) -> None:
    grey = content("smooth", (40, 50, 1), 8, 1)
    once, thrice = (sum(len(u.payload) for u in there_and_back(codec, f)[2]) for f in (grey, grey.repeat(3, 2)))
    assert thrice == once


def test_sparse_values_cost_as_much_as_their_ranks(codec: CircuitImages) -> None:
    ranks = content("smooth", (30, 40, 1), 8, 2)
    sparse = ranks.astype(np.uint16) * 200 + 77
    few = sum(len(u.payload) for u in there_and_back(codec, ranks)[2])
    _, header, coded = there_and_back(codec, sparse, 16)
    assert header.private[0] == head.LEVELS
    assert sum(len(u.payload) for u in coded) + len(header.private) < few + 60


def test_the_best_of_several_networks_codes_a_unit(
    codec: CircuitImages, model: ContextNet, picture: Image.Image, tmp_path: Path
) -> None:
    other = ContextNet(model.config)
    made = {name: (m.config, integers(m.eval(), [coded(picture)])) for name, m in (("a", other), ("photo", model))}
    save(tmp_path / "two.safetensors", made, "for a test")
    frame = np.asarray(picture)
    _, _, (unit,) = there_and_back(CircuitImages(tmp_path / "two.safetensors"), frame)
    _, _, (alone,) = there_and_back(codec, frame)
    assert unit.payload[1] == 1
    assert unit.payload[2:] == alone.payload[2:]


@pytest.mark.usefixtures("tiny_tiles")
def test_a_damaged_unit_loses_no_other(codec: CircuitImages, picture: Image.Image) -> None:
    colour = np.asarray(picture)
    frame = np.concatenate([colour, colour[..., :1]], 2)
    _, header, whole = there_and_back(codec, frame)
    assert len(whole) == 8
    for lost in (0, 3, 6):
        payload = bytearray(whole[lost].payload)
        payload[len(payload) // 2] ^= 1
        broken = FormatError("unit is damaged") if lost == 3 else whole[lost]._replace(payload=bytes(payload))
        damage: list[CodecError] = []
        (decoded,) = codec.decode(header, [*whole[:lost], broken, *whole[lost + 1 :]], None, damage)
        assert len(damage) == 1
        box = layout.units(64, 96)[lost % 4]
        channels = slice(3, 4) if lost >= 4 else slice(0, 3)
        assert (decoded[box][..., channels] == (255 if lost >= 4 else 128)).all()
        decoded[box][..., channels] = frame[box][..., channels]
        assert (decoded == frame).all()


@pytest.fixture(scope="module")
def tuned(codec: CircuitImages) -> tuple[np.ndarray, Header, list[Unit]]:
    """A picture unlike those that the network has seen, and its file at a higher effort."""
    y, x = np.mgrid[:128, :160]
    waves = 128 + 60 * np.sin(x[..., None] / 3 + np.arange(3)) * np.cos(y[..., None] / 4)
    frame = (waves + np.random.default_rng(0).normal(0, 1, waves.shape)).clip(0, 255).astype(np.uint8)
    header, made = codec.encode(Info(160, 128, 3), iter([frame]), ImageOptions(effort=7))
    return frame, header, list(made)


def test_a_network_tuned_to_a_picture_saves_more_than_it_costs(
    codec: CircuitImages, tuned: tuple[np.ndarray, Header, list[Unit]]
) -> None:
    frame, header, made = tuned
    _, _, plain = there_and_back(codec, frame)
    assert header.private == bytes([head.TUNED]) and len(made) == len(plain) + 1
    assert sum(len(u.payload) for u in made) < 0.97 * sum(len(u.payload) for u in plain)
    assert (next(codec.decode(header, made)) == frame).all()


def test_a_damaged_tuned_network_is_told_and_so_are_the_units_that_need_it(
    codec: CircuitImages, tuned: tuple[np.ndarray, Header, list[Unit]]
) -> None:
    _, header, made = tuned
    payload = bytearray(made[0].payload)
    payload[len(payload) // 2] ^= 4
    broken = [made[0]._replace(payload=bytes(payload)), *made[1:]]
    with pytest.raises(CodecError):
        next(codec.decode(header, broken))
    damage: list[CodecError] = []
    (decoded,) = codec.decode(header, broken, None, damage)
    assert len(damage) == len(made) and (decoded == 128).all()


@pytest.mark.parametrize("effort", [0, 10])
def test_an_effort_out_of_range_is_named(codec: CircuitImages, effort: int) -> None:
    with pytest.raises(CodecError, match=f"effort {effort} "):
        codec.encode(Info(1, 1, 1), iter([np.zeros((1, 1, 1), np.uint8)]), ImageOptions(effort=effort))


def test_options_that_no_encoder_writes_are_refused(codec: CircuitImages) -> None:
    header = Header(codec=2, revision=0, width=5, height=4, channels=1)
    for private in (b"\0", b"\1", b"\2", b"\4", b"\x10", b"\x20", b"\x08\xff\xff\xff\xff"):
        with pytest.raises(FormatError):
            codec.decode(dataclasses.replace(header, private=private), [Unit(0, 0, 0, b"\0" * 21)])


def test_few_bytes_can_not_claim_a_huge_picture(codec: CircuitImages) -> None:
    header, made = codec.encode(Info(30, 20, 1), iter([np.full((20, 30, 1), 9, np.uint8)]), ImageOptions())
    huge = dataclasses.replace(header, width=1 << 14, height=1 << 14)
    with pytest.raises(FormatError, match="one value"):
        codec.decode(huge, list(made))


def test_a_file_whose_units_need_weights_must_name_them(codec: CircuitImages, picture: Image.Image) -> None:
    _, header, coded = there_and_back(codec, np.asarray(picture))
    with pytest.raises(FormatError, match="names no network"):
        next(CircuitImages(None).decode(header, coded))


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


def test_any_flipped_byte_is_found(codec: CircuitImages, picture: Image.Image) -> None:
    frame = np.asarray(picture)[:16, :16]
    header, units = codec.encode(Info(16, 16, 3), iter([frame]), ImageOptions())
    (unit,) = units
    for position in range(0, len(unit.payload), 37):
        damaged = bytearray(unit.payload)
        damaged[position] ^= 0x10
        with pytest.raises((FormatError, DesyncError)):
            list(codec.decode(header, [unit._replace(payload=bytes(damaged))]))


def test_a_truncated_unit_is_found(codec: CircuitImages, picture: Image.Image) -> None:
    frame = np.asarray(picture)[:16, :16]
    header, units = codec.encode(Info(16, 16, 3), iter([frame]), ImageOptions())
    (unit,) = units
    for size in (0, 1, len(unit.payload) - 1):
        with pytest.raises((FormatError, DesyncError)):
            list(codec.decode(header, [unit._replace(payload=unit.payload[:size])]))


def test_what_it_cannot_code_it_names(codec: CircuitImages) -> None:
    info = Info(4, 4, 3)
    with pytest.raises(CodecError, match="3 channels of 4 bits"):
        codec.encode(dataclasses.replace(info, depth=4), iter([np.zeros((4, 4, 3), np.uint8)]), ImageOptions())


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
