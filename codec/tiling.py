"""Tiles of a picture: each is an entropy unit of its own; the transforms see a halo of its neighbours around it.

Tiles lie on a grid of 64 pixels, on which the attention windows lie too, so that inside the halo a tile's
transform sees just what the transform of the whole picture would.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

ALIGN = 64  # pixels
HALO = 128  # pixels on each side, for transforms of attention windows
SINGLE = 1536 * 1024  # padded pixels up to which a picture is one tile
SIDE = 1024  # pixels along a side of a tile, at most, in larger pictures
BLOCK = 512  # and of a block, of which a decoder makes pixels at a time


@dataclass(frozen=True)
class Tile:
    """A rectangle of the padded picture, in pixels; all numbers are multiples of 64."""

    top: int
    left: int
    height: int
    width: int

    def with_halo(self, height: int, width: int, halo: int = HALO) -> Tile:
        """The tile and `halo` pixels around it, as far as the padded picture of height x width reaches."""
        top, left = max(0, self.top - halo), max(0, self.left - halo)
        bottom = min(height, self.top + self.height + halo)
        right = min(width, self.left + self.width + halo)
        return Tile(top, left, bottom - top, right - left)

    def blocks(self) -> list[Tile]:
        """The tile in pieces as equal as the grid lets them be, each at most BLOCK a side, row by row."""
        rows, columns = _cuts(self.height, BLOCK), _cuts(self.width, BLOCK)
        return [Tile(self.top + t, self.left + le, b - t, r - le) for t, b in rows for le, r in columns]

    def common(self, other: Tile) -> Tile | None:
        """What two have in common, if it is something."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom = min(self.top + self.height, other.top + other.height)
        right = min(self.left + self.width, other.left + other.width)
        return Tile(top, left, bottom - top, right - left) if top < bottom and left < right else None

    def of(self, frame: np.ndarray) -> np.ndarray:
        """The tile's part of a frame [H, W, ...], a view; less than the tile where it sticks out of the picture."""
        return frame[self.top : self.top + self.height, self.left : self.left + self.width]


def padded(n: int) -> int:
    """n pixels rounded up to the grid."""
    return -(-n // ALIGN) * ALIGN


def tiles(height: int, width: int) -> list[Tile]:
    """The tiles of a picture of height x width pixels, row by row; together they cover its padded area once."""
    h, w = padded(height), padded(width)
    if h * w <= SINGLE:
        return [Tile(0, 0, h, w)]
    rows, columns = _cuts(h, SIDE), _cuts(w, SIDE)
    return [Tile(t, le, b - t, r - le) for t, b in rows for le, r in columns]


def _cuts(n: int, most: int) -> list[tuple[int, int]]:
    """n pixels cut into pieces as equal as the grid lets them be, each at most so many."""
    count = -(-n // most)
    cells = n // ALIGN
    edges = [cells * i // count * ALIGN for i in range(count + 1)]
    return list(itertools.pairwise(edges))


def window(t: Tensor, tile: Tile, scale: int) -> Tensor:
    """The tile's part of a map of the whole padded picture, [..., H / scale, W / scale], a view."""
    top, left = tile.top // scale, tile.left // scale
    return t[..., top : top + tile.height // scale, left : left + tile.width // scale]


def crop(t: Tensor, tile: Tile, region: Tile, scale: int) -> Tensor:
    """The tile's part of a map of the region around it, a view."""
    return window(t, Tile(tile.top - region.top, tile.left - region.left, tile.height, tile.width), scale)
