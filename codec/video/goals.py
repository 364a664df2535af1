"""Which quality reaches a target: the whole clip is encoded at a few, until the right one is found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from codec.errors import CodecError
from codec.video.options import Target

_PASSES = 10
_NEAR_DB, _NEAR_SIZE = 0.03, 0.004  # what is as near as this to a target, and on the right side of it, will do

Trial = Callable[[float], tuple[float, float]]  # a quality -> bytes of the file, PSNR in dB


def search(target: Target, trial: Trial, pixels: int, steps: int) -> float:
    """The least quality of a PSNR that is at least the target's, or the highest of a file that is no larger than it.

    Qualities are multiples of 100 / `steps`. CodecError for a target that none reaches.
    """
    by_psnr = target.psnr is not None
    goal = target.psnr if target.psnr is not None else math.log(size_of(target, pixels))
    near = _NEAR_DB if by_psnr else _NEAR_SIZE

    def value(step: int) -> float:
        size, psnr = trial(100 * step / steps)
        return psnr if by_psnr else math.log(size)

    low, high = _end(value, 0), _end(value, steps)
    if by_psnr and high[1] < goal:
        raise CodecError(f"{goal:g} dB can't be had: the best is {high[1]:.2f} dB; ask for less")
    if not by_psnr and low[1] > goal:
        raise CodecError(f"it can't be so small: the least is {math.exp(low[1]):,.0f} bytes; ask for more")
    if by_psnr and low[1] >= goal:
        return 0.0
    if not by_psnr and high[1] <= goal:
        return 100.0
    for _ in range(_PASSES):
        right = high if by_psnr else low
        if high[0] - low[0] <= 1 or (abs(right[1] - goal) <= near and right[0] not in (0, steps)):
            break
        share = (goal - low[1]) / max(high[1] - low[1], 1e-9)
        step = min(max(low[0] + round((high[0] - low[0]) * share), low[0] + 1), high[0] - 1)
        found = step, value(step)
        # The other end stays where it is for long where the curve is bent; between both then.
        low, high = (low, found) if found[1] >= goal else (found, high)
    return 100 * (high if by_psnr else low)[0] / steps


def corrected(target: Target, alone: tuple[float, float], fitted: tuple[float, float], pixels: int) -> Target:
    """What a search without networks has to reach, by bytes and PSNR without them and with them."""
    if target.psnr is not None:
        return Target(psnr=target.psnr - (fitted[1] - alone[1]))
    return Target(size=size_of(target, pixels) * alone[0] / fitted[0])


def missed(target: Target, size: int, psnr: Sequence[float], frames: int, area: int) -> int:
    """1 if a file whose frames have these PSNRs needs a higher quality, -1 if it is too large for a target, else 0."""
    if target.psnr is not None:
        return int(len(psnr) == frames and sum(psnr) / frames < target.psnr)
    return 0 if target.quality is not None or size <= size_of(target, area * frames) else -1


def size_of(target: Target, pixels: int) -> float:
    """The bytes of a file that a target allows."""
    if target.size is not None:
        return target.size
    assert target.bpp is not None
    return target.bpp * pixels / 8


def _end(value: Callable[[int], float], step: int) -> tuple[int, float]:
    return step, value(step)
