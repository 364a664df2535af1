"""The formats of images and videos: how a file is recognised, which suffixes are read, and which are written."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path

from codec import urls
from codec.container import MAGIC
from codec.errors import MediaError
from codec.media.signatures import HEAD, shows_video

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

# Pictures of cameras as they come off the sensor; those in a TIFF are known by what is in it (tiff.py).
_RAW = re.compile(rb"FUJIFILMCCD-RAW|II(?:RO|RS|U\0)|MMOR|\0MRM|FOVb|....ftypcrx ", re.DOTALL)

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs"}
_HEIF_BRANDS = {b"mif1", b"msf1"}  # the container of both; what it holds is among the compatible brands

_WRITTEN = {
    ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".jpe": "jpeg", ".jfif": "jpeg", ".webp": "webp", ".avif": "avif",
    ".tif": "tiff", ".tiff": "tiff", ".bmp": "bmp", ".ppm": "ppm", ".pgm": "ppm", ".pnm": "ppm",
}  # fmt: skip

SUFFIXES = frozenset({*_WRITTEN, ".gif", ".pbm", ".heic", ".heif", ".hif"})
VIDEO_SUFFIXES = frozenset({
    ".264", ".265", ".3g2", ".3gp", ".asf", ".av1", ".avi", ".dif", ".dv", ".f4v", ".flv", ".h264", ".h265", ".hevc",
    ".ivf", ".m1v", ".m2t", ".m2ts", ".m2v", ".m4v", ".mk3d", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mpv", ".mts",
    ".mxf", ".nut", ".obu", ".ogm", ".ogv", ".qt", ".ts", ".vob", ".webm", ".wmv", ".y4m",
})  # fmt: skip

_OTHER_BRANDS = {b"M4A ", b"M4B ", b"M4P ", b"crx "}  # sound, and Canon's raw pictures


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


def unknown(head: bytes) -> str:
    """What a file is told that begins with `head` and has no format of ours."""
    if _RAW.match(head):
        return "is a raw picture of a camera; develop it to TIFF, PNG or JPEG first"
    return f"is not an image that can be read; give {READ}"


def check_head(head: bytes) -> None:
    """MediaError for what neither an image nor a video that can be read begins with."""
    if not head:
        raise MediaError(f"the file is empty; give an image ({READ})")
    if head.startswith(MAGIC):
        raise MediaError("is an .ncf file already; decode it, or give an image")
    if recognise(head) is None and not is_video(head):
        raise MediaError(unknown(head))


def suffix_of(path: str | os.PathLike[str]) -> str:
    """What the name of a file ends with, in lower case; of a URL without its query."""
    return Path(urls.named(os.fspath(path))).suffix.lower()


def format_for(path: str | os.PathLike[str]) -> str:
    """The image format to write, by the suffix of `path` ("png" for "-", standard output)."""
    suffix = suffix_of(path)
    if os.fspath(path) == "-":
        return "png"
    if suffix not in _WRITTEN:
        what = f"no image format has the suffix {suffix!r}" if suffix else "the output name has no suffix"
        raise MediaError(f"{os.fspath(path)}: {what}; use one of {' '.join(_WRITTEN)}")
    return _WRITTEN[suffix]


def is_video(source: str | os.PathLike[str] | bytes) -> bool:
    """Whether a file, or bytes that one begins with (HEAD are enough), is a video by its signature, or by its suffix
    if it has the signature of nothing else; OSError if the file can't be read.

    Pictures that move (GIF, WebP, APNG, AVIF) are images. Matroska counts as video, even if only sound is in it.
    """
    with urls.stream(source) as fp:
        head = fp.read(HEAD)
    if recognise(head) is not None:
        return False
    if head[4:8] == b"ftyp":
        return head[8:12] not in _OTHER_BRANDS
    if shows_video(head):
        return True
    # A bare stream may begin anywhere.
    named = not isinstance(source, bytes) and suffix_of(source) in VIDEO_SUFFIXES
    return named and bool(head) and not head.startswith(MAGIC)
