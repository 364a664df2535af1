"""The video codec: networks fitted over a standard stream (hybrid.py), or by themselves as the paper has them (sine/).

The first byte of the header's private options says which: the number of a preset of the paper's, or HYBRID.
"""

from __future__ import annotations

from codec.codecs.base import VideoCodec
from codec.container import CODEC_IDS, Header
from codec.errors import CodecError, FormatError
from codec.media import Info
from codec.media.video import Layout
from codec.standard.encoders import DEFAULT, ENCODERS, Encoder

NAME = "nirvana"
REVISION = 0
PAPER = ("tiny", "small", "hd", "paper")
HYBRID = 5  # 1 to 4 are the paper's presets


def layouts(preset: str | None, base: str | None) -> tuple[Layout, ...]:
    """What an encoding takes."""
    return (Layout(),) if preset else _encoder(base).layouts


def _encoder(base: str | None) -> Encoder:
    if base is not None and base not in ENCODERS:
        raise CodecError(f"no base {base!r}; choose one of {', '.join(ENCODERS)}")
    return ENCODERS[base or DEFAULT]


def open_codec(
    header: Header | None, info: Info | None, device: str, preset: str | None, base: str | None
) -> VideoCodec:
    """The codec that encodes such a video, or the one that decodes a file."""
    if header is not None:
        _check(header)
    paper = preset is not None if header is None else header.stream is None
    if preset is not None and preset not in PAPER:
        raise CodecError(f"no preset {preset!r}; choose one of {', '.join(PAPER)}, or none")
    if preset is not None and base is not None:
        raise CodecError("the paper's network has no base; leave --base or --preset out")
    if paper:
        from codec.codecs.nirvana.sine.codec import open_sine

        return open_sine(header, info, device, preset)
    from codec.codecs.nirvana.hybrid import Hybrid

    return Hybrid(_encoder(base) if header is None else None)


def _check(header: Header) -> None:
    if header.codec != CODEC_IDS[NAME] or header.revision != REVISION or not header.private:
        raise FormatError(f"made by revision {header.revision} of {NAME}; install a neural-codec that reads it")
    hybrid = header.private[0] == HYBRID
    depths = (8, 10) if hybrid else (8,)
    if (
        header.rate is None
        or header.channels != 3
        or header.depth not in depths
        or hybrid != (header.stream is not None)
    ):
        raise FormatError(f"not a video that {NAME} codes; get a whole copy of the file")
