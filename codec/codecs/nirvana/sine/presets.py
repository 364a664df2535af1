"""The presets of the sine network: its sizes, how it is fitted, and where a fit without a learned start begins."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from codec.codecs.nirvana.sine.fit import Rates
from codec.codecs.nirvana.sine.latents import PER_OCTAVE, Weights
from codec.models.nirvana.sine import Shape


@dataclass(frozen=True)
class Preset:
    """A network, its learning rates, and the default steps of a key group and of the groups `after` it.

    A random start has integers up to `ranges`: of the first layer, of the other sine layers, of all else.
    """

    shape: Shape
    rates: Rates
    first: int
    after: int
    ranges: tuple[int, int, int] = (24, 4, 4)

    def random_weights(self, seed: int = 0) -> Weights:
        """Integers and steps of a sine network's usual start."""
        generator = np.random.default_rng(seed)
        tensors, steps = {}, []
        for name, bound in self.shape.bounds().items():
            layer = 0 if name == "stem.0.weight" else 1 if name.startswith("stem") and name.endswith("weight") else 2
            span = self.ranges[layer]
            tensors[name] = np.rint(generator.uniform(-span, span, self.shape.tensors()[name])).astype(np.int32)
            steps.append(round(PER_OCTAVE * math.log2(bound / span)))
        return Weights(tensors, np.array(steps, np.int32))


PRESETS = {
    "tiny": Preset(Shape(16, 4, 16, 3, 2, 10.0), Rates(), 1000, 500),
    "small": Preset(Shape(16, 4, 64, 3, 4, 10.0), Rates(), 1500, 700),
    "hd": Preset(Shape(32, 3, 256, 3, 8, 30.0), Rates(), 1500, 600),
    # As released: 100 times 2e-4 for integers, without decay. Its scales are linear: their rate has no like here.
    "paper": Preset(Shape(32, 3, 512, 3, 16, 30.0), Rates(0.02, 0.1, 1.0), 2000, 2000, (200, 3, 12)),
}
