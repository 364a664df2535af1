"""The encoder's choice of a frame's motion: what a search finds, and what is at hand, by error and rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from codec.entropy import Encoder
from codec.models.nirvana_grid import distortion
from codec.nirvana.flow import LIMIT, Ints
from codec.nirvana.motion import SPACINGS, grid, luma
from codec.nirvana.predict import Motion, Predicted, References, code_motion, combined, moved_exactly
from codec.nirvana.search import merge, polish, search
from codec.nirvana.sides import BOTH, choose

PLAIN, MERGED, POLISHED = 0, 1, 2  # how far a search goes


def find(
    wanted: Tensor, references: References, weight: float, spacings: Sequence[int], care: int
) -> tuple[Motion, Predicted]:
    """The motion of least error and rate for a frame [6, h, w], and what it predicts.

    `weight`: see method.rate_weight. `spacings`: those of a single flow that are tried. `care`: how far to search.
    """
    finder = _Finder(wanted, references, weight)
    tried = finder.single(spacings, care) if references.high is None else finder.double(care)
    best = min((finder.weighed(motion) for motion in tried), key=lambda weighed: weighed[0])
    if care >= POLISHED and any(flow.any() for flow in best[1].flows):
        best = min((best, *map(finder.weighed, finder.polished(best[1]))), key=lambda weighed: weighed[0])
    return best[1:]


def error(found: Tensor, wanted: Tensor) -> float:
    """Mean squared error (6 Y + U + V) / 8 of frames [6, h, w], on a scale of 0 to 1."""
    return float(distortion(found[None].double() / 255, wanted[None].double() / 255))


class _Finder:
    def __init__(self, wanted: Tensor, references: References, weight: float) -> None:
        self.wanted, self.references, self.weight = wanted, references, weight
        self.shape = wanted.shape[1], wanted.shape[2]
        self.now = _luma(wanted)
        self.sources = (references.low,) if references.high is None else (references.low, references.high)
        self.lumas = [_luma(source) for source in self.sources]
        self._moved: dict[tuple[int, int, bytes], Tensor] = {}

    def weighed(self, motion: Motion) -> tuple[float, Motion, Predicted]:
        """With its error and rate, in units of error."""
        encoder = Encoder()
        code_motion(encoder, motion, self.references, self.shape)
        found = combined([self._at(i, flow, motion.spacing) for i, flow in enumerate(motion.flows)], motion)
        bpp = 8 * len(encoder.finish()) / (4 * self.wanted[0].numel())
        return error(found.frame, self.wanted) + self.weight * bpp, motion, found

    def single(self, spacings: Sequence[int], care: int) -> Iterator[Motion]:
        """No motion at all, in the largest blocks, and what a search finds."""
        yield Motion(SPACINGS[-1], (np.zeros((2, *grid(self.now.shape[2:], SPACINGS[-1])), np.int32),))
        for spacing in spacings:
            last = self.references.expected(spacing)
            yield Motion(spacing, (self._searched(self.lumas[0], spacing, last, False, care),))

    def double(self, care: int) -> Iterator[Motion]:
        """The flows at hand and those that a search finds about them."""
        spacing = self.references.spacing
        direct = self.references.direct()
        yield from self._sided(spacing, direct)
        found = (self._searched(own, spacing, flow, True, care) for own, flow in zip(self.lumas, direct, strict=True))
        yield from self._sided(spacing, tuple(found))

    def polished(self, motion: Motion) -> Iterator[Motion]:
        """A motion, made better: with two sides each to what the other leaves."""
        spacing = motion.spacing
        flows = list(motion.flows)
        expected = [self.references.expected(spacing)] if len(flows) == 1 else self.references.direct()
        for i, (source, start) in enumerate(zip(self.lumas, expected, strict=True)):
            now, weight = self.now, self.weight
            if len(flows) > 1:
                # The mean's error is a quarter of that of one side against twice the picture less the other.
                other = _luma(self._at(1 - i, flows[1 - i], spacing))
                now, weight = 2 * now - other, 4 * weight
            last = None if start is None else self._tensor(start)
            flows[i] = _whole(polish(now, source, self._tensor(flows[i]), spacing, weight, last))
        if len(flows) == 1:
            yield Motion(spacing, tuple(flows))
        else:
            yield from self._sided(spacing, tuple(flows))

    def _sided(self, spacing: int, flows: tuple[Ints, ...]) -> Iterator[Motion]:
        """With all blocks from both sides, and with the best side for each."""
        low, high = (_luma(self._at(i, flow, spacing)) for i, flow in enumerate(flows))
        sides = choose(self.now, low, high, spacing, self.weight)[0].to("cpu", torch.int32).numpy()
        yield Motion(spacing, flows, np.full_like(sides, BOTH))
        yield Motion(spacing, flows, sides)

    def _searched(self, source: Tensor, spacing: int, expected: Ints | None, near: bool, care: int) -> Ints:
        last = None if expected is None else self._tensor(expected)
        flow = search(self.now, source, spacing, self.weight, last, near)
        if care >= MERGED:
            flow = merge(self.now, source, flow, spacing, self.weight, last)
        return _whole(flow)

    def _at(self, side: int, flow: Ints, spacing: int) -> Tensor:
        """A reference, moved; once for all motions that have this flow."""
        key = side, spacing, flow.tobytes()
        if key not in self._moved:
            self._moved[key] = moved_exactly(self.sources[side], flow, spacing)
        return self._moved[key]

    def _tensor(self, flow: Ints) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(flow)).to(self.now)[None]


def _luma(frame: Tensor) -> Tensor:
    """[1, 1, H, W], 0 to 1."""
    return luma(frame[None].float() / 255)


def _whole(flow: Tensor) -> Ints:
    found: Ints = flow[0].round().clamp(-LIMIT, LIMIT).to("cpu", torch.int32).numpy()
    return found
