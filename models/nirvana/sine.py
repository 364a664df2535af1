"""NIRVANA's network: the centre of a patch goes in, the patch comes out in every frame of the group.

A small sine network makes one feature map of the patch; one convolutional head for each frame turns it
into that frame's pixels. The module holds no weights: they come as a dict, since the codec's are integers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """`patch` pixels a side (a multiple of 4), `group` frames, `hidden` units in each of `layers` - 1 sine
    layers, `channels` of the feature map at half the patch's size, `w0` the frequency of the sines."""

    patch: int
    group: int
    hidden: int
    layers: int
    channels: int
    w0: float

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of all weights, in the order in which they are coded."""
        half, shapes = self.patch // 2, dict[str, tuple[int, ...]]()
        for k in range(self.layers):
            inputs = self.hidden if k else 2
            outputs = self.hidden if k < self.layers - 1 else self.channels * half * half
            shapes[f"stem.{k}.weight"], shapes[f"stem.{k}.bias"] = (outputs, inputs), (outputs,)
        shapes["head.0.weight"] = (self.group * self.patch, self.channels, 3, 3)
        shapes["head.0.bias"] = (self.group * self.patch,)
        shapes["head.1.weight"] = (self.group * 3, self.patch // 4, 3, 3)
        shapes["head.1.bias"] = (self.group * 3,)
        return shapes

    def bounds(self) -> dict[str, float]:
        """Each tensor starts uniform within plus and minus this: a sine network's usual start."""
        result = {}
        for name, shape in self.tensors().items():
            layer = name.rsplit(".", 1)[0]
            if name.endswith("weight"):
                fan = math.prod(shape[1:])
            if layer == "stem.0":
                result[name] = 1 / fan
            elif layer.startswith("stem"):
                result[name] = math.sqrt(6 / fan) / self.w0
            else:
                result[name] = 1 / math.sqrt(fan)
        return result


class Sine(nn.Module):
    """The network of one `Shape`; see `forward`."""

    code: Tensor
    _diagonal: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("code", frame_code(shape.group, shape.channels), persistent=False)
        self.register_buffer("_diagonal", torch.eye(shape.group)[:, None, :, None, None, None], persistent=False)

    def forward(self, centres: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        """`centres` [N, 2] (see `patch_centres`) -> YCbCr 4:4:4 [N, G, 3, p, p], 0..1 but not clamped."""
        s = self.shape
        half, x = s.patch // 2, centres
        for k in range(s.layers):
            x = F.linear(x, weights[f"stem.{k}.weight"], weights[f"stem.{k}.bias"])
            if k < s.layers - 1:
                x = torch.sin(s.w0 * x)
        x = self._first_heads(x.view(-1, s.channels, half, half), weights["head.0.weight"], weights["head.0.bias"])
        x = F.gelu(F.pixel_shuffle(x, 2))
        x = self._second_heads(x, weights["head.1.weight"], weights["head.1.bias"])
        return x.view(-1, s.group, 3, s.patch, s.patch) + 0.5

    def _first_heads(self, features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Each frame's convolution of the features plus the frame's code, [N, G p, p/2, p/2].

        A convolution is linear, so the features, the same for all frames, and the codes, the same for
        all patches, are convolved apart: a quarter of the time of a grouped convolution of the sums.
        """
        s = self.shape
        codes = self.code.view(1, -1, 1, 1).expand(1, -1, *features.shape[2:])
        constant = F.conv2d(codes, weight, bias, padding=1, groups=s.group)
        return F.conv2d(features, weight, None, padding=1) + constant

    def _second_heads(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Each frame's own channels to its Y, Cb, Cr, as one dense convolution with zeros between the
        frames: with so few channels it takes a third of a grouped convolution's time."""
        g = self.shape.group
        dense = self._diagonal * weight.view(g, 3, 1, -1, 3, 3)
        return F.conv2d(x, dense.view(g * 3, -1, 3, 3), bias, padding=1)


def frame_code(frames: int, channels: int) -> Tensor:
    """What tells a group's frames apart, [G, C]: sines and cosines of the frame's number."""
    pairs = torch.arange(channels, dtype=torch.float64) // 2
    angle = torch.arange(frames, dtype=torch.float64)[:, None] * 100.0**-pairs
    return torch.where(torch.arange(channels) % 2 == 0, angle.sin(), angle.cos()).float()


def patch_centres(rows: int, columns: int, patch: int) -> Tensor:
    """(row, column) of the middle pixel of each patch, each in -1..1 over the frame: [rows columns, 2]."""
    ys, xs = (
        (torch.arange(n, dtype=torch.float64) * patch + patch // 2) * 2 / (n * patch - 1) - 1 for n in (rows, columns)
    )
    return torch.stack(torch.meshgrid(ys, xs, indexing="ij"), -1).view(-1, 2).float()
