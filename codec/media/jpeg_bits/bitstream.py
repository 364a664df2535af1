"""Entropy-coded data as bits: taken out of their bytes and restart intervals, and packed into them again."""

from __future__ import annotations

import re

import numpy as np

CHUNK = 1 << 16  # bytes that are looked at together
MARGIN = 1 << 12  # bytes behind a chunk that may be asked for: more than an MCU takes, whatever its codes
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
ONES, ZEROS, LISTED = range(3)  # what fills the last byte of an interval


def scan_end(data: bytes, at: int) -> int:
    """Where the scan whose data begin at `at` ends: at the next marker that isn't one of restart."""
    found = _END.search(data, at)
    return found.start() if found else len(data)


class Stream:
    """The data of a scan, without stuffed bytes and restart markers.

    `data`: uint8, with zeros behind; `size`: bytes before those; `starts`, `ends`: of the restart intervals, in bits.
    """

    def __init__(self, data: bytes, at: int, intervals: int) -> None:
        """The scan of so many intervals whose data begin at `at`; fewer are found where it is cut off."""
        pieces = _RESTART.split(data[at : scan_end(data, at)])[:intervals]
        pieces = [piece.replace(b"\xff\x00", b"\xff") for piece in pieces]
        joined = b"".join(pieces)
        self.size = len(joined)
        self.data = np.frombuffer(joined + bytes(MARGIN), np.uint8)
        ends = np.cumsum([len(piece) for piece in pieces]) * 8
        self.ends: list[int] = ends.tolist()
        self.starts: list[int] = [0, *self.ends[:-1]]

    def words(self, base: int) -> np.ndarray:
        """By byte from `base` on: the four bytes there as a number, uint64 [at most CHUNK + MARGIN]."""
        part = self.data[base : base + CHUNK + MARGIN].astype(np.uint64)
        return part[:-3] << 24 | part[1:-2] << 16 | part[2:-1] << 8 | part[3:]

    def bits(self, at: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Numbers of `sizes` (0 to 32) bits that begin at the bits `at`, int64."""
        at = np.minimum(at, 8 * self.size)
        byte, shift = at >> 3, (at & 7).astype(np.uint64)
        word = np.zeros(len(at), np.uint64)
        for i in range(5):
            word = word << np.uint64(8) | self.data[byte + i]
        kept = (word << shift) & np.uint64((1 << 40) - 1)
        return (kept >> (40 - sizes).astype(np.uint64)).astype(np.int64)


class Packer:
    """Codes one after the other as bytes, with what is between restart intervals."""

    def __init__(self, pad: int, listed: bytes = b"") -> None:
        """`pad`: ONES, ZEROS or LISTED: the value of what fills each interval's last byte."""
        self._pad, self._listed = pad, listed
        self._position = 0
        self._starts: list[np.ndarray] = [np.zeros(1, np.int64)]
        self._intervals = 0
        self._word = 0  # what is packed already of the word at _position
        self._parts: list[bytes] = []
        self._ended = False

    def add(self, values: np.ndarray, sizes: np.ndarray, starts: np.ndarray) -> None:
        """Codes in order: `values` uint64, `sizes` int64 (0 to 32). `starts`: those with which an interval begins."""
        if self._ended:
            return
        ends = np.cumsum(sizes)
        before = ends - sizes
        marks = np.concatenate([[0], before[starts] if len(sizes) else np.zeros(len(starts), np.int64)])
        bits = np.diff(np.append(marks, ends[-1] if len(sizes) else 0))  # of each interval here; the first goes on
        begins = np.empty(len(bits) + 1, np.int64)
        begins[0] = self._position
        first = self._position + int(bits[0])
        if len(starts):
            whole = (bits[1:-1] + 7) // 8 * 8
            begins[1:-1] = (first + 7) // 8 * 8 + np.concatenate([[0], np.cumsum(whole)])
        begins[-1] = (begins[-2] + bits[-1]) if len(starts) else first
        at = before + np.repeat(begins[:-1] - marks, np.diff(np.append(np.append(0, starts), len(sizes))))
        pads = begins[1:-1] - (begins[:-2] + bits[:-1])
        self._merge(
            np.concatenate([at, begins[1:-1] - pads]),
            np.concatenate([values, self._pads(pads)]),
            np.concatenate([sizes, pads]),
            int(begins[-1]),
        )
        self._starts.append(begins[1:-1])

    def end(self) -> None:
        """Take no more codes: what follows can't be said."""
        self._ended = True

    def _pads(self, sizes: np.ndarray) -> np.ndarray:
        count = len(sizes)
        if self._pad == ZEROS:
            values = np.zeros(count, np.uint64)
        elif self._pad == ONES:
            values = (np.uint64(1) << sizes.astype(np.uint64)) - np.uint64(1)
        else:
            listed = np.frombuffer(self._listed, np.uint8)[self._intervals : self._intervals + count]
            values = np.zeros(count, np.uint64)
            values[: len(listed)] = listed
            values &= (np.uint64(1) << sizes.astype(np.uint64)) - np.uint64(1)
        self._intervals += count
        return values

    def _merge(self, at: np.ndarray, values: np.ndarray, sizes: np.ndarray, end: int) -> None:
        """Put codes at their bits; no two share one, so that sums are unions, and exact in float64."""
        base = self._position >> 5
        words = (end >> 5) - base + 2
        index = (at >> 5) - base
        wide = values << (np.int64(64) - (at & 31) - sizes).astype(np.uint64)
        wide[sizes == 0] = 0
        high = np.bincount(index, (wide >> np.uint64(32)).astype(np.float64), words)
        low = np.bincount(index + 1, (wide & np.uint64(2**32 - 1)).astype(np.float64), words)
        packed = high.astype(np.uint64) + low.astype(np.uint64)
        packed[0] += np.uint64(self._word)
        whole = (end >> 5) - base
        self._parts.append(packed[:whole].astype(">u4").tobytes())
        self._word = int(packed[whole])
        self._position = end

    def finish(self) -> bytes:
        """All bytes, with stuffing and restart markers."""
        last = np.array([-self._position % 8])
        nothing = np.zeros(0, np.int64)
        self._merge(np.array([self._position]), self._pads(last), last, self._position + int(last[0]))
        whole = b"".join(self._parts) + self._word.to_bytes(4, "big")[: (self._position & 31) // 8]
        starts = (np.concatenate([*self._starts, nothing]) // 8).tolist()
        pieces = [
            whole[a:b].replace(b"\xff", b"\xff\x00") for a, b in zip(starts, [*starts[1:], len(whole)], strict=True)
        ]
        marked = [bytes([0xFF, 0xD0 + (i & 7)]) + piece for i, piece in enumerate(pieces[1:])]
        return b"".join([pieces[0], *marked])
