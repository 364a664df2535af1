"""What is measured of a group before its filters are solved: moments of features, thresholds, ranges of colours."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from codec.codecs.nirvana.filters import chroma, luma
from codec.codecs.nirvana.filters.frames import Float, Int16, Planes, Tile, Window, tiles, windows
from codec.codecs.nirvana.filters.model import Filter
from codec.codecs.nirvana.filters.solve import Moments, whole

_GOLDEN = 0.6180339887
_FRAMES = 32  # of a group that are looked at


def sample(base: Sequence[Planes], depth: int, samples: int) -> Iterator[tuple[int, Window, list[list[Tile]]]]:
    """Frames of a group with their numbers, and tiles of each plane that together hold about so many of luma."""
    count = len(base)
    chosen = sorted({(2 * i + 1) * count // (2 * _FRAMES) for i in range(_FRAMES)}) if count > _FRAMES else range(count)
    every = [list(tiles(plane.shape)) for plane in base[0]]
    part = min(1.0, samples / (len(chosen) * base[0][0].size))
    for place, (number, window) in enumerate(windows(base, depth, list(chosen))):
        taken = [
            [tile for index, tile in enumerate(own) if (place * len(own) + index) * _GOLDEN % 1 <= part]
            for own in every
        ]
        if any(taken):
            yield number, window, taken


def thresholds(base: Sequence[Planes], depth: int) -> tuple[int, ...]:
    """The thresholds between luma's classes, so that as many samples are in each."""
    found = [
        tile.cut(np.add(*luma.activity(window.now, tile), dtype=np.float32)).reshape(-1)[::7]
        for _, window, (chosen, _, _) in sample(base, depth, 16 * 4096)
        for tile in chosen
    ]
    cuts = np.quantile(np.concatenate(found), np.arange(1, luma.THRESHOLDS + 1) / (luma.THRESHOLDS + 1))
    return tuple(int(np.argmin(np.abs(np.log2(np.array(luma.LEVELS) / max(cut, 1.0))))) for cut in cuts)


def axes(base: Sequence[Planes], depth: int) -> tuple[int, ...]:
    """The ranges of Y, U and V: the first knot and the distance of two, for each."""
    result: list[int] = []
    for plane in range(3):
        few = np.concatenate([planes[plane][::5, ::5].reshape(-1) for planes in base[:: max(len(base) // 8, 1)]])
        low, high = np.quantile(few, (0.01, 0.99)) / (1 << (depth - 8))
        result += [
            int(np.clip(np.floor(low), 0, 255)),
            int(np.clip(np.ceil((high - low) / (chroma.KNOTS - 1)), 1, 255)),
        ]
    return tuple(result)


def moments(
    base: Sequence[Planes],
    source: Sequence[Planes],
    depth: int,
    filters: Sequence[Filter],
    samples: int,
    deadline: float | None,
) -> list[Moments]:
    """Moments of the features of each filter's plane, with its settings, over so many samples of luma.

    Past the `deadline` (of time.monotonic) no more frames are looked at.
    """
    sums = [_empty(which) for which in filters]
    for number, window, chosen in sample(base, depth, samples):
        for which, parts in zip(filters, sums, strict=True):
            for tile in chosen[which.plane]:
                _add(parts, window, tile, source[number][which.plane], depth, which)
        if deadline is not None and time.monotonic() > deadline:
            break
    return [whole(which.layout, parts) for which, parts in zip(filters, sums, strict=True)]


def _empty(which: Filter) -> list[Moments]:
    size = which.layout.count if which.layout.rows == 1 else which.layout.features
    return [Moments(np.zeros((size, size)), np.zeros(size), 0.0, 0) for _ in range(which.layout.classes)]


def _add(parts: list[Moments], window: Window, tile: Tile, target: np.ndarray, depth: int, which: Filter) -> None:
    """One tile to the moments of each class."""
    layout = which.layout
    size = len(parts[0].wishes)
    room = np.empty((size, *tile.shape), np.float32)
    wish = target[tile.top : tile.bottom, tile.left : tile.right].astype(np.float32) * (1 << (10 - depth))
    wish = (wish - tile.cut(tile.run((window.now.y, window.now.u, window.now.v)[which.plane]).of())).reshape(-1)
    wanted = np.ones(layout.features, bool)
    found = np.empty((layout.features, tile.size), np.float32)
    flat = room.reshape(size, -1)
    if which.plane == 0:
        room[:] = tile.cut(luma.features(window, tile, wanted, found))
        classes = tile.cut(luma.classes(window.now, tile, which.settings)).reshape(-1)
        pairs = [(flat[:, classes == index], wish[classes == index]) for index in range(layout.classes)]
    else:
        guides = chroma.guidance(window.now, tile)
        room[: layout.features] = tile.cut(chroma.features(window, tile, which.plane, guides, wanted, found))
        _fill_tables(room[layout.features :], chroma.places(window.now, tile, which.plane, which.axes, target.shape))
        pairs = [(flat, wish)]
    for part, (features, wishes) in zip(parts, pairs, strict=True):
        part.products += features @ features.T
        part.wishes += features @ wishes
        part.error += float(wishes @ wishes)
        part.count += len(wishes)


def _fill_tables(room: Float, places: Mapping[str, Int16]) -> None:
    """The weight of each knot of each table at each sample, 0 to 1."""
    hats = chroma.hats().astype(np.float32) / chroma.STEPS
    found = {
        name: np.broadcast_to(np.moveaxis(hats[place], -1, 0), (len(hats[0]), *room.shape[1:]))
        for name, place in places.items()
    }
    for table, (first, second) in zip(
        room.reshape(len(chroma.TABLES), -1, *room.shape[1:]), chroma.TABLES, strict=True
    ):
        shaped = table.reshape(chroma.KNOTS, chroma.KNOTS, *room.shape[1:])
        np.multiply(found[first][:, None], found[second][None], out=shaped)
