"""What PFNR's paper claims, on clips. `pfnr.py CLIP CLIP CLIP [--frames 8] [--lines 90] [--epochs N] [--tables ...]`.

Tables: `archive`, the clips in one archive, and each in its own; `fourier`, the Fourier operator; `masks`, of kernels
or single weights; `keep`, parts that masks keep, these on the first two clips; `reuse`, what the second half of the
first clip takes after its first half, after the last clip, and by itself. PSNR is 6:1:1 of decoded samples, bytes are
those of a session's payload, all that its decoder needs beside earlier ones. 34 fits, each of 12 s on a core; seconds
are of the processor.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from codec.codecs.pfnr import payload
from codec.codecs.pfnr.codec import fineness
from codec.codecs.pfnr.fit import Budget, fit
from codec.codecs.pfnr.frames import decoded
from codec.codecs.pfnr.presets import PRESETS, Preset
from codec.codecs.pfnr.store import Session, Store
from codec.media.distortion import errors, psnr_611
from codec.media.video import Planes
from codec.train.clips import read_clip


class Result(NamedTuple):
    """A session: its payload and frames, what part of its runs of weights it has from earlier ones, and the store."""

    data: bytes
    shown: list[Planes]
    psnr: float
    seconds: float
    reused: float
    store: Store

    @property
    def size(self) -> int:
        return len(self.data)


class Bench:
    """Fits sessions, all alike."""

    def __init__(self, epochs: int, quality: float) -> None:
        self._budget = Budget(epochs, None, fineness(quality))

    def session(self, preset: Preset, planes: list[Planes], store: Store | None = None) -> Result:
        """One session after a store's, from its real bytes."""
        store = Store(preset.shape) if store is None else store
        began = time.process_time()
        fitted = fit(preset, store, planes, self._budget, "cpu")
        seconds = time.process_time() - began
        data = payload.pack(fitted, store)
        session = payload.unpack(data, store, fitted.grid, fitted.number)
        after, network = store.add(session)
        shown = list(decoded(preset.shape, network, planes[0][0].shape, len(planes), "cpu"))
        psnr = sum(psnr_611(errors(a, b)) for a, b in zip(shown, planes, strict=True)) / len(planes)
        return Result(data, shown, psnr, seconds, _reused(session, store), after)


def _reused(session: Session, store: Store) -> float:
    chosen = sum(int(mask.sum()) for mask in session.masks.values())
    new = sum(len(values) for values in session.values.values())
    return 1 - new / max(chosen, 1)


def used(result: Result, preset: Preset, planes: list[Planes]) -> float:
    """What part of all weights of a network is used after a session."""
    grid = preset.shape.grid(*planes[0][0].shape)
    sizes = {name: math.prod(size) for name, size in preset.shape.tensors(grid).items()}
    return 1 - sum(sizes[name] * free for name, free in result.store.free(grid).items()) / sum(sizes.values())


def archive(bench: Bench, preset: Preset, clips: dict[str, list[Planes]]) -> None:
    """All clips in one network, one after the other, and each in its own."""
    print("\nThe clips in one archive, and each in its own")
    print("| clip | bytes | PSNR | reused | network used | seconds | own: bytes | own: PSNR |")
    print("|---|---|---|---|---|---|---|---|")
    store, first = Store(preset.shape), list[tuple[Result, list[Planes]]]()
    for name, planes in clips.items():
        found, own = bench.session(preset, planes, store), bench.session(preset, planes)
        store = found.store
        first.append((found, planes))
        part = used(found, preset, planes)
        print(
            f"| {name} | {found.size:,} | {found.psnr:.2f} | {found.reused:.0%} | {part:.0%} | {found.seconds:.0f} "
            f"| {own.size:,} | {own.psnr:.2f} |", flush=True,
        )  # fmt: skip
    replayed = Store(preset.shape)
    for number, (found, planes) in enumerate(first, 1):
        size = planes[0][0].shape
        session = payload.unpack(found.data, replayed, preset.shape.grid(*size), number)
        replayed, network = replayed.add(session)
        again = decoded(preset.shape, network, size, len(planes), "cpu")
        assert all(
            np.array_equal(x, y) for a, b in zip(again, found.shown, strict=True) for x, y in zip(a, b, strict=True)
        )
    print("After the last one all sessions decode from their payloads to the same samples as when they were added.")


def compare(title: str, bench: Bench, presets: dict[str, Preset], clips: Sequence[tuple[str, list[Planes]]]) -> None:
    """Networks side by side, each clip in its own archive."""
    print(f"\n{title}\n| network | weights | clip | bytes | PSNR | network used | seconds |")
    print("|---|---|---|---|---|---|---|")
    for what, preset in presets.items():
        for name, planes in clips:
            found = bench.session(preset, planes)
            print(
                f"| {what} | {_weights(preset, planes):,} | {name} | {found.size:,} | {found.psnr:.2f} "
                f"| {used(found, preset, planes):.0%} | {found.seconds:.0f} |", flush=True,
            )  # fmt: skip


