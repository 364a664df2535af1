"""The decoder of models/nirvana_grid.py in whole numbers: the same frame on every machine, from the same latents.

Every value is an integer with 12 bits below the point, carried in float64; weights have 12 such bits too. Features are
kept within 2^20, so a convolution's sum stays below 2^53 and is exact in whatever order it is added. Hence frames can
be predicted from frames without drift, and the network may say what the coder's tables are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from codec.entropy import Coder, Tables
from codec.errors import FormatError
from codec.models.nirvana_grid import CELL, COARSE, HIGH, LOW, SLICES, Latents, chequers, doubled, shuffled

FRACTION = 12
ONE = 1 << FRACTION
SCALE_STEPS = 8  # of the coder's scales in an octave
LAST = round((HIGH - LOW) * SCALE_STEPS)  # of the coder's tables
_LIMIT = float(1 << 20)  # of features
_FARTHEST = 4096.0  # a latent's distance from its mean, in steps


class Steps(NamedTuple):
    """Of y at one quality, float64 [96, 1, 1] of whole numbers: a step, its inverse and its log2."""

    size: Tensor
    inverse: Tensor
    log2: Tensor


class Network:
    """One decoder: `weights` by their names in models.nirvana_grid.Decoder, whole numbers.

    `tables`: Gaussians of scales 2^(LOW + i / SCALE_STEPS). FormatError for weights whose sums could be inexact.
    """

    def __init__(self, weights: Mapping[str, Tensor], tables: Tables, device: torch.device) -> None:
        self.weights = {name: w.to(device, torch.float64) for name, w in weights.items()}
        self.tables, self.device = tables, device
        for name, w in self.weights.items():
            if w.dim() == 4 and float(w.abs().sum((1, 2, 3)).max()) * _LIMIT + 2.0**50 > 2.0**53:
                raise FormatError(f"the weights' {name} are too large for exact sums; install them again")
        if len(tables) != LAST + 1:
            raise FormatError(f"the weights have {len(tables)} tables, not {LAST + 1}; install them again")

    @torch.inference_mode()
    def code(
        self, coder: Coder, latents: Latents | None, prediction: Tensor, doubt: Tensor, t: int, steps: Steps
    ) -> Tensor:
        """Codes a frame, in both directions: `latents` in units of their steps, or None; batch 1.

        `prediction`: samples [6, h, w] (int32, 0 to 255); `doubt`: how far its two sides are apart, likewise.
        `t`: -4096 to 4096. Returns the frame, int32 [6, h, w].
        """
        base = _pixels(prediction)[None]
        plane = torch.full((1, 1, base.shape[2] // CELL, base.shape[3] // CELL), float(t)).to(base)
        apart = torch.floor((doubt[None].double() * ONE + 255) / 510)
        seen = self._relu("seen", torch.cat([shuffled(base), shuffled(apart), plane], 1))
        params = self._conv("z_params", self._relu("z_enter", _halved(seen)))[0]
        z = torch.zeros(COARSE, *params.shape[1:]).to(base)
        everywhere = torch.ones(params.shape[1:], dtype=torch.bool, device=self.device)
        self._cells(coder, latents and latents.z[0], z, params, everywhere, None)
        hidden = self._relu("enter", torch.cat([doubled(z[None]), seen], 1))
        first = chequers(*seen.shape[2:]).to(self.device, torch.bool)
        found: list[Tensor] = []
        start = 0
        for k, channels in enumerate(SLICES):
            own = slice(start, start + channels)
            start += channels
            wanted = None if latents is None else latents.y[0, own]
            steps_k = Steps(*(s[own] for s in steps))
            state = self._conv(f"slice_enter.{k}", torch.cat([hidden, *found], 1))
            y = torch.zeros(channels, *seen.shape[2:]).to(base)
            self._cells(coder, wanted, y, self._conv(f"slice_params.{k}", state.clamp(0, _LIMIT))[0], first, steps_k)
            # Cells of the second pass are still zero here.
            late = (state + self._conv(f"slice_context.{k}", y[None])).clamp(0, _LIMIT)
            self._cells(coder, wanted, y, self._conv(f"slice_params.{k}", late)[0], ~first, steps_k)
            found.append(y[None])
        y_hat = torch.cat(found, 1)
        more = self._relu("more.1", self._relu("more.0", torch.cat([y_hat, hidden], 1)))
        change = self._conv("basis", y_hat) + self._conv("more.2", more)
        frame = (base + F.pixel_shuffle(change, CELL)).clamp(-_LIMIT, _LIMIT)
        filtered = frame + self._conv("filter.1", self._relu("filter.0", torch.cat([frame, base], 1)))
        return _shifted((filtered[0] + ONE // 2) * 255).clamp(0, 255).to(torch.int32)

    def _cells(
        self, coder: Coder, wanted: Tensor | None, y: Tensor, params: Tensor, where: Tensor, steps: Steps | None
    ) -> None:
        """Codes the latents of some cells and writes them into `y`, in units of the frame's range (z: of one)."""
        mean, log_scale = (p[:, where] for p in params.chunk(2))
        if steps is not None:
            mean = _shifted(mean * steps.inverse[:, 0]).clamp(-_LIMIT, _LIMIT)
            log_scale = log_scale - steps.log2[:, 0]
        index = torch.floor((log_scale - LOW * ONE) * (SCALE_STEPS / ONE) + 0.5).clamp(0, LAST)
        symbols = None
        if wanted is not None:
            at = (wanted[:, where].to(mean) - mean / ONE).round().clamp(-_FARTHEST, _FARTHEST)
            symbols = at.to("cpu", torch.int32).numpy()
        coded = coder.code(symbols, index.to("cpu", torch.int32).numpy(), self.tables)
        value = (torch.from_numpy(np.ascontiguousarray(coded)).to(mean) * ONE + mean).clamp(-_LIMIT * 32, _LIMIT * 32)
        if steps is not None:
            value = _shifted(value * steps.size[:, 0])
        y[:, where] = value.clamp(-_LIMIT, _LIMIT)

    def _relu(self, name: str, x: Tensor) -> Tensor:
        return self._conv(name, x).clamp(0, _LIMIT)

    def _conv(self, name: str, x: Tensor) -> Tensor:
        weight = self.weights[f"{name}.weight"]
        # Not by cuDNN, which might choose an algorithm that doesn't multiply and add whole numbers.
        with torch.backends.cudnn.flags(enabled=False):
            total = F.conv2d(x, weight, self.weights[f"{name}.bias"] * ONE, padding=weight.shape[-1] // 2)
        return _shifted(total).clamp(-_LIMIT, _LIMIT)


def whole(values: Tensor) -> Tensor:
    """Trained values as the integers that a weights file holds."""
    return (values.double() * ONE).round().to(torch.int32)


def _shifted(values: Tensor) -> Tensor:
    return torch.floor(values * (1 / ONE) + 0.5)


def _pixels(samples: Tensor) -> Tensor:
    """Samples 0 to 255 as -0.5 to 0.5, to the nearest of 12 bits."""
    return torch.floor((samples.double() * (2 * ONE) + 255) / 510) - ONE // 2


def _halved(x: Tensor) -> Tensor:
    total = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
    return torch.floor((total + 2) / 4)
