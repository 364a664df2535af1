"""The passes over lanes that are no matrix products, compiled by numba: same integers, faster.

Each does what functions of numpy's do (named in its docstring), in one loop and without arrays in between. All values
are whole numbers that float64 (in the network float32) holds exactly, and quotients are rounded as IEEE 754 says, so
results are equal bit for bit; tests compare both. They make no arrays, so compiled they need nothing of numba's.
ImportError without numba.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from codec.codecs.circuit.leaves import BIN, NEAR, ONE, PRECISION, REACH, SUBLEVELS, WEIGHT_BITS, WINDOW
from codec.entropy.tables import CODER_PRECISION
from codec.models.circuit.shape import SCALES

F = TypeVar("F", bound=Callable[..., Any])

ALONE: Any = {"error_model": "numpy", "_nrt": False}  # neither raises nor counts references

_HALF = SUBLEVELS // 2  # what half a level is
_SHIFT, _POSITIONS = SUBLEVELS.bit_length() - 1, 2 * REACH
_LIMIT = SUBLEVELS * (REACH - NEAR - 1)
_BINS = WINDOW // BIN
_SUM, _UNIT = float(1 << PRECISION), float(1 << (CODER_PRECISION - PRECISION))


def compiled(function: F) -> F:
    """To be compiled at its first call."""
    return cast(F, numba.njit(function, **ALONE))


@compiled
def look(flat, at, taps, pairs, corners, table, level, both, x):  # type: ignore[no-untyped-def]
    """Network.inputs: fills `both` [n, C] and of `x` [n, inputs + ...] the inputs.

    `flat` [cells, C], `taps` positions from a pixel's, `pairs` [2, P] and `corners` [3] numbers of taps.
    """
    channels, count = flat.shape[1], len(taps)
    for i in range(len(at)):
        p = at[i]
        for c in range(channels):
            left, up, corner = (
                flat[p + taps[corners[0]], c],
                flat[p + taps[corners[1]], c],
                flat[p + taps[corners[2]], c],
            )
            sums = left + up
            both[i, c] = sums
            for t in range(count):
                v = 2 * flat[p + taps[t], c] - sums
                x[i, t * channels + c] = min(max(v, -level), level)
            middle = max(min(left, up), min(max(left, up), sums - corner))
            x[i, count * channels + c] = min(max(2 * middle - sums, -level), level)
            active = np.float32(0)
            for j in range(pairs.shape[1]):
                active += abs(flat[p + taps[pairs[0, j]], c] - flat[p + taps[pairs[1, j]], c])
            x[i, (count + 1) * channels + c] = table[min(int(active), len(table) - 1)]


@compiled
def gather(features, at, near, place, x):  # type: ignore[no-untyped-def]
    """The neighbours' features, into `x` [n, place + ...] from column `place` on."""
    for i in range(len(at)):
        column = place
        for j in range(len(near)):
            q = at[i] + near[j]
            for f in range(features.shape[1]):
                x[i, column] = features[q, f]
                column += 1


@compiled
def own(x, pixels, both, taps, level, out):  # type: ignore[no-untyped-def]
    """The inputs of Network.features, [n, (1 + taps) C]: what coded pixels are themselves, then around them."""
    channels = pixels.shape[1]
    for i in range(len(pixels)):
        for c in range(channels):
            out[i, c] = min(max(2 * pixels[i, c] - both[i, c], -level), level)
            for j in range(len(taps)):
                out[i, (1 + j) * channels + c] = x[i, taps[j] * channels + c]


@compiled
def windows(  # type: ignore[no-untyped-def]
    head, lines, channel, told, line, both, first, posterior, table, cdf, depth,
    weights, mu, start, entry, origin, rows, scratch,
):  # fmt: skip
    """A channel's components from what its `head` gave [n, 3 K], and the pmfs of which eighth of the window.

    Means move by `lines` [n, C] and by what `line` (weights, bias and factor of the layer) makes of what is `told`
    [n, 2 channel]; `both` [n, C] and the first channel's steps, `first` [n],
    are where they start from; `posterior` [n, K] is what the channels before made of the weights. Fills weights, mu,
    entry [n, K], start and origin [n], rows [n, 10]. As prior, window_of and integer_pmf of leaves.py.
    """
    n, k = weights.shape
    cumulative = scratch[: _BINS + 2]
    for i in range(n):
        begin, told_of = both[i, channel], np.float32(0)
        if channel:
            begin += first[i]
            more = np.float32(0)
            for j in range(told.shape[1]):
                more += np.float32(told[i, j]) * line[0][j, 0]
            told_of = np.floor((more + line[1][0]) * line[2][0])
        origin[i] = begin
        top = -np.inf
        for j in range(k):
            top = max(top, head[i, j])
        most = 0.0
        for j in range(k):
            logit = head[i, j]
            w = table[int(min(top - logit, len(table) - 1))]
            if channel:
                w *= posterior[i, j]
            weights[i, j] = w
            most = max(most, w)
        if channel:
            _renorm(weights, i, most)
        total = mean = 0.0
        base = _HALF * int(begin)
        for j in range(k):
            m = int((head[i, k + j] + told_of) + lines[i, channel])  # in numpy's order: float32 may round the sums
            mu[i, j] = m
            total += weights[i, j]
            mean += weights[i, j] * (m + base)
        value = int(np.floor(mean / (SUBLEVELS * total))) - WINDOW // 2
        last = (1 << depth) - WINDOW
        value = min(max(value, 0), last)
        start[i] = value
        cumulative[:] = 0
        for j in range(k):
            distance = SUBLEVELS * value - _HALF - (mu[i, j] + base)
            distance = min(max(distance, -_LIMIT), _LIMIT - 1)
            scale = head[i, 2 * k + j]
            e = (int(min(max(scale, 0), SCALES - 1)) * SUBLEVELS + (distance & SUBLEVELS - 1)) * _POSITIONS
            e += (distance >> _SHIFT) + REACH
            entry[i, j] = e
            w = weights[i, j]
            for b in range(_BINS + 1):
                cumulative[b] += w * cdf[e + BIN * b]
        total *= ONE
        if value == 0:
            cumulative[0] = 0
        if value == last:
            cumulative[_BINS] = total
        cumulative[_BINS + 1] = total
        _row(cumulative, rows, i)


