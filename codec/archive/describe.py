"""What sessions are, and where an archive's bytes go, as plain values; nothing is decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from codec import codecs
from codec.archive.archive import Archive
from codec.codecs.base import Origin
from codec.container import Placed, Segment, Unit
from codec.errors import CodecError


def describe(archive: Archive, number: int) -> dict[str, Any]:
    """A session: its entry, and what its head says."""
    placed = archive.placed(number)
    entry, header = placed.entry, archive.header(number)
    codec = codecs.of(header)
    pixels, size = header.width * header.height * entry.frames, placed.end - placed.start
    return {
        "name": entry.name,
        "number": number,
        "date": entry.date,  # seconds since 1970
        "codec": codec.name if entry.own else None,  # where all frames are those of others there is none
        "width": header.width,
        "height": header.height,
        "depth": header.depth,
        "frames": entry.frames,
        "rate": str(header.rate),
        "seconds": float(entry.frames / header.rate) if header.rate else 0.0,
        "quality": codec.videos.quality(header) if codec.videos and entry.own else None,
        "metadata": {name: len(value) for name, value in header.metadata.items()},
        "own": entry.own,
        "depends": [_name(archive, number - distance) for distance in entry.depends],
        "segments": _runs(archive, number, entry.segments),
        "begins": begins(archive, number),
        "bytes": size,
        "entry_bytes": size - entry.content,
        "bpp": 8 * size / pixels,
        "sha256": entry.digest.hex(),
    }


def begins(archive: Archive, number: int) -> list[dict[str, Any]]:
    """What networks of a session begin from: its unit, which of its networks ("" for all), and whose unit they take."""
    return [
        {"unit": unit.index, "networks": one.part, "session": _name(archive, number - one.distance), "from": one.unit}
        for unit, origins in _begun(archive, number)
        for one in origins
    ]


def reused(archive: Archive, number: int) -> tuple[int, int, int]:
    """How many networks of a session begin from earlier ones; how many of their weights are as they are there; how many
    weights they use. FormatError for what is damaged."""
    header, counts = archive.header(number), [0, 0, 0]
    media = codecs.of(header).videos
    for unit, origins in _begun(archive, number):
        assert media is not None
        kept, used = media.reused(header, unit, archive.earlier(number))
        counts = [counts[0] + sum(len(one.part) or 1 for one in origins), counts[1] + kept, counts[2] + used]
    return counts[0], counts[1], counts[2]


def _begun(archive: Archive, number: int) -> Iterator[tuple[Unit, Sequence[Origin]]]:
    """The units of a session whose networks begin from earlier sessions; not those that are damaged."""
    entry, header = archive.placed(number).entry, archive.header(number)
    media = codecs.of(header).videos
    if media is None or not entry.own or not entry.depends:  # or its units would be read for nothing
        return
    with suppress(CodecError):
        session = archive.earlier(number + 1).session(1)
        for place in range(session.units):
            with suppress(CodecError):
                unit = session.unit(place)
                origins = media.origins(header, unit)
                if origins and all(one.distance in entry.depends for one in origins):
                    yield unit, origins


def totals(archive: Archive) -> dict[str, int]:
    """Counts and bytes of the whole archive.

    `saved_bytes`: what the frames that are pointed to would take again, at the average of their owners' frames.
    """
    entries = archive.entries
    saved = 0.0
    for placed in entries:
        for s in placed.entry.segments:
            owner = archive.sessions[placed.entry.number - s.distance]
            if s.distance and isinstance(owner, Placed):
                saved += s.count * owner.entry.content / max(owner.entry.own, 1)
    content, whole = sum(p.entry.content for p in entries), sum(p.end - p.start for p in entries)
    return {
        "sessions": len(archive.sessions),
        "damaged_entries": len(archive.sessions) - len(entries),
        "frames": sum(p.entry.frames for p in entries),
        "own_frames": sum(p.entry.own for p in entries),
        "segments": sum(len(p.entry.segments) for p in entries),
        "dependent_sessions": sum(bool(p.entry.depends) for p in entries),
        "bytes": archive.whole + archive.unfinished,
        "content_bytes": content,
        "entry_bytes": whole - content,
        "unfinished_bytes": archive.unfinished,
        "saved_bytes": round(saved),
    }


def _name(archive: Archive, number: int) -> str:
    """A session's name, or its number where that can't be read."""
    one = archive.sessions[number]
    return one.entry.name if isinstance(one, Placed) else f"session {number}"


def _runs(archive: Archive, number: int, segments: tuple[Segment, ...]) -> list[tuple[int, int, str]]:
    """First and last frame of each segment, and whose they are."""
    found, at = [], 0
    for s in segments:
        what = f"{s.first} to {s.first + s.count - 1} of {_name(archive, number - s.distance)}" if s.distance else "own"
        found.append((at, at + s.count - 1, what))
        at += s.count
    return found
