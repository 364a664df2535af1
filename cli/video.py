"""Videos on the command line: what is said of them in options, and what `decode` and `archive extract` write."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from codec import urls
from codec.cli.batch import Result, Tell
from codec.cli.files import STDIO, Job
from codec.cli.made import mark_mp4
from codec.cli.options import Command, together
from codec.cli.streams import atomic_write
from codec.errors import CodecError, FormatError
from codec.output import whole_folder


class Span(click.ParamType):
    """A range of frames, A..B, both included; or one frame."""

    name = "frames"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        found = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", str(value))
        if found is None:
            self.fail(f"{value!r} is not A..B, such as 120..180", param, ctx)
        first = int(found[1])
        return first, int(found[2] or first)


def picture_options(command: Command) -> Command:
    """What is written of a video: `frames`, `base`, `png` and `no_audio`."""
    return together(
        click.option("--frames", type=Span(), metavar="A..B", help="Videos: only these frames, counted from 0."),
        click.option("--base", is_flag=True, help="Videos: the standard stream's pictures, without the networks."),
        click.option("--png", is_flag=True, help="Videos: a folder of PNGs, named as the output."),
        click.option("--no-audio", is_flag=True, help="Videos: leave the sound out."),
    )(command)


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

    started = time.perf_counter()
    check_target(job.target, png)
    with urls.stream(source) as fp:
        file = video.open_file(fp, device=device, partial=partial, max_pixels=max_pixels, base=base)
        return write_decoded(job, file, fp.seek(0, os.SEEK_END), tell, frames, png, audio, started)


def check_target(target: str, png: bool) -> None:
    """CodecError for a name that no video is written under; `png`: as a folder."""
    from codec.media.video import VIDEO_FORMATS

    suffix = os.path.splitext(target)[1].lower()
    if png and target == STDIO:
        raise CodecError("a folder of PNGs can't go to standard output; name it with -o")
    if png and urls.is_url(target):
        raise CodecError(f"a folder of PNGs goes to a disk, and {target} is a URL; name a folder with -o")
    if not png and target != STDIO and suffix not in VIDEO_FORMATS:
        kinds = " ".join(VIDEO_FORMATS)
        raise CodecError(f"it is a video, and {target} none; name the output {kinds}, or add --png for a folder")


def write_decoded(
    job: Job, file: Any, before: int, tell: Tell | None, frames: tuple[int, int] | None, png: bool, audio: bool,
    started: float,
) -> Result:  # fmt: skip
    """Write what an opened video or session decodes to; `before`: bytes that it takes as it is."""
    from codec.media.video import VIDEO_FORMATS, left_out, without_sound, write_folder, write_video

    format = VIDEO_FORMATS.get(os.path.splitext(job.target)[1].lower(), "y4m")
    first, last = frames or (0, file.frames - 1)
    info = file.info
    if not audio or (file.damage is not None and not png and not _sounds(info, format, file.damage)):
        info = replace(info, metadata=without_sound(info.metadata))

    def pictures() -> Iterator[Any]:
        number = 0
        for number, picture in enumerate(file.pictures(first, last), 1):
            yield picture
            if tell:
                tell(number, last - first + 1)
        if not number and file.damage:
            raise FormatError(f"no frame of it is whole: {file.damage[0]}")

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
