"""S2LIC (arXiv 2403.14471): a learned image codec of SwinV2 transforms and an ACGC entropy model. The small configs
have convolutions in the place of attention (`layers.ConvLayer`), no AG and no LRP.

    x -> Enh -> g_a -> y -> h_a -> z -> round -> z_hat -> EntropyModel -> y_hat -> g_s -> Enh -> x_hat
         shortcut ----^        (one set of weights for all rates: q in 0..1)         ^---- shortcut

Images are RGB in 0..1, [B, 3, H, W] with H and W multiples of 64. y has M channels at 1/16, z N at 1/64. A rate q is
one number a picture, [B], or a map [B, H/64, W/64].
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.models.s2lic.acgc import Y_CELLS, EntropyModel, RateTable, whole
from codec.models.s2lic.config import Config
from codec.models.s2lic.layers import ConvLayer, Enhance, conv, deconv, rs2tb, subpel, zero
from codec.models.s2lic.prior import gaussian_likelihood, ste_round

PATCH = 16  # pixels along a side of a latent y
CELL = 64  # and of a latent z, for which a map of rates has one value
TRANSFORM_GAIN = 8.0  # g_a's share of y, in units in which the finest quantisation step is 1


class Transform(nn.Module):
    """A chain of stages with a per-channel, rate-dependent gain after (g_a) or before (g_s) the finest SwinV2 block."""

    def __init__(self, before: nn.Sequential, after: nn.Sequential, channels: int, cells: int) -> None:
        super().__init__()
        self.before, self.after, self.cells = before, after, cells  # cells: places there along a side of a cell of z
        self.gain = RateTable(channels)  # log

    def forward(self, x: Tensor, q: Tensor, beside: Tensor | None = None) -> Tensor:
        """`beside`: what is added to the features of the finest scale."""
        return self.rest(self.before(x), q, beside)

    def rest(self, x: Tensor, q: Tensor, beside: Tensor | None = None) -> Tensor:
        """What follows `before`, whose result no rate changes."""
        x = x * self.gain(q, self.cells).exp().to(x.dtype)
        return self.after(x if beside is None else x + beside)


class S2LIC(nn.Module):
    """The whole model. `forward` is the training pass; coding uses `analyse`, `entropy_model` and `synthesise`."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        m = config.latents
        self.enhance_a = Enhance(*config.enhance) if config.enhance else nn.Identity()
        self.enhance_s = Enhance(*config.enhance) if config.enhance else nn.Identity()
        self.g_a, self.g_s = _analysis(config), _synthesis(config)
        n = config.hyper
        self.h_a = nn.Sequential(
            conv(m, n), nn.GELU(), conv(n, n), nn.GELU(), conv(n, n, stride=2), nn.GELU(), conv(n, n), nn.GELU(),
            conv(n, n, stride=2),
        )  # fmt: skip
        for layer in self.h_a:
            if isinstance(layer, nn.Conv2d):  # PyTorch's start would shrink z to a fiftieth of a step: none ever moved
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                zero(layer.bias)
        self.entropy = EntropyModel(config)
        self.y_restore = RateTable(m)  # log of y_hat's gain over the plain inverse
        if config.shortcut:
            self.shortcut_a = nn.Conv2d(3, m, PATCH, PATCH, bias=False)
            self.shortcut_s = nn.ConvTranspose2d(m, 3, PATCH, PATCH, bias=False)
            # The convolutions into y and into x_hat start small: the linear transform leads at first.
            for transform in (self.g_a, self.g_s):
                last = [m for m in transform.after.modules() if isinstance(m, nn.Conv2d)][-1]
                last.weight.data *= 0.1
                zero(last.bias)
        if config.filtered:
            self.seen = conv(3 * config.unshuffle**2, config.stages[0][0])
            zero(self.seen.weight)
            zero(self.seen.bias)

    @property
    def shortcut_gain(self) -> float:
        """y per unit of an orthonormal coefficient: at lambda_max a step of 1 is then about the best."""
        return 15.0 * (self.config.lambdas[1] / 0.09) ** 0.5

    @torch.no_grad()
    def init_shortcut(self, basis: Tensor, std: Tensor) -> None:
        """Start from a PCA of photo patches: rows [M, 768] (colour, row, column) and their deviations [M]."""
        self.shortcut_a.weight.copy_(basis.view(-1, 3, PATCH, PATCH))
        self.shortcut_s.weight.copy_(basis.view(-1, 3, PATCH, PATCH))
        self.entropy.unit.copy_((std * self.shortcut_gain).clamp(min=0.05))

    def features(self, x: Tensor) -> Tensor:
        """The part of `analyse` that is the same at all rates: image [B, 3, H, W] -> features of the finest scale."""
        return self.g_a.before(self.enhance_a(x) - 0.5)

    def analyse(self, x: Tensor, q: Tensor, features: Tensor | None = None) -> Tensor:
        """Image [B, 3, H, W] and q [B] -> y [B, M, H/16, W/16], unscaled, float32. `features`: those of x, if known."""
        features = self.features(x) if features is None else features
        y = TRANSFORM_GAIN * self.g_a.rest(features, q).float()
        if self.config.shortcut:
            y = y + self.shortcut_gain * self.shortcut_a(x - 0.5).float()
        return y

    def hyper_analysis(self, y: Tensor, q: Tensor) -> Tensor:
        """y unscaled -> z [B, N, H/64, W/64], scaled and ready to be rounded, float32."""
        return self.h_a(y / self.entropy.unit[:, None, None]).float() * self.entropy.z_gain(q, 1).exp()

    def synthesise(self, y_hat: Tensor, q: Tensor) -> Tensor:
        """Decoded latents in the scaled domain [B, M, H/16, W/16] -> image [B, 3, H, W], not clipped."""
        y = y_hat * (self.y_restore(q, Y_CELLS) - self.entropy.y_gain(q, Y_CELLS)).exp()
        latents = y / self.entropy.unit[:, None, None]
        if not self.config.shortcut:
            return self.enhance_s(self.g_s(latents, q).float() + 0.5)
        linear = self.shortcut_s(y / self.shortcut_gain).float()
        beside = self.seen(F.pixel_unshuffle(linear, self.config.unshuffle)) if self.config.filtered else None
        return self.enhance_s(linear + self.g_s(latents, q, beside).float() + 0.5)

    def small(self, y_hat: Tensor, q: Tensor, scale: int) -> Tensor:
        """Means over squares of `scale` pixels, of what the linear transform alone makes of the first channels of y_hat
        [B, c, H/16, W/16]: [B, 3, H/scale, W/scale], not clipped. Only with a shortcut; `scale`: a divisor of 16."""
        gain = (self.y_restore(q, Y_CELLS) - self.entropy.y_gain(q, Y_CELLS)).exp()[:, : y_hat.shape[1]]
        means = F.avg_pool2d(self.shortcut_s.weight[: y_hat.shape[1]], scale)
        return F.conv_transpose2d(y_hat * gain / self.shortcut_gain, means, stride=PATCH // scale).float() + 0.5

    def forward(self, x: Tensor, q: Tensor) -> dict[str, Tensor | dict[str, Tensor]]:
        """Training pass: the rate sees noise in training and rounding otherwise, all else rounding.

        Returns x_hat [B, 3, H, W] and likelihoods: y [B, M, H/16, W/16], z [B, N, H/64, W/64].
        """
        y = self.analyse(x, q)
        z = self.hyper_analysis(y, q)
        y = y * self.entropy.gain(q)
        p_z = self.entropy.prior(self._noisy(z))
        seen: list[tuple[Tensor, Tensor, Tensor]] = []  # cells, residual, sigma: two passes a slice

        def quantize(i: int, cells: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
            residual = y[:, self.config.channels(i)] - mu
            seen.append((cells, residual, sigma))
            return (ste_round(residual) + mu) * cells

        hyper = self.entropy.hyper(ste_round(z), q)
        y_hat = self.entropy.decode(hyper, q, quantize)
        cells, residuals, sigmas = zip(*seen, strict=True)
        # One call for all passes costs half of what ten do.
        likelihood = gaussian_likelihood(self._noisy(whole(cells, residuals)), whole(cells, sigmas))
        return {"x_hat": self.synthesise(y_hat, q), "likelihoods": {"y": likelihood, "z": p_z}}

    def _noisy(self, v: Tensor) -> Tensor:
        return v + torch.rand_like(v) - 0.5 if self.training else v.round()

    def entropy_model(self) -> EntropyModel:
        """A float64 copy of all that a file's probabilities depend on."""
        return copy.deepcopy(self.entropy).double().eval()


def _block(config: Config, stage: int) -> nn.Sequential:
    """The layers of a stage: with convolutions first, then the paper's block of SwinV2 ones."""
    dim, depth, heads = config.stages[stage]
    convolutions = config.convolutions[stage] if config.convolutions else 0
    return nn.Sequential(
        *(ConvLayer(dim, config.mlp) for _ in range(convolutions)), *rs2tb(dim, depth, heads, config.mlp)
    )


def _cells(config: Config) -> int:
    """Places of the finest stage along a side of a cell of z."""
    return CELL // (2 if config.unshuffle == 1 else config.unshuffle)


def _analysis(config: Config) -> Transform:
    stages, u = config.stages, config.unshuffle
    first = conv(3, stages[0][0], 5, 2) if u == 1 else conv(3 * u * u, stages[0][0])
    after: list[nn.Module] = []
    for i in range(1, len(stages)):
        after += [conv(stages[i - 1][0], stages[i][0], stride=2), _block(config, i)]
    after.append(conv(stages[-1][0], config.latents, stride=2))
    before = nn.Sequential(nn.PixelUnshuffle(u), first, _block(config, 0))
    return Transform(before, nn.Sequential(*after), stages[0][0], _cells(config))


def _synthesis(config: Config) -> Transform:
    stages, u = config.stages, config.unshuffle
    up = deconv if u == 1 else subpel
    before: list[nn.Module] = []
    cin = config.latents
    for i in reversed(range(1, len(stages))):
        before += [up(cin, stages[i][0]), _block(config, i)]
        cin = stages[i][0]
    before.append(up(cin, stages[0][0]))
    after = nn.Sequential(_block(config, 0), subpel(stages[0][0], 3, 2 if u == 1 else u, 3))
    return Transform(nn.Sequential(*before), after, stages[0][0], _cells(config))


def pad_to(x: Tensor, height: int, width: int) -> Tensor:
    """[B, C, H, W] with its last row and column repeated up to height x width."""
    return F.pad(x, (0, width - x.shape[3], 0, height - x.shape[2]), mode="replicate")
