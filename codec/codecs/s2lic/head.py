"""S2LIC's private bytes in the head: the quality, and whether cells have rates of their own. No torch."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from codec import tiling
from codec.codecs.partial import check_count, check_plain
from codec.codecs.s2lic import CODEC
from codec.container import Header, Unit
from codec.errors import FormatError
from codec.view import WITH_ALPHA

QUALITY_STEPS = 256  # quality is stored in steps of 1/256
MAPPED = 1 << 15  # flag beside it: each unit begins with rates of its cells (ratemap.py)


def pack_private(quality: float, mapped: bool) -> bytes:
    """Two bytes."""
    return struct.pack("<H", round(quality * QUALITY_STEPS) | (MAPPED if mapped else 0))


def parse_private(private: bytes) -> int:
    """Quality in steps of 1/256 from a header's private bytes."""
    if len(private) != 2:
        raise FormatError(f"the s2lic options have {len(private)} bytes, not 2; get a whole copy of the file")
    steps = struct.unpack("<H", private)[0] & ~MAPPED
    if steps > 100 * QUALITY_STEPS:
        raise FormatError(f"quality {steps / QUALITY_STEPS:g} is out of range; get a whole copy of the file")
    return int(steps)


def unit_count(header: Header) -> int:
    """Units of a picture's file: one a tile, and one more for its alpha."""
    return len(tiling.tiles(header.height, header.width)) * (2 if header.channels in WITH_ALPHA else 1)


def check_image(header: Header) -> None:
    """FormatError unless a header is of a picture that this release decodes."""
    _check_revision(header)
    if not 8 <= header.depth <= 16 or header.frames != 1:
        what = f"{header.channels} channels of {header.depth} bits, {header.frames} frames"
        raise FormatError(f"{what}: not a picture that s2lic codes; get a whole copy of the file")
    parse_private(header.private)


def check_video(header: Header) -> None:
    """FormatError unless a header is of a video that this release decodes."""
    _check_revision(header)
    if header.rate is None or header.frames or header.channels != 3 or header.depth != 8 or header.stream is not None:
        raise FormatError("not a video that s2lic codes; get a whole copy of the file")
    parse_private(header.private)


def check(header: Header, units: Sequence[Unit]) -> None:
    """See Descriptor."""
    if header.rate is not None:
        check_video(header)
        for unit in units:
            if unit.frames > 1:
                raise FormatError(f"unit {unit.index}: {unit.frames} frames in one; get a whole copy of the file")
        return
    check_image(header)
    check_count(len(units), unit_count(header))
    tiles = len(tiling.tiles(header.height, header.width))
    for unit in units[tiles:]:  # of alpha
        check_plain(unit)


def _check_revision(header: Header) -> None:
    if header.revision != CODEC.revision:
        raise FormatError(f"made by revision {header.revision} of {CODEC.name}; install a neural-codec that reads it")


def is_mapped(header: Header) -> bool:
    """Whether the cells of a picture have rates of their own."""
    return bool(struct.unpack("<H", header.private)[0] & MAPPED)


def values(header: Header) -> dict[str, Any]:
    """What the private bytes say, as plain values."""
    if len(header.private) != 2:
        return {}
    mapped = is_mapped(header)
    quality = (int.from_bytes(header.private, "little") & ~MAPPED) / QUALITY_STEPS
    return {"quality": quality, "tune": "ssim" if mapped else "psnr"}
