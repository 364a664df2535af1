"""Context network of the lossless codec: from coded pixels to a small circuit over the next pixel's channels.

    coded pixels -> inputs -> trunk -> h2 -> head of channel 0 -> K logistics
                                       h2, value of channel 0 -> stage 1 -> K logistics of channel 1, and so on
    a pixel once coded -> feature net -> features, which the trunk of later pixels reads

The K products of logistics share their weights: coding a channel conditions them. Training sees all pixels at
once; the codec runs the same network in integers (codec/circuit/network.py).
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.models.context_shape import (
    ACTIVITY,
    ACTIVITY_PAIRS,
    FEATURE_NEIGHBOURS,
    FEATURE_REACH,
    FEATURE_TAPS,
    LEVELS,
    MARGIN,
    MAX_SCALE,
    MAX_SURPRISE,
    MIN_SCALE,
    NEIGHBOURS,
    ContextConfig,
)


class Stage(nn.Module):
    """Parameters of a channel from the trunk and `known`: what the pixel's channels before it turned out to be."""

    def __init__(self, config: ContextConfig, known: int) -> None:
        super().__init__()
        self.trunk = nn.Linear(config.trunk, config.stage)
        self.known = nn.Linear(known, config.stage, bias=False)
        self.head = nn.Linear(config.stage, 3 * config.mixtures)
        self.line = nn.Linear(known, 1, bias=False)  # straight to the means

    def forward(self, h: Tensor, known: Tensor) -> Tensor:
        """[3 K, n] from what `trunk` gives, [n, stage], and `known` [known, n], in float32."""
        parameters = channels_first(self.head, F.relu(h + self.known(known.T)))
        k = len(parameters) // 3
        logits, mu, scale = parameters.split(k)
        return torch.cat([logits, mu + self.line.weight @ known, scale])


def channels_first(layer: nn.Linear, x: Tensor) -> Tensor:
    """layer(x).T, [out, n] of x [n, in], made without a transposition."""
    return torch.addmm(layer.bias[:, None], layer.weight, x.T)


