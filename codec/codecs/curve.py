"""A rising curve through measured points, read either way: what a quality brings, and which quality brings that."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from typing import NamedTuple


class Curve(NamedTuple):
    """Values of qualities, both rising; straight between two, and beyond the ends as from the last two.

    >>> Curve((0, 50, 100), (1, 2, 4)).value(75), Curve((0, 50, 100), (1, 2, 4)).quality(5)
    (3.0, 125.0)
    """

    qualities: Sequence[float]
    values: Sequence[float]

    def value(self, quality: float) -> float:
        """What a quality brings."""
        return _between(quality, self.qualities, self.values)

    def quality(self, value: float) -> float:
        """Which quality brings a value."""
        return _between(value, self.values, self.qualities)


def _between(at: float, places: Sequence[float], values: Sequence[float]) -> float:
    i = min(max(bisect(places, at), 1), len(places) - 1)
    share = (at - places[i - 1]) / (places[i] - places[i - 1])
    return values[i - 1] + share * (values[i] - values[i - 1])
