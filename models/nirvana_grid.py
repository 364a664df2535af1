"""The practical network of the video codec: frames as latent grids, 8 x 8 pixels to a cell.

A frame is six channels at half its size: the luma's pixels of every 2 x 2 square, and the two chroma samples that
4:2:0 has there. It is coded given a prediction (earlier coded frames, moved), which the network sees: what the latents
are likely to be and what becomes of them both depend on it (conditional coding). A key frame's prediction is grey.
Where a frame is predicted from two sides, the network also sees how much they differ: there it is in doubt.

A linear transform of 8 x 8 pixels, which starts as their principal components, carries the picture; small networks
around it learn what it can't do: the latents' means and scales (slice after slice, in two passes over a chequerboard,
with a coarser grid z before), a correction, and a filter over the result.

NIRVANA (arXiv 2212.14593) fits the weights of a network to every group; here a network that was learned beforehand
stays, and what is fitted to a frame and coded are its latents: docs/video.md says what each step of that brought.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 6  # of a frame at half size: 4 of luma, U, V
CELL = 4  # pixels of the half-size frame along a side of a cell of y
ALIGN = 8  # sides of half-size frames are multiples of this: z has a cell for 2 x 2 of y's
PATCH = CHANNELS * CELL * CELL
SLICES = (4, 12, 24, 56)  # channels of y, coded one after the other
LATENTS = sum(SLICES)
COARSE = 12  # channels of z
_SEEN, _HIDDEN, _SLICE, _FILTER, _ANALYSIS = 48, 64, 48, 12, 64
LOW, HIGH = -4.0, 7.0  # log2 of the least and the largest scale, in a latent's steps

Quantise = Callable[[Tensor], tuple[Tensor, Tensor]]


class Latents(NamedTuple):
    """`z` [B, 12, h / 8, w / 8] and `y` [B, 96, h / 4, w / 4] for a half-size frame of h x w."""

    z: Tensor
    y: Tensor


class Prediction(NamedTuple):
    """`frame` [B, 6, h, w], -0.5 to 0.5; `doubt`, the same shape: half the distance of the two frames that it is made
    of, 0 where it is made of one."""

    frame: Tensor
    doubt: Tensor


class Coded(NamedTuple):
    """What the decoder makes of latents: `frame` [B, 6, h, w], -0.5 to 0.5; `bits` estimated, of the whole batch."""

    frame: Tensor
    bits: Tensor


def chequers(height: int, width: int) -> Tensor:
    """[h, w]: 1 where row + column is odd: those cells are coded first, and are context to the others."""
    return ((torch.arange(height)[:, None] + torch.arange(width)) % 2).float()


def doubled(x: Tensor) -> Tensor:
    """Every cell four times."""
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def shuffled(x: Tensor) -> Tensor:
    """A frame [B, 6, h, w] as cells, [B, 96, h / 4, w / 4]."""
    return F.pixel_unshuffle(x, CELL)


def with_plane(x: Tensor, value: float) -> Tensor:
    """`x` and one more channel, `value` everywhere."""
    return torch.cat([x, x.new_full((len(x), 1, *x.shape[2:]), value)], 1)


class Decoder(nn.Module):
    """`g_s` and the entropy model. All values are in units of the frame's range; steps enter where latents do."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = _conv(2 * PATCH + 1, _SEEN, 1)
        self.z_enter = _conv(_SEEN, _SEEN, 3)
        self.z_params = _conv(_SEEN, 2 * COARSE, 1)
        self.enter = _conv(COARSE + _SEEN, _HIDDEN, 3)
        before = [sum(SLICES[:k]) for k in range(len(SLICES))]
        self.slice_enter = nn.ModuleList(_conv(_HIDDEN + n, _SLICE, 1) for n in before)
        self.slice_context = nn.ModuleList(_conv(n, _SLICE, 3) for n in SLICES)
        self.slice_params = nn.ModuleList(_conv(_SLICE, 2 * n, 1) for n in SLICES)
        self.basis = _conv(LATENTS, PATCH, 1)
        inner = _conv(LATENTS + _HIDDEN, _SLICE, 1), _conv(_SLICE, _SLICE, 3), _conv(_SLICE, PATCH, 1)
        self.more = nn.ModuleList(inner)
        outer = _conv(2 * CHANNELS, _FILTER, 3), _conv(_FILTER, CHANNELS, 3)
        self.filter = nn.ModuleList(outer)
        for last in (inner[2], outer[1]):
            nn.init.zeros_(last.weight)
        # log2 of y's steps is a - b t, for t from -1 (quality 0) to 1 (100).
        self.step_a = nn.Parameter(torch.full((LATENTS,), -2.47))
        self.step_b = nn.Parameter(torch.full((LATENTS,), 1.83))

    def log2_steps(self, t: float) -> Tensor:
        """[1, 96, 1, 1]."""
        return (self.step_a - self.step_b * t).view(1, -1, 1, 1)

    def forward(
        self, latents: Latents, prediction: Prediction, t: float, log2_steps: Tensor, quantise: Quantise
    ) -> Coded:
        """`latents` in units of their steps (z's is 1); sides of the prediction are multiples of 8.

        `quantise` makes of latents less their mean what the rate is reckoned with, and what the decoder gets.
        """
        steps = torch.exp2(log2_steps)
        base = prediction.frame
        seen = F.relu(self.seen(with_plane(torch.cat([shuffled(base), shuffled(prediction.doubt)], 1), t)))
        mu, scale = self.z_params(F.relu(self.z_enter(F.avg_pool2d(seen, 2)))).chunk(2, 1)
        counted, symbols = quantise(latents.z - mu)
        bits = gaussian_bits(counted, scale).sum()
        hidden = F.relu(self.enter(torch.cat([doubled(symbols + mu), seen], 1)))
        first = chequers(latents.y.shape[2], latents.y.shape[3]).to(latents.y)
        found: list[Tensor] = []  # of y, in units of the frame's range
        for k, (y, step, log_step) in enumerate(
            zip(latents.y.split(SLICES, 1), steps.split(SLICES, 1), log2_steps.split(SLICES, 1), strict=True)
        ):
            state = self.slice_enter[k](torch.cat([hidden, *found], 1))
            mu, scale = self.slice_params[k](F.relu(state)).chunk(2, 1)
            counted, early = quantise(y - mu / step)
            early = early + mu / step
            context = self.slice_context[k](early * step * first)
            mu_late, scale_late = self.slice_params[k](F.relu(state + context)).chunk(2, 1)
            counted_late, late = quantise(y - mu_late / step)
            found.append((early * first + (late + mu_late / step) * (1 - first)) * step)
            counted = counted * first + counted_late * (1 - first)
            bits = bits + gaussian_bits(counted, scale * first + scale_late * (1 - first) - log_step).sum()
        y_hat = torch.cat(found, 1)
        more = F.relu(self.more[1](F.relu(self.more[0](torch.cat([y_hat, hidden], 1)))))
        frame = base + F.pixel_shuffle(self.basis(y_hat) + self.more[2](more), CELL)
        frame = frame + self.filter[1](F.relu(self.filter[0](torch.cat([frame, base], 1))))
        return Coded(frame, bits)


