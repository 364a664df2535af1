"""`codec encode`: images and videos to .ncf files."""

from __future__ import annotations

import io
import math
import os
import time
from functools import partial
from typing import Any

import click

from codec import codecs, urls
from codec.cli.archive.add import new_archive
from codec.cli.batch import Result, Tell, Work, run_batch
from codec.cli.dry_run import of_picture, of_video, setting_of
from codec.cli.encoding import (
    REQUESTED,
    SIZE,
    TARGETS,
    VideoRequest,
    choices,
    effort_option,
    goals_of,
    quality_option,
    request_of,
    video_options,
    weights_option,
)
from codec.cli.files import STDIO, Job, Names, is_folder
from codec.cli.kept import kept_is_smaller
from codec.cli.made import is_copy, is_ncf
from codec.cli.options import BatchOptions, engine_options, run_options, where_options
from codec.cli.streams import atomic_write, contents, read_again, size_of
from codec.cli.total import share_out
from codec.cli.video_encode import encode_video
from codec.codecs.options import Target
from codec.container import Header
from codec.device import threads
from codec.errors import CodecError
from codec.weights import installed

_TITLES = {codec.name: codec.title for codec in codecs.all_codecs().values()}


def default_name(source: str) -> str:
    """a.jpg -> a.ncf, beside it; never the source itself."""
    stem, suffix = os.path.splitext(name := urls.named(source))
    return (name if suffix.lower() == ".ncf" else stem) + ".ncf"


