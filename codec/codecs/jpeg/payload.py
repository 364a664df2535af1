"""What a file of this codec holds: the JPEG's size in the head, and one unit with its parts.

private = varint of the JPEG's bytes
payload = COEFFICIENTS, varint of the rest's bytes, the rest, the coefficients
        | STORED, the JPEG itself, where that is smaller
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from codec.codecs.jpeg import CODEC
from codec.codecs.partial import check_count, check_plain
from codec.container import Header, Unit
from codec.container.fields import Cursor, varint
from codec.errors import FormatError, MediaError
from codec.media.jpeg_bits import Shape, frame_of

COEFFICIENTS, STORED = range(2)


class Parts(NamedTuple):
    """A JPEG in parts: see codec.media.jpeg_bits, and how its coefficients are coded."""

    rest: bytes
    coded: bytes


def pack(parts: Parts) -> bytes:
    """The payload of a unit."""
    return bytes([COEFFICIENTS]) + varint(len(parts.rest)) + parts.rest + parts.coded


def pack_stored(data: bytes) -> bytes:
    """The payload of a unit that holds the JPEG itself."""
    return bytes([STORED]) + data


def unpack(payload: bytes) -> Parts | bytes:
    """The parts of a JPEG, or the JPEG itself."""
    cursor = Cursor(payload, "unit 0")
    method = cursor.byte()
    if method == STORED:
        return cursor.rest()
    if method != COEFFICIENTS:
        raise FormatError(f"unit 0: no method {method}; get a whole copy of the file")
    return Parts(cursor.take(cursor.varint()), cursor.rest())


def file_size(header: Header) -> int:
    """Bytes of the JPEG, as a head says."""
    cursor = Cursor(header.private, "the head")
    size = cursor.varint()
    if cursor.rest():
        raise FormatError("invalid head: more than the size of a JPEG; get a whole copy of the file")
    return size


def shapes(header: Header, rest: bytes) -> list[Shape]:
    """The components of a JPEG with this rest. FormatError if it is not of the size that the head says."""
    with damaged():
        width, height, found = frame_of(rest)
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
        shapes(header, parts.rest)
    if bool(header.fingerprint) != isinstance(parts, Parts):
        raise FormatError("weights of a JPEG that needs none, or none of one that does; get a whole copy of the file")


def check_header(header: Header) -> None:
    """FormatError unless a header is one of this release's."""
    if header.revision != CODEC.revision:
        raise FormatError(f"made by revision {header.revision} of {CODEC.name}; install a neural-codec that reads it")
    if header.depth != 8 or header.frames != 1 or header.metadata:
        raise FormatError("not the head of a JPEG; get a whole copy of the file")
    file_size(header)
