"""Mixtures of discretised logistics in integers: tables, pmfs of a value, conditioning.

A value is coded within a window of 64 around the mixture's mean: first which eighth of it (or below, or above),
then which of the eight values; rarely, outside, among all values of that side. So each symbol reads 18 entries
of each component's cdf instead of 256. Weights have 14 bits, cdfs 18, pmfs 16: all products stay below 2^53.
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from codec.entropy import Coder
from codec.errors import CodecError
from codec.models.context_shape import MIN_SCALE, SCALES, SCALES_PER_OCTAVE

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Int32 = NDArray[np.int32]

SUBLEVELS = 16  # means are in sixteenths of a level
WEIGHT_BITS, CDF_BITS, PRECISION = 14, 18, 16
NATS = 16  # logits are in sixteenths of a nat
VALUES = 256
WINDOW, BIN = 64, 8
REACH = 512  # levels on each side of a mean that the cdf table covers

ONE = 1 << CDF_BITS
_POSITIONS = 2 * REACH
_CHECKSUM = 0xFB4202AA  # of the tables


@dataclass(frozen=True)
class Leaves:
    """The constant tables, with the views that the coder reads: rows of cdf values from any entry on."""

    weights: Float  # [256]: of a component whose logit is so much below the largest
    cdf: Float  # by scale, by sixteenth of a level, by level: 2^18 times a logistic's cdf
    bins: Float  # [entries, 9]: every eighth value
    cells: Float  # [entries, 9]: every value


@lru_cache(maxsize=1)
def leaves() -> Leaves:
    """The tables. They are computed, but so that every machine gets the same."""
    levels = np.arange(-REACH * SUBLEVELS, REACH * SUBLEVELS).reshape(_POSITIONS, SUBLEVELS).T
    scales = MIN_SCALE * 2.0 ** (np.arange(SCALES) / SCALES_PER_OCTAVE) * SUBLEVELS
    cdf = _settled(ONE / (1 + np.exp(np.minimum(-levels / scales[:, None, None], 700)))).reshape(-1)
    weights = np.maximum(_settled(2.0**WEIGHT_BITS * np.exp(-np.arange(VALUES) / NATS)), 1)
    if zlib.crc32(cdf.astype("<i4").tobytes() + weights.astype("<i4").tobytes()) != _CHECKSUM:
        raise CodecError("the circuit codec's tables come out wrong on this machine; please report its processor")
    for table in (cdf, weights):
        table.setflags(write=False)
    step, count = cdf.strides[0], len(cdf) - WINDOW
    bins = as_strided(cdf, (count, WINDOW // BIN + 1), (step, BIN * step), writeable=False)
    cells = as_strided(cdf, (count, BIN + 1), (step, step), writeable=False)
    return Leaves(weights, cdf, bins, cells)


def _settled(values: Float) -> Float:
    """Rounded values, none of them so near a half that another library's exp() could round it otherwise."""
    rounded: Float = np.floor(values + 0.5)
    assert np.abs(values + 0.5 - np.rint(values + 0.5)).min() > 1e-7
    return rounded


def prior(logits: Float, posterior: Float | None = None) -> Float:
    """Integer weights [n, K] of components with these logits, times what the channels before made of them."""
    distance = np.minimum(logits.max(1, keepdims=True) - logits, VALUES - 1)
    weights: Float = leaves().weights[distance.astype(np.intp)]
    return weights if posterior is None else renorm(weights * posterior)


def renorm(weights: Float) -> Float:
    """Rows times a power of two, so that the largest entry has 14 bits; rounded down, at least 1."""
    exponent = np.frexp(weights.max(1, keepdims=True))[1]
    weights = np.floor(weights * np.ldexp(1.0, WEIGHT_BITS - exponent))
    return np.maximum(weights, 1, out=weights)


def integer_pmf(cumulative: Float) -> Int32:
    """Pmfs [n, C] of sum 2^16, every entry at least 1, from rising sums of at most 2^36, the last at least 1."""
    size = cumulative.shape[1]
    # A quotient rounded to float64 has the right floor when dividend + divisor < 2^53.
    edges = cumulative * float((1 << PRECISION) - size)
    edges /= cumulative[:, -1:]
    np.floor(edges, out=edges)
    pmf = np.empty(edges.shape, np.int32)
    pmf[:, 0] = edges[:, 0]
    np.subtract(edges[:, 1:], edges[:, :-1], out=pmf[:, 1:], casting="unsafe")
    pmf += 1
    return pmf


