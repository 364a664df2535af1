"""What the float context network takes of a tile: its canvas, where that is inside the tile, and matches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit.canvas import embed, inside
from codec.codecs.circuit.matches import matches_of
from codec.codecs.circuit.wavefront import SKEW
from codec.models.circuit.shape import MARGIN, ContextConfig

SIDE = 64  # pixels of a block that training and tuning see

Pixels = NDArray[np.uint8]


def arrays(tile: Pixels, config: ContextConfig) -> tuple[NDArray[Any], ...]:
    """The inputs of a tile [h, w, C]."""
    return with_matches(embed(tile, MARGIN), inside(tile, MARGIN), config)


def with_matches(canvas: Pixels, mask: NDArray[np.float32], config: ContextConfig) -> tuple[NDArray[Any], ...]:
    """Canvas and mask, and the matches if the network has any."""
    return (canvas, mask, *(matches_of(canvas, MARGIN, config.matches, SKEW) if config.matches else ()))
