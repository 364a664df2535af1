"""Seeded damage to .ncf files: to their bytes, and to their values with all checksums of the container right again."""

import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from archives import ARCHIVED, contents
from bases import Base
from crafted import file_of
from structured import STRUCTURED, parts, with_packets

from codec import tiling
from codec.codecs import all_codecs
from codec.codecs.s2lic import image as s2lic
from codec.codecs.s2lic.ratemap import Rates
from codec.container import CHROMA, STANDARDS, Header, Unit
from codec.container.fields import Cursor, varint
from codec.container.sections import section
from codec.errors import CodecError
from codec.models.s2lic.model import PATCH
from codec.standard.packets import pack, unpack

REPAIRED = 0.3  # the share of cases whose checksums are right
START = 5  # bytes of magic and version

NUMBERS = tuple(found.id for found in all_codecs().values())

Sections = list[tuple[bytes, bytes]]  # tag, payload


class Case(NamedTuple):
    base: Base
    kinds: tuple[str, ...]  # names of the mutations
    data: bytes


def case(seed: int, number: int, bases: list[Base]) -> Case:
    """Case `number` of a seed: the same for ever, as long as the bases are."""
    rng = random.Random(f"{seed}:{number}")
    if rng.random() < REPAIRED:
        (base,) = rng.choices(bases, [b.weight for b in bases])
        if base.archive:
            return _archived(rng, base)
        mutation = rng.choice(rng.choice((REPAIRING, STRUCTURED)))
        return Case(base, (mutation.__name__,), mutation(rng, base.data))
    base = rng.choice(bases)
    data, kinds = base.data, []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        mutation = rng.choice(DAMAGING)
        kinds.append(mutation.__name__)
        data = mutation(rng, data)
    if rng.random() < 0.1:
        kinds.append("splice")
        other = rng.choice(bases).data
        data = data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]
    return Case(base, tuple(kinds), data)


def _archived(rng: random.Random, base: Base) -> Case:
    """Damage to an archive, or to what is in it."""
    if rng.random() < 0.6:
        mutation = rng.choice(ARCHIVED)
        return Case(base, (mutation.__name__,), mutation(rng, base.data))
    mutation = rng.choice(rng.choice((REPAIRING, STRUCTURED)))
    return Case(base, ("contents", mutation.__name__), contents(rng, base.data, mutation))


def split(data: bytes) -> Sections:
    """The sections of a file, as far as they can be told apart."""
    found = []
    cursor = Cursor(data, "a file to be mutated")
    cursor.take(min(START, len(data)))
    try:
        while cursor.position < len(data):
            tag = cursor.take(1)
            found.append((tag, cursor.take(cursor.varint())))
            cursor.u32()
    except CodecError:  # damaged already, by the mutation before
        pass
    return found


def _joined(data: bytes, sections: Sections) -> bytes:
    return data[:START] + b"".join(section(tag, payload) for tag, payload in sections)


# Damage to bytes: nearly always found by the checksums.


def flip_bit(rng: random.Random, data: bytes) -> bytes:
    return _changed(rng, data, lambda byte: byte ^ 1 << rng.randrange(8))


def set_byte(rng: random.Random, data: bytes) -> bytes:
    return _changed(rng, data, lambda _: rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256))))


def truncate(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randint(0, len(data))]


def insert(rng: random.Random, data: bytes) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.randbytes(rng.choice((1, 2, 4, 50))) + data[at:]


def delete(rng: random.Random, data: bytes) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + data[at + rng.choice((1, 2, 4, 50)) :]


def duplicate(rng: random.Random, data: bytes) -> bytes:
    start, stop = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
    return data[:stop] + data[start:stop] + data[stop:]


def duplicate_section(rng: random.Random, data: bytes) -> bytes:
    sections = split(data)
    if sections:
        sections.insert(rng.randint(0, len(sections)), rng.choice(sections))
    return _joined(data, sections)


def swap_sections(rng: random.Random, data: bytes) -> bytes:
    sections = split(data)
    if len(sections) > 1:
        i, j = rng.sample(range(len(sections)), 2)
        sections[i], sections[j] = sections[j], sections[i]
    return _joined(data, sections)


def drop_section(rng: random.Random, data: bytes) -> bytes:
    sections = split(data)
    if sections:
        sections.pop(rng.randrange(len(sections)))
    return _joined(data, sections)


def rename_section(rng: random.Random, data: bytes) -> bytes:
    """Another tag over a payload: known, unknown, critical or ancillary, or none at all."""
    sections = split(data)
    if sections:
        i = rng.randrange(len(sections))
        sections[i] = bytes([rng.choice(b"ABHNPSUZaeixQq0\0\xff")]), sections[i][1]
    return _joined(data, sections)


