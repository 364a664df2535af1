"""Context network of the lossless codec: from coded pixels to a small circuit over the next pixel's channels.

    coded pixels -> inputs -> trunk -> h2 -> head of channel 0 -> K logistics
                                       h2, value of channel 0 -> stage 1 -> K logistics of channel 1, and so on
    a pixel once coded -> feature net -> features, which the trunk of later pixels reads

The K products of logistics share their weights: coding a channel conditions them. For graphics there is a sum
unit above them: a pixel is first said to be a copy of one of several candidates, or none. Training sees all pixels
at once; the codec runs the same network in integers (codec/codecs/circuit/network.py).
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.models.circuit.shape import (
    ACTIVITY,
    ACTIVITY_PAIRS,
    FEATURE_NEIGHBOURS,
    FEATURE_REACH,
    FEATURE_TAPS,
    FLAGS,
    LEVELS,
    MARGIN,
    MAX_SCALE,
    MAX_SURPRISE,
    MIN_SCALE,
    NEAREST,
    NEIGHBOURS,
    ContextConfig,
)


class Stage(nn.Module):
    """Parameters of a channel from the trunk and `known`: what the pixel's channels before it turned out to be."""

    def __init__(self, config: ContextConfig, known: int, ceiling: float) -> None:
        super().__init__()
        self.ceiling = ceiling
        self.trunk = nn.Linear(config.trunk, config.stage)
        self.known = nn.Linear(known, config.stage, bias=False)
        self.head = nn.Linear(config.stage, 3 * config.mixtures)
        self.line = nn.Linear(known, 1, bias=False)  # straight to the means

    def forward(self, h: Tensor, known: Tensor) -> Tensor:
        """[3 K, n] from what `trunk` gives, [n, stage], and `known` [known, n], in float32."""
        parameters = channels_first(self.head, activation(h + self.known(known.T), self.ceiling))
        k = len(parameters) // 3
        logits, mu, scale = parameters.split(k)
        return torch.cat([logits, mu + self.line.weight @ known, scale])


def activation(x: Tensor, ceiling: float) -> Tensor:
    """ReLU, at most the ceiling."""
    return F.relu(x) if ceiling == math.inf else F.hardtanh(x, 0.0, ceiling)


def channels_first(layer: nn.Linear, x: Tensor) -> Tensor:
    """layer(x).T, [out, n] of x [n, in], made without a transposition."""
    return torch.addmm(layer.bias[:, None], layer.weight, x.T)


