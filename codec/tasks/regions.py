"""Boundaries and regions out of a map of boundary probability, and how well they meet those that people drew.

All on a grid of two pixels. Imports scikit-image and SciPy where it is used, not before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

THRESHOLD = 0.7  # probability from which a boundary is taken for one
_REACH = 2.2  # cells by which a boundary may lie off a drawn one
_FLOOR, _SEED_CELLS = 0.1, 40  # a region grows from cells below this probability, where so many lie together


def drawn(segmentation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of regions [H, W] on the grid, and where a cell touches two regions (bool)."""
    edge = np.zeros(segmentation.shape, bool)
    edge[:, :-1] |= segmentation[:, :-1] != segmentation[:, 1:]
    edge[:-1] |= segmentation[:-1] != segmentation[1:]
    h, w = (n + n % 2 for n in edge.shape)
    cells = np.pad(edge, ((0, h - edge.shape[0]), (0, w - edge.shape[1])))
    return segmentation[::2, ::2], cells.reshape(h // 2, 2, w // 2, 2).any((1, 3))


def matches(probability: np.ndarray, lines: Sequence[np.ndarray]) -> dict[str, int]:
    """Found boundary cells near anybody's line (`p_hit`) of all (`p_all`); drawn ones that are found, and all."""
    from scipy.ndimage import distance_transform_edt as distance
    from skimage.morphology import skeletonize

    found = skeletonize(probability >= THRESHOLD)
    union = np.logical_or.reduce(lines)
    near_drawn = distance(~union) <= _REACH if union.any() else union
    near_found = distance(~found) <= _REACH if found.any() else found
    return {
        "p_hit": int((found & near_drawn).sum()),
        "p_all": int(found.sum()),
        "r_hit": sum(int((line & near_found).sum()) for line in lines),
        "r_all": sum(int(line.sum()) for line in lines),
    }


def regions(probability: np.ndarray) -> np.ndarray:
    """Region numbers from 1, by a watershed from the quiet parts of the smoothed map."""
    from scipy.ndimage import gaussian_filter, label
    from skimage.segmentation import watershed

    smooth = gaussian_filter(probability, 1)
    parts, _ = label(smooth < _FLOOR)
    sizes = np.bincount(parts.ravel())
    large = sizes >= _SEED_CELLS
    large[0] = False
    if not large.any():
        return np.ones(parts.shape, np.int32)
    result: np.ndarray = watershed(smooth, np.where(large[parts], parts, 0))
    return result


def covering(wanted: np.ndarray, found: np.ndarray) -> float:
    """How well regions cover those wanted: their best intersection over union, weighted by area; 1 if equal."""
    _, a = np.unique(wanted, return_inverse=True)
    _, b = np.unique(found, return_inverse=True)
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a.ravel(), b.ravel()), 1)
    area = table.sum(1, keepdims=True)
    best = (table / (area + table.sum(0) - table)).max(1)
    return float((best * area[:, 0]).sum() / table.sum())
