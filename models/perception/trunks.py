"""The classifiers' convolutional parts that similarity metrics look through: AlexNet, VGG-16, SqueezeNet 1.1.

Tensor names without "features." are those of torchvision's weight files, so that a user's copy of one loads as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn


class Trunk(nn.Sequential):
    """Layers in a row; `taps` are the numbers of those whose outputs [N, C, h, w] are looked at."""

    def __init__(self, layers: Sequence[nn.Module], taps: Sequence[int]) -> None:
        super().__init__(*layers)
        self._tapped = frozenset(taps)

    def taps(self, x: torch.Tensor) -> list[torch.Tensor]:
        found = []
        for i, layer in enumerate(self):
            x = layer(x)
            if i in self._tapped:
                found.append(x)
        return found


class L2Pool(nn.Module):
    """DISTS's pooling: root of the mean square under a 3x3 Hann window, at stride 2."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        line = x.new_tensor([0.25, 0.5, 0.25])
        window = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)
        return (F.conv2d(x * x, window, stride=2, padding=1, groups=x.shape[1]) + 1e-12).sqrt()


class BlurPool(nn.Module):
    """Halving behind a 3x3 binomial filter, padded by two reflected pixels all round; `filt` is in the weights."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("filt", torch.zeros(channels, 1, 3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(F.pad(x, (2, 2, 2, 2), "reflect"), self.get_buffer("filt"), stride=2, groups=x.shape[1])


class Fire(nn.Module):
    """SqueezeNet's block: few channels, then 1x1 and 3x3 side by side."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.squeeze(x))
        return torch.cat((F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))), 1)


def alexnet() -> Trunk:
    """Taps of 64, 192, 384, 256, 256 channels."""
    layers = [
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    ]  # fmt: skip
    return Trunk(layers, (1, 4, 7, 9, 11))


def vgg16(pooling: type[nn.Module] | None = None) -> Trunk:
    """Taps of 64, 128, 256, 512, 512 channels; `pooling` in place of the largest of 2x2."""
    layers: list[nn.Module] = []
    taps = []
    channels = 3
    for count, outputs in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        if layers:
            layers.append(pooling() if pooling else nn.MaxPool2d(2, 2))
        for _ in range(count):
            layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.ReLU()]
            channels = outputs
        taps.append(len(layers) - 1)
    return Trunk(layers, taps)


def squeezenet() -> Trunk:
    """Taps of 64, 128, 256, 384, 384, 512, 512 channels."""
    layers = [
        nn.Conv2d(3, 64, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(64, 16, 64), Fire(128, 16, 64), nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(128, 32, 128), Fire(256, 32, 128), nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
    ]  # fmt: skip
    return Trunk(layers, (1, 4, 7, 9, 10, 11, 12))


def shift_tolerant_alexnet() -> Trunk:
    """ST-LPIPS's: AlexNet at stride 1, its pooling blurred. Layers are numbered as in the weights file."""
    layers = [
        nn.Conv2d(3, 64, 11, padding=2), BlurPool(64), nn.ReLU(), nn.MaxPool2d(3, 1), BlurPool(64),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 1), BlurPool(192),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    ]  # fmt: skip
    return Trunk(layers, (2, 6, 10, 12, 14))
