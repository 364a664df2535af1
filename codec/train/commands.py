"""What the command lines of training share: a schedule's options, defaults from a dataclass, outputs, checks."""

import argparse
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from codec.errors import CodecError
from codec.train.loop import Schedule

Options = TypeVar("Options")
Sizes = TypeVar("Sizes")


def parser(name: str, description: str, options: type[Schedule], epilog: str | None = None) -> argparse.ArgumentParser:
    """A parser of `codec train NAME`, with what every run is told; defaults are those of the dataclass `options`."""
    p = argparse.ArgumentParser(prog=f"codec train {name}", description=description, epilog=epilog)
    p.set_defaults(**{f.name: f.default for f in fields(options) if f.default is not MISSING})
    p.add_argument("--out", required=True, help="folder of the run: checkpoint, log, weights; resumed if it exists")
    length = p.add_mutually_exclusive_group(required=True)
    length.add_argument("--hours", type=positive, help="length of the schedule in hours of training")
    length.add_argument("--steps", type=count, help="length of the schedule in steps")
    p.add_argument("--lr", type=positive, help="peak learning rate (default %(default)s)")
    p.add_argument("--decay", type=share, help="last share of the schedule, falling to 0 (default %(default)s)")
    p.add_argument("--ema", type=share, help="decay of the averaged weights (default %(default)s)")
    p.add_argument("--seed", type=seed)
    p.add_argument("--log-every", type=count, help="steps between lines of log.jsonl (default %(default)s)")
    p.add_argument("--save-every", type=positive, help="seconds between checkpoints (default %(default)s)")
    p.add_argument("--val-every", type=positive, help="seconds between validations (default %(default)s)")
    p.add_argument("--stop-after", type=positive, help="stop this process after so many seconds, leaving a checkpoint")
    return p


def parsed(p: argparse.ArgumentParser, argv: Sequence[str], options: type[Options]) -> Options:
    """The options that a command line gives; exits with usage on errors."""
    return options(**vars(p.parse_args(argv)))


def output(p: argparse.ArgumentParser, *names: str, what: str = "the .safetensors file to write") -> None:
    """The option of the file that a command makes, `output`, and -f."""
    p.add_argument(*names, dest="output", metavar="FILE", type=Path, required=True, help=what)
    p.add_argument("-f", "--force", action="store_true", help="overwrite an existing file")


def check_output(path: Path, force: bool, suffix: str = ".safetensors") -> None:
    """CodecError at once if a file of this name stays, or it has another suffix than it is looked for by."""
    if not path.name.endswith(suffix):
        raise CodecError(f"{path}: give a name that ends in {suffix}")
    if path.is_dir():
        raise CodecError(f"{path}: is a folder; name a file in it")
    if path.exists() and not force:
        # What was encoded with weights needs just these.
        raise CodecError(f"{path}: there is such a file already; name another, or overwrite it with -f")


def count(text: str) -> int:
    """A whole number of at least 1."""
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def seed(text: str) -> int:
    """A whole number from 0 up, below 2^63."""
    if not 0 <= (value := int(text)) < 2**63:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 2^63 - 1")
    return value


def positive(text: str) -> float:
    """A number above 0."""
    if not 0 < (value := float(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def share(text: str) -> float:
    """A number from 0 to 1."""
    if not 0 <= (value := float(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
    return value


def sizes(text: str, make: Callable[[dict[str, Any]], Sizes]) -> Sizes:
    """What `make` makes of the sizes that an option changes, a JSON object; CodecError for what is none of it."""
    try:
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("it is no object")
        return make(values)
    except (TypeError, ValueError) as error:
        raise CodecError(f"the sizes {text} are none of this model's ({error}); give a JSON object of some") from error
