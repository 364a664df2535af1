"""Units and the end section that lists them: the same checks whether a file is written or read."""

import struct
from typing import NamedTuple

from codec.container.fields import Cursor, varint
from codec.container.header import Header
from codec.container.limits import Limits
from codec.container.sections import Reader, Truncated, section
from codec.errors import CodecError, FormatError, LimitError

PHASES = 4
UNIT_FIELDS = 32  # bytes, at least as many as stand before the payload in P and U
UNIT_BYTES = 15  # of a unit beside its payload, at least
TAIL = 8  # bytes that end the file: size of the end section, its CRC


class Unit(NamedTuple):
    """One independently decodable tile, group of frames or session."""

    index: int  # type: ignore[assignment]  # 0, 1, 2, ... in the order of the file (hides tuple.index)
    checksum: int  # CRC-32 of the decoded symbols
    phase: int  # of the scale bins, 0..3
    payload: bytes
    frames: int = 0  # video: the frames that begin in this unit; image: 0
    packets: bytes = b""  # of the header's stream, in a section of its own (codec/standard/packets.py)
    damage: CodecError | None = None  # of a salvaged unit of which no more than frames and packets is known


class End(NamedTuple):
    """An end section: totals of the file up to here, and (section bytes, frames) of its session's units."""

    units: int
    frames: int
    entries: list[tuple[int, int]]


class Tally:
    """Running totals over a file's units, which have to agree with the head and with the end sections."""

    def __init__(self, header: Header, limits: Limits, units: int = 0, frames: int = 0) -> None:
        self.header = header
        self.limits = limits
        self.units = units
        self.frames = frames
        self.entries: list[tuple[int, int]] = []  # of the session under way

    def check(self, unit: Unit) -> None:
        """Raise unless `unit` may follow those before it."""
        if unit.index != self.units:
            raise FormatError(f"invalid unit: index {unit.index} where {self.units} is due")
        if not (0 <= unit.checksum < 2**32 and 0 <= unit.phase < PHASES and unit.frames >= 0):
            values = f"checksum {unit.checksum}, phase {unit.phase}, frames {unit.frames}"
            raise FormatError(f"invalid unit {unit.index}: {values}")
        if self.header.frames == 1 and unit.frames:
            raise FormatError(f"invalid unit {unit.index}: {unit.frames} frames of its own in an image")
        if unit.packets and self.header.stream is None:
            raise FormatError(f"invalid unit {unit.index}: packets of a stream that the file doesn't have")
        if unit.frames > self.limits.unit_frames:
            most = self.limits.unit_frames
            raise LimitError(f"unit {unit.index} claims {unit.frames:,} frames: the limit is {most}; get a whole copy")
        if unit.index >= self.limits.units:
            raise LimitError(f"more than {self.limits.units} units, the limit")
        if max(len(unit.payload), len(unit.packets)) > self.limits.payload:
            raise LimitError(f"unit {unit.index} has more than {self.limits.payload} bytes, the limit")
        frames = self.frames + unit.frames
        if frames > (self.header.frames or self.limits.frames):
            if self.header.frames:
                raise FormatError(f"the units hold {frames} frames, the head says {self.header.frames}")
            raise LimitError(f"more than {self.limits.frames} frames, the limit")

    def pack(self, unit: Unit) -> bytes:
        """Section U for the next unit, after section B if it has packets."""
        self.check(unit)
        fields = varint(unit.index) + varint(unit.frames) + struct.pack("<BI", unit.phase, unit.checksum)
        framed = section(b"U", fields + unit.payload)
        if unit.packets:
            framed = section(b"B", unit.packets) + framed
        self.add(unit, len(framed))
        return framed

    def add(self, unit: Unit, length: int) -> None:
        self.units += 1
        self.frames += unit.frames
        self.entries.append((length, unit.frames))

    def end(self) -> bytes:
        """Section Z, which ends the session under way."""
        if not self.entries:
            raise FormatError("no units: there is nothing to decode")
        if self.header.frames == 1 and self.units == 1:
            raise FormatError("damaged: an image of one unit keeps it in section 'P'; get a whole copy of the file")
        if self.header.frames > 1 and self.header.frames != self.frames:
            raise FormatError(f"the units hold {self.frames} frames, the head says {self.header.frames}")
        numbers = [self.units, self.frames, len(self.entries)]
        for entry in self.entries:
            numbers += entry
        self.entries = []
        payload = b"".join(map(varint, numbers))
        # The last field of the payload, at a fixed distance from the end: the whole section's size.
        length = len(payload) + 4
        size = 1 + len(varint(length)) + length + 4
        return section(b"Z", payload + struct.pack("<I", size))


def pack_sole(header: Header, unit: Unit, limits: Limits) -> bytes:
    """Section P: the only unit of an image, whose index goes without saying."""
    Tally(header, limits).check(unit)
    return section(b"P", struct.pack("<BI", unit.phase, unit.checksum) + unit.payload)


def unpack_sole(header: Header, payload: bytes, limits: Limits) -> Unit:
    """The unit in the payload of a section P."""
    if header.frames != 1:
        raise FormatError("damaged: section 'P' in a file that is not an image; get a whole copy of the file")
    cursor = Cursor(payload, "section 'P'")
    phase, checksum = cursor.byte(), cursor.u32()
    unit = Unit(0, checksum, phase, cursor.rest())
    Tally(header, limits).check(unit)
    return unit


def read_section(reader: Reader, tag: bytes, limits: Limits) -> Unit:
    """The unit whose first section's tag, B or U, was just read; what its fields may be depends on the file (Tally)."""
    packets = b""
    if tag == b"B":
        packets = reader.payload(tag, limits.payload)
        if not packets:
            raise FormatError(f"damaged: {reader.where} is empty; get a whole copy of the file")
        tag = reader.tag()
        if not tag:
            raise Truncated("truncated: no unit follows its packets")
    if tag != b"U":
        reader.refuse(tag)
    cursor = Cursor(reader.payload(tag, limits.payload + UNIT_FIELDS), "section 'U'")
    index, frames, phase, checksum = cursor.varint(), cursor.varint(), cursor.byte(), cursor.u32()
    return Unit(index, checksum, phase, cursor.rest(), frames, packets)


def unpack_end(payload: bytes, limits: Limits) -> End:
    """The fields of an end section, for readers that did not see the units."""
    cursor = Cursor(payload, "the end section")
    units, frames, count = cursor.varint(), cursor.varint(), cursor.varint()
    if units > limits.units or count > units or frames > limits.frames:
        raise LimitError(f"{units} units, {frames} frames: the limits are {limits.units} and {limits.frames}")
    if 2 * count > len(payload):
        raise FormatError("damaged: the end section does not list its units; get a whole copy of the file")
    entries = [(cursor.varint(), cursor.varint()) for _ in range(count)]
    if max((frames for _, frames in entries), default=0) > limits.unit_frames:
        raise LimitError(f"a unit claims more than {limits.unit_frames} frames, the limit; get a whole copy")
    cursor.u32()
    if cursor.rest() or not count:
        raise FormatError("damaged: the end section does not list its units; get a whole copy of the file")
    return End(units, frames, entries)


def end_limit(limits: Limits) -> int:
    """The most bytes that the payload of an end section takes."""
    return 64 + limits.units * 20
