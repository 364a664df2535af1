"""Coefficients of a progressive scan of AC coefficients, of one component, from their symbols."""

from __future__ import annotations

import numpy as np

from codec.media.jpeg_bits.bitstream import Stream
from codec.media.jpeg_bits.codes import INVALID, reading
from codec.media.jpeg_bits.intervals import Chunk
from codec.media.jpeg_bits.sequential_read import ZRL, signed
from codec.media.jpeg_bits.standard import Code

_END = 64  # a step of 64 + n ends a run of blocks whose length has n further bits
_WRONG = 127


class _AcWalker:
    """What both kinds of scans have in common. `wrong`: as of SequentialWalker. `runs`: the blocks with which runs of
    ended blocks begin."""

    def __init__(self, code: Code, scan: np.ndarray, first: int, last: int, low: int, sizes: int) -> None:
        """`scan`: int16 [blocks, 64]; `sizes`: the most further bits that a coefficient has."""
        self._scan, self._from, self._last, self._low = scan, first, last, low
        self._length, self._symbol = reading(code)
        size, run = self._symbol & 15, self._symbol >> 4
        ends = (size == 0) & (self._symbol != ZRL)
        bad = (self._length == INVALID) | (size > sizes)
        self._advance = np.where(bad, INVALID, self._length + np.where(ends, run, size)).astype(np.uint8)
        self._step = np.where(bad, _WRONG, np.where(ends, _END + run, run + 1)).astype(np.uint8)
        self.wrong = len(scan)
        self.runs: list[int] = []

    def begin(self, chunk: Chunk, first: int) -> None:
        """See Walker."""
        self._chunk, self._block = chunk, first
        window = chunk.windows()
        self._by_bit = self._advance[window].tobytes(), self._step[window].tobytes()
        self._symbols: list[int] = []  # where each begins
        self._targets: list[int] = []  # the coefficient that it brings, or would: 64 * block + index

    def _run(self, at: int, bits: int, block: int) -> int:
        """How many blocks an end ends, whose further bits end at the bit `at`."""
        self.runs.append(block)
        at -= bits
        word = int(self._chunk.words[at >> 3])
        return (1 << bits) | (word >> (32 - (at & 7) - bits)) & ((1 << bits) - 1)

    def _brought(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Targets of the symbols of this chunk that bring a coefficient, its further bits, and how many."""
        at, targets = np.array(self._symbols, np.int64), np.array(self._targets, np.int64)
        window = self._chunk.bits(at, 16)
        size = self._symbol[window].astype(np.int64) & 15
        kept = size > 0
        at = (at + self._length[window])[kept]
        return targets[kept], self._chunk.bits(at, size[kept]), size[kept]


class FirstWalker(_AcWalker):
    """A Walker of a scan that brings the first bits of coefficients."""

    def __init__(self, code: Code, scan: np.ndarray, first: int, last: int, low: int) -> None:
        super().__init__(code, scan, first, last, low, 15)
        self._fresh = np.zeros_like(scan)

    def walk(self, at: int, stop: int, count: int) -> tuple[int, int]:
        """See Walker."""
        advance, step = self._by_bit
        symbol, target = self._symbols.append, self._targets.append
        first, last, done = self._from, self._last, 0
        while done < count and at < stop:
            block = 64 * (self._block + done) - 1
            k = first
            while k <= last:
                s = step[at]
                if s < _END:
                    symbol(at)
                    k += s
                    target(block + k)
                    at += advance[at]
                    continue
                at += advance[at]
                if s == _WRONG:
                    self.wrong = min(self.wrong, self._block + done)
                else:
                    done += self._run(at, s - _END, self._block + done) - 1
                break
            if k > last + 1:
                self.wrong = min(self.wrong, self._block + done)
            done += 1
        if done > count:  # a run goes on behind the interval
            self.wrong = min(self.wrong, self._block + count)
            done = count
        self._block += done
        return at, done

    def finish(self) -> None:
        """See Walker."""
        targets, extra, size = self._brought()
        value = signed(extra, size) << self._low
        kept = (np.abs(value) < 1 << 15) & (targets < self._fresh.size)
        self._fresh.ravel()[targets[kept]] = value[kept]

    def apply(self, blocks: int) -> None:
        """Put what the first so many blocks got into the scan."""
        band = slice(self._from, self._last + 1)
        self._scan[:blocks, band] = self._fresh[:blocks, band]


class RefiningWalker(_AcWalker):
    """A Walker of a scan that brings one bit more of coefficients that are there, and new ones of this bit."""

    def __init__(self, code: Code, scan: np.ndarray, first: int, last: int, low: int, stream: Stream) -> None:
        super().__init__(code, scan, first, last, low, 1)
        self._bits = np.unpackbits(stream.data)
        band = scan[:, first : last + 1]
        there = band != 0
        place = np.broadcast_to(np.arange(first, last + 1, dtype=np.uint8), band.shape)
        self._free = place[~there].tobytes()  # of every block the coefficients that are 0
        upto = np.cumsum(there.sum(1))
        self._there = [0, *upto.tolist()]  # how many coefficients there are before a block
        self._refined = np.flatnonzero(np.pad(there, ((0, 0), (first, 63 - last))))  # their places in the scan
        self._new: list[tuple[np.ndarray, np.ndarray]] = []  # places and signs
        self._correcting: list[np.ndarray] = []  # bits

    def begin(self, chunk: Chunk, first: int) -> None:
        """See Walker."""
        super().begin(chunk, first)
        self._corrections: list[int] = []  # where bits begin
        self._counts: list[int] = []  # how many they are

    def walk(self, at: int, stop: int, count: int) -> tuple[int, int]:
        """See Walker."""
        advance, step = self._by_bit
        symbol, target = self._symbols.append, self._targets.append
        correct, counted = self._corrections.append, self._counts.append
        free, there = self._free, self._there
        first, last, done = self._from, self._last, 0
        width = last + 1 - first
        while done < count and at < stop:
            block = self._block + done
            k, zero, zeros = first, width * block - there[block], width * (block + 1) - there[block + 1]
            while k <= last:
                s = step[at]
                if s >= _END:
                    at += advance[at]
                    if s == _WRONG:
                        self.wrong = min(self.wrong, block)
                        break
                    run = min(self._run(at, s - _END, block), len(there) - 1 - block)
                    bits = last + 1 - k - (zeros - zero) + there[block + run] - there[block + 1]
                    correct(at)
                    counted(bits)
                    at += bits
                    done += run - 1
                    break
                symbol(at)
                at += advance[at]
                zero += s - 1
                if zero >= zeros:
                    self.wrong = min(self.wrong, block)
                    target(0)
                    break
                place = free[zero]
                target(64 * block + place)
                bits = place - k - s + 1
                if bits:
                    correct(at)
                    counted(bits)
                    at += bits
                k = place + 1
                zero += 1
            done += 1
        if done > count:
            self.wrong = min(self.wrong, self._block + count)
            done = count
        self._block += done
        return at, done

    def finish(self) -> None:
        """See Walker."""
        targets, extra, _ = self._brought()
        self._new.append((targets, 2 * extra - 1))
        starts, counts = np.array(self._corrections, np.int64), np.array(self._counts, np.int64)
        before = np.cumsum(counts) - counts
        at = np.repeat(starts - before, counts) + np.arange(int(counts.sum())) + self._chunk.base
        self._correcting.append(self._bits[np.minimum(at, len(self._bits) - 1)])

    def apply(self, blocks: int) -> None:
        """Put what the first so many blocks got into the scan."""
        flat = self._scan.reshape(-1)
        corrections = np.concatenate(self._correcting)[: self._there[blocks]]
        places = self._refined[: len(corrections)]
        flat[places] += np.sign(flat[places]) * (corrections.astype(np.int16) << self._low)
        for targets, signs in self._new:
            kept = targets < 64 * blocks
            flat[targets[kept]] = signs[kept] << self._low
