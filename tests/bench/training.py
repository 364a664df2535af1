"""Training crops of S2LIC a CPU second, one thread: `python tests/bench/training.py SHARD.tar [--steps 12]`.

One JSON line for each precision, by the median step, data and optimiser included. CPU seconds, since a busy machine
changes them least. To compare revisions, run it in a checkout of each, by turns.
"""

import argparse
import json
import statistics
import tempfile
import time

import torch

from codec.train.s2lic_options import parse
from codec.train.trainer import Trainer


def main() -> None:
    p = argparse.ArgumentParser()
    p.add_argument("data", nargs="+")
    p.add_argument("--steps", type=int, default=12)
    a = p.parse_args()
    torch.set_num_threads(1)
    for precision in ("bf16", "fp32"):
        with tempfile.TemporaryDirectory() as out:
            trainer = Trainer(parse(["--data", *a.data, "--out", out, "--steps", "1000", "--precision", precision]))
            seconds = []
            for _ in range(a.steps):
                start = time.process_time()
                trainer.train_step()
                seconds.append(time.process_time() - start)
        step = statistics.median(seconds[2:])
        batch, config = trainer.options.batch, trainer.options.config
        row = {"config": config, "precision": precision, "batch": batch, "step_s": step, "crops_per_s": batch / step}
        print(json.dumps(row))


if __name__ == "__main__":
    main()
