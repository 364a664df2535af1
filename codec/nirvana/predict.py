"""What a frame is predicted from: one coded frame, or one before and one after it, moved along coded flows.

`code_motion` is the coding pass of both directions; `predicted` is in whole numbers, the same on every machine. Which
motion to code is the encoder's choice (codec/nirvana/find.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from codec.entropy import Coder
from codec.nirvana.flow import Ints, code_flow
from codec.nirvana.motion import SPACINGS, grid, luma, warped
from codec.nirvana.sides import BOTH, code_sides, scaled, shares

GREY = 128  # the prediction of a key frame


@dataclass(frozen=True)
class References:
    """Coded frames (int32 [6, h, w]) that one may be predicted from.

    With `low` alone, `flow` is what its flow is expected to be, if anything (of `spacing`). With both, `flow` is that
    from `high` to `low`, and the frame lies at `part` of the `whole` way between them.
    """

    low: Tensor
    high: Tensor | None = None
    flow: Ints | None = None
    spacing: int = 0
    part: int = 1
    whole: int = 1

    def expected(self, spacing: int) -> Ints | None:
        """What a single flow of this spacing is expected to be."""
        return self.flow if self.spacing == spacing else None

    def direct(self) -> tuple[Ints, Ints]:
        """What the flows to both sides are, if all moves steadily."""
        assert self.flow is not None
        return scaled(self.flow, self.part, self.whole), scaled(self.flow, self.part - self.whole, self.whole)


class Motion(NamedTuple):
    """Flows [2, rows, columns] to each reference, of blocks of `spacing`; `sides` [rows, columns] with two of them."""

    spacing: int
    flows: tuple[Ints, ...]
    sides: Ints | None = None


class Predicted(NamedTuple):
    """`frame` and `doubt`, int32 [6, h, w]: 0 to 255, the second how far its two sides are apart."""

    frame: Tensor
    doubt: Tensor


def grey(shape: tuple[int, int], device: torch.device) -> Predicted:
    """Of a key frame of half size `shape`."""
    zero = torch.zeros(6, *shape, dtype=torch.int32, device=device)
    return Predicted(zero + GREY, zero)


def code_motion(coder: Coder, motion: Motion | None, references: References, shape: tuple[int, int]) -> Motion:
    """Codes how a frame of half size `shape` is predicted, or decodes it where `motion` is None."""
    if references.high is None:
        spacing = SPACINGS[
            code_symbol(coder, len(SPACINGS), None if motion is None else SPACINGS.index(motion.spacing))
        ]
        flow = None if motion is None else motion.flows[0]
        return Motion(spacing, (code_flow(coder, flow, _grid(shape, spacing), references.expected(spacing)),))
    spacing = references.spacing
    size = _grid(shape, spacing)
    direct = references.direct()
    flows: tuple[Ints | None, Ints | None] = (None, None)
    sides, kinds = None, None
    if motion is not None:
        assert motion.sides is not None
        flows, sides = (motion.flows[0], motion.flows[1]), motion.sides
        same = all(np.array_equal(a, b) for a, b in zip(motion.flows, direct, strict=True))
        kinds = 2 * (not same) + bool((sides != BOTH).any())
    # Whether flows are coded, or the ones at hand taken; whether sides are, or all blocks take both.
    kinds = code_symbol(coder, 4, kinds)
    found = direct
    if kinds & 2:
        low, high = (code_flow(coder, flow, size, d) for flow, d in zip(flows, direct, strict=True))
        found = low, high
    return Motion(spacing, found, code_sides(coder, sides, size) if kinds & 1 else np.full(size, BOTH, np.int32))


def predicted(motion: Motion, references: References) -> Predicted:
    """The prediction: exact."""
    sources = (references.low,) if references.high is None else (references.low, references.high)
    return combined([moved_exactly(s, f, motion.spacing) for s, f in zip(sources, motion.flows, strict=True)], motion)


def combined(moved: Sequence[Tensor], motion: Motion) -> Predicted:
    """The same, of the references as its flows have moved them."""
    if motion.sides is None:
        return Predicted(moved[0], torch.zeros_like(moved[0]))
    low, high = moved
    spacing = motion.spacing
    part = shares(torch.from_numpy(motion.sides).to(low), spacing // 2, low.shape[1], low.shape[2])
    return Predicted((low * part + high * (2 - part) + 1) >> 1, (low - high).abs())


def code_symbol(coder: Coder, count: int, value: int | None) -> int:
    """A small number below `count`, all values alike."""
    part = np.full(count, 256 // count)
    part[0] += 256 - part.sum()
    wanted = None if value is None else np.array([value])
    return int(coder.code_pmfs(wanted, part[None], 8)[0])


def _grid(shape: tuple[int, int], spacing: int) -> tuple[int, int]:
    return grid((2 * shape[0], 2 * shape[1]), spacing)


def moved_exactly(frame: Tensor, flow: Ints, spacing: int) -> Tensor:
    """A frame [6, h, w] (int32) moved along a flow."""
    vectors = torch.from_numpy(np.ascontiguousarray(flow)).to(frame.device, torch.int32)
    found = F.pixel_unshuffle(warped(luma(frame[None])[0], vectors, spacing, False)[None], 2)[0]
    return torch.cat([found, warped(frame[4:], vectors, spacing, True)])
