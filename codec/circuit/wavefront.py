"""One pass over tiles, in both directions: pixels of a skewed wavefront are coded together.

A pixel at (row, column) needs nothing right of (row - 1, column + 2), so all pixels of equal column + 3 row are
independent; all tiles advance in lock-step. A step's lanes stand in the order of tiles, then rows: the order of
the stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.circuit.leaves import SUBLEVELS, code_values, prior
from codec.circuit.network import SURPRISE, Float32, Network
from codec.entropy import Coder
from codec.models.context_shape import FEATURE_NEIGHBOURS, NEIGHBOURS, SCALES

SKEW = 3
MARGIN = 3
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Lanes:
    """Where the pixels of tiles of several sizes stand in one flat canvas, in the order of the stream."""

    positions: Int  # [pixels]
    ends: Int  # [steps]: where each step's pixels end
    first: NDArray[np.bool_]  # of its row
    last: NDArray[np.bool_]
    rows: int  # of the canvas, all tiles below one another
    stride: int


def lanes(shapes: Sequence[tuple[int, int]]) -> Lanes:
    """The wavefront over tiles of these heights and widths."""
    stride = max(w for _, w in shapes) + 2 * MARGIN
    parts = []
    top = 0
    for h, w in shapes:
        row, column = np.arange(h)[:, None], np.arange(w)
        position = (top + MARGIN + row) * stride + MARGIN + column
        edges = np.broadcast_to(column == 0, (h, w)), np.broadcast_to(column == w - 1, (h, w))
        parts.append([a.ravel() for a in (SKEW * row + column, position, *edges)])
        top += MARGIN + h + 1  # the margins of the row after the last are written, too
    step, position, first, last = (np.concatenate(p) for p in zip(*parts, strict=True))
    order = np.argsort(step, kind="stable")
    counts = np.bincount(step)  # narrow tiles have steps without pixels
    return Lanes(position[order], np.cumsum(counts[counts > 0]), first[order], last[order], top, stride)


def code_tiles(network: Network, coder: Coder, tiles: Sequence[NDArray[Any]], decoding: bool) -> None:
    """Codes tiles [h, w, C], uint8 in coded order, or fills them."""
    where = lanes([(t.shape[0], t.shape[1]) for t in tiles])
    channels, stride = network.config.channels, where.stride
    canvas = np.full((where.rows * stride, channels), 128, np.float32)
    if not decoding:
        _move(canvas.reshape(-1, stride, channels), tiles, into=True)
    flat = canvas.reshape(-1)
    features = np.zeros((len(canvas), network.config.features), np.float32)
    taps = (_offsets(NEIGHBOURS, stride)[:, None] * channels + np.arange(channels)).reshape(-1)
    near = _offsets(FEATURE_NEIGHBOURS, stride)
    right, below = np.arange(1, MARGIN + 1), stride + np.arange(-MARGIN, 0)

    start = 0
    for end in where.ends.tolist():
        at = where.positions[start:end]
        both, inputs = network.inputs(flat[at[:, None] * channels + taps].reshape(len(at), -1, channels))
        h2 = network.trunk(inputs, features[at[:, None] + near].reshape(len(at), -1))
        pixels = code_pixels(network, coder, None if decoding else canvas[at], both, inputs, h2)
        if decoding:
            canvas[at] = pixels
        features[at] = network.features(inputs, 2 * pixels - both)
        edge = np.flatnonzero(where.first[start:end])
        canvas[at[edge][:, None] + below] = pixels[edge][:, None]
        edge = np.flatnonzero(where.last[start:end])
        canvas[at[edge][:, None] + right] = pixels[edge][:, None]
        start = end
    if decoding:
        _move(canvas.reshape(-1, stride, channels), tiles, into=False)


def code_pixels(
    network: Network, coder: Coder, pixels: Float32 | None, both: Float32, inputs: Float32, h2: Float32
) -> Float32:
    """Codes n pixels [n, C], channel after channel of each, from what the network sees."""
    k = network.config.mixtures
    lines = network.layers["line"](inputs)
    result = np.empty_like(both)
    known: list[Float32] = []
    posterior = None
    for c in range(network.config.channels):
        o = network.parameters(c, h2, lines, known)
        weights = prior(o[:, :k].astype(np.float64), posterior)
        mu = o[:, k : 2 * k].astype(np.int64)
        scales = np.clip(o[:, 2 * k :], 0, SCALES - 1).astype(np.int64)
        # In half levels: where this channel starts from. The others move with the first.
        origin = both[:, c] + known[0] if known else both[:, c]
        means = mu + (SUBLEVELS // 2 * origin).astype(np.int64)[:, None]
        values = None if pixels is None else pixels[:, c].astype(np.int64)
        values, posterior = code_values(coder, values, weights, means, scales)
        result[:, c] = values
        step = 2 * result[:, c] - origin
        expected = np.floor((weights * mu).sum(1) / weights.sum(1)).astype(np.float32)
        known += [step, np.clip(SUBLEVELS // 2 * step - expected, -SURPRISE, SURPRISE)]
    return result


def _offsets(neighbours: Sequence[tuple[int, int]], stride: int) -> Int:
    return np.array([row * stride + column for row, column in neighbours])


def _move(canvas: Float32, tiles: Sequence[NDArray[Any]], into: bool) -> None:
    top = 0
    for tile in tiles:
        h, w = tile.shape[:2]
        part = canvas[top + MARGIN : top + MARGIN + h, MARGIN : MARGIN + w]
        if into:
            part[:] = tile
        else:
            tile[:] = part
        top += MARGIN + h + 1
