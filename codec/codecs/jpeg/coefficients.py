"""The coefficients of a JPEG as bytes and back: one pass for both directions.

Component by component: where each block ends, then alternating currents frequency by frequency, of each only in blocks
that reach it, then DC, which its block's other coefficients and the neighbours' borders tell best. All blocks of a
frequency and phase are one batch of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from codec.codecs.jpeg.mixture import code_ends, code_values
from codec.codecs.jpeg.network import Network, end_told, predicted, told
from codec.codecs.jpeg.planes import Float32, Int, Planes, aligned, gather, wide_ends
from codec.entropy import Coder, Decoder, Encoder
from codec.entropy.integers import damaged
from codec.errors import CodecError
from codec.models.jpeg.shape import EIGHT, KINDS, ORDER
from codec.models.jpeg.shape import LARGEST as SEEN

CHUNK = 4096  # blocks of a batch: what a processor's cache holds
LARGEST = 32767
_WHAT = "JPEG's data"


class Geometry(NamedTuple):
    """What is known of a component beside its coefficients: blocks, sampling factors, steps [64] in zigzag order."""

    rows: int
    columns: int
    h: int
    v: int
    table: NDArray[np.integer]


class Component(Protocol):
    """A component to encode: sampling factors, steps, and coefficients [rows, columns, 64], both in zigzag order."""

    h: int
    v: int
    table: NDArray[np.integer]
    blocks: NDArray[np.int16]


Tell = Callable[[float], None]  # told which share of the work is done, 0 to 1


def nobody(share: float) -> None:
    """For whom nobody waits."""


def encode(networks: Mapping[str, Network], components: Sequence[Component], tell: Tell = nobody) -> bytes:
    """Bytes of all coefficients; CodecError for those beyond LARGEST."""
    shapes = [Geometry(c.blocks.shape[0], c.blocks.shape[1], c.h, c.v, c.table) for c in components]
    blocks = [c.blocks for c in components]
    if any(max(int(b.max()), -int(b.min())) > LARGEST for b in blocks if b.size):
        raise CodecError(f"coefficients beyond {LARGEST} are none of a photo's; keep this JPEG as it is")
    coder = Encoder()
    _code(coder, networks, shapes, blocks, tell)
    return coder.finish()


def decode(
    networks: Mapping[str, Network], data: bytes, geometry: Sequence[Geometry], tell: Tell = nobody
) -> list[NDArray[np.int16]]:
    """The blocks [rows, columns, 64] that `encode` got. FormatError if no encoder gives these bytes."""
    coder = Decoder(data)
    blocks = _code(coder, networks, geometry, None, tell)
    coder.finish()
    return blocks


def _code(
    coder: Coder,
    networks: Mapping[str, Network],
    shapes: Sequence[Geometry],
    blocks: Sequence[NDArray[np.int16]] | None,
    tell: Tell,
) -> list[NDArray[np.int16]]:
    known: list[_Component] = []
    result = []
    sizes = np.array([shape.rows * shape.columns for shape in shapes])
    shares = np.append(0, sizes.cumsum()) / max(sizes.sum(), 1)
    for i, shape in enumerate(shapes):
        component = _Component(networks, i, shape, known)
        low, high = float(shares[i]), float(shares[i + 1])
        told_of = partial(_within, tell, low, high)
        result.append(component.code(coder, None if blocks is None else blocks[i], told_of))
        known.append(component)
    return result


def _within(tell: Tell, low: float, high: float, share: float) -> None:
    """Tell of a part of the work that goes from one share to another."""
    tell(low + (high - low) * share)


def _kind(i: int, shape: Geometry, known: Sequence[_Component]) -> str:
    """The kind of component i: chroma that lies over luma evenly is told by it, the second one by the first, too."""
    if i not in (1, 2):
        return KINDS[0]
    luma = known[0].shape
    if any(over % own or over // own > 2 for over, own in ((luma.v, shape.v), (luma.h, shape.h))):
        return KINDS[0]
    first = known[-1]
    same = first.kind == KINDS[1] and first.shape[:4] == shape[:4]
    return KINDS[2] if i == 2 and same else KINDS[1]


class _Component:
    """One component on its way, and what later ones see of it."""

    def __init__(self, networks: Mapping[str, Network], i: int, shape: Geometry, known: Sequence[_Component]) -> None:
        self.shape = shape
        self.kind = _kind(i, shape, known)
        self.network = networks[self.kind]
        self.planes = Planes(shape.rows, shape.columns, np.maximum(np.asarray(shape.table, np.int64), 1))
        self.ends = np.zeros(self.planes.size, np.int64)
        self.sources = [self.planes]
        self.told_ends: list[Int] = []  # twice those of other components, of the block and around
        if self.kind == KINDS[1]:
            self._see_luma(known[0])
        elif self.kind == KINDS[2]:
            first, p = known[1], self.planes
            self.sources += [first.sources[1], first.planes]
            self.told_ends = first.told_ends + [2 * np.roll(first.ends, -o) for o in (0, 1, p.stride, -1, -p.stride)]
        # Of each other component: sums of its coefficients times ours, and of its squares, over what is coded.
        self.sums = [np.zeros((2, self.planes.size)) for _ in self.sources[1:]]

    def _see_luma(self, luma: _Component) -> None:
        """Luma at this component's blocks; of its ends there the largest, the mean, and the largest ones beyond."""
        p, tall, wide = self.planes, luma.shape.v // self.shape.v, luma.shape.h // self.shape.h
        self.sources.append(aligned(luma.planes, p.rows, p.columns, tall, wide))
        ends = np.zeros((p.rows * tall, p.columns * wide), np.int64)
        r, c = min(len(ends), luma.planes.rows), min(ends.shape[1], luma.planes.columns)
        ends[:r, :c] = luma.ends[luma.planes.blocks[:r, :c]]
        ends = ends.reshape(p.rows, tall, p.columns, wide)
        most, mean = p.padded(ends.max((1, 3))), p.padded(ends.sum((1, 3)) // (tall * wide))
        self.told_ends = [2 * most, 2 * mean, np.roll(most, -1) + np.roll(most, -p.stride)]

    def code(self, coder: Coder, blocks: NDArray[np.int16] | None, tell: Tell) -> NDArray[np.int16]:
        p = self.planes
        flat = None if blocks is None else np.zeros((64, p.size), np.int16)
        if blocks is not None and flat is not None:
            flat[:, p.blocks] = blocks.transpose(2, 0, 1)
        diagonals = p.diagonals()
        self._code_ends(coder, blocks, diagonals)
        self.wide = wide_ends(self.ends, p)
        result = np.zeros((64, p.size), np.int16)
        phases = p.phases()
        reach = np.bincount(self.ends[p.blocks].ravel(), minlength=64)[::-1].cumsum()[::-1]  # blocks that reach each
        done = reach[1:].cumsum() / (reach[1:].sum() + p.blocks.size)
        for k in ORDER:
            if not k:
                self._code_dc(coder, None if flat is None else flat[0], diagonals, result[0])
                continue
            for phase, at in enumerate(phases):
                at = at[self.ends[at] >= k]
                phases[phase] = at
                for start in range(0, len(at), CHUNK):
                    part = at[start : start + CHUNK]
                    result[k, part] = self._code_batch(coder, k, phase, part, None if flat is None else flat[k])
                p.set(k, at, result[k, at].astype(np.int64))  # not before: blocks of a phase don't see each other
            self._learn(k)
            tell(float(done[k - 1]))
        tell(1.0)
        return np.ascontiguousarray(result[:, p.blocks].transpose(1, 2, 0))

    def _code_ends(self, coder: Coder, blocks: NDArray[np.int16] | None, diagonals: Sequence[Int]) -> None:
        p, ends, up = self.planes, self.ends, self.planes.stride
        mine = None
        if blocks is not None:
            there = blocks[:, :, :0:-1] != 0
            mine = p.padded(np.where(there.any(2), 63 - there.argmax(2), 0))
        for at in diagonals:
            around = [2 * ends[at - o] for o in (1, up, up + 1, up - 1, 2, 2 * up)]
            around += [other[at] for other in self.told_ends]
            logits = self.network.end_logits(end_told(np.stack(around), p.steps))
            ends[at] = code_ends(coder, None if mine is None else mine[at], logits)

    def _code_batch(self, coder: Coder, k: int, phase: int, at: Int, known: NDArray[np.int16] | None) -> Int:
        x = gather(self.kind, k, self.sources, at)
        ends = self.ends[at]
        values = None if known is None else known[at].astype(np.int64)
        last = ends == k
        values = self._code_values(coder, k, phase, at, x, values, last)
        if (last & (values == 0)).any() or np.abs(values).max() > LARGEST:
            raise damaged(_WHAT)
        return values

    def _code_values(
        self, coder: Coder, k: int, phase: int, at: Int, x: Float32, values: Int | None, last: NDArray[np.bool_] | None
    ) -> Int:
        p = self.planes
        others = np.zeros((len(self.sums), len(at)), np.float32)
        step = int(p.steps[k])
        if k:
            for out, sums, source in zip(others, self.sums, self.sources[1:], strict=True):
                near = np.sum([sums[:, at + o] for o in (0, 1, -1, p.stride, -p.stride)], axis=0)
                out[:] = predicted(near[0], near[1], source.values[k, at], step)
        around = self.ends[np.stack([at + p.offset(*o) for o in EIGHT])]
        seen = told(k, self.ends[at], around, (step, int(p.steps[0]), int(p.steps[5])), self.wide[:, at])
        return code_values(coder, values, *self.network.parameters(k, phase, x, others, step, seen), last)

    def _learn(self, k: int) -> None:
        own = self.planes.values[k].astype(np.float64)
        for sums, source in zip(self.sums, self.sources[1:], strict=True):
            other = source.values[k].astype(np.float64)
            sums[0] += own * other
            sums[1] += other * other

    def _code_dc(
        self, coder: Coder, known: NDArray[np.int16] | None, diagonals: Sequence[Int], result: NDArray[np.int16]
    ) -> None:
        """DC as the difference to the mean of the left and the upper neighbour's, diagonal by diagonal."""
        p = self.planes
        values, there = np.zeros(p.size, np.int64), np.zeros(p.size, bool)
        offsets = np.array([p.offset(*o) for o in EIGHT])[:, None]
        for at in diagonals:
            left, upper = at - 1, at - p.stride
            count = np.maximum(there[left].astype(np.int64) + there[upper], 1)
            base = (values[left] + values[upper]) // count
            x = gather(self.kind, 0, self.sources, at)
            around = at + offsets
            x[: len(EIGHT)] = np.clip((values[around] - base) * p.steps[0] * there[around], -SEEN, SEEN)
            differences = None if known is None else known[at].astype(np.int64) - base
            found = base + self._code_values(coder, 0, 0, at, x, differences, None)
            if np.abs(found).max() > LARGEST:
                raise damaged(_WHAT)
            values[at], there[at] = found, True
            result[at] = found
        at = p.blocks.ravel()
        p.set(0, at, values[at])
