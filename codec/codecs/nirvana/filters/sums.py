"""Sums over windows of samples, and what adaptive smoothing makes of them: one IEEE operation at a time.

Sums are whole numbers. Where there is a division, every operation from there on is one of IEEE 754, rounded to float32,
as numpy fuses no two of them, and the result is rounded to a whole number: so it comes out alike on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.codecs.nirvana.filters.frames import Float

Int32 = NDArray[np.int32]


def box(values: np.ndarray, reach: int) -> np.ndarray:
    """Sums over windows of 2 reach + 1 rows and columns; the result is smaller by `reach` on each side."""
    return _along(_along(values, 0, 2 * reach + 1), 1, 2 * reach + 1)


def _along(values: np.ndarray, axis: int, length: int) -> np.ndarray:
    """Sums of `length` values along an axis, from each one on, by doubling."""

    def part(of: np.ndarray, start: int, stop: int) -> np.ndarray:
        return of[start:stop] if axis == 0 else of[:, start:stop]

    total, have = None, 0  # the sum of the first `have` values of each window
    power, size = values, 1  # of `size` values
    count = values.shape[axis] - length + 1
    while True:
        if length & size:
            first = part(power, have, have + count)
            total = first if total is None else total + first
            have += size
        if total is not None and have == length:
            return total
        longest = power.shape[axis]
        power = part(power, 0, longest - size) + part(power, size, longest)
        size *= 2


def smoothing(y: Int32, squares: Int32, reach: int, noise: int, out: Float) -> None:
    """Where adaptive smoothing (Lee, 1980) moves samples, in quarters.

    `y`: int32 samples less 512, with `reach` more on each side, and their `squares`. With a window's mean m and
    variance s, and `noise` the variance of the noise in units of 10 bits, the result is 4 (m - y) noise / (s + noise).
    """
    count = (2 * reach + 1) ** 2
    inner = slice(reach, -reach)
    first = box(y, reach)
    variance = box(squares, reach)
    variance *= np.int32(count)
    variance -= first * first  # below 2^31; times count^2
    first -= y[inner, inner] * np.int32(count)  # below 2^24; times count
    np.add(variance.astype(np.float32), np.float32(noise * count * count), out=out)
    np.divide(first.astype(np.float32), out, out=out)
    np.multiply(out, np.float32(4 * noise * count), out=out)
    np.rint(out, out=out)


class Guidance:
    """What a plane lacks to being, around each sample, a linear function of another plane, in quarters.

    The first stage of a guided filter (He et al., 2013, equations 5 and 6). `planes`: a tile of each, float32, with
    `reach` more on each side (at most 4). What two planes have in common is reckoned once.
    """

    def __init__(self, planes: dict[str, Float], reach: int) -> None:
        self._reach, self._count = reach, (2 * reach + 1) ** 2
        self._planes = {name: np.subtract(plane, 512).astype(np.int32) for name, plane in planes.items()}
        self._sums: dict[str, Int32] = {}
        self._products: dict[tuple[str, ...], Float] = {}

    def lack(self, name: str, guide: str, noise: int) -> Float:
        """What a plane lacks to one like `guide`; `noise`: a variance below which that is flat, in units of 10 bits."""
        slope = self._covariance(guide, guide) + np.float32(noise * self._count**2)
        np.divide(self._covariance(name, guide), slope, out=slope)
        # In 1/256, at most 2^13: a covariance is at most 2^9 times the guide's deviation.
        np.rint(np.multiply(slope, np.float32(256), out=slope), out=slope)
        slope *= self._move(guide)
        slope -= self._move(name) * np.float32(256)
        slope *= np.float32(1 / (64 * self._count))
        np.rint(slope, out=slope)
        return np.clip(slope, np.float32(-4096), np.float32(4096), out=slope)

    def _covariance(self, *names: str) -> Float:
        """The covariance of two planes, times the samples of a window, squared: below 2^31."""
        one, two = names = tuple(sorted(names))
        if names not in self._products:
            products = box(self._planes[one] * self._planes[two], self._reach)
            products *= np.int32(self._count)
            products -= self._sum(one) * self._sum(two)
            self._products[names] = products.astype(np.float32)
        return self._products[names]

    def _move(self, name: str) -> Float:
        """How far samples are above their window's mean, times its samples."""
        inner = slice(self._reach, -self._reach)
        return (self._planes[name][inner, inner] * np.int32(self._count) - self._sum(name)).astype(np.float32)

    def _sum(self, name: str) -> Int32:
        if name not in self._sums:
            self._sums[name] = box(self._planes[name], self._reach)
        return self._sums[name]
