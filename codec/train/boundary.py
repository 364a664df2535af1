"""`codec train boundary`: the head of the task `boundary`, from pictures and what people drew on them.

EfficientNet-Lite0 stays as it is; only two linear layers on its features are trained, which takes about a minute for
a hundred pictures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save

from codec import media
from codec.errors import CodecError
from codec.metrics.picture import rgb8
from codec.models.perception.efficientnet_lite import TAP_CHANNELS, EfficientNetLite
from codec.output import write_whole
from codec.perception.classifiers import LITE0, features, load
from codec.requirements import require
from codec.tasks.boundary import Boundary, read_segmentation
from codec.tasks.regions import drawn
from codec.train import commands

HIDDEN = 48
CELLS = 1250  # of either kind, of one picture at most
EPOCHS, BATCH, RATE, DECAY = 4, 4096, 2e-3, 1e-3
_AGREED = 0.4  # share of people who must have drawn a line for a cell to be on one
_CLEAR = 2.0  # cells by which a cell must be away from everybody's lines to be on none


def samples(folder: Path, seed: int = 0) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The features [n, 512] of cells on and off boundaries, and 1 or 0 for each, [n], picture by picture."""
    from scipy.ndimage import distance_transform_edt as distance

    rng = np.random.default_rng(seed)
    labels = Boundary().labels(folder)
    if not labels:
        raise CodecError(f"{folder}: no labels.csv with lines image,segmentation; see the help")
    network = load(LITE0)
    for name in sorted(labels):
        info, (frame,) = media.read(folder / name)
        lines = np.array([drawn(read_segmentation(path, frame.shape[:2]))[1] for path in labels[name]])
        off = distance(~lines.any(0)) > _CLEAR if lines.any() else np.ones(lines.shape[1:], bool)
        parts = []
        for kind in (lines.mean(0) >= _AGREED, off):
            cells = np.argwhere(kind)
            parts.append(rng.permutation(cells)[:CELLS])
        at = np.concatenate(parts)
        wanted = torch.cat([torch.ones(len(parts[0])), torch.zeros(len(parts[1]))])
        yield _features(network, rgb8(frame, 2**info.depth - 1), at), wanted


def _features(network: EfficientNetLite, rgb: np.ndarray, at: np.ndarray) -> torch.Tensor:
    """The features of cells (row, column) [n, 2]: all taps, upsampled to the grid of two pixels."""
    found = torch.zeros(len(at), sum(TAP_CHANNELS))
    for tile, taps in features(network, rgb):
        place = at - (tile.top // 2, tile.left // 2)
        inside = ((place >= 0) & (place < (tile.height // 2, tile.width // 2))).all(1)
        rows, columns = torch.from_numpy(place[inside]).unbind(1)
        size = taps[0].shape[2:]
        up = [F.interpolate(tap, size=size, mode="bilinear")[0, :, rows, columns] for tap in taps]
        found[torch.from_numpy(inside)] = torch.cat(up).T
    return found


def fit(x: torch.Tensor, y: torch.Tensor, seed: int = 0, epochs: int = EPOCHS) -> tuple[dict[str, torch.Tensor], float]:
    """A head for features [n, 512] and 0 or 1 for each, as `codec.tasks.head.read_head` reads it, and its last loss.

    Binary cross-entropy, AdamW, features standardised.
    """
    draw = torch.Generator().manual_seed(seed)
    mean, std = x.mean(0), x.std(0).clamp(min=1e-6)
    head = torch.nn.Sequential(torch.nn.Linear(x.shape[1], HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, 1))
    with torch.no_grad():
        for parameter in head.parameters():
            bound = (x.shape[1] if parameter.shape[0] == HIDDEN else HIDDEN) ** -0.5
            parameter.uniform_(-bound, bound, generator=draw)
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    total = float("nan")
    for _ in range(epochs):
        total = 0.0
        for batch in torch.randperm(len(x), generator=draw).split(BATCH):
            loss = F.binary_cross_entropy_with_logits(head((x[batch] - mean) / std)[:, 0], y[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += float(loss.detach()) * len(batch) / len(x)
    w1, b1, w2, b2 = (p.detach().clone() for p in head.parameters())
    return {"mean": mean, "std": std, "w1": w1, "b1": b1, "w2": w2, "b2": b2}, total


def main(argv: list[str] | None = None) -> None:
    """Entry point of `codec train boundary`."""
    p = argparse.ArgumentParser(prog="codec train boundary", description=__doc__)
    text = (
        "pictures, PNGs of their segmentations (a region's number at every pixel), and labels.csv: image,segmentation"
    )
    p.add_argument("--data", type=Path, required=True, help=text)
    commands.output(p, "-o", "--output")
    p.add_argument(
        "--epochs", type=int, default=EPOCHS, help=f"over all cells; {EPOCHS} do for 100 pictures, few need more"
    )
    p.add_argument("--seed", type=commands.seed, default=0)
    a = p.parse_args(sys.argv[1:] if argv is None else argv)
    commands.check_output(a.output, a.force)
    require("codec train boundary", [need for need in Boundary.needs if need.module])
    xs, ys = zip(*samples(a.data, a.seed), strict=True)
    x, y = torch.cat(xs), torch.cat(ys)
    head, loss = fit(x, y, a.seed, a.epochs)
    write_whole(a.output, save(head, {"task": "boundary", "trunk": LITE0.label}))
    print(f"{a.output}: {len(xs)} pictures, {len(x)} cells, cross-entropy {loss:.4f}")


if __name__ == "__main__":
    main()
