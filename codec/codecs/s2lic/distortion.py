"""What errors are worth in bits to a search: squared ones, or those of structure.

1 - MS-SSIM is, nearly, a sum over scales and windows, since its product's factors are all close to 1. So parts of a
picture add up, as they do with squared errors.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from codec.metrics.structure import similarities
from codec.models.s2lic.acgc import spread
from codec.models.s2lic.model import CELL, PATCH, S2LIC

SQUARED = 0.55  # share of squared errors in those of structure
_LEAST, _MOST = 0.25, 50.0  # of relative curvatures: black bars have no errors to divide by


class Part(NamedTuple):
    """A part x against the picture's, both [1, C, h, w] in 0..1; q: rates of the part as the model takes them."""

    x: Tensor
    picture: Tensor
    q: Tensor


class Error(Protocol):
    """What the errors of a part are worth."""

    def __call__(self, part: Part) -> Tensor:
        """Bits, a scalar; gradients go through."""
        ...


class SquaredError:
    """lambda 255^2 for a squared error of 1 (mean of the colours), by each pixel's own lambda: as in training."""

    def __init__(self, model: S2LIC) -> None:
        self.model = model

    def __call__(self, part: Part) -> Tensor:
        return self.map(part).sum()

    def map(self, part: Part) -> Tensor:
        """What each pixel adds, [1, 1, h, w]."""
        weight = error_weight(self.model, part.q, part.picture.shape[2], part.picture.shape[3])
        return (part.x - part.picture).square().mean(1, keepdim=True) * weight


class StructuralError:
    """`worth` bits for each pixel whose similarity is 0, and a share of squared errors, which see what MS-SSIM hardly
    does: colours that drift over large parts. Nothing is dissimilar where no window fits."""

    def __init__(self, worth: float, squared: SquaredError) -> None:
        self.worth, self.squared = worth, squared

    def __call__(self, part: Part) -> Tensor:
        structural = self.worth * dissimilarity(part.x, part.picture)
        return (1 - SQUARED) * structural + SQUARED * self.squared(part)


def structural(parts: Iterable[Part], squared: SquaredError) -> tuple[Error, float, list[Tensor]]:
    """The errors of structure of a picture, which in all are worth what its squared errors are: so a search moves along
    the curve as little as one for these. With that worth in bits, and what the curvature of J = bits + errors at each
    latent of a part is over that with squared errors, [1, 1, h / 16, w / 16].

    Half the curvature is that of the bits; what the errors of x are worth says how the other half grows.
    """
    worth, loss, maps = 0.0, 0.0, list[tuple[Tensor, Tensor]]()
    for part in parts:
        shape = -(-part.picture.shape[2] // PATCH), -(-part.picture.shape[3] // PATCH)
        pooled = [w * F.adaptive_avg_pool2d(d, shape).mean(0) for w, d in _dissimilar(part.x, part.picture)]
        own = squared.map(part)
        maps.append((_smooth(sum(pooled, part.x.new_zeros(shape))), _smooth(F.adaptive_avg_pool2d(own, shape)[0, 0])))
        worth += float(own.sum())
        loss += float(dissimilarity(part.x, part.picture))
    if not loss:
        return squared, worth, [torch.ones_like(of_squared) for _, of_squared in maps]
    scale = (1 - SQUARED) * worth / loss
    grown = [scale * of_structure / of_squared.clamp(min=1e-9) + SQUARED for of_structure, of_squared in maps]
    return StructuralError(worth / loss, squared), worth, [((1 + one) / 2).clamp(_LEAST, _MOST) for one in grown]


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


def _smooth(latents: Tensor) -> Tensor:
    """Means of 3 x 3 of [h, w], [1, 1, h, w]."""
    return F.avg_pool2d(latents[None, None], 3, 1, 1, count_include_pad=False)
