"""Small non-negative integers and raw bits through the coder: what no model is made for."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.entropy import Coder, Tables
from codec.errors import FormatError

_PRECISION = 20
# Larger numbers than 3 are escapes of the coder, of about 2 log2 bits.
_COUNTS = Tables(np.array([64, 64, 32, 32, 64]), np.array([5]), np.array([0]), precision=8)


def code_counts(coder: Coder, values: NDArray[Any] | None, count: int, what: str) -> NDArray[np.int64]:
    """`count` integers of at least 0, in both directions; `what` is damaged if a negative one comes out."""
    if not count:
        return np.zeros(0, np.int64)
    coded = coder.code(values, np.zeros(count, np.uint8), _COUNTS).astype(np.int64)
    if coded.min() < 0:
        raise damaged(what)
    return coded


def uniform(bits: int) -> Tables:
    """One table of the 2^bits values from 0 on (1 to 16 bits), as equal as they may be beside the escape."""
    pmf = np.full((1 << bits) + 1, ((1 << _PRECISION) - 1) >> bits)
    pmf[-1] = 1
    pmf[0] += (1 << _PRECISION) - pmf.sum()
    return Tables(pmf, np.array([len(pmf)]), np.array([0]), _PRECISION)


def damaged(what: str) -> FormatError:
    return FormatError(f"the {what} is damaged; get a whole copy of the file")
