"""Short clips to train the video codec on: cuts from videos, and photos set in motion.

A photo moves as a whole (shift, turn, zoom), half of the time with a square of another photo moving over it: motion of
any kind, without what an earlier codec left. Everything random comes from a generator that the caller seeds.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from codec.train.clips import read_clip
from codec.train.photos import Crops

_MARGIN = 64  # of the photo around what is seen of it, so that it can move
_SQUARE = 48

Stacked = tuple[
    np.ndarray, np.ndarray, np.ndarray
]  # planes of all frames of a clip: uint8 [T, H, W], twice [T, H/2, W/2]


def load_clips(paths: Sequence[str | Path], frames: int = 600, lines: int = 270) -> list[Stacked]:
    """The first frames of videos."""
    clips = []
    for path in paths:
        y, u, v = (np.stack(planes) for planes in zip(*read_clip(path, lines, frames), strict=True))
        clips.append((y, u, v))
    return clips


class Moving:
    """Draws batches of clips, float32 [frames, batch, 6, size / 2, size / 2], -0.5 to 0.5 (models/nirvana_grid.py)."""

    def __init__(self, clips: Sequence[Stacked], photos: Sequence[np.ndarray], size: int) -> None:
        self.size = size
        self.clips = [c for c in clips if min(c[0].shape[1:]) >= size]
        self.photos = Crops(photos, size + _MARGIN)
        self.squares = Crops(photos, _SQUARE)

    def batch(self, frames: int, count: int, rng: np.random.Generator) -> Tensor:
        """Half of it from videos (if there are any), half from photos."""
        chosen = [bool(self.clips) and rng.random() < 0.5 for _ in range(count)]
        return torch.stack([self._cut(frames, rng) if cut else self._set_moving(frames, rng) for cut in chosen], 1)

    def _cut(self, frames: int, rng: np.random.Generator) -> Tensor:
        y, u, v = self.clips[rng.integers(len(self.clips))]
        stride = min(int(rng.choice([1, 1, 1, 2, 3])), max(len(y) // frames, 1))
        first = rng.integers(len(y) - stride * (frames - 1))
        take = slice(first, first + stride * frames, stride)
        top, left = (2 * rng.integers((side - self.size) // 2 + 1) for side in y.shape[1:])
        size, half = self.size, self.size // 2
        planes = (
            y[take, top : top + size, left : left + size],
            *(p[take, top // 2 : top // 2 + half, left // 2 : left // 2 + half] for p in (u, v)),
        )
        luma, *chroma = (torch.from_numpy(p.astype(np.float32)) / 255 - 0.5 for p in planes)
        found = torch.cat([F.pixel_unshuffle(luma[:, None], 2), torch.stack(chroma, 1)], 1)
        return found.flip(3) if rng.random() < 0.5 else found

    def _set_moving(self, frames: int, rng: np.random.Generator) -> Tensor:
        size, whole = self.size, self.size + _MARGIN
        photo = self.photos.batch(1, rng)
        square = self.squares.batch(1, rng) if rng.random() < 0.5 else None
        shift, speed = rng.normal(0, 2.5, 2), rng.normal(0, 2.5, 2)
        turn, zoom = rng.normal(0, 0.006, 2)
        place = rng.uniform(-size / 4, size / 4, 2)
        grain = rng.choice([0.0, 0.0, 0.004, 0.008])
        found = []
        for i in range(frames):
            cosine, sine = ((1 + zoom * i) * f(turn * i) * size / whole for f in (math.cos, math.sin))
            dx, dy = 2 * shift * i / whole
            picture = _seen(photo, [[cosine, -sine, dx], [sine, cosine, dy]], size)
            if square is not None:
                dx, dy = -(place + speed * i) * 2 / _SQUARE
                where = [[size / _SQUARE, 0, dx], [0, size / _SQUARE, dy]]
                cover = _seen(torch.ones_like(square[:, :1]), where, size, "zeros")
                picture = picture * (1 - cover) + cover * _seen(square, where, size)
            noise = torch.from_numpy(rng.normal(0, grain, (1, 1, size, size)).astype(np.float32)) if grain else 0
            found.append(_packed((picture + noise).clamp(0, 1)))
        return torch.cat(found)


def _seen(picture: Tensor, affine: list[list[float]], size: int, beyond: str = "reflection") -> Tensor:
    grid = F.affine_grid(torch.tensor([affine], dtype=torch.float32), [1, 1, size, size], align_corners=False)
    return F.grid_sample(picture, grid, mode="bicubic", padding_mode=beyond, align_corners=False)


def _packed(rgb: Tensor) -> Tensor:
    """RGB, 0 to 1, as BT.709 of limited range, in steps of 8 bits."""
    r, g, b = rgb[:, 0:1], rgb[:, 1:2], rgb[:, 2:3]
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    u, v = (F.avg_pool2d((c - y) / k, 2) for c, k in ((b, 1.8556), (r, 1.5748)))
    planes = [F.pixel_unshuffle(y * 219 + 16, 2), u * 224 + 128, v * 224 + 128]
    return torch.cat(planes, 1).round() / 255 - 0.5
