"""The presets: sizes of the network, what part of it a session uses, and how long it is fitted."""

from __future__ import annotations

from dataclasses import dataclass

from codec.models.pfnr import Grid, Shape


@dataclass(frozen=True)
class Preset:
    """A network; `keep` and `keep_fourier`, the parts of a tensor's runs that a session uses; epochs, frames of a batch
    and the highest learning rate of its fit."""

    shape: Shape
    keep: float = 0.3
    keep_fourier: float = 0.3
    epochs: int = 150
    batch: int = 1
    rate: float = 5e-4

    def keeps(self, grid: Grid) -> dict[str, float]:
        """The part of each tensor."""
        names = self.shape.tensors(grid)
        return {name: self.keep_fourier if name.startswith("fourier") else self.keep for name in names}


PRESETS = {
    "tiny": Preset(Shape(32, 16, (16, 12, 12, 12), (2, 2, 2, 2), ((1, 3, 3),)), 0.3, 0.3, 100, 1, 1e-2),
    "small": Preset(Shape(128, 24, (24, 24, 16, 16), (4, 2, 2, 2), ((1, 6, 6),)), 0.3, 0.3, 150, 4, 2e-3),
    "hd": Preset(Shape(512, 112, (112, 96, 96, 96, 96), (5, 2, 2, 2, 2), ((1, 8, 8),)), 0.3, 0.3, 40, 4, 5e-4),
    # NeRV-L with the operator's full modes, and single weights, as published.
    "paper": Preset(Shape(512, 112, (112, 96, 96, 96, 96), (5, 2, 2, 2, 2), ((1, 22, 40),), kernels=False)),
}
