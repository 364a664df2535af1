"""Videos into an archive, one after the other: what earlier sessions have is found, the rest encoded and appended.

A session is made in a file of its own, `part`, and goes into the archive in one go, so that whatever happens before
leaves the archive as it was; what a kill in that last moment leaves is cut back by the next one that writes.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import IO

from codec import codecs, video
from codec.archive import match
from codec.archive.archive import Archive, read
from codec.archive.session import Session, digest_of, open_own
from codec.codecs.options import VideoOptions, VideoProgress
from codec.container import (
    Entry,
    Header,
    Limits,
    Segment,
    Unit,
    check_name,
    pack_archive,
    pack_bare,
    pack_entry,
    read_index,
    read_unit,
)
from codec.container.sections import MAGIC, VERSION
from codec.container.sessions import is_shift
from codec.errors import CodecError, MediaError
from codec.locking import held
from codec.media.info import MAX_PIXELS, Info
from codec.media.video import Video
from codec.media.video.opening import VideoSource
from codec.output import alone, sync, whole_file
from codec.surroundings import on_our_own
from codec.video.chains import videos_of
from codec.video.file import File, info_of

_OPENING = len(MAGIC) + 1  # bytes of a file that are not in an archive
_NEAR = 1.0  # of a quality: another encoder has no step that is nearer


def create(path: str | os.PathLike[str], replace: bool = False) -> None:
    """Begin an archive, without sessions. FileExistsError if there is a file of this name, unless it is to go."""
    with whole_file(Path(path), replace) as fp:
        fp.write(MAGIC + bytes([VERSION]) + pack_archive())


@dataclass(frozen=True)
class Added:
    """What became of a video. `size`: by how many bytes the archive grew."""

    entry: Entry
    header: Header
    size: int

    @property
    def taken(self) -> int:
        """Frames whose pictures are those of earlier sessions."""
        return self.entry.frames - self.entry.own


@contextmanager
def writing(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS, device: str = "auto") -> Iterator[Writer]:
    """An archive to add to, which nobody else does meanwhile; CodecError at once if somebody does."""
    # The second lock is for hard links, whose names have nothing in common.
    with alone(Path(path)), open(path, "rb", buffering=0) as fp, held(fp, path):
        yield Writer(fp, os.fspath(path), Limits(pixels=max_pixels), device)


class Writer:
    """Adds sessions to an archive. `cut`: bytes of an append that didn't finish, which are gone now."""

    def __init__(self, fp: IO[bytes], path: str, limits: Limits, device: str) -> None:
        self._fp, self._path, self._limits, self._device = fp, path, limits, device
        self.archive = self._read()
        self.cut = self.archive.unfinished
        if self.cut:
            with self._for_update() as out:
                out.truncate(self.archive.whole)
                sync(out)
            self.archive = self._read()

    def _read(self) -> Archive:
        return read(self._fp, self._path, self._limits)

    def check_name(self, name: str) -> None:
        """CodecError for a name that no session can have, or that one has."""
        check_name(name)
        if any(placed.entry.name == name for placed in self.archive.entries):
            raise CodecError(f"there is a session {name!r} in it; give another name")

    @on_our_own
    def add(
        self,
        name: str,
        opened: Video,
        part: IO[bytes],
        codec: str | None = None,
        *,
        options: VideoOptions | None = None,
        tell: Callable[[VideoProgress], None] | None = None,
        resume: bool = False,
        jobs: int = 1,
        source: VideoSource | None = None,
        date: int | None = None,
    ) -> Added:
        """Add a video, opened by `codec.media.video.read_video` with the codec's layouts.

        `part`: a file to make its own content in, open for update; with `resume` it holds what an interrupted run had
        written. The other arguments as of `codec.video.encode`. CodecError for a name that is taken.
        """
        self.check_name(name)
        number = len(self.archive.sessions)
        options = replace(options or VideoOptions(frames=opened.expected), earlier=self.archive.earlier(number))
        chosen = codec or codecs.default("video").name
        header = videos_of(chosen).encoder(opened.info, options, self._device).header(opened.info, _some(options))
        hashes = [match.hash_of(picture.planes, opened.info.depth) for picture in opened.pictures()]
        found = self._runs(hashes, opened, options, header)
        spans = match.spans(found, len(hashes))
        if spans:
            options = replace(options, frames=sum(b - a for a, b in spans))
            header, _ = video.encode(
                opened, part, chosen, options=options, device=self._device, max_pixels=self._limits.pixels, tell=tell,
                resume=resume, jobs=jobs, source=source, spans=spans if found else (),
            )  # fmt: skip
        taken = [h for a, b in spans for h in hashes[a:b]]
        return self._commit(name, part, header, match.segments(found, len(hashes), number), taken, len(hashes), date)

    def add_file(self, name: str, part: IO[bytes], date: int | None = None) -> Added:
        """Add a whole .ncf video as it is, all of whose frames become the session's own."""
        self.check_name(name)
        file = video.open_file(part, device=self._device, max_pixels=self._limits.pixels)
        hashes = [match.hash_of(picture.planes, file.header.depth) for picture in file.pictures()]
        return self._commit(name, part, file.header, (), hashes, file.frames, date)

    def _runs(self, hashes: Sequence[int], opened: Video, options: VideoOptions, header: Header) -> list[match.Run]:
        """What earlier sessions have of a video, in at least the quality that is asked for."""
        archive, info, target = self.archive, opened.info, options.target
        wanted = _quality(header)

        def good(number: int) -> bool:
            with suppress(CodecError):  # what is damaged is of no use
                if match.same_kind(archive, number, info):
                    other = archive.header(number)
                    quality = _quality(other) if other.codec == header.codec else None  # else of another scale
                    enough = quality is not None and wanted is not None and quality >= wanted - _NEAR
                    return target.quality is None or enough
            return False

        found = match.runs(hashes, archive, good)
        proved = list(match.proved(found, opened.pictures(), self._owner, info.depth, target.psnr)) if found else []
        made = match.segments(proved, len(hashes), len(archive.sessions))
        fits = len(made) <= self._limits.segments and all(is_shift(s.shift) for s in made)
        return proved if fits else []

    def _owner(self, number: int) -> tuple[str, File]:
        """The name of an earlier session, and its own frames."""
        return open_own(self.archive, number, device=self._device)

    def _commit(
        self, name: str, part: IO[bytes], header: Header, segments: Sequence[Segment], hashes: Sequence[int],
        frames: int, date: int | None,
    ) -> Added:  # fmt: skip
        """Append what is in `part`, or nothing if no frame is its own, and the entry."""
        archive, number = self.archive, len(self.archive.sessions)
        needed = {s.distance for s in segments} - {0}
        content, like = part, 0
        if hashes:
            needed |= _needs(part, header, self._limits)
        elif like := self._like(info_of(header, 0), needed):
            content, needed = io.BytesIO(), needed | {like}
        else:
            content = io.BytesIO(bytes(_OPENING) + pack_bare(header, self._limits))

        @cache
        def file(distance: int) -> tuple[str, File]:
            if distance:
                return self._owner(number - distance)
            pixels, earlier = self._limits.pixels, archive.earlier(number)
            return name, video.open_file(part, device=self._device, max_pixels=pixels, earlier=earlier)

        if hashes and file(0)[1].frames != len(hashes):
            raise MediaError("it gives other frames than before; add it when nothing writes to it")
        session = Session(name, header, frames, segments or [Segment(0, frames)], file)
        digest = digest_of(session.pictures())
        size = max(content.seek(0, os.SEEK_END) - _OPENING, 0)
        entry = Entry(
            number, name, int(time.time()) if date is None else date, frames, size, digest, match.packed(hashes), like,
            tuple(sorted(needed)), tuple(segments),
        )  # fmt: skip
        packed = pack_entry(entry, self._limits)
        content.seek(_OPENING)
        self._append(content, packed)
        self.archive = self._read()
        return Added(entry, header, size + len(packed))

    def _like(self, info: Info, needed: set[int]) -> int:
        """How far back a session is whose head and metadata do for a video like this, one that is needed if there is
        one; 0: there is none."""
        found = 0
        for placed in reversed(self.archive.entries):
            distance = len(self.archive.sessions) - placed.entry.number
            with suppress(CodecError):  # of what is damaged
                if placed.entry.content and info_of(self.archive.header(placed.entry.number), 0) == info:
                    found = found or distance
                    if distance in needed:
                        return distance
        return found

    @contextmanager
    def _for_update(self) -> Iterator[IO[bytes]]:
        """The archive, unless another file has its name now, or it has another size."""
        # Without a buffer, which on a full disk would fail again when it is left, and then write behind the cut.
        with open(self._path, "r+b", buffering=0) as out:
            same = os.path.samestat(os.fstat(out.fileno()), os.fstat(self._fp.fileno()))
            if not same or out.seek(0, os.SEEK_END) != self.archive.whole + self.archive.unfinished:
                raise CodecError(f"{self._path} was changed meanwhile; try again")
            yield out

    def _append(self, content: IO[bytes], entry: bytes) -> None:
        with self._for_update() as out:
            size = out.tell()
            try:
                for data in chain(iter(lambda: content.read(2**20), b""), [entry]):
                    left = memoryview(data)
                    while left:
                        left = left[out.write(left) :]
                sync(out)
            except BaseException:
                out.truncate(size)
                raise


def _needs(part: IO[bytes], header: Header, limits: Limits) -> set[int]:
    """The distances of the sessions that the units in a file are coded against."""
    media = codecs.of(header).videos
    assert media is not None
    index = read_index(part, limits)
    units: Iterator[Unit] = (read_unit(part, index, number, limits) for number in range(len(index.offsets)))
    return set().union(*(media.needs(header, unit) for unit in units))


def _quality(header: Header) -> float | None:
    media = codecs.of(header).videos
    return media.quality(header) if media else None


def _some(options: VideoOptions) -> VideoOptions:
    """Options with a quality, where a header is wanted before one is found."""
    return options if options.target.quality is not None else replace(options, target=VideoOptions().target)
