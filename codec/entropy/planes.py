"""Lossless coding of a plane such as alpha, by contexts alone.

A plane is walked from coarse to fine: each step halves the spacing of the known pixels, between two near neighbours
and four far ones. Their values choose a context; its residuals are coded with a table made of their own counts, which
stand in front. All integers, all pixels of a step at once.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from codec.entropy import Coder, Tables
from codec.entropy.integers import code_counts, damaged

Plane = NDArray[np.uint8]
Residuals = Callable[[tuple[slice, slice], NDArray[np.uint8], NDArray[np.int32]], NDArray[np.int32]]

_WHAT = "transparency"
_PRECISION = 20  # a mask is nearly certain, pixel after pixel
_CLASSES = 10  # 0..2 all six neighbours equal: 0, 255, other; 3..5 the near two equal; 6..9 by their difference
_CONTEXTS = 3 * _CLASSES  # spacing 1, 2, more


def code_alpha(
    coder: Coder, alpha: NDArray[np.integer] | None, shape: tuple[int, int], depth: int
) -> NDArray[np.int32]:
    """One tile's alpha, [h, w] of `depth` bits (to 16), exactly; the same pass in both directions.

    `alpha` is None when decoding. Raises FormatError when decoded values make no sense.
    """
    planes = [None, None] if alpha is None else [(alpha >> 8).astype(np.uint8), (alpha & 255).astype(np.uint8)]
    low = _code_plane(coder, planes[1], shape).astype(np.int32)
    if depth == 8:
        return low
    out = low | _code_plane(coder, planes[0], shape).astype(np.int32) << 8
    if out.max() >= 1 << depth:
        raise damaged(_WHAT)
    return out


def _code_plane(coder: Coder, plane: Plane | None, shape: tuple[int, int]) -> Plane:
    counts = None if plane is None else _histograms(plane)
    tables = _code_tables(coder, counts)

    def residuals(where: tuple[slice, slice], context: Plane, near: NDArray[np.int32]) -> NDArray[np.int32]:
        return coder.code(None if plane is None else plane[where] - near, context, tables)

    return _walk(shape, residuals)


def _histograms(plane: Plane) -> NDArray[np.int64]:
    """Counts [contexts, 511] of the residuals -255..255."""
    counts = np.zeros(_CONTEXTS * 511, np.int64)

    def residuals(where: tuple[slice, slice], context: Plane, near: NDArray[np.int32]) -> NDArray[np.int32]:
        found = plane[where] - near
        counts[:] += np.bincount((context.astype(np.int64) * 511 + found + 255).ravel(), minlength=len(counts))
        return found

    _walk((plane.shape[0], plane.shape[1]), residuals)
    return counts.reshape(_CONTEXTS, 511)


def _walk(shape: tuple[int, int], residuals: Residuals) -> Plane:
    """Fill a plane from coarse to fine: each pixel is its prediction plus what `residuals` says."""
    out = np.zeros(shape, np.int32)
    spacing = 1 << max(max(shape) - 1, 0).bit_length()
    _step(out, slice(0, 1), slice(0, 1), np.zeros((6, 1, 1), np.int32), spacing, residuals)
    while spacing > 1:
        spacing //= 2
        s, s2 = spacing, 2 * spacing
        if (rows := out[s::s2, ::s2]).size:
            above = out[::s2, ::s2]
            below = np.concatenate([above[1:], above[-1:]])[: len(rows)]
            _step(out, slice(s, None, s2), slice(0, None, s2), _six(above[: len(rows)], below), s, residuals)
        if (columns := out[::s, s::s2]).size:
            left = out[::s, ::s2].T
            right = np.concatenate([left[1:], left[-1:]])[: columns.shape[1]]
            six = _six(left[: columns.shape[1]], right).transpose(0, 2, 1)
            _step(out, slice(0, None, s), slice(s, None, s2), six, s, residuals)
    return out.astype(np.uint8)


def _six(before: NDArray[np.int32], after: NDArray[np.int32]) -> NDArray[np.int32]:
    """The near neighbours, and theirs to both sides along the last axis (at the ends they themselves)."""
    lines = [before, after]
    for line in (before, after):
        lines += [np.concatenate([line[:, :1], line[:, :-1]], 1), np.concatenate([line[:, 1:], line[:, -1:]], 1)]
    return np.stack(lines)


def _step(
    out: NDArray[np.int32], rows: slice, columns: slice, six: NDArray[np.int32], spacing: int, residuals: Residuals
) -> None:
    a, b = six[0], six[1]
    difference = np.abs(a - b)
    by_value = np.where(a == 0, 0, np.where(a == 255, 1, 2)) + 3 * (six[2:] != a).any(0)
    by_difference = 6 + np.digitize(difference, (4, 16, 64))
    context = np.where(difference == 0, by_value, by_difference) + _CLASSES * min(spacing.bit_length() - 1, 2)
    near = (a + b + 1) >> 1
    values = near + residuals((rows, columns), context.astype(np.uint8), near)
    if values.min() < 0 or values.max() > 255:
        raise damaged(_WHAT)
    out[rows, columns] = values


def _code_tables(coder: Coder, counts: NDArray[np.int64] | None) -> Tables:
    """The counts of every context through the coder, as (how many residuals; steps between them; counts)."""
    used = None if counts is None else counts.nonzero()
    lengths = code_counts(coder, None if used is None else np.bincount(used[0], minlength=_CONTEXTS), _CONTEXTS, _WHAT)
    total = int(lengths.sum())
    if lengths.max() > 511:
        raise damaged(_WHAT)
    starts = np.cumsum(lengths) - lengths
    first = np.zeros(total, bool)
    first[starts[lengths > 0]] = True
    gaps = None if used is None else np.where(first, used[1], np.diff(used[1], prepend=0) - 1)
    gaps = code_counts(coder, gaps, total, _WHAT)
    found = code_counts(coder, None if counts is None else counts[used] - 1, total, _WHAT) + 1
    pmfs, offsets = [], []
    for start, length in zip(starts, lengths, strict=True):
        places = np.cumsum(gaps[start : start + length] + 1) - 1
        if length and places[-1] > 510:
            raise damaged(_WHAT)
        pmf = np.zeros(int(places[-1] - places[0] + 1) if length else 1, np.int64)
        pmf[places - places[0] if length else slice(0)] = found[start : start + length]
        pmfs.append(_normalised(pmf))
        offsets.append(int(places[0]) - 255 if length else 0)
    sizes = np.array([len(p) for p in pmfs])
    return Tables(np.concatenate(pmfs), sizes, np.array(offsets), _PRECISION)


def _normalised(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Integer pmf of the counts, every entry and the escape after them at least 1; integers alone, so exact."""
    room = (1 << _PRECISION) - len(counts) - 1
    pmf = 1 + counts * room // max(int(counts.sum()), 1)
    pmf[counts.argmax()] += (1 << _PRECISION) - 1 - pmf.sum()
    return np.append(pmf, 1)
