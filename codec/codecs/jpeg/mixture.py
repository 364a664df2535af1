"""Values by mixtures of discretised logistics in integers: cells around the mean, then cells of cells, then far ones.

Weights of components have 12 bits and cdfs 18, so that all sums are exact in int32; pmfs have 16.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.entropy import Coder
from codec.entropy.integers import code_counts, damaged
from codec.errors import CodecError

Int = NDArray[np.int64]
Int32 = NDArray[np.int32]
Float32 = NDArray[np.float32]
Float = NDArray[np.float64]

NATS = 16  # logits are in sixteenths of a nat
LEAST_SCALE, SCALES, SCALES_PER_OCTAVE = 0.04, 107, 8  # steps; a scale's number counts eighths of an octave
UNIT = 16  # means are in sixteenths of a step
WEIGHT_BITS, CDF_BITS, PRECISION = 12, 18, 16
END_BITS = 14
CELLS = 16
_SPREAD, _FINE = 16, 512  # the cdf table: so many scales to each side, so many entries a scale
_LOGITS = 512
_FAR_SHARE = 5  # where more than 2^-5 lies outside the cells around the mean, cells are sixteen times as wide
_CHECKSUM = 0x26E02FEC  # of the tables
_WHAT = "JPEG's data"


@dataclass(frozen=True)
class Tables:
    weights: Float  # [512]: of a component whose logit is so much below the largest
    cdf: Int32  # 2^18 times the logistic's
    inverse: Float32  # [scales]: entries of the cdf table that a sixteenth of a step is worth


@lru_cache(maxsize=1)
def tables() -> Tables:
    """The constant tables. They are computed, but so that every machine gets the same."""
    z = np.arange(-_SPREAD * _FINE, _SPREAD * _FINE + 1) / _FINE
    cdf = _settled((1 << CDF_BITS) / (1 + np.exp(-z)))
    weights = np.maximum(_settled(2.0**END_BITS * np.exp(-np.arange(_LOGITS) / NATS)), 1)
    scales = LEAST_SCALE * 2.0 ** (np.arange(SCALES) / SCALES_PER_OCTAVE)
    inverse = _settled(4096 * _FINE / (UNIT * scales)) / 4096
    if zlib.crc32(b"".join(t.astype("<f8").tobytes() for t in (cdf, weights, inverse))) != _CHECKSUM:
        raise CodecError("the JPEG codec's tables come out wrong on this machine; please report its processor")
    return Tables(weights, cdf.astype(np.int32), inverse.astype(np.float32))


def _settled(values: Float) -> Float:
    """Rounded values, none of them so near a half that another library's exp() could round it otherwise."""
    rounded: Float = np.floor(values + 0.5)
    assert np.abs(values + 0.5 - np.rint(values + 0.5))[values != rounded].min() > 1e-8
    return rounded


def code_ends(coder: Coder, ends: Int | None, logits: Float32) -> Int:
    """Codes n numbers 0..63 by their logits [64, n]."""
    distance = np.minimum(logits.max(0) - logits, _LOGITS - 1)
    cumulative = tables().weights.take(distance.astype(np.int32)).cumsum(0)
    return coder.code_pmfs(ends, _pmf(cumulative, cumulative[-1]), PRECISION).astype(np.int64)


def code_values(
    coder: Coder, values: Int | None, logits: Float32, means: Float32, scales: Float32, last: NDArray[np.bool_] | None
) -> Int:
    """Codes n values, each with its mixture [K, n]; those of `last` [n] are known not to be 0."""
    mixture = Mixture(logits, means, scales)
    start = mixture.centre - CELLS // 2
    edges = mixture.cumulative(start, 1)
    total = 1 << (WEIGHT_BITS + CDF_BITS)
    wide = (edges[0] + (total - edges[-1])) > total >> _FAR_SHARE
    if not wide.any():
        return _code_near(coder, values, edges, start, last)
    result = np.empty(len(start), np.int64)
    near = np.flatnonzero(~wide)
    if len(near):
        known = None if values is None else values[near]
        result[near] = _code_near(coder, known, edges[:, near], start[near], None if last is None else last[near])
    at = np.flatnonzero(wide)
    result[at] = _code_wide(coder, None if values is None else values[at], mixture.rows(at))
    return result


