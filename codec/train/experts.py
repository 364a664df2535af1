"""`codec train experts`: from one context network several, each for some of the photos, by hard EM.

In circuit terms a deterministic sum unit at the root: a unit of a file names its network, so the choice costs the
decoder nothing. First, photos that want the network changed in the same direction come together (spherical k-means
on gradients of the code length); then, in turn, each network trains on its photos, and each photo goes to the
network that codes it best.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from codec.codecs.circuit.inputs import arrays
from codec.models.circuit.context_net import ContextNet
from codec.output import write_whole
from codec.train import circuit, commands
from codec.train.loop import say
from codec.train.signals import stop_signals
from codec.train.subpixels import Sampler

SIDE = 256  # pixels of the middle of a photo by which it is assigned
DIRECTIONS = 1024  # of random projections of gradients
TURNS = 50  # of k-means at most

Pictures = Sequence[NDArray[np.uint8]]
Int = NDArray[np.int64]


def parse(argv: list[str]) -> tuple[argparse.Namespace, circuit.ContextOptions]:
    """Command line -> what is about experts, and the options of each one's run; exits with usage on errors."""
    p = argparse.ArgumentParser(prog="codec train experts", description="Specialise the lossless codec's network.")
    p.add_argument("--init", type=Path, required=True, help="folder of the run to start from")
    p.add_argument("--data", nargs="+", required=True, help="tar files or folders of photos that were never lossy")
    p.add_argument("--out", type=Path, required=True, help="folder of the runs 0, 1, ...; resumed if it exists")
    p.add_argument("--val", nargs="*", default=[], help="tar files or folders of held-out photos")
    p.add_argument("--count", type=int, default=4, help="of experts (default 4)")
    p.add_argument("--rounds", type=int, default=5, help="how often photos are assigned anew (default 5)")
    p.add_argument("--steps", type=int, default=10000, help="of each expert, in all rounds together (default 10000)")
    p.add_argument("--batch", type=int, default=4, help="crops of 64 x 64 a step (default 4)")
    p.add_argument("--lr", type=float, default=1.5e-3, help="peak learning rate (default 0.0015)")
    p.add_argument("--seed", type=commands.seed, default=0)
    a = p.parse_args(argv)
    _, config = circuit.averaged(a.init)
    options = circuit.ContextOptions(
        data=a.data, out=str(a.out), val=a.val, config=json.dumps(config.to_dict()), grey=config.channels == 1,
        steps=a.steps, batch=a.batch, lr=a.lr, decay=0.6, seed=a.seed, init=str(a.init),
    )  # fmt: skip
    return a, options


def middle(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The square of at most SIDE pixels in the middle."""
    top, left = ((n - min(n, SIDE)) // 2 for n in picture.shape[:2])
    return np.ascontiguousarray(picture[top : top + SIDE, left : left + SIDE])


def similar(model: ContextNet, pictures: Pictures, count: int, rng: np.random.Generator) -> Int:
    """One of `count` groups for each picture, by the direction in which it wants the weights changed."""
    wanted = []
    for p in pictures:
        model.zero_grad()
        model(*(torch.from_numpy(a)[None] for a in arrays(p, model.config))).mean().backward()
        wanted.append(np.concatenate([w.grad.flatten().numpy() for w in model.parameters() if w.grad is not None]))
    gradients = np.stack(wanted)
    gradients /= np.sqrt((gradients**2).mean(0)) + 1e-12  # or those of few large weights would be all that counts
    gradients -= gradients.mean(0)
    seen = gradients @ rng.standard_normal((gradients.shape[1], DIRECTIONS), np.float32)
    return spherical(seen / np.linalg.norm(seen, axis=1, keepdims=True), count, rng)


def spherical(points: NDArray[np.float32], count: int, rng: np.random.Generator) -> Int:
    """k-means of unit vectors [n, d] by their cosines: the group of each."""
    centres = points[rng.choice(len(points), 1)]
    while len(centres) < count:  # far from those that there are
        distance = np.maximum(1 - (points @ centres.T).max(1), 0)
        centres = np.concatenate([centres, points[rng.choice(len(points), 1, p=distance / distance.sum())]])
    groups = np.zeros(len(points), np.int64)
    for _ in range(TURNS):
        before, groups = groups, (points @ centres.T).argmax(1)
        if (before == groups).all():
            break
        for k in set(groups.tolist()):
            centre = points[groups == k].sum(0)
            centres[k] = centre / np.linalg.norm(centre)
    return groups


def costs(models: Sequence[ContextNet], pictures: Pictures) -> NDArray[np.float64]:
    """Bits per sub-pixel of each picture by each network, [pictures, networks]."""
    return np.array([[circuit.measure(m, p) for m in models] for p in pictures])


def train(a: argparse.Namespace, options: circuit.ContextOptions) -> None:
    """Run (or go on with) all rounds, until they are over or a signal comes."""
    pictures = circuit.load_photos(options.data, options.grey)
    runs = [
        circuit.ContextRun(replace(options, out=str(a.out / str(k)), seed=options.seed + k), pictures)
        for k in range(a.count)
    ]
    held_out = circuit.load_photos(options.val, options.grey) if options.val else []
    known = a.out / "groups.json"
    groups: list[list[int]] = json.loads(known.read_text()) if known.exists() else []
    middles = [middle(p) for p in pictures]
    with stop_signals() as signals:
        for number in range(a.rounds):
            if len(groups) <= number:
                models = [run.averaged_model() for run in runs]
                rng = np.random.default_rng(options.seed)
                found = costs(models, middles).argmin(1) if number else similar(models[0], middles, a.count, rng)
                groups.append(found.tolist())
                write_whole(known, json.dumps(groups).encode())
                say(f"round {number}: photos of each {np.bincount(found, minlength=a.count).tolist()}")
            for k, run in enumerate(runs):
                own = [p for p, group in zip(pictures, groups[number], strict=True) if group == k]
                if own:
                    run.sampler = Sampler(own, run.config)
                while own and run.step < a.steps * (number + 1) // a.rounds and not signals:
                    run.train_step()
                run.save()
            if signals:
                return
            if held_out:
                each = costs([run.averaged_model() for run in runs], held_out)
                means = f"{each.mean(0).round(4).tolist()}, the best of them {each.min(1).mean():.4f}"
                say(f"round {number}: held-out bits per sub-pixel {means}")


def main(argv: list[str] | None = None) -> None:
    """Entry point of `codec train experts`."""
    train(*parse(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    main()
