"""In which order a group's frames are coded, and from which others each is predicted.

Every `stride`th frame is an anchor, predicted from the anchor before; a frame between two that are coded is predicted
from both. With a stride of 1 all are anchors.
"""

from __future__ import annotations

from typing import NamedTuple

STRIDES = (1, 2, 4, 8)
TOP = 200  # the highest stored quality
_KEY, _ANCHOR, _DEEPER = 16, 8, 16  # stored steps of quality


class Place(NamedTuple):
    """A frame's number in its group (-1: the last one of the group before), and its references' numbers.

    A key frame has none, an anchor `low`, a frame in between `low` and `high`; `depth` is how far it is from anchors.
    """

    frame: int
    low: int | None = None
    high: int | None = None
    depth: int = 0


def order(count: int, key: bool, stride: int) -> list[Place]:
    """Of a group of `count` frames; with `key` the first one starts a chain."""
    places = [Place(0)] if key else []
    low = 0 if key else -1
    while low < count - 1:
        high = min(low + stride, count - 1)
        places.append(Place(high, low))
        places += _between(low, high, 1)
        low = high
    return places


def own_quality(quality: int, place: Place, stride: int) -> int:
    """The stored quality of a frame, of that of its group: the more depend on a frame, the better it is coded."""
    if place.low is None:
        return min(quality + _KEY, TOP)
    better = _ANCHOR if stride > 1 else 0
    return min(max(quality + better - _DEEPER * place.depth, 0), TOP)


def _between(low: int, high: int, depth: int) -> list[Place]:
    if high - low < 2:
        return []
    middle = (low + high) // 2
    inner = _between(low, middle, depth + 1) + _between(middle, high, depth + 1)
    return [Place(middle, low, high, depth), *inner]
