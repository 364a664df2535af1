"""Mixtures of discretised logistics in integers: tables, pmfs of a value, conditioning.

A value is coded within a window of 64 around the mixture's mean: first which eighth of it (or below, or above),
then which of the eight values; rarely, outside, among 256 values around the window, the last of which stand for
all values beyond them, too. So each symbol reads 18 entries of each component's cdf instead of 256. Weights have
14 bits, cdfs 18, pmfs 16: all products stay below 2^53.
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from codec.codecs.circuit.order import InOrder, among
from codec.entropy import Coder
from codec.errors import CodecError
from codec.models.circuit.shape import MIN_SCALE, SCALES, SCALES_PER_OCTAVE

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Int32 = NDArray[np.int32]

SUBLEVELS = 16  # means are in sixteenths of a level
WEIGHT_BITS, CDF_BITS, PRECISION = 14, 18, 16
CHOICE_BITS = 20  # of the weights of candidates, and of their pmfs: where one is nearly certain, floors matter
NATS = 16  # logits are in sixteenths of a nat
LOGITS = 256  # steps between the largest and the smallest that counts
NEAR = 256  # values that have a probability of their own: all of 8 bits
WINDOW, BIN = 64, 8
REACH = 512  # levels on each side of a mean that the cdf table covers

ONE = 1 << CDF_BITS
_POSITIONS = 2 * REACH
_CHECKSUM = 0xA1765069  # of the tables


_BIT = np.full((1, 2), 1 << (PRECISION - 1), np.int32)
_LENGTH = np.full((1, 16), 1 << (PRECISION - 4), np.int32)  # of how far a value lies beyond the near ones, in bits


@dataclass(frozen=True)
class Leaves:
    """The constant tables, with the views that the coder reads: rows of cdf values from any entry on."""

    weights: Float  # [256]: of a component whose logit is so much below the largest
    choices: Float  # [256]: the same of a candidate
    cdf: Float  # by scale, by sixteenth of a level, by level: 2^18 times a logistic's cdf
    bins: Float  # [entries, 9]: every eighth value
    cells: Float  # [entries, 9]: every value


@lru_cache(maxsize=1)
def leaves() -> Leaves:
    """The tables. They are computed, but so that every machine gets the same."""
    levels = np.arange(-REACH * SUBLEVELS, REACH * SUBLEVELS).reshape(_POSITIONS, SUBLEVELS).T
    scales = MIN_SCALE * 2.0 ** (np.arange(SCALES) / SCALES_PER_OCTAVE) * SUBLEVELS
    cdf = _settled(ONE / (1 + np.exp(np.minimum(-levels / scales[:, None, None], 700)))).reshape(-1)
    weights, choices = (
        np.maximum(_settled(2.0**bits * np.exp(-np.arange(LOGITS) / NATS)), 1) for bits in (WEIGHT_BITS, CHOICE_BITS)
    )
    if zlib.crc32(b"".join(t.astype("<i4").tobytes() for t in (cdf, weights, choices))) != _CHECKSUM:
        raise CodecError("the circuit codec's tables come out wrong on this machine; please report its processor")
    for table in (cdf, weights, choices):
        table.setflags(write=False)
    step, count = cdf.strides[0], len(cdf) - WINDOW
    bins = as_strided(cdf, (count, WINDOW // BIN + 1), (step, BIN * step), writeable=False)
    cells = as_strided(cdf, (count, BIN + 1), (step, step), writeable=False)
    return Leaves(weights, choices, cdf, bins, cells)


def _settled(values: Float) -> Float:
    """Rounded values, none of them so near a half that another library's exp() could round it otherwise."""
    rounded: Float = np.floor(values + 0.5)
    assert np.abs(values + 0.5 - np.rint(values + 0.5)).min() > 1e-7
    return rounded


def prior(logits: Float, posterior: Float | None = None) -> Float:
    """Integer weights [n, K] of components with these logits, times what the channels before made of them."""
    distance = np.minimum(logits.max(1, keepdims=True) - logits, LOGITS - 1)
    weights: Float = leaves().weights[distance.astype(np.intp)]
    return weights if posterior is None else renorm(weights * posterior)


def renorm(weights: Float) -> Float:
    """Rows times a power of two, so that the largest entry has 14 bits; rounded down, at least 1."""
    exponent = np.frexp(weights.max(1, keepdims=True))[1]
    weights = np.floor(weights * np.ldexp(1.0, WEIGHT_BITS - exponent))
    return np.maximum(weights, 1, out=weights)


