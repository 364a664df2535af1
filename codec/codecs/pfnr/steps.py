"""The grids that weights lie on: a session has a step for each tensor, eight to an octave.

All steps are whole multiples of 2^-20, so the weights of any sessions are, and sums of them are exact.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FRACTION = 20  # bits of it, of every weight
STEPS = 144  # the largest is 1.875, of a head as well
_OCTAVE = 8


def multiple(number: int) -> int:
    """How many 2^-20 a step has."""
    return (_OCTAVE + number % _OCTAVE) << (number // _OCTAVE)


_SIZES = np.array([math.ldexp(multiple(number), -FRACTION) for number in range(STEPS)])


def step(number: int) -> float:
    """The size of a step."""
    return float(_SIZES[number])


def nearest(size: float) -> int:
    """The number of the step that is nearest to a size, in octaves."""
    return int(np.abs(np.log2(_SIZES) - math.log2(max(size, 1e-30))).argmin())


def reaching(size: float, count: int) -> int:
    """The number of the smallest step of which `count` reach a size."""
    return min(int(np.searchsorted(_SIZES * count, size)), STEPS - 1)


def floats(weights: NDArray[np.int32]) -> NDArray[np.float64]:
    """Weights in 2^-20 as what they stand for."""
    return np.ldexp(weights.astype(np.float64), -FRACTION)
