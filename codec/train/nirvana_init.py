"""`codec train nirvana-init`: the start of NIRVANA's key groups, learned so that a fit from it is short and its bits few.

Reptile: fit crops of clips for a few steps each, with the codec's own loss and differences to the start as
the rate, and move the start a part of the way to where each fit ended.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from codec.models.nirvana import Sine, patch_centres
from codec.nirvana.sine_fit import SineFit
from codec.nirvana.sine_latents import Weights
from codec.nirvana.sine_patches import Grid, Planes
from codec.nirvana.sine_presets import PRESETS, Preset

Clip = list[Planes]


def read_clip(path: Path, height: int, count: int) -> Clip:
    """Up to `count` frames of a video as 4:2:0 planes, scaled down to at most `height` lines."""
    import av

    clip: Clip = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            scale = min(1.0, height / frame.height)
            w, h = (round(n * scale / 2) * 2 for n in (frame.width, frame.height))
            flat = frame.reformat(width=w, height=h, format="yuv420p").to_ndarray().reshape(-1)
            u, v = flat[h * w :].reshape(2, h // 2, w // 2)
            clip.append((flat[: h * w].reshape(h, w), u, v))
            if len(clip) == count:
                break
    return clip


class Crops:
    """Random crops of a whole number of patches, `rows` and `columns` in the ranges given, of G frames."""

    def __init__(
        self, clips: list[Clip], preset: Preset, rows: tuple[int, int], columns: tuple[int, int], seed: int
    ) -> None:
        self._clips, self._shape, self._rows, self._columns = clips, preset.shape, rows, columns
        self._random = random.Random(seed)

    def __call__(self) -> list[Planes]:
        pick, patch, frames = self._random, self._shape.patch, self._shape.group
        clip = pick.choice(self._clips)
        pace = pick.choice((1, 1, 2)) if len(clip) >= 2 * frames else 1
        first = pick.randrange(len(clip) - pace * (frames - 1))
        height, width = clip[0][0].shape
        h, w = (
            min(pick.randint(*span), size // patch) * patch
            for span, size in ((self._rows, height), (self._columns, width))
        )
        y, x = (pick.randrange((size - side) // 2 + 1) for size, side in ((height, h), (width, w)))
        return [
            (
                luma[2 * y : 2 * y + h, 2 * x : 2 * x + w],
                u[y : y + h // 2, x : x + w // 2],
                v[y : y + h // 2, x : x + w // 2],
            )
            for luma, u, v in clip[first : first + pace * frames : pace]
        ]


def learn(
    preset: Preset,
    crops: Callable[[], list[Planes]],
    *,
    seconds: float,
    steps: int,
    lambda_: float,
    start: Weights,
    log: Callable[[str], None] = lambda line: None,
) -> Weights:
    """The start that fits of `steps` steps teach within `seconds`."""
    net, shapes = Sine(preset.shape), preset.shape.tensors()
    names, sizes = list(shapes), [t.size for t in start.tensors.values()]
    values = np.concatenate([t.reshape(-1) for t in start.tensors.values()]).astype(np.float64)
    scale = start.steps.astype(np.float64)
    begin, task, losses = time.monotonic(), 0, []
    while (fraction := (time.monotonic() - begin) / seconds) < 1:
        parts = np.split(np.rint(values).astype(np.int32), np.cumsum(sizes)[:-1])
        now = Weights({n: p.reshape(shapes[n]) for n, p in zip(names, parts, strict=True)}, np.rint(scale).astype(np.int32))
        planes = crops()
        height, width = planes[0][0].shape
        grid = Grid(height, width, preset.shape.patch)
        what = SineFit(
            net,
            patch_centres(grid.rows, grid.columns, grid.patch),
            grid.cut(planes, preset.shape.group),
            now,
            now,
            lambda_=lambda_,
            pixels=len(planes) * height * width,
            rates=preset.rates,
            near=False,
        )
        for step in range(steps):
            what.step(step / steps)
        distortion, bpp = what.evaluate()
        losses.append(distortion + lambda_ * bpp)
        part = 0.5 * (1 - fraction) + 0.05
        values += part * (what.latents.values.detach().numpy() - np.rint(values))
        scale += part * (what.latents.steps.detach().numpy() - np.rint(scale))
        task += 1
        if task % 100 == 0:
            log(f"{task} fits, {time.monotonic() - begin:.0f} s, loss {np.exp(np.mean(np.log(losses[-100:]))):.6f}")
    return now
