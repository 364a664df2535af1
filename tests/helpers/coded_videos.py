"""Videos encoded and decoded in memory, and what is in their files."""

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from codec import container, video
from codec.codecs.options import Target, VideoOptions
from codec.media import Info
from codec.media.distortion import WEIGHTS, errors
from codec.media.video import Picture, Planes, Video, read_video
from helpers.video_clips import BT601, RATE, moving, pictures

SCENES = (12, 17, 6)  # frames
GROUPS = (6, 6, 5, 6, 6, 6)  # frames of each unit of such a video
KEYS = [0, 2, 5]  # units that start a chain
SHORT = (12, 13, 5)  # frames of scenes that are a unit each


def planes_error(found: Planes, wanted: Planes) -> float:
    """(6 Y + U + V) / 8 of mean squared errors."""
    return sum(w * e for w, e in zip(WEIGHTS, errors(found, wanted), strict=True)) / sum(WEIGHTS)


def scenes(height: int = 32, width: int = 48, lengths: Sequence[int] = SCENES) -> list[Planes]:
    """Dark and bright ones in turn."""
    frames = moving(height, width, sum(lengths))
    bright = [n % 2 for n, length in enumerate(lengths) for _ in range(length)]
    return [(y // 4 + np.uint8(160 * b), u, v) for (y, u, v), b in zip(frames, bright, strict=True)]


def video_of(shown: Sequence[Picture], metadata: dict[str, bytes] | None = None, tick: Fraction | None = None) -> Video:
    height, width = shown[0].planes[0].shape
    info = Info(width, height, frames=0, rate=RATE, color=BT601, metadata=metadata or {}, tick=tick)
    return Video(info, [], len(shown), lambda: iter(shown))


def encoded(frames: Sequence[Planes], quality: float = 50, base: str | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    chosen = VideoOptions(Target(quality=quality), 1, frames=len(frames), base=base)
    video.encode(video_of(pictures(frames)), buffer, options=chosen, device="cpu", **options)
    return buffer.getvalue()


def decoded(data: bytes, *span: int, partial: bool = False) -> list[Picture]:
    return list(video.open_file(io.BytesIO(data), device="cpu", partial=partial).pictures(*span))


def based(data: bytes) -> list[Picture]:
    """The pictures of the standard stream."""
    return list(video.open_file(io.BytesIO(data), device="cpu", base=True).pictures())


def equal(found: Sequence[Picture], wanted: Sequence[Picture]) -> bool:
    return [p.time for p in found] == [p.time for p in wanted] and all(
        np.array_equal(a, b)
        for one, other in zip(found, wanted, strict=True)
        for a, b in zip(one.planes, other.planes, strict=True)
    )


def index_of(data: bytes) -> container.Index:
    return container.read_index(io.BytesIO(data))


class Watched(io.BytesIO):
    """Remembers where it was read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.touched: set[int] = set()

    def read(self, size: int | None = -1) -> bytes:
        start = self.tell()
        data = super().read(size)
        self.touched.update(range(start, start + len(data)))
        return data


def damaged(data: bytes, *units: int) -> bytes:
    """With a byte changed in each of these units."""
    found = bytearray(data)
    index = index_of(data)
    for unit in units:
        found[index.offsets[unit] + index.lengths[unit] // 2] ^= 16
    return bytes(found)


def planes(data: bytes) -> bytes:
    return b"".join(p.tobytes() for picture in decoded(data) for p in picture.planes)


def in_file(path: str) -> list[Picture]:
    return list(read_video(path).pictures())


def offsets(data: bytes) -> tuple[int, ...]:
    return container.read_index(io.BytesIO(data)).offsets
