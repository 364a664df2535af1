"""Colour that alpha hides is filled with what costs little."""

import numpy as np

from codec.codecs.s2lic.hidden import fill_hidden


def test_hidden_colour_is_filled_from_what_shows() -> None:
    colour = np.zeros((8, 8, 3), np.float32)
    alpha = np.zeros((8, 8), np.uint8)
    colour[2, 3], alpha[2, 3] = (0.2, 0.4, 0.6), 1
    filled = fill_hidden(colour, alpha)
    assert np.allclose(filled, colour[2, 3])
    opaque = np.full((8, 8), 9, np.uint8)
    assert fill_hidden(colour, opaque) is colour


def test_what_shows_is_not_touched_by_the_fill() -> None:
    rng = np.random.default_rng(1)
    colour = rng.random((13, 9, 1)).astype(np.float32)
    alpha = rng.integers(0, 2, (13, 9))
    filled = fill_hidden(colour, alpha)
    assert (filled[alpha > 0] == colour[alpha > 0]).all() and np.isfinite(filled).all()
    assert filled.min() >= colour[alpha > 0].min() and filled.max() <= colour[alpha > 0].max()
