"""The network in whole numbers: the same frames on every machine, whatever the order in which it sums.

Weights are multiples of 2^-20, activations of 2^-10 below 2^7, the Fourier operator's numbers of 2^-14 up to 2^8, waves
and codes of 2^-12. A row of weights is bounded (`ROW`), so no sum reaches 2^53 of its smallest unit: in float64 every
sum is exact. What comes out is rounded to these grids, and a division before a rounding is one of IEEE's. Curves are
tables; no entry is near a tie, so a machine's exponential needn't be exact. Products of matrices alone are used:
convolutions may be computed by transforms, which round.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from codec.models.pfnr import Floats

ROW = 2**10  # what the magnitudes of the weights that lead to one number must sum to less than
_BITS, _SPECTRUM_BITS, _OUT_BITS = 10, 14, 12  # of fractions
_TOP, _SPECTRUM_TOP = 2.0**7, 2.0**8
_SILU_END, _TANH_END = 16 << _BITS, 8 << _BITS  # from there on the curves are at their ends
_BAND = 2**26  # bytes of what a convolution multiplies at once


@lru_cache(maxsize=1)
def silu_table() -> np.ndarray:
    """max(z, 0) - SiLU(z), for z = 0, 2^-10, ...: the same for -z."""
    z = np.arange(_SILU_END) / (1 << _BITS)
    return np.rint(np.ldexp(z / (1 + np.exp(z)), _BITS)) / (1 << _BITS)


@lru_cache(maxsize=1)
def tanh_table() -> np.ndarray:
    """tanh(z) / 2 for z = 0, 2^-10, ..."""
    z = np.arange(_TANH_END + 1) / (1 << _BITS)
    return np.rint(np.ldexp(np.tanh(z), _OUT_BITS - 1)) / (1 << _OUT_BITS)


class Exact(Floats):
    """What a decoder computes with: float64 that holds whole multiples, activations between blocks in float32."""

    dtype = torch.float64

    def __init__(self, device: str) -> None:
        self._silu, self._tanh = (torch.from_numpy(table()).to(device) for table in (silu_table, tanh_table))

    def dense(self, x: Tensor, weight: Tensor) -> Tensor:
        """See Floats."""
        return _grid(torch.matmul(x.double(), weight.T).clamp_(min=0)).float()

    def block(self, x: Tensor, weight: Tensor, stride: int, more: Tensor | None) -> Tensor:
        """See Floats: one frame, in bands of rows, so that little is in memory as float64."""
        _, _, height, width = x.shape
        flat = weight.flatten(1)
        rows = max(_BAND // (8 * flat.shape[1] * width), 1)
        out = x.new_empty(1, len(flat) // stride**2, stride * height, stride * width)
        for top in range(0, height, rows):
            y = F.pixel_shuffle(_convolved(x[0], flat, top, min(top + rows, height))[None], stride)
            band = slice(stride * top, stride * top + y.shape[2])
            out[:, :, band] = self._curved(y if more is None else y + more[:, :, band]).float()
        return out

    def head(self, x: Tensor, weight: Tensor) -> Tensor:
        """See Floats: one frame."""
        _, channels, _, width = x.shape
        rows = max(_BAND // (8 * channels * width), 1)
        bands = []
        for part in x[0].split(rows, 1):
            z = torch.matmul(weight, part.double().flatten(1)).view(3, -1, width)
            bands.append(0.5 + z.sign() * self._tanh[_whole(z).abs().clamp(max=_TANH_END)])
        return torch.cat(bands, 1)[None]

    def spectrum(self, values: Tensor, divisor: int = 1) -> Tensor:
        """See Floats."""
        if divisor > 1:  # by a tensor: by a number it may be a product with the inverse
            values = values / torch.tensor(divisor, dtype=self.dtype, device=values.device)
        scale = 2.0**_SPECTRUM_BITS
        return values.mul(scale).round_().div_(scale).clamp_(-_SPECTRUM_TOP, _SPECTRUM_TOP)

    def _curved(self, y: Tensor) -> Tensor:
        whole = _whole(y)
        return whole.clamp(min=0) / 2.0**_BITS - self._silu[whole.abs().clamp(max=_SILU_END - 1)]


def _grid(values: Tensor) -> Tensor:
    """Rounded to multiples of 2^-10, and kept below 2^7."""
    return values.mul_(2.0**_BITS).round_().div_(2.0**_BITS).clamp_(-_TOP, _TOP)


def _whole(values: Tensor) -> Tensor:
    """The same, as integers."""
    return values.mul(2.0**_BITS).round_().clamp_(-_TOP * 2**_BITS, _TOP * 2**_BITS).long()


def _convolved(x: Tensor, weight: Tensor, top: int, bottom: int) -> Tensor:
    """Rows of the 3 x 3 convolution of [C, H, W] by weights [O, 9 C], zeros around it: [O, rows, W]."""
    channels, height, width = x.shape
    above, below = max(top - 1, 0), min(bottom + 1, height)
    part = F.pad(x[:, above:below].double(), (1, 1, above - top + 1, bottom + 1 - below))
    shifted = [part[:, y : y + bottom - top, x : x + width] for y in range(3) for x in range(3)]
    return torch.matmul(weight, torch.stack(shifted, 1).view(9 * channels, -1)).view(-1, bottom - top, width)
