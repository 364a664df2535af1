"""Section S: the standard stream (AV1, H.265, H.264) whose packets the sections B of a video hold, as they are.

What it takes to decode the packets or to put them into a file of another container, beyond what the head says.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from codec.container.fields import Cursor, varint
from codec.container.limits import Limits
from codec.errors import FormatError, LimitError

STANDARDS = {"av1": 1, "hevc": 2, "h264": 3}  # FFmpeg's names; numbers are never reused
CHROMA = ("420", "422", "444")
_TURNS = 8
_PARTS = 2**31  # numerators and denominators are below


class Stream(NamedTuple):
    """Its pictures as they are stored: turned, or with rows and columns beyond those of the head."""

    standard: str  # a key of STANDARDS
    width: int
    height: int
    chroma: str  # one of CHROMA
    tick: Fraction  # seconds: the unit of times
    turn: int = 0  # sum of 1 transposed, 2 mirrored in x, 4 in y, in this order: makes pictures upright
    aspect: Fraction = Fraction(1)  # width to height of a stored pixel
    extradata: bytes = b""  # parameter sets as the standard's encoders and mp4 have them, before any packet


def check_stream(stream: Stream, limits: Limits) -> None:
    """Raise FormatError for a value that no stream can have, LimitError for one that is too large."""
    if stream.standard not in STANDARDS or stream.chroma not in CHROMA:
        raise FormatError(f"invalid stream: {stream.standard} {stream.chroma} is none of those known")
    if not (stream.width >= 1 and stream.height >= 1 and 0 <= stream.turn < _TURNS):
        raise FormatError(f"invalid stream: {stream.width} x {stream.height}, turn {stream.turn}")
    if max(stream.width, stream.height) > limits.side or stream.width * stream.height > limits.pixels:
        raise LimitError(f"a stream of {stream.width} x {stream.height} pixels is too large: see --max-pixels")
    for value in (stream.tick, stream.aspect):
        if not (value > 0 and max(value.numerator, value.denominator) < _PARTS):
            raise FormatError(f"invalid stream: {value} is not a positive ratio of 31-bit integers")


def pack_stream(stream: Stream, limits: Limits) -> bytes:
    """Payload of section S."""
    check_stream(stream, limits)
    numbers = [STANDARDS[stream.standard], stream.width, stream.height, CHROMA.index(stream.chroma) + 4 * stream.turn]
    numbers += [stream.tick.numerator, stream.tick.denominator, stream.aspect.numerator, stream.aspect.denominator]
    payload = b"".join(map(varint, numbers)) + stream.extradata
    if len(payload) > limits.head:
        raise LimitError(f"what is said of the stream takes {len(payload)} bytes: the limit is {limits.head}")
    return payload


def unpack_stream(payload: bytes, limits: Limits) -> Stream:
    """The inverse of pack_stream; refuses every payload that it would not have written."""
    cursor = Cursor(payload, "section 'S'")
    number, width, height, kind = (cursor.varint() for _ in range(4))
    ticks, second, wide, high = (cursor.varint() for _ in range(4))
    names = {value: name for name, value in STANDARDS.items()}
    if number not in names:
        raise FormatError(
            f"a stream of unknown standard {number}: made by a newer version; install a newer neural-codec"
        )
    shared = math.gcd(ticks, second), math.gcd(wide, high)
    if kind % 4 >= len(CHROMA) or not ticks * second * wide * high or shared != (1, 1):
        raise FormatError("damaged: section 'S' says what no stream has; get a whole copy of the file")
    chroma, turn = CHROMA[kind % 4], kind // 4
    stream = Stream(
        names[number], width, height, chroma, Fraction(ticks, second), turn, Fraction(wide, high), cursor.rest()
    )
    check_stream(stream, limits)
    return stream
