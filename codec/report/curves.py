"""One measure over the rate: its mean at every setting of every codec, over the files that all of them have."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from codec.evaluate.plan import ORIGINAL
from codec.evaluate.summary import Table, telling
from codec.metrics.statistics import interval, mcnemar, pooled
from codec.report.measures import Float, Measure

Interval = tuple[float, float, float]  # value, low, high


def family(spec: str) -> str:
    """The codec of a spec: `jpeg` of `jpeg:q=10`."""
    return spec.partition(":")[0]


@dataclass(frozen=True)
class Point:
    """A codec at one setting. `change` is against the uncompressed files, paired; then `low` and `high` are the
    uncompressed score plus the interval of the change. `least`, `most`: of single files, nan of a score that is no
    mean of them. `flips`: right to wrong, wrong to right, McNemar's p."""

    spec: str
    rate: float
    value: float
    low: float
    high: float
    least: float = math.nan
    most: float = math.nan
    change: Interval | None = None
    flips: tuple[int, int, float] | None = None


@dataclass(frozen=True)
class Curves:
    """`points` by codec, in order of rate; `top` the score of the uncompressed files; `items` and `rates` by spec:
    what the means are of, [files, fields] and [files]."""

    measure: Measure
    files: list[str]
    top: Interval | None
    points: dict[str, list[Point]]
    items: dict[str, Float]
    rates: dict[str, Float]


def curves(rows: Table, measure: Measure, rate: str) -> Curves:
    """The curves of one measure; without points where no file has it with every codec."""
    values = {spec: measure.values(rows, spec) for spec in rows}
    if not measure.task:
        values.pop(ORIGINAL, None)
    chosen = np.all([~np.isnan(v).any(1) for v in values.values()], 0) if values else np.zeros(0, bool)
    if not measure.task:
        chosen[chosen] = telling({spec: v[chosen, 0] for spec, v in values.items()})
    if not chosen.any():
        return Curves(measure, [], None, {}, {}, {})
    files = [f for f, c in zip(next(iter(rows.values())), chosen, strict=True) if c]
    items = {spec: v[chosen] for spec, v in values.items()}
    rates = {spec: np.array([float(rows[spec][f][rate]) for f in files]) for spec in items}
    base = items.get(ORIGINAL)
    top = None if base is None else interval(base, None, measure.key.pool)
    found: dict[str, list[Point]] = {}
    for spec in items:
        if spec != ORIGINAL:
            found.setdefault(family(spec), []).append(_point(spec, rates[spec], items[spec], base, measure))
    points = {codec: sorted(line, key=lambda p: p.rate) for codec, line in found.items()}
    return Curves(measure, files, top, points, items, rates)


def _point(spec: str, rates: Float, items: Float, base: Float | None, measure: Measure) -> Point:
    pool, rate = measure.key.pool, float(rates.mean())
    ends = (float(items[:, 0].min()), float(items[:, 0].max())) if pool == "mean" else (math.nan, math.nan)
    if base is None:
        return Point(spec, rate, *interval(items, None, pool), *ends)
    top, value = float(pooled(base, pool)), float(pooled(items, pool))
    change = interval(items, base, pool)
    yes_or_no = pool == "mean" and measure.key.higher_is_better and all(np.isin(v, (0, 1)).all() for v in (items, base))
    flips = mcnemar(base[:, 0] == 1, items[:, 0] == 1) if yes_or_no else None
    return Point(spec, rate, value, top + change[1], top + change[2], *ends, change, flips)
