"""The sections of an archive: `A`, which says that it is one, and `N`, a session's entry behind its content.

What stands before an entry is a video's file without magic and version, or nothing. Bytes only: whose pictures are
whose is worked out in codec/archive.
"""

from __future__ import annotations

import struct
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from codec.container.fields import Cursor, varint
from codec.container.limits import Limits
from codec.container.sections import section
from codec.errors import FormatError, LimitError

PFNR = (4, 0)  # codec and revision of every archive: of what its sessions may share
NAME_BYTES = 255
HASH_BYTES = 2  # of each frame
DIGEST_BYTES = 32  # SHA-256
_PARTS = 2**31  # denominators of times are below
_TIME = 2**62  # and numerators
_FIELDS = 1024  # bytes that all but lists take at most


class Segment(NamedTuple):
    """A run of a session's frames: its own (distance 0), or those of another.

    Of another: `distance` sessions back, from its own frame `first` on; a picture is shown `shift` seconds later than
    there. Own frames come in order.
    """

    distance: int
    count: int  # type: ignore[assignment]  # (hides tuple.count)
    first: int = 0
    shift: Fraction = Fraction(0)


@dataclass(frozen=True)
class Entry:
    """What an archive knows of a session. Other sessions are named by how many sessions back they are."""

    number: int  # 0, 1, 2, ...
    name: str
    date: int  # when it was added, in seconds since 1970
    frames: int
    content: int  # bytes
    digest: bytes  # SHA-256 of its decoded frames: Y, U, V by rows, two bytes (the low one first) above 8 bits
    hashes: bytes = b""  # HASH_BYTES for each own frame: of the source's samples
    like: int = 0  # whose head, metadata and sound it has; 0: its own
    depends: tuple[int, ...] = ()  # what it is coded against or has frames or head of, ascending
    segments: tuple[Segment, ...] = ()  # none: all frames are its own

    @property
    def own(self) -> int:
        """How many frames it has the pictures of."""
        return sum(s.count for s in self.segments if not s.distance) if self.segments else self.frames

    def check(self, limits: Limits) -> None:
        """FormatError for what no archive can have, LimitError for what is too large."""
        if self.number >= limits.sessions:
            raise LimitError(
                f"session {self.number} is too many: the limit is {limits.sessions:,}; start a new archive"
            )
        if self.frames > limits.frames:
            raise LimitError(f"{self.frames:,} frames are too many: the limit is {limits.frames:,}")
        if len(self.segments) > limits.segments:
            raise LimitError(f"{len(self.segments):,} segments are too many: the limit is {limits.segments:,}")
        wrong = (
            (self.number < 0 or self.frames < 1 or self.date < 0 or self.content < 0, "numbers"),
            (len(self.digest) != DIGEST_BYTES or len(self.hashes) != HASH_BYTES * self.own, "hashes"),
            (bool(self.content) == bool(self.like) or (not self.content and self.own > 0), "content"),
            (not self._depends_on_earlier(), "dependencies"),
            (not self._segmented(), "segments"),
        )
        check_name(self.name)
        for is_wrong, what in wrong:
            if is_wrong:
                raise FormatError(f"damaged: session {self.number} has {what} that none can have; get a whole copy")

    def _depends_on_earlier(self) -> bool:
        """So that nothing depends on itself, however far one goes back."""
        needed = {s.distance for s in self.segments} | {self.like}
        ascending = list(self.depends) == sorted(set(self.depends))
        return ascending and needed - {0} <= set(self.depends) and all(1 <= d <= self.number for d in self.depends)

    def _segmented(self) -> bool:
        """Whether segments are as long as can be, and together all frames."""
        if not self.segments:
            return True
        before: Segment | None = None
        for s in self.segments:
            if s.count < 1 or s.first < 0 or s.distance < 0 or s.first + s.count > 2**32:
                return False
            if not is_shift(s.shift) or (not s.distance and any(s[2:])):
                return False
            if before and s[::3] == before[::3] and s.first == before.first + before.count * bool(s.distance):
                return False
            before = s
        return sum(s.count for s in self.segments) == self.frames and any(s.distance for s in self.segments)


