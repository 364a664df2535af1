"""A video under evaluation: its frames in memory as planes, and metrics as means over frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from codec.errors import LimitError, MediaError
from codec.media import Info, yuv
from codec.media.video import Picture, Planes, Video, read_video
from codec.metrics import Metric
from codec.metrics.planes import mean_decibels
from codec.urls import Place

MAX_BYTES = 2**31  # of a clip's planes: 690 frames of 1080p. What is decoded takes as many again.
_PEAK = 255


@dataclass(frozen=True)
class Clip:
    """A whole video without its sound and tags. `notes`: what isn't kept of the file, or isn't whole."""

    info: Info
    pictures: list[Picture]
    notes: tuple[str, ...] = ()

    @property
    def pixels(self) -> int:
        """Pixels of all frames."""
        return self.info.width * self.info.height * len(self.pictures)

    @property
    def seconds(self) -> float:
        """Seconds from 0 to the end of the last frame."""
        assert self.info.rate is not None
        return float(self.pictures[-1].time + (self.pictures[-1].held or 1 / self.info.rate))

    def video(self) -> Video:
        """As encoders take it."""
        return Video(self.info, [], len(self.pictures), lambda: iter(self.pictures))


def read_clip(path: Place) -> Clip:
    """Read a video. MediaError or OSError for what can't be read, LimitError for more than MAX_BYTES of planes."""
    video = read_video(path, audio=False, strip=True)
    pictures: list[Picture] = []
    size = video.info.width * video.info.height * 3 // 2
    allowed = MAX_BYTES // size
    if video.expected <= allowed:
        for picture in video.pictures():
            pictures.append(picture)
            if len(pictures) > allowed:
                break
    if max(video.expected, len(pictures)) > allowed:
        raise LimitError(
            f"{path}: its frames take more than the {MAX_BYTES / 2**30:g} GiB that an evaluation holds; "
            f"give a cut of at most {allowed} frames"
        )
    return Clip(video.info, pictures, tuple(video.notes))


def check_count(clip: Clip, decoded: Sequence[Planes]) -> None:
    """MediaError unless all frames came back."""
    if len(decoded) != len(clip.pictures):
        raise MediaError(f"{len(decoded)} of {len(clip.pictures)} frames came back; leave the codec out for this video")


def measured(metrics: Iterable[Metric], clip: Clip, decoded: Sequence[Planes]) -> dict[str, float | None]:
    """All metrics, each the mean over frames of what it is for a frame; RGB is made of one frame at a time."""
    metrics = list(metrics)
    of_pictures = any(metric.media == "image" for metric in metrics)
    values: dict[str, list[float | None]] = {key: [] for metric in metrics for key in metric.keys}
    for picture, found in zip(clip.pictures, decoded, strict=True):
        pairs: dict[str, tuple[Any, Any]] = {"video": (picture.planes, found)}
        if of_pictures:
            pairs["image"] = yuv.to_rgb(picture.planes, clip.info.color), yuv.to_rgb(found, clip.info.color)
        for metric in metrics:
            for key, value in metric(*pairs[metric.media], peak=_PEAK).items():
                values[key].append(value)
    return {key: _mean(each) for key, each in values.items()}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean_decibels(known) if known and len(known) == len(values) else None
