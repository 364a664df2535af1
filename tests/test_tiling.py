"""Tiles cover each pixel once, on the grid, and no tile is larger than it may be."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from codec import tiling

sides = st.integers(1, 9000)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(sides, sides)
def test_tiles_cover_the_padded_picture_exactly_once(height: int, width: int) -> None:
    grid = tiling.ALIGN
    cells = np.zeros((tiling.padded(height) // grid, tiling.padded(width) // grid), int)
    for t in tiling.tiles(height, width):
        assert not any(v % grid for v in (t.top, t.left, t.height, t.width))
        cells[t.top // grid : (t.top + t.height) // grid, t.left // grid : (t.left + t.width) // grid] += 1
    assert (cells == 1).all()


@settings(derandomize=True, deadline=None, max_examples=60)
@given(sides, sides)
def test_a_picture_is_one_tile_or_none_is_large(height: int, width: int) -> None:
    tiles = tiling.tiles(height, width)
    if tiling.padded(height) * tiling.padded(width) <= tiling.SINGLE:
        assert len(tiles) == 1
    else:
        assert max(max(t.height, t.width) for t in tiles) <= tiling.SIDE


def test_one_and_a_half_megapixels_are_one_tile() -> None:
    assert len(tiling.tiles(1000, 1500)) == 1


def test_halo_stays_inside_the_picture() -> None:
    size = (tiling.padded(3000), tiling.padded(4000))
    for t in tiling.tiles(3000, 4000):
        r = t.with_halo(*size)
        assert 0 <= r.top <= t.top and t.top + t.height <= r.top + r.height <= size[0]
        assert 0 <= r.left <= t.left and t.left + t.width <= r.left + r.width <= size[1]
        assert r.top == max(0, t.top - tiling.HALO) and r.left == max(0, t.left - tiling.HALO)
