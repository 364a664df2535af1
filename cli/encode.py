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


def _finite(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not in the range 0<=x<=100.")
    return value


def default_name(source: str) -> str:
    """a.jpg -> a.ncf, beside it; never the source itself."""
    stem, suffix = os.path.splitext(source)
    return (source if suffix.lower() == ".ncf" else stem) + ".ncf"


@click.command(short_help="Compress images to .ncf files.")
@where_options("A file, a directory (several inputs), or - for stdout.")
@click.option(
    "-q", "--quality", type=click.FloatRange(0, 100), callback=_finite,
    help="0 smallest to 100 best; fractions count.  [default: 50]",
)  # fmt: skip
@click.option("--lossless", is_flag=True, help="Keep every bit (the circuit codec).")
@click.option(
    "-e", "--effort", type=click.IntRange(1, 9),
    help="With --lossless: 1 fastest to 9 smallest; it decodes as fast.  [default: 2]",
)  # fmt: skip
@click.option(
    "--verify/--no-verify", default=None, help="With --lossless: decode each part and compare.  [default: verify]"
)
@click.option("--strip", is_flag=True, help="Drop Exif, XMP and ICC profile; 8-bit colours are converted to sRGB.")
@run_options("Where to compute; a file decodes on any device.")
def encode(
    sources: tuple[str, ...], quality: float | None, lossless: bool, effort: int | None, verify: bool | None,
    strip: bool, device: str, max_pixels: int, **rest: Any,
) -> None:  # fmt: skip
    """Compress images to .ncf files.

    \b
    codec encode photo.jpg                    writes photo.ncf beside it
    codec encode -q 30 photo.jpg -o small.ncf
    codec encode --lossless scan.png          every bit comes back
    codec encode *.png -o out/                several files into a directory
    codec encode -r photos/ -o out/ -j 0      a folder, mirrored, on all cores
    codec encode - < photo.jpg > photo.ncf    as a filter

    Reads JPEG, PNG, WebP, AVIF, HEIC (with pillow-heif), TIFF, GIF (of an animation the first frame), BMP and
    PPM. Orientation is applied; depths up to 16 bits, transparency, ICC, Exif and XMP are kept.
    """
    from codec.media import SUFFIXES

    if lossless and quality is not None:
        raise click.UsageError("--lossless keeps every bit; leave out --quality")
    if not lossless and (effort is not None or verify is not None):
        raise click.UsageError("--effort and --verify go with --lossless; give it too, or leave them out")
    options: dict[str, Any] = {"lossless": lossless, "quality": quality, "effort": effort, "verify": verify}
    options |= {"strip": strip, "device": device, "max_pixels": max_pixels}
    work = partial(_encode_file, options=options)
    run_batch(("encoding", "encoded"), sources, Options(**rest), work=work, name=default_name, suffixes=SUFFIXES)


def _encode_file(job: Job, tiles: Tiles | None, *, options: dict[str, Any]) -> Result:
    from codec import api, container

    source = read_stdin() if job.source == STDIO else job.source
    before = len(source) if isinstance(source, bytes) else os.path.getsize(source)
    started = time.perf_counter()
    data = api.encode(source, progress=tiles, **options)
    seconds = time.perf_counter() - started
    with atomic_write(job.target) as fp:
        fp.write(data)
    header = container.read_header(io.BytesIO(data), container.Limits(pixels=options["max_pixels"]))
    pixels = header.width * header.height * header.frames
    bpp = 8 * len(data) / pixels
    row: dict[str, Any] = {
        "file": job.source,
        "output": job.target,
        "codec": header.codec_name,
        **_setting(options),
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


def _setting(options: dict[str, Any]) -> dict[str, Any]:
    """What a row says of how its file was made."""
    if options["lossless"]:
        from codec.circuit.images import EFFORT

        return {"effort": options["effort"] or EFFORT, "device": "cpu"}
    from codec.device import resolve

    quality = 50.0 if options["quality"] is None else options["quality"]
    return {"quality": quality, "device": resolve(options["device"])}
