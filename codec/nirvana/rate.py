"""Which quality a group gets: the one asked for, or the one that reaches a PSNR or a rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codec.errors import CodecError

QUALITY_STEPS = 2  # a quality is stored in halves
_TOP = 100 * QUALITY_STEPS
_FINE = 2  # stored steps to which a quality is searched

Trial = Callable[[int], tuple[float, float]]  # a stored quality -> PSNR in dB and bits per pixel


@dataclass(frozen=True)
class Target:
    """One of three: a `quality` (0 to 100), a `psnr` in dB, or a rate `bpp` in bits per pixel."""

    quality: float | None = None
    psnr: float | None = None
    bpp: float | None = None

    def __post_init__(self) -> None:
        if sum(value is not None for value in (self.quality, self.psnr, self.bpp)) != 1:
            raise CodecError("give one of quality, target_psnr and target_bpp")
        if self.quality is not None and not 0 <= self.quality <= 100:
            raise CodecError(f"quality {self.quality:g} is out of range; give 0 to 100")
        if not all(value is None or 0 < value < 1000 for value in (self.psnr, self.bpp)):
            raise CodecError("a target must be above 0; give --target-psnr in dB or --target-bpp in bits per pixel")


class Control:
    """Chooses group after group: by quick trials without fitting, and by what fitting brought the group before.

    What a group takes less or more than its share of the rate passes to the next ones.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._tried = 0.0, 0.0
        self._gain = 0.0  # dB that a fit brings over its trial
        self._ratio = 1.0  # of a fit's rate to its trial's
        self._left = 0.0  # bits per pixel, times frames, that earlier groups didn't take

    def choose(self, frames: int, trial: Trial) -> int:
        """The stored quality of a group of `frames`."""
        if self.target.quality is not None:
            return round(self.target.quality * QUALITY_STEPS)
        if self.target.psnr is not None:
            wanted = self.target.psnr
            return self._least(trial, lambda psnr, bpp: psnr + self._gain >= wanted, 0)
        assert self.target.bpp is not None
        share = max(self.target.bpp + self._left / frames, self.target.bpp / 4)
        return self._least(trial, lambda psnr, bpp: bpp * self._ratio > share, _FINE)

    def took(self, frames: int, psnr: float, bpp: float) -> None:
        """What the group chosen last came to."""
        self.passed(frames, bpp)
        if self.target.quality is None and self._tried[1]:
            self._gain, self._ratio = psnr - self._tried[0], bpp / self._tried[1]

    def passed(self, frames: int, bpp: float) -> None:
        """What a group came to that was coded before an interruption."""
        if self.target.bpp is not None:
            self._left += (self.target.bpp - bpp) * frames

    def _least(self, trial: Trial, enough: Callable[[float, float], bool], below: int) -> int:
        """The least quality that is enough, to two stored steps, less `below`; the highest if none is."""
        low, high, tried = 0, _TOP, dict[int, tuple[float, float]]()
        while high - low > _FINE:
            middle = (low + high) // 2
            tried[middle] = trial(middle)
            low, high = (low, middle) if enough(*tried[middle]) else (middle, high)
        chosen = max(high - below, 0)
        self._tried = tried[min(tried, key=lambda quality: abs(quality - chosen))]
        return chosen
