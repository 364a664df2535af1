"""Bjontegaard delta rate: the mean difference in rate at equal quality, over the common range of quality."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def _slopes(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Derivatives of the monotone cubic (PCHIP, Fritsch-Carlson) interpolant at the knots."""
    h, d = np.diff(x), np.diff(y) / np.diff(x)
    if len(x) == 2:
        return np.array([d[0], d[0]])
    w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    same = d[1:] * d[:-1] > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = np.where(same, (w1 + w2) / (w1 / d[:-1] + w2 / d[1:]), 0.0)

    def end(h0: float, h1: float, d0: float, d1: float) -> float:
        s = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1)
        if s * d0 <= 0:
            return 0.0
        return 3 * d0 if d0 * d1 < 0 and abs(s) > 3 * abs(d0) else s

    return np.array([end(h[0], h[1], d[0], d[1]), *inner, end(h[-1], h[-2], d[-1], d[-2])])


def _integral(x: NDArray[np.float64], y: NDArray[np.float64], lo: float, hi: float) -> float:
    """Exact integral of the PCHIP interpolant from lo to hi, both inside the knots."""
    m, h = _slopes(x, y), np.diff(x)
    total = 0.0
    for i, width in enumerate(h):
        a, b = (np.clip([lo, hi], x[i], x[i + 1]) - x[i]) / width
        # Cubic in t with values y and slopes m at the ends.
        c = [
            y[i],
            width * m[i],
            3 * (y[i + 1] - y[i]) - width * (2 * m[i] + m[i + 1]),
            2 * (y[i] - y[i + 1]) + width * (m[i] + m[i + 1]),
        ]
        total += width * sum(ck / (k + 1) * (b ** (k + 1) - a ** (k + 1)) for k, ck in enumerate(c))
    return float(total)


def bd_rate(bpp: ArrayLike, quality: ArrayLike, ref_bpp: ArrayLike, ref_quality: ArrayLike) -> float | None:
    """BD-rate in per cent of a curve against a reference: negative saves bits. None where they don't overlap.

    PCHIP of ln(bpp) over quality (dB), as VCEG-M33 with the interpolation of JCTVC-E137.

    >>> round(bd_rate([0.1, 0.2, 0.4], [28, 31, 34], [0.2, 0.4, 0.8], [28, 31, 34]), 6)
    -50.0
    """
    curves = []
    for r, q in ((bpp, quality), (ref_bpp, ref_quality)):
        x, first = np.unique(np.asarray(q, dtype=np.float64), return_index=True)
        if len(x) < 2:
            return None
        curves.append((x, np.log(np.asarray(r, dtype=np.float64)[first])))
    lo, hi = max(c[0][0] for c in curves), min(c[0][-1] for c in curves)
    if hi <= lo:
        return None
    ours, ref = (_integral(x, y, lo, hi) for x, y in curves)
    return float(np.expm1((ours - ref) / (hi - lo)) * 100)
