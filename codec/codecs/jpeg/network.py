"""The network of coefficients in integers: float32 arrays of whole numbers whose sums stay below 2^24.

Within that bound float32 sums are exact in any order, so every library, thread count and batch gives the same
parameters; all else is single operations on whole numbers, whose rounding IEEE 754 settles. Arrays are [features, n].
The bound of every row is checked when weights load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from codec.codecs.networks import BOUND
from codec.errors import FormatError
from codec.models.jpeg.shape import LARGEST, PHASES, TOLD, CoefficientConfig

Float32 = NDArray[np.float32]
Float = NDArray[np.float64]
Int = NDArray[np.int64]
FloatArray = TypeVar("FloatArray", Float32, Float)

TOP = 1023  # of an activation, and of an input
UNIT = 16  # predictions, sizes, means and counts are in sixteenths
FAR = 16000  # sixteenths: the largest size, and prediction of another component
REACH = 1 << 20  # the largest prediction in sixteenths, in the mean
MIX_BITS = 12  # of the share that a prediction has in a mean
STEPS = 65535  # the largest quantisation step
END_STEPS = (0, 1, 5, 12, 25, 40)  # frequencies whose steps the ends are told
REGULAR = 4  # squared steps that a prediction from another component is drawn to 0 by
_FLAG = 32


@lru_cache(maxsize=1)
def _log_table() -> Float32:
    """16 log2(i), rounded; of 0 it is 0. No value lies near a half, so every log2() gives the same table."""
    values = 16 * np.log2(np.maximum(np.arange(STEPS + 1.0), 1)) + 0.5
    assert np.abs(values - np.rint(values)).min() > 1e-7
    return np.floor(values).astype(np.float32)


def logarithm(x: Float32 | Int) -> Float32:
    """16 log2(x) of whole numbers, 1 to 65535."""
    return _log_table().take(x.astype(np.int32))


@dataclass(frozen=True, eq=False)
class Layer:
    """floor((weight @ x + bias) * factor): weight [out, in]; bias [out] or [..., out], one for each place."""

    weight: Float32
    bias: Float32
    factor: Float32

    @classmethod
    def load(cls, tensors: Mapping[str, NDArray[Any]], name: str, largest: Int, places: tuple[int, ...] = ()) -> Layer:
        """The layer of a file's integers; FormatError unless all sums are exact for inputs up to `largest` [in]."""
        weight, bias, shift = (tensors[f"{name}.{part}"].astype(np.int64) for part in ("weight", "bias", "shift"))
        if weight.shape != (len(shift), len(largest)) or bias.shape != (*places, len(shift)):
            raise FormatError(f"layer {name} has the wrong shape; get a whole copy of the weights")
        if (np.abs(weight) @ largest + np.abs(bias)).max() >= BOUND or shift.min() < -24 or shift.max() > 24:
            raise FormatError(f"layer {name} is too large for exact arithmetic; export the weights anew")
        factor = np.ldexp(1.0, -shift)[:, None]
        return cls(weight.astype(np.float32), bias.astype(np.float32), factor.astype(np.float32))

    def __call__(self, x: Float32, place: tuple[int, ...] = ()) -> Float32:
        y: Float32 = self.weight @ x
        y += self.bias[place][:, None]
        y *= self.factor
        return np.floor(y, out=y)

    def activate(self, x: Float32, place: tuple[int, ...] = ()) -> Float32:
        return cut(self(x, place), 0, TOP)


def cut(x: Float32, low: float, high: float) -> Float32:
    """x limited to low..high, in place."""
    np.maximum(x, low, out=x)
    return np.minimum(x, high, out=x)


def rounded(x: FloatArray) -> FloatArray:
    """x to the nearest whole numbers, in place."""
    x += 0.5
    return np.floor(x, out=x)


def input_limits(c: CoefficientConfig) -> Int:
    """The largest magnitude of each input of the network."""
    logs = [int(_log_table()[FAR + 1])] * (c.predictions + c.sizes)
    told = [63, 96, 63, _FLAG, *[63] * 4, 252, *[256] * 3, 200, 200]
    return np.array([TOP] * c.predictions + logs + [TOP] * c.counts + told)


def end_limits(c: CoefficientConfig) -> Int:
    ends = (c.end_inputs - len(END_STEPS)) // 2
    return np.array([126] * ends + [112] * ends + [256] * len(END_STEPS))


