"""What errors are worth in bits to a search: squared ones, or those of structure.

1 - MS-SSIM is, nearly, a sum over scales and windows, since its product's factors are all close to 1. So parts of a
picture add up, as they do with squared errors.
"""

from collections.abc import Iterator
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor

from codec.metrics.structure import similarities
from codec.models.s2lic.acgc import spread
from codec.models.s2lic.model import CELL, PATCH, S2LIC

SQUARED = 0.55  # share of squared errors in those of structure
_LEAST, _MOST = 0.25, 50.0  # of relative curvatures: black bars have no errors to divide by


class Error(Protocol):
    """Of a part x against the picture's, both [1, C, h, w] in 0..1; q: rates of the part as the model takes them."""

    def __call__(self, x: Tensor, picture: Tensor, q: Tensor) -> Tensor:
        """Bits that the errors are worth, a scalar; gradients go through."""
        ...

    def curvature(self, x: Tensor, picture: Tensor, q: Tensor) -> Tensor:
        """That of J = bits + errors at each latent over that with squared errors, [1, 1, h / 16, w / 16]."""
        ...


class SquaredError:
    """lambda 255^2 for a squared error of 1 (mean of the colours), by each pixel's own lambda: as in training."""

    def __init__(self, model: S2LIC) -> None:
        self.model = model

    def __call__(self, x: Tensor, picture: Tensor, q: Tensor) -> Tensor:
        return self.map(x, picture, q).sum()

    def map(self, x: Tensor, picture: Tensor, q: Tensor) -> Tensor:
        """What each pixel adds, [1, 1, h, w]."""
        weight = error_weight(self.model, q, picture.shape[2], picture.shape[3])
        return (x - picture).square().mean(1, keepdim=True) * weight

    def curvature(self, x: Tensor, picture: Tensor, q: Tensor) -> Tensor:
        return x.new_ones(1, 1, *_latents(picture))


class StructuralError:
    """`worth` bits for each pixel whose similarity is 0, and a share of squared errors, which see what MS-SSIM hardly
    does: colours that drift over large parts. Nothing is dissimilar where no window fits."""

    def __init__(self, worth: float, squared: SquaredError) -> None:
        self.worth, self.squared = worth, squared

    def __call__(self, x: Tensor, picture: Tensor, q: Tensor) -> Tensor:
        structural = self.worth * dissimilarity(x, picture)
        return (1 - SQUARED) * structural + SQUARED * self.squared(x, picture, q)

    def curvature(self, x: Tensor, picture: Tensor, q: Tensor) -> Tensor:
        """Half is that of the bits, and what the errors of x are worth says how the other half grows."""
        shape = _latents(picture)
        maps = [w * F.adaptive_avg_pool2d(d, shape).mean(0) for w, d in _dissimilar(x, picture)]
        structural = self.worth * _smooth(sum(maps, x.new_zeros(shape)))
        squared = _smooth(F.adaptive_avg_pool2d(self.squared.map(x, picture, q), shape)[0, 0])
        errors = (1 - SQUARED) * structural / squared.clamp(min=1e-9) + SQUARED
        return ((1 + errors) / 2).clamp(_LEAST, _MOST)


def dissimilarity(x: Tensor, picture: Tensor) -> Tensor:
    """1 - MS-SSIM, nearly, times the number of pixels: 0 where no window fits."""
    means = (weight * d.mean() for weight, d in _dissimilar(x, picture))
    return picture.shape[2] * picture.shape[3] * sum(means, x.new_zeros(()))


def error_weight(model: S2LIC, q: Tensor, height: int, width: int) -> Tensor:
    """Bits that a squared error of 1 is worth, of values in 0..1: lambda 255^2, [1, 1, 1, 1] or of each pixel."""
    weight = 255**2 * model.config.log_lambda(q).exp()
    return weight[:, None, None, None] if q.ndim == 1 else spread(weight, CELL)[:, None, :height, :width]


def _dissimilar(x: Tensor, picture: Tensor) -> Iterator[tuple[float, Tensor]]:
    """Weights of scales, and 1 - similarity of their windows, [C, ...]."""
    return ((weight, 1 - term) for weight, term in similarities(255 * x[0].float(), 255 * picture[0], 255))


def _latents(picture: Tensor) -> tuple[int, int]:
    return -(-picture.shape[2] // PATCH), -(-picture.shape[3] // PATCH)


def _smooth(latents: Tensor) -> Tensor:
    """Means of 3 x 3 of [h, w], [1, 1, h, w]."""
    return F.avg_pool2d(latents[None, None], 3, 1, 1, count_include_pad=False)
