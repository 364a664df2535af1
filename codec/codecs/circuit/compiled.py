"""What lanes of a wavefront go through, by kernels: as Plain of passes.py, for photos."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit import kernels
from codec.codecs.circuit.leaves import BIN, NEAR, WINDOW, code_farther, first_near, leaves
from codec.codecs.circuit.network import (
    ACTIVITY_TABLE,
    AROUND,
    CORNERS,
    LEVEL,
    PAIRS,
    TOP,
    Float32,
    Layer,
    Network,
    known_limits,
)
from codec.codecs.circuit.order import InOrder, among
from codec.codecs.circuit.passes import Seen, offsets
from codec.entropy import Coder
from codec.models.circuit.shape import FEATURE_NEIGHBOURS, NEIGHBOURS

Int = NDArray[np.int64]
_LEVEL, _TOP = np.float32(LEVEL), np.float32(TOP)


class Compiled:
    """The passes over lanes by kernels; samples have `depth` bits."""

    def __init__(self, network: Network, canvas: Float32, stride: int, depth: int) -> None:
        self.network, self.canvas, self.depth = network, canvas, depth
        config = network.config
        self.features = np.zeros((len(canvas), config.features), np.float32)
        self.taps, self.near = offsets(NEIGHBOURS, stride), offsets(FEATURE_NEIGHBOURS, stride)
        self.seen = config.inputs + len(FEATURE_NEIGHBOURS) * config.features

    def look(self, at: Int) -> Seen:
        both = np.empty((len(at), self.canvas.shape[1]), np.float32)
        x = np.empty((len(at), self.seen), np.float32)
        kernels.look(self.canvas, at, self.taps, PAIRS, CORNERS, ACTIVITY_TABLE, _LEVEL, both, x)
        return Seen(at, both, x)

    def learn(self, seen: Seen, pixels: Float32) -> None:
        layers, channels = self.network.layers, pixels.shape[1]
        x = np.empty((len(pixels), channels * (1 + len(AROUND))), np.float32)
        kernels.own(seen.inputs, pixels, seen.both, AROUND, _LEVEL, x)
        self.features[seen.at] = _activated(layers["feature2"], _activated(layers["feature1"], x))

    def code(self, coder: Coder | InOrder, known: Float32 | None, seen: Seen) -> Float32:
        layers, config = self.network.layers, self.network.config
        n, channels = seen.both.shape
        x = seen.inputs
        kernels.gather(self.features, seen.at, self.near, config.inputs, x)
        h2 = np.empty((n, config.trunk + 2 * (channels - 1)), np.float32)
        _activated(layers["hidden"], _activated(layers["input"], x), h2[:, : config.trunk])
        lines = layers["line"](x[:, : config.inputs])
        lanes = _Lanes(coder, self.depth, n, config.mixtures, seen.both, lines, h2[:, config.trunk :])
        for c in range(channels):
            head, h = layers["head"], h2[:, : config.trunk]
            if c:
                h = _activated(layers[f"stage{c}.hidden"], h2[:, : config.trunk + 2 * c])
                head = layers[f"stage{c}.head"]
            line = layers[f"stage{c}.line"] if c else layers["line"]
            lanes.code(c, h @ head.weight, head, line, None if known is None else known[:, c].astype(np.int64))
        return lanes.pixels


class _Lanes:
    """Pixels [n, C] that are coded channel after channel."""

    def __init__(
        self, coder: Coder | InOrder, depth: int, n: int, k: int, both: Float32, lines: Float32, told: Float32
    ) -> None:
        """`told` [n, 2 (C - 1)]: what the channels tell those after them."""
        self.coder, self.depth, self.both, self.lines, self.told = coder, depth, both, lines, told
        self.pixels = np.empty_like(both)
        self.posterior, self.weights = np.empty((2, n, k))
        self.mu, self.entry = np.empty((2, n, k), np.int64)
        self.start, self.result, self.inside, self.outside = np.empty((4, n), np.int64)
        self.first, self.origin = np.empty((2, n), np.float32)

    def code(self, channel: int, sums: Float32, head: Layer, line: Layer, values: Int | None) -> None:
        """The next channel, from the sums [n, 3 K] of its head; `line`: what is told moves its means by."""
        table, n = leaves(), len(self.both)
        # New ones for every channel: an encoder keeps them until all steps are given to it.
        rows, finer = np.empty((n, WINDOW // BIN + 2), np.float32), np.empty((n, BIN), np.float32)
        kernels.windows(
            sums, (head.bias, head.factor), self.lines, channel, self.told[:, : 2 * channel],
            (line.weight, line.bias, line.factor), self.both, self.first, self.posterior, table.weights, table.cdf,
            self.depth, self.weights, self.mu, self.start, self.entry, self.origin, rows,
        )  # fmt: skip
        symbols = None
        if values is not None:
            symbols = np.clip(((values - self.start) >> 3) + 1, 0, WINDOW // BIN + 1).astype(np.int32)
        bins = self.coder.code_rows(symbols, rows)
        result = self.result
        count = kernels.cells(
            bins, self.start, self.weights, self.entry, table.cdf, self.depth, result, self.inside, self.outside,
            finer,
        )  # fmt: skip
        if count:
            at = self.inside[:count]
            symbols = None if values is None else (values[at] - result[at]).astype(np.int32)
            some = self.coder if count == n else among(self.coder, at)
            result[at] += some.code_rows(symbols, finer[:count])
        if count < n:
            self._code_far(self.outside[: n - count], bins, values)
        limits = known_limits(channel + 1)[-2:].astype(np.float32)
        kernels.settle(
            result, self.start, self.origin, self.weights, self.mu, self.entry, table.cdf, self.depth, channel, limits,
            self.posterior, self.first, self.told, self.pixels,
        )  # fmt: skip

    def _code_far(self, at: Int, bins: NDArray[np.int32], values: Int | None) -> None:
        """The values of lanes `at`, outside their windows."""
        some, known = among(self.coder, at), None if values is None else values[at]
        above, near = bins[at] > 0, first_near(self.start[at], self.depth)
        rows = np.empty((len(at), NEAR), np.float32)
        kernels.far(at, above, self.start, near, self.weights, self.entry, leaves().cdf, rows)
        symbols = None if known is None else np.clip(known - near, 0, NEAR - 1).astype(np.int32)
        self.result[at] = code_farther(some, known, above, near, near + some.code_rows(symbols, rows), self.depth)


def _activated(layer: Layer, x: Float32, out: Float32 | None = None) -> Float32:
    sums = x @ layer.weight
    out = sums if out is None else out
    kernels.activate(sums, layer.bias, layer.factor, _TOP, out)
    return out
