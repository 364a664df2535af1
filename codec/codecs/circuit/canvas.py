"""The canvas of a tile: its pixels with the margins that stand in for neighbours beyond its border.

The rule is causal, so encoder, decoder and training agree: rows above hold the middle level, the left margin of
a row the first pixel of the row before (the middle level in the first), its right margin the row's last pixel.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def embed(tile: NDArray[Any], margin: int, depth: int = 8) -> NDArray[Any]:
    """[h, w, C] -> [margin + h, w + 2 margin, C] of the same type."""
    h, w, channels = tile.shape
    canvas = np.full((margin + h, w + 2 * margin, channels), 1 << (depth - 1), tile.dtype)
    canvas[margin:, margin : margin + w] = tile
    left_margin(canvas, margin, margin)
    canvas[margin:, margin + w :] = tile[:, -1:]
    return canvas


def left_margin(canvas: NDArray[Any], margin: int, first: int) -> None:
    """Fill the left margin of the rows from `first` on; the first pixel of each row stands at column `margin`."""
    canvas[first:, :margin] = canvas[first - 1 : -1, margin : margin + 1]


def inside(tile: NDArray[Any], margin: int) -> NDArray[np.float32]:
    """1 for the pixels of a tile [h, w, C], 0 for its margins: [margin + h, w + 2 margin]."""
    h, w = tile.shape[:2]
    mask = np.zeros((margin + h, w + 2 * margin), np.float32)
    mask[margin:, margin : margin + w] = 1
    return mask
