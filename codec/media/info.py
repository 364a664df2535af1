"""What every part of `codec.media` shares: the description of an image and the limit on its size."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import IO, NamedTuple, TypeAlias

import numpy as np
from PIL import Image

from codec.container import SRGB, Color
from codec.errors import LimitError

Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | np.ndarray | Image.Image"

MAX_PIXELS = 2**28


@dataclass(frozen=True)
class Info:
    """What a piece of media is.

    `channels` is 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGBA), alpha not premultiplied; `depth` is bits
    per sample, 1 to 16; `rate` is frames per second, or None for a still; `metadata` holds the raw bytes of the
    profiles under "icc", "exif" (from the TIFF header on, orientation 1) and "xmp", and resolution, text and gamma as
    "chunks" (codec/media/chunks.py). `chroma`: of a video's planes, "420", "422" or "444"; `tick`: what its times are
    multiples of, in seconds, if they are none of 1 / `rate`; `aspect`: width to height of its pixels. `notes`: what of
    an image isn't kept or isn't whole, a line each.
    """

    width: int
    height: int
    channels: int = 3
    depth: int = 8
    frames: int = 1
    rate: Fraction | None = None
    color: Color = SRGB
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    chroma: str = "420"
    tick: Fraction | None = None
    aspect: Fraction = Fraction(1)
    notes: tuple[str, ...] = ()


class Picture(NamedTuple):
    """A picture as it was read: samples [height, width, channels], and what `Info` has of it."""

    frame: np.ndarray
    depth: int
    metadata: Mapping[str, bytes] = MappingProxyType({})
    color: Color = SRGB
    notes: tuple[str, ...] = ()


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise LimitError for more pixels than `max_pixels`."""
    if width * height > max_pixels:
        raise LimitError(
            f"{width} x {height} is {width * height:,} pixels, more than the {max_pixels:,} allowed; "
            "scale it down, or raise the limit with --max-pixels (max_pixels)"
        )