class Analysis(nn.Module):
    """`g_a` and `h_a`: latents to start a fit from. Only encoders have it; a file decodes without."""

    def __init__(self) -> None:
        super().__init__()
        self.basis = _conv(PATCH, LATENTS, 1)
        self.enter = _conv(2 * PATCH + 1, _ANALYSIS, 1)
        self.mix = nn.ModuleList(_conv(_ANALYSIS, _ANALYSIS, 3) for _ in range(2))
        self.leave = _conv(_ANALYSIS, LATENTS, 1)
        self.z_enter = _conv(_ANALYSIS + LATENTS, _SEEN, 1)
        self.z_leave = nn.Conv2d(_SEEN, COARSE, 4, 2, padding=1)
        nn.init.zeros_(self.leave.weight)

    def forward(self, frame: Tensor, prediction: Tensor, t: float, log2_steps: Tensor) -> Latents:
        """Frame and prediction [B, 6, h, w] -> latents in units of their steps."""
        change, base = shuffled(frame - prediction), shuffled(prediction)
        x = F.leaky_relu(self.enter(with_plane(torch.cat([change, base], 1), t)), 0.1)
        for layer in self.mix:
            x = x + F.leaky_relu(layer(x), 0.1)
        y = self.basis(change) + self.leave(x)
        z = self.z_leave(F.leaky_relu(self.z_enter(torch.cat([x, y.abs()], 1)), 0.1))
        return Latents(z, y * torch.exp2(-log2_steps))


