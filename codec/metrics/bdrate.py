"""Bjontegaard delta rate: the mean difference in rate at equal quality, over the common range of quality."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]


def _slopes(x: Float, y: Float) -> Float:
    """Derivatives of the monotone cubic (PCHIP, Fritsch-Carlson) interpolants at the knots, all [..., n]."""
    h, d = np.diff(x), np.diff(y) / np.diff(x)
    if x.shape[-1] == 2:
        return np.concatenate([d, d], -1)
    w1, w2 = 2 * h[..., 1:] + h[..., :-1], h[..., 1:] + 2 * h[..., :-1]
    same = d[..., 1:] * d[..., :-1] > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = np.where(same, (w1 + w2) / (w1 / d[..., :-1] + w2 / d[..., 1:]), 0.0)

    def end(h0: Float, h1: Float, d0: Float, d1: Float) -> Float:
        s = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1)
        steep = (d0 * d1 < 0) & (abs(s) > 3 * abs(d0))
        return np.where(s * d0 <= 0, 0.0, np.where(steep, 3 * d0, s))[..., None]

    first, last = ((h[..., i], h[..., j], d[..., i], d[..., j]) for i, j in ((0, 1), (-1, -2)))
    return np.concatenate([end(*first), inner, end(*last)], -1)


def _integral(x: Float, y: Float, lo: Float, hi: Float) -> Float:
    """Exact integrals [...] of the PCHIP interpolants through x, y [..., n] from lo to hi, both inside the knots."""
    m, h = _slopes(x, y), np.diff(x)
    total = np.zeros(x.shape[:-1])
    for i in range(h.shape[-1]):
        width, left, right = h[..., i], y[..., i], y[..., i + 1]
        a, b = ((np.clip(end, x[..., i], x[..., i + 1]) - x[..., i]) / width for end in (lo, hi))
        # Cubic in t with values y and slopes m at the ends.
        c = [
            left,
            width * m[..., i],
            3 * (right - left) - width * (2 * m[..., i] + m[..., i + 1]),
            2 * (left - right) + width * (m[..., i] + m[..., i + 1]),
        ]
        total += width * sum(ck / (k + 1) * (b ** (k + 1) - a ** (k + 1)) for k, ck in enumerate(c))
    return total


def bd_rates(rates: Float, quality: Float, ref_rates: Float, ref_quality: Float) -> Float:
    """BD-rates in per cent [...] of many pairs of curves, each [..., n], whose qualities rise strictly along the last
    axis; nan where they don't overlap."""
    with np.errstate(divide="ignore", invalid="ignore"):
        curves = (quality, np.log(rates)), (ref_quality, np.log(ref_rates))
    lo = np.maximum(quality[..., 0], ref_quality[..., 0])
    hi = np.minimum(quality[..., -1], ref_quality[..., -1])
    ours, ref = (_integral(x, y, lo, hi) for x, y in curves)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found: Float = np.where(hi > lo, 100 * np.expm1((ours - ref) / (hi - lo)), np.nan)
    return found


def bd_rate(bpp: ArrayLike, quality: ArrayLike, ref_bpp: ArrayLike, ref_quality: ArrayLike) -> float | None:
    """BD-rate in per cent of a curve against a reference: negative saves bits. None where they don't overlap.

    PCHIP of ln(bpp) over quality (dB), as VCEG-M33 with the interpolation of JCTVC-E137.

    >>> round(bd_rate([0.1, 0.2, 0.4], [28, 31, 34], [0.2, 0.4, 0.8], [28, 31, 34]), 6)
    -50.0
    """
    curves: list[Float] = []
    for r, q in ((bpp, quality), (ref_bpp, ref_quality)):
        x, first = np.unique(np.asarray(q, dtype=np.float64), return_index=True)
        if len(x) < 2:
            return None
        curves += [np.asarray(r, dtype=np.float64)[first], x]
    found = float(bd_rates(*curves))
    return None if np.isnan(found) else found
