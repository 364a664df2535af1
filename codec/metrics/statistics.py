"""What a table of scores may claim: intervals, paired tests, rates at a score, and BD-rates by any score.

Everything is paired over items: the same pictures, coded and not. Scores here are such that higher is better.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codec.metrics.bdrate import bd_rate, bd_rates

Float = NDArray[np.float64]

RESAMPLES = 2000
SATURATED = 0.002  # of a score: above the uncompressed one less this, a curve is noise
POINTS, OVERLAP = 4, 0.5  # that a BD-rate by a task's score needs: points of each curve, share of the narrower range


class BD(NamedTuple):
    """A BD-rate in per cent, None where it is refused; the interval of scores it is over; why it is refused.
    `points`: the different ones of the curve that has fewer."""

    value: float | None
    low: float
    high: float
    why: str = ""
    points: int = 0


def pooled(fields: Float, pool: str) -> Float:
    """The score of items [..., n, k]: [...]; nan where nothing is counted.

    `pool` as codec.tasks.base.Key has it; of "iou" k is all intersections, then all unions.

    >>> float(pooled(np.array([[1.0, 4.0], [0.0, 6.0]]), "ratio"))
    0.1
    """
    if pool == "mean":
        means: Float = fields[..., 0].mean(-1)
        return means
    sums = fields.sum(-2)
    if pool == "iou":
        half = sums.shape[-1] // 2
        with np.errstate(invalid="ignore", divide="ignore"):
            each = sums[..., :half] / sums[..., half:]
        return np.asarray(np.nansum(each, -1) / np.isfinite(each).sum(-1))
    counted = sums[..., 1::2] > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = sums[..., 0::2] / sums[..., 1::2]
    if pool == "ratio":
        return np.asarray(ratios[..., 0])
    # F: nothing found, or nothing of it right, is 0; where there was nothing to find either there is no score.
    precision, recall = np.moveaxis(np.where(counted, ratios, 0.0), -1, 0)
    both = precision + recall
    f = 2 * precision * recall / np.where(both > 0, both, 1.0)
    return np.asarray(np.where(counted.any(-1), f, np.nan))


def interval(
    coded: ArrayLike, reference: ArrayLike | None, pool: str, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float, float]:
    """A score over items with its 95 % bootstrap interval: (score, low, high).

    `coded` [n, k]: the k fields of n items. With `reference` [n, k], those of the same items uncompressed, it is
    the difference coded - reference, the same items drawn for both.
    """
    values = np.asarray(coded, np.float64)
    base = None if reference is None else np.asarray(reference, np.float64)

    def score(rows: NDArray[np.int64]) -> Float:
        result = pooled(values[rows], pool)
        return result if base is None else result - pooled(base[rows], pool)

    n = len(values)
    drawn = score(np.random.default_rng(seed).integers(n, size=(resamples, n)))
    found = drawn[np.isfinite(drawn)]
    low, high = np.percentile(found, [2.5, 97.5]) if len(found) else (math.nan, math.nan)
    return float(score(np.arange(n))), float(low), float(high)


def mcnemar(before: ArrayLike, after: ArrayLike) -> tuple[int, int, float]:
    """McNemar's test of which items are right before and after: (right to wrong, wrong to right, exact two-sided p).

    >>> mcnemar([1, 1, 1, 0], [1, 0, 0, 1])
    (2, 1, 1.0)
    """
    b, a = np.asarray(before, bool), np.asarray(after, bool)
    lost, won = int((b & ~a).sum()), int((~b & a).sum())
    n = lost + won
    tail = sum(math.comb(n, i) for i in range(min(lost, won) + 1)) / 2**n
    return lost, won, min(1.0, 2 * tail)


def isotonic(scores: ArrayLike) -> Float:
    """The closest curve, by least squares, that never falls (pool adjacent violators).

    >>> isotonic([1, 3, 2, 4]).tolist()
    [1.0, 2.5, 2.5, 4.0]
    """
    groups: list[tuple[float, int]] = []
    for value in np.asarray(scores, np.float64):
        groups.append((float(value), 1))
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (a, m), (b, n) = groups[-2:]
            groups[-2:] = [((a * m + b * n) / (m + n), m + n)]
    return np.repeat([g[0] for g in groups], [g[1] for g in groups])


def rate_at(rates: ArrayLike, scores: ArrayLike, target: float) -> tuple[float | None, str]:
    """The rate at which a curve reaches a score, between its points in log-rate; never beyond them.

    (rate, ""), or (None, "> RATE") where even the last point is below, (None, "< RATE") where the first is above.
    """
    x, y = _sorted(rates, scores)
    y = isotonic(y)
    if y[-1] < target:
        return None, f"> {x[-1]:.3g}"
    if y[0] > target:
        return None, f"< {x[0]:.3g}"
    at = int(np.searchsorted(y, target))  # y[at] is the first that isn't below it
    if y[at] == target or at == 0:
        return float(x[at]), ""
    share = (target - y[at - 1]) / (y[at] - y[at - 1])
    return float(np.exp(np.log(x[at - 1]) + share * np.log(x[at] / x[at - 1]))), ""


def bd_rate_of(rates: ArrayLike, quality: ArrayLike, ref_rates: ArrayLike, ref_quality: ArrayLike) -> BD:
    """BD-rate by a metric that rises with rate; refused where curves don't overlap. Infinite quality is left out."""
    ours, ref = (_finite(*_sorted(r, q)) for r, q in ((rates, quality), (ref_rates, ref_quality)))
    return _compared(ours, ref, points=2, overlap=0.0)


