"""Codes of a progressive scan of AC coefficients from the whole coefficients, all at once.

How long runs of ended blocks are is the encoder's choice. libjpeg's: as long as they can be, and, where correction bits
wait for the end of a run, no longer than its buffer for those (jcphuff.c: MAX_CORR_BITS).
"""

from __future__ import annotations

import numpy as np

from codec.errors import MediaError
from codec.media.jpeg_bits.bitstream import Packer
from codec.media.jpeg_bits.codes import writing
from codec.media.jpeg_bits.sequential_read import ZRL
from codec.media.jpeg_bits.sequential_write import magnitudes, pack, unsigned
from codec.media.jpeg_bits.standard import Code

_LONGEST = 0x7FFF  # blocks of a run
_WAITING = 1000 - 64 + 1  # correction bits, beyond which a run is ended


_CHUNK = 1 << 15  # blocks
_Runs = tuple[np.ndarray, np.ndarray]


def levels(scan: np.ndarray, first: int, last: int, low: int) -> np.ndarray:
    """What a scan of these coefficients down to bit `low` says of blocks, int16 [blocks, 64]: [blocks, its own]."""
    band = scan[:, first : last + 1]
    return np.sign(band) * (np.abs(band) >> low)


def natural_runs(band: np.ndarray, refining: bool, restart: int) -> _Runs:
    """Which blocks begin a run of ended blocks where runs are as long as they can be, and which are ended; bool
    [blocks]. A block is ended if something stands behind its last new coefficient, be it zeros."""
    new = np.abs(band) == 1 if refining else band != 0
    ended = ~new[:, -1]
    begins = ended & (new.any(1) | ~np.concatenate([[False], ended[:-1]]))
    step = restart or len(band)
    begins[::step] = ended[::step]
    return begins, ended


def libjpeg_runs(runs: _Runs, waiting: np.ndarray) -> np.ndarray:
    """Where libjpeg begins runs; `waiting`: correction bits behind the last symbol of each block, int64 [blocks]."""
    begins, ended = runs[0].copy(), runs[1]
    starts = np.flatnonzero(begins)
    lengths = run_lengths(runs)
    sums = np.concatenate([[0], np.cumsum(np.where(ended, waiting, 0))])
    for one in np.flatnonzero((lengths > _LONGEST) | (sums[starts + lengths] - sums[starts] > _WAITING)).tolist():
        at, end = int(starts[one]), int(starts[one] + lengths[one])
        while True:
            full = int(np.searchsorted(sums, sums[at] + _WAITING, "right"))  # the first sum that is too much
            at = min(full, at + _LONGEST)
            if at >= end:
                break
            begins[at] = True
    return begins


def run_lengths(runs: _Runs) -> np.ndarray:
    """Blocks of each run."""
    begins, ended = runs
    return np.bincount((np.cumsum(begins) - 1)[ended], minlength=int(begins.sum()))


def write_ac(
    packer: Packer, band: np.ndarray, refining: bool, code: Code, restart: int, breaks: np.ndarray | None
) -> None:
    """Pack a scan of `levels`. `breaks`: which blocks begin a run besides those that must; None: as libjpeg does."""
    begins, ended = runs = natural_runs(band, refining, restart)
    if breaks is not None:
        begins = begins.copy()
        begins[breaks] = ended[breaks]
    elif len(band):
        begins = libjpeg_runs(runs, _waiting(band) if refining else np.zeros(len(band), np.int64))
    lengths = np.zeros(len(band), np.int64)
    lengths[begins] = run_lengths((begins, ended))
    if lengths.max(initial=0) > _LONGEST:
        raise MediaError("its runs of blocks are longer than a JPEG can say")
    codes, sizes = writing(code)
    codes, sizes = np.append(codes, np.array([1, 0], np.uint64)), np.append(sizes, [1, 1])  # and correction bits
    for first in range(0, len(band), _CHUNK):
        part = slice(first, first + _CHUNK)
        symbols, extra, further, starts = _items(band[part], refining, lengths[part])
        block = np.arange(first, first + len(starts))
        fresh = starts[(block % restart == 0) & (block > 0)] if restart else np.zeros(0, np.int64)
        pack(packer, codes[symbols], sizes[symbols], extra, further, fresh)


