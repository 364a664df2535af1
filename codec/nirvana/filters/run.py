"""Filters over frames, in whole numbers: tiles in parallel, each the same whatever runs beside it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray

from codec.nirvana.filters import chroma, luma
from codec.nirvana.filters.frames import Float, Planes, Tile, Window, tiles, windows
from codec.nirvana.filters.model import FRACTION, Filter


def run(base: Sequence[Planes], depth: int, filters: Sequence[Filter | None]) -> Iterator[Planes]:
    """The frames of a group after the filters of Y, U and V (None: the plane stays), one at a time."""
    if not any(filters):
        yield from base
        return
    for number, window in windows(base, depth):
        planes = [
            plane if which is None else _plane(window, plane, depth, which)
            for plane, which in zip(base[number], filters, strict=True)
        ]
        yield planes[0], planes[1], planes[2]


def _plane(window: Window, plane: np.ndarray, depth: int, which: Filter) -> np.ndarray:
    result = np.empty_like(plane)

    def one(tile: Tile) -> None:
        change = _change(window, tile, which, plane.shape)
        down = FRACTION + 10 - depth
        change += np.float32(1 << (down - 1))
        change *= np.float32(2.0**-down)
        np.floor(change, out=change)
        part = np.s_[tile.top : tile.bottom, tile.left : tile.right]
        change += plane[part]
        np.clip(change, 0, (1 << depth) - 1, out=change)
        result[part] = change

    list(_pool().map(one, tiles(plane.shape)))
    return result


def _change(window: Window, tile: Tile, which: Filter, shape: tuple[int, int]) -> Float:
    """What a tile's samples change by, in 2^-7 of a unit of 10 bits: whole numbers below 2^24."""
    wanted = which.linear.any(0)
    weights = which.linear[:, wanted].astype(np.float32)
    room = np.empty((weights.shape[1], *tile.shape), np.float32)
    if which.plane == 0:
        return _by_class(luma.features(window, tile, wanted, room), weights, window, tile, which)
    result = _weighted(weights, chroma.features(window, tile, which.plane, wanted, room))[0]
    if any(table is not None for table in which.tables):
        places = chroma.places(window.now, tile, which.plane, which.axes, shape)
        for (first, second), table in zip(chroma.TABLES, which.tables, strict=True):
            if table is not None:
                result += table.reshape(-1)[places[first] * (chroma.SPAN + 1) + places[second]]
    return result


def _by_class(features: Float, weights: Float, window: Window, tile: Tile, which: Filter) -> Float:
    sums = _weighted(weights, features)
    classes = luma.classes(window.now, tile, which.settings)
    size = classes.size
    return sums.reshape(-1)[classes.reshape(-1) * size + np.arange(size)].reshape(tile.shape)


def _weighted(weights: Float, features: Float) -> NDArray[np.float32]:
    """Sums [classes, rows, columns] of features [count, rows, columns]: exact, by the filter's check."""
    result: NDArray[np.float32] = weights @ features.reshape(len(features), math.prod(features.shape[1:]))
    return result.reshape(len(weights), *features.shape[1:])


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads for tiles: numpy works outside Python's lock."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ThreadPoolExecutor(min(cores, 8), "filters")
