"""The search for better latents of a tile: the encoder's alone, the decoder knows nothing of it.

J = bits + what errors are worth, of whole symbols. With K = round(y - mu), y_hat = K + mu, each pass takes the
gradient of J by y_hat, of all but each symbol's own bits, and moves a target t towards y_hat - gradient / 2 h. The next
pass takes for each symbol the k with the least bits(k) + h (k + mu - t)^2: a proximal gradient step whose proximal
operator, over the integers, is exact. h is the curvature of J; the search starts below it, where much moves, and ends
above it, where little does. (docs/search.md has what else was tried.)
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from codec.codecs.s2lic.distortion import Error, Part
from codec.models.s2lic.acgc import whole
from codec.models.s2lic.model import S2LIC
from codec.models.s2lic.prior import LIKELIHOOD_MIN, SCALE_MIN, gaussian_likelihood

# Where a step of 1 is the best, bits fall by 1 / ln 2 and squared errors of h / 12 grow by h / 6 when it grows.
CURVATURE = 6 / math.log(2)
FIRST_STEP = 0.7  # of the way to where the first gradient points


class Schedule(NamedTuple):
    """How long a search goes on, and its first and last values of what falls or rises between."""

    passes: int
    stiffness: tuple[float, float]  # h, in units of CURVATURE
    pace: tuple[float, float]  # part of the way that a target moves to where a gradient points


@dataclass(frozen=True)
class Place:
    """A tile among its surroundings: what a search needs beside the tile's own latents.

    `picture` [1, C, h, w] in 0..1, C 1 or 3, is the region's part of the picture, less where the region sticks out.
    `y` [1, M, H, W], scaled, is the region's; the tile lies at `rows`, `columns` of it. `z`: the tile's, whole numbers.
    `q`, `q_tile`: rates of the region and of the tile, as the model takes them. `curvature` [1, 1, h, w]: of J at the
    tile's latents, in units of CURVATURE. All are float32. `error`: what errors of the region are worth.
    """

    picture: Tensor
    y: Tensor
    rows: slice
    columns: slice
    z: Tensor
    q: Tensor
    q_tile: Tensor
    error: Error
    curvature: Tensor

    @property
    def tile(self) -> Tensor:
        """y of the tile [1, M, h, w], a view."""
        return self.y[:, :, self.rows, self.columns]


class _Coded(NamedTuple):
    """A slice's half: its cells, their values k + mu, and what their probabilities come from."""

    cells: Tensor
    values: Tensor
    mu: Tensor
    sigma: Tensor


class _Pass:
    """Symbols for a target, and the gradient of J by what they make of y_hat."""

    def __init__(self, model: S2LIC, place: Place) -> None:
        self.model, self.place = model, place
        with torch.no_grad():
            self.hyper = model.entropy.hyper(place.z, place.q_tile)

    def __call__(self, target: Tensor, stiffness: float) -> tuple[float, Tensor, Tensor]:
        """J in bits; values k + mu of the tile, and the gradient of J by them without that of their own bits."""
        place = self.place
        with torch.enable_grad():
            y_hat, halves = self._decode(target, stiffness)
            y = place.y.clone()
            y[:, :, place.rows, place.columns] = y_hat
            x = self.model.synthesise(y, place.q)[:, :, : place.picture.shape[2], : place.picture.shape[3]]
            values, mu, sigma = (_whole(halves, [h[part] for h in halves]) for part in (1, 2, 3))
            bits = -gaussian_likelihood(values.detach() - mu, sigma).log2().sum()
            (bits + self._error(x)).backward()
        cost = float(bits.detach() + self._error(x.detach().clamp(0, 1)))
        return cost, values.detach(), _whole(halves, [_gradient(h.values) for h in halves])

    @torch.no_grad()
    def values(self, target: Tensor, stiffness: float) -> Tensor:
        """The values k + mu alone."""
        _, halves = self._decode(target, stiffness)
        return _whole(halves, [h.values for h in halves]).detach()

    def _decode(self, target: Tensor, stiffness: float) -> tuple[Tensor, list[_Coded]]:
        halves: list[_Coded] = []

        def quantize(i: int, cells: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
            here = cells[0, 0]
            m, s = mu.detach()[0][:, here], sigma.detach()[0][:, here]
            residual = target[0, self.model.config.channels(i)][:, here] - m
            values = torch.zeros_like(mu)
            values[0][:, here] = m + best_symbols(residual, s, stiffness * self.place.curvature[0, 0][here])
            halves.append(_Coded(cells, values.requires_grad_(), mu, sigma))
            return values

        return self.model.entropy.decode(self.hyper, self.place.q_tile, quantize), halves

    def _error(self, x: Tensor) -> Tensor:
        if self.place.picture.shape[1] == 1:
            x = x.mean(1, keepdim=True)
        return self.place.error(Part(x, self.place.picture, self.place.q))


def _whole(halves: list[_Coded], parts: list[Tensor]) -> Tensor:
    return whole([half.cells for half in halves], parts)


def _gradient(leaf: Tensor) -> Tensor:
    assert leaf.grad is not None
    return leaf.grad


def best_symbols(residual: Tensor, sigma: Tensor, stiffness: Tensor) -> Tensor:
    """The whole number with the least bits + stiffness * error^2 among the three nearest to each residual, t - mu.

    `stiffness` is of a shape that fits the residuals'; if it is infinite, that is the nearest.
    """
    k = residual.round()
    if torch.isinf(stiffness).all():
        return k
    side = torch.where(k < 0, -1.0, 1.0)  # so that only tails on the right are subtracted, where erfc is precise
    k, at = k * side, residual * side
    scale = 2**-0.5 / sigma.clamp(min=SCALE_MIN)
    tails = [torch.erfc((k + edge) * scale) for edge in (-1.5, -0.5, 0.5, 1.5)]
    costs = [
        stiffness * (k + step - at).square()
        - ((tails[step + 1] - tails[step + 2]) / 2).clamp(min=LIKELIHOOD_MIN).log2()
        for step in (-1, 0, 1)
    ]
    return (k + torch.stack(costs).argmin(0) - 1) * side


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies in bfloat16 itself. Asked, not timed: the same command writes the same file again."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # from PyTorch 2.10 or so on
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def refine(
    model: S2LIC, place: Place, schedule: Schedule, fast: bool, told: Callable[[], None] | None = None
) -> Tensor:
    """y of the tile, scaled, [1, M, h, w], float32: the best that a search finds, plain coding's among them.

    The model's parameters need no gradient. `fast`: passes in bfloat16. `told` is called after each pass.
    """
    once = _Pass(model, place)
    best, values, gradient = once(place.tile, math.inf)
    (softest, stiffest), (quickest, slowest) = schedule.stiffness, schedule.pace
    kept, target = (place.tile, math.inf), values - FIRST_STEP * gradient / (2 * CURVATURE * softest * place.curvature)
    for step in range(schedule.passes):
        part = step / max(schedule.passes - 1, 1)
        stiffness = CURVATURE * softest ** (1 - part) * stiffest**part
        with torch.autocast(target.device.type, torch.bfloat16, enabled=fast):
            cost, values, gradient = once(target, stiffness)
        if cost < best:
            best, kept = cost, (target, stiffness)
        pace = quickest + (slowest - quickest) * part
        target = torch.lerp(target, values - gradient / (2 * stiffness * place.curvature), pace)
        if told:
            told()
    # In bfloat16 the means were less exact than those that coding will have.
    return once.values(*kept)
