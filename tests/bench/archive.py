"""An archive against each clip alone, on clips: `archive.py CLIP... [--width 352] [--frames 240]`.

Cases: the two halves of each clip one after the other; each clip after those before it; each clip twice; and what the
networks of second halves take where bits are so dear for them that PSNR is that of a file of its own. A table for all
others: bytes of the archive, of an .ncf for each video, of their base streams in mp4, and of a tar of these by
`zstd --long` if that is installed. Then of the last video: what its networks take alone and in the archive, PSNR
(6:1:1, mean over frames) of both, what the archive grew by against its own file at equal PSNR (alone is encoded at
qualities beside this one, too, for that), and seconds of processor of both.
"""

from __future__ import annotations

import argparse
import importlib
import io
import shutil
import statistics
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from video import clip_of

from codec import archive, container, video
from codec.codecs.options import Target, VideoOptions
from codec.media.distortion import errors, psnr_611
from codec.media.video import Picture, Video
from codec.standard.export import export

fit = importlib.import_module("codec.codecs.nirvana.filters.fit")  # whose name is that of a function beside it
PRICES = (3.0, 4.5, 7.0, 11.0, 16.0, 24.0)  # of bits: at some, networks give no more PSNR than those of a file
BESIDE = 3.0  # of a quality: those beside that tell what a dB costs


class Made(NamedTuple):
    """A video's bytes, those of its networks, its PSNR, its base stream in mp4, and seconds of processor."""

    size: int
    networks: int
    psnr: float
    mp4: bytes
    seconds: float


def cut(clip: Video, shown: Sequence[Picture]) -> Video:
    """A run of a clip's pictures as a video."""
    moved = [picture._replace(time=picture.time - shown[0].time) for picture in shown]
    return Video(clip.info, [], len(moved), lambda: iter(moved))


def quality_of(found: archive.Session | video.File, clip: Video) -> float:
    """The mean PSNR of its frames."""
    pairs = zip(found.pictures(), clip.pictures(), strict=True)
    return statistics.fmean(psnr_611(errors(a.planes, b.planes, clip.info.depth)) for a, b in pairs)


def alone(clip: Video, options: VideoOptions) -> Made:
    """A video in a file of its own."""
    fp, mp4 = io.BytesIO(), io.BytesIO()
    begun = time.process_time()
    video.encode(clip, fp, options=options, device="cpu")
    seconds = time.process_time() - begun
    opened = video.open_file(fp, device="cpu")
    export(opened.header, opened.packets, mp4, "mp4")
    networks = sum(len(unit.payload) for unit in container.read(fp.getvalue())[1])
    return Made(len(fp.getvalue()), networks, quality_of(opened, clip), mp4.getvalue(), seconds)


def together(path: Path, clips: Sequence[Video], options: VideoOptions, before: bytes = b"") -> Made:
    """All videos in one archive; what is said is of the last. `before`: an archive of all but that one."""
    archive.create(path, replace=True)
    if before:
        path.write_bytes(before)
    with archive.writing(path, device="cpu") as writer:
        for number, clip in list(enumerate(clips))[-1 if before else 0 :]:
            begun = time.process_time()
            with tempfile.TemporaryFile() as part:
                added = writer.add(str(number), clip, part, options=options)
            seconds = time.process_time() - begun
    with archive.opened(path) as found:
        number = len(clips) - 1
        last = found.earlier(number + 1).session(1)
        networks = sum(len(last.unit(unit).payload) for unit in range(last.units))
        psnr = quality_of(archive.open_session(found, number, device="cpu"), clips[-1])
    return Made(added.size, networks, psnr, b"", seconds)


def packed(streams: Sequence[bytes]) -> str:
    """The bytes of a tar of the streams by zstd, "-" without it."""
    if not shutil.which("zstd"):
        return "-"
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for number, stream in enumerate(streams):
            entry = tarfile.TarInfo(f"{number}.mp4")
            entry.size = len(stream)
            tar.addfile(entry, io.BytesIO(stream))
    done = subprocess.run(["zstd", "-19", "--long=27", "-c"], input=whole.getvalue(), capture_output=True, check=True)
    return f"{len(done.stdout):,}"


