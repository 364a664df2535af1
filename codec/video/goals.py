"""Which quality reaches a target: the whole clip is encoded at a few, until the right one is found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from codec.codecs.options import Target
from codec.errors import CodecError

_PASSES = 10
_NEAR_DB, _NEAR_SIZE = 0.03, 0.005  # what is as near as this to a target, and on the right side of it, will do
_STEP_DB, _STEP_SIZE = 0.1, 0.014  # what a step brings about, before more is known: dB, and of the logarithm of a size

Trial = Callable[[float], tuple[float, float]]  # a quality -> bytes of the file, PSNR in dB


def search(target: Target, trial: Trial, pixels: int, steps: int, start: float = 50.0) -> float:
    """The least quality of a PSNR that is at least the target's, or the highest of a file that is no larger than it.

    Qualities are multiples of 100 / `steps`; `start` is tried first, then where the last two lead. Of a target that
    none reaches it is the nearest.
    """
    by_psnr = target.psnr is not None
    goal = target.psnr if target.psnr is not None else math.log(size_of(target, pixels))
    near, slope = (_NEAR_DB, _STEP_DB) if by_psnr else (_NEAR_SIZE, _STEP_SIZE)
    found: dict[int, float] = {}
    low, high = -1, steps + 1  # steps that are below the goal, and at it or above, as far as is known
    step = round(start * steps / 100)
    while True:
        size, psnr = trial(100 * step / steps)
        found[step] = psnr if by_psnr else math.log(size)
        low, high = (low, step) if found[step] >= goal else (step, high)
        right = high if by_psnr else low
        close = right in found and abs(found[right] - goal) <= near
        if high - low == 1 or close or len(found) >= _PASSES:
            break
        if low in found and high in found:
            slope = max((found[high] - found[low]) / (high - low), 1e-6)
        at = min((n for n in (low, high) if n in found), key=lambda n: abs(found[n] - goal))
        # A little to the right side, which has to be found at last.
        aim = at + (goal - found[at]) / slope + (0.5 if by_psnr else -0.5)
        step = min(max(round(aim), low + 1, 0), high - 1, steps)
    return 100 * min(max(right, 0), steps) / steps


def check(target: Target, quality: float, size: float, psnr: float, pixels: int) -> None:
    """CodecError if a target is beyond the last quality, which has this size and PSNR."""
    if target.psnr is not None and quality == 100 and psnr < target.psnr:
        raise CodecError(f"{target.psnr:g} dB can't be had: the best is {psnr:.2f} dB; ask for less")
    if target.psnr is None and quality == 0 and size > size_of(target, pixels):
        raise CodecError(f"it can't be so small: the least is {size:,.0f} bytes; ask for more")


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
