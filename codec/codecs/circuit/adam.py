"""Adam, some lines of it: importing torch's takes as long as a picture's tuning at low efforts."""

from collections.abc import Sequence

import torch
from torch import Tensor

BETAS, EPSILON = (0.9, 0.98), 1e-3  # for gradients in bits of a whole picture


class Adam:
    """Moves values by gradients; each value has a pace, by which the rate is multiplied."""

    def __init__(self, values: Sequence[Tensor], paces: Sequence[float]) -> None:
        self.values, self.paces, self.steps = list(values), list(paces), 0
        self.means = [torch.zeros_like(v) for v in self.values]
        self.squares = [torch.zeros_like(v) for v in self.values]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rate: float) -> None:
        """One step; `gradients` in the order of the values."""
        self.steps += 1
        torch._foreach_lerp_(self.means, list(gradients), 1 - BETAS[0])
        torch._foreach_lerp_(self.squares, torch._foreach_mul(list(gradients), list(gradients)), 1 - BETAS[1])
        mean, square = (1 - beta**self.steps for beta in BETAS)
        for value, pace, m, s in zip(self.values, self.paces, self.means, self.squares, strict=True):
            value -= pace * rate / mean * m / ((s / square).sqrt() + EPSILON)
