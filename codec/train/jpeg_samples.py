"""Coefficients of many pictures in memory, and batches of what the network of one kind of component sees of them.

What the codec knows by having coded it (codec/codecs/jpeg) is here cut out of what is there: masks stand for the
phases, sums over all frequencies before for what a pass has learned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.codecs.jpeg.network import END_STEPS, REGULAR
from codec.codecs.jpeg.planes import MARGIN, Planes, aligned, wide_ends
from codec.models.jpeg.coefficient_net import told_of
from codec.models.jpeg.shape import EIGHT, KINDS, LARGEST, ORDER, taps
from codec.train.jpeg_photos import Coefficients

_PART = 1 << 16


class Batch(NamedTuple):
    """G groups of N coefficients, each of one frequency: see CoefficientNet."""

    value: Tensor
    last: Tensor
    taps: Tensor
    others: Tensor
    step: Tensor
    told: Tensor
    phase: Tensor


def ends_of(blocks: NDArray[np.int16]) -> NDArray[np.uint8]:
    """The last frequency that is not 0 of each block, 0 where there is none."""
    there = blocks[..., :0:-1] != 0
    return np.where(there.any(-1), 63 - there.argmax(-1), 0).astype(np.uint8)


def _scaled(c: Coefficients) -> NDArray[np.int16]:
    return np.clip(c.blocks.astype(np.int64) * c.table, -LARGEST, LARGEST).astype(np.int16)


class Samples:
    """Components of one kind: blocks with a margin, one after the other, picture by picture."""

    def __init__(self, kind: str, pictures: Iterable[Sequence[Coefficients]]) -> None:
        self.kind = kind
        tables: list[NDArray[np.int64]] = []
        parts: dict[str, list[NDArray[np.generic]]] = {}
        for number, picture in enumerate(pictures):
            found = self._parts(picture)
            found["table"] = np.full(len(found["own"]), number, np.int16)
            for name, values in found.items():
                parts.setdefault(name, []).append(values)
            tables.append(picture[KINDS.index(kind)].table)
        self.of = {name: torch.from_numpy(np.concatenate(values)) for name, values in parts.items()}
        self.tables = torch.from_numpy(np.stack(tables).astype(np.float32))
        real = torch.nonzero(self.of["real"])[:, 0]
        ends = self.of["end"][real]
        self.order = real[torch.argsort(ends, descending=True, stable=True)]
        # Of each frequency, how many blocks reach it: the first ones in that order.
        self.count = torch.bincount(ends.long(), minlength=64).flip(0).cumsum(0).flip(0)
        self._prepare()

    @property
    def blocks(self) -> int:
        return len(self.order)

    def _parts(self, picture: Sequence[Coefficients]) -> dict[str, NDArray[np.generic]]:
        """What is kept of a picture, [blocks with margin, ...]."""
        index = KINDS.index(self.kind)
        own = picture[index]
        rows, columns = own.blocks.shape[:2]

        def margin(a: NDArray[np.generic]) -> NDArray[np.generic]:
            sides = ((MARGIN, MARGIN), (MARGIN, MARGIN), *[(0, 0)] * (a.ndim - 2))
            return np.pad(a, sides).reshape(-1, *a.shape[2:])

        r, c = np.indices((rows, columns))
        result = {
            "own": margin(_scaled(own)),
            "end": margin(ends_of(own.blocks)),
            "phase": margin(np.where((r ^ c) & 1, 2, r & 1).astype(np.uint8)),
            "real": margin(np.ones((rows, columns), bool)),
        }
        planes = Planes(rows, columns, own.table)
        result["wide"] = np.ascontiguousarray(wide_ends(result["end"].astype(np.int64), planes).T, np.uint8)
        result["stride"] = np.full(len(result["own"]), columns + 2 * MARGIN, np.int32)
        if index:
            luma = picture[0]
            tall, wide = luma.v // own.v, luma.h // own.h
            planes = Planes(luma.blocks.shape[0], luma.blocks.shape[1], luma.table)
            for k in range(64):
                planes.set(k, planes.blocks, luma.blocks[:, :, k].astype(np.int64))
            seen = aligned(planes, rows, columns, tall, wide)
            result["luma"] = np.ascontiguousarray(seen.values.T, np.int16)
            ends = np.zeros((rows * tall, columns * wide), np.int64)
            there = ends_of(luma.blocks)[: rows * tall, : columns * wide]
            ends[: len(there), : there.shape[1]] = there
            ends = ends.reshape(rows, tall, columns, wide)
            both = np.stack([ends.max((1, 3)), ends.sum((1, 3)) // (tall * wide)], 2)
            result["luma_ends"] = margin(both.astype(np.uint8))
        if index == 2:
            result["first"] = margin(_scaled(picture[1]))
            result["first_ends"] = margin(ends_of(picture[1].blocks))
        return result

    def _prepare(self) -> None:
        found = [taps(self.kind, k) for k in range(64)]
        self._source = [t[0] for t in found[0]]
        assert all([t[0] for t in each] == self._source for each in found)
        self._rows, self._columns, self._frequency = (
            torch.tensor([[t[i] for t in each] for each in found]) for i in (1, 2, 3)
        )
        self._own = self._source.count(0)
        self._read = torch.tensor(
            [[float(t != (0, 0, 0, k)) for t in each[: self._own]] for k, each in enumerate(found)]
        )
        # The same frequency of the eight neighbours: by phase; of DC what comes before along diagonals.
        direct = torch.arange(8) < 4
        before = torch.tensor([dr < 0 or (dr == 0 and dc < 0) for dr, dc in EIGHT])
        no = torch.zeros(8, dtype=torch.bool)
        self._known = torch.stack([torch.stack([no, ~direct, direct]), torch.stack([before, no, no])]).float()
        order = torch.tensor(ORDER)
        self._sums: list[tuple[Tensor, Tensor]] = []
        for name in ("luma", "first")[: KINDS.index(self.kind)]:
            products, squares = torch.empty(len(self.of["own"]), 64), torch.empty(len(self.of["own"]), 64)
            for start in range(0, len(products), _PART):
                part = slice(start, start + _PART)
                own, other = (self.of[n][part].float()[:, order] for n in ("own", name))
                for out, value in ((products, own * other), (squares, other * other)):
                    out[part, order] = value.cumsum(1) - value
            self._sums.append((products.view(-1), squares.view(-1)))

    def batch(self, k: Tensor, at: Tensor) -> Batch:
        """Of frequencies `k` [G], all different, the blocks `at` [G, N]."""
        own, ends = self.of["own"].view(-1), self.of["end"]
        at = at.sort(1)[0]  # memory is read in order
        stride, table = self.of["stride"][at].long(), self.of["table"][at].long()
        places = (64 * at)[..., None] + stride[..., None] * (64 * self._rows[k])[:, None]
        places += (64 * self._columns[k] + self._frequency[k])[:, None]
        dc = k == 0
        phase = self.of["phase"][at].long() * ~dc[:, None]
        step = self.tables[table, k[:, None]]
        first, sixth = self.tables[table, 0], self.tables[table, 5]
        value = torch.round(own[64 * at + k[:, None]] / step)
        x = torch.take(own, places[..., : self._own]).float()
        x *= self._read[k][:, None]
        x[..., :8] *= self._known[dc.long()[:, None], phase]
        for g in dc.nonzero()[:, 0].tolist():
            base = self._base(at[g], stride[g], first[g])
            value[g] -= base
            x[g, :, :8] -= (base * first[g])[:, None] * self.of["real"][places[g, :, :8] // 64] * self._known[1, 0]
        seen, others = [x], []
        begin = self._own
        for (products, squares), name, source in zip(self._sums, ("luma", "first"), (1, 2), strict=False):
            end = begin + self._source.count(source)
            seen.append(torch.take(self.of[name].view(-1), places[..., begin:end]).float())
            moved = torch.stack([64 * (at + o) + k[:, None] for o in (0, 1, -1, stride, -stride)])
            product, square = torch.take(products, moved).sum(0), torch.take(squares, moved).sum(0)
            prediction = product * seen[-1][..., 0] / (square + REGULAR * step * step) / step
            others.append(torch.where(dc[:, None], 0.0, prediction.clamp(-1000, 1000)))
            begin = end
        own_end = ends[at].float()
        around = torch.stack([ends[at + dr * stride + dcol].float() for dr, dcol in EIGHT], -1)
        told = told_of(
            k[:, None].expand(at.shape),
            own_end,
            around,
            torch.stack([step, first, sixth], -1),
            self.of["wide"][at].float(),
        )
        last = (own_end == k[:, None]) & ~dc[:, None]
        other = torch.stack(others, -1) if others else x.new_zeros(*at.shape, 0)
        return Batch(value, last, torch.cat(seen, -1), other, step, told, phase)

    def _base(self, at: Tensor, stride: Tensor, step: Tensor) -> Tensor:
        """What DC is coded as the difference to: the mean of the left and the upper block's."""
        own, real = self.of["own"].view(-1), self.of["real"]
        left, upper = (torch.round(own[64 * i] / step) for i in (at - 1, at - stride))
        both = real[at - 1] & real[at - stride]
        return torch.where(both, torch.floor((left + upper) / 2), left + upper)

    def ends(self, at: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs [N, end_inputs] and ends [N] of the blocks `at` [N]."""
        stride, ends = self.of["stride"][at].long(), self.of["end"]
        found = [ends[at - o].float() for o in (1, stride, stride + 1, stride - 1, 2, 2 * stride)]
        if "luma_ends" in self.of:
            most, mean = self.of["luma_ends"][:, 0], self.of["luma_ends"][:, 1]
            found += [most[at].float(), mean[at].float(), (most[at + 1].float() + most[at + stride].float()) / 2]
        if "first_ends" in self.of:
            found += [self.of["first_ends"][at + o].float() for o in (0, 1, stride, -1, -stride)]
        x = torch.stack(found, -1)
        steps = torch.log2(self.tables[self.of["table"][at].long()][:, list(END_STEPS)]) / 2
        return torch.cat([x / 16, torch.log2(1 + x) / 2, steps], -1), ends[at].long()
