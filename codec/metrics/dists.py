"""DISTS (Ding et al. 2020): structure and texture of VGG-16's features, by weights fitted to people's judgement.

The package has those weights only; VGG-16 is a file that the user names. The package's code is not used: it needs
torchvision and looks for its weights where a virtual environment doesn't have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from codec.metrics.lpips import SIDE
from codec.metrics.picture import colour, rgb8
from codec.perception.backbone import convolutional, digest, fill, tensors
from codec.perception.classifiers import checked, installed
from codec.requirements import Need, require

_SHA256 = "f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218"
_CHANNELS = (3, 64, 128, 256, 512, 512)  # of the picture itself and of the five taps
_SMALL = 1e-6


class Dists:
    """0 for equal pictures, about 1 at most; of whole pictures at their own size: 2 GB of memory a megapixel."""

    name = "dists"
    keys = (name,)
    needs = (
        Need("DISTS_pytorch", "pip install --no-deps dists-pytorch==0.1"),
        Need(file="torchvision's vgg16-397923af.pth, or its tensors as safetensors"),
    )
    media = "image"
    _digest = "FILE"
    higher_is_better = False

    def load(self, weights: Mapping[str, Path]) -> None:
        from codec.models.perception.trunks import L2Pool, vgg16

        require(self.name, self.needs, weights)
        folder = installed("DISTS_pytorch")
        assert folder is not None
        fitted = tensors(checked(folder / "weights.pt", _SHA256))
        total = fitted["alpha"].sum() + fitted["beta"].sum()
        self._texture, self._structure = (
            (fitted[k].detach().flatten() / total).split(_CHANNELS) for k in ("alpha", "beta")
        )
        path = weights[self.name]
        self._trunk = vgg16(L2Pool)
        fill(self._trunk, convolutional(tensors(path)), path)
        self._digest = digest(path)[:8]

    def __call__(self, reference: np.ndarray, decoded: np.ndarray, peak: int = 255) -> dict[str, float | None]:
        if min(reference.shape[:2]) < SIDE:
            return {self.name: None}
        import torch

        a, b = (rgb8(frame, peak) for frame in colour(reference, decoded))
        if np.array_equal(a, b):  # the covariance's rounding would leave 1e-7
            return {self.name: 0.0}
        with torch.inference_mode():
            x = torch.from_numpy(np.stack((a, b))).permute(0, 3, 1, 2).float() / 255
            mean, deviation = x.new_tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]
            maps = [x, *self._trunk.taps((x - mean) / deviation)]
            similarity = 0.0
            for tap, texture, structure in zip(maps, self._texture, self._structure, strict=True):
                (m, n) = means = tap.mean((2, 3))  # [C] of either picture
                v, w = (tap - means[..., None, None]).square().mean((2, 3))
                covariance = (tap[0] * tap[1]).mean((1, 2)) - m * n
                similarity += float((texture * (2 * m * n + _SMALL) / (m * m + n * n + _SMALL)).sum())
                similarity += float((structure * (2 * covariance + _SMALL) / (v + w + _SMALL)).sum())
        return {self.name: 1 - similarity}

    def identity(self) -> dict[str, str]:
        return {"model": f"dists-vgg16@{self._digest}", "licence": "MIT; the backbone's own", "title": "DISTS"}
