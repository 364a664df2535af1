"""Least squares with a price: the whole weights that lower an error most for the bits they take, one step at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.nirvana.filters.model import LIMIT, Int32, Layout

Double = NDArray[np.float64]

_STEPS = 1000
_REVIEW = 8  # steps after which the price of symbols is reckoned again
_LEARNING = 3.0  # bits that a context takes until its counts are right
_FIRST = 1.5  # weights that counts begin with


@dataclass
class Moments:
    """Of features and what a filter should change: `products` [N, N], `wishes` [N], the error, all over `count`."""

    products: Double
    wishes: Double
    error: float
    count: int


def whole(layout: Layout, parts: list[Moments]) -> Moments:
    """Of all weights of a layout, from those of each class."""
    if layout.rows == 1:
        return parts[0]
    size = layout.features
    products, wishes = np.zeros((layout.count, layout.count)), np.zeros(layout.count)
    for row, part in enumerate(parts, 1):
        own = slice(row * size, (row + 1) * size)
        products[own, own] = part.products
        products[:size, own] = products[own, :size] = part.products
        products[:size, :size] += part.products
        wishes[own] = part.wishes
        wishes[:size] += part.wishes
    return Moments(products, wishes, sum(p.error for p in parts), sum(p.count for p in parts))


def solve(
    moments: Moments, contexts: NDArray[np.intp], scale: Double, reference: Int32, price: float
) -> tuple[Int32, float, float]:
    """Whole weights near the least of ln(error) + `price` x bits, the change of ln(error) by them and their bits.

    `scale`: what a step of each weight is worth. From `reference` on, whose differences are what is coded.
    """
    products = moments.products * np.outer(scale, scale)
    power = np.diag(products) + 1e-6 * moments.count
    weights = reference.astype(np.float64)
    slope = products @ weights - moments.wishes * scale  # half the gradient
    error = moments.error + float(weights @ (slope - moments.wishes * scale))
    tables = _prices(contexts, np.zeros(len(weights)))
    floor = 1e-6 * max(moments.error, 1.0)
    for step in range(_STEPS):
        coded = weights - reference
        if step and step % _REVIEW == 0:
            tables = _prices(contexts, coded)
        now = _look_up(tables, contexts, coded)
        best: tuple[float, int, float] | None = None
        near = np.rint(weights - slope / power)
        for target in (near, reference.astype(np.float64), weights + 1, weights - 1):
            candidate: Double = np.clip(target, -LIMIT, LIMIT)
            move = candidate - weights
            gain = (2 * slope * move + power * move * move) / max(error, floor)
            gain += price * (_look_up(tables, contexts, candidate - reference) - now)
            at = int(np.argmin(gain))
            if best is None or gain[at] < best[0]:
                best = float(gain[at]), at, float(move[at])
        assert best is not None
        if best[0] > -1e-6:
            break
        _, at, moved = best
        error += 2 * float(slope[at]) * moved + float(products[at, at]) * moved * moved
        slope += products[:, at] * moved
        weights[at] += moved
    coded = weights - reference
    cost = _look_up(_prices(contexts, coded), contexts, coded).sum() + _LEARNING * (contexts.max() + 1)
    change = np.log(max(error, floor) / max(moments.error, floor))
    return weights.astype(np.int32), float(change), float(cost)


def _prices(contexts: NDArray[np.intp], coded: Double) -> Double:
    """Bits of the magnitudes 0 to 2 LIMIT in each context, [contexts, ...], as these weights leave its counts."""
    count = int(contexts.max()) + 1
    sizes, others = np.bincount(contexts, minlength=count), np.bincount(contexts, coded != 0, count)
    beyond = np.bincount(contexts, np.maximum(np.abs(coded) - 1, 0), count)
    used = ((others + _FIRST * 0.25) / (sizes + _FIRST))[:, None]
    longer = ((beyond + _FIRST / 2) / (beyond + others + _FIRST))[:, None]
    rest = 1 - np.log2(used * (1 - longer)) - np.arange(2 * LIMIT) * np.log2(longer)
    return np.concatenate([-np.log2(1 - used), rest], 1)


def _look_up(tables: Double, contexts: NDArray[np.intp], coded: Double) -> Double:
    return tables[contexts, np.abs(coded).astype(np.intp)]
