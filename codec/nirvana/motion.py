"""Motion between two frames, applied: in whole numbers, and in floats for searches and training.

A flow field is a grid of vectors, [B, 2, rows, columns] (x, then y), one for each block of `spacing` x `spacing` luma
pixels, in quarters of a pixel; in between it is interpolated. `warped` is exact on every machine, so that frames
predicted from frames stay equal everywhere; `moved` is its likeness in floats.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

UNITS = 4  # of a flow's integers in a pixel
SPACINGS = (8, 16, 32)
_PHASES = 16  # positions between two pixels that the integer interpolation knows
_TAPS_SUM = 128


def grid(sides: Sequence[int], spacing: int) -> tuple[int, int]:
    """Rows and columns of the flow of a picture whose luma has these two sides."""
    height, width = sides
    return -(-height // spacing), -(-width // spacing)


def luma(frame: Tensor) -> Tensor:
    """The luma [B, 1, 2 h, 2 w] of frames [B, 6, h, w]."""
    return F.pixel_shuffle(frame[:, :4], 2)


def moved(frame: Tensor, flow: Tensor, spacing: int) -> Tensor:
    """Frame [B, 6, h, w] at half size, moved along a flow in quarters of a pixel in floats."""
    whole = luma(frame)
    vectors = dense(flow / UNITS, spacing, whole)
    chroma = F.avg_pool2d(vectors, 2) / 2
    return torch.cat([F.pixel_unshuffle(resampled(whole, vectors), 2), resampled(frame[:, 4:], chroma)], 1)


def warped(planes: Tensor, flow: Tensor, spacing: int, half: bool) -> Tensor:
    """Samples [C, H, W] (int32, 0 to 255) moved along a flow [2, rows, columns] (int32): exact, int32.

    `half`: the planes are chroma, at half the luma's size that the flow is for.
    """
    height, width = planes.shape[1:]
    step = spacing // 2 if half else spacing
    # Linear in between the blocks' centres, in units of 1 / (2 step) a direction: all sums are whole.
    rows, row_part = _between(height, step, flow.shape[1], planes.device)
    columns, column_part = _between(width, step, flow.shape[2], planes.device)
    top, bottom = flow[:, rows[0]], flow[:, rows[1]]
    across = [(2 * step - column_part) * f[:, :, columns[0]] + column_part * f[:, :, columns[1]] for f in (top, bottom)]
    fine = (2 * step - row_part[:, None]) * across[0] + row_part[:, None] * across[1]  # 4 step^2 times the flow
    unit = 4 * step * step * UNITS * (2 if half else 1) // _PHASES  # of 1/16 of a pixel
    fine = torch.div(fine + unit // 2, unit, rounding_mode="floor")
    return _sampled(planes, fine[0], fine[1])


def _sampled(planes: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Four taps a direction at positions of 1/16 of a pixel."""
    height, width = planes.shape[1:]
    flat = planes.reshape(len(planes), -1)
    taps = torch.tensor(_TAPS, dtype=torch.int32, device=planes.device)
    row = torch.arange(height, device=planes.device)[:, None] + (y >> 4)
    column = torch.arange(width, device=planes.device) + (x >> 4)
    by, bx = taps[y & 15], taps[x & 15]  # [H, W, 4]
    total = torch.zeros_like(planes)
    for i in range(4):
        line = (row + (i - 1)).clamp(0, height - 1) * width
        part = torch.zeros_like(planes)
        for j in range(4):
            part += flat[:, line + (column + (j - 1)).clamp(0, width - 1)] * bx[..., j]
        total += part * by[..., i]
    return ((total + _TAPS_SUM**2 // 2) >> 14).clamp(0, 255)


def _between(length: int, step: int, count: int, device: torch.device) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """For each pixel the blocks whose centres it lies between, and how far, in units of 1 / (2 step)."""
    place = 2 * torch.arange(length, device=device) + 1 - step
    low = torch.div(place, 2 * step, rounding_mode="floor")
    part = (place - low * 2 * step).to(torch.int32)
    return (low.clamp(0, count - 1), (low + 1).clamp(0, count - 1)), part


def _cubic(phase: int) -> tuple[int, ...]:
    """Keys' taps with a = -3/4, in units of 1/128."""
    t, a = phase / _PHASES, -0.75
    near = [((a + 2) * d - (a + 3)) * d * d + 1 for d in (t, 1 - t)]
    far = [((a * d - 5 * a) * d + 8 * a) * d - 4 * a for d in (1 + t, 2 - t)]
    taps = [round(v * _TAPS_SUM) for v in (far[0], *near, far[1])]
    taps[1 if t <= 0.5 else 2] += _TAPS_SUM - sum(taps)
    return tuple(taps)


_TAPS = [_cubic(phase) for phase in range(_PHASES)]


def dense(flow: Tensor, spacing: int, like: Tensor) -> Tensor:
    """A vector for each pixel of a luma, [B, 2, H, W]."""
    whole = F.interpolate(flow, scale_factor=spacing, mode="bilinear")
    return whole[:, :, : like.shape[2], : like.shape[3]]


def resampled(planes: Tensor, vectors: Tensor, mode: str = "bicubic") -> Tensor:
    """Planes [B, C, H, W] at places moved by vectors [B, 2, H, W], in pixels."""
    height, width = planes.shape[2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=planes.device) + 0.5, torch.arange(width, device=planes.device) + 0.5, indexing="ij"
    )
    where = torch.stack([(x + vectors[:, 0]) * (2 / width) - 1, (y + vectors[:, 1]) * (2 / height) - 1], -1)
    return F.grid_sample(planes, where, mode=mode, padding_mode="border", align_corners=False)