@compiled
def cells(bins, start, weights, entry, cdf, depth, result, inside, outside, rows, scratch):  # type: ignore[no-untyped-def]
    """From which eighths [n] of the window, 0 for below it: the first value in each, `result` [n]; which lanes are
    inside and outside; and for those inside the pmfs [m, 8] of which of the eight values. Returns m.

    As _code_cells of leaves.py.
    """
    n, k = weights.shape
    cumulative = scratch[:BIN]
    count = 0
    for i in range(n):
        b = int(bins[i]) - 1
        first = start[i] + BIN * b
        result[i] = first
        if b < 0 or b >= _BINS:
            outside[i - count] = i
            continue
        inside[count] = i
        cumulative[:] = 0
        lower = total = 0.0
        for j in range(k):
            w = weights[i, j]
            e = entry[i, j] + BIN * b
            total += w
            if first != 0:
                lower += w * cdf[e]
            for v in range(BIN):
                cumulative[v] += w * cdf[e + 1 + v]
        if first == (1 << depth) - BIN:
            cumulative[BIN - 1] = total * ONE
        for v in range(BIN):
            cumulative[v] = cumulative[v] - lower + (v + 1)
        _row(cumulative, rows, count)
        count += 1
    return count


@compiled
def far(at, bins, start, weights, entry, cdf, depth, near, rows, scratch):  # type: ignore[no-untyped-def]
    """For lanes `at` [m], whose values lie outside their windows, above it or, where `bins` is 0, below: the first near
    value, `near` [m], and the pmfs [m, 256] of which from there on.

    As first_near and _code_far of leaves.py.
    """
    k, size = weights.shape[1], rows.shape[1]
    cumulative = scratch[:size]
    for i in range(len(at)):
        lane = at[i]
        first = min(max(start[lane] - (NEAR - WINDOW) // 2, 0), (1 << depth) - NEAR)
        near[i] = first
        cumulative[:] = 0
        total = 0.0
        for j in range(k):
            w = weights[lane, j]
            e = entry[lane, j] + first - start[lane] + 1
            total += w
            for b in range(size):
                cumulative[b] += w * cdf[e + b]
        cumulative[size - 1] = total * ONE
        below = start[lane] - first  # values
        low, high = 0.0, 0.0
        if bins[lane] > 0:
            low, high = cumulative[min(below + WINDOW, size) - 1], cumulative[size - 1]
        elif below:
            high = cumulative[below - 1]
        for b in range(size):
            cumulative[b] = min(max(cumulative[b], low), high) - low + (b + 1)
        _row(cumulative, rows, i)


@compiled
def settle(  # type: ignore[no-untyped-def]
    values, start, origin, weights, mu, entry, cdf, depth, channel, limits, posterior, first, told, result
):
    """What a channel's values [n] are to the next: the posterior [n, K], the first channel's steps, and steps and
    surprises up to `limits`, behind those `told` before [n, 2 channels].

    As condition of leaves.py and the end of code_pixels.
    """
    n, k = weights.shape
    column = 2 * channel
    for i in range(n):
        v = values[i]
        result[i, channel] = v
        if column >= told.shape[1]:
            continue
        distance = min(max(v - start[i], 1 - NEAR), NEAR - 1)
        total = mean = most = 0.0
        for j in range(k):
            e = entry[i, j] + distance
            upper = float(ONE) if v == (1 << depth) - 1 else cdf[e + 1]
            lower = 0.0 if v == 0 else cdf[e]
            w = weights[i, j]
            total += w
            mean += w * mu[i, j]
            p = w * (upper - lower + 1)
            posterior[i, j] = p
            most = max(most, p)
        _renorm(posterior, i, most)
        step = 2 * v - origin[i]
        surprise = _HALF * step - np.floor(mean / total)
        if not channel:
            first[i] = step
        told[i, column] = min(max(step, -limits[0]), limits[0])
        told[i, column + 1] = min(max(surprise, -limits[1]), limits[1])


@compiled
def _renorm(weights, i, most):  # type: ignore[no-untyped-def]
    """renorm of leaves.py, for one row whose largest entry is `most`."""
    exponent = (np.float64(most).view(np.int64) >> 52) - 1022  # frexp's
    factor = np.int64((1023 + WEIGHT_BITS - exponent) << 52).view(np.float64)  # 2^(WEIGHT_BITS - exponent)
    for j in range(weights.shape[1]):
        weights[i, j] = max(np.floor(weights[i, j] * factor), 1.0)


@compiled
def _row(cumulative, rows, i):  # type: ignore[no-untyped-def]
    """integer_pmf of leaves.py, for one row, and pmf_rows of the entropy coder."""
    size = len(cumulative)
    scale = _SUM - size
    last = cumulative[size - 1]
    before = 0.0
    for b in range(size):
        edge = np.floor(cumulative[b] * scale / last)
        rows[i, b] = (edge - before + 1) * _UNIT - 1
        before = edge
