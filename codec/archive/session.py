"""A session, opened: its pictures, be they its own or those of earlier ones."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from codec import video
from codec.archive.archive import Archive, named
from codec.container import Header, Segment
from codec.errors import CodecError, FormatError
from codec.media.info import Info
from codec.media.video import Picture
from codec.surroundings import each_on_our_own
from codec.video.file import held_of, info_of

_OPEN = 4  # owners whose decoders are kept
_KEPT = 2**25  # bytes of pictures of each that are


@dataclass
class Session:
    """An opened session, to be used as a `codec.video.File` is. `segments`: at least one."""

    name: str
    header: Header
    frames: int
    _segments: Sequence[Segment]
    _file: Callable[[int], tuple[str, video.File]]  # name and file of the session that is so far back; 0: this one
    damage: list[CodecError] | None = None

    @property
    def info(self) -> Info:
        """What the video is."""
        return info_of(self.header, self.frames)

    @each_on_our_own
    def pictures(self, first: int = 0, last: int | None = None) -> Iterator[Picture]:
        """Frames `first` to `last`, both included; only what holds them is read and decoded."""
        last = self.frames - 1 if last is None else last
        if not 0 <= first <= last < self.frames:
            raise CodecError(f"there are no frames {first}..{last}: it has {self.frames}, numbered from 0")
        number = own = 0  # of the frame that a segment begins with; of own frames before it
        held = held_of(self.header)
        readers: OrderedDict[int, _Reader] = OrderedDict()  # of this call: several may be under way at once
        for s in self._segments:
            begin, end = max(first, number), min(last + 1, number + s.count)
            start = s.first if s.distance else own
            if begin < end:
                with named(self.name):  # and whose frames they are, where those are to blame
                    taken = self._taken(readers, s.distance, start + begin - number, end - begin)
                    for at, picture in enumerate(taken, begin):
                        last_one = at == self.frames - 1
                        yield picture._replace(time=picture.time + s.shift, held=held if last_one else None)
            number += s.count
            own += 0 if s.distance else s.count

    def _taken(self, readers: OrderedDict[int, _Reader], distance: int, first: int, count: int) -> Iterator[Picture]:
        name, file = self._file(distance)
        if distance:
            check_alike(self.info, file.info, name)
        reader = readers.pop(distance, None) or _Reader(file)
        readers[distance] = reader
        while len(readers) > _OPEN:
            readers.popitem(last=False)
        with named(name):
            yield from reader.take(first, count)


class _Reader:
    """Gives runs of a file's pictures; one that goes on where the last one ended is decoded on from there.

    The last pictures are kept: segments may go to and fro without their chain being decoded for each.
    """

    def __init__(self, file: video.File) -> None:
        self._file = file
        self._at = -1  # of the next picture that is decoded
        self._pictures: Iterator[Picture] = iter(())
        self._kept: OrderedDict[int, Picture] = OrderedDict()
        self._bytes = 0

    def take(self, first: int, count: int) -> Iterator[Picture]:
        """Pictures `first` to `first` + `count` - 1."""
        for number in range(first, first + count):
            yield self._kept[number] if number in self._kept else self._decoded(number)

    def _decoded(self, number: int) -> Picture:
        if number != self._at:
            start = self._file.chain_start(number)
            if not start <= self._at < number:
                self._at, self._pictures = start, self._file.pictures(start)
        while True:
            picture = next(self._pictures, None)
            if picture is None:
                raise FormatError("damaged: it has fewer frames than it says; get a whole copy of the file")
            self._keep(self._at, picture)
            self._at += 1
            if self._at > number:
                return picture

    def _keep(self, number: int, picture: Picture) -> None:
        if number not in self._kept:
            self._bytes += _size(picture)
            self._kept[number] = picture
        while self._bytes > _KEPT and len(self._kept) > 1:
            self._bytes -= _size(self._kept.popitem(last=False)[1])


def _size(picture: Picture) -> int:
    return sum(plane.nbytes for plane in picture.planes)


def check_alike(info: Info, other: Info, name: str) -> None:
    """FormatError unless pictures of one can be those of another."""
    if kind(info) != kind(other):
        raise FormatError(f"damaged: it has pictures of session {name!r}, which are of another kind; get a whole copy")


def kind(info: Info) -> tuple[object, ...]:
    """What pictures have to have alike to stand for each other."""
    return info.width, info.height, info.depth, info.chroma, info.color


def open_session(archive: Archive, number: int, *, device: str = "auto", base: bool = False) -> Session:
    """A session of an archive; nothing is decoded yet. Errors say which session is to blame.

    `base`: pictures are those of the standard streams, without networks.
    """
    entry = archive.placed(number).entry
    files: dict[int, tuple[str, video.File]] = {}

    def file(distance: int) -> tuple[str, video.File]:
        if distance not in files:
            files[distance] = open_own(archive, number - distance, device=device, base=base)
        return files[distance]

    with named(entry.name):
        header = file(0)[1].header if entry.own else archive.header(number)
        if header.rate is None:
            raise FormatError("damaged: it is no video; get a whole copy of the file")
    return Session(entry.name, header, entry.frames, entry.segments or [Segment(0, entry.frames)], file)


def open_own(archive: Archive, number: int, *, device: str, base: bool = False) -> tuple[str, video.File]:
    """The name of a session, and the frames that are its own."""
    entry = archive.placed(number).entry
    earlier = archive.earlier(number, frozenset(entry.depends))
    with named(entry.name):
        file = video.open_file(
            archive.window(number), device=device, base=base, max_pixels=archive.limits.pixels, earlier=earlier
        )
        if file.frames != entry.own:
            raise FormatError("damaged: its entry says other frames than it has; get a whole copy of the file")
    return entry.name, file


def digest_of(pictures: Iterable[Picture]) -> bytes:
    """The SHA-256 of a session's pictures, as an entry has it."""
    found = hashlib.sha256()
    for picture in pictures:
        for plane in picture.planes:
            found.update(plane.astype(plane.dtype.newbyteorder("<"), copy=False).tobytes())
    return found.digest()
