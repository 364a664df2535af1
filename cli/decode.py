"""`codec decode`: .ncf files to images and videos."""

from __future__ import annotations

import functools
import io
import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from codec import codecs, urls
from codec.cli.batch import Result, Tell, run_batch
from codec.cli.files import STDIO, Job, Names
from codec.cli.made import marked_png, replaceable
from codec.cli.options import BatchOptions, engine_options, run_options, where_options
from codec.cli.streams import an_ncf, atomic_write, contents, size_of
from codec.cli.video import decode_video, picture_options
from codec.cli.views import Wanted, first_given, line_of, row_of, view_options, wanted, write_thumbnail
from codec.errors import CodecError

if TYPE_CHECKING:
    from codec.container import Header


def default_name(source: str, png: bool = False, kind: str = "") -> str:
    """a.ncf -> a.png, or a.mp4 if it is a video (`png`: a folder a), or a.jpg if it is a JPEG; of a `kind` of less than
    all of it a.kind.png. Other names get that appended, so that none is its own output."""
    stem, suffix = os.path.splitext(name := urls.named(source))
    stem = stem if suffix.lower() == ".ncf" else name + ".frames" * png
    ending = ".png"
    if not kind and (urls.is_url(source) or os.path.isfile(source)):  # what can be opened only once isn't opened yet
        with suppress(CodecError, OSError):  # told of when its turn comes
            header = _header(source, sys.maxsize)
            ending = ".mp4" if header.rate is not None else (_suffixes(header) or (ending,))[0]
    return stem + (f".{kind}" if kind else "") + ("" if png else ending)


def _suffixes(header: Header) -> tuple[str, ...]:
    """Of a file that holds another byte for byte what that one's name ends with; of others none."""
    files = codecs.of(header).files
    return files.suffixes if files is not None and header.rate is None else ()


def _header(source: str | bytes, max_pixels: int) -> Header:
    """A file's header. CodecError or OSError if it can't be read: nothing can be had of the file then."""
    from codec import container

    with urls.stream(source) as fp:
        return container.read_header(fp, container.Limits(pixels=max_pixels), damage=[])


@click.command(short_help="Turn .ncf files back into images and videos.")
@where_options(
    "A file whose suffix says the format (png jpg webp avif tif bmp ppm; videos: mp4 mkv y4m), a directory, or - for a "
    "PNG or a y4m stream."
)
@view_options
@picture_options
@click.option("--partial", is_flag=True, help="Keep what is whole of a damaged file; the rest becomes grey.")
@engine_options
@run_options("Where to compute.")
def decode(
    sources: tuple[str, ...], region: tuple[int, int, int, int] | None, scale: str | None, thumbnail: int | None,
    frames: tuple[int, int] | None, base: bool, png: bool, no_audio: bool, device: str, partial: bool, max_pixels: int,
    **rest: Any,
) -> None:  # fmt: skip
    """Turn .ncf files back into images and videos.

    \b
    codec decode photo.ncf                    writes photo.png beside it (photo.jpg, if the JPEG file was kept)
    codec decode photo.ncf -o photo.jpg       another format
    codec decode *.ncf -o out/                several files into a directory
    codec decode -r photos/ -o out/ -j 0      a folder, mirrored, on all cores
    codec decode - < photo.ncf > photo.png    as a filter
    codec decode photo.ncf --region 0,0,160,120 -o part.png
    codec decode photo.ncf --scale 1/8 -o small.png
    codec decode photo.ncf --thumbnail 256 -o thumb.png
    codec decode clip.ncf                     writes clip.mp4 (H.264 of high quality; to share it, export is smaller)
    codec decode clip.ncf -o clip.mkv         every decoded pixel (FFV1)
    codec decode clip.ncf --frames 120..180 --png

    Every file is checked: a damaged one is an error, never a wrong picture. With --partial it is still an error, but
    what is whole is written.
    """
    view = wanted(region, scale, thumbnail)
    others = {"--frames": frames, "--base": base, "--png": png, "--no-audio": no_audio, "--partial": partial}
    if thumbnail and (wrong := first_given(others)):
        raise click.UsageError(f"--thumbnail makes one small picture, as quickly as it can; leave out {wrong}")
    work = functools.partial(
        _decode_file, view=view, frames=frames, base=base, png=png, audio=not no_audio, device=device, partial=partial,
        max_pixels=max_pixels,
    )  # fmt: skip
    names = Names(functools.partial(default_name, png=png, kind=view.kind), replaceable, "decoded")
    batch = BatchOptions(**rest, gpu=device.startswith("cuda"))
    run_batch(("decoding", "decoded"), sources, batch, work=work, names=names, suffixes=(".ncf",))


