"""What decodes PFNR's frames: whole numbers, whatever the order of sums, and near to what was fitted."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from codec.codecs.pfnr.exact import Exact, silu_table, tanh_table
from codec.models.pfnr import Shape, code, frames

SHAPE = Shape(16, 6, (6, 5), (2, 3), ((0, 2, 3),))
GRID = (4, 7)


def weights() -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Weights that are multiples of 2^-20."""
    generator = torch.Generator().manual_seed(0)

    def some(*size: int) -> torch.Tensor:
        return torch.randn(size, generator=generator).mul(2**18).round().double() / 2**20

    return {name: some(*size) for name, size in SHAPE.tensors(GRID).items()}, some(3, 5)


def test_no_entry_of_a_table_is_near_a_tie() -> None:
    z = np.arange(len(silu_table())) / 1024
    for values, bits in ((z / (1 + np.exp(z)), 10), (np.tanh(z[: len(tanh_table())]), 11)):
        scaled = np.ldexp(values, bits)
        assert np.abs(scaled - np.floor(scaled) - 0.5).min() > 1e-7
    assert silu_table()[-1] == 0 and tanh_table()[-1] == 0.5  # beyond, curves are at their ends


def test_a_block_is_what_whole_numbers_give() -> None:
    generator = np.random.default_rng(0)
    x = generator.integers(-(2**17), 2**17, (6, 4, 7))
    whole = {name: (w * 2**20).long().numpy() for name, w in weights()[0].items()}["conv_0"]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    sums = np.zeros((24, 4, 7), np.int64)
    for row in range(3):
        for column in range(3):
            sums += np.einsum("oc,chw->ohw", whole[:, :, row, column], padded[:, row : row + 4, column : column + 7])
    y = np.rint(sums / 2**20).clip(-(2**17), 2**17).astype(np.int64)  # numpy rounds halves to even as well
    y = y.reshape(6, 2, 2, 4, 7).transpose(0, 3, 1, 4, 2).reshape(6, 8, 14)
    table = (silu_table() * 1024).astype(np.int64)
    wanted = np.maximum(y, 0) - table[np.minimum(np.abs(y), len(table) - 1)]
    found = Exact("cpu").block(torch.from_numpy(x[None] / 1024).float(), weights()[0]["conv_0"], 2, None)
    assert np.array_equal((found[0].double() * 1024).numpy(), wanted)


def test_frames_are_near_to_those_of_the_fit_and_don_t_depend_on_bands(monkeypatch: object) -> None:
    tensors, head = weights()
    one = torch.from_numpy(code(Fraction(1, 3), Fraction(1, 1024)))[None]
    floats = {name: w.float() for name, w in tensors.items()}
    fitted = frames(SHAPE, GRID, one.float(), floats, head.float())
    found = frames(SHAPE, GRID, one, tensors, head, Exact("cpu"))
    assert found.shape == fitted.shape == (1, 3, 24, 42)
    assert (found - fitted).abs().max() < 0.02  # activations are rounded to 2^-10
    assert fitted.std() > 0.1
    monkeypatch.setattr("codec.codecs.pfnr.exact._BAND", 1)  # type: ignore[attr-defined]
    assert torch.equal(frames(SHAPE, GRID, one, tensors, head, Exact("cpu")), found)
