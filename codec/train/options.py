"""Options of a training run of S2LIC, and their command line."""

import argparse
import json
from dataclasses import dataclass

from codec.models.s2lic.config import CONFIGS, Config


@dataclass(frozen=True)
class Options:
    """Options of a run; `codec train s2lic --help` says what each means."""

    data: list[str]
    out: str
    config: str = "xs"
    val: str | None = None
    hours: float | None = None
    steps: int | None = None
    batch: int = 16
    crop: int = 128
    lr: float = 2e-3
    decay: float = 0.35
    ema: float = 0.998
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    log_every: int = 100
    save_every: float = 240.0
    val_every: float = 1800.0
    init: str | None = None
    stop_after: float | None = None
    overrides: str = "{}"


def parse(argv: list[str]) -> Options:
    """Command line -> Options; exits with usage on errors."""
    p = argparse.ArgumentParser(prog="codec train s2lic", description="Train S2LIC, one set of weights for all rates.")
    p.add_argument("--data", nargs="+", required=True, help="tar files or folders of photos")
    p.add_argument("--out", required=True, help="folder of the run: checkpoint, log, weights; resumed if it exists")
    p.add_argument("--config", default="xs", choices=sorted(CONFIGS))
    p.add_argument("--val", help="tar file or folder of held-out photos")
    p.add_argument("--hours", type=float, help="length of the schedule in hours of training")
    p.add_argument("--steps", type=int, help="length of the schedule in steps")
    p.add_argument("--batch", type=int, default=16, help="crops a step and process (default 16)")
    p.add_argument("--crop", type=int, default=128, help="pixels along a side, a multiple of 64 (default 128)")
    p.add_argument("--lr", type=float, default=2e-3, help="peak learning rate (default 0.002)")
    p.add_argument("--decay", type=float, default=0.35, help="last share of the schedule, falling to 0 (default 0.35)")
    p.add_argument("--ema", type=float, default=0.998, help="decay of the averaged weights (default 0.998)")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    p.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"], help="auto: the faster, measured")
    p.add_argument("--log-every", type=int, default=100, help="steps between lines of log.jsonl")
    p.add_argument("--save-every", type=float, default=240.0, help="seconds between checkpoints")
    p.add_argument("--val-every", type=float, default=1800.0, help="seconds between validations")
    p.add_argument("--init", help="start from what fits of these weights (.safetensors)")
    p.add_argument("--stop-after", type=float, help="stop this process after so many seconds, leaving a checkpoint")
    p.add_argument("--overrides", default="{}", help="JSON of config fields to change, for experiments")
    options = Options(**vars(p.parse_args(argv)))
    if (options.hours is None) == (options.steps is None):
        p.error("give the length of the schedule: either --hours or --steps")
    if options.crop % 64:
        p.error("--crop must be a multiple of 64")
    return options


def make_config(options: Options) -> Config:
    values = CONFIGS[options.config].to_dict() | json.loads(options.overrides)
    return Config.from_dict(json.loads(json.dumps(values)))
