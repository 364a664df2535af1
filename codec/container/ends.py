"""What stands where, found from a file's end: end sections, and of a damaged file its first unit and its stream."""

from __future__ import annotations

import os
import struct
from typing import IO

from codec.container.fields import Cursor
from codec.container.header import Header
from codec.container.limits import Limits
from codec.container.sections import Reader
from codec.container.units import TAIL, End, end_limit, unpack_end
from codec.errors import CodecError, FormatError

_SCAN = 2**27  # bytes behind the head in which a sole unit is looked for
_TRIED = 2**30  # bytes whose checksums are computed for that, at most


def end_before(fp: IO[bytes], body: int, stop: int, limits: Limits) -> tuple[int, End]:
    """Offset and fields of the end section that ends at `stop`, in a file whose units begin at `body` or later."""
    wrong = f"truncated, or an append did not finish: no end section ends at byte {stop}; get a whole copy of the file"
    if stop - body < TAIL:
        raise FormatError(wrong)
    fp.seek(stop - TAIL)
    size, _ = struct.unpack("<II", Reader(fp, stop - TAIL).take(TAIL))
    start = stop - size
    if start < body:
        raise FormatError(wrong)
    fp.seek(start)
    reader = Reader(fp, start)
    if reader.tag() != b"Z":
        raise FormatError(wrong)
    end = unpack_end(reader.payload(b"Z", end_limit(limits)), limits)
    if reader.offset != stop:
        raise FormatError(wrong)
    return start, end


def find_body(fp: IO[bytes], header: Header, start: int, limits: Limits) -> int | None:
    """Where the first unit of a file begins, whatever stands between the head, which ends at `start`, and that.

    None if it can't be told: the end is damaged too.
    """
    size = stop = fp.seek(0, os.SEEK_END)
    try:
        while True:
            at, end = end_before(fp, start, stop, limits)
            stop = at - sum(length for length, _ in end.entries)
            if stop < start:
                break
            if end.units == len(end.entries):
                return stop
    except CodecError:
        pass
    return _find(fp, b"P", start, min(size, start + _SCAN), size) if header.frames == 1 else None


def find_stream(fp: IO[bytes], start: int, body: int, limits: Limits) -> int | None:
    """Where the section S begins that ends at `body`; None if there is none."""
    return _find(fp, b"S", max(start, body - limits.head - 16), body, body)


def _find(fp: IO[bytes], tag: bytes, start: int, stop: int, end: int) -> int | None:
    """Where a section with this tag begins, between `start` and `stop`, that ends at `end` and has a right checksum."""
    fp.seek(start)
    area, at, tried = fp.read(stop - start), -1, 0
    while (at := area.find(tag, at + 1)) >= 0 and tried < _TRIED:
        cursor = Cursor(area[at + 1 : at + 11], "a section")
        try:
            length = cursor.varint()
        except FormatError:
            continue
        if start + at + 1 + cursor.position + length + 4 != end:
            continue
        tried += length
        fp.seek(start + at)
        reader = Reader(fp, start + at)
        try:
            reader.skip(reader.tag())
        except FormatError:
            continue
        return start + at
    return None
