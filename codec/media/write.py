"""Frames become an image file or a Pillow image."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import IO, Any

import numpy as np
from PIL import Image

from codec.errors import MediaError
from codec.media.guard import writing
from codec.media.info import Info
from codec.media.metadata import save_options
from codec.media.png16 import scaled, write_png16

# A decoded picture has been through one lossy codec already: the file it lands in should add nothing visible.
# WebP's `exact` keeps the colours under transparent pixels.
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "png": {}, "jpeg": {"quality": 95, "subsampling": 0}, "webp": {"lossless": True, "exact": True},
    "avif": {"quality": 95, "subsampling": "4:4:4"}, "tiff": {}, "bmp": {}, "ppm": {},
}  # fmt: skip

_OPAQUE = ("jpeg", "bmp", "ppm")
_DEEP = ("png", "ppm")


def write(info: Info, frames: Iterable[np.ndarray], fp: IO[bytes], format: str = "png") -> None:
    """Write one frame, [height, width, channels] of `info.depth` bits, and the metadata that `format` can hold.

    `format` is one of those that `format_for` returns. JPEG is written at quality 95 without chroma
    subsampling, WebP lossless; samples of 9 to 16 bits as 16-bit PNG (scaled) or PPM (as they are). Raises
    MediaError if the format can't hold the image.
    """
    frame, *more = frames
    if more:
        raise MediaError("has more than one frame, and an image file holds one; write each to its own file")
    name = format.upper()
    if frame.shape[2] in (2, 4) and format in _OPAQUE:
        raise MediaError(f"{name} can't hold transparency; write PNG instead")
    if info.depth > 8 and format not in _DEEP:
        raise MediaError(f"{name} is written with 8 bits per sample, and the image has {info.depth}; write PNG instead")
    # Into memory first: a pipe can't be sought in, and an error of the encoder leaves nothing half-written.
    buffer = io.BytesIO()
    with writing(format):
        if info.depth <= 8:
            options = {**_SAVE_OPTIONS[format], **save_options(info.metadata, info.color, format)}
            to_pillow(frame).save(buffer, format=format, **options)
        elif format == "png":
            write_png16(frame, info.depth, info.metadata, info.color, buffer)
        else:
            _write_ppm16(frame, info.depth, buffer)
    fp.write(buffer.getbuffer())


def to_pillow(frame: np.ndarray, depth: int | None = None) -> Image.Image:
    """A frame, [height, width, 1 to 4 channels], as a Pillow image of mode L, LA, RGB or RGBA.

    Pillow holds no colour of more than 8 bits: of uint16 samples of `depth` bits (16 if not given), grey becomes
    mode I;16, scaled to 0..65535, and everything else is rounded to 8 bits.
    """
    grey = frame.shape[2] == 1
    if frame.dtype == np.uint16:
        frame = scaled(frame, depth or 16, 16 if grey else 8)
    return Image.fromarray(frame[..., 0] if grey else frame)


def _write_ppm16(frame: np.ndarray, depth: int, fp: IO[bytes]) -> None:
    height, width, channels = frame.shape
    fp.write(f"P{5 if channels == 1 else 6}\n{width} {height}\n{2**depth - 1}\n".encode())
    fp.write(frame.astype(">u2").tobytes())
