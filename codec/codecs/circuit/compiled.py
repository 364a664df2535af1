"""What lanes of a wavefront go through, by compiled steps: as Plain of passes.py, for photos."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit import table as rows
from codec.codecs.circuit.leaves import BIN, NEAR, WINDOW, code_farther, leaves
from codec.codecs.circuit.network import ACTIVITY_TABLE, AROUND, CORNERS, PAIRS, Float32, Network, known_limits
from codec.codecs.circuit.order import InOrder, among
from codec.codecs.circuit.packed import tiled, whole
from codec.codecs.circuit.passes import Seen, offsets
from codec.codecs.circuit.stored import steps
from codec.codecs.circuit.table import BEYOND, CODE, FINE, LEARN, LOOK, SETTLE, Table
from codec.entropy import Coder
from codec.models.circuit.shape import FEATURE_NEIGHBOURS, NEIGHBOURS

Int = NDArray[np.int64]
_BINS = WINDOW // BIN + 2  # what is coded first: which eighth of the window, or below or above it


class Compiled:
    """The passes over lanes, `most` of them at once, by compiled steps; samples have `depth` bits."""

    def __init__(self, network: Network, canvas: Float32, stride: int, depth: int, most: int) -> None:
        config, layers, channels = network.config, network.layers, canvas.shape[1]
        self._depth, self._channels = depth, channels
        self._step, self._table = steps(), Table(channels)
        self._words = self._table.words
        self._at = self._words.ctypes.data
        self._numbers = np.array([depth, config.inputs, config.trunk, 0], np.int64)
        self._constant(network, canvas, stride)
        for row, name in zip(rows.LAYERS, ("feature1", "feature2", "input", "hidden", "line"), strict=True):
            self._table.layer(row, layers[name])
        for c in range(channels):
            stage = f"stage{c}." if c else ""
            self._table.layer(rows.CHANNEL_HEAD + rows.CHANNEL * c, layers[f"{stage}head"])
            self._table.plain(rows.CHANNEL_LINE + rows.CHANNEL * c, layers[f"{stage}line"])
            if c:
                self._table.layer(rows.CHANNEL_HIDDEN + rows.CHANNEL * c, layers[f"{stage}hidden"])
        self._arrays(network, most)

    def _constant(self, network: Network, canvas: Float32, stride: int) -> None:
        table, channels, of = self._table, canvas.shape[1], leaves()
        limits = [known_limits(c + 1)[-2:] for c in range(channels)]
        for row, array in (
            (rows.NUMBERS, self._numbers), (rows.CANVAS, canvas),
            (rows.FEATURES, np.zeros((len(canvas), network.config.features), np.int16)),
            (rows.TAPS, offsets(NEIGHBOURS, stride)), (rows.AROUND, offsets(FEATURE_NEIGHBOURS, stride)),
            (rows.PAIRS, PAIRS), (rows.CORNERS, CORNERS), (rows.OWN_TAPS, AROUND), (rows.ACTIVITY, ACTIVITY_TABLE),
            (rows.CHANCES, of.weights), (rows.CDF, of.cdf), (rows.LIMITS, np.array(limits, np.float32)),
            (rows.SCRATCH, np.empty(NEAR)),
        ):  # fmt: skip
            table.put(row, np.ascontiguousarray(array, rows.KINDS[row][0]))

    def _arrays(self, network: Network, most: int) -> None:
        """Those for so many lanes; what layers make is in whole blocks."""
        table, layers, config, channels, k = (
            self._table, network.layers, network.config, self._channels, network.config.mixtures
        )  # fmt: skip
        widths = dict.fromkeys((rows.BOTH, rows.PIXELS), channels)
        widths |= dict.fromkeys((rows.POSTERIOR, rows.WEIGHTS, rows.MU, rows.ENTRY), k)
        # One column more than there are inputs, since they are read in pairs.
        widths |= {
            rows.X: config.inputs + len(FEATURE_NEIGHBOURS) * config.features + 1,
            rows.OWN: channels * (1 + len(AROUND)) + 1,
            rows.HIDDEN2: whole(config.trunk) + 2 * channels,
            rows.STAGE: whole(config.stage),
            rows.HEAD: whole(3 * k),
        }
        made = {rows.FEATURE1: "feature1", rows.FEATURE2: "feature2", rows.HIDDEN1: "input", rows.LINES: "line"}
        widths |= {row: whole(len(layers[name].bias)) for row, name in made.items()}
        # What an encoder is given it keeps until the last channel is coded.
        self._rows, self._finer = (np.empty((channels, most, size), np.float32) for size in (_BINS, BIN))
        table.put(rows.ROWS, self._rows[0])
        table.put(rows.FINER, self._finer[0])
        lanes: dict[int, NDArray[Any]] = {}
        for row in {*rows.LANES, *rows.TILES} - {rows.ROWS, rows.FINER}:
            kind, sides = rows.KINDS[row]
            lanes[row] = np.empty((tiled(most), widths.get(row, 1))[:sides], kind)
            table.put(row, lanes[row])
        self._both, self._inputs, self._pixels, self._bins = (
            lanes[row] for row in (rows.BOTH, rows.X, rows.PIXELS, rows.BINS)
        )
        self._start, self._result, self._inside, self._outside, self._near = (
            lanes[row] for row in (rows.START, rows.RESULT, rows.INSIDE, rows.OUTSIDE, rows.NEAR)
        )

    def look(self, at: Int) -> Seen:
        """The lanes are those of `learn` and `code` until others are looked at."""
        self._seen = at = np.ascontiguousarray(at, np.int64)  # kept as long as the steps may read it
        n = len(at)
        self._words[rows.LANES.start : rows.LANES.stop, 1] = n
        self._words[rows.TILES.start : rows.TILES.stop, 1] = tiled(n)
        self._table.move(rows.AT, at)
        self._step(self._at, LOOK)
        return Seen(at, self._both[:n], self._inputs)

    def learn(self, seen: Seen, pixels: Float32) -> None:
        self._pixels[: len(pixels)] = pixels
        self._step(self._at, LEARN)

    def code(self, coder: Coder | InOrder, known: Float32 | None, seen: Seen) -> Float32:
        n = len(seen.at)
        for c in range(self._channels):
            self._code_channel(c, n, coder, None if known is None else known[:, c].astype(np.int64))
        return self._pixels[:n]

    def _code_channel(self, channel: int, n: int, coder: Coder | InOrder, values: Int | None) -> None:
        result, pmfs, finer = self._result[:n], self._rows[channel, :n], self._finer[channel, :n]
        self._table.move(rows.ROWS, pmfs)
        self._table.move(rows.FINER, finer)
        self._step(self._at, CODE, channel)
        symbols = None
        if values is not None:
            symbols = np.clip(((values - self._start[:n]) >> 3) + 1, 0, _BINS - 1).astype(np.int32)
        self._bins[:n] = coder.code_rows(symbols, pmfs)
        self._step(self._at, FINE)
        count = int(self._numbers[rows.COUNT])
        if count:
            at = self._inside[:count]
            symbols = None if values is None else (values[at] - result[at]).astype(np.int32)
            some = coder if count == n else among(coder, at)
            result[at] += some.code_rows(symbols, finer[:count])
        if count < n:
            self._code_far(self._outside[: n - count], coder, values)
        self._step(self._at, SETTLE, channel)

    def _code_far(self, at: Int, coder: Coder | InOrder, values: Int | None) -> None:
        """The values of lanes `at`, outside their windows."""
        some, known = among(coder, at), None if values is None else values[at]
        near, pmfs = self._near[: len(at)], np.empty((len(at), NEAR), np.float32)
        self._table.put(rows.FAR, pmfs)
        self._step(self._at, BEYOND)
        symbols = None if known is None else np.clip(known - near, 0, NEAR - 1).astype(np.int32)
        result = near + some.code_rows(symbols, pmfs)
        self._result[at] = code_farther(some, known, self._bins[at] > 0, near, result, self._depth)
