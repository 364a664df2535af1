"""Coefficients of a sequential scan, and of a progressive one of DC values, from their symbols."""

from __future__ import annotations

import numpy as np

from codec.media.jpeg_bits.codes import INVALID, reading
from codec.media.jpeg_bits.intervals import Chunk
from codec.media.jpeg_bits.standard import Code

EOB, ZRL = 0x00, 0xF0
_ENDED = 64  # a step that ends every block
Pattern = list[tuple[Code, "Code | None"]]  # of each block of an MCU the codes of DC and AC (None: it has DC alone)


class _Tables:
    """By the next 16 bits: how far the next symbol is, and how far a block goes with this one."""

    def __init__(self, code: Code, ac: bool) -> None:
        self.length, self.symbol = reading(code)
        size = self.symbol & 15
        self.bad = self.length == INVALID
        if not ac:
            self.bad = self.bad | (self.symbol > 15)
        ends = (size == 0) & (self.symbol != ZRL)
        self.advance = np.where(self.bad, INVALID, self.length + size).astype(np.uint8)
        self.step = np.where(self.bad | ends, _ENDED, (self.symbol >> 4) + 1).astype(np.uint8)


class SequentialWalker:
    """A Walker whose MCUs are of blocks with the codes of `pattern`. Fills `scan`, int16 [blocks, 64], DC values as
    differences.

    `wrong`: the first block with a symbol that isn't one. `needless`: blocks with runs of 16 zeros before their end,
    and how many: int64 [count, 2].
    """

    def __init__(self, pattern: Pattern, scan: np.ndarray) -> None:
        self._scan, self._per = scan, len(pattern)
        self._ac = pattern[0][1] is not None
        codes: list[tuple[Code, bool]] = []
        for dc, ac in pattern:
            codes += [one for one in ((dc, False), *([(ac, True)] if ac else [])) if one not in codes]
        self._of = np.array([[codes.index((dc, False)), codes.index((ac, True)) if ac else 0] for dc, ac in pattern])
        self._tables = [_Tables(*one) for one in codes]
        self._length = np.stack([t.length for t in self._tables])
        self._symbol = np.stack([t.symbol for t in self._tables])
        self._bad = np.stack([t.bad for t in self._tables])
        self._needless = [np.zeros((0, 2), np.int64)]
        self.wrong = len(scan)

    @property
    def needless(self) -> np.ndarray:
        return np.concatenate(self._needless)

    def begin(self, chunk: Chunk, first: int) -> None:
        """See Walker."""
        self._chunk, self._first = chunk, first * self._per
        self._positions: list[int] = []  # of a DC symbol ~position
        window = chunk.windows()
        advance = [one.advance[window].tobytes() for one in self._tables]
        step = {i: self._tables[i].step[window].tobytes() for i in set(self._of[:, 1].tolist()) if self._ac}
        self._by_bit = [(advance[dc], advance[ac], step.get(ac, b"")) for dc, ac in self._of.tolist()]

    def walk(self, at: int, stop: int, count: int) -> tuple[int, int]:
        """See Walker."""
        push, tables, ac = self._positions.append, self._by_bit, self._ac
        for done in range(count):
            if at >= stop:
                return at, done
            for dc, advance, step in tables:
                push(~at)
                at += dc[at]
                k = 1 if ac else 64
                while k < 64:
                    push(at)
                    k += step[at]
                    at += advance[at]
        return at, count

    def finish(self) -> None:
        """See Walker."""
        if not self._positions:
            return
        at = np.array(self._positions)
        dc = at < 0
        at = np.where(dc, ~at, at)
        block = np.cumsum(dc) - 1
        table = self._of[block % self._per, (~dc).astype(np.int64)]
        window = self._chunk.bits(at, 16)
        length, symbol = self._length[table, window].astype(np.int64), self._symbol[table, window].astype(np.int64)
        size = symbol & 15
        ends = ~dc & (size == 0) & (symbol != ZRL)
        reached = np.cumsum(np.where(dc, 1, np.where(ends, 0, (symbol >> 4) + 1)))
        index = reached - reached[np.flatnonzero(dc)][block]
        wrong = self._bad[table, window] | (index > 63)
        if wrong.any():
            self.wrong = min(self.wrong, self._first + int(block[np.argmax(wrong)]))
        zrl = ~dc & (symbol == ZRL)
        if len(last := np.flatnonzero(ends[1:] & zrl[:-1])):
            runs = 1 + zrl[last - 1] * (1 + zrl[last - 2].astype(np.int64))
            self._needless.append(np.stack([self._first + block[last], runs], 1))
        kept = np.flatnonzero((size > 0) & (index < 64))
        size = size[kept]
        extra = self._chunk.bits(at[kept] + length[kept], size)
        self._scan[self._first + block[kept], index[kept]] = signed(extra, size)


def signed(extra: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Values from the `size` bits (at least 1) that follow their symbols (T.81, F.2.2.1)."""
    return np.where(extra >> (size - 1), extra, extra - (1 << size) + 1)
