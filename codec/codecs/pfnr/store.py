"""What the sessions of a chain have written: the network's weights as integers, and which session each is of.

A session is added to a store and gives the next one; nothing that is there changes, so what a session's masks choose is
the same after any number of later ones. The masks of later sessions never come into it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray

from codec.codecs.pfnr import steps
from codec.codecs.pfnr.exact import ROW
from codec.codecs.pfnr.masks import Mask
from codec.errors import FormatError
from codec.models.pfnr import Grid, Shape

Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Session:
    """What a session adds: its number, from 1; for each tensor the runs it uses [runs], and for those of them that were
    free its step and its values in units of the step [new runs, run]; the head [3, C] with a step of its own."""

    grid: Grid
    number: int
    masks: Mapping[str, Mask]
    steps: Mapping[str, int]
    values: Mapping[str, Ints]
    head: Ints
    head_step: int


@dataclass(frozen=True)
class Network:
    """What a session computes with: its number, which its frames' codes say, from 1; weights of each tensor's shape and
    the head, in units of 2^-20; 0 is left out."""

    grid: Grid
    number: int
    weights: Mapping[str, Ints]
    head: Ints

    @property
    def checksum(self) -> int:
        """CRC-32 of number, weights and head, as little-endian int32."""
        crc = zlib.crc32(np.array([self.number], "<i4").tobytes())
        for tensor in (*self.weights.values(), self.head):
            crc = zlib.crc32(tensor.astype("<i4").tobytes(), crc)
        return crc


@dataclass(frozen=True)
class Store:
    """The weights after `count` sessions: `values` in units of 2^-20, [runs, run] of each tensor that there is;
    `writers`, the number of the session, from 1, that wrote a run (0: it is free); the masks and head of the last."""

    shape: Shape
    count: int = 0
    values: Mapping[str, Ints] = field(default_factory=dict)
    writers: Mapping[str, Ints] = field(default_factory=dict)
    masks: Mapping[str, Mask] = field(default_factory=dict)
    head: Ints | None = None

    def runs(self, name: str, size: tuple[int, ...]) -> tuple[Ints, Ints, Mask]:
        """Values, writers and last mask of a tensor, zeros if no session had it."""
        if name in self.values:
            return self.values[name], self.writers[name], self.masks[name]
        run = self.shape.run(name, size)
        count = prod(size) // run
        return np.zeros((count, run), np.int32), np.zeros(count, np.int32), np.zeros(count, bool)

    def fresh(self, grid: Grid) -> int:
        """How many runs a network has in tensors that no session had."""
        sizes = self.shape.tensors(grid)
        return sum(prod(size) // self.shape.run(name, size) for name, size in sizes.items() if name not in self.values)

    def add(self, session: Session) -> tuple[Store, Network]:
        """The store after a session, and its network. FormatError for weights beyond what decodes exactly."""
        values, writers, masks = dict(self.values), dict(self.writers), dict(self.masks)
        weights = {}
        for name, size in self.shape.tensors(session.grid).items():
            before, written, _ = self.runs(name, size)
            mask = session.masks[name]
            new = mask & (written == 0)
            after = before.copy()
            after[new] = _scaled(name, session.values[name], session.steps[name])
            weights[name] = _bounded(name, np.where(mask[:, None], after, np.int32(0)).reshape(size))
            values[name], writers[name] = after, np.where(new, np.int32(self.count + 1), written)
            masks[name] = mask
        head = _bounded("head", _scaled("head", session.head, session.head_step))
        store = Store(self.shape, self.count + 1, values, writers, masks, head)
        return store, Network(session.grid, session.number, weights, head)

    def free(self, grid: Grid) -> dict[str, float]:
        """What part of each tensor of a network is free."""
        return {name: float((self.runs(name, size)[1] == 0).mean()) for name, size in self.shape.tensors(grid).items()}


def _scaled(name: str, values: Ints, step: int) -> Ints:
    """Values in units of a step as multiples of 2^-20."""
    if int(np.abs(values).max(initial=0)) * steps.multiple(step) >= ROW << steps.FRACTION:
        raise _beyond(name)
    return values * np.int32(steps.multiple(step))


def _bounded(name: str, weights: Ints) -> Ints:
    """Weights with which every sum is exact (exact.py); FormatError for others."""
    far = np.abs(weights)
    sums = far.sum((0, 2), np.int64) if far.ndim == 5 else far.reshape(len(far), -1).sum(1, np.int64)
    if sums.max() >= ROW << steps.FRACTION:
        raise _beyond(name)
    return weights


def _beyond(name: str) -> FormatError:
    return FormatError(f"the weights {name} are out of range; get a whole copy of the file")
