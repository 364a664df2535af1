"""What pictures say beside pixels and profiles: resolution, text, gamma, light levels, as chunks of PNG.

PNG has a chunk for each of these, whatever format they come from; so its chunks are how they travel (section `p` of a
file; codec/container/metadata.py packs them).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from codec.container import pack_chunks, unpack_chunks

KEY = "chunks"  # in an Info's metadata
TEXT = (b"tEXt", b"zTXt", b"iTXt")
COLOR = {b"gAMA": 4, b"cHRM": 32, b"mDCV": 24, b"cLLI": 8}  # these stay when metadata is stripped
_SIZES = {**COLOR, b"pHYs": 9, b"tIME": 7}
_METRES = 0.0254  # an inch


class Chunk(NamedTuple):
    """One chunk, without its length and checksum."""

    tag: bytes
    data: bytes


class Resolution(NamedTuple):
    """Pixels a metre, each at least 1; `metric` False: only how the two are to each other is known."""

    x: int
    y: int
    metric: bool = True

    @property
    def dpi(self) -> tuple[float, float]:
        """Pixels an inch, in hundredths: whole metres can't say 300 exactly."""
        return round(self.x * _METRES, 2), round(self.y * _METRES, 2)


def unpacked(value: bytes) -> Iterator[Chunk]:
    """The chunks of a value that may be written to a PNG; all others are passed over."""
    return filter(writable, map(Chunk._make, unpack_chunks(value)))


def writable(chunk: Chunk) -> bool:
    """Whether a chunk is of a kind that is kept, and of the length that its kind has."""
    if chunk.tag in TEXT:
        keyword, end, _ = chunk.data.partition(b"\0")
        return bool(end) and 1 <= len(keyword) <= 79
    return _SIZES.get(chunk.tag) == len(chunk.data)


def stripped(value: bytes) -> bytes:
    """The value with nothing but what the colours mean."""
    return pack_chunks(chunk for chunk in unpacked(value) if chunk.tag in COLOR)


def phys(resolution: Resolution | None) -> list[Chunk]:
    """The chunk that states a resolution; none for one that says nothing."""
    if resolution is None or not (resolution.metric or resolution.x != resolution.y):
        return []
    x, y, metric = resolution
    return [Chunk(b"pHYs", struct.pack(">IIB", x, y, metric))] if 0 < x < 2**31 and 0 < y < 2**31 else []


def per_inch(x: float, y: float) -> Resolution:
    """A resolution in pixels an inch."""
    return Resolution(round(x / _METRES), round(y / _METRES))


def comment(text: object) -> list[Chunk]:
    """The chunk of a JPEG's or GIF's comment; none where that is no text."""
    value = text.rstrip(b"\0") if isinstance(text, bytes) else b""
    return [Chunk(b"tEXt", b"Comment\0" + value)] if value and b"\0" not in value else []


def resolution(metadata: Mapping[str, bytes]) -> Resolution | None:
    """The resolution that the metadata states: in a chunk, else in Exif; None where neither does."""
    for tag, data in unpacked(metadata.get(KEY, b"")):
        if tag == b"pHYs":
            x, y, unit = struct.unpack(">IIB", data)
            return Resolution(x, y, unit == 1) if x and y else None
    return _from_exif(metadata.get("exif", b""))


def _from_exif(block: bytes) -> Resolution | None:
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(block)
        x, y, unit = float(exif[0x011A]), float(exif[0x011B]), exif.get(0x0128, 2)
        found = per_inch(x, y) if unit == 2 else Resolution(round(100 * x), round(100 * y)) if unit == 3 else None
    except Exception:  # damaged, or no numbers
        return None
    return found if found and min(found[:2]) > 0 else None
