"""Videos on the command line: what `encode` and `decode` do with a job that is one."""

from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import click

from codec.cli.batch import Result, Tiles
from codec.cli.files import STDIO, Job
from codec.cli.messages import duration
from codec.cli.streams import atomic_write
from codec.errors import CodecError


@dataclass(frozen=True)
class VideoOptions:
    """The options of `codec encode` that only a video has a use for."""

    codec: str | None = None
    preset: str | None = None
    quality: float | None = None
    target_psnr: float | None = None
    target_bpp: float | None = None
    effort: int | None = None
    seconds: float | None = None
    audio: bool = True
    resume: bool = False


class Span(click.ParamType):
    """A range of frames, A..B, both included; or one frame."""

    name = "frames"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        found = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", str(value))
        if found is None:
            self.fail(f"{value!r} is not A..B, such as 120..180", param, ctx)
        first = int(found[1])
        return first, int(found[2] or first)


class Duration(click.ParamType):
    """Seconds, or 90s, 10m, 2h."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        if found is None or not float(found[1]):
            self.fail(f"{value!r} is not a time, such as 90s, 10m or 2h", param, ctx)
        return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def encode_video(
    job: Job, source: str | bytes, tell: Tiles | None, options: VideoOptions, device: str, max_pixels: int
) -> Result:
    """Encode one; notes of the reader and a size above the source's become the result's note."""
    from codec import video
    from codec.media.video import read_video
    from codec.nirvana.codec import EFFORT, Options
    from codec.nirvana.rate import Target

    started = time.perf_counter()
    opened = read_video(source, max_pixels=max_pixels, audio=options.audio)
    goals = {"quality": options.quality, "psnr": options.target_psnr, "bpp": options.target_bpp}
    given = {name: value for name, value in goals.items() if value is not None} or {"quality": 50.0}
    chosen = Options(Target(**given), options.effort or EFFORT, options.seconds, opened.expected)
    frames = 0

    def told(what: Any) -> None:
        nonlocal frames
        frames = what.frames
        if tell:
            seconds = time.perf_counter() - started
            left = seconds / frames * max(opened.expected - frames, 0)
            rest = f", {duration(left)} left" if left and seconds > 2 else ""
            tell(frames, opened.expected, f", {what.psnr:.1f} dB, {what.bpp:.3f} bpp{rest}")

    with _resumable(job.target, options.resume) as fp:
        header = video.encode(
            opened, fp, options.codec or video.DEFAULT, options=chosen, preset=options.preset, device=device,
            max_pixels=max_pixels, tell=told, resume=options.resume and fp.seekable(),
        )  # fmt: skip
        size = fp.tell() if fp.seekable() else 0
    seconds = time.perf_counter() - started
    before = len(source) if isinstance(source, bytes) else _size(source)
    pixels = header.width * header.height * frames
    bpp = 8 * size / pixels if pixels else 0.0
    row: dict[str, Any] = {
        "file": job.source, "output": job.target, "codec": header.codec_name, **given,
        "frames": frames, "bytes": size, "pixels": pixels, "bpp": bpp, "encode_s": round(seconds, 3),
    }  # fmt: skip
    text = f"{header.width} x {header.height}, {frames} frames  {size:,} bytes  {bpp:.4f} bpp  ({seconds:.1f} s)"
    notes = list(opened.notes)
    if size > before > 0:
        notes.append(f"the output is larger than the input: {size:,} bytes, {before:,} before")
    return Result(row, f"{job.source} -> {job.target}  {text}", "; ".join(notes), before)


def decode_video(
    job: Job, source: str | bytes, tell: Tiles | None, frames: tuple[int, int] | None, png: bool, device: str,
    partial: bool, max_pixels: int,
) -> Result:  # fmt: skip
    """Decode one into a video file, a folder of PNGs, or y4m on standard output."""
    from codec import video
    from codec.media.video import VIDEO_FORMATS, write_folder, write_video

    suffix = os.path.splitext(job.target)[1].lower()
    if not png and job.target != STDIO and suffix not in VIDEO_FORMATS:
        kinds = " ".join(VIDEO_FORMATS)
        raise CodecError(f"it is a video, and {job.target} none; name the output {kinds}, or add --png for a folder")
    format = VIDEO_FORMATS.get(suffix, "y4m")
    started = time.perf_counter()
    with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as fp:
        file = video.open_file(fp, device=device, partial=partial, max_pixels=max_pixels)
        first, last = frames or (0, file.frames - 1)

        def pictures() -> Iterator[Any]:
            for number, picture in enumerate(file.pictures(first, last), 1):
                yield picture
                if tell:
                    tell(number, last - first + 1)

        if png:
            with _whole_folder(Path(job.target)) as folder:
                count = write_folder(file.info, pictures(), folder)
        else:
            with atomic_write(job.target) as out:
                count = write_video(file.info, pictures(), out, format)
        before = fp.seek(0, os.SEEK_END)
    seconds = time.perf_counter() - started
    size = 0 if job.target == STDIO or png else _size(job.target)
    row: dict[str, Any] = {
        "file": job.source, "output": job.target, "width": file.info.width, "height": file.info.height,
        "frames": count, "bytes": size, "decode_s": round(seconds, 3),
    }  # fmt: skip
    if file.damage:
        row["error"] = f"wrote what is whole to {job.target}; lost: " + "; ".join(str(e) for e in file.damage)
        return Result(row, f"{job.source}: {row['error']}")
    shape = f"{file.info.width} x {file.info.height}, {count} frames"
    note = (
        "the sound is left out: y4m and pictures hold none"
        if "audio" in file.info.metadata and (png or format == "y4m")
        else ""
    )
    return Result(row, f"{job.source} -> {job.target}  {shape}  {size:,} bytes  ({seconds:.1f} s)", note, before)


def unfinished(target: str) -> Path:
    """Where an encoding of a video is until it is complete: a name that the next run finds (--resume)."""
    final = Path(os.path.realpath(target))
    return final.with_name(f".{final.name}.unfinished")


@contextmanager
def _resumable(target: str, resume: bool) -> Iterator[IO[bytes]]:
    """A file that gets its name when it is complete; interrupted, it stays, for --resume. Others start anew."""
    if target == STDIO or (os.path.exists(target) and not os.path.isfile(target)):
        with atomic_write(target) as fp:
            yield fp
        return
    part = unfinished(target)
    try:
        with open(part, "r+b" if resume and part.exists() else "w+b") as fp:
            yield fp
            fp.flush()
            os.fsync(fp.fileno())
        if os.path.exists(target):
            shutil.copymode(target, part)
        os.replace(part, os.path.realpath(target))
    except (CodecError, OSError):
        if not resume:
            part.unlink(missing_ok=True)  # what fails once fails again
        raise


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """A folder that appears complete, or not at all."""
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name[:48]}.part-", dir=folder.absolute().parent))
    try:
        yield made
        os.chmod(made, 0o755)
        os.replace(made, folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _size(path: str) -> int:
    if os.path.isdir(path):
        return sum(f.stat().st_size for f in Path(path).iterdir() if f.is_file())
    return os.path.getsize(path)