def integer_pmf(cumulative: Float, precision: int = PRECISION) -> Int32:
    """Pmfs [n, C] of sum 2^precision, every entry at least 1, from rising sums.

    They are at most 2^(52 - precision), the last at least 1.
    """
    size = cumulative.shape[1]
    # A quotient rounded to float64 has the right floor when dividend + divisor < 2^53.
    edges = cumulative * float((1 << precision) - size)
    edges /= cumulative[:, -1:]
    np.floor(edges, out=edges)
    pmf = np.empty(edges.shape, np.int32)
    pmf[:, 0] = edges[:, 0]
    np.subtract(edges[:, 1:], edges[:, :-1], out=pmf[:, 1:], casting="unsafe")
    pmf += 1
    return pmf


def code_values(
    coder: Coder | InOrder, values: Int | None, weights: Float, means: Int, scales: Int, depth: int = 8
) -> tuple[Int, Float]:
    """Codes n values 0..2^depth - 1, each with its mixture [n, K]; also the weights conditioned on them, [n, K].

    `means` in sixteenths of a level, below 2^27 in magnitude; `scales` by number; `depth` is 8 to 16.
    """
    table = leaves()
    total = weights.sum(1) * ONE
    start, entry = window_of(weights, means, scales, depth)
    low, high = start == 0, start == (1 << depth) - WINDOW

    cumulative = np.empty((len(start), WINDOW // BIN + 2))
    np.einsum("nk,nkj->nj", weights, table.bins[entry], out=cumulative[:, :-1])
    cumulative[:, 0][low] = 0  # the cells at the ends hold the tails
    cumulative[:, -2][high] = total[high]
    cumulative[:, -1] = total
    symbols = None if values is None else np.clip(((values - start) >> 3) + 1, 0, WINDOW // BIN + 1)
    bins = coder.code_pmfs(symbols, integer_pmf(cumulative), PRECISION).astype(np.int64) - 1

    inside = (bins >= 0) & (bins < WINDOW // BIN)
    result = start + BIN * bins
    if inside.all():
        result += _code_cells(coder, values, result, weights, entry + BIN * bins[:, None], total, depth)
        return result, condition(result, weights, entry + (result - start)[:, None], depth)
    at = np.flatnonzero(inside)
    known = None if values is None else values[at]
    cells = entry[at] + BIN * bins[at, None]
    result[at] += _code_cells(among(coder, at), known, result[at], weights[at], cells, total[at], depth)
    at = np.flatnonzero(~inside)
    known = None if values is None else values[at]
    above = bins[at] > 0
    result[at] = _code_far(among(coder, at), known, above, start[at], weights[at], entry[at], depth)
    # Means are no farther from the window than this either.
    distance = np.clip(result - start, 1 - NEAR, NEAR - 1)
    return result, condition(result, weights, entry + distance[:, None], depth)


def code_choice(coder: Coder | InOrder, pixels: Float | None, candidates: Float, logits: Float) -> Int:
    """Which of the candidates [n, J] each pixel [n] is, -1 for none; `logits` [n, 1 + J], none first.

    Pixels and candidates are numbers that stand for all their channels. The choice is coded before anything else of
    a pixel: a sum unit whose children share no picture, so what is certain costs nothing. Among equal candidates the
    first has the weight of all.
    """
    distance = np.minimum(logits.max(1, keepdims=True) - logits, LOGITS - 1)
    weights = leaves().choices[distance.astype(np.intp)]
    same = candidates[:, :, None] == candidates[:, None, :]
    first = ~(same & np.tri(same.shape[1], k=-1, dtype=bool)).any(2)
    weights[:, 1:] = np.einsum("nij,nj->ni", same.astype(np.float64), weights[:, 1:]) * first
    symbols = None
    if pixels is not None:
        equal = candidates == pixels[:, None]
        symbols = np.where(equal.any(1), 1 + equal.argmax(1), 0)
    pmf = integer_pmf(weights.cumsum(1), CHOICE_BITS)
    return coder.code_pmfs(symbols, pmf, CHOICE_BITS).astype(np.int64) - 1


def condition(values: Int, weights: Float, entry: Int, depth: int = 8) -> Float:
    """Weights after `values`, whose cells begin at `entry` [n, K]."""
    cdf = leaves().cdf
    upper, lower = cdf[entry + 1], cdf[entry]
    upper[values == (1 << depth) - 1] = ONE
    lower[values == 0] = 0
    return renorm(weights * (upper - lower + 1))


def window_of(weights: Float, means: Int, scales: Int, depth: int = 8) -> tuple[Int, Int]:
    """The first value of the window [n], and where its cell begins in the cdf table for each component, [n, K]."""
    start = np.floor((weights * means).sum(1) / (SUBLEVELS * weights.sum(1))).astype(np.int64) - WINDOW // 2
    np.clip(start, 0, (1 << depth) - WINDOW, out=start)
    return start, _entries(start, means, scales)


def _entries(start: Int, means: Int, scales: Int) -> Int:
    """Where in the cdf table the lower edge of value `start` [n] stands for each component, [n, K]."""
    distance = (SUBLEVELS * start - SUBLEVELS // 2)[:, None] - means
    # Room on both sides for any value that is near.
    limit = SUBLEVELS * (REACH - NEAR - 1)
    distance = np.clip(distance, -limit, limit - 1)
    return (scales * SUBLEVELS + (distance & (SUBLEVELS - 1))) * _POSITIONS + (distance >> 4) + REACH


def _code_cells(
    coder: Coder | InOrder, values: Int | None, first: Int, weights: Float, entry: Int, total: Float, depth: int
) -> Int32:
    """Which of the eight values from `first` on."""
    cumulative = np.einsum("nk,nkj->nj", weights, leaves().cells[entry])
    cumulative[:, 0][first == 0] = 0
    last = first == (1 << depth) - BIN
    cumulative[:, -1][last] = total[last]
    numerators = cumulative[:, 1:] - cumulative[:, :1] + np.arange(1, BIN + 1)
    return coder.code_pmfs(None if values is None else values - first, integer_pmf(numerators), PRECISION)


def _code_far(
    coder: Coder | InOrder,
    values: Int | None,
    above: NDArray[np.bool_],
    start: Int,
    weights: Float,
    entry: Int,
    depth: int,
) -> Int:
    """Values outside the window that begins at `start`, and whose cells do at `entry`: above it or below."""
    edges = np.arange(NEAR + 1)
    first = first_near(start, depth)
    cumulative = np.einsum("nk,nkj->nj", weights, leaves().cdf[(entry + (first - start)[:, None])[:, :, None] + edges])
    cumulative[:, 0], cumulative[:, -1] = 0, weights.sum(1) * ONE
    rows = np.arange(len(start))
    start = start - first
    low = np.where(above, cumulative[rows, np.minimum(start + WINDOW, NEAR)], 0)
    high = np.where(above, cumulative[:, -1], cumulative[rows, start])
    side = np.clip(cumulative[:, 1:], low[:, None], high[:, None]) - low[:, None] + edges[1:]
    symbols = None if values is None else np.clip(values - first, 0, NEAR - 1)
    result: Int = first + coder.code_pmfs(symbols, integer_pmf(side), PRECISION)
    return code_farther(coder, values, above, first, result, depth)


def first_near(start: Int, depth: int) -> Int:
    """The first of the values that are near a window."""
    return np.clip(start - (NEAR - WINDOW) // 2, 0, (1 << depth) - NEAR)


def code_farther(
    coder: Coder | InOrder, values: Int | None, above: NDArray[np.bool_], first: Int, result: Int, depth: int
) -> Int:
    """The values behind `result`: the outermost near values stand for those beyond them, too, where there are any."""
    if 1 << depth == NEAR:
        return result
    ends = result == np.where(above, first + NEAR - 1, first)
    at = np.flatnonzero(ends & (result > 0) & (result < (1 << depth) - 1))
    if len(at):
        beyond = None if values is None else np.abs(values[at] - result[at])
        beyond = _code_beyond(among(coder, at), beyond, len(at))
        result[at] = np.clip(result[at] + np.where(above[at], beyond, -beyond), 0, (1 << depth) - 1)
    return result


def _code_beyond(coder: Coder | InOrder, values: Int | None, count: int) -> Int:
    """Integers from 0 to 2^16 - 2 by Elias gamma with all lengths alike: the length, then bits, the lowest first."""

    def code(coder: Coder | InOrder, symbols: Int | None, pmf: Int32, n: int) -> Int:
        return coder.code_pmfs(symbols, np.repeat(pmf, n, 0), PRECISION).astype(np.int64)

    more = None if values is None else values + 1
    length = code(coder, None if more is None else np.frexp(more)[1].astype(np.int64) - 1, _LENGTH, count)
    result = np.int64(1) << length
    for place in range(int(length.max())):
        at = np.flatnonzero(length > place)
        bits = None if more is None else (more[at] >> place) & 1
        result[at] |= code(among(coder, at), bits, _BIT, len(at)) << place
    return result - 1
