"""A network's weights as integers, and as the real numbers that round to them while they are fitted.

A weight is its integer times a step of its tensor's own, 2^(t / 16) with an integer t, which is coded too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.codecs.nirvana.sine.tensors import LIMIT, Ints, Shapes, reckon_bits

PER_OCTAVE = 16  # t's in which a step doubles
STEP_LIMIT = 1024  # of |t|
# Floats of square roots and products only, so that a step is the same everywhere.
_ROOT = math.sqrt(math.sqrt(math.sqrt(math.sqrt(2.0))))
_ROOTS = np.cumprod([1.0, *[_ROOT] * (PER_OCTAVE - 1)])


def step_sizes(steps: Ints) -> NDArray[np.float64]:
    """2^(t / 16) of each t."""
    return np.ldexp(_ROOTS[steps % PER_OCTAVE], steps // PER_OCTAVE)


@dataclass(frozen=True)
class Weights:
    """A network in integers: `tensors`, and `steps`, the t of each of them [T]."""

    tensors: Mapping[str, Ints]
    steps: Ints

    def floats(self, device: str) -> dict[str, Tensor]:
        """What the network computes with, float32."""
        sizes = step_sizes(self.steps)
        return {
            name: torch.from_numpy((tensor * size).astype(np.float32)).to(device)
            for (name, tensor), size in zip(self.tensors.items(), sizes, strict=True)
        }

    def bits(self, reference: Weights | None) -> float:
        """What coding them against the reference takes; see `code_weights`."""
        steps = reckon_bits({"": self.steps}, None if reference is None else {"": reference.steps})
        return steps + reckon_bits(self.tensors, None if reference is None else reference.tensors)


class Latents:
    """The parameters of a fit that starts from `start`: all weights in one vector, as a step of small tensors
    is mostly calls, and the tensors' steps.

    `reference` holds the integers whose differences may be coded (None: zeros).
    """

    def __init__(self, shapes: Shapes, start: Weights, reference: Weights | None, device: str) -> None:
        self.shapes, self._sizes = shapes, [math.prod(shape) for shape in shapes.values()]
        self.values = _flat(start, device).requires_grad_()
        self.steps = torch.from_numpy(start.steps).float().to(device).requires_grad_()
        self._reference = None if reference is None else _flat(reference, device)
        self._lengths = torch.tensor(self._sizes, device=device)
        self._owner = torch.repeat_interleave(self._lengths)

    @torch.no_grad()
    def clamp(self) -> None:
        """Keeps all within what can be coded."""
        self.values.clamp_(-LIMIT, LIMIT)
        self.steps.clamp_(-STEP_LIMIT, STEP_LIMIT)

    def rounded(self) -> Tensor:
        """The integers [P]; the gradient passes as if they were not rounded."""
        return self.values + (self.values.detach().round() - self.values.detach())

    def weights(self, integers: Tensor, round_steps: bool) -> dict[str, Tensor]:
        """What the network computes with."""
        steps = self.steps
        if round_steps:
            steps = steps + (steps.detach().round() - steps.detach())
        flat = integers * torch.exp2(steps / PER_OCTAVE)[self._owner]
        parts = zip(self.shapes.items(), flat.split(self._sizes), strict=True)
        return {name: part.view(shape) for (name, shape), part in parts}

    def bits(self, integers: Tensor) -> Tensor:
        """The bits of the weights, each tensor as it is or as a difference, whichever takes less."""
        bits = laplace_bits(integers, self._lengths)
        if self._reference is not None:
            bits = torch.minimum(bits, laplace_bits(integers - self._reference, self._lengths))
        return bits.sum()

    def state(self) -> Weights:
        """The integers as they are now."""
        flat = self.values.detach().round().int().cpu().numpy()
        parts = zip(self.shapes.items(), np.split(flat, np.cumsum(self._sizes)[:-1]), strict=True)
        steps = self.steps.detach().round().int().cpu().numpy()
        return Weights({name: part.reshape(shape).copy() for (name, shape), part in parts}, steps)


def laplace_bits(integers: Tensor, lengths: Tensor) -> Tensor:
    """The bits of consecutive tensors of `lengths`, [T], each under the Laplace distribution that suits it best.

    The widths are the likeliest ones, in closed form, so there is nothing to learn or to lag behind; a change
    of a width has no first-order effect on the bits, so gradients take it as constant. See `laplace`.
    """
    far = integers.abs()
    nonzero = torch.segment_reduce((far.detach() >= 0.5).float(), "sum", lengths=lengths)
    total = torch.segment_reduce(far, "sum", lengths=lengths)
    with torch.no_grad():
        zeros, power = lengths - nonzero, 2 * total - nonzero
        x = 2 * power / (zeros + (zeros.square() + 4 * (lengths + 2 * total) * power).sqrt())
        x = x.clamp(1e-6, 1 - 1e-6)
        log_x, one = torch.log2(x), torch.log2((1 - x.square()) / 2)
        fixed = (total > 0) * (zeros * torch.log2(1 - x) + nonzero * (one - log_x))
    return -(fixed + 2 * total * log_x)


def _flat(weights: Weights, device: str) -> Tensor:
    flat = np.concatenate([tensor.reshape(-1) for tensor in weights.tensors.values()])
    return torch.from_numpy(flat.astype(np.float32)).to(device)
