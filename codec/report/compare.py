"""Codecs against an anchor: BD-rates with intervals, and the rates at which they do as well."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from codec.evaluate.plan import ORIGINAL
from codec.metrics.statistics import BD, POINTS, bd_rate_by_score, bd_rate_of, bd_rates_of, pooled, rate_at
from codec.report.curves import Curves, family
from codec.report.measures import Float, Measure
from codec.report.published import Published

RESAMPLES = 400  # of BD-rates, which take far longer than means
TARGETS = (0.99, 0.97, 0.95)  # of the uncompressed score


@dataclass(frozen=True)
class Comparison:
    """A codec's BD-rate by one measure in per cent, None where it is refused: `why`. `low` and `high`: its interval,
    nan without items to draw from; `overlap`: the values that it is over; `points`: of the curve that has fewer."""

    codec: str
    value: float | None
    low: float
    high: float
    overlap: tuple[float, float]
    why: str
    points: int

    @property
    def thin(self) -> bool:
        """Whether it stands on fewer points than common test conditions ask for."""
        return self.value is not None and self.points < POINTS


def bd_rates(curves: Curves, published: Sequence[Published]) -> dict[str, list[Comparison]]:
    """By anchor, which each codec and published curve is once: all others that have a curve against it."""
    known = {codec: _line(curves, codec) for codec in curves.points}
    for p in published:
        line = p.curves.get(curves.measure.name, [])
        if line and p.name not in known:
            known[p.name] = np.array([rate for rate, _ in line]), np.array([v for _, v in line])
    drawn = _Draws(curves)
    found: dict[tuple[str, str], Comparison] = {}
    for codec, anchor in combinations(known, 2):
        bd = _bd(curves, known[codec], known[anchor], None if curves.top is None else curves.top[0])
        draws = drawn.bd_rates(codec, anchor) if bd.value is not None else np.zeros(0)
        found[codec, anchor] = _comparison(curves, codec, bd, draws)
        # The other way round it is the inverse ratio.
        back = bd._replace(value=None if bd.value is None else float(_inverse(np.array(bd.value))))
        found[anchor, codec] = _comparison(curves, anchor, back, _inverse(draws))
    return {anchor: [found[codec, anchor] for codec in known if codec != anchor] for anchor in known}


def _inverse(percent: Float) -> Float:
    with np.errstate(divide="ignore"):
        found: Float = 100 * (1 / (1 + percent / 100) - 1)
    return found


def _line(curves: Curves, codec: str) -> tuple[Float, Float]:
    points = curves.points[codec]
    return np.array([p.rate for p in points]), np.array([p.value for p in points])


def _bd(curves: Curves, ours: tuple[Float, Float], anchor: tuple[Float, Float], top: float | None) -> BD:
    """`top`: the score of the uncompressed files."""
    measure = curves.measure
    (rate, value), (ref_rate, ref_value) = ours, anchor
    quality, ref_quality = _quality(measure, value), _quality(measure, ref_value)
    if measure.task:
        best = None if top is None else measure.quality(top)
        return bd_rate_by_score(rate, quality, ref_rate, ref_quality, best)
    return bd_rate_of(rate, quality, ref_rate, ref_quality)


def _quality(measure: Measure, values: Float) -> Float:
    return np.array([measure.quality(float(v)) for v in values.ravel()]).reshape(values.shape)


def _comparison(curves: Curves, codec: str, bd: BD, draws: Float) -> Comparison:
    low, high = _interval(draws)
    why = bd.why if bd.value is None else ""
    if bd.value is None and bd.high <= bd.low:
        why = "curves don't overlap"
    ends = (bd.low, bd.high) if curves.measure.key.higher_is_better else (-bd.high, -bd.low)
    return Comparison(codec, bd.value, low, high, ends, why, bd.points)


def _interval(draws: Float) -> tuple[float, float]:
    """95 % of the BD-rates of draws; nan where there are none."""
    some = draws[np.isfinite(draws)]
    # Where many draws have no BD-rate, the others are not a sample of it.
    if not len(some) or len(some) < 0.9 * RESAMPLES:
        return math.nan, math.nan
    low, high = np.percentile(some, [2.5, 97.5])
    return float(low), float(high)


class _Draws:
    """Codecs' curves over resampled files, the same ones for all of them."""

    def __init__(self, curves: Curves) -> None:
        self._curves, n = curves, len(curves.files)
        self._drawn = np.random.default_rng(0).integers(n, size=(RESAMPLES, n)) if n > 1 else None
        self._lines: dict[str, tuple[Float, Float]] = {}
        self._tops: list[float | None] = [None] * RESAMPLES  # of each draw the score of its uncompressed files
        if self._drawn is not None and ORIGINAL in curves.items:
            self._tops = pooled(curves.items[ORIGINAL][self._drawn], curves.measure.key.pool).tolist()

    def bd_rates(self, codec: str, anchor: str) -> Float:
        """Those of each draw, nan where there is none; of nothing if the files say nothing of one of the two."""
        if self._drawn is None or not {codec, anchor} <= set(self._curves.points):
            return np.zeros(0)
        lines = *self._line(codec), *self._line(anchor)
        if not self._curves.measure.task:
            return bd_rates_of(*lines)
        found = (
            _bd(self._curves, (r, v), (ref_r, ref_v), top).value
            for r, v, ref_r, ref_v, top in zip(*lines, self._tops, strict=True)
        )
        return np.array([math.nan if value is None else value for value in found])

    def _line(self, codec: str) -> tuple[Float, Float]:
        """Rates and values of a codec's points for every draw, [draws, points] each; of metrics quality for values."""
        if codec not in self._lines:
            curves, drawn, measure = self._curves, self._drawn, self._curves.measure
            specs = [spec for spec in curves.items if family(spec) == codec]
            rates = np.stack([curves.rates[s][drawn].mean(1) for s in specs], 1)
            values = np.stack([pooled(curves.items[s][drawn], measure.key.pool) for s in specs], 1)
            self._lines[codec] = rates, values if measure.task else _quality(measure, values)
        return self._lines[codec]


@dataclass(frozen=True)
class Equal:
    """The rate at which a codec keeps `share` of the uncompressed score; None where `why` says it is beyond its
    points. `saving`: the change in per cent against the anchor's rate."""

    codec: str
    share: float
    score: float
    rate: float | None
    why: str
    saving: float | None


def equal_quality(curves: Curves, anchor: str) -> list[Equal]:
    """Rates at TARGETS of the uncompressed score, for scores of which a share can be taken."""
    accuracy = _accuracy(curves.measure)
    if curves.top is None or accuracy is None or not accuracy(curves.top[0]) > 0:
        return []
    found = []
    for share in TARGETS:
        target = share * accuracy(curves.top[0])
        rates = {}
        for codec in curves.points:
            rate, value = _line(curves, codec)
            rates[codec] = rate_at(rate, [accuracy(float(v)) for v in value], target)
        base = rates.get(anchor, (None, ""))[0]
        for codec, (at, why) in rates.items():
            saving = None if at is None or base is None or codec == anchor else 100 * (at / base - 1)
            # `accuracy` is its own inverse.
            found.append(Equal(codec, share, accuracy(target), at, why, saving))
    return found


def _accuracy(measure: Measure) -> Callable[[float], float] | None:
    """The score as a share of what could be right: an error rate is turned round; None for scores without a most."""
    if measure.key.higher_is_better:
        return lambda value: value
    return (lambda value: 1 - value) if measure.key.pool == "ratio" else None
