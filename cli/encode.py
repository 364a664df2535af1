"""`codec encode`: images to .ncf files."""

from __future__ import annotations

import json
import math
import os
import re
import time

import click

from codec.cli.files import STDIO, Job, atomic_write, check_target, file_ids, plan, read_stdin, run_batch, status


class Device(click.ParamType):
    """The name of a device; whether it exists is asked of torch when it is used."""

    name = "device"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", value):
            self.fail(f"{value!r} is not auto, cpu, cuda or cuda:N", param, ctx)
        return value


def _finite(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if math.isnan(value):
        raise click.BadParameter("nan is not in the range 0<=x<=100.")
    return value


def default_name(source: str) -> str:
    """a.jpg -> a.ncf, beside it; never the source itself."""
    stem, suffix = os.path.splitext(source)
    return (source if suffix.lower() == ".ncf" else stem) + ".ncf"


@click.command(short_help="Compress images to .ncf files.")
@click.argument("sources", metavar="IN...", nargs=-1, required=True)
@click.option("-o", "--output", metavar="OUT", help="A file, a directory (several inputs), or - for stdout.")
@click.option("-f", "--force", is_flag=True, help="Overwrite existing files.")
@click.option(
    "-q", "--quality", type=click.FloatRange(0, 100), default=50.0, show_default=True, callback=_finite,
    help="0 smallest to 100 best; fractions count.",
)  # fmt: skip
@click.option(
    "--device", type=Device(), default="auto", show_default=True, metavar="auto|cpu|cuda|cuda:N",
    help="Where to compute; a file decodes on any device.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file on stdout.")
@click.option("--quiet", is_flag=True, help="Print only errors.")
def encode(
    sources: tuple[str, ...], output: str | None, force: bool, quality: float, device: str, as_json: bool, quiet: bool
) -> None:
    """Compress images to .ncf files.

    \b
    codec encode photo.jpg                    writes photo.ncf beside it
    codec encode -q 30 photo.jpg -o small.ncf
    codec encode *.png -o out/                several files into a directory
    codec encode - < photo.jpg > photo.ncf    as a filter

    Reads JPEG, PNG, WebP, AVIF, TIFF, GIF (of an animation the first frame), BMP and PPM. Orientation is
    applied; ICC, Exif and XMP are kept.
    """
    jobs = {job.source: job for job in plan(sources, output, default_name)}
    if as_json and any(job.target == STDIO for job in jobs.values()):
        raise click.UsageError("--json and the file can't both go to standard output; name a file with -o")

    inputs = file_ids(list(jobs))

    def work(source: str) -> None:
        check_target(jobs[source], inputs, force)
        if not quiet:
            status(f"encoding {source} ...")
        row, note = _encode_file(jobs[source], quality, device)
        status("")
        if note and not quiet:
            click.echo(f"codec: {source}: {note}", err=True)
        if as_json:
            click.echo(json.dumps(row))
        elif not quiet:
            click.echo(
                f"{source} -> {row['output']}  {row['bytes']:,} bytes  {row['bpp']:.3f} bpp  ({row['encode_s']:.1f} s)",
                err=True,
            )

    run_batch(list(jobs), work)


def _encode_file(job: Job, quality: float, device: str) -> tuple[dict[str, object], str]:
    """Encode one file; its row, and a warning where there is one."""
    from codec import api

    source = read_stdin() if job.source == STDIO else job.source
    started = time.perf_counter()
    data = api.encode(source, quality=quality, device=device)
    seconds = time.perf_counter() - started
    with atomic_write(job.target) as fp:
        fp.write(data)
    header = api.info(data)
    pixels = header.width * header.height * header.frames
    from codec.device import resolve

    row: dict[str, object] = {
        "file": job.source,
        "output": job.target,
        "codec": header.codec_name,
        "quality": quality,
        "device": resolve(device),
        "bytes": len(data),
        "pixels": pixels,
        "bpp": 8 * len(data) / pixels,
        "encode_s": round(seconds, 3),
    }
    before = len(source) if isinstance(source, bytes) else os.path.getsize(source)
    if len(data) > before > 0:
        return row, f"the output is larger than the input: {len(data):,} bytes, {before:,} before"
    return row, ""
