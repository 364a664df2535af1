"""NIRVANA's fitted networks (arXiv 2212.14593), the video codec: over a standard stream (hybrid.py), or by themselves,
as the paper has them (sine/)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

from codec.codecs.base import (
    QUALITY,
    Descriptor,
    Origin,
    Setting,
    Tell,
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
    from codec.standard.keep import Kept

BASES = ("svt-av1", "x265", "x264")  # names of codec.standard.encoders, which loads numpy; the first is the default
PRESETS = ("tiny", "small", "hd", "paper")  # of the paper's network; their numbers in heads are 1 to 4


def _encoder(info: Info, options: VideoOptions, device: str) -> VideoCodec:
    _check(options)
    if options.preset:
        from codec.codecs.nirvana.sine.codec import open_encoder

        return open_encoder(options.preset, info, device, options.weights)
    from codec.codecs.nirvana.hybrid import Hybrid
    from codec.standard.encoders import ENCODERS

    return Hybrid(ENCODERS[options.base or BASES[0]], earlier=options.earlier)


def _decoder(header: Header, device: str, base: bool, earlier: Earlier | None) -> VideoCodec:
    from codec.codecs.nirvana.head import check

    check(header)
    if header.stream is None:
        from codec.codecs.nirvana.sine.codec import open_decoder

        return open_decoder(header, device)
    from codec.codecs.nirvana.hybrid import Hybrid

    return Hybrid(None, base_only=base, earlier=earlier)


def _layouts(options: VideoOptions) -> tuple[Layout, ...]:
    from codec.media.video import Layout
    from codec.standard.encoders import ENCODERS

    _check(options)
    return (Layout(),) if options.preset else ENCODERS[options.base or BASES[0]].layouts


def _check(options: VideoOptions) -> None:
    preset, base = options.preset, options.base
    if base is not None and base not in BASES:
        raise CodecError(f"no base {base!r}; choose one of {', '.join(BASES)}")
    if preset is not None and preset not in PRESETS:
        raise CodecError(f"no preset {preset!r}; choose one of {', '.join(PRESETS)}, or none")
    if preset is not None and base is not None:
        raise CodecError("the paper's network has no base; leave --base or --preset out")
    if options.weights is not None and preset is None:
        raise CodecError("networks over a stream start from no weights; leave --weights out, or give --preset")


def _stages(options: VideoOptions) -> dict[str, float]:
    # A slower preset costs the stream's encoder more than the fit: measured with SVT-AV1 at efforts of 1, 3 and 6.
    return {"fit": 1.0} if options.preset else {"base": 1.0, "fit": 5.0 / options.effort**1.5}


def _check_file(header: Header, units: Sequence[Unit]) -> None:
    from codec.codecs.nirvana.head import check

    check(header, units)


def _starts_chain(header: Header, unit: Unit) -> bool:
    from codec.codecs.nirvana.head import starts_chain

    return starts_chain(header, unit)


def _origins(header: Header, unit: Unit) -> list[Origin]:
    from codec.codecs.nirvana.references import origins

    return origins(header, unit)


def _reused(header: Header, unit: Unit, earlier: Earlier) -> tuple[int, int]:
    from codec.codecs.nirvana.states import reused

    return reused(header, unit, earlier)


def _keep(kept: Kept, fp: IO[bytes], max_pixels: int, tell: Tell | None) -> tuple[Header, int]:
    from codec.codecs.nirvana.kept import write

    return write(kept, fp, max_pixels=max_pixels, tell=tell)


def _describe(header: Header, units: Sequence[Unit]) -> UnitsDescription:
    from codec.codecs.nirvana.describe import describe

    return describe(header, units)


def _quality(header: Header) -> float | None:
    from codec.codecs.nirvana.head import quality

    return quality(header)


def _variants() -> dict[str, Variant]:
    """`nirvana-x265-e1` is over that base at that effort; `base-x265` the base alone."""
    bases = {"": BASES[0], **{f"-{base}": base for base in BASES}}
    found: dict[str, Variant] = {}
    for base, name in bases.items():
        for suffix, number in effort_suffixes(VIDEO_EFFORT).items():
            settings = {"base": name, "effort": number}
            found[f"nirvana{base}{suffix}"] = Variant("q", settings)
            if base:  # no time for anything but it
                found[f"base{base}{suffix}"] = Variant("q", {**settings, "seconds": 0.0}, export=True)
    return found


CODEC = Descriptor(
    name="nirvana",
    id=3,
    revision=0,
    title="videos",
    default_for=("video",),
    videos=VideoMedia(
        _encoder,
        _decoder,
        _layouts,
        {
            "quality": QUALITY,
            "effort": effort(VIDEO_EFFORT),
            "seconds": Setting(),
            "preset": Setting(choices=PRESETS),
            "base": Setting(BASES[0], choices=BASES),
        },
        _variants(),
        _stages,
        _starts_chain,
        _origins,
        _quality,
        _reused,
        _keep,
    ),
    check=_check_file,
    describe=_describe,
    training={"nirvana-init": "codec.train.nirvana_init"},
)
