"""Sums over windows of samples, and what adaptive smoothing makes of them: one IEEE operation at a time.

Sums are whole numbers. Where there is a division, every operation from there on is one of IEEE 754, rounded to float32,
as numpy fuses no two of them, and the result is rounded to a whole number: so it comes out alike on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.codecs.nirvana.filters.frames import Float, Int16, Run

Int32 = NDArray[np.int32]

_MIDDLE = 512  # what samples are less in sums, so that these are smaller


def box(values: np.ndarray, stride: int, reach: int) -> np.ndarray:
    """Sums over windows of 2 reach + 1 rows and columns, of a tile as `Run.of` gives it with `reach`.

    Of the values' own type: the caller knows that it holds them.
    """
    length = 2 * reach + 1
    return _along(_along(values, stride, length), 1, length)


def _along(values: np.ndarray, step: int, length: int) -> np.ndarray:
    """Sums of `length` values, each `step` after the one before, from each value on, by doubling."""
    count = len(values) - (length - 1) * step
    total, have = None, 0  # the sum of the first `have` values of each window
    power, size = values, 1  # of `size` values
    while True:
        if length & size:
            first = power[have * step : have * step + count]
            total = first if total is None else total + first
            have += size
        if total is not None and have == length:
            return total
        power = power[: len(power) - size * step] + power[size * step :]
        size *= 2


class Smoothing:
    """Where adaptive smoothing (Lee, 1980) moves the samples of a tile, in quarters.

    With a window's mean m and variance s, and `noise` the variance of the noise in units of 10 bits, it moves a sample
    y by 4 (m - y) noise / (s + noise).
    """

    def __init__(self, run: Run, reach: int, noise: int) -> None:
        """`reach`: of the widest window, at most 4."""
        self._run, self._reach, self._noise = run, reach, noise
        self._samples = run.of(reach=reach).astype(np.int32)
        self._samples -= _MIDDLE
        self._squares = self._samples * self._samples

    def moves(self, reach: int, out: Float) -> None:
        """For windows of `reach`, in `out`."""
        stride, count = self._run.stride, (2 * reach + 1) ** 2
        margin = (self._reach - reach) * (stride + 1)
        part = slice(margin, -margin or None)
        first = box(self._samples[part], stride, reach)
        variance = box(self._squares[part], stride, reach)
        variance *= np.int32(count)
        variance -= first * first  # below 2^31; times count^2
        margin = self._reach * (stride + 1)
        first -= self._samples[margin:-margin] * np.int32(count)  # below 2^24; times count
        np.add(variance.astype(np.float32), np.float32(self._noise * count * count), out=out)
        np.divide(first.astype(np.float32), out, out=out)
        np.multiply(out, np.float32(4 * self._noise * count), out=out)
        np.rint(out, out=out)


class Guidance:
    """What a plane lacks to being, around each sample, a linear function of another plane, in quarters.

    The first stage of a guided filter (He et al., 2013, equations 5 and 6). `planes`: a tile of each, and `reach` that
    of its windows (at most 4). What two planes have in common is reckoned once.
    """

    def __init__(self, planes: dict[str, Run], reach: int) -> None:
        self._reach, self._count = reach, (2 * reach + 1) ** 2
        self._stride = next(iter(planes.values())).stride
        self._planes = {name: run.of(reach=reach).astype(np.int32) - np.int32(_MIDDLE) for name, run in planes.items()}
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
            products = box(self._planes[one] * self._planes[two], self._stride, self._reach)
            products *= np.int32(self._count)
            products -= self._sum(one) * self._sum(two)
            self._products[names] = products.astype(np.float32)
        return self._products[names]

    def _move(self, name: str) -> Float:
        """How far samples are above their window's mean, times its samples."""
        margin = self._reach * (self._stride + 1)
        return (self._planes[name][margin:-margin] * np.int32(self._count) - self._sum(name)).astype(np.float32)

    def _sum(self, name: str) -> Int32:
        if name not in self._sums:
            self._sums[name] = box(self._planes[name], self._stride, self._reach)
        return self._sums[name]
