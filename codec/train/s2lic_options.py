"""Options of a training run of S2LIC, and their command line."""

from dataclasses import dataclass

from codec.models.s2lic.config import CONFIGS, Config
from codec.train import commands, loop


@dataclass(frozen=True, kw_only=True)
class Options(loop.Schedule):
    """Options of a run; `codec train s2lic --help` says what each means."""

    config: str = "xs"
    val: str | None = None
    batch: int = 16
    crop: int = 128
    lr: float = 2e-3
    decay: float = 0.35
    ema: float = 0.998
    device: str = "auto"
    precision: str = "auto"
    log_every: int = 100
    save_every: float = 240.0
    val_every: float = 1800.0
    init: str | None = None
    overrides: str = "{}"


def parse(argv: list[str]) -> Options:
    """Command line -> Options; exits with usage on errors."""
    p = commands.parser("s2lic", "Train S2LIC, one set of weights for all rates.", Options)
    p.add_argument("--data", nargs="+", required=True, help="tar files or folders of photos")
    p.add_argument("--config", choices=sorted(CONFIGS), help="the sizes (default %(default)s)")
    p.add_argument("--val", help="tar file or folder of held-out photos")
    p.add_argument("--batch", type=commands.count, help="crops a step and process (default %(default)s)")
    p.add_argument("--crop", type=commands.count, help="pixels along a side, a multiple of 64 (default %(default)s)")
    p.add_argument("--device", help="auto, cpu, cuda, cuda:N (default %(default)s)")
    p.add_argument("--precision", choices=["auto", "fp32", "bf16"], help="auto: the faster, measured")
    p.add_argument("--init", help="start from what fits of these weights (.safetensors)")
    p.add_argument("--overrides", help="JSON of config fields to change, for experiments")
    options = commands.parsed(p, argv, Options)
    if options.crop % 64:
        p.error("--crop must be a multiple of 64")
    return options


def make_config(options: Options) -> Config:
    """The config that is named, with what is changed of it; CodecError for fields that there are not."""
    base = CONFIGS[options.config].to_dict()
    return commands.sizes(options.overrides, lambda changed: Config.from_dict(base | changed))
