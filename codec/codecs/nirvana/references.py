"""What the networks of a unit begin from in earlier sessions of an archive: bytes in front of its filters. No numpy.

A reference is a byte, 64 and one bit a plane (1 Y, 2 U, 4 V), and two varints: how many sessions back, and which unit.
Filters begin with a byte below 64, so nothing says how many there are, and what begins from nothing takes no byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from codec.codecs.base import Origin
from codec.container import Header, Unit
from codec.container.fields import Cursor, varint
from codec.errors import FormatError

GAINS = 3  # bytes in front of what the filters wrote: how much Y, U and V gained
BYTES = 3  # of a reference, most often
HYBRID, ARCHIVED = (
    5,
    6,
)  # kinds of a file over a stream: by itself, or a session of an archive, which may have references
_MARK, _PLANES = 64, 7
_DAMAGED = "its networks' references are damaged; get a whole copy of the file"


class Reference(NamedTuple):
    """The state after unit `unit` of the session `distance` back, from which some planes of a unit begin."""

    planes: int  # 1 Y, 2 U, 4 V, added
    distance: int
    unit: int

    @property
    def names(self) -> str:
        """Those of its planes: "yuv" of all."""
        return "".join(name for plane, name in enumerate("yuv") if self.planes >> plane & 1)


def pack(references: Iterable[Reference]) -> bytes:
    """References as bytes, which stand in front of filters."""
    return b"".join(bytes([_MARK + planes]) + varint(back) + varint(unit) for planes, back, unit in references)


def split(payload: bytes) -> tuple[list[Reference], bytes]:
    """The references of a unit's payload, and its filters. FormatError for what `pack` never writes."""
    cursor, found, seen = Cursor(payload, "a reference"), list[Reference](), 0
    cursor.take(min(GAINS, len(payload)))
    while cursor.position < len(payload) and payload[cursor.position] >= _MARK:
        planes = cursor.byte() - _MARK
        one = Reference(planes, cursor.varint(), cursor.varint())
        lowest = planes & -planes
        if not 0 < planes <= _PLANES or one.distance < 1 or planes & seen:
            raise FormatError(_DAMAGED)
        if found and lowest < found[-1].planes & -found[-1].planes:
            raise FormatError(_DAMAGED)
        if any(one[1:] == other[1:] for other in found):
            raise FormatError(_DAMAGED)
        found.append(one)
        seen |= planes
    return found, cursor.rest()


def of(header: Header, unit: Unit) -> list[Reference]:
    """The references of a unit of any file. FormatError for a damaged one."""
    archived = header.stream is not None and header.private[:1] == bytes([ARCHIVED])
    return split(unit.payload)[0] if archived and unit.damage is None else []


def origins(header: Header, unit: Unit) -> list[Origin]:
    """See VideoMedia."""
    return [Origin(one.distance, one.unit, one.names) for one in of(header, unit)]
