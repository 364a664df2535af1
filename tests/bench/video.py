"""The video codec against its own bases, on clips: `video.py CLIP... [--base svt-av1 x265 x264] [-e 3] [--frames 128]`.

Each clip is encoded at several qualities over each base, once: the base alone is the stream of the same file, muxed to
mp4. Tables: BD-rate of the whole file against that mp4, over PSNR (6:1:1; Y, U, V), and of stream and networks against
the stream, without containers; what the networks take; that no file is larger and no plane worse than they may be;
seconds of encoding and decoding against the base's. PSNR is the mean over frames, against the source at its depth.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from codec import container, video
from codec.bdrate import bd_rate
from codec.media.video import Picture, Video, read_video
from codec.standard.encoders import ENCODERS
from codec.standard.export import export
from codec.video import Options, Target, layouts_of
from codec.video.measure import errors, psnr, psnr_611

ROOM, ROOM_A_GROUP = 64, 8  # bytes that a file may be larger than its stream in mp4, apart from its networks


class Point(NamedTuple):
    """One file: sizes in bytes, PSNR of (6:1:1, Y, U, V) of the file and of its base alone, seconds."""

    whole: int
    mp4: int
    stream: int
    networks: int
    groups: int
    ours: tuple[float, ...]
    base: tuple[float, ...]
    encode: float
    encode_base: float
    decode: float
    decode_base: float


def measure(clip: Video, shown: list[Picture], base: str, quality: float, effort: int, threads: int) -> Point:
    """A clip at one quality."""
    options = Options(Target(quality=quality), effort, None, len(shown), threads)
    times = [time.perf_counter()]
    alone = io.BytesIO()
    video.encode(clip, alone, base=base, options=Options(options.target, effort, 0.0, len(shown), threads))
    times.append(time.perf_counter())
    file = io.BytesIO()
    video.encode(clip, file, base=base, options=options)
    times.append(time.perf_counter())
    ours = _psnr(file, shown, clip.info.depth, False)
    times.append(time.perf_counter())
    plain = _psnr(file, shown, clip.info.depth, True)
    times.append(time.perf_counter())
    opened, mp4 = video.open_file(file), io.BytesIO()
    export(opened.header, opened.packets, mp4, "mp4")
    units = list(container.read(file.getvalue())[1])
    seconds = np.diff(times)
    return Point(
        len(file.getvalue()), len(mp4.getvalue()), sum(len(p.data) for p in opened.packets()),
        sum(len(u.payload) for u in units), len(units), ours, plain,
        seconds[1], seconds[0], seconds[2], seconds[3],
    )  # fmt: skip


def _psnr(file: io.BytesIO, shown: list[Picture], depth: int, base: bool) -> tuple[float, ...]:
    found = video.open_file(file, base=base).pictures()
    each = [errors(a.planes, b.planes, depth) for a, b in zip(found, shown, strict=True)]
    return (
        statistics.fmean(map(psnr_611, each)),
        *(statistics.fmean(psnr(e[plane]) for e in each) for plane in range(3)),
    )


def _bd(points: list[Point], bytes_: str, against: str) -> str:
    """BD-rates of (6:1:1, Y, U, V)."""
    sizes = [p.stream + p.networks if bytes_ == "stream" else p.whole for p in points]
    theirs = [getattr(p, against) for p in points]
    found = []
    for plane in range(4):
        rate = bd_rate(sizes, [p.ours[plane] for p in points], theirs, [p.base[plane] for p in points])
        found.append("    -  " if rate is None else f"{rate:+6.1f}%")
    return " ".join(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--base", nargs="+", default=list(ENCODERS), choices=list(ENCODERS))
    parser.add_argument("--quality", nargs="+", type=float, default=[20.0, 40.0, 60.0, 80.0])
    parser.add_argument("-e", "--effort", type=int, default=3)
    parser.add_argument("--frames", type=int, default=128, help="the first ones of each clip")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print("BD-rate over 6:1:1, Y, U, V: of files against mp4 | of stream and networks against the stream")
    for path in options.clips:
        for base in options.base:
            read = read_video(path, audio=False, layouts=layouts_of("nirvana", None, base))
            shown = list(islice(read.pictures(), options.frames))
            clip = Video(read.info, [], len(shown), lambda shown=shown: iter(shown))
            points = [measure(clip, shown, base, q, options.effort, options.threads) for q in options.quality]
            name = f"{path.stem[:20]:20} {len(shown):4} {base:8}"
            print(f"{name} {_bd(points, 'whole', 'mp4')} | {_bd(points, 'stream', 'stream')}", flush=True)
            for quality, p in zip(options.quality, points, strict=True):
                room = p.mp4 + ROOM + ROOM_A_GROUP * p.groups - (p.whole - p.networks)
                gain = " ".join(f"{a - b:+.2f}" for a, b in zip(p.ours[1:], p.base[1:], strict=True))
                worse = "" if room >= 0 and all(a >= b for a, b in zip(p.ours, p.base, strict=True)) else "  WORSE"
                speed = f"{p.encode_base:.1f} -> {p.encode:.1f} s, {p.decode_base:.2f} -> {p.decode:.2f} s"
                print(f"    q {quality:3g}  {p.whole:9,} bytes (networks {p.networks:,}; mp4 {p.mp4:,})  "
                      f"{p.base[0]:.2f} dB, Y U V {gain}  encoding {speed} decoding{worse}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
