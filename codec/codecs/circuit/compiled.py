"""What lanes of a wavefront go through, by kernels: as Plain of passes.py, for photos."""

from __future__ import annotations

from typing import Any

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
    Float32,
    Layer,
    Network,
    known_limits,
)
from codec.codecs.circuit.order import InOrder, among
from codec.codecs.circuit.passes import Seen, offsets
from codec.codecs.circuit.product import Int16, Packed, dense, lanes, whole
from codec.entropy import Coder
from codec.models.circuit.shape import FEATURE_NEIGHBOURS, NEIGHBOURS

Int = NDArray[np.int64]
_LEVEL = np.float32(LEVEL)


class Compiled:
    """The passes over lanes by kernels; samples have `depth` bits."""

    def __init__(self, network: Network, canvas: Float32, stride: int, depth: int) -> None:
        self.network, self.canvas, self.depth = network, canvas, depth
        config = network.config
        self.layers = {name: Packed.of(layer) for name, layer in network.layers.items()}
        self.features = np.zeros((len(canvas), config.features), np.int16)
        self.taps, self.near = offsets(NEIGHBOURS, stride), offsets(FEATURE_NEIGHBOURS, stride)
        self.seen = config.inputs + len(FEATURE_NEIGHBOURS) * config.features

    def look(self, at: Int) -> Seen:
        both = np.empty((len(at), self.canvas.shape[1]), np.float32)
        x = lanes(len(at), self.seen + 1, np.int16)
        kernels.look(self.canvas, at, self.taps, PAIRS, CORNERS, ACTIVITY_TABLE, _LEVEL, both, x)
        return Seen(at, both, x)

    def learn(self, seen: Seen, pixels: Float32) -> None:
        n, channels = pixels.shape
        x = lanes(n, channels * (1 + len(AROUND)) + 1, np.int16)
        kernels.own(seen.inputs, pixels, seen.both, AROUND, _LEVEL, x)
        features = self._layer("feature2", self._layer("feature1", x))
        self.features[seen.at] = features[:n, : self.network.config.features]

    def code(self, coder: Coder | InOrder, known: Float32 | None, seen: Seen) -> Float32:
        config = self.network.config
        n, channels = seen.both.shape
        x = seen.inputs
        kernels.gather(self.features, seen.at, self.near, config.inputs, x)
        h2 = lanes(n, whole(config.trunk) + 2 * channels, np.int16)
        self._layer("hidden", self._layer("input", x), h2)
        told = h2[:, config.trunk : config.trunk + 2 * (channels - 1)]
        lines = self._layer("line", x, kind=np.float32)
        coded = _Lanes(coder, self.depth, n, config.mixtures, seen.both, lines, told)
        for c in range(channels):
            stage = f"stage{c}." if c else ""
            h = self._layer(f"{stage}hidden", h2) if c else h2
            head = self._layer(f"{stage}head", h, kind=np.float32)
            line = self.network.layers[f"{stage}line"]
            coded.code(c, head, line, None if known is None else known[:, c].astype(np.int64))
        return coded.pixels

    def _layer(
        self, name: str, x: Int16, out: Int16 | None = None, kind: type[np.int16] | type[np.float32] = np.int16
    ) -> Any:
        """What a layer makes of x, whose lanes may be more: activated (int16) or not."""
        layer = self.layers[name]
        out = lanes(len(x), len(layer.bias), kind) if out is None else out
        dense(x, layer.weight, layer.bias, layer.factor, out)
        return out


class _Lanes:
    """Pixels [n, C] that are coded channel after channel."""

    def __init__(
        self, coder: Coder | InOrder, depth: int, n: int, k: int, both: Float32, lines: Float32, told: Int16
    ) -> None:
        """`told` [n, 2 (C - 1)]: what the channels tell those after them."""
        self.coder, self.depth, self.both, self.lines, self.told = coder, depth, both, lines, told
        self.pixels = np.empty_like(both)
        self.posterior, self.weights = np.empty((2, n, k))
        self.mu, self.entry = np.empty((2, n, k), np.int64)
        self.start, self.result, self.inside, self.outside = np.empty((4, n), np.int64)
        self.first, self.origin = np.empty((2, n), np.float32)

    def code(self, channel: int, head: Float32, line: Layer, values: Int | None) -> None:
        """The next channel, from what its head gave [n, 3 K]; `line`: what is told moves its means by."""
        table, n = leaves(), len(self.both)
        # New ones for every channel: an encoder keeps them until all steps are given to it.
        rows, finer = np.empty((n, WINDOW // BIN + 2), np.float32), np.empty((n, BIN), np.float32)
        kernels.windows(
            head, self.lines, channel, self.told[:, : 2 * channel],
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
