"""Images in and out: a file, array or Pillow image becomes an `Info` and an iterator of frames.

An image is a video of one frame. What would change the meaning of pixels is settled here, once:
orientation is applied, palettes are expanded, an opaque alpha channel is dropped, and what the codecs
can't carry (transparency, CMYK, more than 8 bits) is refused rather than quietly converted.
"""

from __future__ import annotations

import importlib
import io
import os
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

from codec.container import MAGIC, SRGB, Color
from codec.errors import CodecError, LimitError, MediaError

Source: TypeAlias = "str | os.PathLike[str] | bytes | IO[bytes] | np.ndarray | Image.Image"

MAX_PIXELS = 2**28

# The first bytes of each format read, and the Pillow class that reads it. The classes are used directly
# because `Image.open` has a size limit of its own, lower than ours, that only a global switch moves.
_SIGNATURES = (
    (rb"\xff\xd8\xff", "JpegImagePlugin", "JpegImageFile"),
    (rb"\x89PNG\r\n\x1a\n", "PngImagePlugin", "PngImageFile"),
    (rb"RIFF....WEBP", "WebPImagePlugin", "WebPImageFile"),
    (rb"....ftyp(avif|avis|mif1|msf1)", "AvifImagePlugin", "AvifImageFile"),
    (rb"II\*\0|MM\0\*|II\+\0|MM\0\+", "TiffImagePlugin", "TiffImageFile"),
    (rb"GIF8[79]a", "GifImagePlugin", "GifImageFile"),
    (rb"BM", "BmpImagePlugin", "BmpImageFile"),
    (rb"P[1-6]\s", "PpmImagePlugin", "PpmImageFile"),
)
_READ = "JPEG, PNG, WebP, AVIF, TIFF, GIF, BMP and PPM"

_FORMATS = {
    ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".avif": "avif", ".tif": "tiff",
    ".tiff": "tiff", ".bmp": "bmp", ".ppm": "ppm", ".pgm": "ppm", ".pnm": "ppm",
}  # fmt: skip

# A decoded picture has been through one lossy codec already: the file it lands in should add nothing visible.
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "png": {}, "jpeg": {"quality": 95, "subsampling": 0}, "webp": {"lossless": True},
    "avif": {"quality": 95, "subsampling": "4:4:4"}, "tiff": {}, "bmp": {}, "ppm": {},
}  # fmt: skip

_ORIENTATION, _EXIF_IFD, _GPS_IFD, _XMP_TAG = 0x0112, 0x8769, 0x8825, 700
# In a TIFF the descriptive tags share a directory with the layout of its pixels, which must not be kept:
# description, maker, model, software, date, artist, resolution, copyright.
_TIFF_KEPT = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x011A, 0x011B, 0x0128, 0x8298)


@dataclass(frozen=True)
class Info:
    """What a piece of media is.

    `channels` is 1 (grey) or 3 (RGB); `depth` is bits per sample; `rate` is frames per second, or None for
    a still; `metadata` holds the raw bytes of the profiles under "icc", "exif" (from the TIFF header on,
    orientation 1) and "xmp".
    """

    width: int
    height: int
    channels: int = 3
    depth: int = 8
    frames: int = 1
    rate: Fraction | None = None
    color: Color = SRGB
    metadata: Mapping[str, bytes] = field(default_factory=dict)


def read(source: Source, *, max_pixels: int = MAX_PIXELS) -> tuple[Info, Iterator[np.ndarray]]:
    """Read an image from a path, bytes, binary file, array or Pillow image.

    Returns its `Info` and an iterator of frames, uint8 [height, width, channels]; of an animation the first
    frame. Raises MediaError for what is no image, is damaged or can't be carried; LimitError for more than
    `max_pixels` pixels (before they are decoded); OSError if the file can't be read.
    """
    if isinstance(source, np.ndarray):
        return from_array(source, max_pixels=max_pixels)
    if isinstance(source, Image.Image):
        return from_pillow(source, max_pixels=max_pixels)
    name = _name(source)
    try:
        if isinstance(source, bytes):
            return _read_file(io.BytesIO(source), max_pixels)
        if isinstance(source, (str, os.PathLike)):
            with open(source, "rb") as fp:
                return _read_file(fp, max_pixels)
        return _read_file(source, max_pixels)
    except CodecError as error:
        raise type(error)(f"{name}: {error}" if name else str(error)) from error.__cause__


