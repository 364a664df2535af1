"""The image formats: how a file is recognised, which suffixes are read, which format a suffix writes."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path

from codec.errors import MediaError

# The first bytes of each format that Pillow reads, its plugin and class. The classes are used directly because
# `Image.open` has a size limit of its own, lower than ours, that only a global switch moves.
_SIGNATURES = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"RIFF....WEBP", "WEBP"),
    (rb"II\*\0|MM\0\*|II\+\0|MM\0\+", "TIFF"),
    (rb"GIF8[79]a", "GIF"),
    (rb"BM", "BMP"),
    (rb"P[1-6]\s", "PPM"),
)
PLUGINS = {
    "JPEG": ("JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PngImagePlugin", "PngImageFile"),
    "WEBP": ("WebPImagePlugin", "WebPImageFile"),
    "AVIF": ("AvifImagePlugin", "AvifImageFile"),
    "TIFF": ("TiffImagePlugin", "TiffImageFile"),
    "GIF": ("GifImagePlugin", "GifImageFile"),
    "BMP": ("BmpImagePlugin", "BmpImageFile"),
    "PPM": ("PpmImagePlugin", "PpmImageFile"),
}
READ = "JPEG, PNG, WebP, AVIF, HEIC, TIFF, GIF, BMP and PPM"

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs"}
_HEIF_BRANDS = {b"mif1", b"msf1"}  # the container of both; what it holds is among the compatible brands

_WRITTEN = {
    ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".avif": "avif", ".tif": "tiff",
    ".tiff": "tiff", ".bmp": "bmp", ".ppm": "ppm", ".pgm": "ppm", ".pnm": "ppm",
}  # fmt: skip

SUFFIXES = frozenset({*_WRITTEN, ".gif", ".pbm", ".jfif", ".heic", ".heif", ".hif"})


def recognise(head: bytes) -> str | None:
    """The format of a file that begins with `head`: a key of PLUGINS, "HEIC", or None for no image."""
    if head[4:8] == b"ftyp":
        (size,) = struct.unpack(">I", head[:4])
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(size, len(head)), 4))]
        for brand in brands:
            if brand in _AVIF_BRANDS:
                return "AVIF"
            if brand in _HEIC_BRANDS:
                return "HEIC"
        return "HEIC" if _HEIF_BRANDS & set(brands) else None
    return next((name for signature, name in _SIGNATURES if re.match(signature, head, re.DOTALL)), None)


def format_for(path: str | os.PathLike[str]) -> str:
    """The image format to write, by the suffix of `path` ("png" for "-", standard output)."""
    suffix = Path(path).suffix.lower()
    if os.fspath(path) == "-":
        return "png"
    if suffix not in _WRITTEN:
        what = f"no image format has the suffix {suffix!r}" if suffix else "the output name has no suffix"
        raise MediaError(f"{os.fspath(path)}: {what}; use one of {' '.join(_WRITTEN)}")
    return _WRITTEN[suffix]
