"""What lanes of a wavefront go through, by numpy: what a pixel sees, what the network makes of it, its channels.

compiled.py does the same faster, where it can; graphics and palettes come here always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit.leaves import SUBLEVELS, code_choice, code_values, prior
from codec.codecs.circuit.matches import Matcher, flag, pack
from codec.codecs.circuit.network import Float32, Network
from codec.codecs.circuit.order import InOrder
from codec.codecs.circuit.palette import Palette
from codec.entropy import Coder
from codec.models.circuit.shape import FEATURE_NEIGHBOURS, NEAREST, NEIGHBOURS, SCALES

Int = NDArray[np.int64]


def offsets(neighbours: Sequence[tuple[int, int]], stride: int) -> Int:
    """Of neighbours, in a flat canvas."""
    return np.array([row * stride + column for row, column in neighbours])


@dataclass(frozen=True)
class Seen:
    """What pixels know before they are coded."""

    at: Int  # [n]: where they stand
    both: Float32  # [n, C]: left plus upper neighbour
    inputs: NDArray[Any]  # [n, inputs], the network's; of kernels [n or more, inputs or more]


class Way(Protocol):
    """The passes over lanes at positions [n] of a canvas."""

    def look(self, at: Int) -> Seen:
        """What they know before they are coded."""
        ...

    def learn(self, seen: Seen, pixels: Float32) -> None:
        """The features of pixels [n, C], for those that follow."""
        ...

    def code(self, coder: Coder | InOrder, known: Float32 | None, seen: Seen) -> Float32:
        """Codes the pixels [n, C], or decodes them (`known` is None)."""
        ...


class Plain:
    """The passes over lanes by numpy."""

    def __init__(
        self, network: Network, canvas: Float32, stride: int, support: int | Palette, graphics: Graphics | None
    ) -> None:
        self.network, self.support, self.graphics = network, support, graphics
        channels = canvas.shape[1]
        self.flat = canvas.reshape(-1)
        self.features = np.zeros((len(canvas), network.config.features), np.float32)
        self.taps = (offsets(NEIGHBOURS, stride)[:, None] * channels + np.arange(channels)).reshape(-1)
        self.near = offsets(FEATURE_NEIGHBOURS, stride)
        self.channels = channels

    def look(self, at: Int) -> Seen:
        around = self.flat[at[:, None] * self.channels + self.taps].reshape(len(at), -1, self.channels)
        more = self.graphics.look(at) if self.graphics else ()
        return Seen(at, *self.network.inputs(around, *more))

    def learn(self, seen: Seen, pixels: Float32) -> None:
        self.features[seen.at] = self.network.features(seen.inputs, 2 * pixels - seen.both)

    def code(self, coder: Coder | InOrder, known: Float32 | None, seen: Seen) -> Float32:
        around = self.features[seen.at[:, None] + self.near].reshape(len(seen.at), -1)
        h2 = self.network.trunk(seen.inputs, around)
        if self.graphics:
            return self.graphics.code(coder, known, seen.both, seen.inputs, h2, self.support)
        return code_pixels(self.network, coder, known, seen.both, seen.inputs, h2, self.support)


class Graphics:
    """The candidates that pixels may be copies of: found before a step's pixels are coded, then chosen from."""

    def __init__(self, network: Network, canvas: Float32, stride: int) -> None:
        self.network, self.canvas = network, canvas
        self.nearest = offsets(NEAREST, stride)
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
        self,
        coder: Coder | InOrder,
        pixels: Float32 | None,
        both: Float32,
        inputs: Float32,
        h2: Float32,
        support: int | Palette,
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
    coder: Coder | InOrder,
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
