"""Pictures of few colours: channel after channel, only values that go on to a colour of the palette.

The circuit is conditioned on the colours that there are, less those that a pixel is known not to be a copy of. So
a palette of greys makes two of three channels free.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit.leaves import CHOICE_BITS, NEAR, ONE, condition, integer_pmf, leaves, window_of
from codec.codecs.circuit.matches import pack
from codec.codecs.circuit.order import InOrder
from codec.entropy import Coder
from codec.entropy.integers import code_counts, damaged, uniform

MOST = 4096  # colours
_WHAT = "palette"
_SPARE = 5  # bits of a mass that pmfs of 20 bits have no room for

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def colours_of(tiles: Sequence[NDArray[np.uint8]]) -> Int | None:
    """All colours [P, C] of tiles [h, w, C] in ascending order, None if there are more than MOST."""
    found = np.empty((0, tiles[0].shape[2]), np.uint8)
    for tile in tiles:
        for rows in np.array_split(tile, -(-len(tile) // 16)):
            found = np.unique(np.concatenate([found, rows.reshape(-1, tile.shape[2])]), axis=0)
            if len(found) > MOST:
                return None
    return found.astype(np.int64)


def code_colours(coder: Coder, colours: Int | None, channels: int) -> Int:
    """Codes colours [P, C] of 8 bits in ascending order, or decodes them; FormatError if they are none."""
    count = code_counts(coder, None if colours is None else np.array([len(colours)]), 1, _WHAT).item()
    if not 1 <= count <= MOST:
        raise damaged(_WHAT)
    result = np.empty((count, channels), np.int64)
    for c in range(channels):
        known = None if colours is None else colours[:, c]
        if not c:
            steps = code_counts(coder, None if known is None else np.diff(known, prepend=0), count, _WHAT)
            result[:, c] = np.cumsum(steps)
            continue
        # As it is, or by how far it is from the first channel, compared with the colour before.
        folded = long = None
        if known is not None:
            moves = np.diff(known - result[:, 0], prepend=0)
            folded = np.where(moves < 0, -2 * moves - 1, 2 * moves)
            long = np.array([int(np.log2(folded + 1).sum() > 3 * count)])
        if code_counts(coder, long, 1, _WHAT).item():
            result[:, c] = coder.code(known, np.zeros(count, np.uint8), uniform(8))
        else:
            folded = code_counts(coder, folded, count, _WHAT)
            result[:, c] = result[:, 0] + np.cumsum(np.where(folded & 1, -(folded + 1) // 2, folded // 2))
    packed = result @ (NEAR ** np.arange(channels)[::-1])
    if result.min() < 0 or result.max() >= NEAR or (np.diff(packed) <= 0).any():
        raise damaged(_WHAT)
    return result


class Palette:
    """Which values of each channel follow those before it."""

    def __init__(self, colours: Int) -> None:
        """`colours` [P, C] of 8 bits, in ascending order, none of them twice."""
        prefix = np.zeros(len(colours), np.int64)  # of each colour: the number of its values before a channel
        self.values: list[Int] = []  # by channel [prefixes, most], the last one repeated
        self.counts: list[Int] = []  # by channel [prefixes]
        self.first: list[Int] = []  # by channel [prefixes]: number of the prefix that the first value makes
        self._prefixes: list[Int] = []  # by channel [P]: number of a colour's prefix with the channel's value
        self._below: list[Int] = []  # by channel: how many colours have a prefix
        for c in range(colours.shape[1]):
            begins = np.ones(len(colours), bool)
            begins[1:] = (prefix[1:] != prefix[:-1]) | (colours[1:, c] != colours[:-1, c])
            number = np.cumsum(begins) - 1
            counts = np.bincount(prefix[begins])
            first = np.cumsum(counts) - counts
            place = np.minimum(np.arange(counts.max()), counts[:, None] - 1)
            self.values.append(colours[begins, c][first[:, None] + place])
            self.counts.append(counts)
            self.first.append(first)
            self._prefixes.append(number)
            self._below.append(np.bincount(number))
            prefix = number
        packed = pack(colours)
        self._order = np.argsort(packed)
        self._packed = packed[self._order]

    def find(self, packed: Float) -> Int:
        """Which colours these packed ones are, -1 for those that are none; of several in a row [n, J] the first."""
        place = np.minimum(np.searchsorted(self._packed, packed), len(self._packed) - 1)
        known = self._packed[place] == packed
        same = packed[:, :, None] == packed[:, None, :]
        known &= ~(same & np.tri(same.shape[1], k=-1, dtype=bool)).any(2)
        return np.where(known, self._order[place], -1)

    def code(
        self,
        coder: Coder | InOrder,
        channel: int,
        prefix: Int,
        values: Int | None,
        mixture: tuple[Float, Int, Int],
        excluded: Int | None,
    ) -> tuple[Int, Float, Int]:
        """Like `code_values`, among the values that follow; also the number [n] of the prefix with them.

        `excluded`: what `find` gave for colours that the pixels are not.
        """
        table, (weights, means, scales) = leaves(), mixture
        start, entry = window_of(weights, means, scales)
        allowed, counts = self.values[channel][prefix], self.counts[channel][prefix]
        index = np.zeros(len(prefix), np.int64)
        if allowed.shape[1] > 1:
            places = entry[:, :, None] + (allowed - start[:, None])[:, None]
            upper, lower = table.cdf[places + 1], table.cdf[places]
            mass = np.einsum("nk,nka->na", weights, upper - lower)
            # The cells at the ends hold the tails.
            total = weights.sum(1)
            tail = np.einsum("nk,nka->na", weights, lower)
            mass += np.where(allowed == 0, tail, 0)
            mass += np.where(allowed == NEAR - 1, (total * ONE)[:, None] - tail - mass, 0)
            mass = np.floor(mass * 2.0**-_SPARE) + 1
            mass[np.arange(allowed.shape[1]) >= counts[:, None]] = 0
            if excluded is not None:
                mass[self._all_excluded(channel, prefix, excluded)] = 0
                mass[:, 0] += ~mass.any(1)  # not in a stream that is whole
            symbols = None if values is None else (allowed == values[:, None]).argmax(1)
            pmf = integer_pmf(mass.cumsum(1), CHOICE_BITS)
            index = coder.code_pmfs(symbols, pmf, CHOICE_BITS).astype(np.int64)
        result = allowed[np.arange(len(prefix)), index]
        following = self.first[channel][prefix] + np.minimum(index, counts - 1)
        return result, condition(result, weights, entry + (result - start)[:, None]), following

    def _all_excluded(self, channel: int, prefix: Int, excluded: Int) -> NDArray[np.bool_]:
        """Which values [n, most] lead to excluded colours only."""
        n, most = len(prefix), self.values[channel].shape[1]
        first, counts = self.first[channel][prefix][:, None], self.counts[channel][prefix][:, None]
        place = self._prefixes[channel][excluded] - first
        here = (excluded >= 0) & (place >= 0) & (place < counts)
        flat = (np.arange(n)[:, None] * most + place)[here]
        found = np.bincount(flat, minlength=n * most).reshape(n, most)
        result: NDArray[np.bool_] = found == self._below[channel][first + np.minimum(np.arange(most), counts - 1)]
        return result
