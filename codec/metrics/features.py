"""How far apart two pictures are in the features of the shipped classifier: a task's view of similarity.

Unweighted and uncalibrated: nobody's judgement went into it, it is not LPIPS, and it has no meaning for another
network. It is the classification task's own network: a correlation with that task is partly one with itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from codec.metrics.picture import colour, rgb8
from codec.perception.classifiers import LITE0, features, load
from codec.requirements import require

_STRIDES = (2, 4, 8, 16, 32)


class FeatureDistance:
    """EfficientNet-Lite0 feature distance (unweighted, uncalibrated; not LPIPS), of whole pictures at their own size.

    Per stride 2 .. 32 the squared distance of the feature vectors, each of length 1, averaged over positions: 0 to 4,
    0 for equal pictures (fields `deep.efflite0.s2` ..); and their mean (`deep.efflite0`).
    """

    name = "deep.efflite0"
    keys = (name, *(f"deep.efflite0.s{s}" for s in _STRIDES))
    needs = (LITE0.need,)
    media = "image"
    higher_is_better = False

    def load(self, weights: Mapping[str, Path]) -> None:
        require(self.name, self.needs)
        load(LITE0)

    def __call__(self, reference: np.ndarray, decoded: np.ndarray, peak: int = 255) -> dict[str, float | None]:
        a, b = (rgb8(frame, peak) for frame in colour(reference, decoded))
        if np.array_equal(a, b):
            return dict.fromkeys(self.keys, 0.0)
        sums, positions = np.zeros(len(_STRIDES)), np.zeros(len(_STRIDES))
        for _, taps in features(load(LITE0), a, b):
            for k, tap in enumerate(taps):
                # The norm can be 0, as on black pictures.
                x, y = tap / (tap.norm(dim=1, keepdim=True) + 1e-10)
                sums[k] += float((x - y).square().sum(dtype=tap.double().dtype))
                positions[k] += x[0].numel()
        values = sums / positions
        return dict(zip(self.keys, (float(values.mean()), *map(float, values)), strict=True))

    def identity(self) -> dict[str, str]:
        title = "EfficientNet-Lite0 feature distance (unweighted, uncalibrated; not LPIPS)"
        return {"model": LITE0.label, "licence": "Apache-2.0", "title": title}
