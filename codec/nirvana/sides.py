"""Prediction of a frame from two sides, one coded frame before it and one after.

Both are moved along flows of their own, which are coded against what the flow between the two would be halfway. In each
block the prediction is the mean of both, or one of them where the other doesn't show what is there.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from codec.entropy import Coder
from codec.nirvana.flow import Ints

Flow = TypeVar("Flow", Tensor, Ints)

BOTH, LOW, HIGH = 0, 1, 2  # of a block
_RARE = 2.0  # bits that a block takes about, where it is not both
_ALIKE, _MIDDLE = 6, 11  # how much likelier a side is for each neighbour that has it, and both sides are anyway


def scaled(flow: Flow, part: int, whole: int) -> Flow:
    """A flow of whole numbers times part / whole, to the nearest: exact."""
    found: Flow = (2 * part * flow + whole) // (2 * whole)
    return found


def choose(now: Tensor, low: Tensor, high: Tensor, spacing: int, rate: float) -> Tensor:
    """Which side each block is best predicted from, [B, rows, columns]: of lumas [B, 1, H, W], 0 to 1.

    `rate`: the worth of a bit, as squared error summed over pixels.
    """
    more = (0, -now.shape[3] % spacing, 0, -now.shape[2] % spacing)
    squares = [F.avg_pool2d(F.pad(now - p, more) ** 2, spacing) for p in ((low + high) / 2, low, high)]
    price = _RARE * rate / spacing**2
    return torch.cat([squares[0], squares[1] + price, squares[2] + price], 1).argmin(1)


def shares(sides: Tensor, spacing: int, height: int, width: int) -> Tensor:
    """Halves of the prediction that come from below, [..., height, width]: 1, 2 or 0; `spacing` in those pixels."""
    part = 2 * (sides == LOW).to(sides.dtype) + (sides == BOTH).to(sides.dtype)
    return part.repeat_interleave(spacing, -2).repeat_interleave(spacing, -1)[..., :height, :width]


def blended(low: Tensor, high: Tensor, sides: Tensor, spacing: int) -> Tensor:
    """Frames [B, 6, h, w] at half size as one, in floats, for training; `sides` [B, rows, columns]."""
    part = shares(sides, spacing // 2, low.shape[2], low.shape[3])[:, None] / 2
    return low * part + high * (1 - part)


def code_sides(coder: Coder, sides: Ints | None, shape: tuple[int, int]) -> Ints:
    """Codes which sides blocks [rows, columns] take, or decodes it: along diagonals, by two neighbours."""
    rows, columns = shape
    found = np.full((rows + 1, columns + 1), BOTH, np.int32)
    for step in range(rows + columns - 1):
        row = np.arange(max(0, step - columns + 1), min(rows, step + 1))
        column = step - row
        counts = np.ones((len(row), 3), np.int64)
        counts[:, BOTH] += _MIDDLE
        for neighbour in (found[row + 1, column], found[row, column + 1]):
            counts[np.arange(len(row)), neighbour] += _ALIKE
        pmf = counts * 256 // counts.sum(1, keepdims=True)
        pmf[:, BOTH] += 256 - pmf.sum(1)
        wanted = None if sides is None else sides[row, column]
        found[row + 1, column + 1] = coder.code_pmfs(wanted, pmf, 8)
    return found[1:, 1:]
