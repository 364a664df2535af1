"""`codec encode --dry-run`: what would be written, by the first bytes of every file; nothing is, nor torch loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from codec import codecs
from codec.cli.batch import Result
from codec.cli.files import Job
from codec.cli.streams import size_of
from codec.codecs.base import Descriptor
from codec.codecs.options import ImageOptions, Target
from codec.weights import named


def of_video(job: Job, codec: str) -> Result:
    """What would become of a video: how large, and how long it takes, its first bytes don't say."""
    row = {"file": job.source, "output": job.target, "dry_run": True, "codec": codec}
    return Result(row, f"{job.source} -> {job.target}  {codec}, a video: size and time are not known beforehand")


def of_picture(job: Job, source: str | bytes, options: dict[str, Any], threads: int) -> Result:
    """What would become of a picture, on so many threads. CodecError or OSError for one that would be refused, as far
    as its first bytes show that."""
    from codec import originals
    from codec.media.look import look

    told = look(source, options["max_pixels"])
    before = size_of(source)
    target = Target(**options["target"]) if options["target"] else None
    how = ImageOptions(
        options["quality"], options["effort"], options["tune"], options["verify"], options["seconds"], target
    )
    kept = originals.keeper(source, options["codec"], options["lossless"])
    codec = kept or codecs.chosen(options["codec"], "lossless" if options["lossless"] else "image")
    if kept and options["codec"] is None:
        how = replace(how, effort=None, seconds=None)
    media = codec.files if kept else codec.images
    assert media is not None
    codecs.check_settings(codec.name, media.settings, how)
    setting = setting_of(codec, options)
    row: dict[str, Any] = {"file": job.source, "output": job.target, "dry_run": True, "codec": codec.name, **setting}
    if options["weights"] is not None:
        named(codec.name, options["weights"])
    numbers = {f"target {name}": value for name, value in options["target"].items()}
    numbers |= {name: value for name, value in setting.items() if name != "tune"}
    said = codec.name + "".join(f", {name} {value:g}" for name, value in numbers.items())
    if media.expected is None:
        return Result(row, f"{job.source} -> {job.target}  {said}", bytes_before=before)
    size, seconds, shared = media.expected(told, how)
    seconds /= threads if shared else 1
    row |= {"pixels": told.pixels, "expected_bytes": round(size), "expected_s": round(seconds, 3)}
    rate = f"~{size:,.0f} bytes  ~{8 * size / told.pixels:.2f} bpp  (~{seconds:.1f} s)"
    return Result(row, f"{job.source} -> {job.target}  {said}  {rate}", bytes_before=before)


def setting_of(codec: Descriptor, options: dict[str, Any]) -> dict[str, Any]:
    """What a row says of how a picture's file is made, as far as the codec has it."""
    media = codec.files or codec.images
    assert media is not None
    said = ("quality", "tune", "effort")
    setting = {name: setting.default for name, setting in media.settings.items() if name in said}
    if options["target"]:
        setting.pop("quality", None)  # it is looked for
    return setting | {name: options[name] for name in setting if options[name] is not None}
