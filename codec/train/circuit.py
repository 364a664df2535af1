"""`codec train circuit`: the context network of the lossless codec, its loss the code length itself.

The learning rate warms up, stays, and falls linearly to zero over the last part of the schedule. A run is resumed
by running its command again.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from codec.codecs.circuit.inputs import arrays
from codec.codecs.circuit.scales import CEILING
from codec.device import resolve
from codec.models.circuit.context_net import ContextNet
from codec.models.circuit.shape import ContextConfig
from codec.train import commands, loop, photos
from codec.train.narrow import narrowed
from codec.train.subpixels import Sampler

CODED_ORDER = [1, 0, 2]  # G, R, B
STRIP = 256  # rows of a tile in validation


@dataclass(frozen=True, kw_only=True)
class ContextOptions(loop.Schedule):
    """Options of a run; `codec train circuit --help` says what each means."""

    val: list[str]
    config: str = "{}"
    grey: bool = False
    batch: int = 4
    lr: float = 4e-3
    decay: float = 0.4
    ema: float = 0.999
    device: str = "cpu"
    precision: str = "bf16"
    log_every: int = 500
    save_every: float = 300.0
    val_every: float = 1200.0
    init: str | None = None
    narrow: str | None = None
    screens: float = 0.0


def parse(argv: list[str]) -> ContextOptions:
    """Command line -> ContextOptions; exits with usage on errors."""
    p = commands.parser(
        "circuit", "Train the lossless codec's context network.", ContextOptions,
        "`codec train hclt --help` is about circuits of small images.",
    )  # fmt: skip
    p.add_argument("--data", nargs="+", required=True, help="tar files or folders of photos that were never lossy")
    p.add_argument("--val", nargs="*", default=[], help="tar files or folders of held-out photos, each reported apart")
    p.add_argument("--config", help="JSON of sizes to change, such as '{\"hidden\": 128}'")
    p.add_argument("--grey", action="store_true", help="a network for grey pictures; photos give their luma")
    p.add_argument("--batch", type=commands.count, help="crops of 64 x 64 a step (default %(default)s)")
    p.add_argument("--device", help="cpu, cuda, cuda:N (default %(default)s)")
    p.add_argument("--precision", choices=["fp32", "bf16"], help="of the trunk (default %(default)s)")
    p.add_argument("--init", help="folder of a run whose averaged weights to start from")
    p.add_argument("--narrow", help="weights file of a wider network, whose units that matter most to start from")
    p.add_argument("--screens", type=commands.share, help="share of crops from drawn screens (default %(default)s)")
    return commands.parsed(p, argv, ContextOptions)


def load_photos(paths: Sequence[str], grey: bool) -> list[np.ndarray]:
    """uint8 [H, W, 3] in coded order, or luma [H, W, 1]."""
    rgb = photos.load(paths)
    if grey:
        weights = np.array([0.299, 0.587, 0.114], np.float32)
        return [np.rint(p @ weights).astype(np.uint8)[..., None] for p in rgb]
    return [np.ascontiguousarray(p[..., CODED_ORDER]) for p in rgb]


class ContextRun(loop.Run):
    """A run of a context network."""

    model: ContextNet

    def __init__(self, options: ContextOptions, pictures: Sequence[np.ndarray] | None = None) -> None:
        """`pictures`: what `options.data` names, where that is loaded already."""
        super().__init__(options)
        self.options, self.device = options, torch.device(resolve(options.device))
        grey = {"channels": 1} if options.grey else {}
        self.config = commands.sizes(options.config, lambda changed: ContextConfig(**changed | grey))
        pictures = load_photos(options.data, options.grey) if pictures is None else pictures
        self.sampler = Sampler(pictures, self.config, options.screens)
        torch.manual_seed(options.seed)
        # What was integers is cut as they are: units that were hardly ever active would else reach anything.
        self.model = ContextNet(self.config, CEILING if options.narrow else math.inf).to(self.device)
        if self.saved is None and options.init:
            self.model.load_state_dict(averaged(Path(options.init))[0])
        elif self.saved is None and options.narrow:
            self.model.load_state_dict(narrowed(Path(options.narrow), self.config))
        adam = torch.optim.Adam(self.model.parameters(), lr=options.lr, betas=(0.9, 0.98), fused=True)
        self.begin({"optimizer": adam})

    def state(self) -> dict[str, Any]:
        return super().state() | {"config": self.config.to_dict()}

    def train_step(self) -> dict[str, float] | None:
        # Crops follow from seed and step, so a resumed run sees what an unbroken one would.
        rng = np.random.default_rng((self.options.seed, self.step))
        inputs = [torch.from_numpy(a).to(self.device) for a in self.sampler.batch(self.options.batch, rng)]
        optimizer = self.optimizers["optimizer"]
        for group in optimizer.param_groups:
            group["lr"] = self.options.lr * self.factor()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.precision == "bf16"):
            loss = self.model(*inputs).mean()  # bits per sub-pixel
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
        self.step += 1
        if not torch.isfinite(norm):
            return None
        optimizer.step()
        self.update_average()
        return {"loss": loss.item()}

    def averaged_model(self) -> ContextNet:
        model = ContextNet(self.config, self.model.ceiling)
        model.load_state_dict(self.average)
        return model.to(self.device).eval()


def averaged(run: Path, name: str = "checkpoint") -> tuple[dict[str, Tensor], ContextConfig]:
    """The averaged weights of a run's checkpoint, and their sizes."""
    average, state = loop.averaged(run, name)
    return average, ContextConfig(**state["config"])


@torch.no_grad()
def measure(model: ContextNet, picture: np.ndarray) -> float:
    """Bits per sub-pixel of a picture [H, W, C] in coded order, coded in strips of full width."""
    device = next(model.parameters()).device
    bits = 0.0
    for top in range(0, len(picture), STRIP):
        strip = picture[top : top + STRIP]
        inputs = (torch.from_numpy(a)[None].to(device) for a in arrays(strip, model.config))
        bits += float(model(*inputs).double().sum())
    return bits / picture.size


def train(options: ContextOptions) -> None:
    """Run (or go on with) a training run until its schedule ends, a signal comes or `stop_after` seconds are over."""
    run = ContextRun(options)
    run.out.mkdir(parents=True, exist_ok=True)
    held_out = {Path(v).name: load_photos([v], options.grey) for v in options.val}
    size = sum(p.numel() for p in run.model.parameters())
    loop.say(f"{size} parameters, {len(run.sampler.photos)} photos, {options.precision}, from step {run.step}")

    def validate() -> Iterator[dict[str, object]]:
        model = run.averaged_model()
        for name, pictures in held_out.items():
            each = [round(measure(model, p), 4) for p in pictures]
            yield {"val": name, "bpsp": round(float(np.mean(each)), 4), "each": each}

    loop.train(run, validate)


def main(argv: list[str] | None = None) -> None:
    """Entry point of `python -m codec.train.circuit` and of `codec train circuit`."""
    train(parse(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    main()