def code_values(coder: Coder, values: Int | None, weights: Float, means: Int, scales: Int) -> tuple[Int, Float]:
    """Codes n values 0..255, each with its mixture [n, K]; also the weights conditioned on them, [n, K].

    `means` in sixteenths of a level, `scales` by number.
    """
    table = leaves()
    mass = weights.sum(1)
    total = mass * ONE
    start = np.floor((weights * means).sum(1) / (SUBLEVELS * mass)).astype(np.int64) - WINDOW // 2
    np.clip(start, 0, VALUES - WINDOW, out=start)
    low, high = start == 0, start == VALUES - WINDOW
    entry = _entries(start, means, scales)

    cumulative = np.empty((len(start), WINDOW // BIN + 2))
    np.einsum("nk,nkj->nj", weights, table.bins[entry], out=cumulative[:, :-1])
    cumulative[:, 0][low] = 0  # the cells at the ends hold the tails
    cumulative[:, -2][high] = total[high]
    cumulative[:, -1] = total
    symbols = None if values is None else np.clip(((values - start) >> 3) + 1, 0, WINDOW // BIN + 1)
    bins = coder.code_pmfs(symbols, integer_pmf(cumulative), PRECISION).astype(np.int64) - 1

    near = (bins >= 0) & (bins < WINDOW // BIN)
    result = start + BIN * bins
    if near.all():
        result += _code_cells(coder, values, result, weights, entry + BIN * bins[:, None], total)
    else:
        at = np.flatnonzero(near)
        known = None if values is None else values[at]
        cells = entry[at] + BIN * bins[at, None]
        result[at] += _code_cells(coder, known, result[at], weights[at], cells, total[at])
        at = np.flatnonzero(~near)
        known = None if values is None else values[at]
        above = bins[at] > 0
        result[at] = _code_far(coder, known, above, start[at], weights[at], means[at], scales[at])

    return result, condition(result, weights, entry + (result - start)[:, None])


def condition(values: Int, weights: Float, entry: Int) -> Float:
    """Weights after `values`, whose cells begin at `entry` [n, K]."""
    cdf = leaves().cdf
    upper, lower = cdf[entry + 1], cdf[entry]
    upper[values == VALUES - 1] = ONE
    lower[values == 0] = 0
    return renorm(weights * (upper - lower + 1))


def _entries(start: Int, means: Int, scales: Int) -> Int:
    """Where in the cdf table the lower edge of value `start` [n] stands for each component, [n, K]."""
    distance = (SUBLEVELS * start - SUBLEVELS // 2)[:, None] - means
    # Room on both sides for any value of the picture.
    limit = SUBLEVELS * (REACH - VALUES - 1)
    distance = np.clip(distance, -limit, limit - 1)
    return (scales * SUBLEVELS + (distance & (SUBLEVELS - 1))) * _POSITIONS + (distance >> 4) + REACH


def _code_cells(coder: Coder, values: Int | None, first: Int, weights: Float, entry: Int, total: Float) -> Int32:
    """Which of the eight values from `first` on."""
    cumulative = np.einsum("nk,nkj->nj", weights, leaves().cells[entry])
    cumulative[:, 0][first == 0] = 0
    last = first == VALUES - BIN
    cumulative[:, -1][last] = total[last]
    numerators = cumulative[:, 1:] - cumulative[:, :1] + np.arange(1, BIN + 1)
    return coder.code_pmfs(None if values is None else values - first, integer_pmf(numerators), PRECISION)


def _code_far(
    coder: Coder, values: Int | None, above: NDArray[np.bool_], start: Int, weights: Float, means: Int, scales: Int
) -> Int32:
    """Values outside the window that begins at `start`: above it or below."""
    edges = np.arange(VALUES + 1)
    entry = _entries(start, means, scales)[:, :, None] + (edges - start[:, None])[:, None, :]
    cumulative = np.einsum("nk,nkj->nj", weights, leaves().cdf[entry])
    cumulative[:, 0], cumulative[:, -1] = 0, weights.sum(1) * ONE
    rows = np.arange(len(start))
    low = np.where(above, cumulative[rows, np.minimum(start + WINDOW, VALUES)], 0)
    high = np.where(above, cumulative[:, -1], cumulative[rows, start])
    side = np.clip(cumulative[:, 1:], low[:, None], high[:, None]) - low[:, None] + edges[1:]
    return coder.code_pmfs(values, integer_pmf(side), PRECISION)
