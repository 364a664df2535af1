"""S2LIC's entropy model: hyper-synthesis, slices, checkerboard passes, latent residuals.

Where the paper's figure and its released code differ, this follows the figure: the second pass of a slice sees
the first through a 5x5 convolution (SP).

One loop, `EntropyModel.decode`, serves training, encoding and decoding; only the `quantize` that it is given
differs. A file's probabilities come from a float64 copy of this module and from nothing else.

    z_hat -> h_s -> hyper -+-> (sigma, mu) of slice 0 anchors -> y_hat -+-> ... its other half -> y_hat -+-> slice 1 ...
                           +------------------ every pass --------------+--- AC, AG: earlier slices ------+
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from codec.models.s2lic.config import Config
from codec.models.s2lic.contexts import ChannelContext, GlobalContext, mlp1x1, mlp3x3
from codec.models.s2lic.layers import conv, subpel
from codec.models.s2lic.prior import FactorizedPrior

KNOTS = 8  # rows of a rate table; between them it is interpolated
Y_CELLS = 4  # latents y along a side of a cell of z

# quantize(slice, cells [1, 1, H, W] bool, mu, sigma [B, c, H, W]) -> y_hat of these cells, zero elsewhere
Quantize = Callable[[int, Tensor, Tensor, Tensor], Tensor]


class RateTable(nn.Module):
    """A vector per channel that depends on the rate: piecewise linear in q over KNOTS rows.

    q in 0..1 is one number a picture, [B], or a map [B, h, w] of one number for each cell of z, 64 x 64 pixels.
    """

    def __init__(self, channels: int, first: float = 0.0, last: float = 0.0) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.linspace(first, last, KNOTS)[:, None].repeat(1, channels))

    def forward(self, q: Tensor, scale: int) -> Tensor:
        """q [B] -> [B, C, 1, 1]; a map [B, h, w] -> [B, C, h * scale, w * scale], `scale` places a cell and side."""
        at = q.to(self.rows.dtype) * (KNOTS - 1)
        i = at.floor().clamp(0, KNOTS - 2).long()
        t = (at - i)[..., None]
        vectors = (self.rows[i] * (1 - t) + self.rows[i + 1] * t).movedim(-1, 1)
        return vectors[:, :, None, None] if q.ndim == 1 else spread(vectors, scale)


def spread(cells: Tensor, scale: int) -> Tensor:
    """A value for each cell, [..., h, w] -> [..., h * scale, w * scale], the same at all places of the cell."""
    return cells.repeat_interleave(scale, -2).repeat_interleave(scale, -1)


class LatentResidual(nn.Module):
    """Latent residual prediction: adds at most half a step to what rounding left (LRP, Minnen and Singh 2020)."""

    def __init__(self, cin: int, hidden: tuple[int, ...], cout: int) -> None:
        super().__init__()
        self.net = mlp3x3(cin, *hidden, cout)

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * torch.tanh(self.net(x))


def checkerboard(h: int, w: int, device: torch.device) -> Tensor:
    """Anchor cells [1, 1, h, w]: where row + column is odd."""
    return ((torch.arange(h, device=device)[:, None] + torch.arange(w, device=device)) % 2 == 1)[None, None]


def whole(cells: Sequence[Tensor], parts: Sequence[Tensor]) -> Tensor:
    """What `quantize` saw in all passes, two a slice, each right on its own `cells`: [B, M, H, W]."""
    pairs = zip(cells[::2], parts[::2], parts[1::2], strict=True)
    return torch.cat([first.where(here, second) for here, first, second in pairs], 1)


class EntropyModel(nn.Module):
    """p(z), and p(y | z_hat, what is decoded already), slice by slice; y lives in the scaled domain y * gain(q)."""

    unit: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        widths, n = config.hyper_widths, config.hyper
        half_log_range = 0.5 * config.log_lambda_range
        self.prior = FactorizedPrior(n)
        self.z_gain = RateTable(n)  # log
        self.y_gain = RateTable(config.latents, -half_log_range, 0.0)  # log; the best step goes as lambda^-1/2
        self.rate_bias = RateTable(widths[0])
        # Typical magnitude of each latent, so that all networks see numbers near 1.
        self.register_buffer("unit", torch.full((config.latents,), 4.0))
        self.h_s_in = conv(n, widths[0])
        self.h_s = nn.Sequential(
            nn.GELU(),
            subpel(widths[0], widths[1], kernel=config.hyper_subpel),
            nn.GELU(),
            conv(widths[1], widths[2]),
            nn.GELU(),
            subpel(widths[2], widths[3], kernel=config.hyper_subpel),
            nn.GELU(),
            conv(widths[3], config.hyper_out),
        )
        self.ac, self.ag, self.sp = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.ep_anchor, self.ep_other = nn.ModuleList(), nn.ModuleList()
        self.lrp_anchor, self.lrp_other = nn.ModuleList(), nn.ModuleList()
        done = 0
        for c in config.slices:
            width = config.hyper_out
            if done:
                ac_out = min(2 * c, config.context_width)
                self.ac.append(ChannelContext(done, ac_out, config.context_hidden))
                width += ac_out
                if config.global_context:
                    ag_out = min(c, config.context_width)
                    self.ag.append(GlobalContext(done, ag_out))
                    width += ag_out
            sp_out = min(2 * c, config.context_width)
            self.sp.append(conv(c, sp_out, 5))
            self.ep_anchor.append(mlp1x1(width, *config.parameter_widths, 2 * c))
            self.ep_other.append(mlp1x1(width + sp_out, *config.parameter_widths, 2 * c))
            if config.residual_widths:
                cin = config.hyper_out // 2 + done + c
                self.lrp_anchor.append(LatentResidual(cin, config.residual_widths, c))
                self.lrp_other.append(LatentResidual(cin, config.residual_widths, c))
            done += c

    def gain(self, q: Tensor) -> Tensor:
        """The factor of y before rounding, [B, M, 1, 1] or [B, M, H, W], at most about 1, smaller at low rates."""
        return self.y_gain(q, Y_CELLS).exp()

    def hyper(self, z_symbols: Tensor, q: Tensor) -> Tensor:
        """h_s: symbols of z [B, N, h, w] -> what every pass sees [B, hyper_out, 4h, 4w]."""
        z_hat = z_symbols * (-self.z_gain(q, 1)).exp()
        return self.h_s(self.h_s_in(z_hat) + self.rate_bias(q, 1))

    def decode(self, hyper: Tensor, q: Tensor, quantize: Quantize, count: int | None = None) -> Tensor:
        """y_hat [B, M, H, W] in the scaled domain; `quantize` turns (mu, sigma) into values, slice by slice.

        `count`: only the first slices, so many, and their channels.
        """
        scale = self.gain(q) * self.unit[:, None, None]  # [B, M, 1, 1] or [B, M, H, W]
        anchor = checkerboard(hyper.shape[2], hyper.shape[3], hyper.device)
        means = hyper[:, hyper.shape[1] // 2 :]
        seen: list[Tensor] = []  # decoded slices over their scale
        slices: list[Tensor] = []
        for i in range(len(self.config.slices) if count is None else count):
            s = scale[:, self.config.channels(i)]
            context = [hyper]
            if i:
                u = torch.cat(seen, 1)
                context.append(self.ac[i - 1](u))
                if self.config.global_context:
                    context.append(self.ag[i - 1](u))
            first = torch.cat(context, 1)
            y_hat = quantize(i, anchor, *_parameters(self.ep_anchor[i](first), s))
            y_hat = self._refine(self.lrp_anchor, i, anchor, y_hat, s, means, seen)
            second = torch.cat((first, self.sp[i](y_hat / s)), 1)
            y_hat = y_hat + quantize(i, ~anchor, *_parameters(self.ep_other[i](second), s))
            y_hat = self._refine(self.lrp_other, i, ~anchor, y_hat, s, means, seen)
            seen.append(y_hat / s)
            slices.append(y_hat)
        return torch.cat(slices, 1)

    def _refine(
        self,
        lrp: nn.ModuleList,
        i: int,
        cells: Tensor,
        y_hat: Tensor,
        s: Tensor,
        means: Tensor,
        seen: list[Tensor],
    ) -> Tensor:
        if not self.config.residual_widths:
            return y_hat
        return y_hat + cells * lrp[i](torch.cat((means, *seen, y_hat / s), 1))


def _parameters(raw: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """(mu, sigma) in the scaled domain; at first mu = 0 and sigma is the latent's own typical magnitude."""
    wide = torch.float64 if raw.dtype == torch.float64 else torch.float32
    sigma, mu = raw.to(wide).chunk(2, 1)
    return mu * scale, (sigma + 1) * scale
