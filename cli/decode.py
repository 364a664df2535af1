"""`codec decode`: .ncf files to images."""

from __future__ import annotations

import io
import json
import os
import time

import click

from codec.cli.encode import Device
from codec.cli.files import STDIO, Job, atomic_write, check_target, file_ids, plan, read_stdin, run_batch, status


def default_name(source: str) -> str:
    """a.ncf -> a.png, beside it; other names get .png appended, so that none is its own output."""
    stem, suffix = os.path.splitext(source)
    return (stem if suffix.lower() == ".ncf" else source) + ".png"


@click.command(short_help="Turn .ncf files back into images.")
@click.argument("sources", metavar="IN...", nargs=-1, required=True)
@click.option(
    "-o", "--output", metavar="OUT",
    help="A file whose suffix says the format (png jpg webp avif tif bmp ppm), a directory, or - for a PNG on stdout.",
)  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Overwrite existing files.")
@click.option(
    "--device", type=Device(), default="auto", show_default=True, metavar="auto|cpu|cuda|cuda:N",
    help="Where to compute.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file on stdout.")
@click.option("--quiet", is_flag=True, help="Print only errors.")
def decode(sources: tuple[str, ...], output: str | None, force: bool, device: str, as_json: bool, quiet: bool) -> None:
    """Turn .ncf files back into images.

    \b
    codec decode photo.ncf                    writes photo.png beside it
    codec decode photo.ncf -o photo.jpg       another format
    codec decode *.ncf -o out/                several files into a directory
    codec decode - < photo.ncf > photo.png    as a filter

    Every file is checked: a damaged one is an error, never a wrong picture.
    """
    jobs = {job.source: job for job in plan(sources, output, default_name)}
    if as_json and any(job.target == STDIO for job in jobs.values()):
        raise click.UsageError("--json and the image can't both go to standard output; name a file with -o")

    inputs = file_ids(list(jobs))

    def work(source: str) -> None:
        check_target(jobs[source], inputs, force)
        if not quiet:
            status(f"decoding {source} ...")
        row = _decode_file(jobs[source], device)
        status("")
        if as_json:
            click.echo(json.dumps(row))
        elif not quiet:
            click.echo(
                f"{source} -> {row['output']}  {row['width']} x {row['height']}  {row['bytes']:,} bytes  "
                f"({row['decode_s']:.1f} s)",
                err=True,
            )

    run_batch(list(jobs), work)


def _decode_file(job: Job, device: str) -> dict[str, object]:
    from codec import api, media

    image_format = media.format_for(job.target)
    source = read_stdin() if job.source == STDIO else job.source
    started = time.perf_counter()
    decoded = api.decode(source, device=device)
    frames = list(decoded.frames())
    seconds = time.perf_counter() - started
    buffer = io.BytesIO()
    media.write(decoded.info, frames, buffer, image_format)
    with atomic_write(job.target) as fp:
        fp.write(buffer.getbuffer())
    return {
        "file": job.source,
        "output": job.target,
        "width": decoded.info.width,
        "height": decoded.info.height,
        "bytes": buffer.tell(),
        "decode_s": round(seconds, 3),
    }
