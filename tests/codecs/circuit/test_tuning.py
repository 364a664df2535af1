"""Networks tuned to a picture: what is sent comes back, stays exact, pays for itself, and damage has a name."""

import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from codec.codecs.circuit import descent
from codec.codecs.circuit.differences import Difference, Differences, code_differences, shapes, tuned
from codec.codecs.circuit.method_circuit import CODED_ORDER
from codec.codecs.circuit.network import BOUND, Network, layer_inputs
from codec.codecs.circuit.scales import CEILING, dequantise
from codec.codecs.circuit.tuning import windows
from codec.codecs.circuit.wavefront import code_tiles
from codec.entropy import Decoder, Encoder
from codec.errors import FormatError
from codec.models.circuit.context_net import ContextNet
from codec.models.circuit.shape import ContextConfig
from codec.train.circuit import measure
from codec.train.circuit_export import integers

SMALL = {"hidden": 12, "trunk": 8, "feature_hidden": 6, "features": 4, "stage": 6, "mixtures": 3}
GRAPHICS = {"copies": 4, "matches": 2, "pattern": 6}


def trained(tile: np.ndarray, **more: int) -> ContextNet:
    """A small network after some steps on a tile."""
    torch.manual_seed(0)
    model = ContextNet(ContextConfig(channels=tile.shape[2], **SMALL, **more))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(30):
        loss = model(*descent.tensors(tile, model.config)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


@pytest.fixture(scope="module")
def tile(picture: Image.Image) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(picture)[..., CODED_ORDER])


@pytest.fixture(scope="module")
def model(tile: np.ndarray) -> ContextNet:
    return trained(tile)


@pytest.fixture(scope="module")
def network(model: ContextNet, tile: np.ndarray) -> Network:
    return Network(model.config, integers(model, [tile]))


def stripes(height: int, width: int) -> np.ndarray:
    """Slanted stripes, the same in all channels but for some noise: unlike what the networks have seen."""
    y, x = np.mgrid[0:height, 0:width]
    wave = 128 + 60 * np.sign(np.sin((x + 2 * y) / 5))[..., None]
    noise = np.random.default_rng(1).normal(0, 2, (height, width, 3))
    return (wave + noise + [0, 20, -20]).clip(0, 255).astype(np.uint8)


