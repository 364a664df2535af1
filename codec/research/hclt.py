"""`codec train hclt`: hidden Chow-Liu trees for small images, and their evaluation in real coded bytes.

EM on mini-batches: the expected counts are a running mean over batches that forgets ever more slowly,
and the weights are always the M-step of that mean. A run is resumed by running its command again.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from codec.entropy import Decoder, Encoder
from codec.errors import CodecError
from codec.models.research.circuit import LatentTree, circuit_of, log_marginal
from codec.models.research.hclt import HCLT, Flows, chow_liu_tree, mutual_information
from codec.research import idx, tour, weights
from codec.research.exact import WEIGHT_BITS
from codec.train import checkpoint
from codec.train.loop import log

_TO_BITS = -1 / np.log(2)
_UNIT = 1000  # images in one coded stream
_DECAY = 0.6  # the step of batch t is t^-0.6 ...
_STRUCTURE = 20_000  # images that the tree is learned from


@dataclass(frozen=True)
class Options:
    """Options of a run; `codec train hclt --help` says what each means."""

    data: str
    out: str
    dataset: str = "mnist"
    states: int = 16
    epochs: int = 60
    batch: int = 500
    smoothing: float = 10.0
    step: float = 0.005
    held_out: int = 2000
    seed: int = 0
    stop_after: float | None = None
    evaluate_only: bool = False


def parse(argv: list[str]) -> Options:
    """Command line -> Options; exits with usage on errors."""
    p = argparse.ArgumentParser(prog="codec train hclt", description="Train a hidden Chow-Liu tree on small images.")
    p.add_argument("--dataset", default="mnist", choices=["mnist", "fashion-mnist"], help="named in the results")
    p.add_argument("--data", required=True, help="folder of the data set's idx files, plain or .gz")
    p.add_argument("--out", required=True, help="folder of the run: checkpoint, log, weights; resumed if it exists")
    p.add_argument("--states", type=int, default=16, help="states of each hidden variable (default 16)")
    p.add_argument("--epochs", type=int, default=60, help="passes over the training images (default 60)")
    p.add_argument("--batch", type=int, default=500, help="images a step (default 500)")
    p.add_argument("--smoothing", type=float, default=10.0, help="pseudo-counts for a distribution (default 10)")
    p.add_argument("--step", type=float, default=0.005, help="least weight of a batch in the running mean")
    p.add_argument("--held-out", type=int, default=2000, help="training images kept for validation (default 2000)")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--stop-after", type=float, help="stop after so many seconds, leaving a checkpoint")
    p.add_argument("--evaluate-only", action="store_true", help="code the test set with the run's weights")
    options = Options(**vars(p.parse_args(argv)))
    if min(options.states, options.epochs, options.batch) < 1 or options.held_out < 0 or options.smoothing <= 0:
        p.error("--states, --epochs and --batch must be at least 1, --held-out at least 0, --smoothing above 0")
    return options


def _same(options: Options) -> dict[str, object]:
    """What must be the same for a run to go on: the model's size, and which images are held out."""
    return {name: getattr(options, name) for name in ("dataset", "states", "held_out", "seed")}


