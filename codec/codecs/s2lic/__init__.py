"""S2LIC (arXiv 2403.14471), the lossy image codec: learned transforms, an ACGC entropy model, all rates in one file of
weights. Of videos it codes every picture by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from codec.codecs.base import (
    QUALITY,
    TARGET,
    Descriptor,
    Expected,
    ImageCodec,
    ImageMedia,
    Setting,
    Typical,
    Variant,
    VideoCodec,
    VideoMedia,
    effort,
)
from codec.codecs.options import EFFORTS, ImageOptions, VideoOptions

if TYPE_CHECKING:
    from pathlib import Path

    from codec.codecs.base import Earlier
    from codec.container import Header, Unit
    from codec.media import Info
    from codec.media.look import Look
    from codec.media.video import Layout

TUNES = ("psnr", "ssim")
WEIGHTS = "s2lic-xs"
PASSES = (0, 3, 6, 12, 24, 40, 60, 100, 160)  # of the search for latents, by effort from 1 on
TYPICAL = Typical(  # of Kodak pictures: tests/bench/targets.py --typical
    (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100),
    (0.091, 0.130, 0.184, 0.259, 0.360, 0.493, 0.656, 0.855, 1.084, 1.347, 1.645),
    (27.04, 28.19, 29.42, 30.71, 32.10, 33.54, 34.99, 36.44, 37.79, 39.01, 40.07),
    (9.81, 10.98, 12.27, 13.62, 15.03, 16.48, 17.93, 19.35, 20.72, 22.01, 23.22),
)


def _open(weights: bytes | Path | None, device: str) -> ImageCodec:
    from codec.codecs.s2lic.image import open_codec

    return open_codec(weights, device)


def _encoder(info: Info, options: VideoOptions, device: str) -> VideoCodec:
    from codec.codecs.s2lic.video import open_encoder

    return open_encoder(options, device)


def _decoder(header: Header, device: str, base: bool, earlier: Earlier | None) -> VideoCodec:
    from codec.codecs.s2lic.video import open_decoder

    return open_decoder(header, device)


def _layouts(options: VideoOptions) -> tuple[Layout, ...]:
    from codec.media.video import Layout

    return (Layout(),)


def _check(header: Header, units: Sequence[Unit]) -> None:
    from codec.codecs.s2lic.head import check

    check(header, units)


def _values(header: Header) -> dict[str, Any]:
    from codec.codecs.s2lic.head import values

    return values(header)


def _expected(look: Look, options: ImageOptions) -> Expected:
    from codec.codecs.s2lic.expected import expected

    return expected(look, options, TYPICAL)


CODEC = Descriptor(
    name="s2lic",
    id=1,
    revision=0,
    title="lossy images; videos picture by picture",
    default_for=("image",),
    images=ImageMedia(
        _open,
        {
            "quality": QUALITY,
            "tune": Setting("psnr", choices=TUNES),
            "effort": effort(1),
            "verify": Setting(False),
            "target": TARGET,
        },
        {
            "s2lic": Variant("q"),
            "s2lic-ssim": Variant("q", {"tune": "ssim"}),
            **{f"s2lic-e{n}": Variant("q", {"effort": n}) for n in range(1, EFFORTS + 1)},
        },
        TYPICAL,
        _expected,
        batched=True,
    ),
    videos=VideoMedia(
        _encoder,
        _decoder,
        _layouts,
        {"quality": QUALITY},
        {"s2lic": Variant("q")},
        lambda options: {"fit": 1.0},
        quality=lambda header: _values(header).get("quality"),
    ),
    weights=WEIGHTS,
    check=_check,
    dense=2**13,  # a tile of one colour takes 3 kB
    values=_values,
    training={"s2lic": "codec.train.s2lic", "export": "codec.train.s2lic_export"},
)