@click.command(short_help="Compress images and videos to .ncf files.")
@where_options("A file, a directory (several inputs), or - for stdout.")
@quality_option
@click.option(
    "--tune", type=click.Choice(choices("image", "tune")),
    help="Photos: for the least error, or for structure (MS-SSIM): bits go to calm parts.  [default: psnr]",
)  # fmt: skip
@click.option(
    "--lossless", is_flag=True,
    help="Keep every bit of the picture (the circuit codec); of a JPEG every byte of the file (the jpeg codec).",
)  # fmt: skip
@effort_option("1; --lossless: 2; videos: 3")
@click.option(
    "--codec",
    type=click.Choice(list(_TITLES)),
    help=", ".join(f"{name} ({title})" for name, title in _TITLES.items()) + ".  [default: by file]",
)
@video_options
@click.option("--target-ssim", type=float, metavar="S", help="Photos: the least MS-SSIM, such as 0.97.")
@click.option("--target-total", type=SIZE, metavar="SIZE", help="Photos: bytes of all files together, at most.")
@click.option(
    "--verify/--no-verify", default=None,
    help="Pictures: decode what was encoded and compare; with loss tell PSNR and MS-SSIM.  [default: with --lossless]",
)  # fmt: skip
@weights_option
@click.option(
    "--strip", is_flag=True, help="Drop Exif, XMP, text, ICC profile and a video's tags; 8-bit colours become sRGB."
)
@click.option("--preview", is_flag=True, help="Images: put a small JPEG into the file, for those who show pictures.")
@engine_options
@click.option(
    "--dry-run", is_flag=True, help="Write nothing: say what would be, with sizes and times to expect, about."
)
@run_options(
    "Where to compute; a file decodes on any device.",
    "Files to work on at once, each in a process; 0: one per core.  [default: 1; of one long video, as many parts as "
    "there are cores]",
)
def encode(
    sources: tuple[str, ...], tune: str | None, lossless: bool, verify: bool | None, preview: bool, device: str,
    max_pixels: int, **rest: Any,
) -> None:  # fmt: skip
    """Compress images and videos to .ncf files.

    \b
    codec encode photo.jpg                    writes photo.ncf beside it
    codec encode -q 30 photo.jpg -o small.ncf
    codec encode --lossless scan.png          every bit comes back
    codec encode --lossless photo.jpg         the same JPEG comes back, byte for byte
    codec encode *.png -o out/                several files into a directory
    codec encode -r photos/ -o out/ -j 0      a folder, mirrored, on all cores
    codec encode photo.jpg --target-size 90k  the best quality of no more bytes
    codec encode -r photos/ --dry-run         what that would write, and about how much
    codec encode - < photo.jpg > photo.ncf    as a filter
    codec encode clip.mp4                     a video, with its sound
    codec encode clip.mp4 --target-size 20M --base x265
    codec encode clip.mp4 --keep-stream       as it is, in an .ncf
    codec encode --codec pfnr clip.mp4 clips/a.mp4 -o new.ncf    one archive, see codec archive

    Reads JPEG, PNG, WebP, AVIF, HEIC (with pillow-heif), TIFF, GIF (of an animation the first frame), BMP and
    PPM. Orientation is applied; depths up to 16 bits, transparency, ICC, Exif and XMP are kept. Of videos, all
    that FFmpeg's libraries read; they are coded at 8 or 10 bits and 4:2:0, with x265 and x264 also 4:2:2 and 4:4:4.
    """
    from codec.media import SUFFIXES
    from codec.media.formats import VIDEO_SUFFIXES

    said = {name: rest.pop(name) for name in (*REQUESTED, "target_ssim", "target_total")}
    codec, goals, total = said["codec"], goals_of(said), said["target_total"]
    if codec is not None and codecs.all_codecs()[codec].archives:
        if lossless or tune or verify is not None or preview or {"--target-ssim", "--target-total"} & set(goals):
            raise click.UsageError(
                "an archive holds videos; leave out --lossless, --tune, --verify, --preview and pictures' targets"
            )
        if rest["engine"] != "local":
            raise click.UsageError("an archive is written on one machine; leave out --engine")
        new_archive(sources, said, device, max_pixels, rest)
        return
    keepers = codecs.of_kind("lossless") | codecs.of_kind("file")
    if lossless and codec and codec not in keepers:
        raise click.UsageError(f"--lossless is the codec {', '.join(keepers)}; leave out --codec {codec}")
    exact = "--lossless" if lossless else f"--codec {codec}"
    lossless = lossless or codec in keepers
    if lossless and (tune or goals):
        raise click.UsageError(f"{exact} keeps every bit; leave out {'--tune' if tune else goals[0]}")
    options: dict[str, Any] = {
        "codec": codec, "lossless": lossless, "quality": said["quality"], "effort": said["effort"], "tune": tune,
        "verify": verify, "strip": said["strip"], "preview": preview, "device": device, "max_pixels": max_pixels,
        "weights": said["weights"], "seconds": said["time_budget"] if lossless else None,
        "total": total,
        "target": {name: said[f"target_{name}"] for name in TARGETS if said[f"target_{name}"] is not None},
    }  # fmt: skip
    # With several files each gets a process; a single video is cut into chains that do.
    single = len(sources) == 1 and not is_folder(sources[0]) and sources[0] != STDIO
    request = request_of(said, rest["jobs"] if single and rest["engine"] == "local" else 1)
    work = partial(_encode_file, options=options, request=request, advise=not rest["quiet"])
    suffixes, names = SUFFIXES | VIDEO_SUFFIXES, Names(default_name, is_ncf, leave=is_copy)
    batch = BatchOptions(**rest, gpu=device.startswith("cuda"))
    if batch.output and os.path.splitext(batch.output)[1].lower() in suffixes and not is_folder(batch.output):
        raise click.UsageError(f"{batch.output} would be an .ncf file by the name of another; end it with .ncf")
    each = threads() if batch.jobs in (None, 1) else 1
    share = None
    if total is not None:
        if batch.skip_existing:
            raise click.UsageError("--target-total shares out bytes among all files; leave out --skip-existing")
        if batch.engine != "local":
            raise click.UsageError("--target-total encodes more than once, on this machine; leave out --engine")

        def at(quality: float, dry: int = 0) -> Work:
            how = {**options, "quality": quality}
            return partial(_encode_file, options=how, request=request, advise=False, dry=dry)

        look = partial(at, dry=each)
        share = partial(share_out, size=total, codec=codec, look=look, encode=at, told=line_of, dry=batch.dry_run)
    verb = ("encoding", "encoded")
    if batch.dry_run:
        work, verb = partial(work, dry=each), ("looking at", "to encode")
    run_batch(verb, sources, batch, work=work, names=names, suffixes=suffixes, share=share)


