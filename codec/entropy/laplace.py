"""The probability tables of network weights: discretised Laplace distributions of 64 widths, and their cost in bits.

A weight's integer is 0 with probability 1 - x and k away from it, on either side, with x^(2k - 1) (1 - x^2) / 2,
where x = exp(-1 / 2b) and b is the width. The tables are made in integers, so they come out alike everywhere.
"""

import itertools
import zlib
from decimal import Context, Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codec.entropy.tables import Tables
from codec.errors import CodecError

WIDTHS = 64
PER_OCTAVE = 5  # the next width is 15 % more; the best of them costs at most 0.004 bits a weight more than the ideal
NARROWEST = -4  # log2: there one weight in 3000 isn't 0; 64 widths reach to 2^8.6
PRECISION = 16
_CHECKSUM = 0x07E00DCE  # of the tables
_BITS = 64  # of the fractions below
_DIGITS = Context(prec=40)  # Decimal's ln and exp are rounded correctly, whatever the machine


@lru_cache(maxsize=1)
def tables() -> Tables:
    """One table for each width, symmetric about 0, as far as an entry is worth one count of 65536."""
    rows = [_table(width) for width in range(WIDTHS)]
    if zlib.crc32(b"".join(np.array(row, "<i4").tobytes() for row in rows)) != _CHECKSUM:
        raise CodecError("the tables of network weights come out wrong on this machine; please report its processor")
    sizes = np.array([len(row) for row in rows])
    return Tables(np.concatenate(rows), sizes, 1 - sizes // 2, PRECISION)


def _table(width: int) -> list[int]:
    """Counts of -n..n and of all else, which sum to 2^16."""
    exponent = _DIGITS.divide(Decimal(width + NARROWEST * PER_OCTAVE), Decimal(PER_OCTAVE))
    octaves = _DIGITS.multiply(exponent, _DIGITS.ln(Decimal(2)))
    half = _DIGITS.divide(Decimal("-0.5"), _DIGITS.exp(octaves))
    x = int(_DIGITS.multiply(_DIGITS.exp(half), Decimal(1 << _BITS)))
    # The mass of k and all beyond it on one side, rounded: entries are differences, so rounding never adds up.
    tail = x >> 1
    edges = [_round(tail)]
    while tail * ((1 << _BITS) - (x * x >> _BITS)) >> _BITS >= 1 << (_BITS - PRECISION):
        tail = (tail * x >> _BITS) * x >> _BITS
        edges.append(_round(tail))
    counts = [a - b for a, b in itertools.pairwise(edges)]
    escape = max(1, 2 * edges[-1])
    return [*counts[::-1], (1 << PRECISION) - 2 * sum(counts) - escape, *counts, escape]


def _round(mass: int) -> int:
    return (mass + (1 << (_BITS - PRECISION - 1))) >> (_BITS - PRECISION)


@lru_cache(maxsize=1)
def _costs() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """The bits of 0, 1, 2, ... for each table, those of its escape, and the last value that isn't escaped."""
    last = tables().sizes.astype(np.int64) // 2 - 1
    bits, escape = np.zeros((WIDTHS, last.max() + 1)), np.zeros(WIDTHS)
    for width in range(WIDTHS):
        *counts, other = np.log2(tables().table(width) / float(1 << PRECISION))
        bits[width, : last[width] + 1], escape[width] = np.negative(counts[last[width] :]), -other
    return bits, escape, last


def cheapest(values: NDArray[np.int32]) -> tuple[float, int]:
    """The bits that `values` take with the width that suits them best, and that width."""
    counts = np.bincount(np.abs(values).reshape(-1))
    far = np.flatnonzero(counts)
    bits, escape, last = _costs()
    inside = np.take_along_axis(bits, np.minimum(far, last[:, None]), 1)
    # An escaped value is a side, an exponent of k + 1 bits and k bits.
    beyond = far - last[:, None]
    outside = escape[:, None] + 2 * np.floor(np.log2(np.maximum(beyond, 1))) + 2
    total = np.where(beyond > 0, outside, inside) @ counts[far]
    width = int(np.argmin(total))
    return float(total[width]), width
