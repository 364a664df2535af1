"""Long-range matches: where a pixel's neighbourhood was seen last, and what came then.

Text, icons and patterns repeat; a pixel is likely to be what followed the same neighbours before. `Matcher` finds
matches while tiles are coded, `matches_of` all those of a tile at once for training: the same ones.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.models.circuit.shape import MATCHED, NEAREST

Float = NDArray[np.float64]
Int = NDArray[np.int64]

BITS = 18  # of a table's index
_FACTORS = np.array([pow(0x9E3779B97F4A7C15, i + 1, 1 << 64) for i in range(len(NEAREST))], np.uint64)


def pack(pixels: NDArray[Any]) -> Float:
    """One number for the channels [..., C] of a pixel, below 2^48."""
    packed: Float = pixels.astype(np.float64) @ 65536.0 ** np.arange(pixels.shape[-1])
    return packed


def keys_of(nearest: Float, count: int) -> Int:
    """Hashes [n, count] of neighbourhoods; `nearest` [n, neighbours], packed, the nearest first."""
    products = nearest.astype(np.uint64) * _FACTORS
    sums = np.empty((len(nearest), count), np.uint64)
    for i, m in enumerate(MATCHED[:count]):
        products[:, :m].sum(1, out=sums[:, i])
    return (sums >> np.uint64(64 - BITS)).astype(np.int64)


class Matcher:
    """The places where each neighbourhood was seen last, and before that."""

    def __init__(self, count: int) -> None:
        self._columns = np.arange(count)
        self._last = np.full((1 << BITS, count), -1, np.int64)
        self._before = self._last.copy()

    def find(self, nearest: Float) -> tuple[Int, Int, Int]:
        """Keys of pixels and their matches' positions, the last and the one before: [n, count] each, -1 for none."""
        keys = keys_of(nearest, len(self._columns))
        return keys, self._last[keys, self._columns], self._before[keys, self._columns]

    def add(self, keys: Int, last: Int, positions: Int) -> None:
        """Pixels at `positions` [n] had these keys, and matches `last`."""
        self._before[keys, self._columns] = last
        # Of equal keys the last one stays.
        self._last[keys, self._columns] = positions[:, None]


def matches_of(canvas: NDArray[Any], margin: int, count: int, skew: int) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Matches [h, w, count, C] of a tile's pixels, the left neighbour where there is none, and their flags.

    `canvas` is the tile with its margins, [margin + h, w + 2 margin, C]; flags [h, w, count] are 0 where there is
    no match, otherwise a number from 1 to FLAGS.
    """
    h, w = canvas.shape[0] - margin, canvas.shape[1] - 2 * margin
    packed = pack(canvas)
    keys = _keys(packed.astype(np.uint64), margin, (h, w), count)
    row, column = (a.ravel() for a in np.indices((h, w)))
    time = skew * row + column
    pixels = canvas[margin:, margin : margin + w].reshape(h * w, -1)
    left = canvas[margin:, margin - 1 : margin + w - 1].reshape(h * w, -1)
    colors = packed[margin:, margin : margin + w].ravel()
    found, flags = [], []
    for key in keys:
        last = _last(key, time, row)
        before = np.where(last >= 0, last[last], -1)
        found.append(np.where((last >= 0)[:, None], pixels[last], left))
        flags.append(flag(last, before, colors[last] == colors[before]))
    return np.stack(found, 1).reshape(h, w, count, -1), np.stack(flags, 1).reshape(h, w, count)


def _keys(packed: NDArray[np.uint64], margin: int, shape: tuple[int, int], count: int) -> list[Int]:
    """What `keys_of` gives for all pixels of a tile, [h * w] for each table."""
    h, w = shape
    total = np.zeros(shape, np.uint64)
    keys = []
    for i, ((r, c), factor) in enumerate(zip(NEAREST, _FACTORS, strict=True), 1):
        total += packed[margin + r : margin + r + h, margin + c : margin + c + w] * factor
        if i in MATCHED[:count]:
            keys.append((total.ravel() >> np.uint64(64 - BITS)).astype(np.int64))
    return keys


def flag(last: Int, before: Int, alike: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """0 without a match, 1 for the first one, 2 where the one before it was another colour, 3 where it was alike."""
    return np.where(last < 0, 0, np.where(before < 0, 1, 2 + alike)).astype(np.uint8)


def _last(key: Int, time: Int, row: Int) -> Int:
    """The last pixel of an earlier time with the same key, -1 for none."""
    order = np.argsort((key << 42) | (time << 21) | row)
    key, time = key[order], time[order]
    place = np.arange(len(key))
    begins = np.ones(len(key), bool)
    begins[1:] = (key[1:] != key[:-1]) | (time[1:] != time[:-1])
    earlier = np.maximum.accumulate(np.where(begins, place, 0)) - 1
    result = np.empty(len(key), np.int64)
    result[order] = np.where((earlier >= 0) & (key[earlier] == key), order[earlier], -1)
    return result
