"""What a JPEG is beside its coefficients, as bytes."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np

from codec.container.fields import Cursor, varint
from codec.errors import FormatError
from codec.media.jpeg_bits.scans import Choices


class Cut(NamedTuple):
    """A scan's data that are left out of a file: `at` which of its other bytes they stood, how many of the bytes that
    are written anew are the file's (None: all), and how."""

    at: int
    taken: int | None
    choices: Choices


class Rest(NamedTuple):
    """A file's bytes without those cut out."""

    kept: bytes
    cuts: list[Cut]


def pack(rest: Rest) -> bytes:
    out, before = [varint(len(rest.cuts))], 0
    for at, taken, choices in rest.cuts:
        marks = choices.marks
        flags = choices.pad | (taken is not None) << 2 | (len(marks) > 0) << 3 | choices.own << 4
        out += [varint(at - before), varint(flags)]
        if choices.listed:
            out += [varint(len(choices.listed)), choices.listed]
        if taken is not None:
            out.append(varint(taken))
        if len(marks):
            out.append(varint(len(marks)))
            out += map(varint, np.diff(marks[:, 0], prepend=0).tolist())
            out += map(varint, marks[:, 1].tolist())
        before = at
    return zlib.compress(b"".join(out) + rest.kept, 9)


def unpack(data: bytes) -> Rest:
    cursor = Cursor(zlib.decompress(data), "the JPEG's frame")
    cuts, before = [], 0
    for _ in range(cursor.varint()):
        at, flags = before + cursor.varint(), cursor.varint()
        listed = cursor.take(cursor.varint()) if flags & 3 == 2 else b""
        taken = cursor.varint() if flags & 4 else None
        marks = np.zeros((0, 2), np.int64)
        if flags & 8:
            count = cursor.varint()
            if count > len(cursor.data):
                raise FormatError("damaged")
            marks = np.zeros((count, 2), np.int64)
            marks[:, 0] = np.cumsum([cursor.varint() for _ in range(count)])
            marks[:, 1] = [cursor.varint() for _ in range(count)]
        cuts.append(Cut(at, taken, Choices(flags & 3, listed, marks, bool(flags & 16))))
        before = at
    return Rest(cursor.rest(), cuts)
