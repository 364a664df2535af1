"""The times of a unit's frames: nothing to say of a steady rate, exact fractions otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from codec.container.fields import Cursor, varint
from codec.errors import FormatError

_STEADY, _LISTED = 0, 1
_LIMIT = 2**31


def pack(times: Sequence[Fraction], first: int, rate: Fraction) -> bytes:
    """Times in seconds of frames `first`, `first` + 1, ... of a video of `rate` frames a second, ascending."""
    if all(time == (first + i) / rate for i, time in enumerate(times)):
        return bytes([_STEADY])
    ticks = math.lcm(*(t.denominator for t in times))
    if ticks >= _LIMIT:  # no container has such times; to the nearest of a fine grid
        ticks = 90_000
    counts = [round(t * ticks) for t in times]
    steps = [b - a for a, b in zip([0, *counts], counts, strict=False)]
    return b"".join([bytes([_LISTED]), varint(ticks), *map(varint, steps)])


def unpack(cursor: Cursor, count: int, first: int, rate: Fraction) -> list[Fraction]:
    """The inverse of `pack`, off the front of a unit's payload."""
    kind = cursor.byte()
    if kind == _STEADY:
        return [(first + i) / rate for i in range(count)]
    ticks = cursor.varint()
    if kind != _LISTED or not 0 < ticks < _LIMIT:
        raise FormatError(f"damaged: {cursor.what} has no valid times; get a whole copy of the file")
    found, total = [], 0
    for _ in range(count):
        total += cursor.varint()
        found.append(Fraction(total, ticks))
    return found
