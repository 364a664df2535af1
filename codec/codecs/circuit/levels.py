"""The values that a picture uses, where it leaves many out: the list in few bytes, and samples as ranks in it.

Rescaled scans and converted depths use every fourth or every hundredth value; posterised pictures use twenty.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit.method_packed import dtype
from codec.entropy import Coder, Decoder, Encoder, Tables
from codec.entropy.integers import code_counts, damaged, uniform

_NEAR = 16  # gaps, without their low bits, that have an entry of their own
_SHIFTS = 13
_PRECISION = 16
_WHAT = "list of used values"

Levels = NDArray[np.uint16]


def used(frame: NDArray[Any], depth: int) -> Levels:
    """All values of a picture of samples below 2^depth, ascending."""
    return np.flatnonzero(np.bincount(frame.reshape(-1), minlength=1 << depth)).astype(np.uint16)


def rank_bits(levels: Levels) -> int:
    """Bits of a rank; 0 if there is one value."""
    return (len(levels) - 1).bit_length()


def ranks(frame: NDArray[Any], levels: Levels) -> NDArray[Any]:
    """Samples as their places in `levels`, in the type of their bits."""
    table = np.zeros(int(levels[-1]) + 1, dtype(rank_bits(levels)))
    table[levels] = np.arange(len(levels))
    return table[frame]


def values(unit: NDArray[Any], levels: Levels, depth: int) -> NDArray[Any]:
    """Ranks as samples again; FormatError for a rank that the list doesn't have."""
    if unit.max() >= len(levels):
        raise damaged(_WHAT)
    return levels.astype(dtype(depth))[unit]


def pack(levels: Levels) -> bytes:
    """The list as bytes, the fewest of all shifts."""
    found = []
    for shift in range(_SHIFTS):
        encoder = Encoder()
        _code(encoder, levels, shift)
        found.append(encoder.finish())
    return min(found, key=len)


def unpack(data: bytes, depth: int) -> Levels:
    """The list [at least 1] of values below 2^depth; FormatError if these bytes are none."""
    decoder = Decoder(data)
    levels = _code(decoder, None)
    decoder.finish()
    if not len(levels) or levels[-1] >= 1 << depth:
        raise damaged(_WHAT)
    return levels.astype(np.uint16)


def _code(coder: Coder, levels: Levels | None, shift: int = 0) -> NDArray[np.int64]:
    """Number of values, the first, a step, a shift; how many gaps of each size there are, and the gaps, in steps."""
    steps = None if levels is None else np.diff(levels.astype(np.int64))
    step = 1 if steps is None or not len(steps) else int(np.gcd.reduce(steps))
    ends = None if levels is None else np.array([len(levels) - 1, levels[0], step - 1, shift])
    count, first, step, shift = code_counts(coder, ends, 4, _WHAT).tolist()
    if count + first >= 1 << 16 or step >= 1 << 16 or shift >= _SHIFTS:
        raise damaged(_WHAT)
    if not count:
        return np.array([first])
    step += 1
    gaps = None if steps is None else steps // step - 1
    high = None if gaps is None else gaps >> shift
    sizes = None if high is None else np.bincount(np.minimum(high, _NEAR), minlength=_NEAR + 1)
    sizes = code_counts(coder, sizes, _NEAR + 1, _WHAT)
    if sizes.sum() != count:
        raise damaged(_WHAT)
    pmf = 1 + sizes * ((1 << _PRECISION) - _NEAR - 1) // count
    pmf[sizes.argmax()] += (1 << _PRECISION) - pmf.sum()
    table = Tables(pmf, np.array([_NEAR + 1]), np.array([0]), _PRECISION)
    index = np.zeros(count, np.uint8)
    found = coder.code(high, index, table).astype(np.int64) << shift
    if shift:
        found |= coder.code(None if gaps is None else gaps & (1 << shift) - 1, index, uniform(shift))
    if found.min() < 0 or found.sum() >= 1 << 16:
        raise damaged(_WHAT)
    return first + step * np.cumsum(np.append(0, found + 1))
