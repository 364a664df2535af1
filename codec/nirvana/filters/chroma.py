"""The features of U and V: 22 to a sample, and four tables of two coordinates each.

A table maps a pair of (luma, own, other chroma, place) to a correction, piecewise bilinear with 6 x 6 knots: it mends
colours. The features mend edges: differences to own neighbours, to those of luma and of the other chroma plane, and
what is lacking to a linear function of luma.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.nirvana.filters.frames import Float, Frame, Tile, Window
from codec.nirvana.filters.sums import Guidance, box

_OWN = ((0, 1), (0, 2), (1, -1), (1, 0), (1, 1), (2, 0))
_RING = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
_OTHER = ((0, 1), (1, -1), (1, 0), (1, 1))
_REACH = 2  # of a window in which a plane should be like a linear function of another
_NOISE, _OTHER_NOISE = 64, 32
_NAMES = {1: "u", 2: "v"}
_STILL = 216
_FAR = 16

FAMILIES = (
    ("own", 6, 4092),
    ("ring", 8, 2046),
    ("other", 4, 4092),
    ("guide", 2, 4096),
    ("time", 2, 8184),
)
KNOTS = 6  # of a table's coordinate
STEPS = 16  # between two knots
SPAN = STEPS * (KNOTS - 1)
TABLES = (("luma", "own"), ("luma", "other"), ("own", "other"), ("down", "right"))


def guidance(frame: Frame, tile: Tile) -> Guidance:
    """Of a tile, for the features of both planes."""
    planes = {"luma": frame.small, _NAMES[1]: frame.u, _NAMES[2]: frame.v}
    return Guidance({name: tile.of(plane, _REACH) for name, plane in planes.items()}, _REACH)


def features(window: Window, tile: Tile, plane: int, guides: Guidance, wanted: NDArray[np.bool_], out: Float) -> Float:
    """The wanted ones of a tile of U (`plane` 1) or V (2), [count, rows, columns], in `out`, which has room for all.

    `guides` is what `guidance` gave for the tile. Differences are doubled, the rest is in quarters of 10-bit units.
    """
    own, other = _both(window.now, plane)
    small = window.now.small
    count = 0

    def put(values: Float) -> None:
        nonlocal count
        out[count] = values
        count += 1

    number = 0
    for source, offsets, pairs in (
        (own, _OWN, True),
        (small, _RING, False),
        (other, _OTHER, True),
    ):
        centre = tile.of(source)
        for down, right in offsets:
            if wanted[number]:
                difference = tile.of(source, 0, down, right) - centre
                if pairs:
                    difference += tile.of(source, 0, -down, -right) - centre
                put(difference * np.float32(2))
            number += 1
    for guide, noise in (("luma", _NOISE), (_NAMES[3 - plane], _OTHER_NOISE)):
        if wanted[number]:
            put(guides.lack(_NAMES[plane], guide, noise))
        number += 1
    if wanted[number:].any():
        for want, values in zip(wanted[number:], _times(window, tile, plane), strict=True):
            if want:
                put(values)
    return out[:count]


def _times(window: Window, tile: Tile, plane: int) -> tuple[Float, Float]:
    """Differences to both neighbours in time where luma is still: clipped, and as they are."""
    near, plain = np.zeros(tile.shape, np.float32), np.zeros(tile.shape, np.float32)
    for frame in (window.before, window.after):
        if frame is not None:
            moved = np.abs(box(tile.of(frame.small, 1) - tile.of(window.now.small, 1), 1))
            weight = np.maximum(_STILL - moved, np.float32(0))
            difference = tile.of(_both(frame, plane)[0]) - tile.of(_both(window.now, plane)[0])
            near += np.rint(np.clip(difference, -_FAR, _FAR) * weight * np.float32(4 / 256))
            plain += np.rint(difference * weight * np.float32(4 / 256))
    return near, plain


def places(
    frame: Frame, tile: Tile, plane: int, axes: tuple[tuple[int, int], ...], shape: tuple[int, ...]
) -> dict[str, NDArray[np.int32]]:
    """Where a tile's samples lie on each coordinate of the tables, 0 to SPAN; the plane has this `shape`.

    `axes`: of Y, U and V, the first knot and the distance of two.
    """
    own, other = _both(frame, plane)
    values = {"luma": (frame.small, axes[0]), "own": (own, axes[plane]), "other": (other, axes[3 - plane])}
    result = {name: _scale(*axis)[tile.of(source).astype(np.int32)] for name, (source, axis) in values.items()}
    for name, start, stop, size in (
        ("down", tile.top, tile.bottom, shape[0]),
        ("right", tile.left, tile.right, shape[1]),
    ):
        line = (np.arange(start, stop) * SPAN // max(size - 1, 1)).astype(np.int32)
        result[name] = np.broadcast_to(line[:, None] if name == "down" else line, tile.shape)
    return result


def hats() -> NDArray[np.int32]:
    """The weight of each knot at each place, [SPAN + 1, KNOTS], 0 to STEPS."""
    return np.maximum(STEPS - np.abs(np.arange(SPAN + 1)[:, None] - STEPS * np.arange(KNOTS)), 0).astype(np.int32)


def _scale(first: int, step: int) -> NDArray[np.int32]:
    """The place of each sample value 0 to 1023."""
    return np.clip((np.arange(1024) - 4 * first) * STEPS // (4 * step), 0, SPAN).astype(np.int32)


def _both(frame: Frame, plane: int) -> tuple[Float, Float]:
    return (frame.u, frame.v) if plane == 1 else (frame.v, frame.u)
