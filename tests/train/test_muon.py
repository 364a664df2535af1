"""Muon: its updates are nearly orthogonal, of AdamW's size, and lead down."""

import pytest
import torch
from torch import nn

from codec.train.muon import AS_ADAMW, Muon, orthogonalised


@pytest.mark.parametrize("shape", [(96, 200), (200, 96), (64, 96)])
def test_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    update = torch.randn(shape)
    found = orthogonalised(update).float()
    values = torch.linalg.svdvals(found)
    assert found.shape == shape
    assert values.min() > 0.5 and values.max() < 1.4
    u, _, v = torch.linalg.svd(update, full_matrices=False)
    assert torch.nn.functional.cosine_similarity(found.flatten(), (u @ v).flatten(), 0) > 0.9


def test_a_step_is_as_large_as_adamws() -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.zeros(64, 16, 3, 3))
    weight.grad = 1e-5 * torch.randn_like(weight)
    Muon([weight], lr=1.0, weight_decay=0.0).step()
    assert weight.detach().square().mean().sqrt() == pytest.approx(AS_ADAMW, rel=0.3)


def test_a_quadratic_is_descended_and_decayed() -> None:
    torch.manual_seed(0)
    wanted, weight = torch.randn(30, 40), nn.Parameter(torch.zeros(30, 40))
    optimizer = Muon([weight], lr=0.05, weight_decay=0.0)
    losses = []
    for _ in range(120):
        loss = (weight - wanted).square().mean()
        weight.grad = None
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    weight.grad = torch.zeros_like(weight)
    before = weight.detach().norm()
    Muon([weight], lr=0.5, weight_decay=0.5).step()
    assert weight.detach().norm() < 0.8 * before
