"""`codec train s2lic`: one set of weights for all rates; docs/training.md says what was compared.

Each sample of a batch has its own rate q; its loss R + lambda(q) 255^2 MSE is weighted by lambda^-1/2, since
BD-rate averages log-rates. The learning rate warms up, stays, and falls linearly to zero over the last part.
A run is resumed by running its command again, on one machine or (torchrun) several GPUs.
"""

import sys

from codec.train import loop, photos
from codec.train.s2lic_options import Options, parse
from codec.train.trainer import Trainer
from codec.train.validate import Validation


def train(options: Options) -> None:
    """Run (or go on with) a training run until its schedule ends, a signal comes or `stop_after` seconds are over."""
    t = Trainer(options)
    first = t.rank == 0  # the process that writes
    t.out.mkdir(parents=True, exist_ok=True)
    validation = Validation(photos.load([options.val])) if options.val and first else None
    if first:
        size = sum(p.numel() for p in t.model.parameters()) / 1e6
        of = f"{options.config}: {size:.2f} M parameters, {len(t.images)} photos"
        loop.say(f"{of}, {t.device}, {t.precision}, from {f'step {t.step}' if t.step else t.origin}")
    loop.train(t, (lambda: [validation.run(t.averaged_model())]) if validation else None, writes=first)
    t.close()


def main(argv: list[str] | None = None) -> None:
    """Entry point of `python -m codec.train.s2lic` and of `codec train s2lic`."""
    train(parse(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    main()
