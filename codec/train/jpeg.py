"""`codec train jpeg`: the network of JPEG coefficients of one kind of component, its loss the code length itself.

The learning rate warms up, stays, and falls linearly to zero over the last part of the schedule. A run is resumed
by running its command again.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from codec.models.jpeg.coefficient_net import CoefficientNet
from codec.models.jpeg.shape import KINDS, CoefficientConfig
from codec.train import commands, loop, photos
from codec.train.jpeg_photos import CHROMA, LUMA, Coefficients, any_jpeg, components, table
from codec.train.jpeg_samples import Samples

VALIDATED = ((75, 2), (90, 1), (95, 2))  # quality, sampling
BITS = np.log(2.0)


@dataclass(frozen=True, kw_only=True)
class CoefficientOptions(loop.Schedule):
    """Options of a run; `codec train jpeg --help` says what each means."""

    val: list[str]
    kind: str = "y"
    config: str = "{}"
    variants: int = 2
    groups: int = 16
    batch: int = 512
    lr: float = 3e-3
    decay: float = 0.6
    ema: float = 0.995
    log_every: int = 100
    save_every: float = 120.0
    val_every: float = 120.0


def parse(argv: list[str]) -> CoefficientOptions:
    """Command line -> CoefficientOptions; exits with usage on errors."""
    p = commands.parser("jpeg", "Train a network of JPEG coefficients.", CoefficientOptions)
    p.add_argument("--data", nargs="+", required=True, help="tar files or folders of photos that were never lossy")
    p.add_argument("--val", nargs="*", default=[], help="tar files or folders of held-out photos, each reported apart")
    p.add_argument("--kind", choices=KINDS, help="luma, or which chroma component (default %(default)s)")
    p.add_argument("--config", help="JSON of sizes to change, such as '{\"hidden\": 96}'")
    p.add_argument("--variants", type=commands.count, help="JPEGs made of each photo (default %(default)s)")
    p.add_argument("--groups", type=commands.count, help="frequencies in a step (default %(default)s)")
    p.add_argument("--batch", type=commands.count, help="coefficients of each (default %(default)s)")
    return commands.parsed(p, argv, CoefficientOptions)


def jpegs(pictures: Iterable[np.ndarray], variants: int, seed: int) -> Iterator[list[Coefficients]]:
    """So many JPEGs of each photo [H, W, 3]."""
    rng = np.random.default_rng(seed)
    for photo in pictures:
        for _ in range(variants):
            yield any_jpeg(photo, rng)


class CoefficientRun(loop.Run):
    """A run of a network of coefficients."""

    model: CoefficientNet

    def __init__(self, options: CoefficientOptions) -> None:
        super().__init__(options)
        self.options = options
        kind = {"kind": options.kind}
        self.config = commands.sizes(options.config, lambda changed: CoefficientConfig(**changed | kind))
        self.samples = Samples(options.kind, jpegs(photos.load(options.data), options.variants, options.seed))
        # Frequencies are drawn by how often they occur, but less so, and weighted: each coefficient counts alike.
        share = self.samples.count.double() / self.samples.blocks
        drawn = share**0.6
        drawn[0] *= 2
        self._drawn = drawn / drawn.sum()
        self._weight = (share / self._drawn / options.groups).float().nan_to_num(0)
        torch.manual_seed(options.seed)
        self.model = CoefficientNet(self.config)
        self.begin({"optimizer": torch.optim.Adam(self.model.parameters(), lr=options.lr, betas=(0.9, 0.98))})

    def state(self) -> dict[str, Any]:
        return super().state() | {"config": self.config.to_dict()}

    def train_step(self) -> dict[str, float] | None:
        o, s = self.options, self.samples
        rng = torch.Generator().manual_seed(o.seed * 1_000_003 + self.step)
        k = torch.multinomial(self._drawn, o.groups, generator=rng)
        optimizer = self.optimizers["optimizer"]
        for group in optimizer.param_groups:
            group["lr"] = o.lr * self.factor()
        drawn = torch.rand(o.groups, o.batch, generator=rng, dtype=torch.float64)
        bits = lengths(self.model, s, k, s.order[(drawn * s.count[k][:, None]).long()]).mean(1)
        coefficients = (bits * self._weight[k]).sum()  # bits a block
        x, ends = s.ends(s.order[torch.randint(s.blocks, (o.batch // 2,), generator=rng)])
        end = cross_entropy(self.model.ends(x), ends) / BITS
        optimizer.zero_grad(set_to_none=True)
        ((coefficients + end) / 20).backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.step += 1
        if not torch.isfinite(norm):
            return None
        optimizer.step()
        self.update_average()
        return {"coefficients": coefficients.item(), "ends": end.item()}

    def averaged_model(self) -> CoefficientNet:
        model = CoefficientNet(self.config)
        model.load_state_dict(self.average)
        return model.eval()


def lengths(model: CoefficientNet, samples: Samples, k: Tensor, at: Tensor) -> Tensor:
    """Bits [G, N] of coefficients of frequencies `k` [G] of the blocks `at` [G, N]."""
    b = samples.batch(k, at)
    return model.bits(b.value, b.last, *model.parameters_of(k, b.taps, b.others, b.step, b.told, b.phase))


def averaged(run: Path) -> CoefficientNet:
    """The network of a run's averaged weights."""
    average, state = loop.averaged(run)
    model = CoefficientNet(CoefficientConfig(**state["config"]))
    model.load_state_dict(average)
    return model.eval()


@torch.no_grad()
def measure(model: CoefficientNet, samples: Samples, most: int = 3000) -> tuple[float, float]:
    """Bits a block of coefficients and of ends, by samples of each frequency."""
    rng = torch.Generator().manual_seed(1)
    bits = 0.0
    for k in range(64):
        count = int(samples.count[k])
        if count:
            at = samples.order[torch.randint(count, (1, min(count, most)), generator=rng)]
            bits += float(lengths(model, samples, torch.tensor([k]), at).mean()) * count / samples.blocks
    x, ends = samples.ends(samples.order[torch.randint(samples.blocks, (2 * most,), generator=rng)])
    return bits, float(cross_entropy(model.ends(x), ends)) / BITS


def held_out(path: str, kind: str) -> Samples:
    """Photos at some qualities."""
    pictures = photos.load([path])
    return Samples(
        kind, (components(p, [table(t, q) for t in (LUMA, CHROMA)], h, h) for p in pictures for q, h in VALIDATED)
    )


def train(options: CoefficientOptions) -> None:
    """Run (or go on with) a training run until its schedule ends, a signal comes or `stop_after` seconds are over."""
    run = CoefficientRun(options)
    run.out.mkdir(parents=True, exist_ok=True)
    val = {Path(v).name: held_out(v, options.kind) for v in options.val}
    size = sum(p.numel() for p in run.model.parameters())
    loop.say(f"{size} parameters, {run.samples.blocks} blocks, from step {run.step}")

    def validate() -> Iterator[dict[str, object]]:
        model = run.averaged_model()
        for name, samples in val.items():
            bits, ends = measure(model, samples)
            yield {"val": name, "coefficients": round(bits, 3), "ends": round(ends, 3), "sum": round(bits + ends, 3)}

    loop.train(run, validate)


def main(argv: list[str] | None = None) -> None:
    """Entry point of `codec train jpeg`."""
    train(parse(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    main()
