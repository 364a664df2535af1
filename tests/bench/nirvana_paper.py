"""What NIRVANA's paper claims, on a clip at equal steps. `nirvana_paper.py CLIP [--preset tiny] [--side 64]`.

Two groups from the middle of the clip's first frames. Tables: the second group from the first's weights against from
scratch; with and without the rate in the loss; differences against whole weights; patches against the whole frame.
PSNR is of luma after decoding, bits per pixel of all bytes. About five minutes on a CPU core.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from codec.codecs.nirvana.sine.fit import SineFit
from codec.codecs.nirvana.sine.groups import SineGroups, code_weights
from codec.codecs.nirvana.sine.latents import Weights
from codec.codecs.nirvana.sine.loop import Budget, fit
from codec.codecs.nirvana.sine.patches import Grid, Planes
from codec.codecs.nirvana.sine.presets import PRESETS, Preset
from codec.entropy import Encoder
from codec.models.nirvana.sine import Shape, Sine, patch_centres
from codec.train.clips import read_clip


class Result(NamedTuple):
    psnr: float
    bpp: float
    loss: float
    seconds: float
    weights: Weights


def group(
    preset: Preset,
    planes: list[Planes],
    start: Weights,
    reference: Weights | None,
    lambda_: float,
    steps: int,
    near: bool,
) -> Result:
    """A group fitted and coded, with what starts it and what it is coded against chosen apart."""
    height, width = planes[0][0].shape
    grid, shapes = Grid(height, width, preset.shape.patch), preset.shape.tensors()
    what = SineFit(
        Sine(preset.shape), patch_centres(grid.rows, grid.columns, grid.patch), grid.cut(planes, len(planes)),
        start, reference, lambda_=lambda_, pixels=len(planes) * height * width, rates=preset.rates, near=near,
    )  # fmt: skip
    began = time.perf_counter()
    found = fit(what, lambda_, Budget(steps=steps))
    fitted = found.state
    seconds = time.perf_counter() - began
    coder = Encoder()
    code_weights(coder, fitted, shapes, reference)
    out = SineGroups(preset, height, width).render(fitted, len(planes))
    error = np.mean([np.square(a[0].astype(float) - b[0]).mean() for a, b in zip(out, planes, strict=True)])
    bpp = 8 * len(coder.finish()) / (len(planes) * height * width)
    loss = found.distortion + lambda_ * bpp
    return Result(10 * math.log10(255**2 / float(error)), bpp, loss, seconds, fitted)


def starts(preset: Preset, groups: list[list[Planes]], lambda_: float, steps: int) -> None:
    """The second group from scratch and from the first's weights, by budgets, each with its whole schedule."""
    scratch = preset.random_weights()
    before = group(preset, groups[0], scratch, None, lambda_, steps, near=False).weights
    print(f"\nGroup 2 from scratch and from the weights of group 1, lambda {lambda_:g}")
    print(f"{'steps':>6} {'scratch':>16} {'previous':>17}   previous is as good (loss) after")
    budgets = [round(steps / 2 ** (k / 2)) for k in range(12, -1, -1)]
    rows = {
        n: (
            group(preset, groups[1], scratch, None, lambda_, n, near=False),
            group(preset, groups[1], before, before, lambda_, n, near=True),
        )
        for n in budgets
    }
    for n, (a, b) in rows.items():
        need = next((m for m in budgets if rows[m][1].loss <= a.loss), None)
        says = "never" if need is None else f"{need}: {n / need:.1f} times fewer"
        print(f"{n:6} {a.psnr:6.2f} dB {a.bpp:5.3f} {b.psnr:7.2f} dB {b.bpp:5.3f}   {says}")


def chain(preset: Preset, groups: list[list[Planes]], lambda_: float, steps: int, differences: bool = True) -> Result:
    """Both groups, the second with half the steps; mean PSNR and rate."""
    first = group(preset, groups[0], preset.random_weights(), None, lambda_, steps, near=False)
    before = first.weights
    second = group(preset, groups[1], before, before if differences else None, lambda_, steps // 2, near=True)
    seconds = first.seconds + second.seconds
    means = ((a + b) / 2 for a, b in zip(first[:3], second[:3], strict=True))
    return Result(*means, seconds, second.weights)


def show(name: str, result: Result, steps: int) -> None:
    size = sum(tensor.size for tensor in result.weights.tensors.values())
    each = 1e3 * result.seconds / (1.5 * steps)
    print(f"{name:44} {result.psnr:6.2f} dB {result.bpp:6.3f} bpp {size:7} weights {each:6.1f} ms/step", flush=True)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("clip", type=Path)
    p.add_argument("--preset", choices=sorted(PRESETS), default="tiny")
    p.add_argument("--side", type=int, default=64)
    p.add_argument("--steps", type=int, default=800)
    p.add_argument("--lambda", dest="lambda_", type=float, default=1e-3)
    p.add_argument("--lines", type=int, default=10_000, help="scale the clip down to this height")
    a = p.parse_args()
    torch.set_num_threads(1)
    preset = PRESETS[a.preset]
    count = preset.shape.group
    frames = read_clip(a.clip, a.lines, 2 * count)
    height, width = frames[0][0].shape
    top, left = (height - a.side) // 4, (width - a.side) // 4
    luma = slice(2 * top, 2 * top + a.side), slice(2 * left, 2 * left + a.side)
    chroma = slice(top, top + a.side // 2), slice(left, left + a.side // 2)
    frames = [(y[luma], u[chroma], v[chroma]) for y, u, v in frames]
    groups = [frames[:count], frames[count:]]
    print(f"{a.clip.name}, {a.side}x{a.side}, {2 * count} frames, preset {a.preset}, {a.steps} + {a.steps // 2} steps")
    # Without the rate the loss is the error alone; with it, a start that has the weights already saves bits, too.
    for lambda_ in (0.0, a.lambda_):
        starts(preset, groups, lambda_, a.steps)
    print("\nBoth groups")
    show("as it is", chain(preset, groups, a.lambda_, a.steps), a.steps)
    show("no differences: weights coded whole", chain(preset, groups, a.lambda_, a.steps, False), a.steps)
    show("no rate in the loss", chain(preset, groups, 0.0, a.steps), a.steps)
    s = preset.shape
    for hidden, channels in ((s.hidden, s.channels), (max(s.hidden // 8, 2), 1)):
        whole = replace(preset, shape=Shape(a.side, s.group, hidden, s.layers, channels, s.w0))
        name = f"whole frame, {hidden} hidden units, {channels} channels"
        show(name, chain(whole, groups, a.lambda_, a.steps), a.steps)


if __name__ == "__main__":
    main()
