"""How a picture is cut: into units, which are decoded one without the other, and those into the circuit's tiles."""

import itertools
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 256, 1024  # pixels of a tile, at most
TILES = 8  # of a unit, at most, unless one unit holds the whole picture
SAMPLE, SAMPLES = (32, 64), 16  # pixels of a block to try things on, and their number

Box = tuple[slice, slice]
Scalar = TypeVar("Scalar", bound=np.generic)


def whole(height: int, width: int) -> list[Box]:
    """One unit for the whole picture."""
    return [(slice(0, height), slice(0, width))]


def units(height: int, width: int) -> list[Box]:
    """The units of a picture in several: as wide as a tile may be and TILES tiles high, of about equal size."""
    if fits_one(height, width):
        return whole(height, width)
    return _boxes(height, width, HEIGHT * TILES)


def fits_one(height: int, width: int) -> bool:
    """Whether a unit may hold a picture of this size as tiles."""
    return _count(height, HEIGHT) * _count(width, WIDTH) <= TILES


def tiles(unit: NDArray[Scalar]) -> list[NDArray[Scalar]]:
    """The tiles of a unit [h, w, ...], views: strips as wide as they may be, row by row."""
    return [unit[box] for box in _boxes(unit.shape[0], unit.shape[1], HEIGHT)]


def sample(unit: NDArray[Scalar]) -> list[NDArray[Scalar]]:
    """Blocks spread over a unit, as tiles to try things on: at most a quarter of it, but one block at least."""
    h, w = unit.shape[:2]
    height, width = min(h, SAMPLE[0]), min(w, SAMPLE[1])
    count = min(SAMPLES, max(1, h * w // (4 * height * width)))
    rows = min(max(1, round((count * h * width / (w * height)) ** 0.5)), count, h // height)
    columns = min(count // rows, w // width)
    tops = [(2 * i + 1) * h // (2 * rows) - height // 2 for i in range(rows)]
    lefts = [(2 * i + 1) * w // (2 * columns) - width // 2 for i in range(columns)]
    return [unit[top : top + height, left : left + width] for top in tops for left in lefts]


def _boxes(height: int, width: int, most: int) -> list[Box]:
    return [(slice(*r), slice(*c)) for r in _cuts(height, most) for c in _cuts(width, WIDTH)]


def _cuts(n: int, most: int) -> list[tuple[int, int]]:
    count = _count(n, most)
    return list(itertools.pairwise(n * i // count for i in range(count + 1)))


def _count(n: int, most: int) -> int:
    return -(-n // most)
