"""The features of luma: 30 to a sample, of which a group's filter takes a weighted sum, and the sample's class.

Nothing here is learned or coded: the weights are. Symmetric differences are those of VVC's adaptive loop filter
(a diamond of 7 x 7; clipped, one of 5 x 5), as are the classes; adaptive smoothing is Lee's; neighbours in time count
where little moves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.codecs.nirvana.filters.frames import PAD, Float, Frame, Tile, Window
from codec.codecs.nirvana.filters.sums import box, smoothing

_PAIRS = [
    (down, right) for down in range(4) for right in range(-3, 4) if (down, right) > (0, 0) and down + abs(right) <= 3
]
_NEAR = [(down, right) for down, right in _PAIRS if down + abs(right) <= 2]
_CLIPS = (12, 40)
_REACHES = (1, 2, 4)
_NOISE = 960  # the variance that adaptive smoothing takes for noise
_STILL = 512  # a sum of 25 differences to the neighbour in time above which something moves
_FAR = 12  # in time, where a difference is clipped

# Which features cost alike: the name, how many, and the largest magnitude of each.
FAMILIES = (("own", 12, 2046), ("clip", 12, 80), ("smooth", 3, 4092), ("time", 2, 8184), ("one", 1, 16))
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
    double = tile.of(y) * np.float32(2)
    for (down, right), slot in zip(_PAIRS, slots[:12], strict=True):
        if slot is not None:
            np.add(tile.of(y, 0, down, right), tile.of(y, 0, -down, -right), out=slot)
            np.subtract(slot, double, out=slot)
    for number, (down, right) in enumerate(_NEAR):
        group = slots[12 + 2 * number : 14 + 2 * number]
        if any(slot is not None for slot in group):
            _clipped(y, tile, down, right, group)
    if any(slot is not None for slot in slots[24:27]):
        wide = np.subtract(tile.of(y, _REACHES[-1]), 512).astype(np.int32)
        squares = wide * wide
        for reach, slot in zip(_REACHES, slots[24:27], strict=True):
            if slot is not None:
                part = (slice(_REACHES[-1] - reach, (reach - _REACHES[-1]) or None),) * 2
                smoothing(wide[part], squares[part], reach, _NOISE, slot)
    _add_times(window, tile, slots[27], slots[28])
    if slots[29] is not None:
        slots[29].fill(16)
    return out[: np.count_nonzero(wanted)]


def _clipped(y: Float, tile: Tile, down: int, right: int, slots: list[Float | None]) -> None:
    """Differences to the two neighbours at an offset and opposite, each clipped, for every clip.

    The difference to one of them is, a step further, that to the other with its sign changed: it is clipped once.
    """
    rows, columns = tile.shape
    top, left = tile.top + PAD - down, tile.left + PAD - max(right, 0)
    area = np.s_[top : top + rows + down, left : left + columns + abs(right)]
    moved = np.s_[top + down : top + rows + 2 * down, left + right : left + right + columns + abs(right)]
    difference = y[moved] - y[area]
    first = np.s_[down:, max(right, 0) : max(right, 0) + columns]
    second = np.s_[:rows, max(-right, 0) : max(-right, 0) + columns]
    for clip, slot in zip(_CLIPS, slots, strict=True):
        if slot is not None:
            bound = np.float32(clip)
            limited = np.maximum(difference, -bound)
            np.minimum(limited, bound, out=limited)
            np.subtract(limited[first], limited[second], out=slot)


def _add_times(window: Window, tile: Tile, near: Float | None, still: Float | None) -> None:
    """Differences to both neighbours in time: clipped, and by how still the place is."""
    for slot in (near, still):
        if slot is not None:
            slot.fill(0)
    far, limit = np.float32(_FAR), np.float32(_STILL)
    for other in (window.before, window.after):
        if other is None or (near is None and still is None):
            continue
        wide = tile.of(other.y, 2) - tile.of(window.now.y, 2)
        difference = wide[2:-2, 2:-2]
        if near is not None:
            clipped = np.maximum(difference, -far)
            np.minimum(clipped, far, out=clipped)
            clipped *= np.float32(4)
            near += clipped
        if still is not None:
            weight = box(wide, 2)
            np.abs(weight, out=weight)
            np.subtract(limit, weight, out=weight)
            np.maximum(weight, np.float32(0), out=weight)  # 0 to 512
            weight *= difference
            weight *= np.float32(1 / 128)
            still += np.rint(weight, out=weight)


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
