"""What tests encode with every codec that there is, whatever it is called: options that its descriptor offers."""

from __future__ import annotations

from typing import Any

from codec.codecs import of_kind
from codec.codecs.base import Descriptor, has_frames


def image_codecs() -> list[str]:
    """Names of those that do images."""
    return list(of_kind("image"))


def image_options(name: str, quality: float, number: int) -> dict[str, Any]:
    """Arguments of `codec.encode` for a quick encoding: of a codec that has these, the quality, and the one of each
    setting's choices whose turn it is at a number."""
    images = of_kind("image")[name].images
    assert images is not None
    options: dict[str, Any] = {}
    for key, setting in images.settings.items():
        if setting.choices:
            options[key] = setting.choices[number % len(setting.choices)]
        elif key in ("quality", "effort"):
            options[key] = quality if key == "quality" else int(setting.low)
    return options


def video_forms() -> list[tuple[str, str | None]]:
    """Names of codecs that do videos, each with every base that it has, or None.

    Without presets: they are of one codec, fitted for long, and have tests of their own.
    """
    found: list[tuple[str, str | None]] = []
    for name, codec in of_kind("video").items():
        assert codec.videos is not None
        bases = codec.videos.settings["base"].choices if "base" in codec.videos.settings else (None,)
        found += [(name, base) for base in bases]
    return found


def stands_alone(codec: Descriptor) -> bool:
    """Whether every picture of a video does, so that two are as good as many."""
    return codec.videos is not None and codec.videos.starts_chain is has_frames
