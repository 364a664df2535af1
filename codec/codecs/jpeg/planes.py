"""What is known of a component while it is coded, and what the network reads of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codec.models.jpeg.shape import EIGHT, LARGEST, ZIGZAG, taps

Float32 = NDArray[np.float32]
Int = NDArray[np.int64]

MARGIN = 2  # blocks of zeros around a component
_PLACE = np.array([8 * u + v for u, v in ZIGZAG])
_BITS = 12  # of the integer transform that halves luma


class Planes:
    """One plane [(rows + 4) (columns + 4)] a frequency: coefficients times their step, up to LARGEST; 0 is unknown."""

    def __init__(self, rows: int, columns: int, steps: NDArray[np.integer]) -> None:
        self.rows, self.columns = rows, columns
        self.stride = columns + 2 * MARGIN
        self.size = (rows + 2 * MARGIN) * self.stride
        self.steps = np.asarray(steps, np.int64)
        self.values = np.zeros((64, self.size), np.float32)
        self.blocks = np.arange(self.size).reshape(-1, self.stride)[MARGIN:-MARGIN, MARGIN:-MARGIN]

    def set(self, k: int, at: Int, values: Int) -> None:
        """Coefficients of frequency k of the blocks `at` are known."""
        self.values[k, at] = np.clip(values * self.steps[k], -LARGEST, LARGEST)

    def offset(self, dr: int, dc: int) -> int:
        return dr * self.stride + dc

    def phases(self) -> list[Int]:
        """Numbers of blocks of even rows and columns, of odd ones, and of the rest row by row."""
        b = self.blocks
        rest = np.ones(b.shape, bool)
        rest[::2, ::2] = rest[1::2, 1::2] = False
        return [b[::2, ::2].ravel(), b[1::2, 1::2].ravel(), b[rest]]

    def diagonals(self) -> list[Int]:
        """Numbers of blocks in the order in which left, upper and upper right neighbours come before."""
        rows, columns = np.indices(self.blocks.shape)
        step = (columns + 2 * rows).ravel()
        order = step.argsort(kind="stable")
        return np.split(self.blocks.ravel()[order], np.cumsum(np.unique(step, return_counts=True)[1])[:-1])

    def padded(self, values: NDArray[np.integer]) -> Int:
        """[rows, columns] as a plane, zeros around it."""
        plane = np.zeros(self.size, np.int64)
        plane[self.blocks] = values
        return plane


def wide_ends(ends: Int, planes: Planes) -> Int:
    """[2, size] of the ends, a plane: eighths of the sum over 5 x 5 blocks, and the mean of all in thirds."""
    rows, columns, reach = planes.rows, planes.columns, range(2 * MARGIN + 1)
    plane = ends.reshape(-1, planes.stride)
    lines = np.sum([plane[i : i + rows] for i in reach], axis=0)
    found = np.sum([lines[:, i : i + columns] for i in reach], axis=0) >> 3
    mean = 3 * int(ends.sum()) // max(rows * columns, 1)
    return np.stack([planes.padded(found), np.full(planes.size, mean)])


def gather(kind: str, k: int, sources: Sequence[Planes], at: Int) -> Float32:
    """The taps [taps, n] of frequency k of the blocks `at`; `sources`: the component, then what is known of others."""
    found = taps(kind, k)
    out = np.empty((len(found), len(at)), np.float32)
    here = at.astype(np.int32)
    moved = {o: here + np.int32(sources[0].offset(*o)) for o in (*EIGHT, (0, 0))}
    for row, (source, dr, dc, j) in zip(out, found, strict=True):
        sources[source].values[j].take(moved[dr, dc], out=row, mode="clip")  # nothing is out of reach: the fastest mode
    return out


@lru_cache(maxsize=1)
def _halving() -> NDArray[np.float64]:
    """[8, 16]: coefficients of two neighbours to those of both at half the size, times 2^12; whole numbers."""
    n = np.arange(8)
    basis = np.cos((2 * n + 1) * n[:, None] * np.pi / 16) * np.where(n[:, None] == 0, np.sqrt(1 / 8), 0.5)
    pairs = np.kron(np.eye(8), [[0.5, 0.5]])
    exact = basis @ pairs @ np.kron(np.eye(2), basis.T) * (1 << _BITS)
    assert np.abs(exact + 0.5 - np.rint(exact + 0.5)).min() > 1e-7
    return np.floor(exact + 0.5)


def aligned(luma: Planes, rows: int, columns: int, tall: int, wide: int) -> Planes:
    """Luma at the blocks of a component [rows, columns] that has `tall` and `wide` times fewer: 1 or 2 each."""
    result = Planes(rows, columns, np.ones(64, np.int64))
    source = np.zeros((64, rows * tall, columns * wide))
    r, c = min(rows * tall, luma.rows), min(columns * wide, luma.columns)
    source[_PLACE, :r, :c] = luma.values[:, luma.blocks[:r, :c]]
    if (tall, wide) != (1, 1):
        matrix, one = _halving(), float(1 << _BITS)
        x = source.reshape(8, 8, rows, tall, columns, wide)
        x = x.transpose(3, 0, 5, 1, 2, 4).reshape(tall * 8, wide * 8, rows * columns)
        if tall == 2:
            x = np.floor((matrix @ x.reshape(16, -1)).reshape(8, wide * 8, -1) / one + 0.5)
        if wide == 2:
            x = np.floor(np.matmul(matrix, x) / one + 0.5)
        source = x.reshape(64, rows, columns)
    for k in range(64):
        result.values[k, result.blocks] = np.clip(source[_PLACE[k]], -LARGEST, LARGEST)
    return result
