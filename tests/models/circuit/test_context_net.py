"""The context network: probabilities that sum to one, nothing seen before it is coded, derivatives that are right."""

import numpy as np
import pytest
import torch
from torch import Tensor

from codec.models.circuit.context_net import ContextNet, log_cell
from codec.models.circuit.shape import ContextConfig
from codec.train.subpixels import arrays

SMALL = {"hidden": 12, "trunk": 8, "feature_hidden": 6, "features": 4, "stage": 6, "mixtures": 3}
GRAPHICS = {"copies": 4, "matches": 2, "pattern": 12}


def network(channels: int, **more: int) -> ContextNet:
    torch.manual_seed(channels)
    model = ContextNet(ContextConfig(channels=channels, **SMALL, **more))
    with torch.no_grad():
        for p in model.parameters():
            p += 0.05 * torch.randn_like(p)
    return model.eval()


def bits(model: ContextNet, tile: np.ndarray) -> Tensor:
    """[C, h, w] of a tile with its margins."""
    with torch.no_grad():
        result: Tensor = model(*(torch.from_numpy(a)[None] for a in arrays(tile, model.config)))[:, 0]
    return result


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_the_values_of_a_sub_pixel_have_probabilities_of_sum_one(channel: int) -> None:
    model = network(3)
    tile = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    total = 0.0
    for value in range(256):
        tile[2, 3, channel] = value
        total += 2 ** -float(bits(model, tile)[channel, 2, 3])
    assert total == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("config", [GRAPHICS, {"copies": 3}, {"matches": 1}])
def test_copies_and_all_other_values_have_probabilities_of_sum_at_most_one(config: dict[str, int]) -> None:
    # Not quite one: where it is said that a pixel is no copy, the logistics still give copies a little.
    model = network(1, **config)
    tile = np.random.default_rng(0).integers(0, 2, (8, 9, 1), dtype=np.uint8) * 30 + 100
    total = 0.0
    for value in range(256):
        tile[6, 7, 0] = value
        total += 2 ** -float(bits(model, tile)[0, 6, 7])
    assert 0.8 < total < 1


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 8), (3, 0), (3, 4), (3, 8), (6, 8)])
@pytest.mark.parametrize("config", [{}, GRAPHICS])
def test_no_pixel_is_seen_before_the_wavefront_reaches_it(config: dict[str, int], row: int, column: int) -> None:
    model = network(3, **config)
    colors = np.random.default_rng(1).integers(90, 160, (2, 3), dtype=np.uint8)
    tile = np.random.default_rng(1).integers(90, 160, (7, 9, 3), dtype=np.uint8)
    if config:
        tile = colors[np.random.default_rng(2).integers(0, 2, (7, 9))]
    before = bits(model, tile)
    for channel in range(1 if config else 3):  # a choice of all channels is counted in the first
        changed = tile.copy()
        changed[row, column, channel] += 40
        # Equal sums may differ in their last bits from call to call; a pixel that is seen changes far more.
        c, r, col = torch.nonzero((bits(model, changed) - before).abs() > 1e-4, as_tuple=True)
        here = (r == row) & (col == column)
        assert here.any()
        assert (c[here] >= channel).all()
        assert (col[~here] + 3 * r[~here] > column + 3 * row).all()


def test_the_log_of_a_cell_has_the_right_derivatives() -> None:
    torch.manual_seed(0)
    value = torch.tensor([0, 255, 3, 100, 101]).double()
    mean = (value + 4 * torch.randn(3, 5)).double().requires_grad_()
    scale = (3 * torch.rand(3, 5) - 1).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda m, s: log_cell(value, m, s, 255), (mean, scale))


def test_the_log_of_a_cell_far_in_the_tail_is_finite() -> None:
    far = log_cell(
        torch.tensor([0.0, 255.0, 128.0]), torch.tensor([[900.0, -900.0, 900.0]]), torch.full((1, 3), -9), 255
    )
    assert torch.isfinite(far).all()
