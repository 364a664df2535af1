"""Seeded damage to counts, tables, chains and times of .ncf files, with all checksums of the container right again."""

import random
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

import numpy as np
from crafted import file_of, sessions

from codec import codecs, container
from codec.codecs.jpeg import payload
from codec.container import Header, Unit
from codec.container.fields import Cursor, varint
from codec.container.sections import section
from codec.errors import CodecError
from codec.media.jpeg_bits import rest
from codec.media.jpeg_bits.scans import Choices

_NUMBERS = (0, 1, 2, 3, 4, 5, 8, 54, 127, 128, 129, 255, 256, 1023, 1024, 1025, 65535, 2**20, 2**20 + 1, 2_592_000)
_LARGE = (2**31 - 1, 2**31, 2**32, 2**47, 2**48, 2**62, 2**63, 2**64 - 1)


def number(rng: random.Random, old: int) -> int:
    """Another number in place of one: near it, usual, or beyond what there is."""
    near = [max(0, old + step) for step in (-2, -1, 1, 2)] + [old * 2]
    return min(rng.choice(rng.choice((near, _NUMBERS, _LARGE))), 2**64 - 1)


def unit_frames(rng: random.Random, data: bytes) -> bytes:
    """Frames of a unit, or of the head, that are not those there are."""
    header, units = parts(data)
    if rng.random() < 0.2:
        return file_of(replace(header, frames=min(number(rng, header.frames), 2**32 - 1)), units, _before(data))
    for _ in range(rng.choice((1, 1, 2))):
        i = rng.randrange(len(units))
        units[i] = units[i]._replace(frames=number(rng, units[i].frames))
    return file_of(header, units, _before(data))


def end_counts(rng: random.Random, data: bytes) -> bytes:
    """The numbers of an end section, whose own size and checksum are right."""
    at = data.rfind(b"Z")
    try:
        cursor = Cursor(data[at + 1 :], "an end")
        payload = Cursor(cursor.take(cursor.varint()), "an end")
        found = []
        while payload.position < len(payload.data) - 4:
            found.append(payload.varint())
    except CodecError:  # it has none, and this was another byte
        found = []
    if not found:
        return unit_frames(rng, data)
    i = rng.randrange(len(found))
    found[i] = number(rng, found[i])
    if rng.random() < 0.3:
        found = found[: rng.randint(0, len(found))] + found[rng.randint(0, len(found)) :]
    end = b"".join(map(varint, found)) + bytes(4)
    size = len(section(b"Z", end)).to_bytes(4, "little")
    return data[:at] + section(b"Z", end[:-4] + size)


def packet_table(rng: random.Random, data: bytes) -> bytes:
    """Counts, times and sizes in front of a stream's packets."""
    header, units = parts(data)
    i = with_packets(rng, units)
    if i is None:
        return opening(rng, data)
    cursor = Cursor(units[i].packets, "a table")
    fields = [cursor.varint() for _ in range(4)]
    fields += [cursor.varint() for _ in range(fields[0] * (1 + fields[1]) - fields[1])]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.choice((rng.randrange(4), rng.randrange(len(fields))))
        fields[at] = number(rng, fields[at])
    units[i] = units[i]._replace(packets=b"".join(map(varint, fields)) + cursor.rest())
    return file_of(header, units, _before(data))


def chain_order(rng: random.Random, data: bytes) -> bytes:
    """Units many times over, without the first of their chain, with packets of others, or each a session of its own."""
    header, units = parts(data)
    kind = rng.randrange(5)
    if kind == 0:
        units = units * rng.choice((2, 3, 20))
    elif kind == 1:
        units = units[rng.randrange(len(units)) :]
    elif kind == 2:
        one, other = rng.randrange(len(units)), rng.randrange(len(units))
        units[one] = units[one]._replace(packets=units[other].packets, frames=units[rng.randrange(len(units))].frames)
    elif kind == 3:
        at = rng.randint(0, len(units))
        units[at:at] = [Unit(0, 0, 0, b"", number(rng, 0) % 2000)] * rng.choice((1, 1, 30))
    units = [unit._replace(index=i) for i, unit in enumerate(units)]
    if kind == 4 and header.frames == 0 and header.stream is None:
        return sessions(header, units)
    return file_of(header, units, _before(data))


