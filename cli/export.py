"""`codec export`: the standard stream in an .ncf video becomes a file for every player, without being encoded again."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import click

from codec import urls
from codec.cli.batch import Result, Tell, run_batch
from codec.cli.files import STDIO, Job, Names
from codec.cli.made import mark_mp4, replaceable
from codec.cli.options import BatchOptions, told_options, where_options
from codec.cli.streams import an_ncf, atomic_write, contents
from codec.errors import CodecError


def default_name(source: str) -> str:
    """a.ncf -> a.mp4, beside it."""
    stem, suffix = os.path.splitext(name := urls.named(source))
    return (stem if suffix.lower() == ".ncf" else name) + ".mp4"


@click.command(short_help="Take the standard stream out of .ncf videos, as mp4 or mkv.")
@where_options("A file ending in .mp4 or .mkv, or a directory.")
@click.option("--no-audio", is_flag=True, help="Leave the sound out.")
@told_options
def export(sources: tuple[str, ...], no_audio: bool, max_pixels: int, **rest: Any) -> None:
    """Take the standard stream (AV1, H.265 or H.264) out of .ncf videos, with its sound.

    \b
    codec export clip.ncf                  writes clip.mp4 beside it
    codec export clip.ncf -o clip.mkv

    Nothing is encoded again, so it takes no time and every player plays it. It shows the pictures without what the
    networks give back: those of `codec decode --base`.
    """

    def work(job: Job, tell: Tell | None) -> Result:
        return _export(job, not no_audio, max_pixels)

    run_batch(
        ("exporting", "exported"),
        sources,
        BatchOptions(**rest),
        work=work,
        names=Names(default_name, replaceable, "exported"),
        suffixes=(".ncf",),
    )


def _export(job: Job, audio: bool, max_pixels: int) -> Result:
    from codec import video
    from codec.media.video import left_out, without_sound
    from codec.standard.export import FORMATS, export

    suffix = os.path.splitext(job.target)[1].lower()
    if job.target == STDIO or suffix not in FORMATS:
        raise CodecError(f"a stream goes into a file; name the output {' or '.join(FORMATS)}")
    if job.source == STDIO:
        raise CodecError("a stream is taken out of a file, not of standard input; name one")
    started = time.perf_counter()
    source = contents(job.source, an_ncf)
    with urls.stream(source) as fp:
        file = video.open_file(fp, max_pixels=max_pixels)
        with atomic_write(job.target, job.replace) as out:
            metadata = file.header.metadata if audio else without_sound(file.header.metadata)
            count = export(replace(file.header, metadata=metadata), file.packets, out, FORMATS[suffix])
            if suffix == ".mp4":
                mark_mp4(out)
            size = out.tell()
        before = fp.seek(0, os.SEEK_END)
    seconds = time.perf_counter() - started
    stream = file.header.stream
    assert stream is not None
    row = {"file": job.source, "output": job.target, "stream": stream.standard, "frames": count, "bytes": size}
    line = f"{job.source} -> {job.target}  {stream.standard}, {count} frames  {size:,} bytes  ({seconds:.1f} s)"
    return Result(row, line, "; ".join(left_out(file.header.metadata, FORMATS[suffix])), before)
