"""What tests encode with every codec that there is, whatever it is called: options that its descriptor offers."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from codec.codecs import of_kind
from codec.codecs.base import Descriptor, has_frames


def image_codecs() -> list[str]:
    """Names of those that do images."""
    return list(of_kind("image"))


def file_codecs() -> list[str]:
    """Names of those that keep image files, which are JPEGs."""
    found = of_kind("file")
    assert all(codec.files and codec.files.formats == ("JPEG",) for codec in found.values())
    return list(found)


def jpeg_of(samples: np.ndarray, number: int) -> bytes:
    """A JPEG of a picture without its alpha, of the kind whose turn it is at a number."""
    colours = samples[..., : 1 if samples.shape[2] <= 2 else 3]
    options: list[dict[str, Any]] = [{}, {"progressive": True}, {"subsampling": 0, "restart_marker_rows": 1}]
    buffer = io.BytesIO()
    Image.fromarray(colours.squeeze(2) if colours.shape[2] == 1 else colours).save(
        buffer, "JPEG", quality=(50, 90, 75, 98)[number % 4], **options[number % 3]
    )
    return buffer.getvalue()


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
            options[key] = quality if key == "quality" else 1
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
