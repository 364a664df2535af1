"""Fits a session: the paper's loss and schedule, a new optimiser each time, and in the last fifth the weights as they
are stored. Of those epochs the best is kept, weights, masks and head of the same moment."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from codec.codecs.pfnr import steps
from codec.codecs.pfnr.frames import codes, split
from codec.codecs.pfnr.payload import HEAD, LIMIT
from codec.codecs.pfnr.presets import Preset
from codec.codecs.pfnr.store import Session, Store
from codec.device import one_thread
from codec.media.video import Planes
from codec.metrics.structure import similarities
from codec.models import pfnr
from codec.models.pfnr import Supernet

BETAS = (0.5, 0.999)
WARM, WARM_FROM = 0.2, 0.1  # the part of the schedule in which the rate rises, and from what part of it
ROUNDED = 0.8  # from this part of the schedule on weights are rounded
L1, SSIM = 0.7, 0.3
_WEIGHTS = (6 / 8, 2 / 8)  # of luma and colour
_ROOM = 1.05  # of a head's integers


@dataclass(frozen=True)
class Budget:
    """`epochs`, or `seconds` in their place; `fineness`: steps are a tensor's deviation over 2 to this."""

    epochs: int
    seconds: float | None = None
    fineness: float = 2.0


@dataclass(frozen=True)
class _Best:
    error: float
    session: Session


class Target:
    """Frames to fit to, as bytes on the device; samples 0..1 when they are asked for."""

    def __init__(self, planes: list[Planes], device: str) -> None:
        y, u, v = (torch.from_numpy(np.stack(part)) for part in zip(*planes, strict=True))
        self.luma, self.colour = y[:, None].to(device), torch.stack([u, v], 1).to(device)
        self.size = (self.luma.shape[2], self.luma.shape[3])

    def pairs(self, found: Tensor, which: Tensor) -> Iterator[tuple[Tensor, Tensor, float]]:
        """The network's samples of some frames, those wanted, and what they weigh: luma, then colour."""
        for part, wanted, weight in zip(split(found, *self.size), (self.luma, self.colour), _WEIGHTS, strict=True):
            yield part, wanted[which].float() / 255, weight

    def loss(self, found: Tensor, which: Tensor) -> Tensor:
        """0.7 L1 + 0.3 (1 - SSIM) of luma and colour, 6:2."""
        total = found.new_zeros(())
        for part, wanted, weight in self.pairs(found, which):
            similar = next(similarities(part.flatten(0, 1), wanted.flatten(0, 1), 1), None)
            lost = 0.0 if similar is None else 1 - similar[1].mean()  # planes below the window have none
            total = total + weight * (L1 * (part - wanted).abs().mean() + SSIM * lost)
        return total

    def error(self, found: Tensor, which: Tensor) -> float:
        """The squared error of luma and colour, 6:2."""
        return sum(
            weight * float((part.clamp(0, 1) - wanted).square().mean())
            for part, wanted, weight in self.pairs(found, which)
        )


