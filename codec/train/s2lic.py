"""`codec train s2lic`: one set of weights for all rates; docs/training.md says what was compared.

Each sample of a batch has its own rate q; its loss R + lambda(q) 255^2 MSE is weighted by lambda^-1/2, since
BD-rate averages log-rates. The learning rate warms up, stays, and falls linearly to zero over the last part.
A run is resumed by running its command again, on one machine or (torchrun) several GPUs.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from codec.train import photos
from codec.train.options import Options, parse
from codec.train.signals import stop_signals
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
        _say(f"{of}, {t.device}, {t.precision}, from {f'step {t.step}' if t.step else t.origin}")
    begun = last = saved = checked = time.monotonic()
    window: list[tuple[float, float, float]] = []
    decaying = t.progress() > 1 - options.decay
    with stop_signals() as signals:
        while not t.finished(bool(signals) or last - begun > (options.stop_after or float("inf"))):
            result = t.train_step()
            now = time.monotonic()
            t.seconds, last = t.seconds + now - last, now
            window += [result] if result else []
            if not first:
                continue
            if t.step % options.log_every == 0 and window:
                loss, bpp, mse = np.mean(window, 0).round(5).tolist()
                skipped = options.log_every - len(window)
                _log(t, {"loss": loss, "bpp": bpp, "mse": mse, "skipped": skipped, "progress": round(t.progress(), 4)})
                window = []
            if not decaying and t.progress() > 1 - options.decay:
                decaying = True
                t.save("stable")  # from here a longer schedule can branch off
            if now - saved > options.save_every:
                t.save()
                saved = now
            if validation and now - checked > options.val_every:
                _log(t, validation.run(t.averaged_model()))
                last = checked = time.monotonic()  # validation is not training time
    if first:
        t.save()
        t.save_average()
        if validation and not signals:
            _log(t, validation.run(t.averaged_model()))
    t.close()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _log(t: Trainer, values: dict[str, object]) -> None:
    line = json.dumps({"step": t.step, "hours": round(t.seconds / 3600, 4)} | values)
    _say(line)
    with (Path(t.out) / "log.jsonl").open("a") as f:
        f.write(line + "\n")


def main(argv: list[str] | None = None) -> None:
    """Entry point of `python -m codec.train.s2lic` and of `codec train s2lic`."""
    train(parse(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    main()