class ContextNet(nn.Module):
    """Bits of every sub-pixel of a picture, given the pixels before it."""

    def __init__(self, config: ContextConfig) -> None:
        super().__init__()
        self.config = c = config
        self.feature1 = nn.Linear(len(FEATURE_TAPS) * c.channels, c.feature_hidden)
        self.feature2 = nn.Linear(c.feature_hidden, c.features)
        self.input = nn.Linear(c.inputs, c.hidden)
        self.read = nn.Linear(len(FEATURE_NEIGHBOURS) * c.features, c.hidden, bias=False)
        self.hidden = nn.Linear(c.hidden, c.trunk)
        self.head = nn.Linear(c.trunk, 3 * c.mixtures)
        self.line = nn.Linear(c.inputs, c.channels, bias=False)  # straight to the means
        self.stages = nn.ModuleList(Stage(c, 2 * n) for n in range(1, c.channels))
        self.later = cast("list[Stage]", list(self.stages))  # the same, with their type
        self._start()

    @torch.no_grad()
    def _start(self) -> None:
        """Zero means, and scales spread around three levels, so that the first steps are sane."""
        k = self.config.mixtures
        fan_in = self.input.in_features + self.read.in_features
        layers = [self.feature1, self.feature2, self.hidden, *(s.trunk for s in self.later)]
        for layer in (self.input, self.read, *layers):
            n = fan_in if layer in (self.input, self.read) else layer.in_features
            nn.init.normal_(layer.weight, std=math.sqrt(2 / n))
        for head in (self.head, *(s.head for s in self.later)):
            head.weight.mul_(0.3)
            head.bias.zero_()
            head.bias[k : 2 * k] = torch.linspace(-0.5, 0.5, k)
            head.bias[2 * k :] = torch.linspace(-0.5, 2.5, k)[torch.randperm(k)]
        for line in (self.line, *(s.line for s in self.later)):
            line.weight.zero_()

    def forward(self, canvas: Tensor, inside: Tensor, top: int = 255) -> Tensor:
        """Code length in bits, float32 [C, B, h, w].

        `canvas`: levels 0..top of pixels and their margins, [B, MARGIN + h, MARGIN + w + MARGIN, C], any type;
        `inside`: 1 where a canvas pixel is coded (has features), 0 in a tile's margin, [B, MARGIN + h, ...].
        """
        x = canvas.float()
        h, w = x.shape[1] - MARGIN, x.shape[2] - 2 * MARGIN
        view = partial(window, x, MARGIN, MARGIN, h, w)
        base, inputs = self.inputs(view)
        h1 = F.relu(self.input(inputs) + self.read(self.features(x, inside, h, w)))
        h2 = F.relu(self.hidden(h1)).flatten(0, 2)
        stages = [s.trunk(h2).float() for s in self.later]
        # Training may run the above in bfloat16; what decides means and scales stays in float32.
        with torch.autocast(x.device.type, enabled=False):
            lines = self.line.weight @ inputs.flatten(0, 2).T
            values, base = (t.flatten(0, 2).T.contiguous() for t in (view((0, 0)), base))
            bits = self.circuit(values, base, lines, channels_first(self.head, h2.float()), stages, top)
        return bits.unflatten(1, (x.shape[0], h, w))

    def circuit(
        self, values: Tensor, base: Tensor, lines: Tensor, parameters: Tensor, stages: list[Tensor], top: int
    ) -> Tensor:
        """Bits of each channel, [C, n]: a product of logistics for every component, the weights conditioned.

        `values`, `base`, `lines`: [C, n]; `parameters`: logits, means, log scales of channel 0, [3 K, n].
        """
        posterior: Tensor | None = None
        known: list[Tensor] = []
        bits = []
        for c in range(self.config.channels):
            # Channels move together: start from the step of the first.
            origin = base[c] + known[0] / (2 * LEVELS) if known else base[c]
            if known:
                parameters = self.later[c - 1](stages[c - 1], torch.stack(known))
            logits, mu, scale = parameters.chunk(3)
            mu = mu + lines[c]
            prior = logits if posterior is None else posterior + logits
            total = prior.logsumexp(0)
            step = values[c] - origin
            surprise = (step - ((prior - total).exp() * mu).sum(0)).clamp(-MAX_SURPRISE, MAX_SURPRISE)
            known += [step * (2 * LEVELS), surprise * (2 * LEVELS)]
            posterior = prior + log_cell(values[c], origin + mu, scale, top)
            bits.append(total - posterior.logsumexp(0))
        return torch.stack(bits) / math.log(2)

    def inputs(self, view: Callable[[tuple[int, int]], Tensor]) -> tuple[Tensor, Tensor]:
        """Mean of the left and upper neighbour, [B, h, w, C], and the trunk's inputs, [B, h, w, inputs]."""
        left, up, corner = view((0, -1)), view((-1, 0)), view((-1, -1))
        both = left + up
        taps = torch.cat([view(o) for o in NEIGHBOURS], -1) * 2 - both.repeat(1, 1, 1, len(NEIGHBOURS))
        median = torch.maximum(torch.minimum(left, up), torch.minimum(torch.maximum(left, up), both - corner))
        pairs = [(view(a) - view(b)).abs() for a, b in ACTIVITY_PAIRS]
        active = torch.log2(1 + torch.stack(pairs).sum(0))
        return both / 2, torch.cat([taps * LEVELS, (2 * median - both) * LEVELS, active * ACTIVITY], -1)

    def features(self, x: Tensor, inside: Tensor, h: int, w: int) -> Tensor:
        """Features of the neighbours of every pixel, [B, h, w, neighbours * features]; 0 outside the tile."""
        r = FEATURE_REACH
        view = partial(window, x, MARGIN - r, MARGIN - r, h + r, w + 2 * r)
        both = view((0, -1)) + view((-1, 0))
        taps = torch.cat([view(o) for o in FEATURE_TAPS], -1) * 2 - both.repeat(1, 1, 1, len(FEATURE_TAPS))
        f = F.relu(self.feature2(F.relu(self.feature1(taps * LEVELS))))
        f = f * inside[:, MARGIN - r :, MARGIN - r : inside.shape[2] - MARGIN + r, None].to(f.dtype)
        return torch.cat([window(f, r, r, h, w, o) for o in FEATURE_NEIGHBOURS], -1)


def window(x: Tensor, top: int, left: int, h: int, w: int, offset: tuple[int, int]) -> Tensor:
    """x[:, top : top + h, left : left + w], moved by `offset` rows and columns."""
    top, left = top + offset[0], left + offset[1]
    return x[:, top : top + h, left : left + w]


class _LogCell(torch.autograd.Function):
    """log_cell with its derivatives written out: they share most of their work with the value."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, mean: Tensor, log_scale: Tensor, top: int) -> Tensor:
        clamped = log_scale.clamp(math.log(MIN_SCALE), math.log(MAX_SCALE))
        narrow = torch.exp(-clamped)
        centre = (value - mean) * narrow
        half = narrow / 2
        below, above = centre - half, centre + half
        has_below, has_above = (value > 0).float(), (value < top).float()
        # sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - e^(a - b)): nothing cancels, however far the tail.
        result = F.logsigmoid(above) * has_above + F.logsigmoid(-below) * has_below
        result += torch.log(-torch.expm1(-narrow)) * (has_below * has_above)
        up, down = torch.sigmoid(-above) * has_above, torch.sigmoid(below) * has_below
        by_centre = up - down
        by_narrow = (up + down) / 2 + (has_below * has_above) / torch.expm1(narrow)
        by_scale = (by_centre * centre + by_narrow * narrow) * (clamped == log_scale)
        ctx.save_for_backward(by_centre * narrow, by_scale)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        by_value, by_scale = ctx.saved_tensors
        by_value = gradient * by_value
        return by_value.sum(0), -by_value, -gradient * by_scale, None


def log_cell(value: Tensor, mean: Tensor, log_scale: Tensor, top: int) -> Tensor:
    """Natural log, [K, n], of logistics' mass in the cells of integers; the cells 0 and `top` hold the tails.

    `value`: [n], levels; `mean`, `log_scale`: [K, n], levels and nats, the latter clamped to the tables' range.
    """
    result: Tensor = _LogCell.apply(value, mean, log_scale, top)
    return result
