"""`codec verify`: whether .ncf files decode, and to what their sources are."""

from __future__ import annotations

import json
import math
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from codec import urls
from codec.cli.ncf_files import files_of, work_on
from codec.cli.options import FILE, Device, engine_options, max_pixels_option, where
from codec.cli.streams import an_ncf, contents, is_archive

if TYPE_CHECKING:
    from codec.decoded import Decoded


@click.command(short_help="Check that .ncf files decode.")
@click.argument("sources", metavar="IN...", nargs=-1, required=True, type=FILE)
@click.option("-r", "--recursive", is_flag=True, help="Take the .ncf files in folders, and in folders in them.")
@click.option("--against", metavar="SOURCE", type=FILE, help="The picture that it was made of: tells how like it is.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file on stdout.")
@click.option("--device", type=Device(), metavar="auto|cpu|cuda|cuda:N", default="auto", show_default=True)
@click.option(
    "-j", "--jobs", type=click.IntRange(min=0), metavar="N",
    help="Files to work on at once, each in a process; 0: one per core.  [default: 1]",
)  # fmt: skip
@max_pixels_option
@engine_options
def verify(
    sources: tuple[str, ...], recursive: bool, against: str | None, as_json: bool, device: str, jobs: int | None,
    max_pixels: int, engine: str, address: str | None,
) -> None:  # fmt: skip
    """Check that .ncf files decode.

    \b
    codec verify photo.ncf
    codec verify -r photos/ -j 0
    codec verify photo.ncf --against photo.jpg

    Everything is decoded, and every checksum compared, those of the pixels of lossless pictures among them; nothing
    is written. Exit code 1 if a file isn't whole, or is lossless and not the same as SOURCE. Archives are checked by
    `codec archive verify`.
    """
    found = files_of(sources, recursive)
    if against is not None and len(found.inputs) != 1:
        raise click.UsageError("--against is the source of one file; give one")
    place = where(engine, address, jobs, len(found.inputs), device.startswith("cuda"))
    work = partial(_told, against=against, device=device, max_pixels=max_pixels, as_json=as_json)
    work_on(found, work, place, as_json)


def _told(source: str, tell: Any, *, against: str | None, device: str, max_pixels: int, as_json: bool) -> str:
    row = _checked(source, against, device, max_pixels)
    return json.dumps(row) if as_json else _line(row)


def _checked(source: str, against: str | None, device: str, max_pixels: int) -> dict[str, Any]:
    from codec import api, codecs
    from codec.errors import CodecError
    from codec.media.formats import check_head

    if is_archive(source):
        raise CodecError("is an archive; check it with codec archive verify")
    started = time.perf_counter()
    decoded = api.decode(contents(source, an_ncf), device=device, max_pixels=max_pixels)
    row: dict[str, Any] = {
        "file": source,
        "whole": True,
        "width": decoded.header.width,
        "height": decoded.header.height,
    }
    if decoded.video is not None:
        if against is not None:
            raise CodecError("is a video, and --against goes with images; codec evaluate compares videos")
        row["frames"] = sum(1 for _ in decoded.video.pictures())
    elif (original := decoded.original) is not None:
        row |= {"frames": 1, "file_bytes": len(original)}
        row |= {} if against is None else _kept_likeness(decoded, against, max_pixels)
    else:
        frames = list(decoded.frames())
        row["frames"] = len(frames)
        if against is not None:
            row |= _likeness(frames[0], decoded.header.depth, against, contents(against, check_head), max_pixels)
    if codecs.of(decoded.header).lossless and not row.get("same", True):
        raise CodecError(f"is whole, and holds another picture: {_likeness_of(row)}")
    return row | {"decode_s": round(time.perf_counter() - started, 3)}


def _kept_likeness(decoded: Decoded, against: str, max_pixels: int) -> dict[str, Any]:
    """How like a file is to the one that is kept byte for byte: the same, or by its picture, if that can be read."""
    from codec.errors import MediaError
    from codec.media.formats import check_head

    given = contents(against, check_head)
    if urls.content(given) == decoded.original:
        return {"against": against, "same_file": True, "same": True, "psnr": None}
    try:
        (frame,) = decoded.frames()
    except MediaError as error:
        why = str(error).partition(";")[0]
        raise MediaError(f"is not made of {against}, and {why}; compare it with its own JPEG") from error
    return {"same_file": False} | _likeness(frame, decoded.info.depth, against, given, max_pixels)


def _likeness(frame: Any, depth: int, against: str, given: str | bytes, max_pixels: int) -> dict[str, Any]:
    """How like its source a picture is: PSNR in dB, None if it is the same, and MS-SSIM unless it is small."""
    from codec import media
    from codec.errors import CodecError
    from codec.metrics.samples import psnr
    from codec.metrics.structure import ms_ssim

    info, pictures = media.read(given, max_pixels=max_pixels)
    (original,) = pictures
    if original.shape != frame.shape or info.depth != depth:
        was = f"{info.width} x {info.height}, {info.channels} channels of {info.depth} bits"
        raise CodecError(f"is not made of {against}, which has {was}")
    same = bool((original == frame).all())
    row: dict[str, Any] = {"against": against, "same": same, "psnr": None}
    if not same:
        peak = (1 << depth) - 1
        ratio = psnr(original, frame, peak)
        row |= {"psnr": ratio if math.isfinite(ratio) else None, "ms_ssim": ms_ssim(original, frame, peak)}
    return row


def _likeness_of(row: dict[str, Any]) -> str:
    """For people; colours may be the same where alpha isn't."""
    if row["psnr"] is None:
        return f"the colours of {row['against']}, with other transparency"
    similar = f" and MS-SSIM {row['ms_ssim']:.4f}" if row["ms_ssim"] is not None else ""
    return f"PSNR {row['psnr']:.2f} dB{similar} to {row['against']}"


def _line(row: dict[str, Any]) -> str:
    what = f"{row['width']} x {row['height']}" + (f", {row['frames']} frames" if row["frames"] > 1 else "")
    if "file_bytes" in row:
        what += f", a file of {row['file_bytes']:,} bytes"
    if "same" in row:
        like = f"the same as {row['against']}"
        if not row["same"]:
            like = _likeness_of(row)
        elif not row.get("same_file", True):
            like = f"not {row['against']} itself, but with the same pixels"
        what += f", {like}"
    return f"{row['file']}: whole, {what}  ({row['decode_s']:.1f} s)"
