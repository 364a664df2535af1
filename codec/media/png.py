"""PNG files apart from their pixels: what their chunks say, and a file with only those that Pillow needs.

Pillow passes over some (cICP), takes others only up to a megabyte (profiles), and refuses a file for a wrong checksum
in any of them; FFmpeg refuses one for a damaged profile.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from codec.container import SRGB, Color
from codec.container.limits import LIMITS
from codec.errors import MediaError
from codec.media import chunks
from codec.media.chunks import Chunk

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEAD = 33  # bytes up to the end of the first chunk
XMP_KEYWORD = b"XML:com.adobe.xmp"
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_NAMED = 4  # damaged chunks in a note
_SAID = (*chunks.COLOR, b"cICP", b"iCCP", b"sRGB", b"pHYs", b"tIME")
_EXIF_TEXT = (b"Raw profile type exif", b"Raw profile type APP1")  # how ImageMagick writes it; Pillow reads it
_SRGB_GAMMA, _GAMMA_STEP = 45455, 450  # within a hundredth of it: sRGB, as every writer means it
_SRGB_WHITE_AND_PRIMARIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
_CHROMA_STEP = 100


@dataclass
class Png:
    """What a PNG says. `image`: the file without what isn't needed for its pixels, Exif and XMP."""

    image: bytes = b""
    color: Color = SRGB
    icc: bytes = b""
    kept: list[Chunk] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def chunk(tag: bytes, data: bytes) -> bytes:
    """A chunk as a file has it."""
    return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(tag)))


def parse(data: bytes) -> Png:
    """Take a PNG apart. MediaError for texts and profiles that inflate to more than a file may hold; what is wrong with
    its pixels is left for Pillow to find."""
    found = Png()
    image: list[bytes | memoryview] = [SIGNATURE]
    damaged: list[str] = []
    said: dict[bytes, bytes] = {}  # the first of each kind before the pixels
    room, pixels = LIMITS.metadata, False
    for tag, value, whole, raw in _chunks(data):
        if _is_kept_whole(tag):
            if tag == b"IDAT":
                pixels = True
                if not whole:  # Pillow looks neither at this nor at the checksum of what is inflated
                    raise MediaError("is damaged (a checksum of its pixels is wrong); get a whole copy of it")
            image.append(raw)
        elif not whole:
            damaged.append(tag.decode())
        elif tag in chunks.TEXT:
            text = _text(Chunk(tag, value), room)
            room -= len(text.data) if text else 0
            if text is None:
                damaged.append(tag.decode())
            elif value.startswith(XMP_KEYWORD + b"\0"):
                image.append(chunk(*text))
            elif value.partition(b"\0")[0] in _EXIF_TEXT:
                image.append(raw)
            else:
                found.kept.append(Chunk(tag, value))
        elif tag == b"eXIf":
            image.append(raw)
        elif tag == b"acTL" and len(value) == 8 and value[:4] > b"\0\0\0\1":
            (frames,) = struct.unpack(">I", value[:4])
            found.notes.append(f"it has {frames:,} frames; the first is kept")
        elif tag in _SAID and (tag == b"tIME" or not pixels):
            said.setdefault(tag, value)
    found.image = data if sum(map(len, image)) == len(data) else b"".join(image)
    if damaged:
        names = ", ".join(sorted(set(damaged))[:_NAMED])
        found.notes.append(f"what is in chunks of it ({names}) is damaged and left out")
    if b"iCCP" in said:
        _profile(said[b"iCCP"], found)
    found.color = _color(said.get(b"cICP", b""))
    if b"cICP" in said or b"sRGB" in said or found.icc or _is_srgb(said):
        said.pop(b"gAMA", None)
        said.pop(b"cHRM", None)
    kept = [Chunk(tag, said[tag]) for tag in (*chunks.COLOR, b"tIME") if tag in said]
    if len(phys := said.get(b"pHYs", b"")) == 9:
        x, y, unit = struct.unpack(">IIB", phys)
        kept += chunks.phys(chunks.Resolution(x, y, unit == 1))
    found.kept = [c for c in kept if chunks.writable(c)] + found.kept
    if len(found.kept) > LIMITS.chunks:
        found.notes.append(f"it has more than {LIMITS.chunks:,} texts; the rest is left out")
        del found.kept[LIMITS.chunks :]
    return found


def pixels_only(data: bytes) -> bytes:
    """The file with nothing but its pixels."""
    return SIGNATURE + b"".join(raw for tag, _, _, raw in _chunks(data) if tag in _PIXELS)


