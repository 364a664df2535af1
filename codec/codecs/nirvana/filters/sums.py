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
        self._stride, self._reach, self._noise = run.stride, reach, noise
        self._samples = run.of(reach=reach) - np.int16(_MIDDLE)
        self._squares = np.square(self._samples, dtype=np.int32)

    def moves(self, reach: int, out: Float) -> None:
        """For windows of `reach`, in `out`."""
        count = (2 * reach + 1) ** 2
        margin = (self._reach - reach) * (self._stride + 1)
        part = slice(margin, -margin or None)
        sums = _sums(self._samples[part], self._stride, reach)
        variance = box(self._squares[part], self._stride, reach)
        variance *= np.int32(count)
        variance -= np.square(sums)  # below 2^31; times count^2
        margin = self._reach * (self._stride + 1)
        first = _less(sums, self._samples[margin:-margin], count)
        np.add(variance.astype(np.float32), np.float32(self._noise * count * count), out=out)
        np.divide(first, out, out=out)
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
        self._planes = {name: run.of(reach=reach) - np.int16(_MIDDLE) for name, run in planes.items()}
        self._sums: dict[str, Int32] = {}
        self._moves: dict[str, Float] = {}
        self._products: dict[tuple[str, ...], Float] = {}

    def lack(self, name: str, guide: str, noise: int) -> Float:
        """What a plane lacks to one like `guide`; `noise`: a variance below which that is flat, in units of 10 bits."""
        slope = self._covariance(guide, guide) + np.float32(noise * self._count**2)
        np.divide(self._covariance(name, guide), slope, out=slope)
        # In 1/256, at most 2^13: a covariance is at most 2^9 times the guide's deviation.
        np.rint(np.multiply(slope, np.float32(256), out=slope), out=slope)
        slope *= self._move(guide)
        slope -= self._move(name) * np.float32(256)
        slope *= np.float32(-1 / (64 * self._count))  # with the sign that the moves lack; exact but for one rounding
        np.rint(slope, out=slope)
        return np.clip(slope, np.float32(-4096), np.float32(4096), out=slope)

    def _covariance(self, *names: str) -> Float:
        """The covariance of two planes, times the samples of a window, squared: below 2^31."""
        one, two = names = tuple(sorted(names))
        if names not in self._products:
            products = box(np.multiply(self._planes[one], self._planes[two], dtype=np.int32), self._stride, self._reach)
            products *= np.int32(self._count)
            products -= self._sum(one) * self._sum(two)
            self._products[names] = products.astype(np.float32)
        return self._products[names]

    def _move(self, name: str) -> Float:
        """How far a window's mean is above samples, times its samples."""
        if name not in self._moves:
            margin = self._reach * (self._stride + 1)
            self._moves[name] = _less(self._sum(name), self._planes[name][margin:-margin], self._count)
        return self._moves[name]

    def _sum(self, name: str) -> Int32:
        if name not in self._sums:
            self._sums[name] = _sums(self._planes[name], self._stride, self._reach)
        return self._sums[name]


def _sums(samples: Int16, stride: int, reach: int) -> Int32:
    """Sums of samples less _MIDDLE over windows: in 16 bits on the way, where these hold them."""
    small = (2 * reach + 1) ** 2 * _MIDDLE < 1 << 15
    return box(samples if small else samples.astype(np.int32), stride, reach).astype(np.int32, copy=False)


def _less(sums: Int32, samples: Int16, count: int) -> Float:
    """Sums less `count` times the samples in their middle: below 2^24."""
    return (sums - np.multiply(samples, count, dtype=np.int32)).astype(np.float32)
