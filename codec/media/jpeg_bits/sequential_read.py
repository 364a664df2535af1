"""Coefficients of a sequential scan from its bits.

What a symbol is and how long it is with its bits is worked out for every bit of a chunk at once, as if one began
there; then Python walks from symbol to symbol and notes where each begins; then all values are taken out at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from codec.media.jpeg_bits.bitstream import CHUNK, Stream
from codec.media.jpeg_bits.codes import INVALID, reading
from codec.media.jpeg_bits.standard import Code

EOB, ZRL = 0x00, 0xF0
_ENDED = 64  # a step that ends every block


class Read(NamedTuple):
    """What was read of a scan: `mcus` that are whole, and of the blocks in them those with needless runs of 16
    zeros before their end, int64 [count, 2]: block, runs. `fills`: what fills the last bytes of intervals, as
    (bits, value)."""

    mcus: int
    needless: np.ndarray
    fills: list[tuple[int, int]]


class _Tables:
    """By the next 16 bits: how far the next symbol is, and how far a block goes with this one."""

    def __init__(self, code: Code, ac: bool) -> None:
        self.length, self.symbol = reading(code)
        size = self.symbol & 15
        self.bad = (self.length == INVALID) | (~np.bool_(ac) & (self.symbol > 15))
        ends = (size == 0) & (self.symbol != ZRL)
        self.advance = np.where(self.bad, INVALID, self.length + size).astype(np.uint8)
        self.step = np.where(self.bad | ends, _ENDED, (self.symbol >> 4) + 1).astype(np.uint8)


class SequentialReader:
    """Reads one scan whose MCUs are of blocks with these codes, (DC, AC) each, into `scan`, int16 [blocks, 64]."""

    def __init__(self, stream: Stream, pattern: list[tuple[Code, Code]], scan: np.ndarray) -> None:
        self._stream, self._pattern, self._scan = stream, pattern, scan
        codes: list[tuple[Code, bool]] = []
        for dc, ac in pattern:
            codes += [one for one in ((dc, False), (ac, True)) if one not in codes]
        self._tables = [_Tables(*one) for one in codes]
        self._of = np.array([[codes.index((dc, False)), codes.index((ac, True))] for dc, ac in pattern])
        self._length = np.stack([t.length for t in self._tables])
        self._symbol = np.stack([t.symbol for t in self._tables])
        self._bad = np.stack([t.bad for t in self._tables])
        self._needless: list[np.ndarray] = []
        self._wrong = len(scan)  # the first block with a symbol that isn't one

    def read(self, restart: int) -> Read:
        """All MCUs, in intervals of `restart` (0: one), up to what is damaged or cut off."""
        stream, per = self._stream, len(self._pattern)
        total = len(self._scan) // per
        filled: list[int] = []  # where the codes of each interval end
        done, at, interval = 0, 0, 0
        left = min(restart or total, total)
        whole = True
        while whole:
            base, first = at >> 3, done
            words = stream.words(base)
            tables = self._by_bit(words)
            positions: list[int] = []
            at -= 8 * base
            while True:
                end = stream.ends[interval] - 8 * base
                at, walked = _walk(at, min(end, 8 * CHUNK), left, tables, positions)
                done, left = done + walked, left - walked
                whole = at < end if left else at <= end
                if not whole:  # the last one takes bits that aren't there
                    done -= at > end and walked > 0
                elif not left:
                    filled.append(at + 8 * base)
                    interval += 1
                    whole = done < total and interval < len(stream.starts) and end - at < 8
                    left = min(restart, total - done)
                    at = end if whole else at
                if left or not whole:
                    if whole and at < 8 * CHUNK:
                        continue
                    break
            self._values(positions, words, first * per)
            at += 8 * base
        mcus = min(done, self._wrong // per)
        self._scan[mcus * per :] = 0
        needless = np.concatenate([np.zeros((0, 2), np.int64), *self._needless])
        return Read(mcus, needless[needless[:, 0] < mcus * per], fills(stream, filled))

    def _by_bit(self, words: np.ndarray) -> list[tuple[bytes, bytes, bytes]]:
        """For each block of an MCU, and for each bit of a chunk: how far a DC symbol goes, and an AC symbol, and how
        far that brings the block."""
        window = ((words[:, None] >> np.arange(16, 8, -1, np.uint64)) & np.uint64(0xFFFF)).astype(np.uint16).ravel()
        of = {int(i) for i in self._of.ravel()}
        advance = {i: self._tables[i].advance[window].tobytes() for i in of}
        step = {i: self._tables[i].step[window].tobytes() for i in {int(i) for i in self._of[:, 1]}}
        return [(advance[int(dc)], advance[int(ac)], step[int(ac)]) for dc, ac in self._of]

    def _values(self, positions: list[int], words: np.ndarray, first: int) -> None:
        """Put the values of the symbols that begin at `positions` (DC: ~position) into the blocks from `first` on."""
        if not positions:
            return
        at = np.array(positions)
        dc = at < 0
        at = np.where(dc, ~at, at)
        block = np.cumsum(dc) - 1
        table = self._of[block % len(self._of), (~dc).astype(np.int64)]
        window = (words[at >> 3] >> (16 - (at & 7)).astype(np.uint64)) & np.uint64(0xFFFF)
        length, symbol = self._length[table, window].astype(np.int64), self._symbol[table, window]
        size = (symbol & 15).astype(np.int64)
        step = np.where(dc, 1, np.where((size == 0) & (symbol != ZRL), 0, (symbol >> 4).astype(np.int64) + 1))
        reached = np.cumsum(step)
        starts = np.flatnonzero(dc)
        index = reached - (reached[starts] - 1)[block] - 1
        wrong = self._bad[table, window] | (index > 63)
        if wrong.any():
            self._wrong = min(self._wrong, first + int(block[np.argmax(wrong)]))
        ends = ~dc & (step == 0)
        zrl = ~dc & (symbol == ZRL)
        if len(needless := np.flatnonzero(ends[1:] & zrl[:-1])):
            runs = 1 + zrl[needless - 1] * (1 + zrl[needless - 2].astype(np.int64))
            self._needless.append(np.stack([first + block[needless], runs], 1))
        kept = np.flatnonzero((size > 0) & (index < 64))
        at, size, length = at[kept] + length[kept], size[kept], length[kept]
        extra = _bits(words, at, size)
        value = np.where(extra >> (size - 1), extra, extra - (1 << size) + 1)
        self._scan[first + block[kept], index[kept]] = value


def _walk(
    at: int, stop: int, count: int, tables: list[tuple[bytes, bytes, bytes]], positions: list[int]
) -> tuple[int, int]:
    """Go over at most `count` MCUs that begin before `stop`: where the next one begins, and how many they were."""
    push = positions.append
    for done in range(count):
        if at >= stop:
            return at, done
        for dc, advance, step in tables:
            push(~at)
            at += dc[at]
            k = 1
            while k < 64:
                push(at)
                k += step[at]
                at += advance[at]
    return at, count


def _bits(words: np.ndarray, at: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Numbers of 1 to 16 bits that begin at the bits `at`."""
    return ((words[at >> 3] >> (32 - (at & 7) - size).astype(np.uint64)).astype(np.int64)) & ((1 << size) - 1)


def fills(stream: Stream, filled: list[int]) -> list[tuple[int, int]]:
    """What fills the last bytes of intervals whose codes end at these bits: (bits, value)."""
    at = np.array(filled, np.int64)
    sizes = -at % 8
    return list(zip(sizes.tolist(), stream.bits(at, sizes).tolist(), strict=True))
