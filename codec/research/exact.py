"""Exact integer arithmetic for circuits: integer-valued float64 arrays whose sums stay below 2^53.

Within that bound every product and sum is exact, in any order, on any machine: encoder and decoder get
the same pmfs from any library, thread count or batch. Weights have 20 bits, messages 24, pmfs 20.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.entropy import Coder
from codec.errors import FormatError

Float = NDArray[np.float64]
Int32 = NDArray[np.int32]

WEIGHT_BITS = 20
MESSAGE_BITS = 24
PRECISION = 20  # of the pmfs: a 256-ary pmf is so peaked that floors of 2^-16 cost 0.6 %
BLOCK = 16  # a value is coded as the number of its block, then its place in the block
_TOTAL_BITS = 32  # of cumulative sums before they are scaled: times 2^20 they stay below 2^53


def renorm(values: Float) -> Float:
    """Each vector [..., N] times a power of two, so that its largest entry has 24 bits; rounded down, at least 1.

    Only ratios matter for coding, and no state ever dies.
    """
    exponent = np.frexp(values.max(-1, keepdims=True))[1]
    scaled: Float = values * np.ldexp(1.0, MESSAGE_BITS - exponent)
    np.floor(scaled, out=scaled)
    return np.maximum(scaled, 1, out=scaled)


def integer_pmf(cumulative: Float, precision: int = PRECISION) -> Int32:
    """Pmfs [..., C] of sum 2^precision, every entry at least 1, from cumulative sums of integers up to 2^53.

    Differences of rounded cumulative sums: no maximum to find, no remainder to share out. The last
    cumulative sum, the total, is at least 1.
    """
    size = cumulative.shape[-1]
    shift = np.minimum(_TOTAL_BITS - np.frexp(cumulative[..., -1:])[1], 0)
    edges = cumulative * np.ldexp(1.0, shift)
    np.floor(edges, out=edges)
    total = edges[..., -1:].copy()
    # A quotient rounded to float64 has the right floor when dividend + divisor < 2^53.
    edges *= (1 << precision) - size
    edges /= total
    np.floor(edges, out=edges)
    pmf = np.empty(edges.shape, np.int32)
    pmf[..., 0] = edges[..., 0]
    np.subtract(edges[..., 1:], edges[..., :-1], out=pmf[..., 1:], casting="unsafe")
    pmf += 1
    return pmf


def quantise(rows: NDArray[Any]) -> Float:
    """Distributions [..., C], of any positive or zero weights, as integers of sum 2^20, every entry at least 1.

    To be run once, where weights are made: float sums may differ between machines.
    """
    cumulative = np.cumsum(np.asarray(rows, np.float64), -1)
    cumulative = np.floor(cumulative / cumulative[..., -1:] * 2.0**_TOTAL_BITS)
    return integer_pmf(cumulative, WEIGHT_BITS).astype(np.float64)


def check_exact(matrix: Float) -> None:
    """Raises FormatError unless products of [..., M, N] with messages are exact, from both sides."""
    if not (np.isfinite(matrix).all() and (matrix == np.floor(matrix)).all() and matrix.min() >= 0):
        raise FormatError("the circuit's weights are not whole numbers; get a whole copy of the weights")
    largest = max(float(matrix.sum(axis).max()) for axis in (-1, -2))
    if largest * (1 << MESSAGE_BITS) > 1 << 53:
        raise FormatError(f"the circuit's weights sum to {largest:.0f}, too large for exact arithmetic; train it anew")


def block_sums(inputs: Float) -> Float:
    """Distributions [..., C] as cumulative sums within blocks of 16, [..., C]. C is up to 16, or 32, 48, ... 256."""
    size = inputs.shape[-1]
    if not 2 <= size <= BLOCK * BLOCK or (size > BLOCK and size % BLOCK):
        raise FormatError(f"a circuit's variable has {size} values; it must be 2 to 16, or 32, 48, ..., 256")
    width = min(size, BLOCK)
    return inputs.reshape(*inputs.shape[:-1], -1, width).cumsum(-1).reshape(inputs.shape)


def code_values(coder: Coder, values: Int32 | None, belief: Float, sums: Float) -> Int32:
    """Codes one variable for B images: `values` [B] or None, `belief` [B, M] of its M inputs, `sums` [M, C].

    `sums` is what `block_sums` gave. One product gives all C numerators. Coding blocks first leaves two
    pmfs of 16 entries to make instead of one of 256.
    """
    size = sums.shape[-1]
    width = min(size, BLOCK)
    numerators = (belief @ sums).reshape(len(belief), -1, width)
    if size == width:
        return coder.code_pmfs(values, integer_pmf(numerators[:, 0]), PRECISION)
    pmf = integer_pmf(np.cumsum(numerators[:, :, -1], 1))
    high = coder.code_pmfs(None if values is None else values // width, pmf, PRECISION)
    pmf = integer_pmf(numerators[np.arange(len(high)), high])
    low = coder.code_pmfs(None if values is None else values % width, pmf, PRECISION)
    return high * np.int32(width) + low
