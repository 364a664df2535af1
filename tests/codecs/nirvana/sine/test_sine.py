"""The sine network of NIRVANA: groups of frames to bytes and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from codec.codecs.nirvana.sine import init
from codec.codecs.nirvana.sine.groups import Coded, SineGroups
from codec.codecs.nirvana.sine.latents import Latents, Weights, laplace_bits, step_sizes
from codec.codecs.nirvana.sine.loop import Budget, Fitted, fit
from codec.codecs.nirvana.sine.patches import Grid
from codec.codecs.nirvana.sine.presets import PRESETS
from codec.errors import CodecError, FormatError
from codec.media.video import Planes
from codec.models.nirvana.sine import Shape, Sine, frame_code, patch_centres

TINY = PRESETS["tiny"]
SMALL_SHAPE = Shape(patch=8, group=2, hidden=8, layers=3, channels=2, w0=10.0)
SMALL = replace(TINY, shape=SMALL_SHAPE)
LAMBDA = 1e-3


def clip(count: int, height: int = 32, width: int = 32, moving: float = 1.0) -> list[Planes]:
    """Soft waves that move."""
    frames = []
    for t in range(count):
        row, column = np.mgrid[:height, :width].astype(np.float64)
        wave = np.sin(0.3 * row + moving * 0.4 * t) * np.cos(0.2 * column - moving * 0.3 * t)
        luma = (128 + 90 * wave).astype(np.uint8)
        u = (120 + 40 * wave[::2, ::2]).astype(np.uint8)
        frames.append((luma, u, (255 - u).astype(np.uint8)))
    return frames


def same(one: list[Planes], other: list[Planes]) -> bool:
    return all(np.array_equal(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))


def psnr(one: list[Planes], other: list[Planes]) -> float:
    errors = [np.square(x[0].astype(float) - y[0]).mean() for x, y in zip(one, other, strict=True)]
    return float(10 * np.log10(255**2 / np.mean(errors)))


@pytest.fixture(scope="module")
def groups() -> SineGroups:
    return SineGroups(SMALL, 32, 32)


@pytest.fixture(scope="module")
def key(groups: SineGroups) -> Coded:
    return groups.encode(clip(2), None, LAMBDA, Budget(steps=250))


def test_a_chain_of_groups_comes_back(groups: SineGroups, key: Coded) -> None:
    frames = clip(4)
    second = groups.encode(frames[2:], key.state, LAMBDA, Budget(steps=60))
    planes, state = groups.decode(key.payload, key.checksum, 2, None)
    assert same(planes, key.planes)
    assert psnr(planes, frames[:2]) > 25
    planes, _ = groups.decode(second.payload, second.checksum, 2, state)
    assert same(planes, second.planes)


def test_the_reckoned_bits_are_those_of_the_file(key: Coded) -> None:
    assert 8 * len(key.payload) == pytest.approx(key.state.weights.bits(None), rel=0.01)


def test_a_repeated_group_takes_a_few_bytes(groups: SineGroups, key: Coded) -> None:
    again = groups.encode(clip(2), key.state, LAMBDA, Budget(steps=60))
    assert len(again.payload) <= 4
    assert same(again.planes, key.planes)


def test_a_group_that_is_not_full_is_fitted_for_its_frames_alone(groups: SineGroups) -> None:
    frames = clip(1)
    coded = groups.encode(frames, None, LAMBDA, Budget(steps=60))
    assert len(coded.planes) == 1
    assert same(groups.decode(coded.payload, coded.checksum, 1, None)[0], coded.planes)
    # The mean over the one frame is what the loss says, up to rounding to 8 bits.
    parts = [np.square(a.astype(float) - b).mean() / 255**2 for a, b in zip(coded.planes[0], frames[0], strict=True)]
    assert (6 * parts[0] + parts[1] + parts[2]) / 8 == pytest.approx(coded.state.distortion, rel=0.02)


def test_sizes_that_are_no_multiples_of_a_patch() -> None:
    groups = SineGroups(SMALL, 19, 13)
    frames = [(y[:19, :13], u[:10, :7], v[:10, :7]) for y, u, v in clip(2)]
    coded = groups.encode(frames, None, LAMBDA, Budget(steps=40))
    assert [plane.shape for plane in coded.planes[0]] == [(19, 13), (10, 7), (10, 7)]
    assert same(groups.decode(coded.payload, coded.checksum, 2, None)[0], coded.planes)


def test_damage_is_told(groups: SineGroups, key: Coded) -> None:
    for place in (0, len(key.payload) // 2, len(key.payload) - 1):
        damaged = bytearray(key.payload)
        damaged[place] ^= 0x10
        with pytest.raises(CodecError):
            groups.decode(bytes(damaged), key.checksum, 2, None)
    with pytest.raises(CodecError):
        groups.decode(key.payload[:-1], key.checksum, 2, None)
    with pytest.raises(CodecError):
        groups.decode(key.payload, key.checksum ^ 1, 2, None)


def test_frames_of_another_size_or_number_are_refused(groups: SineGroups) -> None:
    for frames in ([], clip(3), clip(2, 32, 48), clip(1) + clip(1, 48, 32)):
        with pytest.raises(CodecError):
            groups.encode(frames, None, LAMBDA, Budget(steps=1))


def test_a_learned_start_is_saved_and_differences_to_it_are_coded(tmp_path: Path) -> None:
    start = TINY.random_weights(seed=7)
    init.save(tmp_path / "nirvana-tiny.safetensors", "tiny", start, "a test's")
    preset, loaded = init.load(tmp_path / "nirvana-tiny.safetensors")
    assert preset == "tiny" and np.array_equal(loaded.steps, start.steps)
    groups = SineGroups(TINY, 32, 32, loaded)
    coded = groups.encode(clip(4), None, LAMBDA, Budget(steps=0))
    assert len(coded.payload) <= 4
    assert same(groups.decode(coded.payload, coded.checksum, 4, None)[0], groups.render(start, 4))


def test_a_file_that_is_no_start_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    weights = TINY.random_weights()
    init.save(path, "small", weights, "")
    with pytest.raises(FormatError):
        init.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(FormatError):
        init.load(path)


@pytest.mark.parametrize("shape", [preset.shape for preset in PRESETS.values()] + [SMALL_SHAPE])
def test_every_preset_gives_patches_of_all_frames(shape: Shape) -> None:
    weights = replace(TINY, shape=shape).random_weights().floats("cpu")
    out = Sine(shape)(patch_centres(1, 2, shape.patch), weights)
    assert out.shape == (2, shape.group, 3, shape.patch, shape.patch)


def test_the_heads_are_those_of_grouped_convolutions() -> None:
    """A frame's head sees the features and its own frame's code, and no other frame's."""
    shape = SMALL_SHAPE
    weights = SMALL.random_weights().floats("cpu")
    weights = {name: w * 8 for name, w in weights.items()}
    centres, x = patch_centres(2, 2, shape.patch), patch_centres(2, 2, shape.patch)
    out = Sine(shape)(centres, weights)
    for k in range(shape.layers):
        x = torch.nn.functional.linear(x, weights[f"stem.{k}.weight"], weights[f"stem.{k}.bias"])
        x = torch.sin(shape.w0 * x) if k < shape.layers - 1 else x
    half, codes = shape.patch // 2, frame_code(shape.group, shape.channels)
    for frame in range(shape.group):
        y = x.view(-1, shape.channels, half, half) + codes[frame].view(1, -1, 1, 1)
        first, second = slice(frame * shape.patch, (frame + 1) * shape.patch), slice(frame * 3, frame * 3 + 3)
        y = torch.conv2d(y, weights["head.0.weight"][first], weights["head.0.bias"][first], padding=1)
        y = torch.nn.functional.gelu(torch.pixel_shuffle(y, 2))
        y = torch.conv2d(y, weights["head.1.weight"][second], weights["head.1.bias"][second], padding=1)
        assert torch.allclose(out[:, frame], y + 0.5, atol=1e-4)


