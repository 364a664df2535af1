"""Which sessions an archive has, from its entries alone: they are walked from the file's end, without what is in them.

Where that leads nowhere, since an append didn't finish or something is damaged, heads of sections are passed over from
the front, and behind what is damaged whole entries are looked for. What is whole is found, whatever is wrong besides.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, NamedTuple, TypeAlias

from codec.container.fields import VARINT_BYTES
from codec.container.limits import LIMITS, Limits
from codec.container.sections import CHUNK, CRITICAL, Reader
from codec.container.sessions import Entry, check_archive, entry_limit, unpack_entry
from codec.container.units import TAIL
from codec.errors import CodecError, FormatError

_TRIED = 2**30  # bytes whose checksums are computed where entries are looked for, at most,
_PLACE = 2**10  # and as how many of them a place counts that is looked at


class Placed(NamedTuple):
    """A session: its content is what its entry says from `start` on, and then comes the entry, up to `end`."""

    entry: Entry
    start: int
    end: int


Found: TypeAlias = "Placed | CodecError"  # or what is wrong with a session's entry


@dataclass(frozen=True)
class Directory:
    """What is in an archive. `sessions`: by their numbers; `whole`: the bytes up to the end of the last whole entry (or
    one that is damaged but as long as it says); `size`: of the file. What lies between is of an append that didn't
    finish."""

    sessions: tuple[Found, ...]
    whole: int
    size: int


def is_archive(fp: IO[bytes]) -> bool:
    """Whether a file begins as an archive does; FormatError for what is no .ncf file. `fp` is read from its start."""
    fp.seek(0)
    reader = Reader(fp)
    reader.magic()
    return reader.tag() == b"A"


def read_directory(fp: IO[bytes], limits: Limits = LIMITS) -> Directory:
    """The sessions of a seekable archive; no content is read. FormatError if it is none, or its head is damaged."""
    size = fp.seek(0, os.SEEK_END)
    fp.seek(0)
    reader = Reader(fp)
    reader.magic()
    if (tag := reader.tag()) != b"A":
        if tag == b"H":
            raise FormatError("it is one image or video, no archive; begin one with `codec archive create`")
        reader.refuse(tag)
    check_archive(reader.payload(tag, 3 * VARINT_BYTES))
    body = reader.offset
    last: list[Placed] = []  # the last session first
    stop = size
    while stop > body and (found := _entry_before(fp, body, stop, limits)):
        last.append(found)
        stop = found.start
    whole = not last or last[-1].entry.number == 0
    if stop == body and whole and _in_order(last):
        return Directory(_named_once(list(reversed(last))), size, size)
    sessions, end = _from_the_front(fp, body, size, limits)
    return Directory(_named_once(sessions), end, size)


def _in_order(last: list[Placed]) -> bool:
    return [found.entry.number for found in last] == list(range(len(last)))[::-1]


def _named_once(sessions: list[Found]) -> tuple[Found, ...]:
    """The sessions; one whose name or dependencies can't be is what is wrong with it."""
    names: set[str] = set()
    found: list[Found] = []
    for number, one in enumerate(sessions):
        if isinstance(one, Placed):
            wrong = _wrong(one.entry, found)
            if one.entry.name in names:
                wrong = "has the name of another"
            names.add(one.entry.name)
            if wrong:
                one = FormatError(f"damaged: session {number} ({one.entry.name}) {wrong}; get a whole copy of the file")
        found.append(one)
    return tuple(found)


def _wrong(entry: Entry, before: list[Found]) -> str:
    """What is wrong with what an entry says of those before it; "" if nothing is."""
    head = before[-entry.like] if entry.like else None
    if isinstance(head, Placed) and not head.entry.content:
        return "has its head from one that has none"
    for s in entry.segments:
        owner = before[-s.distance] if s.distance else None
        if isinstance(owner, Placed) and s.first + s.count > owner.entry.own:
            return "points to frames that there aren't"
    return ""


def _entry_before(fp: IO[bytes], body: int, stop: int, limits: Limits) -> Placed | None:
    """The session whose entry ends at `stop`; None if there is no whole one."""
    if stop - body < TAIL:
        return None
    size = _size_before(fp, stop)
    start = stop - size
    return _entry_at(fp, body, start, stop, limits) if size and start >= body else None


