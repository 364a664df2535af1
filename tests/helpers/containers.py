"""Containers of every shape that a file can have, and their bytes."""

import io
import struct
import zlib
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from codec import container
from codec.container import (
    Color,
    Header,
    Stream,
    Unit,
    append,
    read,
    write,
)
from codec.standard.packets import Packet, pack

IMAGE = Header(1, 0, 768, 512, fingerprint=bytes.fromhex("1f3a5c7e90b2d4f6"), private=b"\x32")
IMAGE_UNITS = [Unit(0, 0xCAFE0123, 1, bytes.fromhex("dec0ded0"))]
VIDEO = Header(
    3,
    0,
    16,
    8,
    frames=0,
    rate=Fraction(30000, 1001),
    color=Color(1, 1, 1, False),
    metadata={"xmp": b"<x/>"},
)
STREAM = replace(
    VIDEO, depth=10, metadata={}, stream=Stream("av1", 16, 16, "420", Fraction(1001, 30000), extradata=b"\x0a\x01?")
)
PACKETS = [Packet(0, True, b"I"), Packet(3, False, b"P"), Packet(1, False, b"b"), Packet(2, False, b"bb")]
STREAM_UNITS = [Unit(0, 1, 0, b"net", 2, pack(PACKETS)), Unit(1, 2, 0, b"", 2)]
VIDEO_UNITS = [Unit(0, 1, 0, b"AB", 5), Unit(1, 2, 0, b"C", 4)]
METADATA = {"audio": b"mp3", "exif": b"Exif" * 9, "icc": b"\x01\x02", "chunks": b"\x05tEXtab\0cd", "xmp": b"<x/>" * 9}


def written(header: Header, units: Iterable[Unit]) -> bytes:
    fp = io.BytesIO()
    write(fp, header, units)
    return fp.getvalue()


def appended(data: bytes, units: Iterable[Unit]) -> bytes:
    fp = io.BytesIO(data)
    append(fp, units)
    return fp.getvalue()


def reading(data: bytes) -> tuple[Header, list[Unit]]:
    header, units = read(data)
    return header, list(units)


# One of every shape that a file can have.
SAMPLES = {
    "image": written(IMAGE, IMAGE_UNITS),
    "metadata": written(replace(IMAGE, metadata=METADATA), IMAGE_UNITS),
    "tiles": written(IMAGE, [Unit(i, i, i % 4, b"tile"[:i]) for i in range(3)]),
    "video": written(replace(VIDEO, frames=9), VIDEO_UNITS),
    "archive": appended(written(VIDEO, VIDEO_UNITS), [Unit(2, 3, 0, b"", 1)]),
    "stream": written(STREAM, STREAM_UNITS),
}


class Pipe(io.RawIOBase):
    """Serves a few bytes at a time and can neither seek nor tell."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step = data, step

    def read(self, count: int = -1) -> bytes:
        count = min(self.step, len(self.data) if count < 0 else count)
        part, self.data = self.data[:count], self.data[count:]
        return part

    def seek(self, *_: int) -> int:
        raise OSError("not seekable")

    tell = seek


def leb128(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def framed(tag: bytes, payload: bytes, length: bytes | None = None) -> bytes:
    """A section as FORMAT.md has it; `length` stands in for its true length field."""
    body = tag + (leb128(len(payload)) if length is None else length) + payload
    return body + struct.pack("<I", zlib.crc32(body))


def split_after_head(data: bytes) -> tuple[bytes, bytes]:
    stop = 5 + 2 + data[6] + 4
    return data[:stop], data[stop:]


def damaged(data: bytes, number: int) -> bytes:
    """The file with one bit of a unit's payload flipped."""
    index = container.read_index(io.BytesIO(data))
    broken = bytearray(data)
    broken[index.offsets[number] + index.lengths[number] // 2] ^= 16
    return bytes(broken)
