"""Pictures made here, as arrays."""

import numpy as np


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """A smooth, coloured picture with an edge and a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 17 + c) + np.cos(y / 11 - c) + (x + y > (height + width) / 2) for c in range(channels)]
    return (np.stack(waves, -1) * 50 + 90 + rng.normal(0, 3, (height, width, channels))).clip(0, 255).astype(np.uint8)
