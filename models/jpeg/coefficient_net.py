"""The float network of JPEG coefficients, whose output is the code length itself (codec/codecs/jpeg runs its integers).

For each frequency, weighted sums of taps predict the coefficient (signed) and its size (magnitudes, and which are not
0); a small network shared by all frequencies makes a mixture of logistics of them.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.models.jpeg.shape import LARGEST, PHASES, CoefficientConfig

CUT = 64.0  # steps, of a prediction that the network sees
LEAST_SCALE, MOST_SCALE = 0.04, 400.0
FLOOR = 2.0**-16


class CoefficientNet(nn.Module):
    """Of one kind of component."""

    def __init__(self, config: CoefficientConfig) -> None:
        super().__init__()
        c = self.config = config
        sums = c.signed + c.sizes + c.counts
        start = torch.rand(64, c.taps, sums) * (2 / c.taps)
        start[..., : c.signed] = torch.randn(64, c.taps, c.signed) * 0.03
        self.sums = nn.Parameter(start)
        self.inner = nn.Linear(c.inputs, c.hidden)
        self.place = nn.Parameter(torch.zeros(64, PHASES, c.hidden))
        self.trunk = nn.Linear(c.hidden, c.trunk)
        self.head = nn.Linear(c.trunk, 3 * c.mixtures)
        self.skip = nn.Linear(c.inputs, 3 * c.mixtures, bias=False)
        self.origin = nn.Parameter(torch.zeros(64, 3 * c.mixtures))
        self.mean = nn.Parameter(torch.randn(64, PHASES, c.predictions, c.mixtures) * 0.1 + 1 / c.predictions)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.normal_(self.skip.weight, std=0.02)
        with torch.no_grad():
            self.head.bias.copy_(torch.tensor([0.0] * 2 * c.mixtures + [-1.5 + i for i in range(c.mixtures)]))
        e = c.end_hidden
        self.ends = nn.Sequential(nn.Linear(c.end_inputs, e), nn.ReLU(), nn.Linear(e, e), nn.ReLU(), nn.Linear(e, 64))

    def parameters_of(
        self, k: Tensor, x: Tensor, others: Tensor, step: Tensor, told: Tensor, phase: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, means in steps, log scales, each [G, N, K], of coefficients of frequencies `k` [G].

        Taps `x` [G, N, taps] as coefficient times step; predictions `others` [G, N, others] in steps; `step` [G, N];
        `told` [G, N, TOLD] as `told_of` gives them; `phase` [G, N].
        """
        c = self.config
        weights = self.sums[k]
        x = x.clamp(-LARGEST, LARGEST)
        signed = torch.bmm(x, weights[..., : c.signed]) / step[..., None]
        p = torch.cat([signed, others], -1)
        sizes = torch.bmm(x.abs(), weights[..., c.signed : c.signed + c.sizes]) / step[..., None]
        counts = torch.bmm((x != 0).float(), weights[..., c.signed + c.sizes :])
        inputs = torch.cat(
            [p.clamp(-CUT, CUT) / 4, logarithm(p.abs()), logarithm(sizes), counts.clamp(0, CUT), told], -1
        )
        # As products: the gradient of picked rows is slow.
        phases = F.one_hot(phase, PHASES).float()
        h = F.relu(self.inner(inputs) + torch.bmm(phases, self.place[k]))
        h = F.relu(self.trunk(h))
        o = self.head(h) + self.skip(inputs) + self.origin[k][:, None]
        logits, means, scales = o.chunk(3, -1)
        placed = (phases[..., None] * p[..., None, :]).flatten(-2)
        means = means + torch.bmm(placed, self.mean[k].flatten(1, 2))
        return logits, means, scales

    def bits(self, value: Tensor, last: Tensor, logits: Tensor, means: Tensor, scales: Tensor) -> Tensor:
        """Code length of each value (in steps), `last` ones known not to be 0."""
        w = logits.softmax(-1)
        s = torch.exp(-scales.clamp(math.log(LEAST_SCALE), math.log(MOST_SCALE)))

        def mass(x: Tensor) -> Tensor:
            d = (x[..., None] - means).abs()  # on the side where differences of sigmoids are exact
            return (w * (torch.sigmoid((0.5 - d) * s) - torch.sigmoid((-0.5 - d) * s))).sum(-1)

        p = mass(value) + FLOOR
        rest = torch.where(last, 1 - mass(torch.zeros_like(value)) + FLOOR, 1.0)
        return torch.log2(rest) - torch.log2(p)


def logarithm(x: Tensor) -> Tensor:
    """log2 of sixteenths, from 0 at 0 on."""
    return torch.log2(1 + 16 * x.clamp(0, 1000)) / 4


def told_of(k: Tensor, own: Tensor, around: Tensor, steps: Tensor, wide: Tensor) -> Tensor:
    """[..., TOLD] of frequency k: the block's end, ends of the eight neighbours [..., 8], three steps [..., 3], and
    what is known of ends farther away [..., 2] (see `wide_ends` of codec/codecs/jpeg/planes.py)."""
    rank = k.float()
    ahead = own - rank
    reach = torch.cat([(around[..., :4] - rank[..., None]) / 16, around[..., 4:].mean(-1, keepdim=True) / 16], -1)
    first = [ahead / 16, torch.log2(1 + ahead) / 2, own / 16, (ahead == 0).float()]
    return torch.cat([torch.stack(first, -1), reach, torch.log2(steps) / 2, wide / 32], -1)
