"""Exif, XMP, ICC and CICP: taken from a Pillow image as raw bytes, and handed to Pillow's encoders again."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any

from PIL import Image, PngImagePlugin

from codec.container import SRGB, Color

ORIENTATION, _EXIF_IFD, _GPS_IFD, _XMP_TAG = 0x0112, 0x8769, 0x8825, 700
# In a TIFF the descriptive tags share a directory with the layout of its pixels, which must not be kept:
# description, maker, model, software, date, artist, resolution, copyright.
_TIFF_KEPT = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x011A, 0x011B, 0x0128, 0x8298)


def tags(image: Image.Image) -> Image.Exif:
    """The Exif tags; none when the block is damaged, which is no reason to refuse the picture."""
    try:
        return image.getexif()
    except Exception:
        return Image.Exif()


def collect(icc: bytes | None, exif: bytes | None, xmp: str | bytes | None) -> dict[str, bytes]:
    """Metadata as `Info` holds it: what is there and not empty, Exif from its TIFF header on, upright."""
    found = {
        "icc": icc,
        "exif": _upright((exif or b"").removeprefix(b"Exif\0\0")),
        "xmp": xmp.encode() if isinstance(xmp, str) else xmp,
    }
    return {key: bytes(value) for key, value in found.items() if value}


def exif_block(image: Image.Image) -> bytes:
    """The Exif of an image, as its file has it; of a TIFF, a new block of its descriptive tags."""
    if raw := image.info.get("exif"):
        return bytes(raw)
    exif = tags(image)
    if image.format == "TIFF":
        described = Image.Exif()
        for tag in _TIFF_KEPT:
            if tag in exif:
                described[tag] = exif[tag]
        for tag in (_EXIF_IFD, _GPS_IFD):
            if directory := exif.get_ifd(tag):
                described[tag] = dict(directory)
        exif = described
    return exif.tobytes() if len(exif) else b""


def _upright(exif: bytes) -> bytes:
    """The block with orientation 1, otherwise untouched.

    Patched in place: rewriting it would break maker notes, which hold absolute offsets.
    """
    try:
        order = {b"II": "<", b"MM": ">"}[exif[:2]]
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, start)
    except (KeyError, struct.error):  # not Exif, and some writers stumble over it
        return b""
    patched = bytearray(exif)
    try:
        for at in range(start + 2, start + 2 + 12 * entries, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, at)
            if tag == ORIENTATION and kind in (3, 4):
                struct.pack_into(order + {3: "H", 4: "I"}[kind], patched, at + 8, 1)
    except struct.error:
        pass  # cut short: every tag that a reader can still reach has been seen
    return bytes(patched)


def png_color(data: bytes) -> Color:
    """The colour that a PNG's cICP chunk states, which Pillow passes over; sRGB where there is none."""
    found = re.search(rb"\0\0\0\x04cICP(..)\0([\0\x01])", data.partition(b"IDAT")[0], re.DOTALL)
    return Color(found[1][0], found[1][1], 0, found[2] == b"\1") if found else SRGB


def save_options(metadata: Mapping[str, bytes], color: Color, format: str) -> dict[str, Any]:
    """The metadata as options of Pillow's `save`; what the format can't hold is left out."""
    options: dict[str, Any] = {}
    if format in ("bmp", "ppm"):
        return options
    if icc := metadata.get("icc"):
        options["icc_profile"] = icc
    if exif := metadata.get("exif"):
        options["exif"] = b"Exif\0\0" + exif
    xmp = metadata.get("xmp")
    if format == "png":
        chunks = PngImagePlugin.PngInfo()
        if color != SRGB:
            chunks.add(b"cICP", bytes((color.primaries, color.transfer, 0, color.full_range)))
        if xmp:
            chunks.add_itxt("XML:com.adobe.xmp", xmp)
        options["pnginfo"] = chunks
    elif format == "tiff":  # where Exif and XMP share one directory of tags
        shared = Image.Exif()
        try:
            shared.load(options.get("exif", b""))
        except Exception:  # damaged: no tag of it can be written
            shared = Image.Exif()
        if xmp:
            shared[_XMP_TAG] = xmp
        options["exif"] = shared
    elif xmp:
        options["xmp"] = xmp
    return options
