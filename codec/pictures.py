"""Pictures to the bytes of files: at a quality or for a target, and decoded again where that is asked.

Of a target the file's own size decides, with all that is in it, or the picture that a decoder makes of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from codec import container, goals
from codec.codecs.base import Coded, ImageCodec, ImageMedia, LossyImages, Progress, Trials, Typical
from codec.codecs.curve import Curve
from codec.codecs.options import DEFAULT_QUALITY, ImageOptions, Target
from codec.container import Limits
from codec.errors import CodecError
from codec.media import Info
from codec.metrics.samples import psnr
from codec.metrics.structure import MS_SSIM_SIDE, decibels, ms_ssim

ENCODINGS = 5  # of a picture for a target, at most
NEAR_DB, NEAR_SIZE = 0.1, 0.02  # how far from a target, on its right side, will do: dB, and a share of a size
_BESIDE = 100  # bytes of a file beside units and metadata, about
_PARTS = 1000  # that progress has of each encoding


class Encoded(NamedTuple):
    """The bytes of a file; what was found out of it: `psnr` (dB, inf if it is equal), `ms_ssim` (None if it is small),
    and for a target how many `encodings` it took; and what has to be said."""

    data: bytes
    reached: dict[str, Any]
    notes: Sequence[str] = ()


def encode(
    images: ImageMedia, opened: ImageCodec, info: Info, frames: Iterable[NDArray[Any]], options: ImageOptions,
    limits: Limits, progress: Progress | None = None,
) -> Encoded:  # fmt: skip
    """A picture as a file, by a codec that is opened. CodecError for a target that can't be had."""
    target = options.target
    if images.typical is None or (target is None and not options.verify):
        header, units = opened.encode(info, frames, options, progress)
        return Encoded(container.to_bytes(header, units, limits), {})
    (frame,) = frames
    lossy = cast(LossyImages, opened)
    trials = lossy.trials(info, frame, options)
    if target is None or target.quality is not None:
        quality = options.quality if target is None else target.quality
        quality = DEFAULT_QUALITY if quality is None else quality
        coded = trials(quality, progress=progress)
        made = _Made(coded, container.to_bytes(coded.header, coded.units, limits), quality)
        reached, notes = dict[str, Any](), list[str]()
    else:
        search = _Search(target, trials, frame, info, limits, progress)
        made = search.run(images.typical, lossy.steps, (options.effort or 1) > 1)
        reached, notes = {"encodings": search.encodings}, search.notes(made)
    peak = (1 << info.depth) - 1
    if options.verify:
        _compare(opened, made, peak, limits)
    if options.verify or (target and target.psnr is not None):
        reached["psnr"] = psnr(frame, made.coded.frame(), peak)
    if options.verify or (target and target.ssim is not None):
        reached["ms_ssim"] = ms_ssim(frame, made.coded.frame(), peak)
    return Encoded(made.data, reached, notes)


class _Made(NamedTuple):
    """An encoding. `likeness`: dB of what a target names, of one of size 0."""

    coded: Coded
    data: bytes
    quality: float
    likeness: float = 0.0


@dataclass
class _Search:
    """The encodings of a picture for a target."""

    target: Target
    trials: Trials
    frame: NDArray[Any]
    info: Info
    limits: Limits
    progress: Progress | None
    encodings: int = 0
    _best: _Made | None = field(default=None, init=False)

    def run(self, typical: Typical, steps: int, slow: bool) -> _Made:
        """The best of them. `slow`: a quicker effort has the first look."""
        if self.target.ssim is not None and min(self.frame.shape[:2]) < MS_SSIM_SIDE:
            shape = f"{self.frame.shape[1]} x {self.frame.shape[0]}"
            raise CodecError(f"it is {shape}, and MS-SSIM needs {MS_SSIM_SIDE} pixels a side; give another target")
        pace = self._pace(typical)
        if goals.of_size(self.target):
            start = pace.size.quality(math.log(self._allowed))
        else:
            start = pace.likeness.quality(goals.likeness_of(self.target))
        start = min(max(start, 0.0), 100.0)
        if slow:
            start = goals.search(self.target, lambda q: self._trial(q, True), self._pixels, steps, pace, start)
            self.encodings, self._best = 0, None
        quality = goals.search(self.target, lambda q: self._trial(q, False), self._pixels, steps, pace, start)
        if self._best is None:  # all that were made are on the wrong side
            size, likeness = self._trial(quality, False)
            preview = len(self.info.metadata.get("preview", b""))
            goals.check(self.target, quality, size, likeness, self._pixels, preview)
            raise CodecError("the target can't be had; ask for a little less")
        if self.progress:
            self.progress(1, 1)
        return self._best

    def notes(self, made: _Made) -> list[str]:
        """What to say of one that is further from the target than it should be."""
        if goals.of_size(self.target):
            if len(made.data) >= (1 - NEAR_SIZE) * self._allowed:
                return []
            if made.quality == 100:
                return [f"the highest quality takes {len(made.data):,} bytes, less than the target"]
            return [f"{len(made.data):,} bytes are as near to the target as it comes from below"]
        if made.likeness <= goals.likeness_of(self.target) + NEAR_DB:
            return []
        return [
            "the lowest quality is better than the target" if made.quality == 0 else "it comes no nearer to the target"
        ]

    @property
    def _pixels(self) -> int:
        return self.info.width * self.info.height

    @property
    def _allowed(self) -> float:
        return goals.size_of(self.target, self._pixels)

    def _pace(self, typical: Typical) -> goals.Pace:
        beside = _BESIDE + sum(map(len, self.info.metadata.values()))
        sizes = [math.log(bpp * self._pixels / 8 + beside) for bpp in typical.bpp]
        likeness = typical.psnr if self.target.ssim is None else typical.ssim
        curves = Curve(typical.qualities, likeness), Curve(typical.qualities, sizes)
        return goals.Pace(ENCODINGS, NEAR_DB, -math.log(1 - NEAR_SIZE), *curves)

    def _trial(self, quality: float, quick: bool) -> tuple[float, float]:
        """Bytes of the file at a quality, and its likeness; the best is remembered."""
        coded = self.trials(quality, quick, self._told())
        self.encodings += 1
        data = container.to_bytes(coded.header, coded.units, self.limits)
        likeness, by_size = 0.0, goals.of_size(self.target)
        peak = (1 << self.info.depth) - 1
        if self.target.psnr is not None:
            likeness = psnr(self.frame, coded.frame(), peak)
        elif self.target.ssim is not None:
            likeness = decibels(ms_ssim(self.frame, coded.frame(), peak) or 0.0)
        right = len(data) <= self._allowed if by_size else likeness >= goals.likeness_of(self.target)
        if right and (self._best is None or (len(data) > len(self._best.data)) == by_size):
            self._best = _Made(coded, data, quality, likeness)
        return len(data), likeness

    def _told(self) -> Progress | None:
        """What shows the progress of the encoding that is about to begin."""
        progress, before = self.progress, _PARTS * min(self.encodings, ENCODINGS - 1)
        if progress is None:
            return None
        return lambda done, steps: progress(before + _PARTS * done // steps, _PARTS * ENCODINGS)


def _compare(opened: ImageCodec, made: _Made, peak: int, limits: Limits) -> None:
    """CodecError if a file does not decode to what its encoder has; transforms may differ by a level of 8 bits."""
    header, units = container.read(made.data, limits)
    (found,) = opened.decode(header, list(units))
    if np.abs(np.subtract(found, made.coded.frame(), dtype=np.int32)).max() > max(peak // 255, 1):
        raise CodecError("does not decode to what was encoded; please report this picture")
