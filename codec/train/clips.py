"""Videos to train on, as 4:2:0 planes in memory."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as F

from codec.media.video import Planes, read_video


def read_clip(path: str | Path, lines: int, count: int) -> list[Planes]:
    """Up to `count` frames of a video with even sides, smaller where it has more `lines`: what a codec left goes."""
    pictures = read_video(path, audio=False).pictures()
    return [_smaller(picture.planes, lines) for picture in islice(pictures, count)]


def _smaller(planes: Planes, lines: int) -> Planes:
    height, width = planes[0].shape
    if height <= lines:
        y, u, v = (p[: height // 2 * k, : width // 2 * k] for p, k in zip(planes, (2, 1, 1), strict=True))
        return y, u, v
    half = lines // 2, round(width * lines / height / 2)
    sizes = [(2 * half[0], 2 * half[1]), half, half]
    y, u, v = (
        F.interpolate(torch.from_numpy(p)[None, None].float(), size, mode="bicubic", antialias=True)[0, 0]
        .round().clamp(0, 255).to(torch.uint8).numpy()
        for p, size in zip(planes, sizes, strict=True)
    )  # fmt: skip
    return y, u, v