def bd_rates_of(rates: Float, quality: Float, ref_rates: Float, ref_quality: Float) -> Float:
    """The same of many pairs of curves, [n, points] each: [n], nan where `bd_rate_of` refuses."""
    sides = []
    for r, q in ((rates, quality), (ref_rates, ref_quality)):
        order = np.argsort(q, 1, kind="stable")
        sides.append([np.take_along_axis(v, order, 1) for v in (r, q)])
    found = np.full(len(rates), np.nan)
    # Those without equal and infinite qualities all at once, the others one by one.
    with np.errstate(invalid="ignore"):
        plain = np.all([np.isfinite(q).all(1) & (np.diff(q) > 0).all(1) & (q.shape[1] > 1) for _, q in sides], 0)
    if plain.any():
        found[plain] = bd_rates(*(v[plain] for side in sides for v in side))
    for i in np.flatnonzero(~plain):
        value = bd_rate_of(rates[i], quality[i], ref_rates[i], ref_quality[i]).value
        found[i] = np.nan if value is None else value
    return found


def bd_rate_by_score(
    rates: ArrayLike, scores: ArrayLike, ref_rates: ArrayLike, ref_scores: ArrayLike, top: float | None
) -> BD:
    """BD-rate by a task's score, which is noisy: curves are made monotone and lose what is as good as uncompressed.

    `top`: the uncompressed score, if known. Refused with fewer than four points left, or where the curves share
    less than half of the narrower one's range.
    """

    def curve(r: ArrayLike, s: ArrayLike) -> tuple[Float, Float]:
        x, y = _finite(*_sorted(r, s))
        y = isotonic(y)
        keep = np.ones(len(y), bool) if top is None else y <= top - SATURATED
        return x[keep], y[keep]

    return _compared(curve(rates, scores), curve(ref_rates, ref_scores), points=POINTS, overlap=OVERLAP)


def _compared(ours: tuple[Float, Float], ref: tuple[Float, Float], points: int, overlap: float) -> BD:
    fewest = min(len(np.unique(y)) for _, y in (ours, ref))
    if fewest < points:
        have = {0: "no point", 1: "only 1 point"}.get(fewest, f"only {fewest} different points")
        return BD(None, math.nan, math.nan, f"{have} of a curve to compare, {points} are needed", fewest)
    low, high = max(ours[1].min(), ref[1].min()), min(ours[1].max(), ref[1].max())
    narrower = min(np.ptp(ours[1]), np.ptp(ref[1]))
    if high <= low or high - low < overlap * narrower:
        return BD(None, float(low), float(high), "the curves overlap too little" if overlap else "no overlap", fewest)
    return BD(bd_rate(*ours, *ref), float(low), float(high), points=fewest)


def _sorted(rates: ArrayLike, scores: ArrayLike) -> tuple[Float, Float]:
    x, y = np.asarray(rates, np.float64), np.asarray(scores, np.float64)
    order = np.argsort(x, kind="stable")
    return x[order], y[order]


def _finite(x: Float, y: Float) -> tuple[Float, Float]:
    keep = np.isfinite(y)
    return x[keep], y[keep]
