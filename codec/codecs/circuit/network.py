"""The context network in integers: float32 arrays of whole numbers whose sums stay below 2^24.

Within that bound float32 sums are exact in any order, so every library, thread count and batch gives the same
parameters. A layer is floor((x Q + B) 2^-shift), for hidden layers cut to 10 bits. The bound of every row is
checked when weights load. Pictures of more than 8 bits have larger differences: what the layers see is cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.codecs.networks import BOUND
from codec.errors import FormatError
from codec.models.circuit.shape import (
    ACTIVITY_PAIRS,
    FEATURE_NEIGHBOURS,
    FEATURE_TAPS,
    FLAGS,
    NEIGHBOURS,
    ContextConfig,
)

Float32 = NDArray[np.float32]

TOP = 1023  # of an activation
EQUAL = 32  # an input that says yes
LEVEL = 510  # the largest input, in half levels: that of 8 bits
STEP = 1020  # the largest step of a later channel, in half levels: that of 8 bits
SURPRISE = 2047  # the largest surprise, in sixteenths of a level
LARGEST_SUM = 255 * len(ACTIVITY_PAIRS)
# Activity in 1/32 octave. No value lies near a half, so every log2() gives the same table.
ACTIVITY_TABLE = np.floor(32 * np.log2(1 + np.arange(LARGEST_SUM + 1.0)) + 0.5).astype(np.float32)

HIDDEN = ("feature1", "feature2", "input", "hidden")  # ends of the names of layers that are activated

_TAP = {o: i for i, o in enumerate(NEIGHBOURS)}
CORNERS = np.array([_TAP[o] for o in ((0, -1), (-1, 0), (-1, -1))])
_LEFT, _UP, _CORNER = CORNERS.tolist()
PAIRS = np.array([[_TAP[p[i]] for p in ACTIVITY_PAIRS] for i in (0, 1)])
AROUND = np.array([_TAP[o] for o in FEATURE_NEIGHBOURS])


@dataclass(frozen=True, eq=False)
class Layer:
    """floor((x @ weight + bias) * factor): weight [in, out], factor a power of two for each output."""

    weight: Float32
    bias: Float32
    factor: Float32

    @classmethod
    def load(cls, tensors: Mapping[str, NDArray[Any]], name: str, largest: NDArray[np.int64]) -> Layer:
        """The layer of a file's integers; FormatError unless all sums are exact for inputs up to `largest` [in]."""
        weight, bias, shift = (tensors[f"{name}.{part}"].astype(np.int64) for part in ("weight", "bias", "shift"))
        if weight.shape != (len(bias), len(largest)) or shift.shape != bias.shape:
            raise FormatError(f"layer {name} has the wrong shape; get a whole copy of the weights")
        # What leaves the network stays below 2^24; hidden layers are cut anyway.
        least = -24 if name.endswith(HIDDEN) else 0
        if (np.abs(weight) @ largest + np.abs(bias)).max() >= BOUND or shift.min() < least or shift.max() > 24:
            raise FormatError(f"layer {name} is too large for exact arithmetic; export the weights anew")
        factor = np.ldexp(1.0, -shift)
        return cls(np.ascontiguousarray(weight.T, np.float32), bias.astype(np.float32), factor.astype(np.float32))

    def sums(self, x: Float32) -> Float32:
        y: Float32 = x @ self.weight
        y += self.bias
        return y

    def floor(self, sums: Float32) -> Float32:
        sums *= self.factor
        return np.floor(sums, out=sums)

    def __call__(self, x: Float32) -> Float32:
        return self.floor(self.sums(x))

    def activate(self, x: Float32) -> Float32:
        return activation(self(x))


def activation(x: Float32) -> Float32:
    np.maximum(x, 0, out=x)
    return np.minimum(x, TOP, out=x)


def cut(x: Float32, limit: float) -> Float32:
    """x limited to -limit..limit, in place."""
    np.maximum(x, -limit, out=x)
    return np.minimum(x, limit, out=x)


def known_limits(count: int) -> NDArray[np.int64]:
    """Largest magnitudes of what a stage is told: step and surprise of each of `count` channels."""
    return np.array([v for c in range(count) for v in (STEP if c else LEVEL, SURPRISE)])


_KNOWN_LIMITS = [known_limits(c).astype(np.float32) for c in range(3)]


