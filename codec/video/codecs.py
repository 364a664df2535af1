"""The video codecs by name."""

from __future__ import annotations

import importlib
from typing import Any

from codec.container import Header
from codec.errors import CodecError
from codec.media import Info
from codec.media.video import Layout

CODECS = {"nirvana": "codec.codecs.nirvana.codec", "s2lic": "codec.codecs.s2lic.video"}
DEFAULT = "nirvana"


def layouts_of(codec: str, preset: str | None = None, base: str | None = None) -> tuple[Layout, ...]:
    """What a codec takes, as `codec.media.video.read_video` wants it."""
    found: tuple[Layout, ...] = _module(codec).layouts(preset, base)
    return found


def open_codec(
    codec: str,
    header: Header | None,
    info: Info | None,
    device: str,
    preset: str | None = None,
    base: str | None = None,
) -> Any:
    """The codec of this name, to encode a video (`info`) or to decode one (`header`): a VideoCodec."""
    return _module(codec).open_codec(header, info, device, preset, base)


def _module(codec: str) -> Any:
    if codec not in CODECS:
        raise CodecError(f"no video codec {codec!r} in this version; choose one of {', '.join(CODECS)}")
    return importlib.import_module(CODECS[codec])
