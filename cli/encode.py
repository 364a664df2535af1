"""`codec encode`: images and videos to .ncf files."""

from __future__ import annotations

import io
import math
import os
import time
from contextlib import suppress
from functools import partial
from typing import Any

import click

from codec import codecs
from codec.cli.batch import Result, Tell, run_batch
from codec.cli.files import STDIO, Job, Names
from codec.cli.options import BatchOptions, run_options, where_options
from codec.cli.streams import atomic_write, contents
from codec.cli.video import DURATION, SIZE, VideoRequest, encode_video
from codec.codecs.base import Descriptor
from codec.device import cores
from codec.errors import CodecError
from codec.weights import installed

_SAID = ("quality", "tune", "effort")  # in a row, of what a picture was told
_GOALS = ("--quality", "--target-psnr", "--target-bpp", "--target-size")


def _finite(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not in the range 0<=x<=100.")
    return value


def _choices(kind: str, setting: str) -> list[str]:
    """What a setting may be with any of the codecs for "image" or "video"."""
    media = [codec.videos if kind == "video" else codec.images for codec in codecs.of_kind(kind).values()]
    return [choice for one in media if one and setting in one.settings for choice in one.settings[setting].choices]


def _other(codec: str | None, kind: str) -> bool:
    """Whether a codec is named that isn't the default for this kind."""
    return codec is not None and codec != codecs.default(kind).name


def default_name(source: str) -> str:
    """a.jpg -> a.ncf, beside it; never the source itself."""
    stem, suffix = os.path.splitext(source)
    return (source if suffix.lower() == ".ncf" else stem) + ".ncf"


def is_ncf(target: str, source: str = "") -> bool:
    """Whether a file is `codec`'s: what was encoded, which -f may replace."""
    from codec.container import MAGIC

    with suppress(OSError), open(target, "rb") as fp:
        return fp.read(len(MAGIC)) == MAGIC
    return False


@click.command(short_help="Compress images and videos to .ncf files.")
@where_options("A file, a directory (several inputs), or - for stdout.")
@click.option(
    "-q", "--quality", type=click.FloatRange(0, 100), callback=_finite,
    help="0 smallest to 100 best; fractions count.  [default: 50]",
)  # fmt: skip
@click.option(
    "--tune", type=click.Choice(_choices("image", "tune")),
    help="Photos: for the least error, or for structure (MS-SSIM): bits go to calm parts.  [default: psnr]",
)  # fmt: skip
@click.option("--lossless", is_flag=True, help="Keep every bit (the circuit codec).")
@click.option(
    "-e", "--effort", type=click.IntRange(1, 9),
    help="1 fastest to 9 smallest; it decodes as fast.  [default: 1; --lossless: 2; videos: 3]",
)  # fmt: skip
@click.option(
    "--codec",
    type=click.Choice(list(codecs.all_codecs())),
    help=", ".join(f"{codec.name} ({codec.title})" for codec in codecs.all_codecs().values()) + ".  [default: by file]",
)
@click.option(
    "--preset",
    type=click.Choice(_choices("video", "preset")),
    help="Videos: a network of NIRVANA's paper by itself, for study.",
)
@click.option(
    "--base",
    type=click.Choice(_choices("video", "base")),
    help="Videos: the encoder of the standard stream.  [default: svt-av1]",
)
@click.option(
    "--keep-stream",
    is_flag=True,
    help="Videos in AV1, H.265 or H.264: keep the stream as it is. Nothing is encoded, nothing gets smaller.",
)
@click.option("--target-psnr", type=float, metavar="DB", help="Videos: the least PSNR (YCbCr 6:1:1) on average.")
@click.option("--target-bpp", type=float, metavar="BPP", help="Videos: bits per pixel on average, at most.")
@click.option("--target-size", type=SIZE, metavar="SIZE", help="Videos: bytes at most, as 500k or 20M.")
@click.option("--time-budget", type=DURATION, metavar="TIME", help="Videos: how long to fit, as 90s, 10m or 2h.")
@click.option("--resume", is_flag=True, help="Videos: go on where an interrupted run was.")
@click.option("--no-audio", is_flag=True, help="Videos: leave the sound out.")
@click.option(
    "--verify/--no-verify", default=None, help="With --lossless: decode each part and compare.  [default: verify]"
)
@click.option("--weights", metavar="NAME|FILE", help="Encode with these, from `codec models` or a file.")
@click.option(
    "--strip", is_flag=True, help="Drop Exif, XMP, text, ICC profile and a video's tags; 8-bit colours become sRGB."
)
@run_options("Where to compute; a file decodes on any device.")
def encode(
    sources: tuple[str, ...], quality: float | None, tune: str | None, lossless: bool, effort: int | None,
    verify: bool | None, strip: bool, device: str, max_pixels: int, codec: str | None, preset: str | None,
    target_psnr: float | None, target_bpp: float | None, target_size: float | None, time_budget: float | None,
    base: str | None, keep_stream: bool, resume: bool, no_audio: bool, weights: str | None, **rest: Any,
) -> None:  # fmt: skip
    """Compress images and videos to .ncf files.

    \b
    codec encode photo.jpg                    writes photo.ncf beside it
    codec encode -q 30 photo.jpg -o small.ncf
    codec encode --lossless scan.png          every bit comes back
    codec encode *.png -o out/                several files into a directory
    codec encode -r photos/ -o out/ -j 0      a folder, mirrored, on all cores
    codec encode - < photo.jpg > photo.ncf    as a filter
    codec encode clip.mp4                     a video, with its sound
    codec encode clip.mp4 --target-size 20M --base x265
    codec encode clip.mp4 --keep-stream       as it is, in an .ncf

    Reads JPEG, PNG, WebP, AVIF, HEIC (with pillow-heif), TIFF, GIF (of an animation the first frame), BMP and
    PPM. Orientation is applied; depths up to 16 bits, transparency, ICC, Exif and XMP are kept. Of videos, all
    that FFmpeg's libraries read; they are coded at 8 or 10 bits and 4:2:0, with x265 and x264 also 4:2:2 and 4:4:4.
    """
    from codec.media import SUFFIXES
    from codec.media.formats import VIDEO_SUFFIXES

    goals = [g for g, v in zip(_GOALS, (quality, target_psnr, target_bpp, target_size), strict=True) if v is not None]
    if len(goals) > 1:
        raise click.UsageError(f"{goals[0]} and {goals[1]} are two goals; choose one")
    keepers = codecs.of_kind("lossless")
    if lossless and codec and codec not in keepers:
        raise click.UsageError(f"--lossless is the codec {', '.join(keepers)}; leave out --codec {codec}")
    lossless = lossless or codec in keepers
    if lossless and tune:
        raise click.UsageError("--lossless keeps every bit; leave out --tune")
    if lossless and goals:
        raise click.UsageError(f"--lossless keeps every bit; leave out {goals[0]}")
    options: dict[str, Any] = {
        "codec": codec, "lossless": lossless, "quality": quality, "effort": effort, "tune": tune, "verify": verify,
        "strip": strip, "device": device, "max_pixels": max_pixels, "weights": weights,
    }  # fmt: skip
    # With several files each gets a process; a single video is cut into chains that do.
    single = len(sources) == 1 and not os.path.isdir(sources[0]) and sources[0] != STDIO
    request = VideoRequest(
        codec, preset, base, keep_stream, quality, target_psnr, target_bpp, target_size, effort, time_budget,
        not no_audio, resume, weights, _video_jobs(rest["jobs"]) if single else 1, strip=strip,
    )  # fmt: skip
    told = goals or effort is not None or time_budget is not None or base or preset or weights or _other(codec, "video")
    if keep_stream and told:
        raise click.UsageError("--keep-stream encodes nothing; leave the options out that say how")
    work = partial(_encode_file, options=options, request=request)
    suffixes, names = SUFFIXES | VIDEO_SUFFIXES, Names(default_name, is_ncf)
    run_batch(("encoding", "encoded"), sources, BatchOptions(**rest), work=work, names=names, suffixes=suffixes)


def _video_jobs(given: int | None) -> int | None:
    return cores() if given == 0 else given


def _encode_file(job: Job, tell: Tell | None, *, options: dict[str, Any], request: VideoRequest) -> Result:
    from codec import api, container
    from codec.media.formats import check_head, is_video

    source = contents(job.source, check_head)
    if is_video(source):
        _check_video(options)
        return encode_video(job, source, tell, request, options["device"], options["max_pixels"])
    _check_image(options, request)
    before = len(source) if isinstance(source, bytes) else os.path.getsize(source)
    started = time.perf_counter()
    notes: list[str] = []
    with atomic_write(job.target, job.replace) as fp:
        data = api.encode(source, progress=tell, notes=notes, **options)
        seconds = time.perf_counter() - started
        fp.write(data)
    header = container.read_header(io.BytesIO(data), container.Limits(pixels=options["max_pixels"]))
    pixels = header.width * header.height * header.frames
    bpp = 8 * len(data) / pixels
    row: dict[str, Any] = {
        "file": job.source,
        "output": job.target,
        "codec": codecs.of(header).name,
        **_setting(options),
        "bytes": len(data),
        "pixels": pixels,
        "bpp": bpp,
        "encode_s": round(seconds, 3),
    }
    line = f"{job.source} -> {job.target}  {len(data):,} bytes  {bpp:.3f} bpp  ({seconds:.1f} s)"
    if len(data) > before > 0:
        notes.append(f"the output is larger than the input: {len(data):,} bytes, {before:,} before")
    if not installed(row["codec"], header.fingerprint):
        notes.append("to decode it, put its weights into a folder named in CODEC_WEIGHTS")
    return Result(row, line, "; ".join(notes), before)


def _check_video(options: dict[str, Any]) -> None:
    """CodecError for options that go with pictures."""
    if options["tune"]:
        raise CodecError("it is a video, and --tune goes with images; leave it out")
    lossless = options["lossless"] and options["codec"] not in codecs.of_kind("video")
    if lossless or options["verify"] is not None:
        raise CodecError("it is a video, and there is no lossless codec for videos; leave out --lossless and --verify")


def _check_image(options: dict[str, Any], request: VideoRequest) -> None:
    """CodecError for options that go with other files."""
    if request.codec and request.codec not in codecs.of_kind("image"):
        raise CodecError(f"it is an image, and {request.codec} codes videos; leave out --codec")
    goal = any(value is not None for value in (request.target_psnr, request.target_bpp, request.target_size))
    for name, given in (
        ("a target", goal), ("--preset", request.preset), ("--base", request.base), ("--keep-stream", request.keep),
         ("--time-budget", request.seconds), ("--resume", request.resume),
        ("--no-audio", not request.audio),
    ):  # fmt: skip
        if given:
            raise CodecError(f"it is an image, and {name} goes with videos; leave it out")
    if not options["lossless"] and options["verify"] is not None:
        raise CodecError("--verify goes with --lossless; give it too, or leave it out")


def _setting(options: dict[str, Any]) -> dict[str, Any]:
    """What a row says of how its file was made."""
    images = _codec(options).images
    assert images is not None
    setting = {name: setting.default for name, setting in images.settings.items() if name in _SAID}
    setting |= {name: options[name] for name in setting if options[name] is not None}
    if options["lossless"]:
        return setting | {"device": "cpu"}
    from codec.device import resolve

    return setting | {"device": resolve(options["device"])}


def _codec(options: dict[str, Any]) -> Descriptor:
    """The codec that a picture is encoded by."""
    kind = "lossless" if options["lossless"] else "image"
    return codecs.chosen(options["codec"], kind)
