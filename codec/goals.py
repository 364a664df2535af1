"""Which quality reaches a target: all of a picture or clip is encoded at a few, until the right one is found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from codec.codecs.curve import Curve
from codec.codecs.options import Target
from codec.errors import CodecError
from codec.metrics.structure import decibels

Trial = Callable[[float], tuple[float, float]]  # a quality -> bytes of the file, dB of PSNR or of what else is asked


_EQUAL_DB = 60.0  # above what is asked for, as far as a search is concerned


class Pace(NamedTuple):
    """How a search goes: encodings at most; the distance at which what is on the right side of a target will do, in dB
    and in logarithms of a size; what is known beforehand of PSNR, or what else is asked in dB, and of the size."""

    passes: int
    near_db: float
    near_size: float
    likeness: Curve
    size: Curve


def video_pace(steps: int) -> Pace:
    """Of videos: all by experience, a step brings 0.1 dB and 1.4 % of the size."""
    ends = (0.0, 100.0)
    return Pace(10, 0.03, 0.005, Curve(ends, (0.0, 0.1 * steps)), Curve(ends, (0.0, 0.014 * steps)))


def search(target: Target, trial: Trial, pixels: int, steps: int, pace: Pace, start: float = 50.0) -> float:
    """The least quality of a likeness that is at least the target's, or the highest of a file no larger than it.

    Qualities are multiples of 100 / `steps`; `start` is tried first, then where the nearest two of those tried lead. Of
    a target that none reaches it is the nearest; it has been tried, unless all that were lie on the wrong side.
    """
    sized = of_size(target)
    goal = math.log(size_of(target, pixels)) if sized else likeness_of(target)
    near, curve, side = (pace.near_size, pace.size, -1) if sized else (pace.near_db, pace.likeness, 1)
    half_step = (curve.value(100) - curve.value(0)) / steps / 2
    found: dict[int, float] = {}
    low, high = -1, steps + 1  # steps that are below the goal, and at it or above, as far as is known
    step, slope = round(start * steps / 100), 1.0
    while True:
        size, likeness = trial(100 * step / steps)
        # A file of no bytes (none could be made) and the likeness of equal pictures have no place on a curve.
        found[step] = math.log(max(size, 1)) if sized else min(likeness, goal + _EQUAL_DB)
        low, high = (low, step) if found[step] >= goal else (step, high)
        right = low if sized else high
        close = right in found and abs(found[right] - goal) <= near
        if high - low == 1 or close or len(found) >= pace.passes:
            return 100 * min(max(right, 0), steps) / steps
        at, *others = sorted(found, key=lambda n: abs(found[n] - goal))
        if others:
            expected = curve.value(100 * at / steps) - curve.value(100 * others[0] / steps)
            slope = max((found[at] - found[others[0]]) / expected, 0.1)
        # A little to the right side, which has to be found at last.
        beyond = max(near / 2, half_step * slope)
        if len(found) == pace.passes - 1 and right not in found:
            beyond *= 4
        wanted = curve.value(100 * at / steps) + (goal + side * beyond - found[at]) / slope
        step = min(max(round(curve.quality(wanted) * steps / 100), low + 1, 0), high - 1, steps)


def check(target: Target, quality: float, size: float, likeness: float, pixels: int, preview: int = 0) -> None:
    """CodecError if a target is beyond the last quality, which has this size, a `preview` of so many bytes in it, and
    this likeness in dB."""
    if of_size(target):
        if quality == 0 and size > size_of(target, pixels):
            beside = f", {preview:,} of them the preview" if preview else ""
            raise CodecError(f"it can't be so small: the least is {size:,.0f} bytes{beside}; ask for more")
    elif quality == 100 and likeness < likeness_of(target):
        if target.ssim is None:
            raise CodecError(f"{target.psnr:g} dB can't be had: the best is {likeness:.2f} dB; ask for less")
        best = 1 - 10 ** (-likeness / 10)
        raise CodecError(f"an MS-SSIM of {target.ssim:g} can't be had: the best is {best:.5f}; ask for less")


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


def of_size(target: Target) -> bool:
    """Whether a target is a size, or a rate."""
    return target.size is not None or target.bpp is not None


def size_of(target: Target, pixels: int) -> float:
    """The bytes of a file that a target allows."""
    if target.size is not None:
        return target.size
    assert target.bpp is not None
    return target.bpp * pixels / 8


def likeness_of(target: Target) -> float:
    """What a target asks for in dB."""
    if target.psnr is not None:
        return target.psnr
    assert target.ssim is not None
    return decibels(target.ssim)
