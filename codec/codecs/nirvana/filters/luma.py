"""The features of luma: 30 to a sample, of which a group's filter takes a weighted sum, and the sample's class.

Nothing here is learned or coded: the weights are. Symmetric differences are those of VVC's adaptive loop filter
(a diamond of 7 x 7; clipped, one of 5 x 5), as are the classes; adaptive smoothing is Lee's; neighbours in time count
where little moves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.codecs.nirvana.filters.frames import PAD, Float, Frame, Run, Tile, Window
from codec.codecs.nirvana.filters.sums import Smoothing, box

Uint16 = NDArray[np.uint16]

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
_BEYOND = 2**15 - 1  # above all of them; twice as much is still a uint16


def features(window: Window, tile: Tile, wanted: NDArray[np.bool_], out: Float) -> Float:
    """The wanted ones of a tile, [count, tile.size], in `out`, which has room for all.

    Units are those of 10-bit samples for plain differences and a quarter of it for the rest.
    """
    y = tile.run(window.now.y)
    rows = iter(out[: np.count_nonzero(wanted)])
    slots = [next(rows) if want else None for want in wanted]
    double, pair = y.of() * np.int16(2), np.empty(tile.size, np.int16)
    for (down, right), slot in zip(_PAIRS, slots[:12], strict=True):
        if slot is not None:
            np.add(y.of(down, right), y.of(-down, -right), out=pair)
            pair -= double
            slot[:] = pair
    for number, (down, right) in enumerate(_NEAR):
        group = slots[12 + 2 * number : 14 + 2 * number]
        if any(slot is not None for slot in group):
            _clipped(y, down, right, group)
    if any(slot is not None for slot in slots[24:27]):
        smoothing = Smoothing(y, _REACHES[-1], _NOISE)
        for reach, slot in zip(_REACHES, slots[24:27], strict=True):
            if slot is not None:
                smoothing.moves(reach, slot)
    _add_times(window, tile, y, slots[27], slots[28])
    if slots[29] is not None:
        slots[29].fill(16)
    return out[: np.count_nonzero(wanted)]


def _clipped(y: Run, down: int, right: int, slots: list[Float | None]) -> None:
    """Differences to the two neighbours at an offset and opposite, each clipped, for every clip.

    The difference to one of them is, a step further, that to the other with its sign changed: it is clipped once.
    """
    step, start = down * y.stride + right, PAD * y.stride
    difference = y.samples[start : start + y.size + step] - y.samples[start - step : start + y.size]
    for clip, slot in zip(_CLIPS, slots, strict=True):
        if slot is not None:
            limited = np.clip(difference, -clip, clip)
            slot[:] = limited[step:] - limited[:-step]


def _add_times(window: Window, tile: Tile, now: Run, near: Float | None, still: Float | None) -> None:
    """Differences to both neighbours in time: clipped, and by how still the place is."""
    if near is None and still is None:
        return
    clipped = np.zeros(tile.size, np.int16)
    if still is not None:
        still.fill(0)
    for other in (window.before, window.after):
        if other is None:
            continue
        wide = tile.run(other.y).of(reach=2) - now.of(reach=2)
        margin = 2 * (now.stride + 1)
        difference = wide[margin:-margin]
        if near is not None:
            clipped += np.clip(difference, -_FAR, _FAR)
        if still is not None:
            weight = np.abs(box(wide, now.stride, 2))  # at most 25 x 1023
            np.subtract(np.int16(_STILL), weight, out=weight)
            np.clip(weight, 0, _STILL, out=weight)
            product = weight.astype(np.float32)
            product *= difference.astype(np.float32)
            product *= np.float32(1 / 128)
            still += np.rint(product, out=product)
    if near is not None:
        near[:] = clipped * np.int16(4)


def activity(frame: Frame, tile: Tile) -> tuple[Uint16, Uint16]:
    """Sums of second differences around each sample, down a column and along a row: at most 25 x 2046."""
    y = tile.run(frame.y)
    twice = y.of(reach=2) * np.int16(2)
    down = np.abs(twice - y.of(-1, 0, 2) - y.of(1, 0, 2)).view(np.uint16)
    across = np.abs(twice - y.of(0, -1, 2) - y.of(0, 1, 2)).view(np.uint16)
    return box(down, y.stride, 2), box(across, y.stride, 2)


def classes(frame: Frame, tile: Tile, thresholds: tuple[int, ...]) -> NDArray[np.uint8]:
    """The class 0 to 7 of each sample: twice the number of thresholds (of LEVELS) that it passes, and whether second
    differences down a column are larger than along a row.
    """
    down, across = activity(frame, tile)
    result = (down > across).view(np.uint8)
    top = np.uint16(_BEYOND)
    total = np.minimum(down, top) + np.minimum(across, top)
    for threshold in thresholds:
        result += (total >= np.uint16(LEVELS[threshold])).view(np.uint8) * np.uint8(2)
    return result
