"""Motion between two frames, found: block matching first, then better and better vectors. Only encoders search.

    whole pixels, by block matching, from coarse to fine
    -> `merge`: vectors of neighbours and steps of less and less, a block at a time
    -> `polish`: the same once more, by what the field as it will be interpolated makes of the frame

What is lowered is always the squared error and the bits of the vectors, these reckoned from the neighbours'.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from codec.nirvana.motion import UNITS, dense, grid, resampled

_REACH = 10  # pixels that block matching goes, at the resolution of the coarsest level
_NEAR = 3  # pixels about a flow that is nearly right
_SMALL = 400  # the longer side of a picture that is searched whole
_MERGE = (24, 12, 6, 3, 1, 24, 12, 6, 3, 1)  # steps that are tried, in quarters of a pixel
_POLISH = (4, 2, 1)
_OTHER = 2.0  # bits for each doubling of a component's distance from the neighbours'
_SUPPORT = ((0.25, 0.5, 0.25), (0.5, 1.0, 0.5), (0.25, 0.5, 0.25))  # of a vector, interpolated, in blocks around it


def search(
    now: Tensor,
    before: Tensor,
    spacing: int,
    rate: float,
    last: Tensor | None = None,
    near: bool = False,
    small: int = _SMALL,
) -> Tensor:
    """Flow [B, 2, rows, columns] from `now` to `before` (lumas [B, 1, H, W], 0 to 1), in quarters of a pixel.

    `rate`: the worth of a bit, as squared error summed over pixels. `last`: a flow that a block may keep cheaply; with
    `near` only what is close to it is searched. `small`: the longer side of a picture that is searched whole.
    """
    last = None if last is None else last / UNITS
    return (_matched(now, before, spacing, rate / spacing**2, last, near, small) * UNITS).round()


def merge(
    now: Tensor,
    before: Tensor,
    flow: Tensor,
    spacing: int,
    rate: float,
    last: Tensor | None,
    steps: Sequence[int] = _MERGE,
) -> Tensor:
    """A better flow. Each block by itself, as if its vector held for all of it and no further; `steps`: to try."""
    height, width = now.shape[2:]
    price = rate / spacing**2
    for step in steps:
        middle, candidates = _candidates(flow, last, step)
        losses = []
        for vectors in candidates:
            flat = vectors.repeat_interleave(spacing, 2).repeat_interleave(spacing, 3)[:, :, :height, :width]
            # The quick interpolation is as good here.
            losses.append(_squares(now, before, flat, spacing, "bilinear")[:, 0] + price * _bits(vectors, middle))
        best = torch.stack(losses).argmin(0)[None, :, None]
        flow = torch.stack(candidates).gather(0, best.expand(1, -1, 2, -1, -1))[0]
    return flow


def polish(now: Tensor, before: Tensor, flow: Tensor, spacing: int, rate: float, last: Tensor | None) -> Tensor:
    """A better flow still: blocks that don't touch at a time, by the error around each in the interpolated field."""
    support = now.new_tensor(_SUPPORT)[None, None]
    price = rate / spacing**2
    row, column = (torch.arange(n, device=now.device) % 2 for n in flow.shape[2:])

    def around(field: Tensor) -> Tensor:
        squares = _squares(now, before, dense(field, spacing, now), spacing)
        return F.conv2d(F.pad(squares, (1, 1, 1, 1)), support)[:, 0]

    for step in _POLISH:
        for turn in range(4):
            own = (2 * row[:, None] + column == turn)[None, None]
            middle, candidates = _candidates(flow, last, step)
            best = flow
            least = around(flow) + price * _bits(flow, middle)
            for vectors in candidates[1:]:
                loss = around(torch.where(own, vectors, flow)) + price * _bits(vectors, middle)
                better = (loss < least)[:, None] & own
                best = torch.where(better, vectors, best)
                least = torch.where(better[:, 0], loss, least)
            flow = best
    return flow


def _matched(
    now: Tensor, before: Tensor, spacing: int, price: float, last: Tensor | None, near: bool, small: int
) -> Tensor:
    """In pixels, to fractions of one."""
    if near and last is not None:
        base = last
        before, reach = resampled(before, dense(base, spacing, now)), _NEAR
    elif max(now.shape[2:]) > small:
        half = None if last is None else last[:, :, ::2, ::2] / 2
        base = 2 * _matched(_halved(now), _halved(before), spacing, price / 4, half, False, small)
        base = F.interpolate(base, size=grid(now.shape[2:], spacing), mode="bilinear")
        before, reach = resampled(before, dense(base, spacing, now)), 2
    else:
        base, reach = torch.zeros(len(now), 2, *grid(now.shape[2:], spacing), device=now.device), _REACH
    offsets = [(x, y) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
    errors = _errors(now, before, spacing, reach)  # [B, K, rows, columns]
    vectors = torch.tensor(offsets, dtype=torch.float32, device=now.device)
    wide = F.avg_pool2d(F.pad(errors, (2, 2, 2, 2), "replicate"), 5, 1)
    flow = _best(wide, vectors, base, base if last is None else last, price)
    for _ in range(4):
        flow = _best(errors, vectors, base, torch.stack([*_around(flow), flow]).median(0).values, price)
    return flow + _fraction(errors, flow - base, reach)


def _candidates(flow: Tensor, last: Tensor | None, step: int) -> tuple[Tensor, list[Tensor]]:
    """The median of the vectors around each, and what it may become: first of all itself."""
    around = _around(flow)
    middle = torch.stack([*around, flow if last is None else last]).median(0).values
    steps = [flow + flow.new_tensor(d).view(1, 2, 1, 1) * step for d in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    return middle, [flow, middle, *around, *([] if last is None else [last]), *steps]


def _around(flow: Tensor) -> list[Tensor]:
    """The neighbours' vectors."""
    padded = F.pad(flow, (1, 1, 1, 1), "replicate")
    return [padded[:, :, :-2, 1:-1], padded[:, :, 2:, 1:-1], padded[:, :, 1:-1, :-2], padded[:, :, 1:-1, 2:]]


def _bits(vectors: Tensor, expected: Tensor) -> Tensor:
    return _OTHER * torch.log2(1 + (vectors - expected).abs()).sum(1)


def _squares(now: Tensor, before: Tensor, vectors: Tensor, spacing: int, mode: str = "bicubic") -> Tensor:
    """Mean squared error of each block, [B, 1, rows, columns]; what is missing of the last ones counts as nothing."""
    squares = (resampled(before, vectors / UNITS, mode) - now) ** 2
    return F.avg_pool2d(F.pad(squares, (0, -now.shape[3] % spacing, 0, -now.shape[2] % spacing)), spacing)


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


def _halved(luma: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(luma, (0, luma.shape[3] % 2, 0, luma.shape[2] % 2), "replicate"), 2)
