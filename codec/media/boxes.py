"""The colour that an AVIF file states for its picture, which Pillow passes over.

Boxes as in ISO 14496-12 and 23008-12.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from codec.container import SRGB, Color

_UNSPECIFIED = 2
# BT.709 and BT.601 say how cameras encode, and a file that states them is meant to be seen as sRGB.
_AS_SRGB = (1, 6, 13)


def from_code_points(primaries: int, transfer: int) -> Color:
    """The colour of RGB samples of full range that were made from a picture with these code points."""
    if primaries in (1, _UNSPECIFIED) and transfer in (*_AS_SRGB, _UNSPECIFIED):
        return SRGB
    if max(primaries, transfer) > 255:
        return SRGB
    return Color(
        SRGB.primaries if primaries == _UNSPECIFIED else primaries,
        SRGB.transfer if transfer == _UNSPECIFIED else transfer,
    )


def avif_color(data: bytes) -> Color:
    """The colour of an AVIF file's primary picture; sRGB where it has no code points, or can't be followed."""
    try:
        at = _nclx(data)
        return from_code_points(*struct.unpack_from(">HH", data, at)) if at else SRGB
    except (struct.error, KeyError, IndexError):
        return SRGB


def with_avif_color(data: bytes, color: Color) -> bytes:
    """An AVIF file that states `color` where it stated code points; unchanged where it has none."""
    at = _nclx(data)
    return data[:at] + struct.pack(">HH", color.primaries, color.transfer) + data[at + 4 :] if at else data


def _nclx(data: bytes) -> int:
    """Where the code points of the primary picture stand; 0 if nowhere."""
    meta = dict(_boxes(data, 0, len(data)))[b"meta"]
    inside = dict(_boxes(data, meta[0] + 4, meta[1]))
    start, _ = inside[b"pitm"]
    (primary,) = struct.unpack_from(">I" if data[start] else ">H", data, start + 4)
    properties = dict(_boxes(data, *inside[b"iprp"]))
    listed = list(_boxes(data, *properties[b"ipco"]))
    for number in _associated(data, properties[b"ipma"][0], primary):
        tag, (start, _) = listed[number - 1]
        if tag == b"colr" and data[start : start + 4] == b"nclx":
            return start + 4
    return 0


def _associated(data: bytes, at: int, item: int) -> Iterator[int]:
    """The numbers, from 1, of an item's properties."""
    wide, wide_index = data[at] > 0, data[at + 3] & 1
    (count,) = struct.unpack_from(">I", data, at + 4)
    at += 8
    for _ in range(count):
        (found,) = struct.unpack_from(">I" if wide else ">H", data, at)
        at += 4 if wide else 2
        listed = data[at]
        at += 1
        size = 2 if wide_index else 1
        numbers = struct.unpack_from(f">{listed}{'H' if wide_index else 'B'}", data, at)
        at += size * listed
        if found == item:
            yield from (n & (0x7FFF if wide_index else 0x7F) for n in numbers if n & (0x7FFF if wide_index else 0x7F))


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Type, and begin and end of the content, of each box in a part of the file."""
    while at + 8 <= end:
        size, tag = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            return
        yield tag, (at + head, at + size)
        at += size
