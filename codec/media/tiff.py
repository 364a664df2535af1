"""Which page of a TIFF is the picture, and what of its samples would be lost without a word."""

from __future__ import annotations

import errno
import io
import struct
from collections import deque
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

from codec.errors import MediaError

_SUBFILE, _OLD_SUBFILE, _PHOTOMETRIC, _CHANNELS, _SUB_IFDS, _EXTRA, _FORMAT = 254, 255, 262, 277, 330, 338, 339
_DNG = 50706
_READ = frozenset({_SUBFILE, _OLD_SUBFILE, _PHOTOMETRIC, _SUB_IFDS, _DNG})
_REDUCED, _MASK, _OLD_REDUCED = 1, 4, 2
_RAW = (32803, 34892)  # a colour filter array, and linear samples of one
_COLORS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}  # samples a pixel, by photometric interpretation
_ALPHA = (1, 2, 999)  # the last by Corel Draw
_SIGNED, _FLOAT = 2, 3
_FORMATS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}  # types of whole numbers, and of places in the file
_MOST_PAGES, _MOST_TAGS, _MOST_VALUES = 1000, 4096, 64
_MOST_WORK = 100_000  # tags of all pages: a directory may be made of thousands of others' bytes


class Page(NamedTuple):
    """A directory: where it stands, how many tags it has, and those of them that say what it is."""

    place: int
    size: int
    tags: Mapping[int, tuple[int, ...]]

    @property
    def is_picture(self) -> bool:
        """Whether it is marked neither as a smaller copy nor as a mask of another."""
        marks = self.tags.get(_SUBFILE, (0,))[0]
        return not marks & (_REDUCED | _MASK) and self.tags.get(_OLD_SUBFILE, (1,))[0] != _OLD_REDUCED


def chosen(fp: IO[bytes]) -> tuple[IO[bytes], list[str]]:
    """A file at its start -> one whose first page is the picture, and notes for the user.

    Raises MediaError for a camera's raw picture.
    """
    head = fp.read(16)
    pages, inside = _pages(fp, head)
    fp.seek(0)
    raw = any(page.tags.get(_PHOTOMETRIC, (0,))[0] in _RAW for page in pages + inside)
    if raw or head[8:10] == b"CR":
        kind = "DNG, a raw picture" if any(_DNG in page.tags for page in pages) else "a raw picture"
        raise MediaError(f"is {kind} of a camera; develop it to TIFF, PNG or JPEG first")
    pictures = [page for page in pages if page.is_picture]
    notes = [f"it has {len(pictures):,} pages; the first is kept"] if len(pictures) > 1 else []
    found = pictures or [page for page in inside if page.is_picture]
    if not found or found[0] == pages[0]:
        return fp, notes
    # Both Pillow and FFmpeg begin with the directory that the head names.
    order, big = _form(head)
    at, kind = (8, "Q") if big else (4, "I")
    data = bytearray(fp.read())
    struct.pack_into(order + kind, data, at, found[0].place)
    return io.BytesIO(data), notes


def check_samples(tags: Mapping[int, Any]) -> None:
    """Raise MediaError for samples that are signed, or more than colour and alpha. `tags`: as Pillow has them."""
    kinds, extra = _numbers(tags.get(_FORMAT)), _numbers(tags.get(_EXTRA))
    if _SIGNED in kinds:
        raise MediaError("has signed or 32-bit samples; convert it to 8 or 16 bits first")
    if any(kind >= _FLOAT and kind != 4 for kind in kinds):
        raise MediaError("has floating-point samples; convert it to 8 or 16 bits first")
    photometric, count = (_numbers(tags.get(tag)) for tag in (_PHOTOMETRIC, _CHANNELS))
    colors = _COLORS.get(photometric[0]) if photometric else None
    more = count[0] - colors if colors and count else 0
    alpha = more > 0 and (extra[0] in _ALPHA if extra else colors == 3)
    if more > alpha:
        what = "a channel" if more - alpha == 1 else f"{more - alpha} channels"
        raise MediaError(f"has {what} beyond colour and alpha, which would be lost; save it without first")


def _numbers(value: object) -> tuple[int, ...]:
    values = value if isinstance(value, tuple) else (value,)
    return tuple(one for one in values if isinstance(one, int))


def _form(head: bytes) -> tuple[str, bool]:
    """The order of bytes, and whether places have 64 bits (BigTIFF)."""
    order = "<" if head[:1] == b"I" else ">"
    return order, head[2:4] in (b"+\0", b"\0+")


def _pages(fp: IO[bytes], head: bytes) -> tuple[list[Page], list[Page]]:
    """The pages of the file's chain, and those inside them, as far as they can be followed."""
    order, big = _form(head)
    chain: list[Page] = []
    inside: list[Page] = []
    seen: set[int] = set()
    work = 0
    try:
        (place,) = struct.unpack_from(order + "Q", head, 8) if big else struct.unpack_from(order + "I", head, 4)
        while place and place not in seen and len(seen) < _MOST_PAGES and work < _MOST_WORK:
            seen.add(place)
            page, place = _page(fp, place, order, big)
            chain.append(page)
            work += page.size
        waiting = deque(one for page in chain for one in page.tags.get(_SUB_IFDS, ()))
        while waiting and len(seen) < _MOST_PAGES and work < _MOST_WORK:
            place = waiting.popleft()
            if place and place not in seen:
                seen.add(place)
                page, after = _page(fp, place, order, big)
                inside.append(page)
                waiting += [after, *page.tags.get(_SUB_IFDS, ())]
                work += page.size
    except (struct.error, OverflowError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        # cut off, or somewhere that no file reaches: what the reader can still reach has been seen
    return chain, inside


def _page(fp: IO[bytes], place: int, order: str, big: bool) -> tuple[Page, int]:
    """The directory at `place`, and where the next one stands (0: nowhere)."""
    size, wide, room = (20, "Q", 8) if big else (12, "I", 4)
    fp.seek(place)
    (count,) = struct.unpack(order + ("Q" if big else "H"), fp.read(8 if big else 2))
    count = min(count, _MOST_TAGS)
    entries = fp.read(size * count)
    (after,) = struct.unpack(order + wide, fp.read(room))
    tags: dict[int, tuple[int, ...]] = {}
    for at in range(0, size * count, size):
        tag, kind, number = struct.unpack_from(order + "HH" + wide, entries, at)
        if tag not in _READ or kind not in _FORMATS or not number:
            continue
        packed = f"{order}{min(number, _MOST_VALUES)}{_FORMATS[kind]}"
        start = at + 4 + room
        if struct.calcsize(packed) > room:
            fp.seek(struct.unpack_from(order + wide, entries, start)[0])
            tags[tag] = struct.unpack(packed, fp.read(struct.calcsize(packed)))
        else:
            tags[tag] = struct.unpack_from(packed, entries, start)
    return Page(place, count, tags), after
