"""`codec encode`: images to .ncf files."""

from __future__ import annotations

import io
import math
import os
import time
from functools import partial
from typing import Any

import click

from codec.cli.batch import Result, Tiles, run_batch
from codec.cli.files import STDIO, Job
from codec.cli.options import Options, run_options, where_options
from codec.cli.streams import atomic_write, read_stdin


def _finite(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if math.isnan(value):
        raise click.BadParameter("nan is not in the range 0<=x<=100.")
    return value


def default_name(source: str) -> str:
    """a.jpg -> a.ncf, beside it; never the source itself."""
    stem, suffix = os.path.splitext(source)
    return (source if suffix.lower() == ".ncf" else stem) + ".ncf"


@click.command(short_help="Compress images to .ncf files.")
@where_options("A file, a directory (several inputs), or - for stdout.")
@click.option(
    "-q", "--quality", type=click.FloatRange(0, 100), default=50.0, show_default=True, callback=_finite,
    help="0 smallest to 100 best; fractions count.",
)  # fmt: skip
@click.option("--strip", is_flag=True, help="Drop Exif, XMP and ICC profile; 8-bit colours are converted to sRGB.")
@run_options("Where to compute; a file decodes on any device.")
def encode(sources: tuple[str, ...], quality: float, strip: bool, device: str, max_pixels: int, **rest: Any) -> None:
    """Compress images to .ncf files.

    \b
    codec encode photo.jpg                    writes photo.ncf beside it
    codec encode -q 30 photo.jpg -o small.ncf
    codec encode *.png -o out/                several files into a directory
    codec encode -r photos/ -o out/ -j 0      a folder, mirrored, on all cores
    codec encode - < photo.jpg > photo.ncf    as a filter

    Reads JPEG, PNG, WebP, AVIF, HEIC (with pillow-heif), TIFF, GIF (of an animation the first frame), BMP and
    PPM. Orientation is applied; depths up to 16 bits, transparency, ICC, Exif and XMP are kept.
    """
    from codec.media import SUFFIXES

    work = partial(_encode_file, quality=quality, strip=strip, device=device, max_pixels=max_pixels)
    run_batch(("encoding", "encoded"), sources, Options(**rest), work=work, name=default_name, suffixes=SUFFIXES)


def _encode_file(job: Job, tiles: Tiles | None, *, quality: float, strip: bool, device: str, max_pixels: int) -> Result:
    from codec import api, container
    from codec.device import resolve

    source = read_stdin() if job.source == STDIO else job.source
    before = len(source) if isinstance(source, bytes) else os.path.getsize(source)
    started = time.perf_counter()
    data = api.encode(source, quality=quality, device=device, strip=strip, max_pixels=max_pixels, progress=tiles)
    seconds = time.perf_counter() - started
    with atomic_write(job.target) as fp:
        fp.write(data)
    header = container.read_header(io.BytesIO(data), container.Limits(pixels=max_pixels))
    pixels = header.width * header.height * header.frames
    bpp = 8 * len(data) / pixels
    row: dict[str, Any] = {
        "file": job.source,
        "output": job.target,
        "codec": header.codec_name,
        "quality": quality,
        "device": resolve(device),
        "bytes": len(data),
        "pixels": pixels,
        "bpp": bpp,
        "encode_s": round(seconds, 3),
    }
    line = f"{job.source} -> {job.target}  {len(data):,} bytes  {bpp:.3f} bpp  ({seconds:.1f} s)"
    note = ""
    if len(data) > before > 0:
        note = f"the output is larger than the input: {len(data):,} bytes, {before:,} before"
    return Result(row, line, note, before)
