"""What Pillow passes over in a JPEG: whether one without its end marker, as cameras and streams leave it out, is whole
otherwise; whether it lies on its side; and pictures that are carried by nothing but Pillow."""

from __future__ import annotations

import io
import re
import struct

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin

from codec.media.guard import reading
from codec.media.info import check_size
from codec.media.metadata import ORIENTATION, tags

_END = b"\xff\xd9"
_MOST_SCANS = 1000
_TURNED = (5, 6, 7, 8)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# A decoder that misses samples takes them from what follows. Where all are there, it passes over that, whatever it is.
_TAILS = tuple(bytes([value]) * 64 for value in (0x00, 0x55, 0xB6))


def ended(data: bytes) -> bytes | None:
    """The file with its end marker, if that is all that it lacks; None if it has one, or lacks more."""
    if not _has_every_scan(data):
        return None
    data = data.rstrip(b"\xff")
    decoded = [_pixels(data + tail + _END) for tail in _TAILS]
    if decoded[0] is None or not all(d is not None and np.array_equal(d, decoded[0]) for d in decoded):
        return None
    return data + _END


def turned(data: bytes) -> bool:
    """Whether the picture is wider than high once it is turned upright where it was higher than wide, as Exif says."""
    try:
        return tags(JpegImagePlugin.JpegImageFile(io.BytesIO(data))).get(ORIENTATION, 1) in _TURNED
    except Exception:  # whatever Pillow raises on damaged files
        return False


def as_pillow(data: bytes, max_pixels: int) -> Image.Image:
    """A JPEG as Pillow has it, upright and in Pillow's mode, CMYK too. MediaError if it can't be read, LimitError for
    more than `max_pixels`."""
    with reading():
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    check_size(image.width, image.height, max_pixels)
    with reading():
        image.load()
        return ImageOps.exif_transpose(image)


def _pixels(data: bytes) -> np.ndarray | None:
    try:
        return np.array(JpegImagePlugin.JpegImageFile(io.BytesIO(data)))
    except Exception:  # whatever Pillow raises on damaged files
        return None


def _has_every_scan(data: bytes) -> bool:
    """Whether no end marker follows the last scan, and the scans hold every coefficient to its last bit."""
    wanted: set[tuple[int, int]] = set()  # component, coefficient
    at, scans = 2, 0
    try:
        while at + 4 <= len(data):
            mark = data[at + 1]
            if data[at] != 0xFF or mark == 0xD9:
                return False
            if mark == 0xFF:  # padding
                at += 1
                continue
            (length,) = struct.unpack_from(">H", data, at + 2)
            if mark in _FRAMES:
                if scans or wanted or data[at + 9] > 4:  # there is one, of at most four components
                    return False
                wanted = {(data[at + 10 + 3 * i], k) for i in range(data[at + 9]) for k in range(64)}
            elif mark == 0xDA:
                count = data[at + 4]
                scans += 1
                if count > 4 or scans > _MOST_SCANS:
                    return False
                first, last, bits = data[at + 5 + 2 * count : at + 8 + 2 * count]
                if not bits & 15:
                    scanned = {data[at + 5 + 2 * i] for i in range(count)}
                    wanted -= {(component, k) for component in scanned for k in range(first, last + 1)}
                # The next marker that isn't one of restart.
                following = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]").search(data, at + 2 + length)
                if following is None:
                    return not wanted
                at = following.start()
                continue
            at += 2 + length
    except (struct.error, IndexError, ValueError):
        pass
    return False
