"""The practical network of the video codec: latent grids of four resolutions, decoded from coarse to fine.

A frame is six channels at half its size: the luma's pixels of every 2 x 2 square, and the two chroma samples that
4:2:0 has there. It is coded given a prediction (the last frame, moved), which every level sees: what a level's latents
are likely to be, and what becomes of them, both depend on it (conditional coding). A key frame has none.

NIRVANA (arXiv 2212.14593) fits the weights of a network to every group; here a network that was learned beforehand
stays, and what is fitted to a frame and coded are its latents: docs/video.md says what each step of that brought.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 6  # of a frame at half size: 4 of luma, U, V
LATENTS = (2, 8, 12, 12)  # of the levels, at 1/2, 1/4, 1/8 and 1/16 of the frame's size
WIDTHS = (12, 24, 32, 32)
_ANALYSIS = (24, 32, 48, 48)
LEVELS = len(LATENTS)
FRACTION = 12  # bits below the point of everything in the integer decoder (codec/nirvana/exact.py)
SCALE_STEPS = 8  # of the coder's scales in an octave
LOW, HIGH = -4, 7  # log2 of the least and the largest scale

Quantise = Callable[[Tensor], Tensor]


class Coded(NamedTuple):
    """What the decoder makes of latents: `frame` [B, 6, h, w], -0.5 to 0.5; `bits` estimated, of the whole batch."""

    frame: Tensor
    bits: Tensor


def sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Of the levels, for a frame of this half size: each is half of the one before, rounded up."""
    found = [(height, width)]
    for _ in range(LEVELS - 1):
        height, width = -(-height // 2), -(-width // 2)
        found.append((height, width))
    return found


def anchors(height: int, width: int) -> Tensor:
    """[h, w]: 1 where row + column is odd: those cells are coded first, and are context to the others."""
    return ((torch.arange(height)[:, None] + torch.arange(width)) % 2).float()


def halved(x: Tensor) -> Tensor:
    """Means of 2 x 2 cells, the last row and column doubled where the size is odd."""
    return F.avg_pool2d(_even(x), 2)


def doubled(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Every cell four times, cut to `size`."""
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, : size[0], : size[1]]


class Decoder(nn.Module):
    """`g_s` with the entropy model in it. `inter`: whether there is a prediction to look at."""

    def __init__(self, inter: bool) -> None:
        super().__init__()
        self.inter = inter
        self.entry, self.context, self.params, self.exit = (nn.ModuleList() for _ in range(4))
        for level, (latents, width) in enumerate(zip(LATENTS, WIDTHS, strict=True)):
            size = (WIDTHS[level + 1] if level + 1 < LEVELS else 0) + CHANNELS * inter
            kernel = 1 if level < 2 else 3
            # A key frame's coarsest level has nothing to enter: its bias stands alone.
            self.entry.append(nn.Conv2d(max(size, 1), width, kernel, padding=kernel // 2))
            self.context.append(nn.Conv2d(latents, width, 3, padding=1))
            self.params.append(nn.Conv2d(width, 2 * latents, 1))
            self.exit.append(nn.Conv2d(width + latents, width, 3, padding=1))
        self.out = nn.Conv2d(WIDTHS[0], CHANNELS, 3, padding=1)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)
        # log2 of the latents' steps is a - b t, for t from -1 (quality 0) to 1 (100).
        self.step_a = nn.Parameter(torch.zeros(sum(LATENTS)))
        self.step_b = nn.Parameter(torch.full((sum(LATENTS),), 2.0))

    def steps(self, t: float) -> list[Tensor]:
        """The size of a latent's unit to the network, by level, [1, C, 1, 1]."""
        steps = torch.exp2(self.step_a - self.step_b * t)
        return [s.view(1, -1, 1, 1) for s in steps.split(LATENTS)]

    def forward(self, latents: list[Tensor], prediction: Tensor, steps: list[Tensor], quantise: Quantise) -> Coded:
        """`latents` by level in units of `steps`, [B, C, h, w]; `prediction` [B, 6, h, w] (a key frame's: grey).

        `quantise` makes of latents less their mean what is coded (rounded, or with noise for it).
        """
        shapes = sizes(prediction.shape[2], prediction.shape[3])
        seen = [prediction]
        for _ in range(LEVELS - 1):
            seen.append(halved(seen[-1]))
        x: Tensor | None = None
        bits = torch.zeros((), device=prediction.device)
        for level in reversed(range(LEVELS)):
            y, shape = latents[level], shapes[level]
            h = F.relu(self.entry[level](self._entering(x, seen[level], shape)))
            first = anchors(*shape).to(y)
            mu, scale = self.params[level](h).chunk(2, 1)
            early = quantise(y - mu) + mu
            context = F.relu(h + self.context[level](early * first))
            mu_late, scale_late = self.params[level](context).chunk(2, 1)
            mu = mu * first + mu_late * (1 - first)
            y_hat = early * first + (quantise(y - mu_late) + mu_late) * (1 - first)
            bits = bits + gaussian_bits(y_hat - mu, scale * first + scale_late * (1 - first)).sum()
            x = F.relu(self.exit[level](torch.cat([h, y_hat * steps[level]], 1)))
        assert x is not None
        return Coded(prediction + self.out(x), bits)

    def _entering(self, x: Tensor | None, seen: Tensor, shape: tuple[int, int]) -> Tensor:
        parts = ([] if x is None else [doubled(x, shape)]) + ([seen] if self.inter else [])
        return torch.cat(parts, 1) if parts else seen.new_zeros(len(seen), 1, *shape)


class Analysis(nn.Module):
    """`g_a`: latents to start a fit from. Only encoders have it; a file decodes without."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.mix, self.leave = (nn.ModuleList() for _ in range(3))
        for level, (latents, width) in enumerate(zip(LATENTS, _ANALYSIS, strict=True)):
            before = _ANALYSIS[level - 1] if level else 2 * CHANNELS
            kernel, stride = (4, 2) if level else (3, 1)
            self.enter.append(nn.Conv2d(before, width, kernel, stride, padding=1))
            self.mix.append(nn.Conv2d(width, width, 3, padding=1))
            self.leave.append(nn.Conv2d(width, latents, 3, padding=1))
        self.gain = nn.Linear(1, sum(_ANALYSIS))  # of each level, by quality
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.gain.bias)

    def forward(self, frame: Tensor, prediction: Tensor, t: float, steps: list[Tensor]) -> list[Tensor]:
        """Frame and prediction [B, 6, h, w] -> latents by level in units of `steps`."""
        x = torch.cat([frame - prediction, prediction], 1)
        gains = torch.exp(self.gain(x.new_full((1, 1), t))).view(1, -1, 1, 1).split(_ANALYSIS, 1)
        latents = []
        for level in range(LEVELS):
            x = F.leaky_relu(self.enter[level](_even(x) if level else x) * gains[level], 0.1)
            x = x + F.leaky_relu(self.mix[level](x), 0.1)
            latents.append(self.leave[level](x) / steps[level])
        return latents


class Coder(nn.Module):
    """Both halves, for frames with a prediction (`inter`) or without."""

    def __init__(self, inter: bool) -> None:
        super().__init__()
        self.decoder = Decoder(inter)
        self.analysis = Analysis()

    def forward(self, frame: Tensor, prediction: Tensor, t: float, quantise: Quantise) -> Coded:
        """A frame [B, 6, h, w] through both."""
        steps = self.decoder.steps(t)
        latents = self.analysis(frame, prediction, t, steps)
        coded: Coded = self.decoder(latents, prediction, steps, quantise)
        return coded


def gaussian_bits(values: Tensor, log2_scale: Tensor) -> Tensor:
    """The information in bits of whole `values` under Gaussians about 0."""
    scale = torch.exp2(log2_scale.clamp(LOW, HIGH)) * 2**0.5
    size = values.abs()
    p = torch.erf((size + 0.5) / scale) - torch.erf((size - 0.5) / scale)
    return 1 - torch.log2(p.clamp_min(2e-7))


def noisy(values: Tensor) -> Tensor:
    """What stands for rounding early in a fit."""
    return values + torch.rand_like(values) - 0.5


def rounded(values: Tensor) -> Tensor:
    """Rounded, with the gradient of not being so."""
    return values + (values.round() - values).detach()


def _even(x: Tensor) -> Tensor:
    return F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2), "replicate")
