"""Videos on the command line: what `encode` and `decode` do with a job that is one."""

from __future__ import annotations

import hashlib
import io
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codec.cli.batch import Result, Tell
from codec.cli.files import STDIO, Job
from codec.cli.made import mark_mp4
from codec.cli.progress import EncodingLine, duration
from codec.cli.streams import atomic_write
from codec.cli.unfinished import resumable
from codec.content import digest
from codec.device import threads
from codec.errors import CodecError, FormatError
from codec.output import whole_folder

if TYPE_CHECKING:
    from codec.codecs.options import VideoProgress

_LONG = 2**26  # pixels of all frames for which processes are worth their start: 660 frames of CIF


@dataclass(frozen=True)
class VideoRequest:
    """The options of `codec encode` that only a video has a use for."""

    codec: str | None = None
    preset: str | None = None
    base: str | None = None
    keep: bool = False
    quality: float | None = None
    target_psnr: float | None = None
    target_bpp: float | None = None
    target_size: float | None = None
    effort: int | None = None
    seconds: float | None = None
    audio: bool = True
    resume: bool = False
    weights: str | None = None
    jobs: int | None = 1  # processes for one video; None: as many as there are cores, if it is long
    strip: bool = False


class Span(click.ParamType):
    """A range of frames, A..B, both included; or one frame."""

    name = "frames"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        found = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", str(value))
        if found is None:
            self.fail(f"{value!r} is not A..B, such as 120..180", param, ctx)
        first = int(found[1])
        return first, int(found[2] or first)


class Quantity(click.ParamType):
    """A number above 0 with one of some units behind it, or none."""

    def __init__(self, name: str, units: dict[str, int], like: str) -> None:
        self.name, self._units, self._like = name, units, like

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(rf"(\d+(?:\.\d+)?)([{''.join(self._units)}]?)", str(value))
        if found is None or not float(found[1]):
            self.fail(f"{value!r} is not a {self.name}, such as {self._like}", param, ctx)
        return float(found[1]) * self._units.get(found[2], 1)


DURATION = Quantity("time", {"s": 1, "m": 60, "h": 3600}, "90s, 10m or 2h")  # in seconds
SIZE = Quantity("size", {"k": 10**3, "M": 10**6, "G": 10**9}, "800000, 500k or 20M")  # in bytes


