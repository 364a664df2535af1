"""Clips for the filters: drawn sources, and what a coarse coder would leave of them."""

import numpy as np


def drawn(count, size, chroma=(2, 2), depth=8):
    """Frames of soft moving shapes whose colours go with their luma."""
    height, width = size
    rows, columns = np.mgrid[:height, :width] / 9.0
    grain = np.random.default_rng(5).normal(0, 3, size)
    result = []
    for t in range(count):
        y = (
            120
            + 50 * np.sin(rows + 0.3 * t) * np.cos(1.3 * columns)
            + 40 * (np.sin(2.1 * columns - rows) > 0.3)
            + grain
        )
        small = y[:: chroma[0], :: chroma[1]]
        planes = (y, 128 + 0.25 * (small - 120) + 12 * np.sin(small / 20), 120 - 0.2 * (small - 120))
        kind = np.uint8 if depth == 8 else np.uint16
        result.append(tuple(np.clip(np.rint(p * (1 << (depth - 8))), 0, (1 << depth) - 1).astype(kind) for p in planes))
    return result


def distorted(source, depth):
    """The frames blurred and quantised, colours more than luma."""
    result = []
    for frame in source:
        planes = []
        for plane, step, times in zip(frame, (6, 10, 10), (1, 3, 3), strict=True):
            soft = plane.astype(np.float64)
            for _ in range(times):
                wide = np.pad(soft, 1, "edge")
                soft = (wide[1:-1, 1:-1] * 2 + wide[2:, 1:-1] + wide[:-2, 1:-1] + wide[1:-1, 2:] + wide[1:-1, :-2]) / 6
            step <<= depth - 8
            planes.append(np.clip(np.rint(soft / step) * step, 0, (1 << depth) - 1).astype(plane.dtype))
        result.append(tuple(planes))
    return result
