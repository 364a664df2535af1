"""Masks as symbols: binary decisions whose probabilities follow from how many there were of each kind before.

A run's context is what earlier sessions made of it. Decisions are coded in stretches that grow, with the counts that
stand before each: so the coder gets whole arrays, and nothing but whole numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.entropy import Coder

Mask = NDArray[np.bool_]

FREE, USED, LAST = range(3)  # by no session; by an earlier one; by the last one, too
_FIRST, _MOST = 64, 4096  # decisions of a stretch
_PRECISION = 16


def code_mask(coder: Coder, mask: Mask | None, contexts: NDArray[np.uint8]) -> Mask:
    """Codes a tensor's mask [runs], or decodes it where `mask` is None."""
    counts = np.ones((LAST + 1, 2), np.int64)  # of zeros and ones, twice and one more
    found, start, size = np.zeros(len(contexts), bool), 0, _FIRST
    while start < len(contexts):
        part = slice(start, start + size)
        zero = ((counts[:, 0] << _PRECISION) // counts.sum(1)).clip(1, (1 << _PRECISION) - 1)
        pmfs = np.stack([zero, (1 << _PRECISION) - zero], 1)[contexts[part]]
        bits = coder.code_pmfs(None if mask is None else mask[part].astype(np.int32), pmfs, _PRECISION)
        found[part] = bits == 1
        counts += 2 * np.bincount(2 * contexts[part].astype(np.int64) + bits, minlength=counts.size).reshape(-1, 2)
        start, size = start + size, min(2 * size, _MOST)
    return found


def contexts(writers: NDArray[np.integer], last: Mask) -> NDArray[np.uint8]:
    """The context of each run, by which session wrote it (0: none), and whether the last one used it."""
    return (np.minimum(writers, 1) + last).astype(np.uint8)
