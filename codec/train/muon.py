"""Muon: momentum whose matrices are made orthogonal before each step (Jordan et al. 2024), beside AdamW for all else.

Per step it learns what AdamW learns in about 1.6 (docs/training.md); the products of the Newton-Schulz iteration
cost the same whatever the batch, so it pays from about 16 crops on.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
STEPS = 5  # of the iteration: singular values end between 0.7 and 1.2
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
LIKE_ADAM = 0.2  # root mean square of an update at learning rate 1: that of AdamW, so that one rate serves both


def orthogonalised(update: Tensor) -> Tensor:
    """The nearest half-orthogonal matrix, roughly, of an update [rows, columns], in bfloat16."""
    wide = update.shape[0] <= update.shape[1]
    x = (update if wide else update.T).bfloat16()
    x = x / (x.norm() + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide else x.T


class Muon(torch.optim.Optimizer):
    """For weights [out, in] and [out, in, kernel, kernel], the latter as matrices of `out` rows."""

    def __init__(self, parameters: Iterable[nn.Parameter] | list[dict[str, object]], lr: float) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            with_gradient = [p for p in group["params"] if p.grad is not None]
            for p in with_gradient:
                momentum = self.state[p].setdefault("momentum", torch.zeros_like(p))
                momentum.lerp_(p.grad, 1 - MOMENTUM)
                update = torch.lerp(p.grad, momentum, MOMENTUM).flatten(1)  # Nesterov's
                scale = LIKE_ADAM * max(update.shape) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(orthogonalised(update).view_as(p), alpha=-group["lr"] * scale)