def wrong_length(rng: random.Random, data: bytes) -> bytes:
    """A section whose length is in a longer form than the shortest, extreme, or off by a little."""
    sections = split(data)
    if not sections:
        return data
    out, chosen = data[:START], rng.randrange(len(sections))
    for number, (tag, payload) in enumerate(sections):
        framed = section(tag, payload)
        if number == chosen:
            exact = varint(len(payload))
            lengthened = exact[:-1] + bytes([exact[-1] | 0x80]) + b"\x80" * rng.randrange(12) + b"\0"
            extreme = varint(rng.choice((0, 2**31 - 1, 2**32, 2**40, 2**63, 2**64 - 1)))
            near = varint(max(0, len(payload) + rng.choice((-2, -1, 1, 2, 1000))))
            frame = tag + rng.choice((lengthened, extreme, near, b"\xff" * 11))
            framed = frame + payload + zlib.crc32(payload, zlib.crc32(frame)).to_bytes(4, "little")
        out += framed
    return out


DAMAGING = (
    flip_bit, set_byte, truncate, insert, delete, duplicate,
    duplicate_section, swap_sections, drop_section, rename_section, wrong_length,
)  # fmt: skip


# Damage past the container's checksums: what a hostile or a broken writer makes.


def payload_bytes(rng: random.Random, data: bytes) -> bytes:
    """Any section's payload changed as bytes are: a head, metadata, a unit or the end."""
    sections = split(data)
    i = rng.randrange(len(sections))
    mutation = rng.choice(DAMAGING[:6])
    sections[i] = sections[i][0], mutation(rng, sections[i][1])
    return _joined(data, sections)


def head_bytes(rng: random.Random, data: bytes) -> bytes:
    sections = split(data)
    sections[0] = b"H", rng.choice(DAMAGING[:6])(rng, sections[0][1])
    return _joined(data, sections)


def picture_size(rng: random.Random, data: bytes) -> bytes:
    """Another width and height over the same units."""
    header, units = parts(data)
    w, h = header.width, header.height
    extreme = ((65535, 4096), (4096, 65535), (65535, 65535), (2**32 - 1, 1), (1, 2**32 - 1), (65535, 64), (65535, 1))
    near = ((w + 1, h), (w, h + 1), (max(1, w - 1), h), (h, w), (w + 64, h), (w, h + 64), (64, 65))
    drawn = ((rng.randint(1, 200), rng.randint(1, 200)), (rng.randint(1, 3000), rng.randint(1600, 3000)))
    choices = rng.choices((extreme, near, drawn, ((1536, 1024), (500, 700))), (4, 4, 4, 0.1))
    if header.rate is not None:  # a few bytes may be a true frame of any size: only --max-pixels bounds its time
        choices = [(*near[:4], (64, 65), (rng.randint(1, 100), rng.randint(1, 100)))]
    width, height = rng.choice(choices[0])
    return _rebuilt(data, replace(header, width=width, height=height), units)


def head_field(rng: random.Random, data: bytes) -> bytes:
    header, units = parts(data)
    values = {
        "codec": rng.choice((*NUMBERS, max(NUMBERS) + 1, 2**32 - 1)),
        "revision": rng.choice((0, 1, 2, 2**32 - 1)),
        "channels": rng.randint(1, 4),
        "depth": rng.randint(1, 16),
        "frames": rng.choice((0, 1, 2, 10)),
        "fingerprint": rng.choice((b"", rng.randbytes(8))),
        "private": rng.choice((b"", rng.randbytes(len(header.private)), rng.randbytes(rng.randrange(40)))),
    }
    name = rng.choice(sorted(values))
    return _rebuilt(data, replace(header, **{name: values[name]}), units)


def unit_payload(rng: random.Random, data: bytes) -> bytes:
    """What the entropy decoder reads, changed; the checksum of the symbols as it was, or random."""
    header, units = parts(data)
    i = rng.randrange(len(units))
    payload = rng.choice((*DAMAGING[:6], _replaced))(rng, units[i].payload)
    checksum = rng.choice((units[i].checksum, rng.randrange(2**32)))
    units[i] = units[i]._replace(payload=payload, checksum=checksum)
    return _rebuilt(data, header, units)


def unit_fields(rng: random.Random, data: bytes) -> bytes:
    header, units = parts(data)
    i = rng.randrange(len(units))
    changed = {"phase": rng.randrange(4), "checksum": rng.choice((0, units[i].checksum ^ 1, 2**32 - 1))}
    name = rng.choice(sorted(changed))
    units[i] = units[i]._replace(**{name: changed[name]})
    return _rebuilt(data, header, units)


def unit_order(rng: random.Random, data: bytes) -> bytes:
    """Units removed, added or exchanged, and numbered again."""
    header, units = parts(data)
    chosen = rng.choices(units, k=rng.choice((0, 1, max(1, len(units) - 1), len(units), len(units) + 1)))
    return _rebuilt(data, header, [unit._replace(index=number) for number, unit in enumerate(chosen)])


