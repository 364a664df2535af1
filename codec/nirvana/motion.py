"""Motion between two frames: found by block matching, to fractions of a pixel, and applied in integers.

A flow field is a grid of vectors, [B, 2, rows, columns] (x, then y), one for each block of `spacing` x `spacing` luma
pixels, in quarters of a pixel; in between it is interpolated. `warped` is exact on every machine, so that frames
predicted from frames stay equal everywhere; `moved` is its likeness in floats, for training.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

UNITS = 4  # of a flow's integers in a pixel
SPACINGS = (8, 16, 32)
_REACH = 10  # pixels that the first search goes, at the resolution of the coarsest level
_SMALL = 400  # the longer side of a picture that is searched whole
_PHASES = 16  # positions between two pixels that the integer interpolation knows
_TAPS_SUM = 128


def search(now: Tensor, before: Tensor, spacing: int, rate: float, last: Tensor | None = None) -> Tensor:
    """Flow from `now` to `before` (lumas [B, 1, H, W], 0 to 1), in pixels, to fractions of one.

    `rate`: the worth of a bit, as squared error summed over pixels. `last`: the flow of the frame before, which a
    block may keep cheaply.
    """
    if max(now.shape[2:]) > _SMALL:
        base = 2 * search(
            _half(now), _half(before), spacing, rate / 4, None if last is None else last[:, :, ::2, ::2] / 2
        )
        base = _stretched(base, grid(now, spacing))
        before, reach = _moved(before, _dense(base, spacing, now)), 2
    else:
        base, reach = torch.zeros(len(now), 2, *grid(now, spacing), device=now.device), _REACH
    offsets = [(x, y) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
    errors = _errors(now, before, spacing, reach)  # [B, K, rows, columns]
    vectors = torch.tensor(offsets, dtype=torch.float32, device=now.device)
    wide = F.avg_pool2d(F.pad(errors, (2, 2, 2, 2), "replicate"), 5, 1)
    price = rate / spacing**2
    flow = _best(wide, vectors, base, base if last is None else last, price)
    for _ in range(4):
        padded = F.pad(flow, (1, 1, 1, 1), "replicate")
        around = [padded[:, :, :-2, 1:-1], padded[:, :, 2:, 1:-1], padded[:, :, 1:-1, :-2], padded[:, :, 1:-1, 2:]]
        flow = _best(errors, vectors, base, torch.stack([*around, flow]).median(0).values, price)
    return flow + _fraction(errors, flow - base, reach)


def grid(luma: Tensor, spacing: int) -> tuple[int, int]:
    """Rows and columns of the flow of a picture."""
    return -(-luma.shape[2] // spacing), -(-luma.shape[3] // spacing)


def moved(frame: Tensor, flow: Tensor, spacing: int) -> Tensor:
    """Frame [B, 6, h, w] at half size, moved along a flow in quarters of a pixel in floats."""
    luma = F.pixel_shuffle(frame[:, :4], 2)
    dense = _dense(flow / UNITS, spacing, luma)
    chroma = F.avg_pool2d(dense, 2) / 2
    return torch.cat([F.pixel_unshuffle(_moved(luma, dense), 2), _moved(frame[:, 4:], chroma)], 1)


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


def _errors(now: Tensor, before: Tensor, spacing: int, reach: int) -> Tensor:
    """Mean squared differences for every whole offset, a block's own and its neighbours' in equal parts."""
    height, width = now.shape[2:]
    more = (0, -width % spacing, 0, -height % spacing)
    now = F.pad(now, more, "replicate")
    padded = F.pad(before, (reach, reach + more[1], reach, reach + more[3]), "replicate")
    high, wide = now.shape[2:]
    found = [
        F.avg_pool2d((padded[:, :, y : y + high, x : x + wide] - now) ** 2, spacing)
        for y in range(2 * reach + 1)
        for x in range(2 * reach + 1)
    ]
    errors = torch.cat(found, 1)
    return (errors + F.avg_pool2d(F.pad(errors, (1, 1, 1, 1), "replicate"), 3, 1)) / 2


def _best(errors: Tensor, vectors: Tensor, base: Tensor, expected: Tensor, price: float) -> Tensor:
    """For each block the vector of least error and bits, these reckoned from what is expected there."""
    far = (vectors[None, :, :, None, None] + (base - expected)[:, None]).abs()
    bits = 2 + 1.6 * torch.log2(1 + 4 * far).sum(2)
    return base + vectors[(errors + price * bits).argmin(1)].permute(0, 3, 1, 2)


def _fraction(errors: Tensor, flow: Tensor, reach: int) -> Tensor:
    """Where the parabola through the best offset and its neighbours is least, a direction at a time."""
    size = 2 * reach + 1
    x, y = flow[:, 0].round().long() + reach, flow[:, 1].round().long() + reach
    parts = []
    for at, stride in ((x, 1), (y, size)):
        middle = (y * size + x)[:, None]
        inside = (at > 0) & (at < size - 1)
        low, high = (errors.gather(1, (middle + d).clamp(0, size * size - 1))[:, 0] for d in (-stride, stride))
        centre = errors.gather(1, middle)[:, 0]
        bend = (low - 2 * centre + high).clamp_min(1e-12)
        parts.append(torch.where(inside, ((low - high) / (2 * bend)).clamp(-0.5, 0.5), torch.zeros_like(low)))
    return torch.stack(parts, 1)


def _half(luma: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(luma, (0, luma.shape[3] % 2, 0, luma.shape[2] % 2), "replicate"), 2)


def _stretched(flow: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(flow, size=size, mode="bilinear")


def _dense(flow: Tensor, spacing: int, luma: Tensor) -> Tensor:
    """A vector a pixel, [B, 2, H, W]."""
    whole = F.interpolate(flow, scale_factor=spacing, mode="bilinear")
    return whole[:, :, : luma.shape[2], : luma.shape[3]]


def _moved(planes: Tensor, dense: Tensor) -> Tensor:
    height, width = planes.shape[2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=planes.device) + 0.5, torch.arange(width, device=planes.device) + 0.5, indexing="ij"
    )
    where = torch.stack([(x + dense[:, 0]) * (2 / width) - 1, (y + dense[:, 1]) * (2 / height) - 1], -1)
    return F.grid_sample(planes, where, mode="bicubic", padding_mode="border", align_corners=False)
