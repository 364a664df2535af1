"""A file, array or Pillow image becomes an `Info` and an iterator of frames."""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import IO

import numpy as np
from PIL import Image, ImageOps

from codec.container import MAGIC, SRGB, Color
from codec.errors import CodecError, MediaError
from codec.media import deep, pixels
from codec.media.formats import PLUGINS, READ, recognise
from codec.media.guard import reading
from codec.media.heif import read_heif
from codec.media.info import MAX_PIXELS, Info, Source, check_size
from codec.media.metadata import ORIENTATION, collect, exif_block, png_color, tags
from codec.media.profiles import stripped

_Read = tuple[Info, Iterator[np.ndarray]]


def read(source: Source, *, max_pixels: int = MAX_PIXELS, strip: bool = False, exact: bool = False) -> _Read:
    """Read an image from a path, bytes, binary file, array or Pillow image.

    Returns its `Info` and an iterator of frames, [height, width, channels], uint8, or uint16 where the depth is
    more than 8; of an animation the first frame. `strip` drops Exif, XMP and ICC, converting 8-bit samples of
    another profile to sRGB first; deeper ones keep theirs. With `exact` no sample changes and no channel goes: opaque
    alpha stays, and `strip` leaves the ICC profile. Raises MediaError for what is no image, is damaged
    or can't be carried; LimitError for more than `max_pixels` pixels (before they are decoded); OSError if the
    file can't be read.
    """
    if isinstance(source, np.ndarray):
        return from_array(source, max_pixels=max_pixels, exact=exact)
    if isinstance(source, Image.Image):
        return from_pillow(source, max_pixels=max_pixels, strip=strip, exact=exact)
    name = _name(source)
    finish = partial(_finished, strip=strip, exact=exact)
    try:
        if isinstance(source, bytes):
            return _read_file(io.BytesIO(source), max_pixels, finish)
        if isinstance(source, (str, os.PathLike)):
            with open(source, "rb") as fp:
                return _read_file(fp, max_pixels, finish)
        return _read_file(source, max_pixels, finish)
    except CodecError as error:
        raise type(error)(f"{name}: {error}" if name else str(error)) from error.__cause__


def from_array(array: np.ndarray, *, max_pixels: int = MAX_PIXELS, exact: bool = False) -> _Read:
    """Take an image from an array, uint8 or (16 bits) uint16: [height, width] or [height, width, 1 to 4 channels]."""
    if array.dtype not in (np.uint8, np.uint16):
        raise MediaError(f"the array is of type {array.dtype}; convert it to uint8 (0 to 255) or uint16 (0 to 65535)")
    frame = array[..., None] if array.ndim == 2 else array
    if frame.ndim != 3 or frame.shape[2] not in (1, 2, 3, 4):
        shape = list(array.shape)
        raise MediaError(f"the array has shape {shape}; give [height, width] or [height, width, 1 to 4 channels]")
    height, width, _ = frame.shape
    if not height or not width:
        raise MediaError(f"the array has shape {list(array.shape)}, no pixels; give at least one")
    check_size(width, height, max_pixels)
    return _finished(frame, 8 * array.dtype.itemsize, {}, exact=exact)


def from_pillow(image: Image.Image, *, max_pixels: int = MAX_PIXELS, strip: bool = False, exact: bool = False) -> _Read:
    """Take an image from Pillow, with the profiles in its `info`; the image itself is not changed.

    Colour of more than 8 bits comes through exactly if the image was opened from a file and isn't loaded yet.
    """
    check_size(image.width, image.height, max_pixels)
    with reading():
        frame, depth, metadata = _decoded(image)
    return _finished(frame, depth, metadata, strip=strip, exact=exact)


def _decoded(image: Image.Image) -> tuple[np.ndarray, int, dict[str, bytes]]:
    if image.format == "PPM" and (depth := deep.ppm_bits(image)) > 8:
        return deep.ppm_samples(image, _whole_file(image), depth), depth, {}
    pixels.check_mode(image)
    depth, rawmode = deep.sample_bits(image), deep.rawmode(image)
    hidden = depth > 8 and not image.mode.startswith("I;16")  # Pillow would give 8 bits
    data = _whole_file(image) if hidden else b""
    orientation = tags(image).get(ORIENTATION, 1)  # asked first: loading turns a TIFF upright
    image.load()
    upright = ImageOps.exif_transpose(image) if tags(image).get(ORIENTATION, 1) != 1 else image
    frame = pixels.samples(upright)
    if hidden:
        exact = pixels.turned_upright(deep.ffmpeg_samples(str(image.format), data), orientation)
        frame = deep.agreed(exact, frame, str(image.format))
    elif deep.is_negative(image):
        frame = (2**depth - 1) - frame
    if (key := pixels.color_key(image, rawmode)) is not None:
        frame = pixels.with_color_key(frame, key, depth)
    info = upright.info
    return frame, depth, collect(info.get("icc_profile"), exif_block(image), info.get("xmp"))


def _whole_file(image: Image.Image) -> bytes:
    fp: IO[bytes] = image.fp  # type: ignore[attr-defined]
    position = fp.tell()
    fp.seek(0)
    data = fp.read()
    fp.seek(position)
    return data


def _finished(
    frame: np.ndarray,
    depth: int,
    metadata: Mapping[str, bytes],
    color: Color = SRGB,
    strip: bool = False,
    exact: bool = False,
) -> _Read:
    if not exact:
        frame = pixels.without_opaque_alpha(frame, depth)
    if strip and exact:
        metadata = {name: value for name, value in metadata.items() if name == "icc"}
    elif strip:
        frame, metadata = stripped(frame, depth, metadata)
    height, width, channels = frame.shape
    info = Info(width, height, channels, depth, color=color, metadata=metadata)
    return info, iter((np.ascontiguousarray(frame),))


def _name(source: str | os.PathLike[str] | bytes | IO[bytes]) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    name = getattr(source, "name", "")
    return name if isinstance(name, str) else ""


def _read_file(fp: IO[bytes], max_pixels: int, finish: Callable[..., _Read]) -> _Read:
    if not fp.seekable():
        fp = io.BytesIO(fp.read())
    head = fp.read(4096)
    if not head:
        raise MediaError(f"the file is empty; give an image ({READ})")
    if head.startswith(MAGIC):
        raise MediaError("is an .ncf file already; decode it, or give an image")
    format = recognise(head)
    if format is None:
        raise MediaError(f"is not an image that can be read; give {READ}")
    fp.seek(0)
    if format == "HEIC":
        frame, depth, metadata, color = read_heif(fp, max_pixels)
        return finish(frame, depth, metadata, color)
    if format == "AVIF":
        data = fp.read()
        deep.check_avif(data)
        fp = io.BytesIO(data)
    color = png_color(head) if format == "PNG" else SRGB
    module, reader = PLUGINS[format]
    with reading():
        image: Image.Image = getattr(importlib.import_module(f"PIL.{module}"), reader)(fp)
    with image:
        check_size(image.width, image.height, max_pixels)
        with reading():
            frame, depth, metadata = _decoded(image)
    return finish(frame, depth, metadata, color)
