"""Does a similarity metric tell what a machine still sees? Rank correlations, over settings and within each.

Over the means of settings nearly everything correlates, since all of it rises with rate. The harder question is
asked within one setting: which of its items suffered?
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from codec.evaluate.plan import ORIGINAL
from codec.evaluate.rows import Row
from codec.evaluate.summary import fields, metric_keys, scored, table, task_keys
from codec.metrics import lower_is_better
from codec.metrics.statistics import pooled

Float = NDArray[np.float64]


def ranks(values: Float) -> Float:
    """Ranks from 1, equal values sharing their mean.

    >>> ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: Float = (ends - (counts - 1) / 2)[inverse]
    return means


def spearman(a: Float, b: Float) -> float | None:
    """Rank correlation, -1 to 1; None for fewer than three pairs or where one side is all equal."""
    if len(a) < 3 or len(np.unique(a)) == 1 or len(np.unique(b)) == 1:
        return None
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def correlations(rows: Iterable[Row]) -> list[Row]:
    """A row for each metric and score: `settings`, over the means of all settings, and `within`, the mean over
    settings of the correlation over items; both are positive where a better metric goes with a better score."""
    found = table(rows)
    coded = [codec for codec in found if codec != ORIGINAL]
    result = []
    for task, key in task_keys(found):
        chosen = scored(found, task, key)
        if len(coded) < 3 or not chosen.any():
            continue
        scores = {codec: fields(found, codec, task, key)[chosen] for codec in coded}
        better = 1 if key.higher_is_better else -1
        for metric in metric_keys(found):
            values = {codec: _metric(found[codec].values(), metric)[chosen] for codec in coded}
            means = np.array([v.mean() for v in values.values()])
            if np.isnan(means).any():
                continue
            sign = better * (-1 if lower_is_better(metric) else 1)
            total = np.array([float(pooled(s, key.pool)) for s in scores.values()])
            each = [spearman(values[c], _each(scores[c], key.pool)) for c in coded]
            inside = [e for e in each if e is not None]
            row: Row = {
                "task": task,
                "score": key.name,
                "metric": metric,
                "settings": _signed(spearman(means, total), sign),
            }
            row["within"] = _signed(float(np.mean(inside)), sign) if inside else None
            result.append(row)
    return result


def _metric(rows: Iterable[Row], name: str) -> Float:
    return np.array([np.nan if row.get(name) is None else row[name] for row in rows], np.float64)


def _each(values: Float, pool: str) -> Float:
    """The score of every item by itself; an item in which nothing is counted has 0."""
    return np.nan_to_num(pooled(values[:, None, :], pool))


def _signed(value: float | None, sign: int) -> float | None:
    return None if value is None else round(sign * value, 3)
