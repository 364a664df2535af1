"""Seekable files: any unit by its number, and files that grow without a change to earlier bytes.

Every end section stores its own size last, so the last one is found from the end of the file; the
lengths in it lead back to its first unit, and what stands before that is the end section before.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import IO

from codec.container.ends import end_before
from codec.container.header import Header
from codec.container.limits import LIMITS, Limits
from codec.container.sections import Reader, Truncated
from codec.container.stream import open_file, read, write_session
from codec.container.units import UNIT_FIELDS, End, Tally, Unit, read_section, unpack_sole
from codec.errors import CodecError, FormatError


@dataclass(frozen=True)
class Index:
    """Where the units of a file are: unit i is the section of `lengths[i]` bytes at `offsets[i]`."""

    header: Header
    offsets: tuple[int, ...]
    lengths: tuple[int, ...]
    frames: tuple[int, ...]  # that begin in each unit

    @cached_property
    def begins(self) -> tuple[int, ...]:
        """Frames before each unit, and of all."""
        return (0, *accumulate(self.frames))

    @property
    def frame_count(self) -> int:
        """Frames of the file, also when the header leaves them open."""
        return self.header.frames or sum(self.frames)


def read_index(fp: IO[bytes], limits: Limits = LIMITS, damage: list[CodecError] | None = None) -> Index:
    """The index of a seekable file, from its head and end sections alone: no unit is read. `damage`: as in `read`."""
    size = fp.seek(0, os.SEEK_END)
    fp.seek(0)
    reader, header, tag = open_file(fp, limits, damage)
    body = reader.offset - 1
    if tag == b"P":
        return Index(header, (body,), (size - body,), (0,))
    sessions: list[tuple[int, End]] = []  # offset of the first unit, end section; the last session first
    expected: tuple[int, int] | None = None  # totals that a session has to reach, said by the one after it
    stop = size
    while expected is None or expected[0] > 0:
        start, end = end_before(fp, body, stop, limits)
        first = start - sum(length for length, _ in end.entries)
        if (expected and expected != end[:2]) or first < body:
            raise FormatError("damaged: the end sections do not agree; get a whole copy of the file")
        expected = end.units - len(end.entries), end.frames - sum(frames for _, frames in end.entries)
        sessions.append((first, end))
        stop = first
    total = sessions[0][1]
    agree = (header.frames, total.units) != (1, 1)  # which is what section P is for
    agree &= total.frames == {0: total.frames, 1: 0}.get(header.frames, header.frames)
    if not agree or expected != (0, 0) or stop != body or (len(sessions) > 1 and not header.grows):
        raise FormatError("damaged: the end sections do not agree with the head; get a whole copy of the file")
    offsets, lengths, frames = [], [], []
    for offset, end in reversed(sessions):
        for length, count in end.entries:
            offsets.append(offset)
            lengths.append(length)
            frames.append(count)
            offset += length
    return Index(header, tuple(offsets), tuple(lengths), tuple(frames))


def read_unit(fp: IO[bytes], index: Index, number: int, limits: Limits = LIMITS) -> Unit:
    """Unit `number` (0..) of a seekable file; no other unit is read."""
    if not 0 <= number < len(index.offsets):
        raise FormatError(f"no unit {number}: the file has {len(index.offsets)}")
    fp.seek(index.offsets[number])
    reader = Reader(fp, index.offsets[number])
    tag = reader.tag()
    if index.header.frames == 1 and len(index.offsets) == 1:
        if tag != b"P":
            reader.refuse(tag)
        unit = unpack_sole(index.header, reader.payload(tag, limits.payload + UNIT_FIELDS), limits)
    else:
        unit = read_section(reader, tag, limits)
        Tally(index.header, limits, number, index.begins[number]).check(unit)
    if (reader.offset - index.offsets[number], unit.frames) != (index.lengths[number], index.frames[number]):
        raise FormatError(
            f"damaged: {reader.where} is not the unit that the end section lists; get a whole copy of the file"
        )
    return unit


def append(fp: IO[bytes], units: Iterable[Unit], limits: Limits = LIMITS) -> None:
    """Add units and a new end section to a file opened for update ("r+b") whose header lets it grow.

    Indices go on from the file's units. No earlier byte changes; on any exception the file is cut
    back to what it was.
    """
    index = read_index(fp, limits)
    if not index.header.grows:
        raise FormatError("this file states its end (a number of frames, or a duration) and can't be appended to")
    size = fp.seek(0, os.SEEK_END)
    try:
        write_session(fp, Tally(index.header, limits, len(index.offsets), sum(index.frames)), units)
        fp.flush()
    except BaseException:
        fp.seek(size)
        fp.truncate()
        raise


def recover(fp: IO[bytes], limits: Limits = LIMITS) -> int:
    """Cut a file (opened "r+b") that an interrupted append left incomplete back to its last end section.

    Returns the number of bytes cut, 0 for a complete file. FormatError, and no change, when nothing
    complete is left or the file is damaged rather than cut short.
    """
    size = fp.seek(0, os.SEEK_END)
    fp.seek(0)
    try:
        _, units = read(fp, limits)
        for _ in units:
            pass
    except Truncated as error:
        if not error.complete:
            raise
        fp.seek(error.complete)
        fp.truncate()
        return size - error.complete
    return 0
