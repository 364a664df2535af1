"""PFNR's network (arXiv 2306.11305): a dense network that many videos share, of which each uses a part and adds to it.

A video is a session. Its masks choose the weights that it uses; those that an earlier session has used are frozen, and
may be read, never changed. The frame's and the session's codes go in, the frame comes out, through a head of the
session's own. What the network computes with is exchanged as a whole (`Floats`), so that a decoder can do it exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Grid = tuple[int, int]  # rows and columns of the stem's map
Weights = Mapping[str, Tensor]

CODE_BITS = 12  # of a fraction, of what codes and waves are rounded to: then they are the same on every machine
_FREQUENCIES, _BASE = 40, Fraction(5, 4)
CODE = 4 * _FREQUENCIES  # numbers of a frame's code: sines and cosines, of the frame and of the session
_LINEAR_RUN = 8  # weights of a row that are kept or left together


@dataclass(frozen=True)
class Shape:
    """Sizes of a network: `hidden` units of the stem (a multiple of 8), which gives a map of `channels`; each block
    then takes it to its `widths` and enlarges it by its `strides`; `fourier`: (block, modes of rows, of columns) where
    the Fourier operator is added; `kernels`: whether masks keep whole kernels or single weights."""

    hidden: int
    channels: int
    widths: tuple[int, ...]
    strides: tuple[int, ...]
    fourier: tuple[tuple[int, int, int], ...] = ()
    kernels: bool = True

    @property
    def scale(self) -> int:
        """Pixels of the frame for each point of the stem's map, a side."""
        return math.prod(self.strides)

    def grid(self, height: int, width: int) -> Grid:
        """The map whose frame has at least this size; what is beyond it is cut off."""
        return -(-height // self.scale), -(-width // self.scale)

    def tensors(self, grid: Grid) -> dict[str, tuple[int, ...]]:
        """Names and shapes of all masked weights for a map of a size, in the order in which they are coded.

        Only the stem's last layer depends on the size, and has a tensor for each; all others are shared by all sizes.
        """
        rows, columns = grid
        shapes: dict[str, tuple[int, ...]] = {
            "stem_0": (self.hidden, CODE),
            stem_name(grid): (self.channels * rows * columns, self.hidden),
        }
        inputs = self.channels
        modes = {block: (a, b) for block, a, b in self.fourier}
        for number, (width, stride) in enumerate(zip(self.widths, self.strides, strict=True)):
            shapes[f"conv_{number}"] = (width * stride * stride, inputs, 3, 3)
            if number in modes:
                a, b = modes[number]
                shapes[f"fourier_{number}"] = (inputs, width, 2, 2 * a, b)
            inputs = width
        return shapes

    def run(self, name: str, shape: tuple[int, ...]) -> int:
        """How many weights in a row of a tensor are kept or left together: a kernel, or 8 of a layer's inputs."""
        if not self.kernels:
            return 1
        return math.prod(shape[2:]) if len(shape) > 2 else _LINEAR_RUN


def stem_name(grid: Grid) -> str:
    """Of the stem's last layer for a map of a size."""
    return f"stem_1_{grid[0]}x{grid[1]}"


def code(frame: Fraction, session: Fraction) -> np.ndarray:
    """What tells frames (0 to 1, without 1) and sessions apart: [160], sines and cosines of pi b^i of both.

    Phases reach 2e4, where sines differ between machines: they are taken modulo 2 as exact fractions first.
    """
    values: list[float] = []
    for number in (frame, session):
        for i in range(_FREQUENCIES):
            angle = math.pi * float(number * _BASE**i % 2)
            values += [math.sin(angle), math.cos(angle)]
    return rounded(np.array(values))


def rounded(values: np.ndarray) -> np.ndarray:
    """To multiples of 2^-12."""
    return np.rint(np.ldexp(values, CODE_BITS)) / (1 << CODE_BITS)


@lru_cache(maxsize=64)
def waves(size: int, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and sines of the frequencies `low` to `high` - 1 at `size` points: both [frequencies, size]."""
    angle = 2 * np.pi / size * (np.arange(low, high)[:, None] * np.arange(size) % size)
    return rounded(np.cos(angle)), rounded(np.sin(angle))


class Floats:
    """What a network computes while it is fitted: floats, without rounding."""

    dtype = torch.float32

    def waves(self, size: int, low: int, high: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """See `waves`."""
        cosine, sine = (torch.from_numpy(wave).to(device, self.dtype) for wave in waves(size, low, high))
        return cosine, sine

    def dense(self, x: Tensor, weight: Tensor) -> Tensor:
        """A layer of the stem, [B, inputs] -> [B, outputs]."""
        return F.relu(F.linear(x, weight))

    def block(self, x: Tensor, weight: Tensor, stride: int, more: Tensor | None) -> Tensor:
        """A block: convolution, enlarged; with `more` added, [B, C, H, W] -> [B, C', stride H, stride W]."""
        y = F.pixel_shuffle(F.conv2d(x, weight, padding=1), stride)
        return F.silu(y if more is None else y + more)

    def head(self, x: Tensor, weight: Tensor) -> Tensor:
        """Samples 0..1 of Y, Cb and Cr, [B, 3, H, W]."""
        return (torch.tanh(F.conv2d(x, weight[:, :, None, None])) + 1) / 2

    def spectrum(self, values: Tensor, divisor: int = 1) -> Tensor:
        """A step of the Fourier operator's numbers, divided."""
        return values / divisor if divisor > 1 else values


FLOATS = Floats()


def frames(
    shape: Shape, grid: Grid, codes: Tensor, weights: Weights, head: Tensor, arithmetic: Floats = FLOATS
) -> Tensor:
    """The frames of some codes [B, 160] by weights that masks have chosen and a head [3, C]: [B, 3, H, W], 0..1."""
    x = arithmetic.dense(codes, weights["stem_0"])
    x = arithmetic.dense(x, weights[stem_name(grid)]).view(-1, shape.channels, *grid)
    modes = {block for block, _, _ in shape.fourier}
    for number, stride in enumerate(shape.strides):
        more = fourier(x, weights[f"fourier_{number}"], stride, arithmetic) if number in modes else None
        x = arithmetic.block(x, weights[f"conv_{number}"], stride, more)
    return arithmetic.head(x, head)


def fourier(x: Tensor, weight: Tensor, stride: int, arithmetic: Floats = FLOATS) -> Tensor:
    """The Fourier operator: each kept frequency of x [B, C, H, W] times its own matrix, and back at `stride` times the
    size, where frequencies that aren't kept are 0: [B, C', stride H, stride W].

    `weight` [C, C', 2 (real, imaginary), 2 a, b]: rows of frequencies 0..a - 1 and -a..-1, columns 0..b - 1. A map too
    small for that many uses those that it has, without its highest ones. With so few, sums of waves are as quick as an
    FFT, and can be computed exactly.
    """
    count, _, height, width = x.shape
    a, b = min(weight.shape[3] // 2, height // 2), min(weight.shape[4], width // 2)
    outputs, tall, wide = weight.shape[1], stride * height, stride * width
    if not a or not b:
        return x.new_zeros(count, outputs, tall, wide, dtype=arithmetic.dtype)
    rows = torch.cat([weight[..., :a, :b], weight[..., -a:, :b]], 3)
    x = x.to(arithmetic.dtype)
    spectrum = arithmetic.spectrum
    # Along rows of pixels, then along columns; [B, C, H, b] and [B, C, 2 a, b] of real and imaginary parts.
    cosine, sine = arithmetic.waves(width, 0, b, x.device)
    real, imaginary = spectrum(x @ cosine.T, width), spectrum(-(x @ sine.T), width)
    cosine, sine = arithmetic.waves(height, -a, a, x.device)
    cosine, sine = cosine.roll(-a, 0), sine.roll(-a, 0)
    real, imaginary = (
        spectrum(cosine @ real + sine @ imaginary, height),
        spectrum(cosine @ imaginary - sine @ real, height),
    )
    # A product of matrices for each frequency: [frequencies, B, 2 C] times [frequencies, 2 C, 2 C'].
    both = torch.cat([real, imaginary], 1).flatten(2).permute(2, 0, 1)
    re, im = rows.flatten(3).permute(2, 3, 0, 1)
    matrix = torch.cat([torch.cat([re, im], 2), torch.cat([-im, re], 2)], 1)
    out = spectrum(torch.matmul(both, matrix)).permute(1, 2, 0).reshape(count, 2 * outputs, 2 * a, b)
    real, imaginary = out[:, :outputs], out[:, outputs:]
    cosine, sine = arithmetic.waves(tall, -a, a, x.device)
    cosine, sine = cosine.roll(-a, 0).T, sine.roll(-a, 0).T
    real, imaginary = spectrum(cosine @ real - sine @ imaginary), spectrum(sine @ real + cosine @ imaginary)
    cosine, sine = arithmetic.waves(wide, 0, b, x.device)
    twice = torch.full((b, 1), 2.0, dtype=arithmetic.dtype, device=x.device)  # a real picture: -f is like f
    twice[0] = 1
    return real @ (twice * cosine) - imaginary @ (twice * sine)


class Supernet(nn.Module):
    """All weights of a network for maps of one size, in one session: what is free, what is frozen, and the scores.

    `frozen`: for each tensor that earlier sessions have used, its values [shape] and which of its runs they are [runs].
    `keep`: what part of a tensor's runs a session uses. Frozen weights are no parameters, so nothing can move them.
    """

    def __init__(
        self,
        shape: Shape,
        grid: Grid,
        keep: Mapping[str, float],
        frozen: Mapping[str, tuple[Tensor, Tensor]],
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.shapes = shape.tensors(grid)
        self._runs = {name: shape.run(name, size) for name, size in self.shapes.items()}
        self._keep = keep
        self.free, self.scores = nn.ParameterDict(), nn.ParameterDict()
        for name, size in self.shapes.items():
            bound = 1 / math.sqrt(_inputs(size))
            for kind in (self.free, self.scores):
                kind[name] = nn.Parameter(torch.empty(size).uniform_(-bound, bound, generator=generator))
            nothing = torch.zeros(size), torch.zeros(math.prod(size) // self._runs[name], dtype=torch.bool)
            values, used = frozen.get(name, nothing)
            self.register_buffer(f"frozen_{name}", values)
            self.register_buffer(f"used_{name}", used)

    def frozen(self, name: str) -> Tensor:
        """The frozen values of a tensor."""
        return self.get_buffer(f"frozen_{name}")

    def used(self, name: str) -> Tensor:
        """Which runs of a tensor are frozen, [runs]."""
        return self.get_buffer(f"used_{name}")

    def masks(self) -> dict[str, Tensor]:
        """The runs that the session uses now, [runs] of each tensor: those with the highest scores."""
        return {name: self._chosen(name)[0] for name in self.shapes}

    def weights(self, steps: Mapping[str, float] | None = None) -> dict[str, Tensor]:
        """What the network computes with: frozen where it is frozen, 0 where the masks leave it out; what is free is
        rounded to multiples of `steps`, if there are any. Gradients pass through rounding and masks as if these
        weren't there (straight through)."""
        found = {}
        for name, size in self.shapes.items():
            free = self.free[name]
            if steps is not None:
                free = free + ((free.detach() / steps[name]).round() * steps[name] - free.detach())
            runs = (-1, self._runs[name])
            whole = torch.where(self.used(name)[:, None], self.frozen(name).view(runs), free.view(runs))
            chosen, score = self._chosen(name)
            found[name] = (whole * (chosen + (score - score.detach()))[:, None]).view(size)
        return found

    def _chosen(self, name: str) -> tuple[Tensor, Tensor]:
        """The mask of a tensor's runs, and their scores: means of the magnitudes of their weights' scores."""
        score = self.scores[name].abs().view(-1, self._runs[name]).mean(1)
        rank = 1 + round((1 - self._keep[name]) * (len(score) - 1))
        return score.detach() >= score.detach().kthvalue(rank).values, score


def _inputs(size: tuple[int, ...]) -> int:
    """What weights and scores start from is uniform within one over this number's root; of the Fourier operator's, as
    the paper's code has it, outputs count in place of inputs."""
    return math.prod(size[1:]) if len(size) < 5 else size[1] * size[3] // 2 * size[4]
