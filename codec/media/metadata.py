"""Exif, XMP and ICC: taken from a Pillow image as raw bytes, and handed to Pillow's encoders again."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from PIL import Image

from codec.container import pack_chunks
from codec.media import chunks
from codec.media.chunks import Chunk

ORIENTATION, _EXIF_IFD, _GPS_IFD, _XMP_TAG = 0x0112, 0x8769, 0x8825, 700
_PREFIX, _IPTC = b"Exif\0\0", 0x0404
# Types that a reader takes an orientation from, with what a value is made of: every one that holds a number.
_NUMBERS = {3: "H", 4: "I", 5: "II", 6: "b", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d"}
# In a TIFF the descriptive tags share a directory with the layout of its pixels, which must not be kept: description,
# maker, model, software, date, artist, resolution, copyright; name, computer, rating and what Windows adds.
_TIFF_KEPT = (
    0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x011A, 0x011B, 0x0128, 0x8298,
    0x010D, 0x013C, 0x4746, 0x4749, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F,
)  # fmt: skip


PILLOW_NAMES = {"icc": "icc_profile", "exif": "exif", "xmp": "xmp"}  # of metadata, in `info`


def pillow_info(metadata: Mapping[str, bytes]) -> dict[str | tuple[int, int], Any]:
    """What Pillow's `info` has of a header's metadata."""
    info: dict[str | tuple[int, int], Any] = {
        PILLOW_NAMES[key]: value for key, value in metadata.items() if key in PILLOW_NAMES
    }
    if (resolution := chunks.resolution(metadata)) and resolution.metric:
        info["dpi"] = resolution.dpi
    return info


def tags(image: Image.Image) -> Image.Exif:
    """The Exif tags; none when the block is damaged, which is no reason to refuse the picture."""
    try:
        return image.getexif()
    except Exception:
        return Image.Exif()


def collect(
    icc: bytes | None, exif: bytes | None, xmp: str | bytes | None, said: Sequence[Chunk] = ()
) -> dict[str, bytes]:
    """Metadata as `Info` holds it: what is there and not empty, Exif from its TIFF header on, upright."""
    block = bytes(exif or b"")
    while block.startswith(_PREFIX):  # some writers put it twice
        block = block.removeprefix(_PREFIX)
    block = _upright(block)
    stated = chunks.phys(chunks.resolution({"exif": block}))
    found = {
        "icc": icc,
        "exif": block,
        "xmp": xmp.encode() if isinstance(xmp, str) else xmp,
        chunks.KEY: pack_chunks(one for one in said if one not in stated),
    }
    return {key: bytes(value) for key, value in found.items() if value}


def said(image: Image.Image) -> list[Chunk]:
    """Resolution and comment of a picture that is no PNG."""
    info = image.info
    found: list[Chunk] = []
    x, y = info.get("jfif_density", (0, 0))
    if image.format == "JPEG" and x and y:
        metric = {1: chunks.per_inch(x, y), 2: chunks.Resolution(100 * x, 100 * y)}
        found += chunks.phys(metric.get(info.get("jfif_unit", 0), chunks.Resolution(x, y, False)))
    elif image.format in ("BMP", None) and "dpi" in info:  # none: it was made or changed in memory
        with suppress(TypeError, ValueError, OverflowError):  # anybody may have put anything there
            found += chunks.phys(chunks.per_inch(*info["dpi"]))
    return found + chunks.comment(info.get("comment"))


def losses(image: Image.Image) -> list[str]:
    """What of a loaded picture isn't kept, a line each."""
    notes = []
    if image.format in ("GIF", "WEBP", "AVIF") and getattr(image, "is_animated", False):
        notes.append("it has more than one frame; the first is kept")
    if "mp" in image.info:
        notes.append("it holds more than one picture; the first is kept")
    if _IPTC in (image.info.get("photoshop") or {}):
        notes.append("its IPTC data is left out")
    return notes


def exif_block(image: Image.Image) -> bytes:
    """The Exif of an image, as its file has it; of a TIFF, a new block of its descriptive tags."""
    if raw := image.info.get("exif"):
        return bytes(raw)
    exif = tags(image)
    if image.format == "TIFF":
        exif = _described(exif)
    return exif.tobytes() if len(exif) else b""


def _described(exif: Image.Exif) -> Image.Exif:
    """The descriptive tags, less those that can't be written: of a type that their kind never has."""
    kept = Image.Exif()
    for tag in _TIFF_KEPT:
        if tag in exif and _writes(tag, exif[tag]):
            kept[tag] = exif[tag]
    for tag in (_EXIF_IFD, _GPS_IFD):
        directory = {key: value for key, value in exif.get_ifd(tag).items() if _writes(tag, {key: value})}
        if directory:
            kept[tag] = directory
    return kept


def _writes(tag: int, value: object) -> bool:
    """Whether Pillow can write a tag, alone."""
    alone = Image.Exif()
    try:
        alone[tag] = value
        alone.tobytes()
    except Exception:  # whatever its writer makes of it
        return False
    return True


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
            if tag == ORIENTATION and kind in _NUMBERS:
                one = struct.pack(order + _NUMBERS[kind], *[1] * len(_NUMBERS[kind]))
                place = at + 8 if len(one) <= 4 else struct.unpack_from(order + "I", exif, at + 8)[0]
                if place + len(one) <= len(exif):
                    patched[place : place + len(one)] = one
    except struct.error:
        pass  # cut short: every tag that a reader can still reach has been seen
    return bytes(patched)


def save_options(metadata: Mapping[str, bytes], format: str) -> dict[str, Any]:
    """The metadata as options of Pillow's `save`; what the format can't hold is left out. PNG: see png.ancillary."""
    options: dict[str, Any] = {}
    stated = chunks.resolution(metadata)
    if stated and stated.metric and format in ("jpeg", "tiff", "bmp"):
        options["dpi"] = stated.dpi
    elif format == "bmp":
        options["dpi"] = (0, 0)  # not stated; Pillow would say 96
    if format in ("bmp", "ppm"):
        return options
    if icc := metadata.get("icc"):
        options["icc_profile"] = icc
    if format == "tiff":
        options["exif"] = tiff_tags(metadata)
        return options
    if exif := metadata.get("exif"):
        options["exif"] = _PREFIX + exif
    if xmp := metadata.get("xmp"):
        options["xmp"] = xmp
    if format == "jpeg" and (text := comment(metadata)):
        options["comment"] = text
    return options


def tiff_tags(metadata: Mapping[str, bytes]) -> Image.Exif:
    """Exif's descriptive tags and XMP, as they stand in a TIFF's own directory."""
    exif, shared = Image.Exif(), Image.Exif()
    try:
        exif.load(metadata.get("exif", b""))
        shared.load(_described(exif).tobytes())
    except Exception:  # damaged: no tag of it can be written
        shared = Image.Exif()
    if xmp := metadata.get("xmp"):
        shared[_XMP_TAG] = xmp
    return shared


def comment(metadata: Mapping[str, bytes]) -> bytes:
    """The text that a JPEG has as its comment; empty if there is none."""
    said = chunks.unpacked(metadata.get(chunks.KEY, b""))
    return next((data[8:] for tag, data in said if tag == b"tEXt" and data.startswith(b"Comment\0")), b"")
