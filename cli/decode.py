"""`codec decode`: .ncf files to images."""

from __future__ import annotations

import functools
import io
import os
import time
from typing import Any

import click

from codec.cli.batch import Result, Tiles, run_batch
from codec.cli.files import STDIO, Job
from codec.cli.options import Options, run_options, where_options
from codec.cli.streams import atomic_write, read_stdin


def default_name(source: str) -> str:
    """a.ncf -> a.png, beside it; other names get .png appended, so that none is its own output."""
    stem, suffix = os.path.splitext(source)
    return (stem if suffix.lower() == ".ncf" else source) + ".png"


@click.command(short_help="Turn .ncf files back into images.")
@where_options("A file whose suffix says the format (png jpg webp avif tif bmp ppm), a directory, or - for a PNG.")
@click.option("--partial", is_flag=True, help="Keep what is whole of a damaged file; the rest becomes grey.")
@run_options("Where to compute.")
def decode(sources: tuple[str, ...], device: str, partial: bool, max_pixels: int, **rest: Any) -> None:
    """Turn .ncf files back into images.

    \b
    codec decode photo.ncf                    writes photo.png beside it
    codec decode photo.ncf -o photo.jpg       another format
    codec decode *.ncf -o out/                several files into a directory
    codec decode -r photos/ -o out/ -j 0      a folder, mirrored, on all cores
    codec decode - < photo.ncf > photo.png    as a filter

    Every file is checked: a damaged one is an error, never a wrong picture. With --partial it is still an error, but
    what is whole is written.
    """
    work = functools.partial(_decode_file, device=device, partial=partial, max_pixels=max_pixels)
    run_batch(("decoding", "decoded"), sources, Options(**rest), work=work, name=default_name, suffixes=(".ncf",))


def _decode_file(job: Job, tiles: Tiles | None, *, device: str, partial: bool, max_pixels: int) -> Result:
    from codec import api, media

    image_format = media.format_for(job.target)
    source = read_stdin() if job.source == STDIO else job.source
    before = len(source) if isinstance(source, bytes) else os.path.getsize(source)
    started = time.perf_counter()
    decoded = api.decode(source, device=device, partial=partial, max_pixels=max_pixels, progress=tiles)
    frames = list(decoded.frames())
    seconds = time.perf_counter() - started
    buffer = io.BytesIO()
    media.write(decoded.info, frames, buffer, image_format)
    with atomic_write(job.target) as fp:
        fp.write(buffer.getbuffer())
    width, height, size = decoded.info.width, decoded.info.height, buffer.tell()
    row: dict[str, Any] = {
        "file": job.source,
        "output": job.target,
        "width": width,
        "height": height,
        "bytes": size,
        "decode_s": round(seconds, 3),
    }
    if decoded.damage:
        # An error still, for scripts; but one with an output.
        row["error"] = f"wrote what is whole to {job.target}; lost: " + "; ".join(str(e) for e in decoded.damage)
        return Result(row, f"{job.source}: {row['error']}")
    line = f"{job.source} -> {job.target}  {width} x {height}  {size:,} bytes  ({seconds:.1f} s)"
    return Result(row, line, bytes_before=before)