def from_array(array: np.ndarray, *, max_pixels: int = MAX_PIXELS) -> tuple[Info, Iterator[np.ndarray]]:
    """Take an image from an array: uint8 [height, width], or [height, width, channels] with 1 or 3 channels."""
    if array.dtype != np.uint8:
        raise MediaError(f"the array is of type {array.dtype}; convert it to uint8, 0 to 255")
    frame = array[..., None] if array.ndim == 2 else array
    if frame.ndim != 3 or frame.shape[2] not in (1, 3):
        shape = list(array.shape)
        raise MediaError(f"the array has shape {shape}; give [height, width] or [height, width, 3]")
    height, width, channels = frame.shape
    if not height or not width:
        raise MediaError(f"the array has shape {list(array.shape)}, no pixels; give at least one")
    _check_size(width, height, max_pixels)
    return Info(width, height, channels), iter((np.ascontiguousarray(frame),))


def from_pillow(image: Image.Image, *, max_pixels: int = MAX_PIXELS) -> tuple[Info, Iterator[np.ndarray]]:
    """Take an image from Pillow, with the profiles in its `info`; the image itself is not changed."""
    _check_size(image.width, image.height, max_pixels)
    with _pillow_errors("is damaged"):
        _check_depth(image, b"")
        image.load()
        oriented = image
        if _tags(image).get(_ORIENTATION, 1) != 1:
            oriented = ImageOps.exif_transpose(image)
        metadata = _metadata(oriented, exif=_exif(image))
        pixels = np.array(_opaque(oriented))
    info, frames = from_array(pixels, max_pixels=max_pixels)
    return Info(info.width, info.height, info.channels, metadata=metadata), frames


def write(info: Info, frames: Iterable[np.ndarray], fp: IO[bytes], format: str = "png") -> None:
    """Write one frame, uint8 [height, width, channels], and the metadata that `format` can hold.

    `format` is one of those that `format_for` returns. JPEG is written at quality 95 without chroma
    subsampling, WebP lossless. Raises MediaError if the format can't hold the image.
    """
    frame, *more = frames
    if more:
        raise MediaError("has more than one frame, and an image file holds one; write each to its own file")
    # Into memory first: a pipe can't be sought in, and an error of the encoder leaves nothing half-written.
    buffer = io.BytesIO()
    options = {**_SAVE_OPTIONS[format], **_save_metadata(info.metadata, format)}
    with _pillow_errors(f"can't be written as {format.upper()}", "; write PNG instead"):
        to_pillow(frame).save(buffer, format=format, **options)
    fp.write(buffer.getbuffer())


def to_pillow(frame: np.ndarray) -> Image.Image:
    """A frame, uint8 [height, width, 1 or 3], as a Pillow image of mode L or RGB."""
    return Image.fromarray(frame[..., 0] if frame.shape[2] == 1 else frame)


def format_for(path: str | os.PathLike[str]) -> str:
    """The image format to write, by the suffix of `path` ("png" for "-", standard output)."""
    suffix = Path(path).suffix.lower()
    if os.fspath(path) == "-":
        return "png"
    if suffix not in _FORMATS:
        what = f"no image format has the suffix {suffix!r}" if suffix else "the output name has no suffix"
        raise MediaError(f"{os.fspath(path)}: {what}; use one of {' '.join(_FORMATS)}")
    return _FORMATS[suffix]


def _name(source: str | os.PathLike[str] | bytes | IO[bytes]) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    name = getattr(source, "name", "")
    return name if isinstance(name, str) else ""


def _read_file(fp: IO[bytes], max_pixels: int) -> tuple[Info, Iterator[np.ndarray]]:
    if not fp.seekable():
        fp = io.BytesIO(fp.read())
    head = fp.read(4096)
    if not head:
        raise MediaError(f"the file is empty; give an image ({_READ})")
    if head.startswith(MAGIC):
        raise MediaError("is an .ncf file already; decode it, or give an image")
    fp.seek(0)
    with _opened(fp, head) as image:
        _check_size(image.width, image.height, max_pixels)
        _check_depth(image, head)
        return from_pillow(image, max_pixels=max_pixels)


def _opened(fp: IO[bytes], head: bytes) -> Image.Image:
    for signature, module, reader in _SIGNATURES:
        if re.match(signature, head, re.DOTALL):
            with _pillow_errors("is damaged"):
                image: Image.Image = getattr(importlib.import_module(f"PIL.{module}"), reader)(fp)
                return image
    raise MediaError(f"is not an image that can be read; give {_READ}")