def row(name: str, clips: Sequence[Video], options: VideoOptions, path: Path) -> None:
    """A line of the table."""
    files = [alone(clip, options) for clip in clips]
    ours, own, quality = together(path, clips, options), files[-1], options.target.quality or 50.0
    beside = [
        alone(clips[-1], replace(options, target=Target(quality=min(max(quality + step, 0), 100))))
        for step in (-BESIDE, BESIDE)
    ]
    curve = sorted((made.psnr, np.log(made.size)) for made in [*beside, own])
    equal = float(np.exp(np.interp(ours.psnr, *zip(*curve, strict=True))))
    networks = ours.networks - (equal - own.size)  # a PSNR that is higher spares that much of the stream
    print(
        f"| {name} | {path.stat().st_size:,} | {sum(f.size for f in files):,} | {sum(len(f.mp4) for f in files):,}"
        f" | {packed([f.mp4 for f in files])} | {own.networks:,} | {ours.networks:,} | {networks:,.0f}"
        f" | {own.psnr:.3f} | {ours.psnr:.3f} | {100 * (ours.size / equal - 1):+.2f} %"
        f" | {own.seconds:.1f} | {ours.seconds:.1f} |",
        flush=True,
    )


def equal(name: str, halves: Sequence[Video], options: VideoOptions, path: Path) -> None:
    """What the networks of a second half take at the PSNR of a file of its own."""
    own, points = alone(halves[1], options), []
    together(path, halves[:1], options)
    before, usual = path.read_bytes(), fit._THRIFT
    for price in (usual, *PRICES):
        fit._THRIFT = price
        made = together(path, halves, options, before)
        points.append((made.psnr, made.networks))
        if made.psnr < own.psnr:
            break
    fit._THRIFT = usual
    found = float(np.interp(own.psnr, *zip(*sorted(points), strict=True)))
    print(
        f"{name}: {own.networks} bytes alone, {found:.0f} in the archive ({100 * found / own.networks:.0f} %)",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--base", default="svt-av1")
    parser.add_argument("--quality", type=float, default=50.0)
    parser.add_argument("-e", "--effort", type=int, default=3)
    parser.add_argument("--frames", type=int, default=10**6, help="the first ones of each clip")
    parser.add_argument("--width", type=int, default=0, help="to which clips are reduced; 0: as they are")
    parser.add_argument("--cases", nargs="+", default=["halves", "unrelated", "twice"])
    given = parser.parse_args()
    options = VideoOptions(Target(quality=given.quality), given.effort, base=given.base)
    read = {path.stem: clip_of(path, given.base, given.frames, given.width) for path in given.clips}
    if given.cases != ["equal"]:
        print(
            "| videos | archive | alone | mp4 of bases | tar, zstd | last one's networks alone | in the archive"
            " | at equal PSNR | dB alone | in the archive | grown by, against alone at equal PSNR"
            " | s alone | in the archive |"
        )
        print("|" + "---|" * 13)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "all.ncf")
        for name, (clip, shown) in read.items():
            half = len(shown) // 2
            if "halves" in given.cases:
                row(f"{name}, two halves", [cut(clip, shown[:half]), cut(clip, shown[half:])], options, path)
            if "equal" in given.cases:
                equal(name, [cut(clip, shown[:half]), cut(clip, shown[half:])], options, path)
            if "twice" in given.cases:
                row(f"{name}, twice", [clip, clip], options, path)
        names = list(read)
        for place in range(1, len(names) if "unrelated" in given.cases else 0):
            row(
                f"{names[place]} after {', '.join(names[:place])}",
                [read[n][0] for n in names[: place + 1]],
                options,
                path,
            )


if __name__ == "__main__":
    main()
