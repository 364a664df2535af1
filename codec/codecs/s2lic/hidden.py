"""What colour to code where nothing shows: a smooth surface through what does, which is cheap."""

import numpy as np
from numpy.typing import NDArray


def fill_hidden(colour: NDArray[np.float32], alpha: NDArray[np.integer]) -> NDArray[np.float32]:
    """`colour` [h, w, c] with what alpha = 0 hides replaced by a smooth surface through the rest: cheap to code."""
    hidden = alpha == 0
    if not hidden.any():
        return colour
    surface = _pull_push(colour, (~hidden).astype(np.float32)[..., None])
    return np.where(hidden[..., None], surface, colour)


def _pull_push(colour: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over ever larger squares where the smaller ones hold nothing."""
    h, w, _ = colour.shape
    if h * w == 1:
        return colour
    pad = ((0, h % 2), (0, w % 2), (0, 0))
    sums = np.pad(colour * weight, pad).reshape((h + 1) // 2, 2, (w + 1) // 2, 2, -1).sum((1, 3))
    weights = np.pad(weight, pad).reshape((h + 1) // 2, 2, (w + 1) // 2, 2, 1).sum((1, 3))
    means = sums / np.maximum(weights, 1)
    coarse = _pull_push(means, (weights > 0).astype(np.float32))
    coarse = np.where(weights > 0, means, coarse)
    return np.where(weight > 0, colour, coarse.repeat(2, 0).repeat(2, 1)[:h, :w])
