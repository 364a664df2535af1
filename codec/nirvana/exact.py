"""The decoder of models/nirvana_grid.py in whole numbers: the same frame on every machine, from the same latents.

Every value is an integer with 12 bits below the point, carried in float64; weights have 12 such bits too. Features are
kept within 2^20, so a convolution's sum stays below 2^53 and is exact in whatever order it is added (`check`). Hence
frames can be predicted from frames without drift, and the network may say what the coder's tables are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from codec.entropy import Coder, Tables
from codec.errors import FormatError
from codec.models.nirvana_grid import (
    CHANNELS,
    FRACTION,
    HIGH,
    LATENTS,
    LEVELS,
    LOW,
    SCALE_STEPS,
    anchors,
    doubled,
    sizes,
)

ONE = 1 << FRACTION
_LIMIT = float(1 << 20)  # of features
_TOP = (HIGH - LOW) * SCALE_STEPS  # the last of the coder's tables

Weights = Mapping[str, Tensor]


class Network:
    """One decoder: `weights` by their names in models.nirvana_grid.Decoder, whole numbers in float64.

    `tables`: Gaussians of scales 2^(LOW + i / SCALE_STEPS). FormatError for weights whose sums could be inexact.
    """

    def __init__(self, weights: Weights, tables: Tables, inter: bool, device: torch.device) -> None:
        self.weights = {name: w.to(device, torch.float64) for name, w in weights.items()}
        self.tables, self.inter, self.device = tables, inter, device
        for name, w in self.weights.items():
            if w.dim() == 4 and float(w.abs().sum((1, 2, 3)).max()) * _LIMIT + 2.0**50 > 2.0**53:
                raise FormatError(f"the weights' {name} are too large for exact sums; install them again")
        if len(tables) != _TOP + 1:
            raise FormatError(f"the weights have {len(tables)} tables, not {_TOP + 1}; install them again")

    @torch.inference_mode()
    def code(
        self, coder: Coder, latents: Sequence[Tensor] | None, prediction: Tensor, steps: Sequence[Tensor]
    ) -> Tensor:
        """Codes a frame, in both directions: `latents` by level [C, h, w], in units of their steps, or None.

        `prediction`: samples [6, h, w] (int32, 0 to 255). `steps` by level [C, 1, 1], whole numbers. Returns the
        frame, int32 [6, h, w], 0 to 255.
        """
        shapes = sizes(prediction.shape[1], prediction.shape[2])
        seen = [_pixels(prediction)[None]]
        for _ in range(LEVELS - 1):
            seen.append(_halved(seen[-1]))
        x: Tensor | None = None
        for level in reversed(range(LEVELS)):
            parts = ([] if x is None else [doubled(x, shapes[level])]) + ([seen[level]] if self.inter else [])
            entering = torch.cat(parts, 1) if parts else torch.zeros(1, 1, *shapes[level]).to(seen[0])
            h = self._conv(f"entry.{level}", entering).clamp(0, _LIMIT)
            first = anchors(*shapes[level]).to(self.device, torch.bool)
            wanted = None if latents is None else latents[level]
            y_hat = torch.zeros(LATENTS[level], *shapes[level], dtype=torch.float64, device=self.device)
            self._cells(coder, wanted, y_hat, self._conv(f"params.{level}", h)[0], first)
            context = (h + self._conv(f"context.{level}", y_hat[None])).clamp(0, _LIMIT)
            self._cells(coder, wanted, y_hat, self._conv(f"params.{level}", context)[0], ~first)
            scaled = _shifted(y_hat * steps[level].to(y_hat)).clamp(-_LIMIT, _LIMIT)
            x = self._conv(f"exit.{level}", torch.cat([h, scaled[None]], 1)).clamp(0, _LIMIT)
        assert x is not None
        change = _shifted(self._conv("out", x)[0] * 255)
        return (prediction + change.to(torch.int32)).clamp(0, 255)

    def _cells(self, coder: Coder, wanted: Tensor | None, y_hat: Tensor, params: Tensor, where: Tensor) -> None:
        """Codes the latents of some cells and writes them into `y_hat`."""
        mu, log_scale = (p[:, where] for p in params.chunk(2))
        index = torch.floor((log_scale - LOW * ONE) * (SCALE_STEPS / ONE) + 0.5).clamp(0, _TOP)
        symbols = None
        if wanted is not None:
            # Beyond this nothing is gained, and everything stays within the bounds of `check`.
            at = (wanted[:, where].to(mu) - mu / ONE).round().clamp(-4096, 4096)
            symbols = at.to("cpu", torch.int32).numpy()
        coded = coder.code(symbols, index.to("cpu", torch.int32).numpy(), self.tables)
        found = torch.from_numpy(np.ascontiguousarray(coded)).to(mu) * ONE + mu
        y_hat[:, where] = found.clamp(-_LIMIT, _LIMIT)

    def _conv(self, name: str, x: Tensor) -> Tensor:
        weight = self.weights[f"{name}.weight"]
        # Not by cuDNN, which might choose an algorithm that doesn't multiply and add whole numbers.
        with torch.backends.cudnn.flags(enabled=False):
            total = F.conv2d(x, weight, self.weights[f"{name}.bias"] * ONE, padding=weight.shape[-1] // 2)
        return _shifted(total).clamp(-_LIMIT, _LIMIT)


def whole(weight: Tensor) -> Tensor:
    """A trained tensor as the integers that a weights file holds."""
    return (weight.double() * ONE).round().to(torch.int32)


def _shifted(values: Tensor) -> Tensor:
    return torch.floor(values * (1 / ONE) + 0.5)


def _pixels(samples: Tensor) -> Tensor:
    """Samples 0 to 255 as -0.5 to 0.5, to the nearest of 12 bits."""
    return torch.floor((samples.double() * (2 * ONE) + 255) / 510) - ONE // 2


def _halved(x: Tensor) -> Tensor:
    padded = F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2), "replicate")
    total = padded[:, :, ::2, ::2] + padded[:, :, 1::2, ::2] + padded[:, :, ::2, 1::2] + padded[:, :, 1::2, 1::2]
    return torch.floor((total + 2) / 4)


assert CHANNELS == 6
