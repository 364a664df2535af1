"""What a metric is to the evaluation: pictures, planes or sound in, fields of a row out; and all of them, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from codec.errors import CodecError
from codec.metrics.planes import psnr_plane, psnr_planes
from codec.metrics.samples import psnr, psnr_ycbcr
from codec.metrics.sound import si_sdr
from codec.metrics.structure import ms_ssim, ssim
from codec.requirements import Need

Function = Callable[[Any, Any, int], "float | None"]


class Metric(Protocol):
    """One metric, or several that come out of one pass. `media` is "image", "audio" or "video" (a frame's planes)."""

    name: str
    media: str
    needs: tuple[Need, ...]
    higher_is_better: bool

    @property
    def keys(self) -> tuple[str, ...]:
        """The fields of rows that it fills."""

    def load(self, weights: Mapping[str, Path]) -> None:
        """Make ready; `weights` are the files that the user gave, by name. CodecError says what is missing or wrong."""

    def __call__(self, reference: Any, decoded: Any, peak: int) -> dict[str, float | None]:
        """All `keys` of two pictures [H, W, C], Audio or Planes of one shape; None where one does not apply."""

    def identity(self) -> dict[str, str]:
        """`model` (name@start of the weights' SHA-256, once loaded), `licence`, `title`; empty for formulas."""


class Formula:
    """A metric that is a function of the samples and needs nothing."""

    needs: tuple[Need, ...] = ()
    higher_is_better = True

    def __init__(self, name: str, function: Function, media: str = "image") -> None:
        self.name, self.keys, self.media, self._function = name, (name,), media, function

    def load(self, weights: Mapping[str, Path]) -> None:
        pass

    def __call__(self, reference: Any, decoded: Any, peak: int) -> dict[str, float | None]:
        return {self.name: self._function(reference, decoded, peak)}

    def identity(self) -> dict[str, str]:
        return {}


_PICTURES: dict[str, Function] = {"psnr": psnr, "psnr-ycbcr": psnr_ycbcr, "ssim": ssim, "ms-ssim": ms_ssim}
_PLANES: dict[str, Function] = {  # of videos
    "psnr-ycbcr": psnr_planes, **{f"psnr-{'yuv'[which]}": partial(psnr_plane, which) for which in range(3)},
}  # fmt: skip
_SOUND: dict[str, Function] = {"si-sdr": si_sdr}
_DEEP = {
    "deep.efflite0": "codec.metrics.features:FeatureDistance",
    "st-lpips": "codec.metrics.lpips:ShiftTolerant",
    "lpips-alex": "codec.metrics.lpips:Alex",
    "lpips-vgg": "codec.metrics.lpips:Vgg",
    "lpips-squeeze": "codec.metrics.lpips:Squeeze",
    "dists": "codec.metrics.dists:Dists",
}
NAMES = tuple(dict.fromkeys((*_PICTURES, *_PLANES, *_DEEP, *_SOUND)))


def create(name: str, media: str | None = None) -> Metric:
    """The metric of this name, not loaded yet; CodecError if there is none, or none for this media.

    Videos have the metrics of pictures, frame by frame in RGB, and those of planes.
    """
    if name in _SOUND:
        metric: Metric = Formula(name, _SOUND[name], "audio")
    elif name in _PLANES and (media == "video" or name not in _PICTURES):
        metric = Formula(name, _PLANES[name], "video")
    elif name in _PICTURES:
        metric = Formula(name, _PICTURES[name])
    elif name in _DEEP:
        module, _, kind = _DEEP[name].partition(":")
        metric = getattr(import_module(module), kind)()
    else:
        raise CodecError(f"no metric {name!r}; choose one of {', '.join(NAMES)}")
    if media not in (None, metric.media) and (media, metric.media) != ("video", "image"):
        raise CodecError(f"metric {name} is about {metric.media}, and these files are {media}")
    return metric


def lower_is_better(key: str) -> bool:
    """Whether a field of a metric is a distance: deep.efflite0.s32 is one, psnr isn't."""
    return any(key == name or key.startswith(name + ".") for name in _DEEP)
