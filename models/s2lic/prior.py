"""Probability models of the latents: the factorised prior of z and the Gaussian of y.

Likelihoods are of unit-wide bins, floored at 1e-9, and always computed in float32 or wider.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SCALE_MIN = 0.11  # smallest sigma: below it a symbol costs nothing that could be saved
LIKELIHOOD_MIN = 1e-9


class _LowerBound(torch.autograd.Function):
    """max(x, bound) whose gradient still passes where it would push x back above the bound."""

    @staticmethod
    def forward(ctx, x: Tensor, bound: float) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x)
        ctx.bound = bound
        return x.clamp(min=bound)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        return grad * ((x >= ctx.bound) | (grad < 0)), None


def lower_bound(x: Tensor, bound: float) -> Tensor:
    """max(x, bound), with a gradient that can leave the bound."""
    return _LowerBound.apply(x, bound)


def ste_round(x: Tensor) -> Tensor:
    """Rounding with a straight-through gradient."""
    return x + (x.round() - x).detach()


class _GaussianBin(torch.autograd.Function):
    """Mass of N(0, sigma^2) in the unit bin around a residual; forward and backward share what is dear."""

    @staticmethod
    def forward(ctx, residual: Tensor, sigma: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        r, scale = residual.abs(), 2**-0.5 / sigma.clamp(min=SCALE_MIN)
        # Both tails on the same side: erfc keeps its precision where erf would be 1 - 1.
        p = torch.erfc((r - 0.5) * scale).sub_(torch.erfc((r + 0.5) * scale)).mul_(0.5).clamp_(min=LIKELIHOOD_MIN)
        ctx.save_for_backward(residual, sigma, p)
        return p

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[no-untyped-def]
        residual, sigma, p = ctx.saved_tensors
        inverse = 1 / sigma.clamp(min=SCALE_MIN)
        r = residual.abs()
        lower, upper = (r - 0.5) * inverse, (r + 0.5) * inverse
        near, far = torch.exp(-0.5 * lower.square()), torch.exp(-0.5 * upper.square())
        # At a bound a gradient passes if it leads away from it, as in `lower_bound`.
        outer = torch.where((p > LIKELIHOOD_MIN) | (grad < 0), grad, 0) * inverse * (2 * math.pi) ** -0.5
        by_sigma = outer * (lower * near - upper * far)
        by_sigma = torch.where((sigma >= SCALE_MIN) | (by_sigma < 0), by_sigma, 0)
        return outer * (far - near) * residual.sign(), by_sigma


def gaussian_likelihood(residual: Tensor, sigma: Tensor) -> Tensor:
    """Probability of the unit bin around `residual` = y - mu under N(0, sigma^2); sigma is at least SCALE_MIN."""
    return _GaussianBin.apply(residual, sigma)


class FactorizedPrior(nn.Module):
    """Learned cumulative distribution per channel (Balle et al. 2018, appendix 6.1), for z [B, C, H, W].

    The parametrisation is CompressAI's EntropyBottleneck with filters (3, 3, 3, 3), whose likelihoods it
    equals; the median is 0 here, since the training loss leaves it free.
    """

    WIDTHS = (1, 3, 3, 3, 3, 1)

    def __init__(self, channels: int, init_scale: float = 10.0) -> None:
        super().__init__()
        self.channels = channels
        layers = len(self.WIDTHS) - 1
        scale = init_scale ** (1 / layers)
        self.matrices, self.biases, self.factors = nn.ParameterList(), nn.ParameterList(), nn.ParameterList()
        for i in range(layers):
            cin, cout = self.WIDTHS[i], self.WIDTHS[i + 1]
            start = math.log(math.expm1(1 / scale / cout))
            self.matrices.append(nn.Parameter(torch.full((channels, cout, cin), start)))
            self.biases.append(nn.Parameter(torch.empty(channels, cout, 1).uniform_(-0.5, 0.5)))
            if i < layers - 1:
                self.factors.append(nn.Parameter(torch.zeros(channels, cout, 1)))

    def logits(self, v: Tensor) -> Tensor:
        """Logit of the cumulative distribution at v [C, 1, n]."""
        for i, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            v = F.softplus(matrix) @ v + bias
            if i < len(self.factors):
                v = v + self.factors[i].tanh() * v.tanh()
        return v

    def forward(self, z: Tensor) -> Tensor:
        """Probability of the unit bins around z [B, C, H, W]."""
        v = z.transpose(0, 1).reshape(self.channels, 1, -1)
        lower, upper = self.logits(v - 0.5), self.logits(v + 0.5)
        sign = -torch.sign(lower + upper).detach()  # subtract in the tail where sigmoids are small
        p = (torch.sigmoid(sign * upper) - torch.sigmoid(sign * lower)).abs()
        p = p.view(self.channels, z.shape[0], *z.shape[2:]).transpose(0, 1)
        return lower_bound(p, LIKELIHOOD_MIN)

    @torch.no_grad()
    def pmfs(self, limit: int = 512, tail: float = 2.0**-18) -> list[tuple[int, list[float]]]:
        """The first symbol of each channel, and the probabilities of it and its successors in float64.

        The last entry is the mass of everything outside (the escape). The range is the shortest one
        whose two tails have each less than `tail`, inside -limit..limit.
        """
        if self.matrices[0].dtype != torch.float64:
            raise ValueError("pmfs needs a float64 prior: build the tables from a copy made by .double()")
        edges = torch.arange(-limit, limit + 2, dtype=torch.float64) - 0.5
        cdf = torch.sigmoid(self.logits(edges.expand(self.channels, 1, -1)))[:, 0]  # [C, 2 limit + 2]
        result = []
        for c in cdf:
            p = c.diff().clamp(min=0)
            inside = torch.nonzero((c[1:] > tail) & (c[:-1] < 1 - tail))[:, 0]
            lo, hi = (int(inside[0]), int(inside[-1])) if len(inside) else (limit, limit)
            kept = p[lo : hi + 1].tolist()
            result.append((lo - limit, [*kept, max(0.0, 1.0 - sum(kept))]))
        return result