def _weights(preset: Preset, planes: list[Planes]) -> int:
    return sum(math.prod(size) for size in preset.shape.tensors(preset.shape.grid(*planes[0][0].shape)).values())


def widened(preset: Preset, planes: list[Planes]) -> Preset:
    """The network without the Fourier operator, with as many weights more in its blocks as that has."""
    wanted, shape = _weights(preset, planes), replace(preset.shape, fourier=())

    def wider() -> Iterator[Preset]:
        for first in range(9):
            for rest in range(4):
                widths = (shape.widths[0] + first, *(width + rest for width in shape.widths[1:]))
                yield replace(preset, shape=replace(shape, widths=widths))

    return min(wider(), key=lambda one: abs(_weights(one, planes) - wanted))


def reuse(bench: Bench, preset: Preset, related: list[Planes], other: list[Planes]) -> None:
    """The second half of a clip after the first, after another clip, and by itself with less and less of a network."""
    half = len(related) // 2
    print("\nThe second half of a clip\n| after | c | bytes | PSNR | reused |\n|---|---|---|---|---|")
    rows = {
        "its first half": bench.session(preset, related[half:], bench.session(preset, related[:half]).store),
        "another clip": bench.session(preset, related[half:], bench.session(preset, other).store),
    }
    for name, found in rows.items():
        print(f"| {name} | {preset.keep} | {found.size:,} | {found.psnr:.2f} | {found.reused:.0%} |", flush=True)
    curve = []
    for keep in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4):
        found = bench.session(replace(preset, keep=keep, keep_fourier=keep), related[half:])
        curve.append((found.psnr, found.size))
        print(f"| nothing | {keep} | {found.size:,} | {found.psnr:.2f} | 0% |", flush=True)
    for name, found in rows.items():
        alone = _at(curve, found.psnr)
        if alone:
            print(f"After {name}: {found.size / alone - 1:+.1%} bytes against by itself at equal PSNR ({alone:,.0f})")


def _at(curve: list[tuple[float, int]], psnr: float) -> float | None:
    """The bytes at a PSNR, between two points of a curve."""
    for (low, small), (high, large) in pairwise(curve):
        if low <= psnr <= high:
            return float(small * (large / small) ** ((psnr - low) / (high - low)))
    return None


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("clips", type=Path, nargs="+")
    p.add_argument("--preset", choices=sorted(PRESETS), default="tiny")
    p.add_argument("--frames", type=int, default=8)
    p.add_argument("--lines", type=int, default=90, help="scale the clips down to this height")
    p.add_argument("--epochs", type=int, help="in place of the preset's")
    p.add_argument("--quality", type=float, default=50)
    p.add_argument("--tables", default="archive,fourier,masks,keep,reuse")
    a = p.parse_args()
    torch.set_num_threads(1)
    preset = PRESETS[a.preset]
    bench = Bench(a.epochs or preset.epochs, a.quality)
    long = {path.stem: read_clip(path, a.lines, 2 * a.frames) for path in a.clips}
    clips = {name: planes[: a.frames] for name, planes in long.items()}
    some, tables = list(clips.items())[:2], a.tables.split(",")
    sizes = ", ".join(f"{name} {planes[0][0].shape[1]}x{planes[0][0].shape[0]}" for name, planes in clips.items())
    print(f"{sizes}; {a.frames} frames, preset {a.preset}, {a.epochs or preset.epochs} epochs, quality {a.quality:g}")
    if "archive" in tables:
        archive(bench, preset, clips)
    if "fourier" in tables:
        ((_, rows, columns),) = preset.shape.fourier
        none = replace(preset, shape=replace(preset.shape, fourier=()))
        ways = {
            "as it is": preset,
            "operator in block 0": replace(preset, shape=replace(preset.shape, fourier=((0, rows, columns),))),
            "operator dense": replace(preset, keep_fourier=1.0),
            "no operator": none,
            "no operator, wider": widened(preset, some[0][1]),
        }
        compare("With and without the Fourier operator", bench, ways, some)
    if "masks" in tables:
        ways = {
            kind: replace(preset, shape=replace(preset.shape, kernels=kind == "kernels"))
            for kind in ("kernels", "weights")
        }
        compare("Masks of kernels and of single weights", bench, ways, some)
    if "keep" in tables:
        ways = {f"c = {keep}": replace(preset, keep=keep, keep_fourier=keep) for keep in (0.1, 0.3, 0.5)}
        compare("The part that masks keep", bench, ways, some)
    if "reuse" in tables:
        reuse(bench, preset, long[some[0][0]], some[-1][1])


if __name__ == "__main__":
    main()