class Run:
    """A model, the running mean of its flows, and how many epochs they have seen."""

    def __init__(self, options: Options, images: NDArray[np.uint8]) -> None:
        self.options, self.folder = options, Path(options.out)
        rng = np.random.default_rng(options.seed)
        order = rng.permutation(len(images))
        self.held_out = torch.from_numpy(images[order[: options.held_out]])
        self.images = images[order[options.held_out :]]
        saved = checkpoint.load(self.folder / "checkpoint")
        if saved:
            tensors, state = saved
            other = any(state.get(name, value) != value for name, value in _same(options).items())
            if other or len(tensors["parent"]) != images.shape[1]:
                raise CodecError(f"{self.folder}: holds another run ({state}); give another --out")
            parent = tensors["parent"].numpy()
        else:
            parent, state = chow_liu_tree(mutual_information(self.images[:_STRUCTURE])), {"epoch": 0, "seconds": 0.0}
        self.parent, self.epoch, self.seconds = parent, int(state["epoch"]), float(state["seconds"])
        self.model = HCLT(parent, options.states, seed=options.seed)
        if saved:
            self.mean = Flows(tensors["root"], tensors["transitions"], tensors["emissions"], 1.0)
            self._maximise()
        else:
            self.mean = self.model.no_flows()
            self.model.start_from(self.images)

    def train_epoch(self) -> float:
        """One pass over the training images in a new order; their mean ln p on the way.

        The last epoch is one step of full-batch EM.
        """
        begun, options = time.monotonic(), self.options
        last = self.epoch == options.epochs - 1
        order = np.random.default_rng([options.seed, self.epoch]).permutation(len(self.images))
        batches = np.array_split(order, -(-len(order) // options.batch))
        total, all_flows = 0.0, self.model.no_flows()
        for i, rows in enumerate(batches):
            log_p, flows = self.model.flows(torch.from_numpy(self.images[rows]))
            total += float(log_p.sum())
            if last:
                all_flows.add(flows)
            else:
                step = 1 + self.epoch * len(batches) + i
                self.mean.approach(flows, max(step**-_DECAY, options.step))
                self._maximise()
        if last:
            self.mean.approach(all_flows, 1.0)
            self._maximise()
        self.epoch += 1
        self.seconds += time.monotonic() - begun
        return total / len(order)

    def _maximise(self) -> None:
        # The mean stands for one image; pseudo-counts are meant for the whole set.
        self.model.maximise(self.mean, self.options.smoothing, scale=len(self.images))

    def held_out_log_likelihood(self) -> float:
        parts = self.held_out.split(_UNIT)
        return sum(float(self.model.log_likelihood(p).sum()) for p in parts) / max(len(self.held_out), 1)

    def save(self) -> None:
        """Checkpoint and weights."""
        root, transitions, emissions = self.mean.tensors()
        tensors = {"parent": torch.from_numpy(self.parent), "root": root}
        state = {"epoch": self.epoch, "seconds": self.seconds, **_same(self.options)}
        checkpoint.save(
            self.folder / "checkpoint", tensors | {"transitions": transitions, "emissions": emissions}, state
        )
        note = f"hidden Chow-Liu tree, M = {self.options.states}, {self.options.dataset}, {self.epoch} epochs"
        weights.save(self.folder / "hclt.safetensors", self.model.to_tree(), note)


def evaluate(path: Path, images: NDArray[np.uint8]) -> dict[str, float]:
    """Code and decode all images with the weights in `path`; bits per dimension from the real bytes, seconds.

    `model_bpd` is what the integer weights' own likelihood, in float64, would cost.
    """
    model = weights.load(path)
    units = [images[start : start + _UNIT] for start in range(0, len(images), _UNIT)]
    begun = time.monotonic()
    streams = []
    for unit in units:
        encoder = Encoder()
        tour.code_images(encoder, unit, len(unit), model)
        streams.append(encoder.finish())
    compressed = time.monotonic()
    for unit, stream in zip(units, streams, strict=True):
        decoder = Decoder(stream)
        decoded = tour.code_images(decoder, None, len(unit), model)
        decoder.finish()
        if not np.array_equal(decoded, unit):
            raise CodecError("The decoded images are not those that were coded.")
    done = time.monotonic()
    size = sum(map(len, streams))
    parts = (model.tree.root, model.tree.transitions, model.tree.emissions)
    circuit = circuit_of(LatentTree(model.tree.parent, model.tree.variable, *(t / 2**WEIGHT_BITS for t in parts)))
    log_p = float(sum(log_marginal(circuit, unit).sum() for unit in units))
    return {
        "images": len(images),
        "bytes": size,
        "bpd": round(8 * size / images.size, 5),
        "model_bpd": round(_TO_BITS * log_p / images.size, 5),
        "compress_s": round(compressed - begun, 2),
        "decompress_s": round(done - compressed, 2),
    }


def train(options: Options) -> None:
    """Run (or go on with) a training run, then evaluate it on the test images."""
    folder = Path(options.data)
    begun = time.monotonic()
    if not options.evaluate_only:
        run = Run(options, idx.read_images(idx.find_images(folder, "train")))
        run.folder.mkdir(parents=True, exist_ok=True)
        pixels = run.images.shape[1]
        while run.epoch < options.epochs:
            train_bits = _TO_BITS * run.train_epoch() / pixels
            held_out = _TO_BITS * run.held_out_log_likelihood() / pixels
            values = {"epoch": run.epoch, "bpd": round(train_bits, 5), "held_out_bpd": round(held_out, 5)}
            log(run.folder, values | {"seconds": round(run.seconds, 1)})
            run.save()
            if options.stop_after is not None and time.monotonic() - begun > options.stop_after:
                return
    out = Path(options.out)
    test = idx.read_images(idx.find_images(folder, "t10k"))
    result = {"dataset": options.dataset, "states": options.states} | evaluate(out / "hclt.safetensors", test)
    log(out, result)


def main(argv: list[str] | None = None) -> None:
    """Entry point of `python -m codec.research.hclt` and of `codec train hclt`."""
    train(parse(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    main()
