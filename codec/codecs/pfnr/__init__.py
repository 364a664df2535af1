"""PFNR (arXiv 2306.11305), the video codec of archives: one network for all videos, which grows with each; by itself a
file is an archive's first video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codec.codecs.base import (
    QUALITY,
    Descriptor,
    Origin,
    Setting,
    UnitsDescription,
    Variant,
    VideoCodec,
    VideoMedia,
    effort,
    effort_suffixes,
)
from codec.codecs.options import VIDEO_EFFORT, VideoOptions
from codec.errors import CodecError

if TYPE_CHECKING:
    from codec.codecs.base import Earlier
    from codec.container import Header, Unit
    from codec.media import Info
    from codec.media.video import Layout

PRESETS = ("tiny", "small", "hd", "paper")  # their numbers in heads are 1 to 4


def _encoder(info: Info, options: VideoOptions, device: str) -> VideoCodec:
    _check(options)
    from codec.codecs.pfnr.codec import open_encoder

    return open_encoder(info, options, device)


def _decoder(header: Header, device: str, base: bool, earlier: Earlier | None) -> VideoCodec:
    from codec.codecs.pfnr.codec import open_decoder

    return open_decoder(header, device, earlier)


def _layouts(options: VideoOptions) -> tuple[Layout, ...]:
    from codec.media.video import Layout

    _check(options)
    return (Layout(),)


def _check(options: VideoOptions) -> None:
    if options.preset is not None and options.preset not in PRESETS:
        raise CodecError(f"no preset {options.preset!r}; choose one of {', '.join(PRESETS)}, or none")
    if options.base is not None:
        raise CodecError("pfnr has no base; leave --base out")
    if options.weights is not None:
        raise CodecError("pfnr starts from no weights; leave --weights out")


def _stages(options: VideoOptions) -> dict[str, float]:
    return {"fit": 1.0}


def _check_file(header: Header, units: Sequence[Unit]) -> None:
    from codec.codecs.pfnr.head import check

    check(header, units)


def _origins(header: Header, unit: Unit) -> list[Origin]:
    from codec.codecs.pfnr.head import origins

    return origins(header, unit)


def _reused(header: Header, unit: Unit, earlier: Earlier) -> tuple[int, int]:
    from codec.codecs.pfnr.codec import open_decoder

    return open_decoder(header, "cpu", earlier).reused(header, unit)


def _describe(header: Header, units: Sequence[Unit]) -> UnitsDescription:
    from codec.codecs.pfnr.head import describe

    return describe(header, units)


def _variants() -> dict[str, Variant]:
    """`pfnr-tiny-e2` is that preset at that effort; without one, the preset that suits the size."""
    presets = {"": None, **{f"-{preset}": preset for preset in PRESETS}}
    return {
        f"pfnr{preset}{suffix}": Variant("q", {"preset": name, "effort": number})
        for preset, name in presets.items()
        for suffix, number in effort_suffixes(VIDEO_EFFORT).items()
    }


CODEC = Descriptor(
    name="pfnr",
    id=4,
    revision=0,
    title="videos of one archive",
    archives=True,
    videos=VideoMedia(
        _encoder,
        _decoder,
        _layouts,
        {
            "quality": QUALITY,
            "effort": effort(VIDEO_EFFORT),
            "seconds": Setting(),
            "preset": Setting(choices=PRESETS),
        },
        _variants(),
        _stages,
        origins=_origins,
        reused=_reused,
    ),
    check=_check_file,
    describe=_describe,
)
