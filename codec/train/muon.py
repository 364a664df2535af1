"""Muon: momentum whose matrices are made orthogonal before each step (Jordan et al., 2024).

A step of it learns more than one of AdamW's, and takes longer (docs/training.md); its products cost the same whatever
the batch, so it is for batches of 16 crops of 128 x 128 and more.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
ITERATIONS = 5  # of Newton and Schulz: singular values end between 0.7 and 1.2
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
AS_ADAMW = 0.2  # root mean square of an update at learning rate 1: that of AdamW, so that one rate serves both


def orthogonalised(update: Tensor) -> Tensor:
    """Roughly the nearest matrix to `update` [rows, columns] whose singular values are all 1; bfloat16."""
    wide = update.shape[0] <= update.shape[1]
    x = (update if wide else update.T).bfloat16()
    x = x / (x.norm() + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide else x.T


class Muon(torch.optim.Optimizer):
    """Muon for weights [out, in] and [out, in, kernel, kernel], the latter as matrices of `out` rows."""

    def __init__(self, parameters: Sequence[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if not self.state[p]:
                    self.state[p]["momentum"] = torch.zeros_like(p)
                momentum = self.state[p]["momentum"].lerp_(p.grad, 1 - MOMENTUM)
                update = p.grad.lerp(momentum, MOMENTUM).flatten(1)  # Nesterov's
                size = AS_ADAMW * max(update.shape) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(orthogonalised(update).view_as(p), alpha=-group["lr"] * size)