def _decode_file(
    job: Job, tell: Tell | None, *, view: Wanted, frames: tuple[int, int] | None, base: bool, png: bool, audio: bool,
    device: str, partial: bool, max_pixels: int,
) -> Result:  # fmt: skip
    from codec import api, media
    from codec.view import view_of

    source = contents(job.source, an_ncf)
    if view.thumbnail:
        return write_thumbnail(job, source, view.thumbnail, device, max_pixels)
    header = _header(source, max_pixels)
    if header.rate is not None:
        if view.option:
            raise CodecError(f"it holds a video, and {view.option} goes with images; leave it out")
        return decode_video(job, source, tell, frames, png, base, audio, device, partial, max_pixels)
    given = {"--frames": frames, "--base": base, "--no-audio": not audio, "--png": png}
    if wrong := first_given(given):
        raise CodecError(f"it holds an image, and {wrong} goes with videos; leave it out")
    if (
        (kept := _suffixes(header))
        and not view.option
        and (job.target == STDIO or os.path.splitext(job.target)[1].lower() in kept)
    ):
        return _restore(job, source, tell, device, max_pixels)
    image_format = media.format_for(job.target)
    # Before anything is decoded.
    size = view_of(header.width, header.height, view.region, view.scale).size
    if not kept:  # of which the reader of the file it is says more
        media.check_format(media.Info(*size, header.channels, header.depth), image_format)
    before = size_of(source)
    started = time.perf_counter()
    with atomic_write(job.target, job.replace) as fp:
        decoded = api.decode(
            source, region=view.region, scale=view.scale, device=device, partial=partial, max_pixels=max_pixels,
            progress=tell,
        )  # fmt: skip
        pixels = list(decoded.frames())
        seconds = time.perf_counter() - started
        buffer = io.BytesIO()
        media.write(decoded.info, pixels, buffer, image_format)
        data = marked_png(buffer.getvalue()) if image_format == "png" else buffer.getvalue()
        fp.write(data)
    row = row_of(job, decoded.info.width, decoded.info.height, len(data), seconds)
    if decoded.damage:
        # An error still, for scripts; but one with an output.
        row["error"] = f"wrote what is whole to {job.target}; lost: " + "; ".join(str(e) for e in decoded.damage)
        return Result(row, f"{job.source}: {row['error']}")
    line = line_of(row)
    note = "; ".join(media.left_out(decoded.info, image_format))
    return Result(row, line, note, before)


def _restore(job: Job, source: str | bytes, tell: Tell | None, device: str, max_pixels: int) -> Result:
    """Write the file that was encoded, byte for byte."""
    from codec import api

    before = size_of(source)
    started = time.perf_counter()
    with atomic_write(job.target, job.replace) as fp:
        decoded = api.decode(source, device=device, max_pixels=max_pixels, progress=tell)
        data = decoded.original
        assert data is not None
        fp.write(data)
    seconds = time.perf_counter() - started
    row = row_of(job, decoded.header.width, decoded.header.height, len(data), seconds)
    return Result(row, f"{line_of(row)}, as it was", "", before)