class Mixture:
    """Weights, means and scales [K, n] in integers."""

    def __init__(self, logits: Float32, means: Float32, scales: Float32) -> None:
        distance = np.minimum(logits.max(0) - logits, _LOGITS - 1)
        weights = tables().weights.take(distance.astype(np.int32))
        total = weights.sum(0)
        weights *= float(1 << WEIGHT_BITS)
        weights /= total
        self.weights = np.floor(weights).astype(np.int32)
        # What rounding took belongs to the first of them that is the largest.
        largest = logits.argmax(0)
        self.weights[largest, np.arange(len(largest))] += (1 << WEIGHT_BITS) - self.weights.sum(0)
        self.means = means
        self.inverse = tables().inverse.take(np.clip(scales, 0, SCALES - 1).astype(np.int32))
        mean = (self.weights * means.astype(np.float64)).sum(0)
        self.centre: Int = np.floor(mean / (UNIT << WEIGHT_BITS) + 0.5).astype(np.int64)

    def rows(self, at: Int) -> Mixture:
        part = object.__new__(Mixture)
        part.weights, part.means, part.inverse = self.weights[:, at], self.means[:, at], self.inverse[:, at]
        part.centre = self.centre[at]
        return part

    def cumulative(self, start: Int, width: int) -> Int32:
        """2^30 times the cdf at the lower edge of value `start` [n] and of every `width`th after it, [17, n]."""
        table = tables().cdf
        first = (UNIT * start - UNIT // 2).astype(np.float32) - self.means
        offsets = (UNIT * width * np.arange(CELLS + 1, dtype=np.float32))[:, None]
        result = np.zeros((CELLS + 1, len(start)), np.int32)
        for weight, low, inverse in zip(self.weights, first, self.inverse, strict=True):
            z = offsets + low
            z *= inverse
            np.floor(z, out=z)
            z += _SPREAD * _FINE
            np.clip(z, 0, len(table) - 1, out=z)
            found = table.take(z.astype(np.int32))
            found *= weight
            result += found
        return result


def _code_near(coder: Coder, values: Int | None, edges: Int32, start: Int, last: NDArray[np.bool_] | None) -> Int:
    """Values in the cells from `start` on, or outside."""
    cumulative = np.empty((CELLS + 2, edges.shape[1]))
    cumulative[:-1] = edges
    cumulative[-1] = 1 << (WEIGHT_BITS + CDF_BITS)
    if last is not None:
        at = np.flatnonzero(last & (start <= 0) & (start > -CELLS))
        if len(at):
            cell = -start[at]
            mass = edges[cell + 1, at] - edges[cell, at]
            cumulative[:, at] -= mass * (np.arange(CELLS + 2)[:, None] > cell)
            np.maximum(cumulative[-1], 1, out=cumulative[-1])
    symbols = None if values is None else np.clip(values - start + 1, 0, CELLS + 1)
    symbols = coder.code_pmfs(symbols, _pmf(cumulative, cumulative[-1]), PRECISION).astype(np.int64)
    return _with_far(coder, values, start + symbols - 1, symbols)


def _code_wide(coder: Coder, values: Int | None, mixture: Mixture) -> Int:
    """Values in cells of sixteen, then which of the sixteen; or outside."""
    start = mixture.centre - CELLS * CELLS // 2
    cumulative = np.empty((CELLS + 2, len(start)))
    cumulative[:-1] = mixture.cumulative(start, CELLS)
    cumulative[-1] = 1 << (WEIGHT_BITS + CDF_BITS)
    symbols = None if values is None else np.clip((values - start) // CELLS + 1, 0, CELLS + 1)
    symbols = coder.code_pmfs(symbols, _pmf(cumulative, cumulative[-1]), PRECISION).astype(np.int64)
    result = start + CELLS * (symbols - 1)
    result[symbols == 0] += CELLS - 1
    at = np.flatnonzero((symbols > 0) & (symbols <= CELLS))
    if len(at):
        edges = mixture.rows(at).cumulative(result[at], 1).astype(np.float64)
        inside = edges[1:] - edges[:1] + np.arange(1, CELLS + 1)[:, None]
        known = None if values is None else values[at] - result[at]
        result[at] += coder.code_pmfs(known, _pmf(inside, inside[-1]), PRECISION)
    return _with_far(coder, values, result, symbols)


def _with_far(coder: Coder, values: Int | None, result: Int, symbols: Int) -> Int:
    """The values below the first cell and above the last: how far beyond the nearest such value."""
    at = np.flatnonzero((symbols == 0) | (symbols == CELLS + 1))
    if len(at):
        beyond = None if values is None else np.abs(values[at] - result[at])
        beyond = code_counts(coder, beyond, len(at), _WHAT)
        result[at] += np.where(symbols[at] == 0, -beyond, beyond)
        if np.abs(result[at]).max() > 1 << 17:
            raise damaged(_WHAT)
    return result


def _pmf(cumulative: Float, total: Float) -> NDArray[Any]:
    """Pmfs [n, C] of sum 2^16, every entry at least 1, from rising sums [C, n] below 2^36; `total` may be the last."""
    size = len(cumulative)
    edges = cumulative * float((1 << PRECISION) - size)
    edges /= total
    np.floor(edges, out=edges)
    pmf = np.empty(edges.shape[::-1], np.int32)
    pmf[:, 0] = edges[0]
    np.subtract(edges[1:].T, edges[:-1].T, out=pmf[:, 1:], casting="unsafe")
    pmf += 1
    return pmf
