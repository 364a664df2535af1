"""Flow fields as symbols: each vector against its neighbours and what is expected of it, along a skewed wavefront.

A vector is predicted by the median of the one to its left, the one above and, where there is one, that of the field
that is expected; how much those three differ says how well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.entropy import Coder
from codec.nirvana import laplace

Ints = NDArray[np.int32]

LIMIT = 4 * 4096  # of a component, in quarters of a pixel
# Tables (codec/nirvana/laplace.py) by how much the three differ, up to each bound: measured on seven clips.
_BOUNDS = (0, 1, 2, 4, 8, 16, 32)
_WIDTHS = (7, 11, 14, 16, 19, 25, 29, 39)


def code_flow(coder: Coder, flow: Ints | None, shape: tuple[int, int], expected: Ints | None) -> Ints:
    """Codes a field [2, rows, columns] within +-LIMIT, or decodes one; `expected`: one like it, or None."""
    rows, columns = shape
    # A frame of zeros to the left and above.
    found = np.zeros((2, rows + 1, columns + 1), np.int32)
    widths = np.array(_WIDTHS)
    for step in range(columns + 2 * (rows - 1)):
        row = np.arange(max(0, -(-(step - columns + 1) // 2)), min(rows, step // 2 + 1))
        column = step - 2 * row
        left, above = found[:, row + 1, column], found[:, row, column + 1]
        # Without such a field the neighbour above right stands in, known already along this front.
        third = found[:, row, np.minimum(column + 2, columns)] if expected is None else expected[:, row, column]
        low, high = np.minimum(left, above), np.maximum(left, above)
        middle = np.clip(third, low, high)
        spread = (np.maximum(high, third) - np.minimum(low, third)).sum(0)
        index = np.broadcast_to(widths[np.searchsorted(_BOUNDS, spread)], left.shape)
        wanted = None if flow is None else flow[:, row, column] - middle
        coded = coder.code(wanted, index, laplace.tables())
        found[:, row + 1, column + 1] = np.clip(coded + middle.astype(np.int64), -LIMIT, LIMIT)
    return found[:, 1:, 1:]