class Network:
    """All layers of one kind of component."""

    def __init__(self, config: CoefficientConfig, tensors: Mapping[str, NDArray[Any]]) -> None:
        c = self.config = config
        try:
            limits = input_limits(c)
            self._inner = Layer.load(tensors, "inner", limits, (64, PHASES))
            self._trunk = Layer.load(tensors, "trunk", np.full(c.hidden, TOP))
            self._head = Layer.load(tensors, "head", np.concatenate([np.full(c.trunk, TOP), limits]), (64,))
            self._ends = [
                Layer.load(tensors, "ends.0", end_limits(c)),
                Layer.load(tensors, "ends.2", np.full(c.end_hidden, TOP)),
                Layer.load(tensors, "ends.4", np.full(c.end_hidden, TOP)),
            ]
            sums, shift, mean = (tensors[n].astype(np.int64) for n in ("sums.weight", "sums.shift", "mean.weight"))
        except KeyError as e:
            raise FormatError(f"the weights have no {e}; get a whole copy of them") from None
        count = c.signed + c.sizes + c.counts
        outputs = len(self._head.weight), len(self._ends[-1].weight)
        if sums.shape != (64, count, c.taps) or shift.shape != sums.shape[:2] or outputs != (3 * c.mixtures, 64):
            raise FormatError("the weights have the wrong shape; get a whole copy of them")
        if mean.shape != (64, PHASES, c.mixtures, c.predictions) or np.abs(mean).max() >= 1 << 20:
            raise FormatError("the weights' means have the wrong shape or size; get a whole copy of them")
        if (np.abs(sums).sum(2) * LARGEST).max() >= BOUND or shift.min() < 0 or shift.max() > 24:
            raise FormatError("the sums are too large for exact arithmetic; export the weights anew")
        self._sums = sums.astype(np.float32)
        self._unit = np.ldexp(float(UNIT), -shift).astype(np.float32)[:, :, None]
        self._mean = mean.astype(np.float64)

    def parameters(
        self, k: int, phase: int, x: Float32, others: Float32, step: int, told: Float32
    ) -> tuple[Float32, Float32, Float32]:
        """Logits, means and scale numbers, each [K, n], of coefficients of one frequency and phase.

        Taps `x` [taps, n], up to LARGEST in magnitude (destroyed); what other components predict [others, n], up to
        FAR; the frequency's step; `told` [TOLD, n].
        """
        c = self.config
        signed, sized = c.signed, c.signed + c.sizes
        sums, unit = self._sums[k], self._unit[k]
        p = np.empty((c.predictions, x.shape[1]), np.float32)
        np.matmul(sums[:signed], x, out=p[:signed])
        p[:signed] *= unit[:signed]
        p[:signed] /= np.float32(step)
        rounded(p[:signed])
        p[signed:] = others
        np.abs(x, out=x)
        sizes = sums[signed:sized] @ x
        sizes *= unit[signed:sized]
        sizes /= np.float32(step)
        cut(rounded(sizes), 0, FAR)
        np.minimum(x, 1, out=x)
        counts = sums[sized:] @ x
        counts *= unit[sized:]
        cut(rounded(counts), 0, TOP)
        inputs = np.empty((c.trunk + c.inputs, x.shape[1]), np.float32)
        seen = inputs[c.trunk :]
        n = c.predictions
        np.clip(p, -TOP, TOP, out=seen[:n])
        seen[n : 2 * n] = logarithm(cut(np.abs(p), 0, FAR) + 1)
        seen[2 * n : 2 * n + c.sizes] = logarithm(sizes + 1)
        seen[2 * n + c.sizes : -TOLD] = counts
        seen[-TOLD:] = told
        inputs[: c.trunk] = self._trunk.activate(self._inner.activate(seen, (k, phase)))
        out = self._head(inputs, (k,))
        m = c.mixtures
        # In float64, where sums are exact below 2^53.
        mean = self._mean[k, phase] @ np.clip(p, -REACH, REACH).astype(np.float64)
        mean *= 2.0**-MIX_BITS
        out[m : 2 * m] += rounded(mean)
        cut(out[m : 2 * m], -REACH, REACH)
        return out[:m], out[m : 2 * m], out[2 * m :]

    def end_logits(self, inputs: Float32) -> Float32:
        """[64, n] of each end, from inputs as `end_told` gives them."""
        first, second, last = self._ends
        return last(second.activate(first.activate(inputs)))


def told(k: int, own: Int, around: Int, steps: tuple[int, int, int], wide: Int) -> Float32:
    """[TOLD, n] of frequency k: the block's end [n], ends of the eight neighbours [8, n], three steps, and what is
    known of ends farther away [2, n]."""
    out = np.empty((TOLD, len(own)), np.float32)
    ahead = own - k
    out[0] = ahead
    out[1] = logarithm(ahead + 1)
    out[2] = own
    out[3] = _FLAG * (ahead == 0)
    out[4:8] = around[:4] - k
    out[8] = around[4:].sum(0)
    out[9:12] = logarithm(np.array(steps))[:, None]
    out[12:] = wide
    return out


def end_told(ends: Int, steps: NDArray[np.integer]) -> Float32:
    """Inputs [end_inputs, n] of ends around, doubled [ends, n], and the table of steps [64]."""
    count, n = ends.shape
    out = np.empty((2 * count + len(END_STEPS), n), np.float32)
    out[:count] = ends
    out[count : 2 * count] = logarithm(ends + 2) - 16
    out[2 * count :] = logarithm(np.asarray(steps)[list(END_STEPS)])[:, None]
    return out


def predicted(products: Float, squares: Float, other: Float32, step: int) -> Float32:
    """What another component's coefficient predicts, in sixteenths of a step: the ratio of what is known, times it."""
    value = products * other
    value *= UNIT
    value /= squares + REGULAR * step * step
    value /= step
    return np.clip(rounded(value), -FAR, FAR).astype(np.float32)
