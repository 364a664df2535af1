"""What sessions are, and where an archive's bytes go, as plain values; nothing is decoded."""

from __future__ import annotations

from typing import Any

from codec import codecs
from codec.archive.archive import Archive
from codec.container import Placed, Segment


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
        "bytes": size,
        "entry_bytes": size - entry.content,
        "bpp": 8 * size / pixels,
        "sha256": entry.digest.hex(),
    }


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