class Coder(nn.Module):
    """Both halves."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = Decoder()
        self.analysis = Analysis()

    def forward(self, frame: Tensor, prediction: Prediction, t: float, quantise: Quantise) -> Coded:
        """A frame [B, 6, h, w] through both."""
        log2_steps = self.decoder.log2_steps(t)
        latents = self.analysis(frame, prediction.frame, t, log2_steps)
        coded: Coded = self.decoder(latents, prediction, t, log2_steps, quantise)
        return coded

    @torch.no_grad()
    def start_from(self, vectors: Tensor, deviations: Tensor) -> None:
        """Begin with principal components: `vectors` [96, 96], orthonormal, of cells in which every sample is
        weighted alike, and the `deviations` [96] along them."""
        self.analysis.basis.weight.copy_(vectors[:, :, None, None])
        self.decoder.basis.weight.copy_(vectors.T[:, :, None, None])
        for name, value in self.decoder.slice_params.named_parameters():
            if name.endswith("weight"):
                value.mul_(0.1)
            else:
                own = deviations.split(SLICES)[int(name.split(".")[0])]
                value.copy_(torch.cat([torch.zeros_like(own), torch.log2(own)]))


def distortion(found: Tensor, wanted: Tensor) -> Tensor:
    """The mean squared error (6 Y + U + V) / 8 of frames [B, 6, h, w]."""
    weights = found.new_tensor([9 / 8] * 4 + [3 / 4] * 2).view(1, CHANNELS, 1, 1)  # four luma pixels to a chroma sample
    return ((found - wanted) ** 2 * weights).mean()


def gaussian_bits(values: Tensor, log2_scale: Tensor) -> Tensor:
    """The information in bits of whole `values` under Gaussians about 0."""
    scale = torch.exp2(log2_scale.clamp(LOW, HIGH)) * 2**0.5
    size = values.abs()
    p = torch.erf((size + 0.5) / scale) - torch.erf((size - 0.5) / scale)
    return 1 - torch.log2(p.clamp_min(2e-7))


def rounded(values: Tensor) -> tuple[Tensor, Tensor]:
    """What coding does."""
    whole = values.round()
    return whole, whole


def noisy(values: Tensor) -> tuple[Tensor, Tensor]:
    """For fits: noise in place of rounding, for rate and decoder alike."""
    found = values + torch.rand_like(values) - 0.5
    return found, found


def mixed(values: Tensor) -> tuple[Tensor, Tensor]:
    """For training: the rate of `values` with noise, which has a useful gradient, and what the decoder
    gets rounded as it will be, with the gradient of not being so (Minnen and Singh, arXiv 2007.08739, 3.3)."""
    return values + torch.rand_like(values) - 0.5, values + (values.round() - values).detach()


def _conv(before: int, after: int, kernel: int) -> nn.Conv2d:
    layer = nn.Conv2d(before, after, kernel, padding=kernel // 2)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer
