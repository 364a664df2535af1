"""The bytes of tiles are the same by numpy and by kernels, and however many steps an encoder takes at once."""

import sys

import numpy as np
import pytest
from test_wavefront import drawing, network

from codec.codecs.circuit import wavefront
from codec.codecs.circuit.network import Network
from codec.entropy import Decoder, Encoder

Tiles = list[np.ndarray]


def pictures(channels: int, depth: int) -> Tiles:
    """Smooth, noisy, and values at the ends of the range beside one another, in tiles of several sizes."""
    rng, top = np.random.default_rng(depth), (1 << depth) - 1
    kind = np.uint8 if depth == 8 else np.uint16
    slope = np.add.outer(np.arange(30), np.arange(41))[..., None] * top // 80 + rng.integers(0, 9, (30, 41, channels))
    ends = rng.integers(0, 2, (9, 17, channels)) * top
    noise = rng.integers(0, top + 1, (7, 41, channels))
    return [np.clip(t, 0, top).astype(kind) for t in (slope, ends, noise, top // 2 * np.ones((3, 2, channels)))]


def encoded(net: Network, tiles: Tiles, depth: int) -> bytes:
    encoder = Encoder()
    wavefront.code_tiles(net, encoder, tiles, False, depth)
    return encoder.finish()


def decoded(net: Network, data: bytes, tiles: Tiles, depth: int) -> Tiles:
    decoder, back = Decoder(data), [np.empty_like(t) for t in tiles]
    wavefront.code_tiles(net, decoder, back, True, depth)
    decoder.finish()
    return back


@pytest.fixture
def no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codec.codecs.circuit.compiled", None)


@pytest.mark.parametrize("depth", [8, 9, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_kernels_give_what_numpy_gives(channels: int, depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr(wavefront, "_WORTH", 0)
    net, tiles = network(channels), pictures(channels, depth)
    assert wavefront.kernels_work(net)
    data = encoded(net, tiles, depth)
    back = decoded(net, data, tiles, depth)
    monkeypatch.setattr(wavefront, "kernels_work", lambda network: False)
    assert encoded(net, tiles, depth) == data
    assert all((a == b).all() for a, b in zip(back, tiles, strict=True))
    assert all((a == b).all() for a, b in zip(decoded(net, data, tiles, depth), tiles, strict=True))


@pytest.mark.parametrize("span", [1, 40, 1000])
def test_bytes_do_not_depend_on_how_many_steps_are_taken_at_once(
    span: int, monkeypatch: pytest.MonkeyPatch, no_kernels: None
) -> None:
    net, tiles = network(3), [*pictures(3, 8), drawing()]
    data = encoded(net, tiles, 8)
    monkeypatch.setattr(wavefront, "_SPAN", span)
    assert encoded(net, tiles, 8) == data


def test_without_kernels_numpy_does_the_work(monkeypatch: pytest.MonkeyPatch, no_kernels: None) -> None:
    monkeypatch.setattr(wavefront, "_WORTH", 0)
    net, tiles = network(3), pictures(3, 8)
    assert not wavefront.kernels_work(net)
    assert all((a == b).all() for a, b in zip(decoded(net, encoded(net, tiles, 8), tiles, 8), tiles, strict=True))


def test_steps_that_compute_otherwise_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    from codec.codecs.circuit import compiled, table

    steps = compiled.steps()

    def forgetful(words: int, which: int, channel: int = 0) -> None:
        if which != table.LEARN:
            steps(words, which, channel)

    monkeypatch.setattr(compiled, "steps", lambda: forgetful)
    assert not wavefront.kernels_work(network(3))


def test_weights_of_more_than_16_bits_are_left_to_numpy() -> None:
    pytest.importorskip("numba")
    small = network(3)
    tensors = {name: tensor.astype(np.int64) for name, tensor in small.tensors.items()}
    tensors["line.weight"][:] = tensors["line.bias"][:] = 0
    tensors["line.weight"][0, 0] = 32800  # times the largest level it is below 2^24
    assert wavefront.kernels_work(small)
    assert not wavefront.kernels_work(Network(small.config, tensors))


def test_sums_of_layers_that_float32_rounds_are_rounded_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr(wavefront, "_WORTH", 0)
    small = network(3)
    k = small.config.mixtures
    tensors = {name: tensor.astype(np.int64) for name, tensor in small.tensors.items()}
    # Each below 2^24, as layers have to be; the first two come to 2^24 + 1, which float32 hasn't.
    for name, outputs, bias in (
        ("stage1.head", slice(k, 2 * k), 2**24 - 1),
        ("stage1.line", slice(None), 2),
        ("line", slice(1, 2), 51 - 2**24),
    ):
        tensors[f"{name}.weight"][outputs] = tensors[f"{name}.shift"][outputs] = 0
        tensors[f"{name}.bias"][outputs] = bias
    net, tiles = Network(small.config, tensors), pictures(3, 8)
    assert wavefront.kernels_work(net)
    data = encoded(net, tiles, 8)
    monkeypatch.setattr(wavefront, "kernels_work", lambda network: False)
    assert encoded(net, tiles, 8) == data
