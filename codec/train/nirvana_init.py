"""`codec train nirvana-init`: the start of NIRVANA's key groups, so that fits from it are short and take few bits.

Reptile: fit crops of clips for a few hundred steps each, with the codec's own loss and differences to the start
as the rate, and move the start a part of the way to where each fit ended.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from codec import weights
from codec.codecs.nirvana.sine import init
from codec.codecs.nirvana.sine.fit import Rates, SineFit
from codec.codecs.nirvana.sine.latents import Weights
from codec.codecs.nirvana.sine.patches import Grid
from codec.codecs.nirvana.sine.presets import PRESETS
from codec.errors import CodecError
from codec.media.video import Planes
from codec.models.nirvana.sine import Shape, Sine, patch_centres
from codec.train import commands
from codec.train.clips import read_clip

Clip = list[Planes]
# More weight on the rate than an encoding usually has keeps the fits near the start, and so the start useful.
LAMBDA = 3e-3
RATES = Rates(0.3, 1.0)


@dataclass(frozen=True)
class Crops:
    """Random crops of G frames, of `rows` x `columns` patches (each a range)."""

    clips: list[Clip]
    shape: Shape
    rows: tuple[int, int]
    columns: tuple[int, int]
    pick: random.Random

    def draw(self) -> list[Planes]:
        pick, patch, frames = self.pick, self.shape.patch, self.shape.group
        clip = pick.choice(self.clips)
        pace = pick.choice((1, 1, 2)) if len(clip) >= 2 * frames else 1
        first = pick.randrange(len(clip) - pace * (frames - 1))
        (top, height), (left, width) = (
            self._span(size, patch, span)
            for size, span in zip(clip[0][0].shape, (self.rows, self.columns), strict=True)
        )
        luma = slice(2 * top, 2 * top + height), slice(2 * left, 2 * left + width)
        chroma = slice(top, top + height // 2), slice(left, left + width // 2)
        return [(y[luma], u[chroma], v[chroma]) for y, u, v in clip[first : first + pace * frames : pace]]

    def _span(self, size: int, patch: int, count: tuple[int, int]) -> tuple[int, int]:
        """Where a crop begins in a side of `size` pixels, in chroma samples, and its pixels."""
        pixels = min(self.pick.randint(*count), size // patch) * patch
        return self.pick.randrange((size - pixels) // 2 + 1), pixels


def learn(
    start: Weights, crops: Crops, *, seconds: float, steps: int, log: Callable[[str], None] = lambda line: None
) -> Weights:
    """The start that fits of `steps` steps teach within `seconds`, beginning from `start`."""
    net, shapes = Sine(crops.shape), crops.shape.tensors()
    values = np.concatenate([tensor.reshape(-1) for tensor in start.tensors.values()]).astype(np.float64)
    scales = start.steps.astype(np.float64)
    begin, losses = time.monotonic(), list[float]()
    while (fraction := (time.monotonic() - begin) / seconds) < 1:
        fit, loss = _fit(net, crops.draw(), _rounded(values, scales, shapes), steps)
        losses.append(loss)
        share = 0.5 * (1 - fraction) + 0.05
        values += share * (fit.latents.values.detach().numpy() - np.rint(values))
        scales += share * (fit.latents.steps.detach().numpy() - np.rint(scales))
        if len(losses) % 50 == 0:
            log(f"{len(losses)} fits, {time.monotonic() - begin:.0f} s, loss {1e3 * np.mean(losses[-50:]):.3f}e-3")
    return _rounded(values, scales, shapes)


def _fit(net: Sine, planes: list[Planes], start: Weights, steps: int) -> tuple[SineFit, float]:
    height, width = planes[0][0].shape
    grid = Grid(height, width, net.shape.patch)
    fit = SineFit(
        net, patch_centres(grid.rows, grid.columns, grid.patch), grid.cut(planes, len(planes)), start, start,
        lambda_=LAMBDA, pixels=len(planes) * height * width, rates=RATES, near=False,
    )  # fmt: skip
    for step in range(steps):
        fit.step(step / steps)
    distortion, bpp = fit.evaluate()
    return fit, distortion + LAMBDA * bpp


def _rounded(values: NDArray[np.float64], scales: NDArray[np.float64], shapes: dict[str, tuple[int, ...]]) -> Weights:
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes.values()])
    parts = zip(shapes.items(), np.split(np.rint(values).astype(np.int32), ends[:-1]), strict=True)
    return Weights({name: part.reshape(shape) for (name, shape), part in parts}, np.rint(scales).astype(np.int32))


def _range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    return int(low), int(high or low)


def main(argv: list[str] | None = None) -> None:
    """Entry point of `codec train nirvana-init`."""
    p = argparse.ArgumentParser(prog="codec train nirvana-init", description=__doc__)
    p.add_argument("videos", type=Path, nargs="+", help="clips to learn from")
    p.add_argument("--preset", choices=sorted(PRESETS), default="tiny")
    commands.output(p, "-o", "--output")
    p.add_argument("--minutes", type=float, default=6.0)
    p.add_argument("--steps", type=int, default=400, help="of each fit")
    p.add_argument("--rows", type=_range, default=(3, 6), help="patches of a crop's height: 3-6")
    p.add_argument("--columns", type=_range, default=(3, 6), help="patches of a crop's width: 3-6")
    p.add_argument("--lines", type=int, default=272, help="clips are scaled down to this height")
    p.add_argument("--frames", type=int, default=120, help="of a clip, at most")
    p.add_argument("--threads", type=int, default=1, help="of the processor; the small networks gain nothing from more")
    p.add_argument("--description", default="", help="one line for `codec models`")
    a = p.parse_args(sys.argv[1:] if argv is None else argv)
    commands.check_output(a.output, a.force)
    torch.set_num_threads(a.threads)
    preset = PRESETS[a.preset]
    clips = [read_clip(path, a.lines, a.frames) for path in a.videos]
    for path, clip in zip(a.videos, clips, strict=True):
        if len(clip) < preset.shape.group or min(clip[0][0].shape) < preset.shape.patch:
            raise CodecError(f"{path}: too short or too small to learn the {a.preset} preset from; leave it out")
    crops = Crops(clips, preset.shape, a.rows, a.columns, random.Random(0))
    start = learn(
        preset.random_weights(), crops, seconds=60 * a.minutes, steps=a.steps, log=lambda line: print(line, flush=True)
    )
    init.save(a.output, a.preset, start, a.description)
    print(f"{a.output}: {weights.fingerprint(a.output).hex()}")


if __name__ == "__main__":
    main()
