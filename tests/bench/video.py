"""The video codec against standard encoders, on clips, from real files.

    video.py CLIP... [--base svt-av1 x265 x264] [--against svt-av1:5 svt-av1:7 x265:4] [-e 3] [--width 352]

Each clip is encoded at several qualities over each base; the base alone is the stream of the same file, muxed to mp4,
and `--against` adds bases alone at other efforts. `--width` reduces clips by a whole factor to about that: those that
come compressed then keep little of their own losses. Tables: BD-rate of stream and networks against the stream, over
PSNR (6:1:1; Y, U, V; means over frames) against the source at its depth; that of whole files against every mp4; what
the networks take; whether a file is larger or a plane worse than it may be; seconds of encoding and decoding.
"""

from __future__ import annotations

import argparse
import io
import itertools
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from codec import container, video
from codec.codecs import named
from codec.codecs.options import Target, VideoOptions
from codec.media.distortion import errors, psnr, psnr_611
from codec.media.video import Picture, Planes, Video, read_video
from codec.metrics.bdrate import bd_rate
from codec.standard.encoders import ENCODERS
from codec.standard.export import export

ROOM, ROOM_A_GROUP = 64, 8  # bytes that a file may be larger than its stream in mp4, apart from its networks
MEASURES = ("6:1:1", "Y", "U", "V")


class File(NamedTuple):
    """One file: sizes in bytes, PSNR of MEASURES, seconds."""

    whole: int
    mp4: int
    stream: int
    networks: int
    groups: int
    psnr: tuple[float, ...]
    encode: float
    decode: float


def clip_of(path: Path, base: str, frames: int, width: int) -> tuple[Video, list[Picture]]:
    """The first frames of a clip, reduced."""
    videos = named("nirvana", "video").videos
    assert videos is not None
    read = read_video(path, audio=False, layouts=videos.layouts(VideoOptions(base=base)))
    factor = max(1, round(read.info.width / width)) if width else 1
    shown = [_reduced(picture, factor) for picture in itertools.islice(read.pictures(), frames)]
    height, across = shown[0].planes[0].shape
    info = replace(read.info, width=across, height=height)
    return Video(info, [], len(shown), lambda: iter(shown)), shown


def _reduced(picture: Picture, factor: int) -> Picture:
    if factor == 1:
        return picture
    sides = [2 * (side // (2 * factor)) for side in picture.planes[0].shape]  # even

    def mean(plane: np.ndarray) -> np.ndarray:
        rows, columns = (
            side * n // of for side, n, of in zip(sides, plane.shape, picture.planes[0].shape, strict=True)
        )
        blocks = plane[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
        return np.rint(blocks.mean((1, 3))).astype(plane.dtype)

    y, u, v = (mean(plane) for plane in picture.planes)
    planes: Planes = y, u, v
    return picture._replace(planes=planes)


def measure(clip: Video, shown: list[Picture], base: str, options: VideoOptions, networks: bool) -> File:
    """A clip at one quality, with networks or its base alone."""
    if not networks:
        options = replace(options, seconds=0.0)
    times = [time.perf_counter()]
    file = io.BytesIO()
    video.encode(clip, file, options=options)
    times.append(time.perf_counter())
    opened = video.open_file(file, base=not networks)
    each = [errors(a.planes, b.planes, clip.info.depth) for a, b in zip(opened.pictures(), shown, strict=True)]
    times.append(time.perf_counter())
    found = (
        statistics.fmean(map(psnr_611, each)),
        *(statistics.fmean(psnr(e[plane]) for e in each) for plane in range(3)),
    )
    mp4 = io.BytesIO()
    export(opened.header, opened.packets, mp4, "mp4")
    units = list(container.read(file.getvalue())[1])
    return File(
        len(file.getvalue()), len(mp4.getvalue()), sum(len(p.data) for p in opened.packets()),
        sum(len(u.payload) for u in units), len(units), found, *np.diff(times),
    )  # fmt: skip


def rates(ours: list[float], theirs: list[float], a: list[File], b: list[File], measures: int = len(MEASURES)) -> str:
    """BD-rates of some sizes of files `a` against those of `b`."""
    found = [
        bd_rate(ours, [f.psnr[m] for f in a], theirs, [f.psnr[m] for f in b]) for m in range(measures)
    ]  # fmt: skip
    return " ".join("    -  " if rate is None else f"{rate:+6.1f}%" for rate in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--base", nargs="+", default=list(ENCODERS), choices=list(ENCODERS))
    parser.add_argument("--against", nargs="*", default=[], help="BASE:EFFORT, alone")
    parser.add_argument("--quality", nargs="+", type=float, default=[20.0, 40.0, 60.0, 80.0])
    parser.add_argument("-e", "--effort", type=int, default=3)
    parser.add_argument("--frames", type=int, default=128, help="the first ones of each clip")
    parser.add_argument("--width", type=int, default=0, help="to which clips are reduced; 0: as they are")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    for path in options.clips:
        made: dict[str, list[File]] = {}
        alone: dict[str, list[File]] = {}
        runs = [(base, options.effort, True) for base in options.base]
        runs += [(base, int(effort), False) for base, _, effort in (one.partition(":") for one in options.against)]
        for base, effort, networks in runs:
            clip, shown = clip_of(path, base, options.frames, options.width)
            asked = [
                VideoOptions(Target(quality=q), effort, None, len(shown), options.threads, base=base)
                for q in options.quality
            ]
            plain = [measure(clip, shown, base, one, False) for one in asked]
            alone[f"{base} -e {effort}"] = plain
            if not networks:
                continue
            ours = made[base] = [measure(clip, shown, base, one, True) for one in asked]
            size = f"{clip.info.width} x {clip.info.height}"
            gain = rates([f.stream + f.networks for f in ours], [f.stream for f in plain], ours, plain)
            print(f"{path.stem[:20]:20} {size:10} {len(shown):4} {base:8} {gain}", flush=True)
            for quality, f, p in zip(options.quality, ours, plain, strict=True):
                room = p.mp4 + ROOM + ROOM_A_GROUP * f.groups - (f.whole - f.networks)
                by = " ".join(f"{a - b:+.2f}" for a, b in zip(f.psnr[1:], p.psnr[1:], strict=True))
                worse = "" if room >= 0 and all(a >= b for a, b in zip(f.psnr, p.psnr, strict=True)) else "  WORSE"
                speed = f"{p.encode:.1f} -> {f.encode:.1f} s, {p.decode:.2f} -> {f.decode:.2f} s"
                print(f"    q {quality:3g}  {f.whole:9,} bytes (networks {f.networks:,}; mp4 {p.mp4:,})  "
                      f"{p.psnr[0]:.2f} dB, Y U V {by}  encoding {speed} decoding{worse}", flush=True)  # fmt: skip
        for base, ours in made.items():
            whole = [f.whole for f in ours]
            for name, theirs in alone.items():
                found = rates(whole, [f.mp4 for f in theirs], ours, theirs, 1)
                print(f"    file over {base} against mp4 of {name}: {found}", flush=True)


if __name__ == "__main__":
    main()
