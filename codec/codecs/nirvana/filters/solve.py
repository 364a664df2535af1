"""Least squares with a price: the whole weights that lower an error most for the bits that they take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.codecs.nirvana.filters.model import LIMIT, Int32, Layout

Double = NDArray[np.float64]

_STEPS = 1000
_REVIEW = 8  # steps after which the price of symbols is reckoned again
_ROUNDS = 8  # of weighted least squares
_BEND = 2.0  # bits that a weight takes more where it is e times as large
_SMALL = 0.1  # a weight squared that counts as none
_LEARNING = 3.0  # bits that a context takes until its counts are right
_FIRST = 1.5  # weights that counts begin with


@dataclass
class Moments:
    """Sums over features and the changes wished for: `products` [N, N], `wishes` [N], the error, all over `count`."""

    products: Double
    wishes: Double
    error: float
    count: int


def whole(layout: Layout, parts: list[Moments]) -> Moments:
    """Moments of all weights of a layout, from those of each class."""
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

    `scale`: what a step of each weight is worth. Differences to `reference` are what is coded.
    """
    task = _Task(moments, contexts, scale, reference.astype(np.float64), price)
    found = [task.polished(start) for start in (task.reference, task.relaxed())]
    weights, change, bits = min(found, key=lambda made: made[1] + price * made[2])
    return weights.astype(np.int32), change, bits


class _Task:
    """One least squares problem with a price."""

    def __init__(
        self, moments: Moments, contexts: NDArray[np.intp], scale: Double, reference: Double, price: float
    ) -> None:
        self.reference = reference
        self._contexts, self._price = contexts, price
        self._products = moments.products * np.outer(scale, scale)
        self._wishes = moments.wishes * scale
        self._power = np.diag(self._products) + 1e-6 * moments.count
        self._before = max(moments.error, 1.0)

    def _error(self, weights: Double) -> float:
        error = self._before + float(weights @ (self._products @ weights - 2 * self._wishes))
        return max(error, 1e-6 * self._before)

    def relaxed(self) -> Double:
        """A start for `polished`: weights that needn't be whole, by least squares weighted anew a few times.

        A weight's bits grow with the logarithm of its magnitude, which a parabola through it stands for each time.
        """
        penalty = 1e-3 * self._power
        weights = self.reference
        for _ in range(_ROUNDS):
            wishes = self._wishes + penalty * self.reference
            weights = np.linalg.solve(self._products + np.diag(penalty + 1e-9 * self._power), wishes)
            bend = _BEND / (np.square(weights - self.reference) + _SMALL)
            penalty = self._price * self._error(weights) * bend
        return np.clip(np.rint(weights), -LIMIT, LIMIT)

    def polished(self, weights: Double) -> tuple[Double, float, float]:
        """The weights after one step at a time, each the one that gains most; the change of ln(error), and bits."""
        weights = weights.copy()
        slope = self._products @ weights - self._wishes  # half the gradient
        error = self._error(weights)
        for step in range(_STEPS):
            coded = weights - self.reference
            if step % _REVIEW == 0:
                prices = _prices(self._contexts, coded)
            now = _look_up(prices, self._contexts, coded)
            best: tuple[float, int, float] | None = None
            near = np.rint(weights - slope / self._power)
            for target in (near, self.reference, weights + 1, weights - 1):
                candidate: Double = np.clip(target, -LIMIT, LIMIT)
                move = candidate - weights
                gain = (2 * slope * move + self._power * move * move) / error
                gain += self._price * (_look_up(prices, self._contexts, candidate - self.reference) - now)
                at = int(np.argmin(gain))
                if best is None or gain[at] < best[0]:
                    best = float(gain[at]), at, float(move[at])
            assert best is not None
            if best[0] > -1e-6:
                break
            _, at, moved = best
            weights[at] += moved
            slope += self._products[:, at] * moved
            error = self._error(weights)
        coded = weights - self.reference
        bits = _look_up(_prices(self._contexts, coded), self._contexts, coded).sum()
        bits += _LEARNING * (self._contexts.max() + 1)
        return weights, float(np.log(error / self._before)), float(bits)


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
