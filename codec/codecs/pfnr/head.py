"""What a file of pfnr says before its network is decoded: its preset, and what each unit goes on from. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from codec.codecs.base import Origin, UnitsDescription
from codec.codecs.partial import check_plain
from codec.codecs.pfnr import CODEC, PRESETS
from codec.container import Header, Unit, times
from codec.container.fields import Cursor, varint
from codec.errors import FormatError, LimitError

PIXELS = 2**22  # of a frame: a few bytes may be the network of a frame of any size
NUMBERS = 2**16  # of a session's code


@dataclass(frozen=True)
class Parsed:
    """A unit: its frames' times; the session that it goes on from, `distance` sessions back (0: none, it begins from
    nothing), and which `unit` of it; its own number among those that go on from each other; what the coder wrote."""

    times: list[Fraction]
    distance: int
    unit: int
    number: int
    data: bytes


def pack(when: bytes, distance: int, unit: int, number: int, data: bytes) -> bytes:
    """A unit's payload, of packed times."""
    link = varint(distance) + varint(unit) if distance else varint(0)
    return when + link + varint(number) + data


def parse(header: Header, unit: Unit, first: int = 0) -> Parsed:
    """The parts of a unit's payload, whose first frame has the number `first`."""
    assert header.rate is not None
    cursor = Cursor(unit.payload, f"unit {unit.index}")
    if not unit.frames:
        raise FormatError(f"damaged: unit {unit.index} has no frames; get a whole copy of the file")
    when = times.unpack(cursor, unit.frames, first, header.rate)
    distance = cursor.varint()
    link = cursor.varint() if distance else 0
    number = cursor.varint()
    if not 0 < number < NUMBERS:
        raise FormatError(f"damaged: unit {unit.index} has no valid number; get a whole copy of the file")
    return Parsed(when, distance, link, number, cursor.rest())


def origins(header: Header, unit: Unit) -> list[Origin]:
    """See VideoMedia: the session that the unit goes on from, which says itself what it needs."""
    parsed = parse(header, unit)
    return [Origin(parsed.distance, parsed.unit)] if parsed.distance else []


def check(header: Header, units: Sequence[Unit] = ()) -> None:
    """See Descriptor."""
    if header.codec != CODEC.id or header.revision != CODEC.revision:
        raise FormatError(f"made by revision {header.revision} of {CODEC.name}; install a neural-codec that reads it")
    plain = header.channels == 3 and header.depth == 8 and not header.fingerprint and header.stream is None
    if header.rate is None or header.frames or not plain:
        raise FormatError(f"not a video that {CODEC.name} codes; get a whole copy of the file")
    if len(header.private) != 1 or not 1 <= header.private[0] <= len(PRESETS):
        raise FormatError("made by a newer version: an unknown preset; install a newer neural-codec")
    check_size(header.width, header.height)
    for unit in units:
        check_plain(unit)
        if not unit.frames:
            raise FormatError(f"damaged: unit {unit.index} has no frames; get a whole copy of the file")


def check_size(width: int, height: int) -> None:
    """LimitError for frames that are too large."""
    if width * height > PIXELS:
        raise LimitError(
            f"{width} x {height} is too large for {CODEC.name}: the limit is {PIXELS:,} pixels; scale it down"
        )


def describe(header: Header, units: Sequence[Unit]) -> UnitsDescription:
    """The preset, and what each network goes on from."""
    preset = PRESETS[header.private[0] - 1]
    found: list[dict[str, Any]] = []
    remarks = []
    for unit in units:
        parsed = parse(header, unit)
        found.append({"number": parsed.number, "network_bytes": len(parsed.data), "continues": parsed.distance})
        origin = f"goes on from the session {parsed.distance} before" if parsed.distance else "from nothing"
        remarks.append(f"network {len(parsed.data):,}: number {parsed.number}, {origin}")
    size = sum(one["network_bytes"] for one in found)
    values = {"preset": preset, "network_bytes": size, "networks": found}
    return UnitsDescription(values, {"networks": f"{size:,} bytes, preset {preset}"}, remarks)