def _encode_file(
    job: Job, tell: Tell | None, *, options: dict[str, Any], request: VideoRequest, advise: bool, dry: int = 0
) -> Result:
    """Encode one. `advise`: say when its file would better be kept, which takes an encoding of that; `dry`: only say
    what would become of it, on so many threads."""
    from codec import api, container
    from codec.device import resolve
    from codec.media.formats import check_head, is_video

    source = contents(job.source, check_head)
    if is_video(source):
        _check_video(options)
        if dry:
            return of_video(job, codecs.chosen(request.codec, "video").name)
        return encode_video(job, source, tell, request, options["device"], options["max_pixels"])
    _check_image(options, request)
    if dry:
        return of_picture(job, source, options, dry)
    if urls.is_url(source):  # once, since several look at it
        source = urls.content(source)
    before = size_of(source)
    started = time.perf_counter()
    notes: list[str] = []
    reached: dict[str, Any] = {}
    target = Target(**options["target"]) if options["target"] else None
    settings = {name: value for name, value in options.items() if name != "total"}
    with atomic_write(job.target, job.replace) as fp:
        data = api.encode(source, progress=tell, notes=notes, reached=reached, **settings | {"target": target})
        seconds = time.perf_counter() - started
        fp.write(data)
        if options["verify"]:
            read_again(fp, data)
        notes += kept_is_smaller(source, len(data), options) if advise else []
    header = container.read_header(io.BytesIO(data), container.Limits(pixels=options["max_pixels"]))
    pixels = header.width * header.height * header.frames
    bpp = 8 * len(data) / pixels
    row: dict[str, Any] = {
        "file": job.source,
        "output": job.target,
        "codec": codecs.of(header).name,
        **setting_of(codecs.of(header), options),
        "device": "cpu" if options["lossless"] else resolve(options["device"]),
        **{f"target_{name}": value for name, value in options["target"].items()},
        **_measured(reached, header),
        "bytes": len(data),
        "pixels": pixels,
        "bpp": bpp,
        "encode_s": round(seconds, 3),
    }
    if len(data) > before > 0:
        notes.append(f"the output is larger than the input: {len(data):,} bytes, {before:,} before")
    if not installed(row["codec"], header.fingerprint):
        notes.append("to decode it, put its weights into a folder named in CODEC_WEIGHTS")
    return Result(row, line_of(row), "; ".join(notes), before)


def line_of(row: dict[str, Any]) -> str:
    """A row of an encoded picture for people."""
    told = f"{row['bytes']:,} bytes  {row['bpp']:.3f} bpp  {_told(row)}({row['encode_s']:.1f} s)"
    return f"{row['file']} -> {row['output']}  {told}"


def _measured(reached: dict[str, Any], header: Header) -> dict[str, Any]:
    """What a row says of a picture's quality, as far as it was found out; None for a PSNR of equal pictures."""
    row = {name: value for name, value in reached.items() if value is not None}
    if "psnr" in row:
        row["psnr"] = round(row["psnr"], 3) if math.isfinite(row["psnr"]) else None
    if "ms_ssim" in row:
        row["ms_ssim"] = round(row["ms_ssim"], 6)
    return row | ({"quality": codecs.of(header).values(header)["quality"]} if "encodings" in row else {})


def _told(row: dict[str, Any]) -> str:
    """The same for people."""
    told = [f"-q {row['quality']:.2f}"] if {"encodings", "target_total"} & row.keys() else []
    if "encodings" in row:
        told.append(f"{row['encodings']} encoding{'s' * (row['encodings'] > 1)}")
    if "psnr" in row:
        told.append("equal" if row["psnr"] is None else f"{row['psnr']:.2f} dB")
    told += [f"MS-SSIM {row['ms_ssim']:.4f}"] if "ms_ssim" in row else []
    return "".join(f"{what}  " for what in told)


def _check_video(options: dict[str, Any]) -> None:
    """CodecError for options that go with pictures."""
    given = {name: options[name] for name in ("tune", "preview") if options[name]}
    given |= {"target-ssim": options["target"]["ssim"]} if "ssim" in options["target"] else {}
    given |= {"target-total": options["total"]} if options["total"] is not None else {}
    for name in given:
        raise CodecError(f"it is a video, and --{name} goes with images; leave it out")
    if options["lossless"] and options["codec"] is None:
        raise CodecError("it is a video, and there is no lossless codec for videos; leave out --lossless")
    if options["verify"] is not None:
        raise CodecError("it is a video, and --verify goes with images; leave it out")


def _check_image(options: dict[str, Any], request: VideoRequest) -> None:
    """CodecError for options that go with other files."""
    if request.codec and request.codec not in codecs.of_kind("image") | codecs.of_kind("file"):
        raise CodecError(f"it is an image, and {request.codec} codes videos; leave out --codec")
    for name, given in (
        ("--preset", request.preset), ("--base", request.base), ("--keep-stream", request.keep),
        ("--resume", request.resume), ("--no-audio", not request.audio),
    ):  # fmt: skip
        if given:
            raise CodecError(f"it is an image, and {name} goes with videos; leave it out")
    if request.seconds is not None and not options["lossless"]:
        raise CodecError("--time-budget is for the fitting of videos and of --lossless; leave it out")
