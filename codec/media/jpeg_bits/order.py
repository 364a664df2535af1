"""Blocks in the order of a scan, and DC values as differences."""

from __future__ import annotations

import numpy as np

from codec.errors import MediaError
from codec.media.jpeg_bits.markers import Frame

DC_LIMIT = 1 << 15


def per_mcu(frame: Frame, parts: tuple[int, ...]) -> list[int]:
    """How many blocks an MCU of a scan has of each of its components."""
    if len(parts) == 1:
        return [1]
    return [frame.parts[part].h * frame.parts[part].v for part in parts]


def mcus(frame: Frame, parts: tuple[int, ...]) -> int:
    """MCUs of a scan."""
    rows, columns = frame.own_blocks(parts[0]) if len(parts) == 1 else frame.mcus
    return rows * columns


def gathered(frame: Frame, parts: tuple[int, ...], blocks: list[np.ndarray]) -> np.ndarray:
    """A scan's blocks in its order, [blocks, ...], of all components' blocks [rows, columns, ...]."""
    if len(parts) == 1:
        rows, columns = frame.own_blocks(parts[0])
        own = blocks[parts[0]][:rows, :columns]
        return own.reshape(rows * columns, *own.shape[2:])
    views = [_by_mcu(frame, part, blocks[part]) for part in parts]
    flat = [view.reshape(view.shape[0] * view.shape[1], -1, *view.shape[4:]) for view in views]
    joined = np.concatenate(flat, 1)
    return joined.reshape(-1, *joined.shape[2:])


def scatter(frame: Frame, parts: tuple[int, ...], scan: np.ndarray, blocks: list[np.ndarray]) -> None:
    """The inverse of `gathered`: put a scan's blocks where they belong."""
    if len(parts) == 1:
        rows, columns = frame.own_blocks(parts[0])
        blocks[parts[0]][:rows, :columns] = scan.reshape(rows, columns, *scan.shape[1:])
        return
    sizes = per_mcu(frame, parts)
    whole, first = scan.reshape(-1, sum(sizes), *scan.shape[1:]), 0
    for part, size in zip(parts, sizes, strict=True):
        view = _by_mcu(frame, part, blocks[part])
        view[...] = whole[:, first : first + size].reshape(view.shape)
        first += size


def _by_mcu(frame: Frame, part: int, blocks: np.ndarray) -> np.ndarray:
    """[MCU rows, MCU columns, v, h, ...], a view."""
    one, (rows, columns) = frame.parts[part], frame.mcus
    return blocks.reshape(rows, one.v, columns, one.h, *blocks.shape[2:]).swapaxes(1, 2)


def differences(values: np.ndarray, sizes: list[int], restart: int) -> np.ndarray:
    """DC values of a scan's blocks in order as differences to the block of their component before, int64."""
    whole, first = values.reshape(-1, sum(sizes)).astype(np.int64), 0
    out = np.empty_like(whole)
    for size in sizes:
        own = whole[:, first : first + size].ravel()
        before = np.concatenate([[0], own[:-1]])
        before[:: restart * size or len(own)] = 0
        out[:, first : first + size] = (own - before).reshape(-1, size)
        first += size
    if np.abs(out).max(initial=0) >= DC_LIMIT:
        raise MediaError("its DC values differ by more than a JPEG can say")
    return out.ravel()


def values(differences: np.ndarray, sizes: list[int], restart: int, low: int = 0) -> tuple[np.ndarray, int]:
    """The inverse of `differences`, with `low` further bits that are 0; and how many blocks, of whole MCUs, come before
    a value that no JPEG has. It and those behind it are 0."""
    whole, first = differences.reshape(-1, sum(sizes)).astype(np.int64), 0
    out = np.empty_like(whole)
    for size in sizes:
        own = whole[:, first : first + size].ravel()
        sums = np.cumsum(own)
        step = restart * size or len(own)
        starts = np.arange(0, len(own), step)
        before = np.repeat((sums - own)[starts], step)[: len(own)]
        out[:, first : first + size] = (sums - before).reshape(-1, size)
        first += size
    wrong = (np.abs(out) >= DC_LIMIT >> low).any(1)
    if wrong.any():
        good = int(np.argmax(wrong))
        out[good:] = 0
        return out.ravel() << low, good * sum(sizes)
    return out.ravel() << low, out.size
