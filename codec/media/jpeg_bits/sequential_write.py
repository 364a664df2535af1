"""Codes of a sequential scan from its coefficients, all of a chunk at once."""

from __future__ import annotations

import numpy as np

from codec.media.jpeg_bits.bitstream import Packer
from codec.media.jpeg_bits.codes import writing
from codec.media.jpeg_bits.sequential_read import EOB, ZRL, Pattern

_CHUNK = 1 << 15  # blocks


def write_sequential(packer: Packer, scan: np.ndarray, pattern: Pattern, restart: int, needless: np.ndarray) -> None:
    """Pack a scan's blocks, int16 [blocks, 64] with DC as differences, in intervals of `restart` MCUs (0: one).

    `needless`: int64 [count, 2]: blocks with runs of 16 zeros before their end, and how many.
    """
    per = len(pattern)
    ac = pattern[0][1] is not None
    tables = [writing(code) for pair in pattern for code in pair if code is not None]
    codes, lengths = np.stack([t[0] for t in tables]), np.stack([t[1] for t in tables])
    runs = np.zeros(len(scan), np.int64)
    runs[needless[:, 0]] = needless[:, 1]
    chunk = max(_CHUNK // per, 1) * per
    for first in range(0, len(scan), chunk):
        part = scan[first : first + chunk]
        symbols, extra, sizes, table, begins = (
            _symbols(part, runs[first : first + chunk], per) if ac else _dc(part, per)
        )
        starts = np.zeros(0, np.int64)
        if restart:
            block = np.arange(first, first + len(part))
            starts = begins[(block % (restart * per) == 0) & (block > 0)]
        pack(packer, codes[table, symbols], lengths[table, symbols], extra, sizes, starts)


def pack(
    packer: Packer, codes: np.ndarray, lengths: np.ndarray, extra: np.ndarray, sizes: np.ndarray, starts: np.ndarray
) -> None:
    """Pack codes, each with `sizes` further bits, up to one that isn't there: of 0 bits with further ones."""
    count = len(lengths) if lengths.all() else int(np.argmin(lengths))
    values = codes << sizes.astype(np.uint64) | extra.astype(np.uint64)
    packer.add(values[:count], (lengths + sizes)[:count], starts[starts < count])
    if count < len(lengths):
        packer.end()


def _symbols(
    blocks: np.ndarray, needless: np.ndarray, per: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Symbols of blocks in order, their further bits and how many these are, which table they take (2 per block of an
    MCU: DC, AC), and with which symbol each block begins."""
    count = len(blocks)
    block, k = np.nonzero(blocks[:, 1:])
    value = blocks[block, k + 1].astype(np.int64)
    first = np.ones(len(block), bool)
    first[1:] = block[1:] != block[:-1]
    run = k - np.where(first, 0, np.roll(k, 1) + 1)
    items = np.cumsum((run >> 4) + 1)
    upto = np.concatenate([[0], items])[np.searchsorted(block, np.arange(count + 1))]
    last = np.zeros(count, np.int64)
    last[block] = k + 1  # ascending: the last one stays
    ended = last != 63
    each = 1 + np.diff(upto) + ended + needless
    begins = np.cumsum(each) - each
    of = np.repeat(np.arange(count), each)
    symbols = np.full(len(of), ZRL, np.int64)
    extra, sizes = np.zeros(len(of), np.int64), np.zeros(len(of), np.int64)
    table = 2 * (of % per) + 1
    table[begins] -= 1
    dc = blocks[:, 0].astype(np.int64)
    symbols[begins] = sizes[begins] = magnitudes(dc)
    extra[begins] = dc
    at = begins[block] + items - upto[block]
    sizes[at] = magnitudes(value)
    symbols[at] = (run & 15) << 4 | sizes[at]
    extra[at] = value
    symbols[(begins + each - 1)[ended]] = EOB
    return symbols, unsigned(extra, sizes), sizes, table, begins


def _dc(blocks: np.ndarray, per: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same of blocks of which only DC values are said."""
    values, begins = blocks[:, 0].astype(np.int64), np.arange(len(blocks))
    sizes = magnitudes(values)
    return sizes, unsigned(values, sizes), sizes, begins % per, begins


def magnitudes(values: np.ndarray) -> np.ndarray:
    """Bits of whole numbers without their sign, below 2^16."""
    return _BITS[np.abs(values)]


def unsigned(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The `sizes` bits that say what values are, behind their symbols (T.81, F.1.2.1)."""
    return np.where(values < 0, values + (1 << sizes) - 1, values)


_BITS = np.frexp(np.arange(1 << 16).astype(np.float64))[1].astype(np.int64)
