"""Fits the weights of one group: what `fit.fit` drives."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from codec.codecs.nirvana.sine.latents import Latents, Weights
from codec.codecs.nirvana.sine.loop import cosine
from codec.codecs.nirvana.sine.patches import Target
from codec.models.nirvana.sine import Sine

BETAS = (0.9, 0.95)  # of Adam; the usual 0.999 is too slow for so few steps
FREE = 0.6  # of the budget in which the tensors' steps are learned; then they are whole numbers and stay
RAMP = 0.05  # of the budget in which the rate comes in: from the first step, it can take all weights to 0
AFTER = 0.4  # of the rates, for a group that starts near its goal
PATCHES = 2048  # at once: bounds the memory of large frames, about 1 GB with the paper's network


@dataclass(frozen=True)
class Rates:
    """Adam's learning rates: of the integers, and of their tensors' t; `floor` is what part of them the cosine
    falls to (1: it doesn't)."""

    integers: float = 0.3
    steps: float = 2.0
    floor: float = 0.02


class SineFit:
    """The weights of one network, fitted to `target` at `centres` from `start`; differences are to `reference`.

    `pixels` is how many luma samples there are. `near`: the start is the group before.
    """

    def __init__(
        self,
        net: Sine,
        centres: torch.Tensor,
        target: Target,
        start: Weights,
        reference: Weights | None,
        *,
        lambda_: float,
        pixels: int,
        rates: Rates,
        near: bool,
    ) -> None:
        device = str(centres.device)
        self._net, self._centres, self._target = net, centres, target
        self._lambda, self._pixels, self._rates = lambda_, pixels, rates
        self._reference = reference
        self.latents = Latents(net.shape.tensors(), start, reference, device)
        self._factor = AFTER if near else 1.0
        self._ramp = 0.0 if near else RAMP
        groups = [{"params": [self.latents.values]}, {"params": [self.latents.steps]}]
        self._adam = torch.optim.Adam(groups, lr=1.0, betas=BETAS, fused=True)
        self._generator = torch.Generator().manual_seed(0)
        self._order: list[torch.Tensor] = []

    def step(self, fraction: float) -> None:
        factor, free = self._factor * cosine(fraction, self._rates.floor), fraction < FREE
        for group, rate in zip(self._adam.param_groups, (self._rates.integers, self._rates.steps * free), strict=True):
            group["lr"] = rate * factor
        integers = self.latents.rounded()
        which, share = self._some()
        out = self._net(self._centres[which], self.latents.weights(integers, round_steps=not free))
        loss = self._target.part(which).distortion(out) / share
        lambda_ = self._lambda * (min(1.0, fraction / self._ramp) if self._ramp else 1.0)
        if lambda_:
            loss = loss + lambda_ / self._pixels * self.latents.bits(integers)
        self._adam.zero_grad()
        loss.backward()
        self._adam.step()
        self.latents.clamp()

    def _some(self) -> tuple[torch.Tensor | slice, float]:
        """Patches for a step, and what part of all they are; each comes once before any comes again."""
        count = len(self._target)
        if count <= PATCHES:
            return slice(None), 1.0
        if not self._order:
            parts = -(-count // PATCHES)
            self._order = list(torch.randperm(count, generator=self._generator).chunk(parts))
        which = self._order.pop()
        return which.to(self._centres.device), len(which) / count

    @torch.no_grad()
    def evaluate(self) -> tuple[float, float]:
        integers = self.latents.rounded()
        weights = self.latents.weights(integers, round_steps=True)
        distortion = 0.0
        for start in range(0, len(self._target), PATCHES):
            part = slice(start, start + PATCHES)
            distortion += float(self._target.part(part).distortion(self._net(self._centres[part], weights)))
        return distortion, self.state().bits(self._reference) / self._pixels

    def state(self) -> Weights:
        return self.latents.state()