def ancillary(metadata: Mapping[str, bytes], color: Color) -> bytes:
    """The chunks that go between a PNG's head and its pixels."""
    parts = []
    if color != SRGB:
        parts.append(chunk(b"cICP", bytes((color.primaries, color.transfer, 0, color.full_range))))
    if icc := metadata.get("icc"):
        parts.append(chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc)))
    kept = list(chunks.unpacked(metadata.get(chunks.KEY, b"")))
    if not any(tag == b"pHYs" for tag, _ in kept):
        kept = chunks.phys(chunks.resolution(metadata)) + kept
    parts += [chunk(*one) for one in kept]
    if xmp := metadata.get("xmp"):
        parts.append(chunk(b"iTXt", XMP_KEYWORD + b"\0\0\0\0\0" + xmp))
    if exif := metadata.get("exif"):
        parts.append(chunk(b"eXIf", exif))
    return b"".join(parts)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool, memoryview]]:
    """Type, data (of ancillary ones), whether the checksum is right, and all bytes of each chunk; what is cut off comes
    last, as if it were right."""
    view = memoryview(data)
    at = len(SIGNATURE)
    while at < len(data):
        head = data[at : at + 8]
        (length,) = struct.unpack(">I", head[:4].rjust(4, b"\0"))
        end = at + 12 + length
        if len(head) < 8 or end > len(data):
            yield b"IDAT", b"", True, view[at:]
            return
        tag, raw = head[4:], view[at:end]
        whole = raw[-4:] == struct.pack(">I", zlib.crc32(raw[4:-4]))
        yield tag, b"" if _is_kept_whole(tag) else bytes(raw[8:-4]), whole, raw
        at = end
        if tag == b"IEND":
            return


def _is_kept_whole(tag: bytes) -> bool:
    """Whether a chunk is left to Pillow: it is of the pixels, critical, or of no type that a chunk can have."""
    return tag in _PIXELS or not re.fullmatch(rb"[a-z][A-Za-z]{3}", tag)


def _text(text: Chunk, room: int) -> Chunk | None:
    """The chunk with its text inflated; None where it is damaged."""
    keyword, _, rest = text.data.partition(b"\0")
    try:
        if not chunks.writable(text):
            raise zlib.error("no keyword")
        if text.tag == b"zTXt":
            return Chunk(text.tag, keyword + b"\0" + _inflated(rest[1:], room, "texts"))
        if text.tag == b"iTXt" and rest[:1] == b"\1":
            language, translated, packed, *_ = *rest[2:].split(b"\0", 2), b"", b""
            value = _inflated(packed, room, "texts")
            return Chunk(text.tag, b"\0".join((keyword, b"\0\0" + language, translated, value)))
    except zlib.error:
        return None
    return text


def _profile(value: bytes, found: Png) -> None:
    try:
        found.icc = _inflated(value.partition(b"\0")[2][1:], LIMITS.metadata, "colour profile")
    except zlib.error:
        found.notes.append("its colour profile is damaged and left out")


def _inflated(data: bytes, limit: int, what: str) -> bytes:
    """All of a zlib stream; zlib.error if it is none, MediaError if it is longer than `limit`."""
    inflate = zlib.decompressobj()
    value = inflate.decompress(data, max(limit, 0) + 1)  # 0 would mean all of it
    if len(value) > limit:
        raise MediaError(
            f"is damaged (its {what} inflate to more than {LIMITS.metadata} bytes); get a whole copy of it"
        )
    if not inflate.eof:
        raise zlib.error("cut short")
    return value


def _color(value: bytes) -> Color:
    """The colour that a cICP chunk states, if it is one of RGB."""
    if len(value) != 4 or value[2] or value[3] > 1:
        return SRGB
    return Color(value[0], value[1], 0, value[3] == 1)


def _is_srgb(said: Mapping[bytes, bytes]) -> bool:
    """Whether gAMA and cHRM, as far as they are there, say no more than sRGB."""
    gamma, white = said.get(b"gAMA", b""), said.get(b"cHRM", b"")
    near = len(gamma) != 4 or abs(struct.unpack(">I", gamma)[0] - _SRGB_GAMMA) <= _GAMMA_STEP
    if len(white) == 32:
        values = zip(struct.unpack(">8I", white), _SRGB_WHITE_AND_PRIMARIES, strict=True)
        near = near and all(abs(a - b) <= _CHROMA_STEP for a, b in values)
    return near
