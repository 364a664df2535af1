"""`codec decode` of less than a whole picture: a rectangle, a smaller copy, or a thumbnail."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

import click

from codec.cli.batch import Result
from codec.cli.files import Job
from codec.cli.made import marked_png
from codec.cli.options import Command, together
from codec.cli.streams import atomic_write, size_of

_SCALES = ("1/2", "1/4", "1/8", "1/16")


def first_given(options: Mapping[str, object]) -> str:
    """The first option, by name, that has a value; "" if none has."""
    return next((name for name, value in options.items() if value), "")


class Wanted(NamedTuple):
    """What of a picture is written: `region` x, y, width, height; how many times smaller; or a thumbnail of at most so
    many pixels a side."""

    region: tuple[int, int, int, int] | None = None
    scale: int = 1
    thumbnail: int | None = None

    @property
    def kind(self) -> str:
        """What a name that is made up says of it; "" of the whole."""
        return "thumb" if self.thumbnail else "region" if self.region else "small" if self.scale > 1 else ""

    @property
    def option(self) -> str:
        """The first option that asks for less than the whole; "" if none does."""
        given = {"--region": self.region, "--scale": self.scale > 1, "--thumbnail": self.thumbnail}
        return first_given(given)


class _Region(click.ParamType):
    """A rectangle, X,Y,W,H."""

    name = "region"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if not re.fullmatch(r"\d{1,9}(,\d{1,9}){3}", str(value)):
            self.fail(f"{value!r} is not X,Y,W,H in pixels, such as 0,0,640,480", param, ctx)
        numbers = tuple(int(number) for number in str(value).split(","))
        if not all(numbers[2:]):
            self.fail(f"{value!r} has no pixels; give a width and a height from 1 on", param, ctx)
        return numbers


def view_options(command: Command) -> Command:
    """`region`, `scale` and `thumbnail`."""
    return together(
        click.option(
            "--region", type=_Region(), metavar="X,Y,W,H",
            help="Images: only this rectangle, in pixels from the top left; no other part of the file is decoded.",
        ),
        click.option("--scale", type=click.Choice(_SCALES), help="Images: smaller, each way; quick from 1/4 on."),
        click.option(
            "--thumbnail", type=click.IntRange(1, 4096), metavar="SIZE",
            help="A PNG of at most SIZE pixels a side, of a video of its first frame, by the quickest way.",
        ),
    )(command)  # fmt: skip


def wanted(region: tuple[int, int, int, int] | None, scale: str | None, thumbnail: int | None) -> Wanted:
    """What the options say; UsageError for those that contradict each other."""
    if thumbnail and (region or scale):
        raise click.UsageError("--thumbnail says how large the picture gets; leave out --region and --scale")
    return Wanted(region, Fraction(scale).denominator if scale else 1, thumbnail)


def write_thumbnail(job: Job, source: str | bytes, size: int, device: str, max_pixels: int) -> Result:
    """Write a thumbnail: a PNG, unless the output's suffix is that of another format; file managers give any."""
    import numpy as np

    from codec import media
    from codec.errors import MediaError
    from codec.thumbnail import with_header

    before = size_of(source)
    started = time.perf_counter()
    try:
        image_format = media.format_for(job.target)
    except MediaError:
        image_format = "png"
    with atomic_write(job.target, job.replace) as fp:
        image, header = with_header(source, size, device=device, max_pixels=max_pixels)
        seconds = time.perf_counter() - started
        icc = image.info.get("icc_profile")
        info, frames = media.from_array(np.asarray(image))
        color = header.color if header.rate is None else info.color
        buffer = io.BytesIO()
        media.write(replace(info, color=color, metadata={"icc": icc} if icc else {}), frames, buffer, image_format)
        data = marked_png(buffer.getvalue()) if image_format == "png" else buffer.getvalue()
        fp.write(data)
    row = row_of(job, image.width, image.height, len(data), seconds)
    return Result(row, line_of(row), "", before)


def row_of(job: Job, width: int, height: int, size: int, seconds: float) -> dict[str, Any]:
    """Of a picture that was written, for --json."""
    return {
        "file": job.source,
        "output": job.target,
        "width": width,
        "height": height,
        "bytes": size,
        "decode_s": round(seconds, 3),
    }


def line_of(row: dict[str, Any]) -> str:
    """The same for people."""
    shape, seconds = f"{row['width']} x {row['height']}", row["decode_s"]
    return f"{row['file']} -> {row['output']}  {shape}  {row['bytes']:,} bytes  ({seconds:.1f} s)"