def _size_before(fp: IO[bytes], stop: int) -> int:
    """What the section that ends at `stop` says of its own size, if it is an entry."""
    fp.seek(stop - TAIL)
    return int(struct.unpack("<II", Reader(fp, stop - TAIL).take(TAIL))[0])


def _entry_at(fp: IO[bytes], body: int, start: int, stop: int, limits: Limits) -> Placed | None:
    """The session whose entry is the section from `start` to `stop`; None if that is no whole entry."""
    fp.seek(start)
    reader = Reader(fp, start)
    try:
        if reader.tag() != b"N":
            return None
        entry = unpack_entry(reader.payload(b"N", entry_limit(limits)), limits)
    except CodecError:
        return None
    return (
        Placed(entry, start - entry.content, stop) if reader.offset == stop and start - entry.content >= body else None
    )


def _from_the_front(fp: IO[bytes], body: int, size: int, limits: Limits) -> tuple[list[Found], int]:
    """All sessions, and where the last one ends: from section to section, and on behind what is damaged."""
    sessions: list[Found] = []
    at = end = body  # of a section; of the last session
    left = [_TRIED]
    while at < size:
        step = _section(fp, at, size)
        found: Placed | None = None
        if step is not None and step[0] == b"N":
            found = _entry_at(fp, body, at, step[1], limits)
            if found is None and (step[1] == size or _size_before(fp, step[1]) == step[1] - at):
                sessions.append(_lost(len(sessions)))
                at = end = step[1]
                continue
            step = step if found else None  # its length is wrong
        if step is None:
            found = _search(fp, body, end, size, limits, left)
            if found is None:
                break
        if found is not None:
            number = found.entry.number
            missing = [_lost(n) for n in range(len(sessions), number)]
            sessions += missing
            sessions.append(_in_place(found, len(sessions), end, bool(missing)))
            end = found.end
        at = end if step is None or found else step[1]
    return sessions, end


def _in_place(found: Placed, number: int, end: int, behind_lost: bool) -> Found:
    """A session, or what is wrong with where it is: it follows the one before, which ends at `end`, unless some are
    lost between them."""
    if found.entry.number == number and (found.start == end or (behind_lost and found.start > end)):
        return found
    name = found.entry.name
    return FormatError(f"damaged: session {number} ({name}) isn't where its entry says; get a whole copy of the file")


def _lost(number: int) -> FormatError:
    return FormatError(f"damaged: the entry of session {number} can't be read; get a whole copy of the file")


def _section(fp: IO[bytes], at: int, size: int) -> tuple[bytes, int] | None:
    """Tag and end of the section at `at`, by its head alone; None if none can begin there, or end in the file."""
    fp.seek(at)
    reader = Reader(fp, at)
    tag = reader.tag()
    if not (tag.isalpha() and (tag.islower() or tag in CRITICAL)):
        return None
    try:
        length, _ = reader.length(tag)
    except CodecError:
        return None
    stop = reader.offset + length + 4
    return (tag, stop) if stop <= size else None


def _search(fp: IO[bytes], body: int, start: int, size: int, limits: Limits, left: list[int]) -> Placed | None:
    """The first whole entry that begins at `start` or later, wherever sections may begin; `left`: bytes to try."""
    most = entry_limit(limits)
    for at in _places(fp, start, size):
        left[0] -= _PLACE
        if left[0] < 0:
            return None
        found = _section(fp, at, size)
        if found is None or found[1] - at > most + 16:
            continue
        if _size_before(fp, found[1]) != found[1] - at:
            continue
        left[0] -= found[1] - at
        if left[0] < 0:
            return None
        if placed := _entry_at(fp, body, at, found[1], limits):
            return placed
    return None


def _places(fp: IO[bytes], start: int, size: int) -> Iterator[int]:
    """Where there is the tag of an entry."""
    for piece in range(start, size, CHUNK):
        fp.seek(piece)
        area = Reader(fp, piece).take(min(CHUNK, size - piece))
        at = -1
        while (at := area.find(b"N", at + 1)) >= 0:
            yield piece + at
