"""The frame around every section: tag, length, payload, CRC-32; upper-case tags are critical.

No length is believed: bytes are read in bounded chunks, so memory grows only with data that arrived.
"""

import struct
import zlib
from typing import IO, NoReturn

from codec.container.fields import VARINT_BYTES, Cursor, varint
from codec.errors import FormatError, LimitError

SUFFIX = ".ncf"
MAGIC = b"\x8eNCF"  # the first byte is neither ASCII nor the start of valid UTF-8
VERSION = 0x01  # major nibble, minor nibble: 0.1
CHUNK = 2**18  # bytes asked of a stream at once

CRITICAL = b"ABHNPSUZ"
ARCHIVE = "it is an archive of videos; list it by `codec archive list`, take one out by `codec archive extract`"


class Truncated(FormatError):
    """The bytes stop before the file is complete; the first `complete` of them are a whole file."""

    def __init__(self, message: str, complete: int = 0) -> None:
        super().__init__(f"{message}; get a whole copy of the file")
        self.what = message
        self.complete = complete

    def __reduce__(self) -> tuple[type, tuple[str, int]]:
        return type(self), (self.what, self.complete)


def section(tag: bytes, payload: bytes) -> bytes:
    """The framed section."""
    frame = tag + varint(len(payload))
    return b"".join((frame, payload, struct.pack("<I", zlib.crc32(payload, zlib.crc32(frame)))))


class Reader:
    """Takes sections off a stream that need not be seekable; `offset` is the position in the file."""

    def __init__(self, fp: IO[bytes], offset: int = 0) -> None:
        self.fp = fp
        self.offset = offset
        self._place: tuple[bytes, int] | None = None  # tag and offset of the section that is read

    @property
    def where(self) -> str:
        """What is read, for messages."""
        return f"section {self._place[0].decode('latin-1')!r} at byte {self._place[1]}" if self._place else "the head"

    def take(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        part = self.fp.read(min(count, CHUNK))
        self.offset += len(part)
        if len(part) == count:
            return part
        parts, left = [part], count - len(part)
        while left:
            part = self.fp.read(min(left, CHUNK))
            if not part:
                raise Truncated(f"truncated in {self.where}: expected {count} bytes, got {count - left}")
            parts.append(part)
            left -= len(part)
            self.offset += len(part)
        return b"".join(parts)

    def magic(self) -> None:
        """Read past magic and version."""
        start = b""
        while len(start) < len(MAGIC) and (part := self.fp.read(len(MAGIC) - len(start))):
            start += part
        if start != MAGIC:
            if start and MAGIC.startswith(start):
                raise Truncated(f"truncated in {self.where}: expected {len(MAGIC)} bytes, got {len(start)}")
            raise FormatError(
                f"not an {SUFFIX} file: it starts with {start.hex() or 'nothing'}; give one that `codec encode` wrote"
            )
        self.offset += len(start)
        (version,) = self.take(1)
        if version != VERSION:
            raise FormatError(
                f"made by {'a newer' if version > VERSION else 'an older draft'} version of the format, "
                f"{version >> 4}.{version & 15}; install a neural-codec that reads it (this one reads "
                f"{VERSION >> 4}.{VERSION & 15})"
            )

    def tag(self) -> bytes:
        """The next section's tag, or b"" at the end of the stream."""
        tag = self.fp.read(1)
        self._place = tag, self.offset
        self.offset += len(tag)
        return tag

    def length(self, tag: bytes) -> tuple[int, int]:
        """The payload's length as claimed, and the CRC-32 of tag and length."""
        raw = self.take(1)
        if raw[0] < 0x80:
            return raw[0], zlib.crc32(tag + raw)
        while raw[-1] >= 0x80 and len(raw) < VARINT_BYTES:
            raw += self.take(1)
        return Cursor(raw, self.where).varint(), zlib.crc32(tag + raw)

    def payload(self, tag: bytes, limit: int) -> bytes:
        """The payload of the section whose tag was just read, its CRC checked."""
        length, crc = self.length(tag)
        if length > limit:
            raise LimitError(f"{self.where} claims {length} bytes: the limit is {limit}")
        payload = self.take(length)
        self.check(zlib.crc32(payload, crc))
        return payload

    def skip(self, tag: bytes) -> None:
        """Pass over the section whose tag was just read, keeping nothing but checking its CRC."""
        left, crc = self.length(tag)
        while left:
            part = self.take(min(left, CHUNK))
            crc = zlib.crc32(part, crc)
            left -= len(part)
        self.check(crc)

    def check(self, crc: int) -> None:
        (stored,) = struct.unpack("<I", self.take(4))
        if stored != crc:
            raise FormatError(
                f"damaged: checksum of {self.where} is {crc:08x}, expected {stored:08x}; get a whole copy of the file"
            )

    def refuse(self, tag: bytes) -> NoReturn:
        """Raise the error for a tag that may not stand here, or for none."""
        if not tag:
            raise Truncated(f"truncated: nothing is there from byte {self.offset} on")
        if tag == b"A" and self.offset == len(MAGIC) + 2:
            raise FormatError(ARCHIVE)
        if tag.isalpha() and tag.isupper() and tag not in CRITICAL:
            self.skip(tag)  # a wrong checksum says damaged, a right one says newer
            raise FormatError(
                f"unknown critical section {tag.decode()!r}: made by a newer version; install a newer neural-codec"
            )
        if tag.isalpha():
            raise FormatError(f"damaged: {self.where} is out of place; get a whole copy of the file")
        raise FormatError(
            f"damaged: byte {tag.hex()} at {self.offset - 1} where a section should begin; get a whole copy of the file"
        )
