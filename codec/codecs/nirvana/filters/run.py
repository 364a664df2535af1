"""Filters over frames, in whole numbers: tiles in parallel, each the same whatever runs beside it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from codec.codecs.nirvana.filters import chroma, luma
from codec.codecs.nirvana.filters.frames import Float, Planes, Tile, Window, tiles, windows
from codec.codecs.nirvana.filters.model import FRACTION, Filter
from codec.device import cores


def run(base: Sequence[Planes], depth: int, filters: Sequence[Filter | None]) -> Iterator[Planes]:
    """The frames of a group after the filters of Y, U and V (None: the plane stays), one at a time."""
    if not any(filters):
        yield from base
        return
    luma_filter, chroma_filters = filters[0], [which for which in filters[1:] if which is not None]
    pool = _pool()
    begun: deque[tuple[list[np.ndarray], list[Future[None]]]] = deque()
    for number, window in windows(base, depth):
        before = base[number]
        planes = [
            plane if which is None else np.empty_like(plane) for plane, which in zip(before, filters, strict=True)
        ]
        work: list[Future[None]] = []
        if luma_filter is not None:
            made = partial(_luma, window, luma_filter, before[0], depth, planes[0])
            work += [pool.submit(made, tile) for tile in tiles(before[0].shape)]
        if chroma_filters:
            made = partial(_chroma, window, chroma_filters, before, depth, planes)
            work += [pool.submit(made, tile) for tile in tiles(before[1].shape)]
        begun.append((planes, work))
        if len(begun) > 1:  # while the pool is at work on one, the next is made ready here
            yield _done(*begun.popleft())
    yield _done(*begun.popleft())


def _done(planes: list[np.ndarray], work: list[Future[None]]) -> Planes:
    for one in work:
        one.result()
    y, u, v = planes
    return y, u, v


def _luma(window: Window, which: Filter, before: np.ndarray, depth: int, after: np.ndarray, tile: Tile) -> None:
    weights, wanted, room = _prepared(which, tile)
    sums = _weighted(weights, tile.cut(luma.features(window, tile, wanted, room)))
    classes = tile.cut(luma.classes(window.now, tile, which.settings))
    rows, columns = tile.shape
    index = np.multiply(classes, columns, dtype=np.intp)
    index += np.arange(columns)
    index += np.arange(rows)[:, None] * (len(weights) * columns)
    _add(before, sums.reshape(-1).take(index, mode="clip"), depth, tile, after)


def _chroma(
    window: Window, filters: Sequence[Filter], before: Planes, depth: int, after: Sequence[np.ndarray], tile: Tile
) -> None:
    guides = chroma.guidance(window.now, tile)
    for which in filters:
        weights, wanted, room = _prepared(which, tile)
        features = chroma.features(window, tile, which.plane, guides, wanted, room)
        change = _weighted(weights, tile.cut(features))[:, 0]
        if any(table is not None for table in which.tables):
            places = chroma.places(window.now, tile, which.plane, which.axes, before[which.plane].shape)
            for (first, second), table in zip(chroma.TABLES, which.tables, strict=True):
                if table is not None:
                    index = places[first] * np.int16(chroma.SPAN + 1) + places[second]
                    change += table.reshape(-1).take(index, mode="clip")
        _add(before[which.plane], change, depth, tile, after[which.plane])


def _prepared(which: Filter, tile: Tile) -> tuple[Float, NDArray[np.bool_], Float]:
    """The weights [rows, features] of the features that have some, which these are, and room for a tile of them.

    There is a row for each class, and a second one, of zeros, where there is one class.
    """
    wanted = which.linear.any(0)
    weights = np.zeros((max(len(which.linear), 2), np.count_nonzero(wanted)), np.float32)
    weights[: len(which.linear)] = which.linear[:, wanted]
    return weights, wanted, np.empty((weights.shape[1], tile.size), np.float32)


def _add(before: np.ndarray, change: Float, depth: int, tile: Tile, after: np.ndarray) -> None:
    """Add a change to a tile; it is in 2^-7 of a unit of 10 bits: whole numbers below 2^24."""
    down = FRACTION + 10 - depth
    change += np.float32(1 << (down - 1))
    change *= np.float32(2.0**-down)
    np.floor(change, out=change)
    part = np.s_[tile.top : tile.bottom, tile.left : tile.right]
    change += before[part]
    np.clip(change, 0, (1 << depth) - 1, out=change)
    after[part] = change


def _weighted(weights: Float, features: Float) -> Float:
    """Sums [rows, classes, columns] of features [count, rows, columns]: exact, by the filter's check.

    A row of a tile at once, which is so little that no BLAS starts threads of its own for it: they would get in the way
    of ours. A product with a single row of weights, for which OpenBLAS takes threads far sooner, must not come here.
    """
    return np.matmul(weights, features.swapaxes(0, 1))


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads for tiles: numpy works outside Python's lock."""
    return ThreadPoolExecutor(min(cores(), 8), "filters")


if hasattr(os, "register_at_fork"):  # a child process has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