def _waiting(band: np.ndarray) -> np.ndarray:
    """Correction bits behind the last symbol of each block."""
    size = np.abs(band)
    behind = np.cumsum((size == 1)[:, ::-1], 1)[:, ::-1] == 0
    return ((size > 1) & behind).sum(1)


def _items(
    band: np.ndarray, refining: bool, lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What a scan says of blocks, in order: symbols (-1 and -2: a
    correction bit of 0 and 1), further bits, how many these are, and the
    item with which each block begins. `lengths`: of the run that begins with a block, or 0.

    An old coefficient's correction bit follows the next symbol behind it: one of 16 zeros, a new coefficient, or the
    end of the block's run.
    """
    count = len(band)
    block, k = np.nonzero(band)
    level = band[block, k].astype(np.int64)
    place = np.arange(len(block))
    firsts = np.searchsorted(block, np.arange(count + 1))
    new = np.abs(level) == 1 if refining else np.ones(len(block), bool)
    zeros = k - (place - firsts[block])  # before it in its block
    # The new one before it in its block, and behind which new one no other comes.
    before = np.concatenate([[-1], np.maximum.accumulate(np.where(new, place, -1))])[:-1][: len(block)]
    within = before >= firsts[block]
    since = zeros - np.where(within, zeros[before] if len(block) else 0, 0)
    last = np.full(count, -1)
    last[block[new]] = place[new]
    early = place <= last[block]
    upto = since >> 4
    follows = np.zeros(len(block), bool)
    follows[1:] = (block[1:] == block[:-1]) & ~new[:-1]
    full = np.where(early, upto - np.where(follows, np.roll(upto, 1), 0), 0)  # symbols of 16 zeros before it
    each = full + new
    olds = _before(~new, firsts, block)
    symbols_before = _before(each, firsts, block)
    total = np.diff(np.concatenate([[0], np.cumsum(each)])[firsts])
    old_total = np.diff(np.concatenate([[0], np.cumsum(~new)])[firsts])
    runs = lengths > 0
    size = total + runs + old_total
    begins = np.cumsum(size) - size
    items = int(size.sum())
    symbols, extra, sizes = np.full(items, ZRL, np.int64), np.zeros(items, np.int64), np.zeros(items, np.int64)

    said = np.flatnonzero(each)  # coefficients with symbols
    earlier = np.concatenate([[-1], said[:-1]])[: len(said)]
    told = np.where((earlier >= firsts[block[said]]), olds[earlier] if len(block) else 0, 0)
    start = begins[block[said]] + symbols_before[said]
    bring = new[said]
    at = np.where(each[said] > 1, start + olds[said] + each[said] - 1, start + told)[bring]
    value = level[said][bring]
    sizes[at] = magnitudes(value)
    symbols[at] = (since[said][bring] & 15) << 4 | sizes[at]
    extra[at] = unsigned(value, sizes[at])

    ends = begins + total + np.diff(np.concatenate([[0], np.cumsum(~new & early)])[firsts])
    bits = np.zeros(count, np.int64)
    bits[runs] = magnitudes(lengths[runs]) - 1
    symbols[ends[runs]] = bits[runs] << 4
    sizes[ends[runs]] = bits[runs]
    extra[ends[runs]] = lengths[runs] - (1 << bits[runs])

    old = np.flatnonzero(~new)
    if len(old):
        following = np.searchsorted(said, old, "right")
        group = said[np.minimum(following, len(said) - 1)] if len(said) else old
        soon = symbols_before[group] + 1
        late = (total + runs)[block[old]]
        at = begins[block[old]] + olds[old] + np.where(early[old], soon, late)
        symbols[at] = -1 - (np.abs(level[old]) & 1)
    return symbols, extra, sizes, begins


def _before(values: np.ndarray, firsts: np.ndarray, block: np.ndarray) -> np.ndarray:
    """The sum of the values before each in its block."""
    sums = np.concatenate([[0], np.cumsum(values)])
    return sums[:-1] - sums[firsts[block]]
