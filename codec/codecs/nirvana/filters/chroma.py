"""The features of U and V: 22 to a sample, and four tables of two coordinates each.

A table maps a pair of (luma, own, other chroma, place) to a correction, piecewise bilinear with 6 x 6 knots: it mends
colours. The features mend edges: differences to own neighbours, to those of luma and of the other chroma plane, and
what is lacking to a linear function of luma.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codec.codecs.nirvana.filters.frames import Float, Frame, Tile, Window
from codec.codecs.nirvana.filters.sums import Guidance, box

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
    """The guidance of a tile, for the features of both planes."""
    planes = {"luma": frame.small, _NAMES[1]: frame.u, _NAMES[2]: frame.v}
    return Guidance({name: tile.of(plane, _REACH) for name, plane in planes.items()}, _REACH)


def features(window: Window, tile: Tile, plane: int, guides: Guidance, wanted: NDArray[np.bool_], out: Float) -> Float:
    """The wanted ones of a tile of U (`plane` 1) or V (2), [count, rows, columns], in `out`, which has room for all.

    `guides` is what `guidance` gave for the tile. Differences are doubled, the rest is in quarters of 10-bit units.
    """
    own, other = _both(window.now, plane)
    small = window.now.small
    rows = iter(out[: np.count_nonzero(wanted)])
    slots = [next(rows) if want else None for want in wanted]
    places = iter(slots)
    two = np.float32(2)
    for source, offsets, pairs in ((own, _OWN, True), (small, _RING, False), (other, _OTHER, True)):
        centre = tile.of(source) * (two if pairs else np.float32(1))
        for (down, right), slot in zip(offsets, places, strict=False):
            if slot is not None:
                if pairs:
                    np.add(tile.of(source, 0, down, right), tile.of(source, 0, -down, -right), out=slot)
                    slot -= centre
                else:
                    np.subtract(tile.of(source, 0, down, right), centre, out=slot)
                slot *= two
    for (guide, noise), slot in zip((("luma", _NOISE), (_NAMES[3 - plane], _OTHER_NOISE)), slots[-4:-2], strict=True):
        if slot is not None:
            slot[:] = guides.lack(_NAMES[plane], guide, noise)
    _add_times(window, tile, plane, slots[-2], slots[-1])
    return out[: np.count_nonzero(wanted)]


def _add_times(window: Window, tile: Tile, plane: int, near: Float | None, plain: Float | None) -> None:
    """Differences to both neighbours in time where luma is still: clipped, and as they are."""
    for slot in (near, plain):
        if slot is not None:
            slot.fill(0)
    for frame in (window.before, window.after):
        if frame is None or (near is None and plain is None):
            continue
        weight = box(tile.of(frame.small, 1) - tile.of(window.now.small, 1), 1)
        np.abs(weight, out=weight)
        np.subtract(np.float32(_STILL), weight, out=weight)
        np.maximum(weight, np.float32(0), out=weight)
        weight *= np.float32(4 / 256)  # exact: a power of two
        difference = tile.of(_both(frame, plane)[0]) - tile.of(_both(window.now, plane)[0])
        if plain is not None:
            plain += np.rint(difference * weight)
        if near is not None:
            np.clip(difference, np.float32(-_FAR), np.float32(_FAR), out=difference)
            difference *= weight
            near += np.rint(difference, out=difference)


def places(
    frame: Frame, tile: Tile, plane: int, axes: tuple[tuple[int, int], ...], shape: tuple[int, ...]
) -> dict[str, NDArray[np.intp]]:
    """Where a tile's samples lie on each coordinate of the tables, 0 to SPAN; the plane has this `shape`.

    `axes`: of Y, U and V, the first knot and the distance of two.
    """
    own, other = _both(frame, plane)
    values = {"luma": (frame.small, axes[0]), "own": (own, axes[plane]), "other": (other, axes[3 - plane])}
    result = {name: _scale(*axis)[tile.of(source).astype(np.intp)] for name, (source, axis) in values.items()}
    result["down"] = _line(tile.top, tile.bottom, shape[0])[:, None]
    result["right"] = _line(tile.left, tile.right, shape[1])[None]
    return result


def _line(start: int, stop: int, size: int) -> NDArray[np.intp]:
    return np.arange(start, stop) * SPAN // max(size - 1, 1)


def hats() -> NDArray[np.int32]:
    """The weight of each knot at each place, [SPAN + 1, KNOTS], 0 to STEPS."""
    return np.maximum(STEPS - np.abs(np.arange(SPAN + 1)[:, None] - STEPS * np.arange(KNOTS)), 0).astype(np.int32)


@lru_cache(maxsize=64)
def _scale(first: int, step: int) -> NDArray[np.intp]:
    """The place of each sample value 0 to 1023."""
    return np.clip((np.arange(1024) - 4 * first) * STEPS // (4 * step), 0, SPAN)


def _both(frame: Frame, plane: int) -> tuple[Float, Float]:
    return (frame.u, frame.v) if plane == 1 else (frame.v, frame.u)