def encode_video(
    job: Job, source: str | bytes, tell: Tell | None, options: VideoRequest, device: str, max_pixels: int
) -> Result:
    """Encode one; notes of the reader and a size above the source's become the result's note."""
    from codec import codecs, video, weights
    from codec.codecs.options import VIDEO_EFFORT, Target, VideoOptions
    from codec.media.video import read_video

    if options.keep:
        return _keep(job, source, tell, options, max_pixels)
    codec = codecs.chosen(options.codec, "video")
    assert codec.videos is not None
    if options.effort is not None and "effort" not in codec.videos.settings:
        other = codecs.default("video").name
        raise CodecError(f"{codec.name} has no --effort; leave it out, or use --codec {other}")
    if job.target == STDIO and options.resume:
        raise CodecError("--resume goes on with a file, and the output is standard output; name a file with -o")
    started = time.perf_counter()
    goals = {
        "quality": options.quality, "psnr": options.target_psnr, "bpp": options.target_bpp, "size": options.target_size,
    }  # fmt: skip
    given = {name: value for name, value in goals.items() if value is not None} or {"quality": 50.0}
    chosen = VideoOptions(
        Target(**given), options.effort or VIDEO_EFFORT, options.seconds, preset=options.preset, base=options.base,
        weights=weights.named(codec.name, options.weights) if options.weights else None,
    )  # fmt: skip
    layouts = codec.videos.layouts(chosen)
    opened = read_video(source, max_pixels=max_pixels, audio=options.audio, layouts=layouts, strip=options.strip)
    jobs = options.jobs
    if jobs is None:
        pixels = opened.info.width * opened.info.height * opened.expected
        jobs = threads() if pixels >= _LONG else 1
    chosen = replace(chosen, frames=opened.expected, threads=max(threads() // jobs, 1))
    before = len(source) if isinstance(source, bytes) else os.path.getsize(source)
    stages = codec.videos.stages(chosen)
    # Of the input's content and of what would make another file of it.
    made_by = hashlib.sha256(repr((digest(source), replace(options, resume=False, jobs=1))).encode()).hexdigest()[:8]
    status = EncodingLine(opened.expected, tell, stages) if tell else None
    done: list[VideoProgress] = []

    def heard(told: VideoProgress) -> None:
        if told.stage == "fit":
            done.append(told)
        if status:
            status(told)

    with resumable(job.target, made_by, options.resume, job.replace) as fp:
        header, frames = video.encode(
            opened, fp, codec.name, options=chosen, device=device, max_pixels=max_pixels,
            tell=heard,
            resume=options.resume and fp.seekable(), jobs=jobs, source=source,
        )  # fmt: skip
        size = fp.tell()
    goal = {name if name == "quality" else f"target_{name}": value for name, value in given.items()}
    notes, aspect = list(opened.notes), opened.info.aspect
    if aspect != 1 and header.stream is None:
        shape = f"{aspect.numerator}:{aspect.denominator}"
        notes.append(f"its pixels are not square ({shape}); they will be shown as if they were")
    if late := sum(told.frames for told in done if told.late):
        notes.append(f"the time budget ended before networks for {late:,} frames were found; they are the base's")
    psnr = _mean_psnr(done, frames)
    seconds = time.perf_counter() - started
    if options.seconds is not None and seconds > 1.2 * options.seconds:
        notes.append(
            f"it took {duration(seconds)}, not {duration(options.seconds)}: the time budget is for the networks, and "
            "the standard stream takes what it takes; a lower --effort is faster"
        )
    return _encoded(job, header, frames, size, before, seconds, notes, goal, psnr)


def _mean_psnr(done: list[VideoProgress], frames: int) -> float | None:
    """PSNR of the last `frames` frames (a target may take several rounds); None if a resumed run hasn't made them."""
    total, count = 0.0, 0
    for told in reversed(done):
        if count < frames:
            total, count = total + told.psnr * told.frames, count + told.frames
    return total / count if count == frames else None


def _keep(job: Job, source: str | bytes, tell: Tell | None, options: VideoRequest, max_pixels: int) -> Result:
    """Wrap one whose stream stays as it is."""
    from codec.codecs.nirvana.kept import write
    from codec.standard.keep import keep

    started = time.perf_counter()
    kept = keep(source, max_pixels=max_pixels, audio=options.audio, strip=options.strip)
    before = len(source) if isinstance(source, bytes) else os.path.getsize(source)
    with atomic_write(job.target, job.replace) as fp:
        line = EncodingLine(kept.expected, tell, ("base",)) if tell else None
        header, frames = write(kept, fp, max_pixels=max_pixels, tell=line)
        size = fp.tell()
    return _encoded(job, header, frames, size, before, time.perf_counter() - started, kept.notes, {})


def _encoded(
    job: Job, header: Any, frames: int, size: int, before: int, seconds: float, notes: list[str], goal: dict[str, Any],
    psnr: float | None = None,
) -> Result:  # fmt: skip
    from codec import codecs

    pixels = header.width * header.height * frames
    bpp = 8 * size / pixels if pixels else 0.0
    row: dict[str, Any] = {
        "file": job.source, "output": job.target, "codec": codecs.of(header).name, **goal,
        "frames": frames, "bytes": size, "pixels": pixels, "bpp": bpp, "encode_s": round(seconds, 3),
    }  # fmt: skip
    found = ""
    if psnr is not None:
        row["psnr"], found = round(psnr, 3), f"{psnr:.2f} dB  "
    shape = f"{header.width} x {header.height}, {frames} frames"
    text = f"{shape}  {size:,} bytes  {bpp:.4f} bpp  {found}({seconds:.1f} s)"
    notes = list(notes)
    if size > before > 0 and goal:
        notes.append(f"the output is larger than the input: {size:,} bytes, {before:,} before")
    return Result(row, f"{job.source} -> {job.target}  {text}", "; ".join(notes), before)


def _sounds(info: Any, format: str, damage: list[CodecError]) -> bool:
    """Whether the sound in a damaged file can go into a format; `damage` is told if not."""
    from codec.media.video.mux import Sound

    sound = info.metadata.get("audio")
    try:
        if sound and format != "y4m":
            Sound(sound, format)
    except FormatError as error:
        damage.append(FormatError(f"{error} (audio is left out)"))
        return False
    return True


def decode_video(
    job: Job, source: str | bytes, tell: Tell | None, frames: tuple[int, int] | None, png: bool, base: bool,
    audio: bool, device: str, partial: bool, max_pixels: int,
) -> Result:  # fmt: skip
    """Decode one into a video file, a folder of PNGs, or y4m on standard output."""
    from codec import video
    from codec.media.video import VIDEO_FORMATS, left_out, write_folder, write_video

    suffix = os.path.splitext(job.target)[1].lower()
    if png and job.target == STDIO:
        raise CodecError("a folder of PNGs can't go to standard output; name it with -o")
    if not png and job.target != STDIO and suffix not in VIDEO_FORMATS:
        kinds = " ".join(VIDEO_FORMATS)
        raise CodecError(f"it is a video, and {job.target} none; name the output {kinds}, or add --png for a folder")
    format = VIDEO_FORMATS.get(suffix, "y4m")
    started = time.perf_counter()
    with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as fp:
        file = video.open_file(fp, device=device, partial=partial, max_pixels=max_pixels, base=base)
        first, last = frames or (0, file.frames - 1)
        info = file.info
        if not audio or (file.damage is not None and not png and not _sounds(info, format, file.damage)):
            info = replace(info, metadata={k: v for k, v in info.metadata.items() if k != "audio"})

        def pictures() -> Iterator[Any]:
            for number, picture in enumerate(file.pictures(first, last), 1):
                yield picture
                if tell:
                    tell(number, last - first + 1)

        written = 0
        if png:
            with whole_folder(Path(job.target)) as folder:
                count = write_folder(info, pictures(), folder)
        else:
            with atomic_write(job.target, job.replace) as out:
                count = write_video(info, pictures(), out, format)
                if format == "mp4":
                    mark_mp4(out)
                written = out.tell()
        before = fp.seek(0, os.SEEK_END)
    seconds = time.perf_counter() - started
    size = sum(path.stat().st_size for path in Path(job.target).iterdir()) if png else written
    row: dict[str, Any] = {
        "file": job.source, "output": job.target, "width": file.info.width, "height": file.info.height,
        "frames": count, "bytes": size, "decode_s": round(seconds, 3),
    }  # fmt: skip
    if file.damage:
        row["error"] = f"wrote what is whole to {job.target}; lost: " + "; ".join(str(e) for e in file.damage)
        return Result(row, f"{job.source}: {row['error']}")
    shape = f"{file.info.width} x {file.info.height}, {count} frames"
    note = "; ".join(left_out(info.metadata, "png" if png else format))
    return Result(row, f"{job.source} -> {job.target}  {shape}  {size:,} bytes  ({seconds:.1f} s)", note, before)
