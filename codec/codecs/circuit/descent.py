"""Tuning of a network to one picture: which differences to its integers save more bits than they cost.

The loss is bits: the picture's code length by the float network that corresponds to the integers, and the price
that the code of differences (differences.py) asks. What is fitted counts in steps of the differences,
so it only has to be rounded; in the second half of the time the loss sees it ever closer to that.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call

from codec.codecs.circuit.adam import Adam
from codec.codecs.circuit.differences import Difference, Differences, shapes
from codec.codecs.circuit.inputs import SIDE, arrays
from codec.codecs.circuit.network import Network
from codec.codecs.circuit.scales import CEILING, dequantise, parameters, scales, split
from codec.codecs.circuit.work import WINDOW, Told, nobody
from codec.device import one_thread
from codec.models.circuit.context_net import ContextNet
from codec.models.circuit.shape import MARGIN, ContextConfig

Tile = NDArray[np.uint8]

RATE, WARM_UP = 0.12, 30  # in steps of differences
# The rate falls to zero in a straight line, in fits of more windows faster: else they end worse than shorter ones.
LONG = 3500
# Shares of the time that are left when differences begin to move to whole ones, and when they are there. All at once
# would be a blow of 0.07 bits per sub-pixel, from which the last steps don't recover.
SOFT, HARD = 1 / 2, 1 / 8
_LOOK = 8  # windows after which the clock is looked at
FLOOR = 0.05  # mean magnitude that a tensor's entries are thought to have at least
PRICED = 25  # windows between two looks at the price
# Gradients are cut to so many times their running norm: a single huge one moves all entries for ten steps of Adam.
CLIP, MEMORY = 1.5, 0.95

# Powers of two, and how fast entries move. Rows are scaled to the same largest sum, so their units are worth about the
# same everywhere; but heads and stages have few entries and feel each rounding.
_WEIGHT, _STAGE, _BIAS, _HEAD, _LINE = (5, 1), (4, 2), (10, 1), (2, 4), (2, 1)


def tune(
    network: Network,
    tiles: Sequence[Tile],
    count: int,
    seed: int = 0,
    seconds: float | None = None,
    told: Told = nobody,
) -> Differences:
    """Differences for a picture from `count` windows of it, or from as many as there is time for.

    `tiles` [h, w, C], uint8 in coded order, are those that will be coded. The same on every run of a machine and
    with any number of threads, but not on every machine: they are for the encoder, which sends them.
    """
    if not count:
        return {}
    order = _Windows(tiles, network.config, np.random.default_rng(seed))
    with one_thread():  # a second brings nothing here: so little is computed at once
        fit = _Fit(network, sum(t.size for t in tiles), count)
        started = time.perf_counter()
        while fit.done < fit.count:
            fit.step(order.next())
            told(WINDOW * count / fit.count)
            if seconds is not None and fit.done % _LOOK == 0:
                # What is left of the schedule shrinks with the time for it, so that it ends as it should.
                per_window = (time.perf_counter() - started) / fit.done
                fit.count = min(fit.count, max(int(seconds / per_window), fit.done))
        return fit.differences()


def tensors(tile: Tile, config: ContextConfig) -> tuple[Tensor, ...]:
    """What the network takes of a tile, as a batch of one."""
    return tuple(torch.from_numpy(a)[None] for a in arrays(tile, config))


def step_of(name: str) -> int:
    """The step of a tensor's differences, a power of two of its units."""
    return _kind(name)[0]


def _kind(name: str) -> tuple[int, int]:
    layer, _, part = name.rpartition(".")
    if part == "bias":
        return _BIAS
    if layer.endswith(("line", "head")):
        return _LINE if layer.endswith("line") else _HEAD
    return _STAGE if "stage" in layer else _WEIGHT


