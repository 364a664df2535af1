"""The walk over a scan's symbols, chunk by chunk and restart interval by restart interval.

What a symbol is, and how long it is with its bits, is worked out for every bit of a chunk at once, as if one began
there; then Python goes from symbol to symbol and notes where each begins; then all values are taken out at once.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from codec.media.jpeg_bits.bitstream import CHUNK, Stream


class Walker(Protocol):
    """Reads MCUs of one kind of scan. Bits are counted from the beginning of the chunk."""

    def begin(self, chunk: Chunk, first: int) -> None:
        """Be ready for a chunk; the next MCU is `first`."""
        ...

    def walk(self, at: int, stop: int, count: int) -> tuple[int, int]:
        """Go over at most `count` MCUs that begin before `stop`: where the next begins, and how many they were."""
        ...

    def finish(self) -> None:
        """Take out the values of what was walked over in this chunk."""
        ...


class Chunk(NamedTuple):
    """A part of a stream. `words`: by byte the four bytes from there on, uint64; `base`: its first bit."""

    words: np.ndarray
    base: int

    def windows(self) -> np.ndarray:
        """By bit the 16 bits from there on, uint16."""
        wide = (self.words[:, None] >> np.arange(16, 8, -1, np.uint64)) & np.uint64(0xFFFF)
        return wide.astype(np.uint16).ravel()

    def bits(self, at: np.ndarray, sizes: np.ndarray | int) -> np.ndarray:
        """Numbers of 0 to 16 bits that begin at the bits `at`, int64."""
        shift = (32 - (at & 7) - sizes).astype(np.uint64)
        return (self.words[at >> 3] >> shift).astype(np.int64) & ((1 << sizes) - 1)


def walk_over(stream: Stream, total: int, restart: int, walker: Walker) -> tuple[int, list[tuple[int, int]]]:
    """Let `walker` read `total` MCUs in intervals of `restart` (0: one), up to what is damaged or cut off.

    Returns how many MCUs are whole, and what fills the last bytes of the intervals, as (bits, value).
    """
    filled: list[int] = []  # where the codes of each interval end
    done, at, interval = 0, 0, 0
    left = min(restart or total, total)
    whole = True
    while whole:
        base = at >> 3
        chunk = Chunk(stream.words(base), 8 * base)
        walker.begin(chunk, done)
        at -= 8 * base
        while True:
            end = stream.ends[interval] - 8 * base
            at, walked = walker.walk(at, min(end, 8 * CHUNK), left)
            done, left = done + walked, left - walked
            whole = at < end if left else at <= end
            if not whole:
                done -= at > end and walked > 0  # the last one takes bits that aren't there
            elif not left:
                filled.append(at + 8 * base)
                interval += 1
                whole = done < total and interval < len(stream.starts) and end - at < 8
                left = min(restart, total - done)
                at = end if whole else at
            if not whole or at >= 8 * CHUNK:
                break
        walker.finish()
        at += 8 * base
    positions = np.array(filled, np.int64)
    sizes = -positions % 8
    return done, list(zip(sizes.tolist(), stream.bits(positions, sizes).tolist(), strict=True))
