"""PFNR's network: its Fourier operator, its masks, what is frozen, and the paper's sizes."""

from __future__ import annotations

from fractions import Fraction
from math import pi, prod

import numpy as np
import pytest
import torch

from codec.codecs.pfnr.presets import PRESETS
from codec.models.pfnr import Shape, Supernet, code, fourier, frames, stem_name, waves

SHAPE = Shape(8, 4, (6, 5), (2, 2), ((1, 2, 2),))
GRID = (2, 3)


def supernet(keep: float = 0.5, **frozen: tuple[torch.Tensor, torch.Tensor]) -> Supernet:
    names = SHAPE.tensors(GRID)
    return Supernet(SHAPE, GRID, dict.fromkeys(names, keep), frozen, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(8, 12), (9, 7), (3, 5)])
def test_the_fourier_operator_is_a_spectrum_with_zeros_around_it(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    x, weight = torch.randn(2, 3, *size, generator=generator), torch.randn(3, 4, 2, 6, 3, generator=generator)
    a, b = min(3, size[0] // 2), min(3, size[1] // 2)  # small maps haven't all modes
    spectrum = torch.fft.rfft2(x, norm="forward")
    wide = torch.zeros(2, 4, 2 * size[0], size[1] + 1, dtype=torch.complex64)
    matrices = torch.complex(weight[:, :, 0], weight[:, :, 1])
    wide[:, :, :a, :b] = torch.einsum("bcyx,cdyx->bdyx", spectrum[:, :, :a, :b], matrices[:, :, :a, :b])
    wide[:, :, -a:, :b] = torch.einsum("bcyx,cdyx->bdyx", spectrum[:, :, -a:, :b], matrices[:, :, -a:, :b])
    wanted = torch.fft.irfft2(wide, s=(2 * size[0], 2 * size[1]), norm="forward")
    found = fourier(x, weight, 2)
    assert found.shape == wanted.shape
    assert (found - wanted).abs().max() < 0.01 * wanted.abs().max()  # waves are rounded to 2^-12


def test_masks_keep_the_highest_scores_and_gradients_pass_them() -> None:
    net = supernet(0.25)
    for name, mask in net.masks().items():
        score = net.scores[name].abs().view(len(mask), -1).mean(1)
        assert mask.sum() == len(mask) - round(0.75 * (len(mask) - 1))
        assert score[mask].min() > score[~mask].max()
    weights = net.weights()
    name = "conv_0"
    weights[name].sum().backward()
    mask = net.masks()[name]
    free = net.free[name]
    # A score's gradient is that of the mask, for its run of nine; of a weight that is left out there is none.
    runs = free.detach().view(len(mask), 9).sum(1)
    assert torch.allclose(net.scores[name].grad.view(-1, 9), runs[:, None] / 9 * net.scores[name].sign().view(-1, 9))
    assert torch.equal(free.grad.view(-1, 9), mask[:, None].float().expand(-1, 9))


def test_frozen_weights_are_read_and_never_moved() -> None:
    values = torch.arange(float(prod(SHAPE.tensors(GRID)["conv_0"]))).view(SHAPE.tensors(GRID)["conv_0"]) / 999
    used = torch.arange(len(values.view(-1, 9))) % 3 == 0
    net = supernet(0.5, conv_0=(values.clone(), used))
    adam = torch.optim.Adam(net.parameters(), lr=0.05, weight_decay=0.1)
    codes = torch.ones(2, 160)
    for _ in range(3):
        adam.zero_grad()
        frames(SHAPE, GRID, codes, net.weights(), torch.ones(3, 5)).square().mean().backward()
        adam.step()
    chosen = net.masks()["conv_0"]
    runs = net.weights()["conv_0"].detach().view(-1, 9)
    assert (chosen & used).any() and torch.equal(runs[chosen & used], values.view(-1, 9)[chosen & used])
    assert torch.equal(net.frozen("conv_0"), values)
    assert not runs[~chosen].any()


def test_codes_and_waves_are_the_same_on_every_machine() -> None:
    """None is so near a tie that a machine's sine could round it otherwise."""
    for frame in range(5):
        exact = [float(Fraction(frame, 5) * Fraction(5, 4) ** i % 2) * pi for i in range(40)]
        values = np.ldexp(np.array([[np.sin(a), np.cos(a)] for a in exact]).ravel(), 12)
        assert np.abs(np.abs(values - np.floor(values)) - 0.5).min() > 1e-6
        assert np.array_equal(code(Fraction(frame, 5), Fraction(1, 1024))[:80], np.rint(values) / 4096)
    for size in (6, 45, 80, 112, 720):
        angle = 2 * np.pi * np.arange(size) / size
        for values in (np.ldexp(np.cos(angle), 12), np.ldexp(np.sin(angle), 12)):
            assert np.abs(np.abs(values - np.floor(values)) - 0.5).min() > 1e-7
        assert waves(size, 0, 2)[0].shape == (2, size)


def test_the_paper_s_network_has_the_paper_s_parameters() -> None:
    preset = PRESETS["paper"]
    grid = preset.shape.grid(720, 1280)
    with torch.device("meta"):
        net = Supernet(preset.shape, grid, preset.keeps(grid), {})
    counts = {name: weight.numel() for name, weight in net.free.items()}
    operator = counts.pop("fourier_1")
    assert (grid, counts[stem_name(grid)], counts["conv_0"]) == ((9, 16), 8_257_536, 2_822_400)
    assert sum(counts.values()) == 12_544_256
    assert operator == 4 * 112 * 96 * 22 * 40
    assert preset.shape.widths[-1] * 3 == 288
