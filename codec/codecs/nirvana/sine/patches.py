"""Frames as patches and back: the network's YCbCr 4:4:4 against 4:2:0 planes.

The frame is padded at its bottom and right with its own border to whole patches; the loss leaves the padding
out. Chroma is the average of 2x2 of the network's pixels, so any even patch holds whole chroma samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from codec.media.video import Planes


@dataclass(frozen=True)
class Grid:
    """Patches of `patch` pixels a side that cover a frame of `height` x `width`."""

    height: int
    width: int
    patch: int

    @property
    def rows(self) -> int:
        return -(-self.height // self.patch)

    @property
    def columns(self) -> int:
        return -(-self.width // self.patch)

    def cut(self, planes: list[Planes], group: int) -> Target:
        """The patches of `group` frames: where there are fewer planes, nothing is asked of the frames after them."""
        half, valid = self.patch // 2, torch.arange(group) < len(planes)
        planes = [*planes, *[planes[-1]] * (group - len(planes))]
        y, u, v = (torch.from_numpy(np.stack([frame[k] for frame in planes])).float() / 255 for k in range(3))
        chroma = torch.stack([self._cut(u, half), self._cut(v, half)], 2)
        weights = (self._weigh(plane, side, valid) for plane, side in ((y, self.patch), (u, half)))
        luma_weights, chroma_weights = weights
        return Target(self._cut(y, self.patch), chroma, luma_weights * 6 / 8, chroma_weights[:, :, None] / 8)

    def _weigh(self, frames: Tensor, side: int, valid: Tensor) -> Tensor:
        """One part in the number of all samples of the valid frames for each of them, 0 for others and padding."""
        ones = valid[:, None, None].float().expand_as(frames)
        return self._cut(ones / ones.sum(), side, padding="constant")

    def _cut(self, frames: Tensor, side: int, padding: str = "replicate") -> Tensor:
        """[G, h, w] -> [N, G, side, side]."""
        count, height, width = frames.shape
        room = (0, self.columns * side - width, 0, self.rows * side - height)
        cells = F.pad(frames[None], room, padding).view(count, self.rows, side, self.columns, side)
        return cells.permute(1, 3, 0, 2, 4).reshape(-1, count, side, side)

    def frames(self, count: int) -> Frames:
        """Frames to be put together from patches."""
        return Frames(self, count)


class Frames:
    """`count` frames of 8 bits that are put together from the network's patches, so that few of these are in memory."""

    def __init__(self, grid: Grid, count: int) -> None:
        self._grid = grid
        height, width, half = grid.rows * grid.patch, grid.columns * grid.patch, grid.patch // 2
        self._luma = np.empty((count, height, width), np.uint8)
        self._chroma = np.empty((count, 2, grid.rows * half, grid.columns * half), np.uint8)

    def put(self, first: int, patches: Tensor) -> None:
        """Patches `first`, `first` + 1, ... [n, G, 3, p, p]."""
        luma, chroma = (_levels(part) for part in split(patches))
        side, half = self._grid.patch, self._grid.patch // 2
        for number, (y, uv) in enumerate(zip(luma, chroma, strict=True), first):
            row, column = divmod(number, self._grid.columns)
            self._luma[:, row * side : (row + 1) * side, column * side : (column + 1) * side] = y
            self._chroma[..., row * half : (row + 1) * half, column * half : (column + 1) * half] = uv

    def planes(self) -> list[Planes]:
        """The frames, once all patches are there."""
        height, width = self._grid.height, self._grid.width
        y = self._luma[:, :height, :width]
        chroma = self._chroma[..., : -(-height // 2), : -(-width // 2)]
        return [(luma, u, v) for luma, (u, v) in zip(y, chroma, strict=True)]


def _levels(samples: Tensor) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = (samples.clamp(0, 1) * 255).round().byte().cpu().numpy()
    return levels


@dataclass(frozen=True)
class Target:
    """Patches of G frames: `luma` [N, G, p, p] and `chroma` [N, G, 2, p/2, p/2], 0..1, and what each sample's squared
    error weighs: together (6 Y + U + V) / 8 of the planes' mean squared errors, and nothing in the padding."""

    luma: Tensor
    chroma: Tensor
    luma_weights: Tensor
    chroma_weights: Tensor

    def __len__(self) -> int:
        return len(self.luma)

    def part(self, which: Tensor | slice) -> Target:
        """Some of the patches."""
        return Target(self.luma[which], self.chroma[which], self.luma_weights[which], self.chroma_weights[which])

    def to(self, device: str) -> Target:
        return Target(*(t.to(device) for t in (self.luma, self.chroma, self.luma_weights, self.chroma_weights)))

    def distortion(self, patches: Tensor) -> Tensor:
        """The weighted squared error of the network's patches [N, G, 3, p, p]."""
        luma, chroma = split(patches)
        luma_error = ((luma - self.luma).square() * self.luma_weights).sum()
        return luma_error + ((chroma - self.chroma).square() * self.chroma_weights).sum()


def split(patches: Tensor) -> tuple[Tensor, Tensor]:
    """Luma, and chroma at half the size, of patches [N, G, 3, p, p]."""
    chroma = F.avg_pool2d(patches[:, :, 1:].flatten(0, 1), 2)
    return patches[:, :, 0], chroma.view(*patches.shape[:2], *chroma.shape[1:])