class _pillow_errors:
    """Turn whatever Pillow raises into our errors: on bad data its plugins raise almost anything.

    Errors of the machine (an OSError with a number, no memory) and our own pass through.
    """

    def __init__(self, what: str, remedy: str = "; get a whole copy of it") -> None:
        self.what, self.remedy = what, remedy

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
            raise LimitError("has more pixels than Pillow decodes; scale it down") from error
        if not isinstance(error, Exception) or isinstance(error, (CodecError, MemoryError)):
            return
        if isinstance(error, OSError) and error.errno is not None:
            return
        cause = " ".join(str(error).split()) or type(error).__name__
        raise MediaError(f"{self.what} ({cause}){self.remedy}") from error


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise LimitError(
            f"{width} x {height} is {width * height:,} pixels, more than the {max_pixels:,} allowed; "
            "scale it down or cut it"
        )


def _check_depth(image: Image.Image, head: bytes) -> None:
    """Refuse more than 8 bits per sample, which Pillow opens as 8-bit RGB without a word."""
    deep = image.mode.startswith("I")
    tiles = getattr(image, "tile", None)
    if tiles and image.format in ("PNG", "TIFF", "PPM"):
        # Arguments of Pillow's decoder: the raw mode ("RGB;16B"), for PPM with the largest value.
        args = tiles[0].args if isinstance(tiles[0].args, tuple) else (tiles[0].args,)
        largest = args[1] if image.format == "PPM" and len(args) > 1 else 255
        deep |= ";16" in str(args[0]) or (isinstance(largest, int) and largest > 255)
    if image.format == "AVIF" and (found := re.search(rb"av1C\x81.(.)", head, re.DOTALL)):
        deep |= bool(found[1][0] & 0x40)  # high_bitdepth: 10 or 12
    if deep:
        raise MediaError("has more than 8 bits per sample; convert it to 8 bits first")


def _opaque(image: Image.Image) -> Image.Image:
    """The image as L or RGB, when that loses nothing."""
    if image.mode == "F":
        raise MediaError("has floating-point samples; convert it to 8 bits first")
    if image.mode not in ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr"):
        raise MediaError(f"is {image.mode}; convert it to RGB first")
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
        if alpha.getextrema() != (255, 255):
            raise MediaError("has transparency, which can't be coded yet; flatten it onto a background first")
    return image.convert("L" if image.mode in ("1", "L", "LA", "La") else "RGB")


def _tags(image: Image.Image) -> Image.Exif:
    """The Exif tags; none when the block is damaged, which is no reason to refuse the picture."""
    try:
        return image.getexif()
    except Exception:
        return Image.Exif()


def _exif(image: Image.Image) -> bytes:
    """The Exif block from its TIFF header on, orientation 1, otherwise untouched.

    Patched in place: rewriting it would break maker notes, which hold absolute offsets.
    """
    raw = image.info.get("exif")
    if not raw:
        exif = _tags(image)
        if image.format == "TIFF":
            described = Image.Exif()
            for tag in _TIFF_KEPT:
                if tag in exif:
                    described[tag] = exif[tag]
            for tag in (_EXIF_IFD, _GPS_IFD):
                if directory := exif.get_ifd(tag):
                    described[tag] = dict(directory)
            exif = described
        raw = exif.tobytes() if len(exif) else b""
    return _upright(raw.removeprefix(b"Exif\0\0"))


def _upright(exif: bytes) -> bytes:
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:  # not Exif, and some writers stumble over it
        return b""
    patched = bytearray(exif)
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, start)
        for at in range(start + 2, start + 2 + 12 * entries, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, at)
            if tag == _ORIENTATION and kind in (3, 4):
                struct.pack_into(order + {3: "H", 4: "I"}[kind], patched, at + 8, 1)
    except struct.error:
        pass  # cut short: every tag that a reader can still reach has been seen
    return bytes(patched)


def _metadata(image: Image.Image, exif: bytes) -> dict[str, bytes]:
    xmp = image.info.get("xmp", b"")
    found = {
        "icc": image.info.get("icc_profile"),
        "exif": exif,
        "xmp": xmp.encode() if isinstance(xmp, str) else xmp,
    }
    return {key: bytes(value) for key, value in found.items() if value}


def _save_metadata(metadata: Mapping[str, bytes], format: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if format in ("bmp", "ppm"):
        return options
    if icc := metadata.get("icc"):
        options["icc_profile"] = icc
    if exif := metadata.get("exif"):
        options["exif"] = b"Exif\0\0" + exif
    if xmp := metadata.get("xmp"):
        if format == "png":
            chunks = PngImagePlugin.PngInfo()
            chunks.add_itxt("XML:com.adobe.xmp", xmp)
            options["pnginfo"] = chunks
        elif format == "tiff":  # where Exif and XMP share one directory of tags
            tags = Image.Exif()
            tags.load(options.get("exif", b""))
            tags[_XMP_TAG] = xmp
            options["exif"] = tags
        else:
            options["xmp"] = xmp
    return options
