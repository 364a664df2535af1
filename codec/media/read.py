"""A file, array or Pillow image becomes an `Info` and an iterator of frames."""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO

import numpy as np
from PIL import Image, ImageOps

from codec.container import MAGIC, SRGB, pack_chunks
from codec.errors import CodecError, MediaError
from codec.media import chunks, deep, jpeg, pixels, png, tiff
from codec.media.boxes import avif_color
from codec.media.formats import PLUGINS, READ, recognise, unknown
from codec.media.guard import reading
from codec.media.heif import read_heif
from codec.media.info import MAX_PIXELS, Info, Picture, Source, check_size
from codec.media.metadata import ORIENTATION, collect, exif_block, losses, said, tags
from codec.media.profiles import stripped
from codec.media.sources import file_source

SOURCES = "a path, the bytes of a file, a binary file, an array or a Pillow image"
_Read = tuple[Info, Iterator[np.ndarray]]


def read(source: Source, *, max_pixels: int = MAX_PIXELS, strip: bool = False, exact: bool = False) -> _Read:
    """Read an image from a path, bytes, binary file, array or Pillow image.

    Returns its `Info` and an iterator of frames, [height, width, channels], uint8, or uint16 where the depth is
    more than 8; of an animation the first frame. A file is read from its position on. `strip` drops Exif, XMP, ICC,
    text and resolution, converting 8-bit samples of another profile to sRGB first; deeper ones keep theirs. With
    `exact` no sample changes and no channel goes: opaque alpha stays, and `strip` leaves the ICC profile. Raises
    MediaError for what is no image, is damaged or can't be carried; LimitError for more than `max_pixels` pixels
    (before they are decoded); CodecError for a source of another type; OSError if the file can't be read.
    """
    if isinstance(source, np.ndarray):
        return from_array(source, max_pixels=max_pixels, exact=exact)
    if isinstance(source, Image.Image):
        return from_pillow(source, max_pixels=max_pixels, strip=strip, exact=exact)
    source = file_source(source, SOURCES)
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
    return _finished(Picture(frame, 8 * array.dtype.itemsize), exact=exact)


def from_pillow(image: Image.Image, *, max_pixels: int = MAX_PIXELS, strip: bool = False, exact: bool = False) -> _Read:
    """Take an image from Pillow, with the profiles in its `info`; the image itself is not changed.

    Colour of more than 8 bits comes through exactly, and with it what Pillow passes over (CICP, text, gamma), if the
    image was opened from a file and isn't loaded yet.
    """
    if not image.width or not image.height:
        raise MediaError(f"the picture is {image.width} x {image.height}, no pixels; give at least one")
    check_size(image.width, image.height, max_pixels)
    with reading():
        fresh = deep.rawmode(image) and getattr(image, "fp", None)
        data = _whole_file(image) if fresh and image.format in ("PNG", "AVIF") else b""
        picture = _decoded(image)
    if data and image.format == "PNG":
        picture = _with_said(picture, png.parse(data))
    elif data:
        picture = picture._replace(color=avif_color(data))
    return _finished(picture, strip=strip, exact=exact)


def _decoded(image: Image.Image) -> Picture:
    if image.format == "PPM" and (depth := deep.ppm_bits(image)) > 8:
        return Picture(deep.ppm_samples(image, _whole_file(image), depth), depth)
    if image.format == "TIFF":
        tiff.check_samples(image.tag_v2)  # type: ignore[attr-defined]
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
    metadata = collect(info.get("icc_profile"), exif_block(image), info.get("xmp"), said(image))
    return Picture(frame, depth, metadata, notes=tuple(losses(image)))


def _whole_file(image: Image.Image) -> bytes:
    fp: IO[bytes] = image.fp  # type: ignore[attr-defined]
    position = fp.tell()
    fp.seek(0)
    data = fp.read()
    fp.seek(position)
    return data


def _finished(picture: Picture, strip: bool = False, exact: bool = False) -> _Read:
    frame, depth, metadata, color, notes = picture
    if not exact:
        frame = pixels.without_opaque_alpha(frame, depth)
    if strip:
        kept = chunks.stripped(metadata.get(chunks.KEY, b""))
        if exact:
            metadata = {name: value for name, value in metadata.items() if name == "icc"}
        else:
            frame, metadata = stripped(frame, depth, metadata)
        metadata |= {chunks.KEY: kept} if kept else {}
    height, width, channels = frame.shape
    info = Info(width, height, channels, depth, color=color, metadata=metadata, notes=notes)
    return info, iter((np.ascontiguousarray(frame),))


def _name(source: str | os.PathLike[str] | bytes | IO[bytes]) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    name = getattr(source, "name", "")
    return name if isinstance(name, str) else ""


def _read_file(fp: IO[bytes], max_pixels: int, finish: Callable[[Picture], _Read]) -> _Read:
    head = fp.read(4096)
    if not head:
        raise MediaError(f"the file is empty; give an image ({READ})")
    if head.startswith(MAGIC):
        raise MediaError("is an .ncf file already; decode it, or give an image")
    format = recognise(head)
    if format is None:
        raise MediaError(unknown(head))
    fp.seek(0)
    if format == "HEIC":
        return finish(read_heif(fp, max_pixels))
    if format == "PNG":
        return finish(_png(fp.read(), max_pixels))
    if format == "JPEG":
        return finish(_jpeg(fp, max_pixels))
    color = SRGB
    notes: list[str] = []
    if format == "AVIF":
        data = fp.read()
        deep.check_avif(data)
        fp, color = io.BytesIO(data), avif_color(data)
    elif format == "TIFF":
        fp, notes = tiff.chosen(fp)
    picture = _by_pillow(format, fp, max_pixels)
    return finish(picture._replace(color=color, notes=(*notes, *picture.notes)))


def _by_pillow(format: str, fp: IO[bytes], max_pixels: int) -> Picture:
    module, reader = PLUGINS[format]
    with reading():
        image: Image.Image = getattr(importlib.import_module(f"PIL.{module}"), reader)(fp)
    with image:
        check_size(image.width, image.height, max_pixels)
        with reading():
            return _decoded(image)


def _png(data: bytes, max_pixels: int) -> Picture:
    found = png.parse(data)
    return _with_said(_by_pillow("PNG", io.BytesIO(found.image), max_pixels), found)


def _with_said(picture: Picture, found: png.Png) -> Picture:
    stated = chunks.phys(chunks.resolution({"exif": picture.metadata.get("exif", b"")}))
    beside = {"icc": found.icc, chunks.KEY: pack_chunks(one for one in found.kept if one not in stated)}
    metadata = {name: value for name, value in beside.items() if value} | dict(picture.metadata)
    return Picture(picture.frame, picture.depth, metadata, found.color, (*found.notes, *picture.notes))


def _jpeg(fp: IO[bytes], max_pixels: int) -> Picture:
    try:
        return _by_pillow("JPEG", fp, max_pixels)
    except MediaError:
        fp.seek(0)
        data = jpeg.ended(fp.read())
        if data is None:
            raise
    picture = _by_pillow("JPEG", io.BytesIO(data), max_pixels)
    return picture._replace(notes=(*picture.notes, "it lacks its end marker; every pixel is there"))
