"""Integer pmfs that change with every symbol: rows handed to the range coder in one call, no tables.

The pmf of a circuit depends on all symbols before, so nothing can be built ahead. The coder takes a
row of floats for each symbol; scaled as `categorical` scales a table, each row is coded exactly as given.
"""

from __future__ import annotations

from typing import Any

import constriction
import numpy as np
from numpy.typing import NDArray

from codec.entropy.tables import CODER_PRECISION, MAX_PRECISION, MIN_PRECISION, Int32, to_int32
from codec.errors import CodecError

FAMILY = constriction.stream.model.Categorical(perfect=False)


def pmf_rows(pmfs: NDArray[Any], precision: int) -> NDArray[np.float32]:
    """The coder's parameters for integer `pmfs` [N, C]; CodecError unless every row is a pmf of sum 2^precision."""
    pmfs = np.asarray(pmfs)
    if pmfs.ndim != 2 or pmfs.dtype.kind not in "iu" or pmfs.shape[1] < 2:
        raise CodecError(f"Give pmfs as integers [N, C] with C at least 2, not {pmfs.dtype} {list(pmfs.shape)}.")
    if not MIN_PRECISION <= precision <= MAX_PRECISION:
        raise CodecError(f"The precision of pmfs is {precision}; it must be {MIN_PRECISION} to {MAX_PRECISION}.")
    if pmfs.size and (pmfs.min() < 1 or (pmfs.sum(1, dtype=np.int64) != 1 << precision).any()):
        raise CodecError(f"A pmf has an entry below 1 or does not sum to 2^{precision}.")
    # Below 2^24 every float32 here is an integer, and so is every sum the coder forms.
    rows = pmfs.astype(np.float32)
    rows *= 1 << (CODER_PRECISION - precision)
    rows -= 1
    return rows


def pmf_entries(symbols: NDArray[Any], pmfs: NDArray[Any]) -> Int32:
    """`symbols` as int32; CodecError unless there is one for each pmf, all of them entries of it."""
    symbols = to_int32(np.asarray(symbols), "Symbols")
    count, size = pmfs.shape
    if symbols.shape != (count,):
        raise CodecError(f"Symbols of shape {symbols.shape} have {count} pmfs.")
    if count and (symbols.min() < 0 or symbols.max() >= size):
        raise CodecError(f"Symbols {symbols.min()} to {symbols.max()} are not in 0..{size - 1}.")
    return symbols
