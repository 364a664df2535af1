"""What a JPEG is beside its coefficients, as bytes."""

from __future__ import annotations

import lzma
import zlib
from typing import NamedTuple

import numpy as np

from codec.container.fields import Cursor, varint
from codec.errors import FormatError, MediaError
from codec.media.jpeg_bits.markers import MOST_SCANS
from codec.media.jpeg_bits.scans import Choices
from codec.media.jpeg_bits.standard import header

_FEW, _RATIO = 2**26, 64  # bytes that any rest may unpack to, and beyond those for each of its own
_MOST = 2**28  # bytes of a file that are no picture's
_MOST_MARKS = 2**20  # of all scans together; as many as a picture of 67 megapixels has blocks
_DEFLATE, _LZMA = range(2)
_FILTERS = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 24}]
_DAMAGED = "damaged: what the JPEG is beside its picture; get a whole copy of the file"


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


def pack(rest: Rest, quality: int) -> bytes:
    """As few bytes. `quality`: that of libjpeg's whose tables are most like the file's, 1 to 100. MediaError for what
    `unpack` would refuse."""
    if len(rest.kept) > _MOST:
        raise MediaError(f"has {len(rest.kept):,} bytes beside its picture")
    if sum(len(cut.choices.marks) for cut in rest.cuts) > _MOST_MARKS:
        raise MediaError("is written as no encoder does")
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
    whole = b"".join(out) + rest.kept
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zdict=header(quality))
    ways = [
        bytes([_DEFLATE, quality]) + deflate.compress(whole) + deflate.flush(),
        bytes([_LZMA]) + lzma.compress(whole, lzma.FORMAT_RAW, filters=_FILTERS),
    ]
    packed = min(ways, key=len)
    if len(whole) >= most_unpacked(len(packed)):
        raise MediaError(f"has {len(rest.kept):,} bytes beside its picture, nearly all alike")
    return packed


def most_unpacked(size: int) -> int:
    """How many bytes so many may unpack to: more than any photo's do, less than fills the memory."""
    return _FEW + _RATIO * size


def unpack(data: bytes) -> Rest:
    """The inverse of `pack`; FormatError for anything else."""
    cursor = Cursor(_inflated(data), "what the JPEG is beside its picture")
    cuts, before, marked = [], 0, 0
    scans = cursor.varint()
    if scans > MOST_SCANS:
        raise FormatError(_DAMAGED)
    for _ in range(scans):
        at, flags = before + cursor.varint(), cursor.varint()
        if flags > 31 or flags & 3 == 3 or at > len(cursor.data):
            raise FormatError(_DAMAGED)
        listed = cursor.take(cursor.varint()) if flags & 3 == 2 else b""
        taken = cursor.varint() if flags & 4 else None
        count = cursor.varint() if flags & 8 else 0
        marked += count
        if marked > _MOST_MARKS:
            raise FormatError(_DAMAGED)
        marks = np.array([[cursor.varint() for _ in range(count)] for _ in range(2)], np.uint64).T
        if marks.max(initial=0) >= 2**32:
            raise FormatError(_DAMAGED)
        marks = marks.astype(np.int64)
        marks[:, 0] = np.cumsum(marks[:, 0])
        cuts.append(Cut(at, taken, Choices(flags & 3, listed, marks, bool(flags & 16))))
        before = at
    return Rest(cursor.rest(), cuts)


def _inflated(data: bytes) -> bytes:
    inflate: zlib._Decompress | lzma.LZMADecompressor
    try:
        if data[0] == _DEFLATE and 1 <= data[1] <= 100:
            inflate, body = zlib.decompressobj(-15, zdict=header(data[1])), data[2:]
        elif data[0] == _LZMA:
            inflate, body = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_FILTERS), data[1:]
        else:
            raise FormatError(_DAMAGED)
        whole = inflate.decompress(body, most_unpacked(len(data)))
    except (zlib.error, lzma.LZMAError, EOFError, IndexError) as error:
        raise FormatError(_DAMAGED) from error
    if not inflate.eof or inflate.unused_data:
        raise FormatError(_DAMAGED)
    return whole
