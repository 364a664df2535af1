"""S2LIC's private bytes in the head: the quality, and whether cells have rates of their own. No torch."""

from __future__ import annotations

import struct
from typing import Any

from codec.container import Header
from codec.errors import FormatError

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
