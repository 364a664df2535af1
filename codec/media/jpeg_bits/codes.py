"""Huffman codes as tables by which arrays are read and written."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from codec.errors import MediaError
from codec.media.jpeg_bits.standard import Code

WINDOW = 16  # bits that decide every symbol
INVALID = 255  # length of what begins no code; longer than any symbol with its bits


def _assigned(code: Code) -> tuple[np.ndarray, np.ndarray]:
    """Lengths and codes of the symbols in order (T.81, Annex C)."""
    lengths = np.repeat(np.arange(1, 17), np.frombuffer(code.counts, np.uint8))
    values = np.zeros(len(lengths), np.int64)
    value, before = 0, 0
    for i, length in enumerate(lengths.tolist()):
        value <<= length - before
        values[i], before = value, length
        value += 1
        if value > 1 << length:
            raise MediaError("has a damaged Huffman table")
    return lengths, values


@lru_cache(maxsize=32)
def reading(code: Code) -> tuple[np.ndarray, np.ndarray]:
    """By the next 16 bits: length of the symbol (INVALID where there is none) and the symbol, uint8 [65536]."""
    lengths, _ = _assigned(code)
    length, symbol = np.full(1 << WINDOW, INVALID, np.uint8), np.zeros(1 << WINDOW, np.uint8)
    spans = 1 << (WINDOW - lengths)
    filled = int(spans.sum())  # codes ascend, so they fill the table from its start
    length[:filled] = np.repeat(lengths, spans)
    symbol[:filled] = np.repeat(np.frombuffer(code.symbols, np.uint8), spans)
    return length, symbol


@lru_cache(maxsize=32)
def writing(code: Code) -> tuple[np.ndarray, np.ndarray]:
    """By symbol: its code, uint64 [256], and length, int64 [256], 0 where it has none."""
    lengths, values = _assigned(code)
    codes, sizes = np.zeros(256, np.uint64), np.zeros(256, np.int64)
    symbols = np.frombuffer(code.symbols, np.uint8)[::-1]  # of a symbol with two codes the first
    codes[symbols], sizes[symbols] = values[::-1].astype(np.uint64), lengths[::-1]
    return codes, sizes
