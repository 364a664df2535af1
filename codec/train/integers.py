"""Trained layers as the integers that codecs run, whose sums stay exact in float32.

Each hidden channel is scaled so that 10 bits hold all but a ten-thousandth of its values on sample pictures; each
row of weights then gets the largest power of two for which no sum can reach the bound.
"""

import numpy as np
from numpy.typing import NDArray

from codec.codecs.networks import BOUND

QUANTILE = 0.9999  # of a channel's values on sample pictures, to which its 10 bits are scaled
LARGEST_WEIGHT = 2**15 - 1

Float = NDArray[np.float64]
Tensors = dict[str, NDArray[np.int32]]


def quantised(name: str, weight: Float, bias: Float, largest: NDArray[np.int64]) -> Tensors:
    """A layer's weight [out, in], bias [out] or [places, out], and shift [out], all whole numbers.

    `largest` [in]: of what comes in. Rows are scaled by the largest powers of two that keep every sum below the bound;
    floors become roundings.
    """
    bias = bias + 0.5
    reach = np.abs(weight) @ largest + np.abs(bias).reshape(-1, len(weight)).max(0)
    # Rounding may add half a unit for every input.
    room = BOUND - 1 - (largest.sum() + 1) / 2
    peak = np.maximum(np.abs(weight).max(1), 1e-9)
    shift = np.floor(np.log2(np.minimum(room / reach, LARGEST_WEIGHT / peak))).clip(-24, 24).astype(np.int32)
    return {
        f"{name}.weight": np.rint(np.ldexp(weight, shift[:, None])).astype(np.int32),
        f"{name}.bias": np.rint(np.ldexp(bias, shift)).astype(np.int32),
        f"{name}.shift": shift,
    }