def layer_inputs(config: ContextConfig) -> dict[str, NDArray[np.int64]]:
    """Names of all layers, with the largest magnitude of each input."""
    yes = config.pairs + FLAGS * config.matches
    level = np.array([LEVEL] * (config.inputs - yes) + [EQUAL] * yes)
    taps = np.full(len(FEATURE_TAPS) * config.channels, LEVEL)
    layers = {
        "feature1": taps,
        "feature2": np.full(config.feature_hidden, TOP),
        "input": np.concatenate([level, np.full(len(FEATURE_NEIGHBOURS) * config.features, TOP)]),
        "line": level,
        "hidden": np.full(config.hidden, TOP),
        "head": np.full(config.trunk, TOP),
    }
    if config.candidates:
        layers["copy"] = np.full(config.trunk, TOP)
    for c in range(1, config.channels):
        layers[f"stage{c}.hidden"] = np.concatenate([np.full(config.trunk, TOP), known_limits(c)])
        layers[f"stage{c}.head"] = np.full(config.stage, TOP)
        layers[f"stage{c}.line"] = known_limits(c)
    return layers


class Network:
    """All layers of one set of weights, and the passes over pixels that use them; arrays are [n, ...]."""

    def __init__(self, config: ContextConfig, tensors: Mapping[str, NDArray[Any]]) -> None:
        self.config = config
        self.tensors = dict(tensors)  # differences for a picture start from these
        try:
            layers = {n: Layer.load(tensors, n, largest) for n, largest in layer_inputs(config).items()}
        except KeyError as e:
            raise FormatError(f"the weights have no {e}; get a whole copy of them") from None
        self.layers = layers
        self._pairs = np.triu_indices(config.pattern + config.matches, 1)

    def inputs(
        self, taps: Float32, matched: Float32 | None = None, equal: NDArray[np.bool_] | None = None
    ) -> tuple[Float32, Float32]:
        """Left plus upper neighbour, [n, C], and the inputs, [n, inputs], from the neighbours' levels [n, taps, C].

        For graphics also from the levels of matches [n, matches, C] and from what `equalities` gave.
        """
        left, up, corner = taps[:, _LEFT], taps[:, _UP], taps[:, _CORNER]
        both = left + up
        x = np.empty((len(taps), len(NEIGHBOURS) + 2, taps.shape[2]), np.float32)
        np.multiply(taps, 2, out=x[:, :-2])
        np.maximum(np.minimum(left, up), np.minimum(np.maximum(left, up), both - corner), out=x[:, -2])
        x[:, -2] *= 2
        x[:, :-1] -= both[:, None]
        active = np.abs(taps[:, PAIRS[0]] - taps[:, PAIRS[1]]).sum(1)
        x[:, -1] = ACTIVITY_TABLE[np.minimum(active, LARGEST_SUM).astype(np.intp)]
        cut(x[:, :-1], LEVEL)
        if matched is None or equal is None:
            return both, x.reshape(len(x), -1)
        found = cut(2 * matched - both[:, None], LEVEL)
        return both, np.concatenate([a.reshape(len(x), -1) for a in (x, found, EQUAL * equal.astype(np.float32))], 1)

    def equalities(self, nodes: NDArray[np.float64], flags: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which pairs of the pattern's neighbours and of matches, packed [n, nodes], are equal; which flags are set."""
        pairs = nodes[:, self._pairs[0]] == nodes[:, self._pairs[1]]
        return np.concatenate([pairs, *(flags == f for f in range(1, FLAGS + 1))], 1)

    def trunk(self, inputs: Float32, features: Float32) -> Float32:
        """h2 [n, trunk] from the inputs and the neighbours' features [n, neighbours * features]."""
        h1 = self.layers["input"].activate(np.concatenate([inputs, features], 1))
        return self.layers["hidden"].activate(h1)

    def features(self, inputs: Float32, own: Float32) -> Float32:
        """Features [n, features] of coded pixels; `own` [n, C]: their levels, doubled, less left plus upper."""
        channels = own.shape[1]
        own = cut(own, LEVEL)
        inputs = inputs[:, : len(NEIGHBOURS) * channels]
        around = inputs.reshape(len(own), -1, channels)[:, AROUND].reshape(len(own), -1)
        f1 = self.layers["feature1"].activate(np.concatenate([own, around], 1))
        return self.layers["feature2"].activate(f1)

    def parameters(self, channel: int, h2: Float32, lines: Float32, known: list[Float32]) -> Float32:
        """Logits, means and scale numbers [n, 3 K] of a channel; `known`: steps and surprises before it, [n] each,
        cut here."""
        k = self.config.mixtures
        if not channel:
            o = self.layers["head"](h2)
            o[:, k : 2 * k] += lines[:, :1]
            return o
        stage = self.layers[f"stage{channel}.hidden"]
        limits = _KNOWN_LIMITS[channel]
        told = np.clip(np.stack(known, 1), -limits, limits)
        h = activation(stage(np.concatenate([h2, told], 1)))
        o = self.layers[f"stage{channel}.head"](h)
        o[:, k : 2 * k] += self.layers[f"stage{channel}.line"](told)
        o[:, k : 2 * k] += lines[:, channel : channel + 1]
        return o