class Fit:
    """One session after those of `store`."""

    def __init__(self, preset: Preset, store: Store, planes: list[Planes], device: str) -> None:
        self._preset, self._store, self._number = preset, store, store.count + 1
        self._target = Target(planes, device)
        self._grid = preset.shape.grid(*self._target.size)
        self._codes = codes(len(planes), self._number).float().to(device)
        generator = torch.Generator().manual_seed(store.count)
        frozen = _frozen(preset, store, self._grid)
        self.net = Supernet(preset.shape, self._grid, preset.keeps(self._grid), frozen, generator)
        self._favour_last()
        self.net.to(device)
        channels = preset.shape.widths[-1]
        bound = 1 / math.sqrt(channels)
        head = torch.empty(3, channels).uniform_(-bound, bound, generator=generator)
        if store.head is not None:
            head = torch.from_numpy(steps.floats(store.head)).float()
        self.head = head.to(device).requires_grad_()
        self._shuffle = generator
        self._steps: dict[str, int] | None = None  # once weights are rounded
        self._head_step = 0

    def _favour_last(self) -> None:
        """Begin with the masks of the last session: scores keep their spread, but those of its runs come first."""
        for name in self.net.shapes:
            if name not in self._store.masks:
                continue
            mask = torch.from_numpy(self._store.masks[name])
            scores = self.net.scores[name].data.view(len(mask), -1)
            scores[mask] = (scores[mask] + scores[mask].sign() * scores.abs().max()) / 2
            scores[~mask] /= 2

    def run(self, budget: Budget) -> Session:
        """The best session of the schedule."""
        count, batch = len(self._codes), min(self._preset.batch, len(self._codes))
        per_epoch = -(-count // batch)
        parameters = [*self.net.parameters(), self.head]
        adam = torch.optim.Adam(parameters, lr=self._preset.rate, betas=BETAS)
        best: _Best | None = None
        began, done, fraction = time.monotonic(), 0, 0.0
        while fraction < 1:
            for which in torch.randperm(count, generator=self._shuffle).split(batch):
                if fraction >= ROUNDED and self._steps is None:
                    self._choose_steps(budget.fineness)
                for group in adam.param_groups:
                    group["lr"] = self._preset.rate * schedule(fraction)
                which = which.to(self._codes.device)
                loss = self._target.loss(self._frames(which), which)
                adam.zero_grad()
                loss.backward()
                adam.step()
                done += 1
                fraction = done / (budget.epochs * per_epoch)
                if budget.seconds is not None:
                    fraction = (time.monotonic() - began) / max(budget.seconds, 1e-3)
                    if fraction >= 1:
                        break
            if fraction >= ROUNDED:
                best = self._better(best, budget.fineness)
        assert best is not None
        return best.session

    def _frames(self, which: Tensor) -> Tensor:
        sizes = None if self._steps is None else {name: steps.step(number) for name, number in self._steps.items()}
        head = self.head
        if self._steps is not None:
            size = steps.step(self._head_step)
            head = head + ((head.detach() / size).round().clamp(-HEAD, HEAD) * size - head.detach())
        return pfnr.frames(self._preset.shape, self._grid, self._codes[which], self.net.weights(sizes), head)

    @torch.no_grad()
    def _choose_steps(self, fineness: float) -> None:
        """Steps by the spread of each tensor's new weights."""
        self._steps = {}
        for name, mask in self.net.masks().items():
            new = self.net.free[name].view(len(mask), -1)[mask & ~self.net.used(name)]
            spread = float(new.square().mean().sqrt()) if len(new) else 1.0
            self._steps[name] = steps.nearest(spread / 2**fineness)
        self._head_step = steps.reaching(_ROOM * float(self.head.abs().max()), HEAD)

    @torch.no_grad()
    def _better(self, best: _Best | None, fineness: float) -> _Best:
        """The state as it is now, if it is better than the best."""
        if self._steps is None:
            self._choose_steps(fineness)
        count = len(self._codes)
        error = 0.0
        for which in torch.arange(count, device=self._codes.device).split(self._preset.batch):
            error += self._target.error(self._frames(which), which) * len(which) / count
        if best is None or error < best.error:
            return _Best(error, self._session())
        return best

    def _session(self) -> Session:
        assert self._steps is not None
        masks, values = {}, {}
        for name, chosen in self.net.masks().items():
            masks[name] = chosen.cpu().numpy()
            new = masks[name] & ~self.net.used(name).cpu().numpy()
            free = self.net.free[name].detach().view(len(new), -1).cpu().numpy()[new]
            values[name] = (
                np.rint(free / np.float32(steps.step(self._steps[name]))).clip(-LIMIT, LIMIT).astype(np.int32)
            )
        size = np.float32(steps.step(self._head_step))
        head = np.rint(self.head.detach().cpu().numpy() / size).clip(-HEAD, HEAD).astype(np.int32)
        return Session(self._grid, self._number, masks, self._steps, values, head, self._head_step)


def fit(preset: Preset, store: Store, planes: list[Planes], budget: Budget, device: str) -> Session:
    """The session of some frames after those of a store; on a CPU by one thread, so that files don't depend on more."""
    with one_thread(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        return Fit(preset, store, planes, device).run(budget)


def schedule(fraction: float) -> float:
    """The factor of the learning rate: it rises for a fifth, then falls to 0 by a cosine."""
    if fraction < WARM:
        return WARM_FROM + (1 - WARM_FROM) * fraction / WARM
    return 0.5 + 0.5 * math.cos(math.pi * min((fraction - WARM) / (1 - WARM), 1.0))


def _frozen(preset: Preset, store: Store, grid: pfnr.Grid) -> dict[str, tuple[Tensor, Tensor]]:
    """What earlier sessions wrote, as floats."""
    found = {}
    for name, size in preset.shape.tensors(grid).items():
        values, writers, _ = store.runs(name, size)
        found[name] = torch.from_numpy(steps.floats(values)).float().view(size), torch.from_numpy(writers > 0)
    return found
