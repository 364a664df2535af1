"""Learned perceptual similarity: LPIPS (Zhang et al. 2018) and its shift-tolerant variant (Ghildyal and Liu 2022).

ST-LPIPS comes whole in its package. The package of LPIPS has only the weights of its heads; the backbone is a file
that the user names. Both packages' code is not used: it needs torchvision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from codec.metrics.picture import colour, rgb8
from codec.perception.backbone import convolutional, digest, fill, tensors
from codec.perception.classifiers import checked, installed
from codec.requirements import Need, require
from codec.tiling import tiles

if TYPE_CHECKING:
    import torch

    from codec.models.perception.trunks import Trunk

SIDE = 32  # pixels: smaller pictures have no features at the last layers
_HEADS = Need("lpips", "pip install --no-deps lpips==0.1.4")


class _Distance:
    """Features scaled to length 1 at each position; their squared differences weighted, averaged over it, summed.

    Above 1.5 million pixels it is the mean over the codec's tiles, each by itself, weighed by their pixels.
    """

    name: str
    needs: tuple[Need, ...]
    media = "image"
    higher_is_better = False
    _trunk: Trunk
    _heads: list[torch.Tensor]  # [1, C, 1, 1] each

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.name,)

    def __call__(self, reference: np.ndarray, decoded: np.ndarray, peak: int = 255) -> dict[str, float | None]:
        if min(reference.shape[:2]) < SIDE:
            return {self.name: None}
        a, b = (rgb8(frame, peak) for frame in colour(reference, decoded))
        if np.array_equal(a, b):
            return {self.name: 0.0}
        total = 0.0
        for tile in tiles(*a.shape[:2]):
            part = tile.of(a)
            total += self._distance(np.stack((part, tile.of(b)))) * part.shape[0] * part.shape[1]
        return {self.name: total / (a.shape[0] * a.shape[1])}

    def _distance(self, pair: np.ndarray) -> float:
        """The distance of two pictures [2, H, W, 3], uint8."""
        import torch

        with torch.inference_mode():
            x = torch.from_numpy(pair).permute(0, 3, 1, 2).float() / 127.5 - 1
            shift, scale = x.new_tensor([[-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]])[..., None, None]
            total = 0.0
            for tap, head in zip(self._trunk.taps((x - shift) / scale), self._heads, strict=True):
                a, b = tap / (tap.norm(dim=1, keepdim=True) + 1e-10)
                total += float((head[0] * (a - b).square()).sum(0).mean())
        return total


class ShiftTolerant(_Distance):
    """ST-LPIPS with the AlexNet-like trunk: 0 for equal pictures; it forgives small shifts."""

    name = "st-lpips"
    needs = (Need("stlpips_pytorch", "pip install --no-deps stlpips-pytorch==0.0.2"),)
    _sha256 = "b356b382f96010f77d085ee8343ecd9fd322d0a56e8de2b2d0549fafcad8b9ee"

    def load(self, weights: Mapping[str, Path]) -> None:
        from codec.models.perception.trunks import shift_tolerant_alexnet

        require(self.name, self.needs)
        folder = installed("stlpips_pytorch")
        assert folder is not None
        path = checked(folder / "weights" / "vST0.0" / "alex_shift_tolerant.pth", self._sha256)
        found = tensors(path)
        self._trunk = shift_tolerant_alexnet()
        # "net.slice2.5.weight" is the weight of layer 5.
        fill(self._trunk, {k.split(".", 2)[2]: v for k, v in found.items() if k.startswith("net.")}, path)
        self._heads = [found[f"lin{k}.model.1.weight"] for k in range(5)]

    def identity(self) -> dict[str, str]:
        return {"model": f"st-lpips-alex@{self._sha256[:8]}", "licence": "BSD-2-Clause", "title": "ST-LPIPS (AlexNet)"}


class _Lpips(_Distance):
    """LPIPS 0.1 on a backbone of the user's: torchvision's file, or a safetensors copy of it."""

    _build: str
    _head_file: tuple[str, str]  # name and SHA-256
    _digest = "FILE"

    def load(self, weights: Mapping[str, Path]) -> None:
        from codec.models.perception import trunks

        require(self.name, self.needs, weights)
        folder = installed("lpips")
        assert folder is not None
        file, sha256 = self._head_file
        heads = tensors(checked(folder / "weights" / "v0.1" / file, sha256))
        path = weights[self.name]
        build: Callable[[], Trunk] = getattr(trunks, self._build)
        self._trunk = build()
        fill(self._trunk, convolutional(tensors(path)), path)
        self._heads = [heads[f"lin{k}.model.1.weight"] for k in range(len(heads))]
        self._digest = digest(path)[:8]

    def identity(self) -> dict[str, str]:
        model = f"{self.name}@{self._digest}"
        return {"model": model, "licence": "BSD-2-Clause; the backbone's own", "title": f"LPIPS ({self._build})"}


class Alex(_Lpips):
    name = "lpips-alex"
    needs = (_HEADS, Need(file="torchvision's alexnet-owt-7be5be79.pth, or its tensors as safetensors"))
    _build = "alexnet"
    _head_file = ("alex.pth", "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0")


class Vgg(_Lpips):
    name = "lpips-vgg"
    needs = (_HEADS, Need(file="torchvision's vgg16-397923af.pth, or its tensors as safetensors"))
    _build = "vgg16"
    _head_file = ("vgg.pth", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868")


class Squeeze(_Lpips):
    name = "lpips-squeeze"
    needs = (_HEADS, Need(file="torchvision's squeezenet1_1-b8a52dc0.pth, or its tensors as safetensors"))
    _build = "squeezenet"
    _head_file = ("squeeze.pth", "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76")
