"""Sums over windows of samples, and what adaptive smoothing makes of them: one IEEE operation at a time.

Sums are whole numbers. A quotient is one correctly rounded division of whole numbers, then rounded to a whole number:
numpy fuses no two operations, so it comes out alike on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.nirvana.filters.frames import Float

Int32 = NDArray[np.int32]


def box(values: np.ndarray, reach: int) -> np.ndarray:
    """Sums over windows of 2 reach + 1 rows and columns; the result is smaller by `reach` on each side."""
    return _along_rows(_along_rows(values, 2 * reach + 1).T, 2 * reach + 1).T


def _along_rows(values: np.ndarray, length: int) -> np.ndarray:
    """Sums of `length` rows from each one on, by doubling."""
    total, have = None, 0  # the sum of the first `have` rows of each window
    power, size = values, 1
    rows = values.shape[0] - length + 1
    while length:
        if length & size:
            part = power[have : have + rows]
            total = part if total is None else total + part
            have += size
            length -= size
        if length:
            power = power[:-size] + power[size:]
            size *= 2
    assert total is not None
    return total


def smoothing(y: Int32, reach: int, strengths: tuple[int, ...], out: list[Float | None]) -> None:
    """Where adaptive smoothing (Lee, 1980) moves samples, in quarters, for several noise variances.

    `y`: int32 samples less 512, with `reach` more on each side. The result for a variance e of the noise (in units of
    10 bits) and a window's mean m and variance s is 4 (m - y) e / (s + e). None in `out`: not wanted.
    """
    count = (2 * reach + 1) ** 2
    inner = slice(reach, -reach)
    first = box(y, reach)
    variance = (box(y * y, reach) * count - first * first).astype(np.float32)  # below 2^31; times count^2
    move = (first - y[inner, inner] * count).astype(np.float32)  # below 2^24; times count
    for strength, result in zip(strengths, out, strict=True):
        if result is not None:
            np.add(variance, np.float32(strength * count * count), out=result)
            np.divide(move, result, out=result)
            np.multiply(result, np.float32(4 * strength * count), out=result)
            np.rint(result, out=result)


def guidance(values: Float, guide: Float, reach: int, noise: int) -> Float:
    """What a plane lacks to being, around each sample, a linear function of another plane, in quarters.

    The first stage of a guided filter (He et al., 2013, equations 5 and 6). Both planes with `reach` more on each side;
    `noise`: the variance below which the guide counts as flat, in units of 10 bits.
    """
    count = (2 * reach + 1) ** 2
    inner = slice(reach, -reach)
    p, i = (np.subtract(plane, 512).astype(np.int32) for plane in (values, guide))
    p1, i1 = box(p, reach), box(i, reach)
    # 17 x 17 x 2^18 is below 2^31; times 17 x 17 it is not.
    ii, ip, p1, i1 = (part.astype(np.float64) for part in (box(i * i, reach), box(i * p, reach), p1, i1))
    slope = (ip * count - i1 * p1) / (ii * count - i1 * i1 + float(noise * count * count))
    slope = np.rint(slope * 256)  # at most 2^22: a covariance is at most 2^9 times the guide's deviation
    lack = slope * (i[inner, inner] * count - i1) + 256 * (p1 - p[inner, inner] * count)
    return np.clip(np.rint(lack / float(64 * count)), -4096, 4096).astype(np.float32)
