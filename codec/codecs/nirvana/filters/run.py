"""Filters over frames, in whole numbers: tiles in parallel, each the same whatever runs beside it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial

import numpy as np

from codec.codecs.nirvana.filters import chroma, luma
from codec.codecs.nirvana.filters.frames import Float, Planes, Tile, Window, tiles, windows
from codec.codecs.nirvana.filters.model import FRACTION, Filter
from codec.device import threads


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
    sums = _weighted(which, tile, luma.features(window, tile, which.wanted, _room(which, tile)))
    # Where in the sums [rows, classes, columns] each sample's own is.
    index = tile.cut(luma.classes(window.now, tile, which.settings)).astype(np.intp)
    rows, columns = tile.shape
    index *= columns
    index += np.arange(columns)
    index += np.arange(rows)[:, None] * (sums.shape[1] * columns)
    _add(before, sums.reshape(-1).take(index, mode="clip"), depth, tile, after)


def _chroma(
    window: Window, filters: Sequence[Filter], before: Planes, depth: int, after: Sequence[np.ndarray], tile: Tile
) -> None:
    guides = chroma.guidance(window.now, tile)
    for which in filters:
        features = chroma.features(window, tile, which.plane, guides, which.wanted, _room(which, tile))
        change = _weighted(which, tile, features)[:, 0]
        if any(table is not None for table in which.tables):
            places = chroma.places(window.now, tile, which.plane, which.axes, before[which.plane].shape)
            for (first, second), table in zip(chroma.TABLES, which.tables, strict=True):
                if table is not None:
                    index = places[first] * np.int16(chroma.SPAN + 1) + places[second]
                    change += table.reshape(-1).take(index, mode="clip")
        _add(before[which.plane], change, depth, tile, after[which.plane])


def _room(which: Filter, tile: Tile) -> Float:
    """Room for the features of a tile that have a weight."""
    return np.empty((which.products.shape[1], tile.size), np.float32)


def _weighted(which: Filter, tile: Tile, features: Float) -> Float:
    """Sums [rows, classes, columns] of a tile's features: exact, by the filter's check.

    A row of a tile at once, which is so little that no BLAS starts threads of its own for it: they would get in the way
    of ours. With a single row of weights OpenBLAS takes threads far sooner, so a filter has two and more.
    """
    return np.matmul(which.products, tile.cut(features).swapaxes(0, 1))


def _add(before: np.ndarray, change: Float, depth: int, tile: Tile, after: np.ndarray) -> None:
    """Add a change to a tile; it is in 2^-7 of a unit of 10 bits: whole numbers below 2^24."""
    down = FRACTION + 10 - depth
    part = np.s_[tile.top : tile.bottom, tile.left : tile.right]
    value = change.astype(np.int32)
    value += np.int32(1 << (down - 1))
    value >>= down
    value += before[part]
    np.clip(value, 0, (1 << depth) - 1, out=value)
    after[part] = value


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads for tiles: numpy works outside Python's lock."""
    return ThreadPoolExecutor(min(threads(), 8), "filters")


if hasattr(os, "register_at_fork"):  # a child process has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
