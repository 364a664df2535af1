"""What is asked of an encoding, and what a video's tells on its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from codec.arguments import check_number
from codec.errors import CodecError

if TYPE_CHECKING:
    from codec.codecs.base import Earlier

EFFORTS = 9
DEFAULT_QUALITY = 50.0
VIDEO_EFFORT = 3


def _check_quality(quality: float | None) -> None:
    if quality is None:
        return
    check_number("quality", quality)
    if not 0 <= quality <= 100:
        raise CodecError(f"quality {quality!r} is out of range; give 0 to 100")


def _check_effort(effort: int | None) -> None:
    if effort is None:
        return
    check_number("effort", effort, whole=True)
    if not 1 <= effort <= EFFORTS:
        raise CodecError(f"effort {effort!r} is out of range; give 1 to {EFFORTS}")


@dataclass(frozen=True)
class ImageOptions:
    """How to encode a picture; None is the codec's default. A codec's descriptor says which it takes.

    `quality`: 0 to 100, higher is better. `effort`: 1 to 9. `tune`: for what measure. `verify`: decode and compare.
    `seconds`: to spend at most on tuning a network to the picture, at any effort unless one is given. `target`: what to
    reach in place of a quality.
    """

    quality: float | None = None
    effort: int | None = None
    tune: str | None = None
    verify: bool | None = None
    seconds: float | None = None
    target: Target | None = None

    def __post_init__(self) -> None:
        _check_quality(self.quality)
        if self.target is not None and not isinstance(self.target, Target):
            raise CodecError(f"{self.target!r} is no target; give one such as codec.Target(psnr=35)")
        if self.target is not None and self.quality is not None:
            raise CodecError("a quality and a target are two goals; choose one")
        _check_effort(self.effort)
        if self.seconds is not None:
            check_number("seconds", self.seconds)
            if not 0 < self.seconds < 10**9:
                raise CodecError(f"{self.seconds!r} seconds are no time to tune; give some, above 0")


@dataclass(frozen=True)
class Target:
    """What an encoding has to reach, one of: a `quality` (0 to 100); at least a `psnr` in dB (of pictures over all
    samples of colour, of videos 6:1:1, the mean over all frames) or, of pictures, an MS-SSIM `ssim` (0 to 1); at most a
    rate `bpp` in bits per pixel or a `size` in bytes, of the whole file."""

    quality: float | None = None
    psnr: float | None = None
    bpp: float | None = None
    size: float | None = None
    ssim: float | None = None

    def __post_init__(self) -> None:
        given = {name: value for name in vars(self) if (value := getattr(self, name)) is not None}
        if len(given) != 1:
            raise CodecError("a target is one of quality, psnr, ssim, bpp and size; give one")
        check_number(*next(iter(given.items())))
        _check_quality(self.quality)
        if self.ssim is not None and not 0 < self.ssim < 1:
            raise CodecError("an MS-SSIM lies between 0 and 1; give one such as 0.97")
        if not all(value is None or 0 < value < 1000 for value in (self.psnr, self.bpp)):
            raise CodecError("a target lies between 0 and 1000; give a PSNR in dB or a rate in bits per pixel")
        if self.size is not None and not 0 < self.size < 2**50:
            raise CodecError("a size lies between 1 byte and a thousand terabytes; give one such as 500k or 20M")


@dataclass(frozen=True)
class VideoOptions:
    """How to encode a video. `seconds`: to spend on fitting `frames` frames in all, instead of what an effort allows.
    `threads`: that a chain may use; bytes don't depend on it. `preset` and `base`: a codec's own choices by name.
    `weights`: a file of them, in place of the default. `earlier`: sessions of an archive to code against."""

    target: Target = field(default_factory=lambda: Target(quality=DEFAULT_QUALITY))
    effort: int = VIDEO_EFFORT
    seconds: float | None = None
    frames: int = 0
    threads: int = 1
    preset: str | None = None
    base: str | None = None
    weights: Path | None = None
    earlier: Earlier | None = None

    def __post_init__(self) -> None:
        _check_effort(self.effort)
        if self.target.ssim is not None:
            raise CodecError("a video has no target of MS-SSIM; give a PSNR, a rate or a size")


@dataclass(frozen=True)
class VideoProgress:
    """Where an encoding is: `frames` more are done in a `stage` ("search", "base", "fit"); their mean PSNR (YCbCr
    6:1:1, dB) and bits per pixel. `late`: the time for fitting was over before anything was found for them.
    `share`: how much of the stage's work was done since the last time, in frames; None: just these."""

    stage: str
    frames: int
    psnr: float
    bpp: float
    late: bool = False
    share: float | None = None

    @property
    def work(self) -> float:
        """What was done since the last time, in frames."""
        return self.frames if self.share is None else self.share