class ContextNet(nn.Module):
    """Bits of every sub-pixel of a picture, given the pixels before it.

    `ceiling`: where activations are cut, as those of an integer network are.
    """

    def __init__(self, config: ContextConfig, ceiling: float = math.inf) -> None:
        super().__init__()
        self.ceiling = ceiling
        self.config = c = config
        self.feature1 = nn.Linear(len(FEATURE_TAPS) * c.channels, c.feature_hidden)
        self.feature2 = nn.Linear(c.feature_hidden, c.features)
        self.input = nn.Linear(c.inputs, c.hidden)
        self.read = nn.Linear(len(FEATURE_NEIGHBOURS) * c.features, c.hidden, bias=False)
        self.hidden = nn.Linear(c.hidden, c.trunk)
        self.head = nn.Linear(c.trunk, 3 * c.mixtures)
        self.line = nn.Linear(c.inputs, c.channels, bias=False)  # straight to the means
        if c.candidates:
            self.copy = nn.Linear(c.trunk, 1 + c.candidates)  # logits: no copy, then of each candidate
        self.stages = nn.ModuleList(Stage(c, 2 * n, ceiling) for n in range(1, c.channels))
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

    def forward(
        self,
        canvas: Tensor,
        inside: Tensor,
        matched: Tensor | None = None,
        flags: Tensor | None = None,
        top: int = 255,
    ) -> Tensor:
        """Code length in bits, float32 [C, B, h, w]; that of the choice of a candidate is in channel 0.

        `canvas`: levels 0..top of pixels and their margins, [B, MARGIN + h, MARGIN + w + MARGIN, C], any type;
        `inside`: 1 where a canvas pixel is coded (has features), 0 in a tile's margin, [B, MARGIN + h, ...].
        With matches, as `matches_of` gives them: `matched` [B, h, w, matches, C], `flags` [B, h, w, matches].
        """
        x = canvas.float()
        h, w = x.shape[1] - MARGIN, x.shape[2] - 2 * MARGIN
        view = partial(window, x, MARGIN, MARGIN, h, w)
        base, inputs = self.inputs(view)
        if self.config.candidates:
            nodes = self.nodes(partial(window, packed(x), MARGIN, MARGIN, h, w), matched)
            inputs = torch.cat([inputs, *self.graphics(nodes, base, matched, flags)], -1)
        h1 = activation(self.input(inputs) + self.read(self.features(x, inside, h, w)), self.ceiling)
        h2 = activation(self.hidden(h1), self.ceiling).flatten(0, 2)
        values, base, inputs = (t.flatten(0, 2) for t in (view((0, 0)), base, inputs))
        new = None  # places of pixels that are no copies
        if self.config.candidates:
            own = packed(values)
            with torch.autocast(x.device.type, enabled=False):
                choice, copied = self.choice(own, nodes.flatten(0, 2), h2.float())
            new = torch.nonzero(~copied)[:, 0]
            h2, values, base, inputs = (t[new] for t in (h2, values, base, inputs))
        stages = [s.trunk(h2).float() for s in self.later]
        # Training may run the above in bfloat16; what decides means and scales stays in float32.
        with torch.autocast(x.device.type, enabled=False):
            lines = self.line.weight @ inputs.T
            values, base = (t.T.contiguous() for t in (values, base))
            bits = self.circuit(values, base, lines, channels_first(self.head, h2.float()), stages, top)
            if new is not None:
                bits = torch.zeros(len(bits), len(choice)).to(bits).index_copy(1, new, bits)
                bits = torch.cat([bits[:1] + choice, bits[1:]])
        return bits.unflatten(1, (x.shape[0], h, w))

    def choice(self, own: Tensor, nodes: Tensor, h2: Tensor) -> tuple[Tensor, Tensor]:
        """Bits [n] of whether a pixel is a copy, and of which colour; and whether it is one."""
        c = self.config
        candidates = torch.cat([nodes[:, : c.copies], nodes[:, len(NEAREST) :]], 1)
        same = candidates == own[:, None]
        copied = same.any(1)
        logits = self.copy(h2)
        # Equal candidates share one colour: their weights add up.
        right = torch.cat([~copied[:, None], same], 1)
        chosen = logits.masked_fill(~right, -math.inf).logsumexp(1)
        return (logits.logsumexp(1) - chosen) / math.log(2), copied

    def nodes(self, view: Callable[[tuple[int, int]], Tensor], matched: Tensor | None) -> Tensor:
        """Packed colours of the nearest neighbours, then of matches: [B, h, w, nodes]."""
        nearest = [view(o) for o in NEAREST]
        return torch.stack(nearest + ([] if matched is None else list(packed(matched.float()).unbind(-1))), -1)

    def graphics(self, nodes: Tensor, base: Tensor, matched: Tensor | None, flags: Tensor | None) -> list[Tensor]:
        """Further inputs [B, h, w, ...]: matches, equal pairs, flags."""
        c = self.config
        i, j = torch.triu_indices(c.pattern + c.matches, c.pattern + c.matches, 1)
        nodes = torch.cat([nodes[..., : c.pattern], nodes[..., len(NEAREST) :]], -1)
        result = [(nodes[..., i] == nodes[..., j]).float()]
        if matched is not None and flags is not None:
            found = (2 * matched.float() - 2 * base[..., None, :]) * LEVELS
            result = [found.flatten(3), *result, *((flags == f).float() for f in range(1, FLAGS + 1))]
        return result

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
            cell = log_cell(values[c], origin + mu, scale, top)
            bits.append(total - (prior + cell).logsumexp(0))
            # The integer circuit's cells have 18 bits and its weights 14: one that vanishes may not be counted on.
            posterior = prior + F.hardtanh(cell, -18 * math.log(2), 1.0)
            posterior = F.hardtanh(posterior - posterior.detach().amax(0), -13.5 * math.log(2), 1.0)
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
        f1 = activation(self.feature1(taps * LEVELS), self.ceiling)
        f = activation(self.feature2(f1), self.ceiling)
        f = f * inside[:, MARGIN - r :, MARGIN - r : inside.shape[2] - MARGIN + r, None].to(f.dtype)
        return torch.cat([window(f, r, r, h, w, o) for o in FEATURE_NEIGHBOURS], -1)


def packed(x: Tensor) -> Tensor:
    """One number for the channels [..., C] of 8 bits of a pixel, exact in float32."""
    result = x[..., 0]
    for c in range(1, x.shape[-1]):
        result = result + x[..., c] * 256**c
    return result


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
