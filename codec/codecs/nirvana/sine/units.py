"""What a unit's payload begins with: its frames' times, and whether it starts a chain. Without torch, for `info`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from codec.container import Unit, times
from codec.container.fields import Cursor
from codec.errors import FormatError

KEY = 1  # the only flag


@dataclass(frozen=True)
class Parsed:
    """A unit's times, whether it starts a chain, and what the method wrote."""

    times: list[Fraction]
    key: bool
    data: bytes


def parse(unit: Unit, first: int, rate: Fraction) -> Parsed:
    """The parts of a unit's payload, whose first frame has the number `first`."""
    cursor = Cursor(unit.payload, f"unit {unit.index}")
    if not unit.frames:
        raise FormatError(f"damaged: unit {unit.index} has no frames; get a whole copy of the file")
    when = times.unpack(cursor, unit.frames, first, rate)
    flags = cursor.byte()
    if flags > KEY:
        what = f"unit {unit.index}: unknown flags {flags:#x}"
        raise FormatError(f"{what}: made by a newer version; install a newer neural-codec")
    return Parsed(when, flags == KEY, cursor.rest())
