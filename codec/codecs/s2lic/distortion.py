"""What errors are worth in bits to a search: squared ones, or those of structure.

1 - MS-SSIM is, nearly, a sum over scales and windows, since its product's factors are all close to 1. So parts of a
picture add up, as they do with squared errors.
"""

from collections.abc import Callable

from torch import Tensor

from codec.metrics.structure import similarities
from codec.models.s2lic.acgc import spread
from codec.models.s2lic.model import CELL, S2LIC

# (x, picture, q) -> bits, a scalar: x and picture [1, C, h, w] in 0..1, q of the part as the model takes it.
Error = Callable[[Tensor, Tensor, Tensor], Tensor]


def squared_error(model: S2LIC) -> Error:
    """lambda 255^2 for a squared error of 1 (mean of the colours), by each pixel's own lambda: as in training."""

    def error(x: Tensor, picture: Tensor, q: Tensor) -> Tensor:
        weight = error_weight(model, q, picture.shape[2], picture.shape[3])
        return ((x - picture).square().mean(1, keepdim=True) * weight).sum()

    return error


def structural_error(worth: float) -> Error:
    """`worth` bits for each pixel whose similarity is 0; nothing for parts into which no window fits."""

    def error(x: Tensor, picture: Tensor, q: Tensor) -> Tensor:
        pixels = picture.shape[2] * picture.shape[3]
        terms = similarities(255 * x[0].float(), 255 * picture[0], 255)
        return worth * pixels * sum((weight * (1 - term.mean()) for weight, term in terms), x.new_zeros(()))

    return error


def error_weight(model: S2LIC, q: Tensor, height: int, width: int) -> Tensor:
    """Bits that a squared error of 1 is worth, of values in 0..1: lambda 255^2, [1, 1, 1, 1] or of each pixel."""
    weight = 255**2 * model.config.log_lambda(q).exp()
    return weight[:, None, None, None] if q.ndim == 1 else spread(weight, CELL)[:, None, :height, :width]