class _Fit:
    """Differences on their way: the optimizer's state and the price of every entry."""

    def __init__(self, network: Network, samples: int, count: int) -> None:
        self.config, self.samples, self.count, self.done = network.config, samples, count, 0
        self.norm = 0.0  # of the gradients, lately
        self.model = ContextNet(network.config, CEILING)
        self.base = dequantise(network.config, network.tensors)
        worth = scales(network.config)
        self.worth, self.values = {}, {}
        for name, shape in shapes(network).items():
            layer, _, part = name.rpartition(".")
            if part == "bias" and parameters(network.config)[layer][1] is None:
                continue
            into, out = worth[layer]
            unit = np.ldexp(out, step_of(name) - network.tensors[f"{layer}.shift"].astype(np.int64))
            unit = unit[:, None] / into if part == "weight" else unit
            self.worth[name] = torch.from_numpy(unit).float()
            self.values[name] = torch.zeros(shape, requires_grad=True)
        self.fitted = list(self.values.values())
        self.optimizer = Adam(self.fitted, [_kind(n)[1] for n in self.values])

    def step(self, window: tuple[Tensor, ...]) -> None:
        left = 1 - self.done / self.count
        rounded = min(1.0, max(0.0, (SOFT - left) / (SOFT - HARD)))
        loss = _bits(self.model, self.parameters(rounded), window).mean() * self.samples  # of the whole picture
        if self.done % PRICED == 0:
            self.prices = [_price(v) for v in self.fitted]
        gradients = torch.autograd.grad(loss, self.fitted)
        norm = torch.stack(torch._foreach_norm(gradients)).norm()
        rate = RATE * left ** max(1.0, self.count / LONG) * min(1, (self.done + 1) / WARM_UP)
        self.done += 1
        if not torch.isfinite(norm):
            return
        self.norm = self.norm or float(norm)
        limit = min(1.0, CLIP * self.norm / (float(norm) + 1e-9))
        self.norm = MEMORY * self.norm + (1 - MEMORY) * limit * float(norm)
        prices = [price * v.detach().sign() for price, v in zip(self.prices, self.fitted, strict=True)]
        self.optimizer.step([limit * g + p for g, p in zip(gradients, prices, strict=True)], rate)

    def parameters(self, rounded: float) -> dict[str, Tensor]:
        """The float network's, with the differences moved towards whole ones by the share `rounded`."""
        result = dict(self.base)
        for name, value in self.values.items():
            layer, _, part = name.rpartition(".")
            weights, bias = parameters(self.config)[layer]
            if rounded:
                value = value + rounded * (value.detach().round() - value.detach())
            change = value * self.worth[name]
            if part == "weight":
                pairs = zip(weights, split(change, self.config, layer), strict=True)
                result |= {own: self.base[own] + more for own, more in pairs}
            elif bias is not None:
                result[bias] = self.base[bias] + change
        return result

    def differences(self) -> Differences:
        values = {n: v.detach().round().numpy().astype(np.int32) for n, v in self.values.items()}
        return {n: Difference(step_of(n), v) for n, v in values.items() if v.any()}


class _Windows:
    """Windows of a picture's tiles: all of a grid in random order, then of another one."""

    def __init__(self, tiles: Sequence[Tile], config: ContextConfig, rng: np.random.Generator) -> None:
        self.rng = rng
        self.shapes = [t.shape[:2] for t in tiles]
        self.tensors = [tensors(t, config) for t in tiles]
        self.queue: list[tuple[int, int, int]] = []

    def next(self) -> tuple[Tensor, ...]:
        """What the network takes of one window."""
        if not self.queue:
            sides = [(i, h, w) for i, (h, w) in enumerate(self.shapes)]
            self.queue = [(i, top, left) for i, h, w in sides for top in self._cuts(h) for left in self._cuts(w)]
            self.rng.shuffle(self.queue)
        number, top, left = self.queue.pop()
        canvas, mask, *matches = self.tensors[number]
        window = slice(None), slice(top, top + MARGIN + SIDE), slice(left, left + SIDE + 2 * MARGIN)
        core = slice(None), slice(top, top + SIDE), slice(left, left + SIDE)
        return canvas[window], mask[window], *(m[core] for m in matches)

    def _cuts(self, n: int) -> list[int]:
        first = -int(self.rng.integers(SIDE))
        return sorted({min(max(at, 0), max(n - SIDE, 0)) for at in range(first, n, SIDE)})


def _price(value: Tensor) -> Tensor:
    """Bits that one more step of each entry costs, by the mean magnitudes of its row and column."""
    size = value.detach().round().abs()
    mean = size.mean()
    if size.dim() > 1:
        mean = size.mean(1, keepdim=True) * size.mean(0) / (mean + 1e-9)
    return torch.log2(1 + 1 / (mean + FLOOR)) + 1


def _bits(model: ContextNet, floats: dict[str, Tensor], window: tuple[Tensor, ...]) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        result: Tensor = functional_call(model, floats, window)
    return result
