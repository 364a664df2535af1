"""The features of luma: 36 to a sample, of which a group's filter takes a weighted sum, and the sample's class.

Nothing here is learned or coded: the weights are. Symmetric differences are those of VVC's adaptive loop filter
(a diamond of 7 x 7; clipped, one of 5 x 5), as are the classes; adaptive smoothing is Lee's; neighbours in time count
where little moves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.nirvana.filters.frames import Float, Frame, Tile, Window
from codec.nirvana.filters.sums import box, smoothing

_PAIRS = [
    (down, right) for down in range(4) for right in range(-3, 4) if (down, right) > (0, 0) and down + abs(right) <= 3
]
_NEAR = [(down, right) for down, right in _PAIRS if down + abs(right) <= 2]
_CLIPS = (12, 40)
_REACHES = (1, 2, 4)
_STRENGTHS = (128, 960, 6400)
_STILL = 512  # a sum of 25 differences to the neighbour in time above which something moves
_FAR = 12  # in time, where a difference is clipped

# Which features cost alike: the name, how many, and the largest magnitude of each.
FAMILIES = (("own", 12, 2046), ("clip", 12, 80), ("smooth", 9, 4092), ("time", 2, 8184), ("one", 1, 16))
CLASSES = 8
THRESHOLDS = 3
LEVELS = tuple(round(100 * 2 ** (i / 2)) for i in range(16))  # which a threshold may be


def features(window: Window, tile: Tile, wanted: NDArray[np.bool_], out: Float) -> Float:
    """The wanted ones of a tile, [count, rows, columns], in `out`, which has room for all.

    Units are those of 10-bit samples for plain differences and a quarter of it for the rest.
    """
    y = window.now.y
    rows = iter(out[: np.count_nonzero(wanted)])
    slots = [next(rows) if want else None for want in wanted]
    centre = tile.of(y)
    spare = np.empty(tile.shape, np.float32)
    double = centre + centre if any(slot is not None for slot in slots[:12]) else centre
    for (down, right), slot in zip(_PAIRS, slots[:12], strict=True):
        if slot is not None:
            np.add(tile.of(y, 0, down, right), tile.of(y, 0, -down, -right), out=slot)
            np.subtract(slot, double, out=slot)
    for number, (down, right) in enumerate(_NEAR):
        for clip, slot in zip(_CLIPS, slots[12 + 2 * number : 14 + 2 * number], strict=True):
            if slot is not None:
                for sign, target in ((1, slot), (-1, spare)):
                    np.subtract(tile.of(y, 0, sign * down, sign * right), centre, out=target)
                    np.clip(target, -clip, clip, out=target)
                np.add(slot, spare, out=slot)
    for number, reach in enumerate(_REACHES):
        group = slots[24 + 3 * number : 27 + 3 * number]
        if any(slot is not None for slot in group):
            smoothing(np.subtract(tile.of(y, reach), 512).astype(np.int32), reach, _STRENGTHS, group)
    _add_times(window, tile, slots[33], slots[34])
    if slots[35] is not None:
        slots[35].fill(16)
    return out[: np.count_nonzero(wanted)]


def _add_times(window: Window, tile: Tile, near: Float | None, still: Float | None) -> None:
    """Differences to both neighbours in time: clipped, and by how still the place is."""
    for slot in (near, still):
        if slot is not None:
            slot.fill(0)
    for other in (window.before, window.after):
        if other is None or (near is None and still is None):
            continue
        wide = tile.of(other.y, 2) - tile.of(window.now.y, 2)
        difference = wide[2:-2, 2:-2]
        if near is not None:
            near += np.clip(difference, -_FAR, _FAR) * np.float32(4)
        if still is not None:
            weight = np.maximum(_STILL - np.abs(box(wide, 2)), np.float32(0))  # 0 to 512
            still += np.rint(difference * weight * np.float32(1 / 128))


def activity(frame: Frame, tile: Tile) -> tuple[Float, NDArray[np.bool_]]:
    """Sums of second differences around each sample, and whether those down a column are larger than along a row."""
    wide = tile.of(frame.y, 3)
    twice = wide[1:-1, 1:-1] * np.float32(2)
    down = box(np.abs(twice - wide[:-2, 1:-1] - wide[2:, 1:-1]), 2)
    across = box(np.abs(twice - wide[1:-1, :-2] - wide[1:-1, 2:]), 2)
    return down + across, down > across


def classes(frame: Frame, tile: Tile, thresholds: tuple[int, ...]) -> NDArray[np.intp]:
    """The class 0 to 7 of each sample: twice the number of thresholds (of LEVELS) that it passes, and its direction."""
    total, direction = activity(frame, tile)
    result = direction.astype(np.intp)
    for threshold in thresholds:
        result += 2 * (total >= LEVELS[threshold])
    return result
