"""Frames become an image file or a Pillow image."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import IO, Any

import numpy as np
from PIL import Image

from codec.container import SRGB, pack_chunks
from codec.errors import MediaError
from codec.media.boxes import with_avif_color
from codec.media.chunks import COLOR, KEY, TEXT, phys, resolution, unpacked
from codec.media.guard import writing
from codec.media.info import Info
from codec.media.metadata import comment, save_options
from codec.media.png import HEAD as PNG_HEAD
from codec.media.png import ancillary
from codec.media.png16 import scaled, write_png16
from codec.media.tiff16 import write_tiff16

# A decoded picture has been through one lossy codec already: the file it lands in should add nothing visible.
# WebP's `exact` keeps the colours under transparent pixels.
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "png": {}, "jpeg": {"quality": 95, "subsampling": 0}, "webp": {"lossless": True, "exact": True},
    "avif": {"quality": 95, "subsampling": "4:4:4"}, "tiff": {}, "bmp": {}, "ppm": {},
}  # fmt: skip

_OPAQUE = ("jpeg", "bmp", "ppm")
_DEEP = ("png", "ppm", "tiff")
_SIDES = {"jpeg": 65500, "webp": 16383, "avif": 65536}
_HOLDS = {
    "png": ("icc", "exif", "xmp"), "jpeg": ("icc", "exif", "xmp"), "webp": ("icc", "exif", "xmp"),
    "avif": ("icc", "exif", "xmp"), "tiff": ("icc", "exif", "xmp"), "bmp": (), "ppm": (),
}  # fmt: skip
_TITLES = {"icc": "the colour profile", "exif": "Exif", "xmp": "XMP"}
_RESOLVED = ("png", "jpeg", "tiff", "bmp")
# What a segment of JPEG holds, less the name that stands in front; a profile takes up to 255 of them.
_JPEG_ROOM = {"exif": 65527, "xmp": 65504, "icc": 255 * 65519}
_JPEG_COMMENT = 65533


def check_format(info: Info, format: str) -> None:
    """Raise MediaError if a format can't hold a picture: by its size, channels and depth, which a header says."""
    name = format.upper()
    if info.channels in (2, 4) and format in _OPAQUE:
        raise MediaError(f"{name} can't hold transparency; write PNG instead")
    if info.depth > 8 and format not in _DEEP:
        raise MediaError(f"{name} is written with 8 bits per sample, and the image has {info.depth}; write PNG instead")
    if max(info.width, info.height) > _SIDES.get(format, 2**31):
        raise MediaError(
            f"can't be written as {name} (its sides are at most {_SIDES[format]} pixels, and the image is "
            f"{info.width} x {info.height}); write PNG instead"
        )


def left_out(info: Info, format: str) -> list[str]:
    """What of an image's metadata a format doesn't hold, a line for all of it; empty where nothing is lost."""
    kept = _held(info.metadata, format)
    lost = [title for key, title in _TITLES.items() if key in info.metadata and key not in kept]
    said = list(unpacked(info.metadata.get(KEY, b"")))
    if format != "png":
        lost += ["its colour (CICP)"] if info.color != SRGB and format != "avif" else []
        lost += ["its gamma or light levels"] if any(tag in COLOR for tag, _ in said) else []
        texts = sum(tag in TEXT for tag, _ in said) - (format == "jpeg" and comment(kept) != b"")
        lost += ["text"] if texts else []
    if any(tag == b"pHYs" for tag, _ in said) and format not in _RESOLVED:
        lost.append("its resolution")
    return [f"{format.upper()} can't hold {', '.join(lost)}; PNG does"] if lost else []


def write(info: Info, frames: Iterable[np.ndarray], fp: IO[bytes], format: str = "png") -> None:
    """Write one frame, [height, width, channels] of `info.depth` bits, and the metadata that `format` can hold.

    `format` is one of those that `format_for` returns. JPEG is written at quality 95 without chroma
    subsampling, WebP lossless; samples of 9 to 16 bits as 16-bit PNG or TIFF (scaled) or PPM (as they are). Raises
    MediaError if the format can't hold the image.
    """
    frame, *more = frames
    if more:
        raise MediaError("has more than one frame, and an image file holds one; write each to its own file")
    height, width, channels = frame.shape
    check_format(replace(info, width=width, height=height, channels=channels), format)
    metadata = _held(info.metadata, format)
    # Into memory first: a pipe can't be sought in, and an error of the encoder leaves nothing half-written.
    buffer = io.BytesIO()
    with writing(format):
        if info.depth <= 8:
            options = {} if format == "png" else save_options(metadata, format)
            to_pillow(frame).save(buffer, format=format, **_SAVE_OPTIONS[format], **options)
        elif format == "png":
            write_png16(frame, info.depth, metadata, info.color, buffer)
        elif format == "tiff":
            write_tiff16(frame, info.depth, metadata, buffer)
        else:
            _write_ppm16(frame, info.depth, buffer)
    data = buffer.getbuffer()
    if format == "png" and info.depth <= 8:
        for part in (data[:PNG_HEAD], ancillary(metadata, info.color), data[PNG_HEAD:]):
            fp.write(part)
    elif format == "avif" and info.color != SRGB:
        fp.write(with_avif_color(bytes(data), info.color))
    else:
        fp.write(data)


def _held(metadata: Mapping[str, bytes], format: str) -> dict[str, bytes]:
    """Those of an image's metadata that a format has room for."""
    held = {key: value for key, value in metadata.items() if key in (*_HOLDS[format], KEY)}
    if format == "jpeg":
        held = {key: value for key, value in held.items() if len(value) <= _JPEG_ROOM.get(key, len(value))}
        if len(comment(held)) > _JPEG_COMMENT:
            del held[KEY]
    if (stated := phys(resolution(metadata))) and resolution(held) is None:  # it was in what there is no room for
        held[KEY] = held.get(KEY, b"") + pack_chunks(stated)
    return held


def of_8_bits(image: Image.Image) -> Image.Image:
    """A Pillow image as it is, deep grey at 8 bits: Pillow itself would cut it off at 255."""
    return image.point(lambda level: level / 257).convert("L") if image.mode == "I;16" else image


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
