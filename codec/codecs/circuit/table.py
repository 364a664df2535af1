"""The arrays that kernels work on: compiled code finds them in a table of addresses and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit.network import Layer
from codec.codecs.circuit.packed import Packed

Words = NDArray[np.int64]

SIDES = 4  # of an array, at most
WIDTH = 1 + SIDES  # of a row: where an array stands, and its sides

# What lanes of a wavefront are at, [n, ...].
(
    AT, BOTH, PIXELS, FIRST, ORIGIN, POSTERIOR, WEIGHTS, MU, ENTRY, START, RESULT, INSIDE, OUTSIDE, NEAR, BINS, ROWS,
    FINER,
) = LANES = range(17)  # fmt: skip
# What layers read and write, [n in whole tiles, ...].
X, OWN, FEATURE1, FEATURE2, HIDDEN1, HIDDEN2, LINES, STAGE, HEAD = TILES = range(17, 26)
FAR = 26  # the pmfs of those lanes whose values are outside their windows
# What stays.
NUMBERS, CANVAS, FEATURES, TAPS, AROUND, OWN_TAPS, PAIRS, CORNERS, ACTIVITY, CHANCES, CDF, LIMITS, SCRATCH = range(
    27, 40
)
# The layers, three rows of each. Of a channel its head, what its stage hides, and the line of what it is told.
LAYER_FEATURE1, LAYER_FEATURE2, LAYER_INPUT, LAYER_HIDDEN, LAYER_LINE = LAYERS = range(40, 55, 3)
CHANNEL_HEAD, CHANNEL_HIDDEN, CHANNEL_LINE = range(55, 64, 3)
CHANNEL = 9  # rows of a channel
WEIGHT, BIAS, FACTOR, PLAIN_WEIGHT, PLAIN_BIAS = range(-5, 0)  # kinds of what is in rows of layers

DEPTH, INPUTS, TRUNK, COUNT = range(4)  # of NUMBERS; COUNT is how many lanes are inside their windows

# Steps: from what stands around to inputs; from pixels to features; from inputs to the eighths of the windows, from
# those to values, for values outside the windows; from values to what is told of them.
LOOK, LEARN, CODE, FINE, BEYOND, SETTLE = range(6)

_KINDS: dict[type, dict[int, tuple[int, ...]]] = {
    np.int16: {2: (X, OWN, FEATURE1, FEATURE2, HIDDEN1, HIDDEN2, STAGE, FEATURES), 4: (WEIGHT,)},
    np.int32: {1: (BINS, BIAS)},
    np.int64: {
        1: (AT, START, RESULT, INSIDE, OUTSIDE, NEAR, NUMBERS, TAPS, AROUND, OWN_TAPS, CORNERS),
        2: (MU, ENTRY, PAIRS),
    },
    np.float32: {
        1: (FIRST, ORIGIN, ACTIVITY, FACTOR, PLAIN_BIAS),
        2: (BOTH, PIXELS, ROWS, FINER, LINES, HEAD, FAR, CANVAS, LIMITS, PLAIN_WEIGHT),
    },
    np.float64: {1: (CHANCES, CDF, SCRATCH), 2: (POSTERIOR, WEIGHTS)},
}
KINDS = {row: (kind, sides) for kind, of in _KINDS.items() for sides, rows in of.items() for row in rows}


class Table:
    """Arrays that are kept as long as the table is."""

    def __init__(self, channels: int) -> None:
        self.words: Words = np.zeros((CHANNEL_HEAD + CHANNEL * channels, WIDTH), np.int64)
        self._kept: dict[int, NDArray[Any]] = {}

    def put(self, row: int, array: NDArray[Any], kind: int | None = None) -> None:
        """The array of a row, which is of the kind of the row `kind`, or its own."""
        if (array.dtype, array.ndim) != KINDS[row if kind is None else kind] or not array.flags.c_contiguous:
            raise TypeError(f"an array of {array.dtype} in {array.ndim} dimensions is not for row {row}")
        self._kept[row] = array
        self.words[row, : 1 + array.ndim] = array.ctypes.data, *array.shape

    def move(self, row: int, array: NDArray[Any]) -> None:
        """Another array of a row, of the same kind, of lanes that the row is for; the caller keeps it."""
        self.words[row, 0] = array.ctypes.data

    def layer(self, row: int, layer: Layer) -> None:
        packed = Packed.of(layer)
        self._three(row, (packed.weight, packed.bias, packed.factor), (WEIGHT, BIAS, FACTOR))

    def plain(self, row: int, layer: Layer) -> None:
        """A layer as it is, in float32."""
        self._three(row, (layer.weight, layer.bias, layer.factor), (PLAIN_WEIGHT, PLAIN_BIAS, FACTOR))

    def _three(self, row: int, arrays: Sequence[NDArray[Any]], kinds: Sequence[int]) -> None:
        for i, (array, kind) in enumerate(zip(arrays, kinds, strict=True)):
            self.put(row + i, array, kind)