def test_patches_join_to_the_frames_they_were_cut_from() -> None:
    grid, frames = Grid(19, 13, 8), [(y[:19, :13], u[:10, :7], v[:10, :7]) for y, u, v in clip(2)]
    target = grid.cut(frames, 2)
    chroma = target.chroma.repeat_interleave(2, -1).repeat_interleave(2, -2)
    patches = torch.cat([target.luma[:, :, None], chroma], 2)
    joined = grid.frames(2)
    joined.put(0, patches[:1])
    joined.put(1, patches[1:])
    assert same(joined.planes(), frames)
    assert float(target.distortion(patches)) < 1e-12
    assert float(target.distortion(patches + 1)) == pytest.approx(1)
    inside = [part[:1] for part in (target.luma_weights, target.chroma_weights)]
    assert all(float(part.min()) > 0 for part in inside) and float(target.luma_weights[-1, 0, -1, -1]) == 0


@pytest.mark.parametrize("width", [0.2, 1.0, 20.0])
def test_the_fits_bits_are_those_of_the_best_laplace_distribution(width: float) -> None:
    values = np.rint(np.random.default_rng(0).laplace(0, width, 4000))
    far = np.abs(values)

    def bits(b: float) -> float:
        x = np.exp(-0.5 / b)
        outer = np.log2(0.5 * (1 - x * x)) + (2 * far - 1) * np.log2(x)
        return float(-np.where(far == 0, np.log2(1 - x), outer).sum())

    best = min(bits(width * scale) for scale in np.linspace(0.7, 1.4, 141))
    found = laplace_bits(torch.from_numpy(values).float(), torch.tensor([4000]))
    assert float(found) == pytest.approx(best, rel=1e-4)