def is_shift(shift: Fraction) -> bool:
    """Whether a segment can say that its pictures are shown so much later."""
    return abs(shift.numerator) < _TIME and shift.denominator < _PARTS


def check_name(name: str) -> None:
    """FormatError for what is no name of a session."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        size = 0
    if not 1 <= size <= NAME_BYTES or any(unicodedata.category(c) == "Cc" for c in name):
        raise FormatError(f"{name!r} is no name of a session; give 1 to {NAME_BYTES} bytes without control characters")


def pack_archive() -> bytes:
    """Section A."""
    return section(b"A", b"".join(map(varint, PFNR)))


def check_archive(payload: bytes) -> None:
    """FormatError unless a section A is that of an archive that this release reads."""
    cursor = Cursor(payload, "section 'A'")
    found = cursor.varint(), cursor.varint()
    if found != PFNR or cursor.rest():
        kind = f"{found[0]}.{found[1]}"
        raise FormatError(f"an archive of kind {kind}, made by a newer version; install a newer neural-codec")


def pack_entry(entry: Entry, limits: Limits) -> bytes:
    """Section N."""
    entry.check(limits)
    name = entry.name.encode()
    fields = [varint(n) for n in (entry.number, entry.content, entry.frames, entry.date, entry.like, len(name))]
    gaps = [d - before for before, d in zip((0, *entry.depends), entry.depends, strict=False)]
    fields += [name, *map(varint, (len(gaps), *gaps)), varint(len(entry.segments))]
    for s in entry.segments:
        fields += [varint(s.distance), varint(s.count)]
        if s.distance:
            above = s.shift.numerator
            fields += map(varint, (s.first, 2 * above if above >= 0 else -2 * above - 1, s.shift.denominator))
    payload = b"".join([*fields, entry.digest, entry.hashes])
    # The last field, at a fixed distance from the end: the whole section's size.
    length = len(payload) + 4
    return section(b"N", payload + struct.pack("<I", 1 + len(varint(length)) + length + 4))


def unpack_entry(payload: bytes, limits: Limits) -> Entry:
    """The entry in the payload of a section N; refuses every payload that pack_entry would not have written."""
    cursor = Cursor(payload, "section 'N'")
    number, content, frames, date, like, size = (cursor.varint() for _ in range(6))
    if frames > limits.frames or number >= limits.sessions or size > NAME_BYTES:
        raise LimitError(f"session {number} with {frames} frames: the limits are {limits.sessions} and {limits.frames}")
    try:
        name = cursor.take(size).decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"damaged: the name of session {number} is no text; get a whole copy of the file") from error
    count = cursor.varint()
    if count > min(number, len(payload)):
        raise FormatError(f"damaged: session {number} depends on more than there is; get a whole copy of the file")
    depends, last = [], 0
    for _ in range(count):
        last += cursor.varint()
        depends.append(last)
    count = cursor.varint()
    if count > limits.segments:
        raise LimitError(f"session {number} has {count} segments: the limit is {limits.segments}")
    segments = [_segment(cursor) for _ in range(count)]
    digest = cursor.take(DIGEST_BYTES)
    own = sum(s.count for s in segments if not s.distance) if segments else frames
    hashes = cursor.take(HASH_BYTES * own)
    entry = Entry(number, name, date, frames, content, digest, hashes, like, tuple(depends), tuple(segments))
    if pack_entry(entry, limits) != section(b"N", payload):
        raise FormatError(f"damaged: the entry of session {number} is not in canonical form; get a whole copy")
    return entry


def _segment(cursor: Cursor) -> Segment:
    distance, count = cursor.varint(), cursor.varint()
    if not distance:
        return Segment(0, count)
    first, shift, below = cursor.varint(), cursor.varint(), cursor.varint()
    if not below:
        raise FormatError("damaged: section 'N' has a time that is none; get a whole copy of the file")
    return Segment(distance, count, first, Fraction(-(shift + 1 >> 1) if shift & 1 else shift >> 1, below))


def entry_limit(limits: Limits) -> int:
    """The most bytes that the payload of an entry takes."""
    return _FIELDS + HASH_BYTES * limits.frames + 50 * limits.segments + 3 * limits.sessions
