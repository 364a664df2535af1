"""Frames as the filters see them: samples in units of 10 bits, padded, and luma at the size of chroma.

Everything is a whole number: int16 where that holds it, int32, or float32 below 2^24, where each sum is exact in any
order. The smaller the type, the more of them a core takes at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codec.errors import CodecError

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]  # Y, U, V of a frame, uint8 or uint16, any chroma subsampling
Float = NDArray[np.float32]
Int16 = NDArray[np.int16]

DEPTHS = (8, 10)
TOP = 1023  # the largest sample
PAD = 8  # samples beyond a tile that its features see: no feature looks further
_TILE = 32, 1024  # rows and columns: long rows, and few enough for what a tile needs to stay in a core's cache


class Tile(NamedTuple):
    """A part of a plane, rows `top` to `bottom` and columns `left` to `right`."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left

    @property
    def size(self) -> int:
        """Samples of its rows with those beyond both ends: what is reckoned of a Run of it."""
        return (self.bottom - self.top) * (self.right - self.left + 2 * PAD)

    def run(self, padded: Int16) -> Run:
        """The tile of a padded plane with the samples around it."""
        part = padded[self.top : self.bottom + 2 * PAD, self.left : self.right + 2 * PAD]
        return Run(part.reshape(-1), part.shape[1], self.size)

    def cut(self, values: np.ndarray) -> np.ndarray:
        """The tile, [..., rows, columns], of what was reckoned of a Run of it, [..., size]."""
        rows, columns = self.shape
        return values.reshape(*values.shape[:-1], rows, columns + 2 * PAD)[..., PAD:-PAD]


class Run(NamedTuple):
    """A tile and PAD samples around it as one row, in which a sample below is `stride` further on.

    So numpy's loops are long, which makes them fast. Samples beyond both ends of a tile's rows are reckoned with the
    others, of whatever comes before and after them in the run, and thrown away by `Tile.cut`.
    """

    samples: Int16
    stride: int
    size: int

    def of(self, down: int = 0, right: int = 0, reach: int = 0) -> Int16:
        """The tile, moved, with the samples of `reach` rows and columns around it that `sums.box` takes away again."""
        start = (PAD + down) * self.stride + right
        margin = reach * (self.stride + 1)
        return self.samples[start - margin : start + self.size + margin]


def tiles(shape: tuple[int, ...]) -> Iterator[Tile]:
    """The tiles of a plane of this shape."""
    for top in range(0, shape[0], _TILE[0]):
        for left in range(0, shape[1], _TILE[1]):
            yield Tile(top, min(top + _TILE[0], shape[0]), left, min(left + _TILE[1], shape[1]))


@dataclass(frozen=True)
class Frame:
    """Padded planes, int16 of 0 to 1023: Y, U, V and luma at the size of chroma (`small`)."""

    y: Int16
    u: Int16
    v: Int16
    small: Int16


class Window(NamedTuple):
    """A frame between its neighbours in the group (None: it is the group's first or last)."""

    before: Frame | None
    now: Frame
    after: Frame | None


def prepare(planes: Planes, depth: int) -> Frame:
    """The frame of `planes` of 8 or 10 bits."""
    y, u, v = (plane.astype(np.int16) * np.int16(1 << (10 - depth)) for plane in planes)
    return Frame(*(np.pad(plane, PAD, "edge") for plane in (y, u, v, _reduced(y, u.shape))))


def windows(base: Sequence[Planes], depth: int, wanted: Sequence[int] | None = None) -> Iterator[tuple[int, Window]]:
    """The frames of a group one after the other (or those in `wanted`, ascending) with their numbers."""
    kept: dict[int, Frame] = {}
    for number in range(len(base)) if wanted is None else wanted:
        near = range(max(number - 1, 0), min(number + 2, len(base)))
        kept = {i: kept[i] if i in kept else prepare(base[i], depth) for i in near}
        yield number, Window(kept.get(number - 1), kept[number], kept.get(number + 1))


def check(base: Sequence[Planes], depth: int) -> None:
    """CodecError unless these are frames of one size that the filters take."""
    if depth not in DEPTHS:
        raise CodecError(f"the filters take 8 or 10 bits, not {depth}; code the video without them")
    wanted = np.uint8 if depth == 8 else np.uint16
    shapes = {tuple(plane.shape for plane in planes) for planes in base}
    if len(shapes) > 1 or any(plane.dtype != wanted for planes in base for plane in planes):
        raise CodecError(f"the frames of a group must be {wanted.__name__} planes of one size")
    for y, u, v in shapes:
        if len(y) != 2 or min(y + u) < 1 or u != v or not all(_ratio(a, b) for a, b in zip(y, u, strict=True)):
            raise CodecError(f"planes of {y}, {u} and {v} are no frame of 4:2:0, 4:2:2, 4:4:4 or 4:1:1")


def _ratio(luma: int, chroma: int) -> int:
    """Luma samples to one of chroma along one side; 0 if they don't fit."""
    return next((ratio for ratio in (1, 2, 4) if -(-luma // ratio) == chroma), 0)


def _reduced(y: Int16, shape: tuple[int, ...]) -> Int16:
    """Luma at the size of chroma: the mean of the samples that lie over one of chroma, half rounded up."""
    rows, columns = (_ratio(a, b) for a, b in zip(y.shape, shape, strict=True))
    if rows == columns == 1:
        return y
    y = np.pad(y, ((0, -y.shape[0] % rows), (0, -y.shape[1] % columns)), "edge")
    across = reduce(np.add, (y[i::rows] for i in range(rows)))
    total = reduce(np.add, (across[:, i::columns] for i in range(columns)))
    return (total + np.int16(rows * columns // 2)) // np.int16(rows * columns)
