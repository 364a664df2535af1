"""What a file of this codec holds: the JPEG's size in the head, and one unit with its parts.

private = varint of the JPEG's bytes
payload = COEFFICIENTS, varint of the rest's bytes, the rest, the coefficients
        | STORED, the JPEG itself, or PACKED, the JPEG by LZMA, where that is smaller
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from codec.codecs.jpeg import CODEC
from codec.codecs.partial import check_count, check_plain
from codec.container import Header, Unit
from codec.container.fields import Cursor, varint
from codec.errors import FormatError, MediaError
from codec.media.jpeg_bits import Shape, frame_of
from codec.media.jpeg_bits.rest import most_unpacked

COEFFICIENTS, STORED, PACKED = range(3)
_DENSE = 64  # blocks for each byte of coefficients, at most
_TRIED = 2**28  # bytes of a file, beyond which packing it would take minutes
_FILTERS = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 24}]


class Parts(NamedTuple):
    """A JPEG in parts: see codec.media.jpeg_bits, and how its coefficients are coded."""

    rest: bytes
    coded: bytes


def pack(parts: Parts) -> bytes:
    """The payload of a unit."""
    return bytes([COEFFICIENTS]) + varint(len(parts.rest)) + parts.rest + parts.coded


def pack_whole(data: bytes) -> bytes:
    """The payload of a unit that holds the JPEG itself."""
    if len(data) <= _TRIED:
        packed = lzma.compress(data, lzma.FORMAT_RAW, filters=_FILTERS)
        if len(packed) < len(data) < most_unpacked(len(packed)):
            return bytes([PACKED]) + packed
    return store(data)


def store(data: bytes) -> bytes:
    """The same of a unit that holds it byte by byte."""
    return bytes([STORED]) + data


def unpack(payload: bytes) -> Parts | bytes:
    """The parts of a JPEG, or a payload that holds the JPEG itself: see `whole`."""
    cursor = Cursor(payload, "unit 0")
    method = cursor.byte()
    if method in (STORED, PACKED):
        return payload
    if method != COEFFICIENTS:
        raise FormatError(f"unit 0: no method {method}; get a whole copy of the file")
    return Parts(cursor.take(cursor.varint()), cursor.rest())


def whole(payload: bytes, size: int) -> bytes:
    """The JPEG of `size` bytes in a payload that holds it itself."""
    data = payload[1:]
    if payload[0] == PACKED and size < most_unpacked(len(data)):
        inflate = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_FILTERS)
        with suppress(lzma.LZMAError, EOFError):
            data = inflate.decompress(data, size + 1)
            if len(data) == size and inflate.eof and not inflate.unused_data:
                return data
    elif payload[0] == STORED and len(data) == size:
        return data
    raise FormatError("unit 0: not the JPEG that the head says; get a whole copy of the file")


def fits(coded: bytes, found: Sequence[Shape]) -> bool:
    """Whether coefficients have as many bytes as those of so many blocks must have."""
    return sum(one.rows * one.columns for one in found) <= _DENSE * len(coded)


def file_size(header: Header) -> int:
    """Bytes of the JPEG, as a head says."""
    cursor = Cursor(header.private, "the head")
    size = cursor.varint()
    if cursor.rest():
        raise FormatError("invalid head: more than the size of a JPEG; get a whole copy of the file")
    return size


def shapes(header: Header, parts: Parts) -> list[Shape]:
    """The components of a JPEG in parts. FormatError if it is not of the size that the head says."""
    with damaged():
        width, height, found = frame_of(parts.rest)
    if not fits(parts.coded, found):
        raise FormatError("more blocks than so many bytes can hold; get a whole copy of the file")
    if (header.width, header.height) not in ((width, height), (height, width)) or header.channels != len(found):
        raise FormatError("the JPEG is not of the size that the head says; get a whole copy of the file")
    return found


@contextmanager
def damaged() -> Iterator[None]:
    """Turn what is said of a JPEG into what that means for a file that holds it."""
    try:
        yield
    except MediaError as error:
        raise FormatError(f"the JPEG in it {error}; get a whole copy of the file") from error


def check(header: Header, units: Sequence[Unit]) -> None:
    """See Descriptor."""
    check_header(header)
    check_count(len(units), 1)
    check_plain(units[0])
    parts = unpack(units[0].payload)
    if isinstance(parts, Parts):
        shapes(header, parts)
    if bool(header.fingerprint) != isinstance(parts, Parts):
        raise FormatError("weights of a JPEG that needs none, or none of one that does; get a whole copy of the file")


def check_header(header: Header) -> None:
    """FormatError unless a header is one of this release's."""
    if header.revision != CODEC.revision:
        raise FormatError(f"made by revision {header.revision} of {CODEC.name}; install a neural-codec that reads it")
    if header.depth != 8 or header.frames != 1 or header.metadata.keys() - {"preview"}:
        raise FormatError("not the head of a JPEG; get a whole copy of the file")
    file_size(header)