def unit_times(rng: random.Random, data: bytes) -> bytes:
    """Times in front of a unit's payload that are large, go back, or don't end."""
    header, units = parts(data)
    i = rng.randrange(len(units))
    ticks, count = number(rng, 25), max(1, units[i].frames % 64)
    when = bytes([rng.choice((0, 1, 1, 1, 2))]) + varint(ticks)
    when += b"".join(varint(number(rng, 1)) for _ in range(count))
    units[i] = units[i]._replace(payload=when + units[i].payload[rng.choice((0, 1)) :])
    if header.rate is not None and rng.random() < 0.3:
        header = replace(header, rate=Fraction(rng.randint(1, 2**31 - 1), rng.choice((1, 2**31 - 1))))
    return file_of(header, units, _before(data))


def jpeg_rest(rng: random.Random, data: bytes) -> bytes:
    """What a JPEG is beside its coefficients: cuts, markers, tables, sizes."""
    header, units = parts(data)
    found = None
    with suppress(CodecError, IndexError):
        found = payload.unpack(units[0].payload) if codecs.of(header).files else None
    if not isinstance(found, payload.Parts):
        return opening(rng, data)
    kept, cuts = rest.unpack(found.rest)
    changed = bytearray(kept)
    for _ in range(rng.choice((0, 1, 1, 2))):
        at = rng.randrange(len(changed))
        if rng.random() < 0.3:
            del changed[at : at + rng.choice((1, 2, 20))]
        else:
            changed[at] = rng.choice((0, 1, 0x11, 0x44, 0xC2, 0xDA, 0xFF, rng.randrange(256)))
    for _ in range(rng.choice((0, 1))):
        i, choices = rng.randrange(len(cuts)), rng.choice((None, 0, 5))
        marks = np.sort(np.array([[number(rng, 3) % 2**31, rng.randrange(5)] for _ in range(3)]), 0)
        how = Choices(rng.randrange(3), rng.randbytes(choices or 0), marks[: rng.randrange(4)], rng.random() < 0.5)
        cuts[i] = rest.Cut(max(cuts[i].at + rng.choice((0, 0, 0, 1, -1)), 0), choices, how)
    try:
        made = rest.pack(rest.Rest(bytes(changed), cuts), rng.randint(1, 100))
    except CodecError:
        return opening(rng, data)
    units[0] = units[0]._replace(payload=payload.pack(payload.Parts(made, found.coded)))
    return file_of(header, units, _before(data))


def opening(rng: random.Random, data: bytes) -> bytes:
    """The first bytes of a payload, which name methods, networks, palettes, modes and steps."""
    header, units = parts(data)
    i = rng.randrange(len(units))
    payload = bytearray(units[i].payload)
    for _ in range(rng.choice((1, 1, 2))):
        if payload:
            at = rng.randrange(min(len(payload), rng.choice((1, 2, 6))))
            payload[at] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
    if rng.random() < 0.2:
        payload = payload[: rng.randint(0, min(8, len(payload)))]
    units[i] = units[i]._replace(payload=bytes(payload))
    return file_of(header, units, _before(data))


def private_fields(rng: random.Random, data: bytes) -> bytes:
    """The codec's own options, field by field."""
    header, units = parts(data)
    private = bytearray(header.private or b"\0")
    kind = rng.randrange(3)
    if kind == 0:
        private[rng.randrange(len(private))] = rng.choice((*range(33), 127, 128, 255))
    elif kind == 1:
        at = rng.randint(0, len(private))
        private[at:] = varint(number(rng, 1)) + bytes(private[at + 1 :])
    else:
        private = bytearray([rng.randrange(32)]) + private[1:] + rng.randbytes(rng.randrange(6))
    return file_of(replace(header, private=bytes(private)), units, _before(data))


STRUCTURED = (unit_frames, end_counts, packet_table, chain_order, unit_times, opening, private_fields, jpeg_rest)


def parts(data: bytes) -> tuple[Header, list[Unit]]:
    header, units = container.read(data)
    return header, list(units)


def with_packets(rng: random.Random, units: list[Unit]) -> int | None:
    """The place of a unit that holds packets of a stream; None if none does."""
    places = [i for i, unit in enumerate(units) if unit.packets]
    return rng.choice(places) if places else None


def _before(data: bytes) -> list[tuple[bytes, bytes]]:
    """The metadata sections of a file, as they are."""
    cursor, found = Cursor(data, "a file"), list[tuple[bytes, bytes]]()
    cursor.take(5)
    while (tag := cursor.take(1)) == b"H" or tag.islower():
        payload = cursor.take(cursor.varint())
        cursor.u32()
        if tag != b"H":
            found.append((tag, payload))
    return found