def test_sums_that_a_file_follows_from_are_taken_on_one_thread(
    network: Network, tile: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, step = set(), descent._Fit.step
    monkeypatch.setattr(descent._Fit, "step", lambda *args: (counts.add(torch.get_num_threads()), step(*args)))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        descent.tune(network, [tile], 2)
        assert torch.get_num_threads() == 2 and counts == {1}
    finally:
        torch.set_num_threads(before)


def random_differences(network: Network, density: float, largest: int, seed: int = 0) -> Differences:
    rng = np.random.default_rng(seed)
    found = {}
    for i, (name, shape) in enumerate(shapes(network).items()):
        values = rng.integers(-largest, largest + 1, shape) * (rng.random(shape) < density)
        if values.any():
            found[name] = Difference(1 + i % 15, values.astype(np.int32))
    return found


def encode(network: Network, differences: Differences) -> bytes:
    encoder = Encoder()
    code_differences(encoder, differences, shapes(network))
    return encoder.finish()


def decode(network: Network, data: bytes) -> Differences:
    decoder = Decoder(data)
    found = code_differences(decoder, None, shapes(network))
    decoder.finish()
    return found


def payload(network: Network, tile: np.ndarray) -> int:
    encoder = Encoder()
    code_tiles(network, encoder, [tile], decoding=False)
    return len(encoder.finish())


@pytest.mark.parametrize(("density", "largest"), [(0, 1), (0.05, 1), (0.3, 5), (1, 300), (0.5, 2**24)])
def test_differences_come_back(network: Network, density: float, largest: int) -> None:
    given = random_differences(network, density, largest)
    found = decode(network, encode(network, given))
    assert found.keys() == given.keys()
    for name, d in given.items():
        assert found[name].step == d.step
        assert (found[name].values == d.values).all()


def test_few_differences_cost_few_bytes(network: Network) -> None:
    entries = sum(np.prod(s) for s in shapes(network).values())
    sizes = [len(encode(network, random_differences(network, density, 1))) for density in (0, 0.02, 0.2, 1)]
    assert sizes[0] < 20
    assert sizes == sorted(sizes)
    assert sizes[1] * 8 < 0.5 * entries
    assert sizes[3] * 8 < 2.6 * entries


def test_differences_that_share_rows_and_columns_cost_less(network: Network) -> None:
    shape = shapes(network)["input.weight"]
    rng = np.random.default_rng(0)
    some = np.outer(rng.random(shape[0]) < 0.3, rng.random(shape[1]) < 0.3).astype(np.int32)
    scattered = rng.permutation(some.reshape(-1)).reshape(shape)
    sizes = [len(encode(network, {"input.weight": Difference(5, v)})) for v in (some, scattered)]
    assert sizes[0] < 0.8 * sizes[1]


@pytest.mark.parametrize("largest", [3, 100, 2**9])
def test_every_sum_of_a_tuned_network_is_exact(network: Network, largest: int) -> None:
    differences = {
        name: Difference(min(d.step, 12), d.values) for name, d in random_differences(network, 1, largest).items()
    }
    found = tuned(network, differences)
    for name, inputs in layer_inputs(network.config).items():
        layer = found.layers[name]
        worst = np.abs(layer.weight.astype(np.float64)).T @ inputs + np.abs(layer.bias.astype(np.float64))
        assert worst.max() < BOUND


def test_halved_rows_compute_about_the_same(network: Network) -> None:
    factor = np.ldexp(1.0, 9)
    more = {"hidden.weight": Difference(9, np.rint(network.tensors["hidden.weight"] * 64 / factor).astype(np.int32))}
    layer = tuned(network, more).layers["hidden"]
    exact = network.tensors["hidden.weight"].astype(np.int64) + (more["hidden.weight"].values.astype(np.int64) << 9)
    unit = np.ldexp(1.0, -network.tensors["hidden.shift"].astype(np.int64))
    assert (layer.factor > unit).any()
    assert (np.abs(layer.weight.T * layer.factor[:, None] - exact * unit[:, None]) <= layer.factor[:, None]).all()


def test_no_differences_are_no_change(network: Network, tile: np.ndarray) -> None:
    assert payload(tuned(network, {}), tile) == payload(network, tile)


def test_differences_that_are_too_large_are_refused(network: Network) -> None:
    shape = shapes(network)["line.weight"]
    for step, value in ((15, 2**20), (1, 2**31 - 1), (15, -(2**31)), (12, 2**12)):
        with pytest.raises(FormatError, match="differences are damaged"):
            tuned(network, {"line.weight": Difference(step, np.full(shape, value, np.int32))})


def test_damaged_differences_are_refused_or_exact(network: Network) -> None:
    """A checksum beside them tells the rest."""
    data = encode(network, random_differences(network, 0.3, 4))
    flipped = [data[:i] + bytes([data[i] ^ 0x55]) + data[i + 1 :] for i in range(0, len(data), 5)]
    refused = 0
    for damaged in [*flipped, *(data[:size] for size in range(0, len(data), 9)), data + b"x"]:
        try:
            tuned(network, decode(network, damaged))
        except FormatError:
            refused += 1
    assert refused > len(flipped) / 2


@pytest.mark.parametrize("more", [{}, GRAPHICS], ids=["photo", "graphics"])
def test_the_float_network_of_integers_has_their_rate(tile: np.ndarray, more: dict[str, int]) -> None:
    model = trained(tile, **more)
    tensors = integers(model, [tile])
    again = ContextNet(model.config, CEILING)
    again.load_state_dict(dequantise(model.config, tensors))
    assert measure(again, tile) == pytest.approx(measure(model, tile), abs=0.005)
    once_more = Network(model.config, integers(again, [tile]))
    assert payload(once_more, tile) == pytest.approx(payload(Network(model.config, tensors), tile), rel=0.005)


def test_tuning_saves_more_than_its_differences_cost(network: Network) -> None:
    strange = stripes(128, 160)
    differences = descent.tune(network, [strange], 100)
    better = tuned(network, differences)
    gain = payload(network, strange) - payload(better, strange)
    assert gain > 1.5 * len(encode(network, differences))


def test_tuning_to_a_few_pixels_sends_next_to_nothing(network: Network) -> None:
    assert len(encode(network, descent.tune(network, [stripes(5, 4)], 40))) < 40


def test_tuning_is_repeatable(network: Network) -> None:
    strange = stripes(128, 160)
    first, second, other = (encode(network, descent.tune(network, [strange], 40, seed)) for seed in (0, 0, 1))
    assert first == second
    assert first != other


@pytest.mark.parametrize("channels", [1, 3])
def test_networks_for_graphics_are_tuned_too(tile: np.ndarray, channels: int) -> None:
    model = trained(tile[..., :channels].copy(), **GRAPHICS)
    network = Network(model.config, integers(model, [tile[..., :channels].copy()]))
    drawn = (stripes(64, 96) // 8 * 8)[..., :channels].copy()
    better = tuned(network, descent.tune(network, [drawn[:30], drawn[30:]], 80))
    assert payload(better, drawn) < 0.95 * payload(network, drawn)


def test_higher_efforts_see_more_of_a_picture() -> None:
    counts = [windows(effort, 768 * 512) for effort in range(1, 10)]
    assert counts[0] == 0 and all(a < b for a, b in itertools.pairwise(counts))
    assert windows(9, 100 * 100) < counts[-1] < windows(9, 4000 * 3000) < 10 * counts[-1]


def test_tuning_ends_when_its_time_is_over(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()  # seconds, one more each time that it is looked at
    monkeypatch.setattr(descent.time, "perf_counter", lambda: next(clock))
    told: list[float] = []
    descent.tune(network, [stripes(5, 4)], 100, seconds=4, told=told.append)
    assert len(told) == 4 * descent._LOOK