def metadata(rng: random.Random, data: bytes) -> bytes:
    """A section of metadata put in or damaged: no value, no deflate stream, a bomb of zeros, an unknown tag."""
    sections = split(data)
    value = rng.choice((b"", b"\0", b"\1", b"\2abc", b"\0<x/>", b"\1" + rng.randbytes(20), b"\1" + _deflated(100),
                        b"\0\7tEXtA\0b" + rng.randbytes(3), b"\0" + bytes(rng.randint(1, 30000))))  # fmt: skip
    if rng.random() < 0.05:
        value = b"\1" + _deflated(70 * 2**20)
    tag = bytes([rng.choice(b"aeipxbq")])
    kept = [s for s in sections if s[0] != tag]
    position = sum(1 for s in kept if s[0] == b"H" or (s[0].islower() and s[0] < tag))
    return _joined(data, [*kept[:position], (tag, value), *kept[position:]])


def hostile_latents(rng: random.Random, data: bytes) -> bytes:
    """Latents that no picture has, as large as they can be coded, with a right checksum of the symbols too."""
    header, units = parts(data)
    if header.codec != s2lic.CODEC.id or header.width * header.height > 2**16:
        return unit_payload(rng, data)
    codec = s2lic.open_codec(header.fingerprint, "cpu")
    rows, columns = (tiling.padded(n) // PATCH for n in (header.height, header.width))
    noise = np.random.default_rng(rng.randrange(2**32)).standard_normal
    y = torch.from_numpy(noise((1, codec.model.config.latents, rows, columns))) * 10.0 ** rng.randint(0, 10)
    z = torch.from_numpy(noise((1, codec.model.config.hyper, rows // 4, columns // 4))) * 10.0 ** rng.randint(0, 10)
    rates = Rates(codec.rate(header), *(PATCH * n for n in (rows, columns)), mapped=s2lic.is_mapped(header))
    tile = tiling.tiles(header.height, header.width)[0]
    try:
        with torch.inference_mode():
            units[0], _ = codec.unit(0, tile, y, z, rates)
    except CodecError:  # so large that the network's answer is not finite
        return unit_payload(rng, data)
    return _rebuilt(data, header, units)


def stream_packets(rng: random.Random, data: bytes) -> bytes:
    """What the standard's decoder reads, changed within its packets; their table is right."""
    header, units = parts(data)
    i = with_packets(rng, units)
    if i is None:
        return unit_payload(rng, data)
    found = unpack(units[i].packets)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(found))
        changed = rng.choice((*DAMAGING[:6], _replaced))(rng, found[at].data) or b"?"
        found[at] = found[at]._replace(data=changed, key=rng.random() < 0.5 if rng.random() < 0.1 else found[at].key)
    if rng.random() < 0.1:
        rng.shuffle(found)
    units[i] = units[i]._replace(packets=pack(found))
    return _rebuilt(data, header, units)


def stream_fields(rng: random.Random, data: bytes) -> bytes:
    """Another standard, size, layout, time or parameter sets over the same packets."""
    header, units = parts(data)
    stream = header.stream
    if stream is None:
        return head_field(rng, data)
    values = {
        "standard": rng.choice(tuple(STANDARDS)),
        "width": rng.choice((1, stream.width + 1, stream.width * 2, 4096)),
        "height": rng.choice((1, stream.height + 1, stream.height * 2, 4096)),
        "chroma": rng.choice(CHROMA),
        "tick": Fraction(rng.randint(1, 2**31 - 1), rng.choice((1, 25, 2**31 - 1))),
        "turn": rng.randrange(8),
        "aspect": Fraction(rng.randint(1, 2**31 - 1), rng.choice((1, 2**31 - 1))),
        "extradata": rng.choice((b"", rng.choice(DAMAGING[:6])(rng, stream.extradata), rng.randbytes(30))),
    }
    name = rng.choice(sorted(values))
    return _rebuilt(data, replace(header, stream=stream._replace(**{name: values[name]})), units)


REPAIRING = (
    payload_bytes, head_bytes, picture_size, head_field, unit_payload, unit_payload, unit_fields, unit_order, metadata,
    hostile_latents, stream_packets, stream_packets, stream_fields,
)  # fmt: skip


def _rebuilt(data: bytes, header: Header, units: list[Unit]) -> bytes:
    """The file with another head and units, also such as no writer of ours would write; metadata stays."""
    return file_of(header, units, [s for s in split(data) if s[0].islower()])


def _changed(rng: random.Random, data: bytes, change: Callable[[int], int]) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([change(data[at])]) + data[at + 1 :]


def _replaced(rng: random.Random, data: bytes) -> bytes:
    """Bytes of the same number, or none, or many."""
    return rng.randbytes(rng.choice((len(data), 0, 1, 5000)))


@lru_cache
def _deflated(zeros: int) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(bytes(zeros)) + deflate.flush()
