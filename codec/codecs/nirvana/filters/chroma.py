"""The features of U and V: 22 to a sample, and four tables of two coordinates each.

A table maps a pair of (luma, own, other chroma, place) to a correction, piecewise bilinear with 6 x 6 knots: it mends
colours. The features mend edges: differences to own neighbours, to those of luma and of the other chroma plane, and
what is lacking to a linear function of luma.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.codecs.nirvana.filters.frames import Float, Frame, Int16, Run, Tile, Window
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
    return Guidance({name: tile.run(plane) for name, plane in planes.items()}, _REACH)


def features(window: Window, tile: Tile, plane: int, guides: Guidance, wanted: NDArray[np.bool_], out: Float) -> Float:
    """The wanted ones of a tile of U (`plane` 1) or V (2), [count, tile.size], in `out`, which has room for all.

    `guides` is what `guidance` gave for the tile. Differences are doubled, the rest is in quarters of 10-bit units.
    """
    own, other = (tile.run(source) for source in _both(window.now, plane))
    small = tile.run(window.now.small)
    rows = iter(out[: np.count_nonzero(wanted)])
    slots = [next(rows) if want else None for want in wanted]
    places = iter(slots)
    change = np.empty(tile.size, np.int16)
    for source, offsets, pairs in ((own, _OWN, True), (small, _RING, False), (other, _OTHER, True)):
        centre = source.of() * np.int16(2 if pairs else 1)
        for (down, right), slot in zip(offsets, places, strict=False):
            if slot is not None:
                if pairs:
                    np.add(source.of(down, right), source.of(-down, -right), out=change)
                    change -= centre
                else:
                    np.subtract(source.of(down, right), centre, out=change)
                change *= np.int16(2)
                slot[:] = change
    for (guide, noise), slot in zip((("luma", _NOISE), (_NAMES[3 - plane], _OTHER_NOISE)), slots[-4:-2], strict=True):
        if slot is not None:
            slot[:] = guides.lack(_NAMES[plane], guide, noise)
    _add_times(window, tile, plane, (small, own), slots[-2], slots[-1])
    return out[: np.count_nonzero(wanted)]


def _add_times(
    window: Window, tile: Tile, plane: int, now: tuple[Run, Run], near: Float | None, plain: Float | None
) -> None:
    """Differences to both neighbours in time where luma is still: clipped, and as they are; `now`: luma, the plane."""
    small, own = now
    for slot in (near, plain):
        if slot is not None:
            slot.fill(0)
    for frame in (window.before, window.after):
        if frame is None or (near is None and plain is None):
            continue
        still = np.abs(box(tile.run(frame.small).of(reach=1) - small.of(reach=1), small.stride, 1))  # at most 9 x 1023
        np.subtract(np.int16(_STILL), still, out=still)
        np.clip(still, 0, _STILL, out=still)
        weight = still.astype(np.float32)
        weight *= np.float32(4 / 256)  # exact: a power of two
        difference = tile.run(_both(frame, plane)[0]).of() - own.of()
        if plain is not None:
            product = difference * weight
            plain += np.rint(product, out=product)
        if near is not None:
            product = np.clip(difference, -_FAR, _FAR) * weight
            near += np.rint(product, out=product)


def places(
    frame: Frame, tile: Tile, plane: int, axes: tuple[tuple[int, int], ...], shape: tuple[int, ...]
) -> dict[str, Int16]:
    """Where a tile's samples lie on each coordinate of the tables, 0 to SPAN; the plane has this `shape`.

    `axes`: of Y, U and V, the first knot and the distance of two.
    """
    own, other = _both(frame, plane)
    values = {"luma": (frame.small, axes[0]), "own": (own, axes[plane]), "other": (other, axes[3 - plane])}
    result = {}
    for name, (source, (first, step)) in values.items():
        place = tile.run(source).of() - np.int16(4 * first)  # 1023 at most, either way
        place *= np.int16(STEPS // 4)
        place //= np.int16(step)
        result[name] = tile.cut(np.clip(place, 0, SPAN, out=place))
    result["down"] = _line(tile.top, tile.bottom, shape[0])[:, None]
    result["right"] = _line(tile.left, tile.right, shape[1])[None]
    return result


def _line(start: int, stop: int, size: int) -> Int16:
    return (np.arange(start, stop) * SPAN // max(size - 1, 1)).astype(np.int16)


def hats() -> NDArray[np.int32]:
    """The weight of each knot at each place, [SPAN + 1, KNOTS], 0 to STEPS."""
    return np.maximum(STEPS - np.abs(np.arange(SPAN + 1)[:, None] - STEPS * np.arange(KNOTS)), 0).astype(np.int32)


def _both(frame: Frame, plane: int) -> tuple[Int16, Int16]:
    return (frame.u, frame.v) if plane == 1 else (frame.v, frame.u)
