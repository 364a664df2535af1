"""Whether a picture is a photo or drawn, by the share of its pixels that equal a neighbour, and by its colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit.palette import colours_of

# Shares: photos from cameras have below 0.07, smooth and old ones up to 0.62, most screenshots above 0.75.
DRAWN = 0.9
_PHOTO, _COLOURFUL = 0.05, 0.65


def flatness(unit: NDArray[Any]) -> float:
    """The share of pixels that equal their left or upper neighbour; 1 for a single pixel."""
    left = (unit[:, 1:] == unit[:, :-1]).all(2)
    upper = (unit[1:] == unit[:-1]).all(2)
    same = np.ones(unit.shape[:2], bool)
    same[:, 1:] = left
    same[1:, :1] = False
    same[1:] |= upper
    return float(same.mean())


def is_photo(unit: NDArray[Any]) -> bool:
    """Whether there is nothing drawn in a picture [h, w, C], as far as can be seen at once."""
    flat = flatness(unit)
    if flat < _PHOTO:
        return True
    colourful = unit.shape[2] == 3 and unit.dtype == np.uint8 and flat < _COLOURFUL
    return colourful and colours_of([unit]) is None
