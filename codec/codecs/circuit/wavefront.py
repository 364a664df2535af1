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

from codec.codecs.circuit.leaves import SUBLEVELS, code_choice, code_values, prior
from codec.codecs.circuit.matches import Matcher, flag, pack
from codec.codecs.circuit.network import Float32, Network
from codec.codecs.circuit.palette import Palette
from codec.codecs.circuit.work import STEP, Told, nobody
from codec.entropy import Coder
from codec.models.circuit.shape import FEATURE_NEIGHBOURS, NEAREST, NEIGHBOURS, SCALES

SKEW = 3
MARGIN = 3
_TOLD = 32  # steps after which is told how far it is
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


def code_tiles(
    network: Network,
    coder: Coder,
    tiles: Sequence[NDArray[Any]],
    decoding: bool,
    depth: int = 8,
    palette: Palette | None = None,
    told: Told = nobody,
) -> None:
    """Codes tiles [h, w, C] in coded order, or fills them: uint8 or uint16 of 0..2^depth - 1, `depth` 8 to 16.

    With 8 bits, `palette` may hold all their colours. `told` is called as work goes on.
    """
    where = lanes([(t.shape[0], t.shape[1]) for t in tiles])
    channels, stride = network.config.channels, where.stride
    canvas = np.full((where.rows * stride, channels), 1 << (depth - 1), np.float32)
    if not decoding:
        _move(canvas.reshape(-1, stride, channels), tiles, into=True)
    flat = canvas.reshape(-1)
    features = np.zeros((len(canvas), network.config.features), np.float32)
    taps = (_offsets(NEIGHBOURS, stride)[:, None] * channels + np.arange(channels)).reshape(-1)
    near = _offsets(FEATURE_NEIGHBOURS, stride)
    graphics = Graphics(network, canvas, stride) if network.config.candidates else None
    right, below = np.arange(1, MARGIN + 1), stride + np.arange(-MARGIN, 0)

    support = depth if palette is None else palette
    start = since = 0
    for step, end in enumerate(where.ends.tolist(), 1):
        at = where.positions[start:end]
        around = flat[at[:, None] * channels + taps].reshape(len(at), -1, channels)
        more = graphics.look(at) if graphics else ()
        both, inputs = network.inputs(around, *more)
        h2 = network.trunk(inputs, features[at[:, None] + near].reshape(len(at), -1))
        known = None if decoding else canvas[at]
        if graphics:
            pixels = graphics.code(coder, known, both, inputs, h2, support)
        else:
            pixels = code_pixels(network, coder, known, both, inputs, h2, support)
        if decoding:
            canvas[at] = pixels
        features[at] = network.features(inputs, 2 * pixels - both)
        edge = np.flatnonzero(where.first[start:end])
        canvas[at[edge][:, None] + below] = pixels[edge][:, None]
        edge = np.flatnonzero(where.last[start:end])
        canvas[at[edge][:, None] + right] = pixels[edge][:, None]
        start = end
        if step % _TOLD == 0:
            told(end - since + _TOLD * STEP)
            since = end
    if decoding:
        _move(canvas.reshape(-1, stride, channels), tiles, into=False)


class Graphics:
    """The candidates that pixels may be copies of: found before a step's pixels are coded, then chosen from."""

    def __init__(self, network: Network, canvas: Float32, stride: int) -> None:
        self.network, self.canvas = network, canvas
        self.nearest = _offsets(NEAREST, stride)
        self.matcher = Matcher(network.config.matches)
        # Of the pixels that `look` saw last, [n, J]: where their candidates stand, and their packed colours.
        self.positions, self.candidates = np.empty((0, 0), np.int64), np.empty((0, 0))

    def look(self, at: Int) -> tuple[Float32, NDArray[np.bool_]]:
        """Levels of matches [n, matches, C] of the pixels at these positions, and the equalities for the network."""
        config = self.network.config
        places = at[:, None] + self.nearest
        nearest = pack(self.canvas[places])
        keys, last, before = self.matcher.find(nearest)
        self.matcher.add(keys, last, at)
        found = np.where(last < 0, places[:, :1], last)
        matched = self.canvas[found]
        packed = pack(matched)
        flags = flag(last, before, packed == pack(self.canvas[before]))
        self.positions = np.concatenate([places[:, : config.copies], found], 1)
        self.candidates = np.concatenate([nearest[:, : config.copies], packed], 1)
        nodes = np.concatenate([nearest[:, : config.pattern], packed], 1)
        return matched, self.network.equalities(nodes, flags)

    def code(
        self, coder: Coder, pixels: Float32 | None, both: Float32, inputs: Float32, h2: Float32, support: int | Palette
    ) -> Float32:
        """Codes the pixels that `look` saw: the choice of candidates, then those that are none of them."""
        logits = self.network.layers["copy"](h2).astype(np.float64)
        chosen = code_choice(coder, None if pixels is None else pack(pixels), self.candidates, logits)
        result = self.canvas[self.positions[np.arange(len(chosen)), chosen]]
        new = np.flatnonzero(chosen < 0)
        if len(new):
            known = None if pixels is None else pixels[new]
            copies = self.candidates[new] if isinstance(support, Palette) else None
            result[new] = code_pixels(self.network, coder, known, both[new], inputs[new], h2[new], support, copies)
        return result


def code_pixels(
    network: Network,
    coder: Coder,
    pixels: Float32 | None,
    both: Float32,
    inputs: Float32,
    h2: Float32,
    support: int | Palette,
    copies: NDArray[np.float64] | None = None,
) -> Float32:
    """Codes n pixels [n, C], channel after channel of each, from what the network sees.

    `support` is what values there are: a depth, or a palette, where `copies` [n, J], packed, are none of the pixels.
    """
    k = network.config.mixtures
    lines = network.layers["line"](inputs)
    result = np.empty_like(both)
    known: list[Float32] = []
    posterior = None
    prefix = np.zeros(len(both), np.int64)
    excluded = support.find(copies) if isinstance(support, Palette) and copies is not None else None
    for c in range(network.config.channels):
        o = network.parameters(c, h2, lines, known)
        weights = prior(o[:, :k].astype(np.float64), posterior)
        mu = o[:, k : 2 * k].astype(np.int64)
        scales = np.clip(o[:, 2 * k :], 0, SCALES - 1).astype(np.int64)
        # In half levels: where this channel starts from. The others move with the first.
        origin = both[:, c] + known[0] if known else both[:, c]
        means = mu + (SUBLEVELS // 2 * origin).astype(np.int64)[:, None]
        values = None if pixels is None else pixels[:, c].astype(np.int64)
        if isinstance(support, int):
            values, posterior = code_values(coder, values, weights, means, scales, support)
        else:
            values, posterior, prefix = support.code(coder, c, prefix, values, (weights, means, scales), excluded)
        result[:, c] = values
        step = 2 * result[:, c] - origin
        expected = np.floor((weights * mu).sum(1) / weights.sum(1)).astype(np.float32)
        known += [step, SUBLEVELS // 2 * step - expected]
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
