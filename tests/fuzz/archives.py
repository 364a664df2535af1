"""Seeded damage to archives: to entries field by field, to whose frames are whose, and to contents, with all checksums
of the container right again."""

import io
import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from structured import number

from codec import container
from codec.container import Entry, Limits, Segment, pack_archive, read_directory
from codec.container.directory import Placed
from codec.container.fields import varint
from codec.container.sections import MAGIC, VERSION, section
from codec.errors import CodecError

_BODY = 13  # bytes before the first session
Mutation = Callable[[random.Random, bytes], bytes]


def sessions(data: bytes) -> list[tuple[bytes, Entry]]:
    """Content and entry of each session that is whole."""
    found = read_directory(io.BytesIO(data), Limits()).sessions
    return [(data[p.start : p.start + p.entry.content], p.entry) for p in found if isinstance(p, Placed)]


def joined(data: bytes, made: list[tuple[bytes, Entry]]) -> bytes:
    """An archive of these, whatever their entries say; `data`: another one."""
    return data[:_BODY] + b"".join(content + packed(entry) for content, entry in made)


def archive_of(made: list[tuple[bytes, Entry]]) -> bytes:
    """The same, from nothing."""
    return joined(MAGIC + bytes([VERSION]) + pack_archive(), made)


def packed(entry: Entry) -> bytes:
    """Section N of an entry such as no writer of ours would write, with its size and checksum right."""
    name = entry.name.encode()
    fields: list[int] = [entry.number, entry.content, entry.frames, entry.date, entry.like, len(name)]
    gaps = [d - before for before, d in zip((0, *entry.depends), entry.depends, strict=False)]
    tail = [len(gaps), *gaps, len(entry.segments)]
    for s in entry.segments:
        above = s.shift.numerator
        pointer = (s.first, 2 * above if above >= 0 else -2 * above - 1, s.shift.denominator)
        tail += [s.distance, s.count, *(pointer if s.distance else ())]
    payload = b"".join(map(_varint, fields)) + name + b"".join(map(_varint, tail)) + entry.digest + entry.hashes
    size = len(section(b"N", payload + bytes(4)))
    return section(b"N", payload + size.to_bytes(4, "little"))


def _varint(value: int) -> bytes:
    return varint(value % 2**64)


def entry_fields(rng: random.Random, data: bytes) -> bytes:
    """A number of an entry that isn't the right one."""
    made = sessions(data)
    i = rng.randrange(len(made))
    content, entry = made[i]
    name = rng.choice(("number", "content", "frames", "date", "like"))
    changed: dict[str, Any] = {name: number(rng, getattr(entry, name))}
    if name == "frames" and rng.random() < 0.5 and changed["frames"] < 2**16 and not entry.segments:
        changed["hashes"] = bytes(2 * changed["frames"])
    if rng.random() < 0.2:
        changed = {"name": rng.choice(("", "\n", "x" * 300, made[0][1].name, "../x"))}
    if rng.random() < 0.2:
        changed = {"depends": tuple(sorted(rng.choices(range(8), k=rng.randrange(4))))}
    if rng.random() < 0.2:
        changed = {rng.choice(("digest", "hashes")): rng.randbytes(rng.randrange(60))}
    made[i] = content, replace(entry, **changed)
    return joined(data, made)


def pointers(rng: random.Random, data: bytes) -> bytes:
    """Segments that lead elsewhere: to frames that there aren't, to later sessions, to other kinds, many times over."""
    made = sessions(data)
    i = rng.randrange(len(made))
    content, entry = made[i]
    segments = list(entry.segments) or [Segment(0, entry.frames)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(segments))
        name = rng.choice(("distance", "count", "first", "shift", "split", "more"))
        one = segments[at]
        if name == "shift":
            segments[at] = one._replace(shift=Fraction(number(rng, 1), rng.choice((1, 25, 2**31 - 1, 2**40))))
        elif name == "split" and one.count > 1:
            half = one.count // 2
            segments[at : at + 1] = [one._replace(count=half), one._replace(count=one.count - half)]
        elif name == "more":
            segments += [Segment(1 + rng.randrange(5), 1 + rng.randrange(4), rng.randrange(9))] * rng.choice(
                (1, 1, 200)
            )
        elif name in ("distance", "count", "first"):
            segments[at] = one._replace(**{name: number(rng, getattr(one, name)) % rng.choice((12, 2**63))})
    if rng.random() < 0.7:  # all else fits
        depends = {s.distance for s in segments} | {entry.like, *entry.depends}
        own = sum(s.count for s in segments if not s.distance)
        hashes = bytes(2 * own) if own < 2**16 else b""
        entry = replace(
            entry, frames=sum(s.count for s in segments), depends=tuple(sorted(depends - {0})), hashes=hashes
        )
    made[i] = content, replace(entry, segments=tuple(segments))
    return joined(data, made)


def session_order(rng: random.Random, data: bytes) -> bytes:
    """Sessions removed, repeated or exchanged, and maybe numbered again."""
    made = sessions(data)
    made = rng.choices(made, k=rng.choice((1, len(made) - 1, len(made), len(made) + 2)))
    if rng.random() < 0.7:
        made = [(content, replace(entry, number=n, name=f"s{n}")) for n, (content, entry) in enumerate(made)]
    return joined(data, made)


def contents(rng: random.Random, data: bytes, mutation: Mutation) -> bytes:
    """A session's content changed as an ordinary file is; its entry knows how long it is now."""
    made = sessions(data)
    i = rng.choice([i for i, (_, entry) in enumerate(made) if entry.own])
    content, entry = made[i]
    try:
        content = mutation(rng, data[:5] + content)[5:]
    except CodecError:
        content = content[: rng.randrange(len(content))]
    made[i] = content, replace(entry, content=len(content))
    return joined(data, made)


def links(rng: random.Random, data: bytes) -> bytes:
    """Units that begin from other sessions or units than they did, or that are those of another session."""
    made = sessions(data)
    owners = [i for i, (_, entry) in enumerate(made) if entry.own]
    i = rng.choice(owners)
    content, entry = made[i]
    source = made[rng.choice(owners)][0] if rng.random() < 0.2 else content
    header, rest = container.read(data[:5] + source)
    units = list(rest)
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(units))
        payload = bytearray(units[at].payload)
        if payload:  # what says where it goes on stands in its first bytes
            payload[rng.randrange(min(len(payload), 12))] = rng.choice(
                (0, 1, 2, 3, 65, 66, 68, 71, 255, rng.randrange(256))
            )
        units[at] = units[at]._replace(payload=bytes(payload))
    fp = io.BytesIO()
    container.write(fp, header, units)
    content = fp.getvalue()[5:]
    depends = tuple(sorted({*entry.depends, *rng.choices((1, 2), k=2)} & set(range(1, i + 1))))
    made[i] = content, replace(entry, content=len(content), depends=depends)
    return joined(data, made)


ARCHIVED = (entry_fields, pointers, pointers, session_order, links)