def test_no_bits_for_tensors_that_are_zero() -> None:
    assert laplace_bits(torch.zeros(9), torch.tensor([4, 5])).tolist() == [0, 0]


def test_steps_double_every_sixteenth() -> None:
    sizes = step_sizes(np.arange(-40, 40))
    assert np.array_equal(sizes[16:], 2 * sizes[:-16]) and np.all(np.diff(sizes) > 0)
    assert sizes[40] == 1 and sizes[48] == pytest.approx(2**0.5, rel=1e-12)


def test_weights_of_a_fit_round_to_its_state() -> None:
    start = SMALL.random_weights()
    latents = Latents(SMALL_SHAPE.tensors(), start, None, "cpu")
    with torch.no_grad():
        latents.values += 0.4
    assert all(np.array_equal(t, start.tensors[n]) for n, t in latents.state().tensors.items())
    floats = start.floats("cpu")
    for name, weight in latents.weights(latents.rounded(), round_steps=True).items():
        assert torch.allclose(weight, floats[name], rtol=1e-5)


class _Falling:
    """A fit whose loss falls by a factor each step, to a floor."""

    def __init__(self, factor: float, floor: float = 0.0) -> None:
        self.factor, self.floor, self.loss, self.fractions = factor, floor, 1.0, list[float]()

    def step(self, fraction: float) -> None:
        self.fractions.append(fraction)
        self.loss *= self.factor

    def evaluate(self) -> tuple[float, float]:
        return max(self.loss, self.floor), 0.0

    def state(self) -> float:
        return self.loss


def test_a_fit_takes_its_steps_and_keeps_the_best_state() -> None:
    what = _Falling(0.99)
    fitted: Fitted[float] = fit(what, 1.0, Budget(steps=120))
    assert fitted.state == what.loss == pytest.approx(0.99**120)
    assert what.fractions == pytest.approx([k / 120 for k in range(120)])
    rising: Fitted[float] = fit(_Falling(1.01), 1.0, Budget(steps=120))
    assert rising.state == 1.0


def test_a_fit_that_no_longer_gains_hurries_to_the_end_of_its_schedule() -> None:
    what = _Falling(0.99, floor=0.5)
    fit(what, 1.0, Budget(steps=1000))
    assert len(what.fractions) < 500 and what.fractions[-1] > 0.99


def test_a_fit_stops_in_time() -> None:
    fit(_Falling(0.99), 1.0, Budget(seconds=0.05))
    with pytest.raises(CodecError):
        fit(_Falling(0.99), 1.0, Budget())


def test_where_bits_cost_more_than_any_gain_the_start_stays() -> None:
    start: Weights = SMALL.random_weights()
    coded = SineGroups(SMALL, 32, 32, start).encode(clip(2), None, 100.0, Budget(steps=20))
    assert all(np.array_equal(t, start.tensors[n]) for n, t in coded.state.weights.tensors.items())
