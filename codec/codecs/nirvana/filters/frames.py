"""Frames as the filters see them: samples in units of 10 bits, padded, and luma at the size of chroma.

Everything is a whole number. float32 carries them below 2^24, where each sum is exact in any order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codec.errors import CodecError

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]  # Y, U, V of a frame, uint8 or uint16, any chroma subsampling
Float = NDArray[np.float32]

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

    def of(self, padded: np.ndarray, reach: int = 0, down: int = 0, right: int = 0) -> np.ndarray:
        """The tile in a padded plane and `reach` samples around it, moved by `down` and `right`."""
        rows = slice(self.top + PAD - reach + down, self.bottom + PAD + reach + down)
        return padded[rows, self.left + PAD - reach + right : self.right + PAD + reach + right]


def tiles(shape: tuple[int, ...]) -> Iterator[Tile]:
    """The tiles of a plane of this shape."""
    for top in range(0, shape[0], _TILE[0]):
        for left in range(0, shape[1], _TILE[1]):
            yield Tile(top, min(top + _TILE[0], shape[0]), left, min(left + _TILE[1], shape[1]))


@dataclass(frozen=True)
class Frame:
    """Padded planes, float32 of whole numbers 0 to 1023: Y, U, V and luma at the size of chroma (`small`)."""

    y: Float
    u: Float
    v: Float
    small: Float


class Window(NamedTuple):
    """A frame between its neighbours in the group (None: it is the group's first or last)."""

    before: Frame | None
    now: Frame
    after: Frame | None


def prepare(planes: Planes, depth: int) -> Frame:
    """The frame of `planes` of 8 or 10 bits."""
    y, u, v = (plane.astype(np.float32) * (1 << (10 - depth)) for plane in planes)
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


def _reduced(y: Float, shape: tuple[int, ...]) -> Float:
    """Luma at the size of chroma: the mean of the samples that lie over one of chroma."""
    rows, columns = (_ratio(a, b) for a, b in zip(y.shape, shape, strict=True))
    if rows == columns == 1:
        return y
    y = np.pad(y, ((0, -y.shape[0] % rows), (0, -y.shape[1] % columns)), "edge")
    total = sum(y[i::rows, j::columns] for i in range(rows) for j in range(columns))
    return np.floor(total * np.float32(1 / (rows * columns)) + np.float32(0.5))
