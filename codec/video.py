"""Videos to .ncf files and back, a group of frames in memory at a time.

source -> media.video.read_video -> (Info, pictures) -> Codec.encode -> Units -> container, front to back
file -> container -> (Header, Units) -> Codec.decode -> pictures -> media.video.write_video
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import IO, Any

from codec import container
from codec.container import Header, Limits, Unit
from codec.errors import CodecError, FormatError
from codec.media.info import MAX_PIXELS, Info
from codec.media.video import Picture, Video
from codec.nirvana.units import OTHER

CODECS = {"nirvana": "codec.nirvana.codec", "s2lic": "codec.intra"}
DEFAULT = "nirvana"


def encode(
    video: Video,
    fp: IO[bytes],
    codec: str = DEFAULT,
    *,
    options: Any = None,
    preset: str | None = None,
    device: str = "auto",
    max_pixels: int = MAX_PIXELS,
    tell: Callable[[Any], None] | None = None,
    resume: bool = False,
    jobs: int = 1,
    source: Any = None,
) -> tuple[Header, int]:
    """Compress a video, opened by `codec.media.video.read_video`, into a binary file, front to back.

    Returns the file's header, and how many frames it has.

    `options`: codec.nirvana.codec.Options. `preset` (nirvana): "grid", or one of the paper's network. `tell` is called
    with a codec.nirvana.codec.Told after each group. `resume`: `fp` is open for update and holds what an interrupted
    run of the same call had written, and this one goes on from there. `jobs`: processes that encode chains at once,
    each reading `source`, the same that `read_video` was given. CodecError for wrong arguments, MediaError for
    a video that can't be read to its end.
    """
    from codec.nirvana.codec import Options

    options = options or Options(frames=video.expected)
    opened = open_codec(codec, None, video.info, device, preset)
    header = opened.header(video.info, options)
    limits = Limits(pixels=max_pixels)
    done = _unfinished(fp, header, limits) if resume else []
    rest: Iterator[Unit]
    if jobs > 1:
        from codec import chains

        done = chains.whole(opened, header, done)
        work = chains.Work(source, max_pixels, codec, preset, device, header, options)
        rest = chains.encode(work, video, opened, jobs, tell, done)
    else:
        rest = opened.encode(header, opened.groups(video.pictures()), options, tell, done)
    if resume:
        fp.seek(0)
        rest = chain(done, _cut(fp), rest)
    frames = 0

    def flushed() -> Iterator[Unit]:
        """Each unit is in the file before the next is worked on, so that an interrupted run can go on from there."""
        nonlocal frames
        for unit in rest:
            frames += unit.frames
            yield unit
            fp.flush()

    container.write(fp, header, flushed(), limits)
    return header, frames


def _cut(fp: IO[bytes]) -> Iterator[Unit]:
    """No unit: what a resumed file has beyond its whole ones goes. These were written over with what they are, so
    that no moment is without them."""
    fp.truncate()
    yield from ()


def _unfinished(fp: IO[bytes], header: Header, limits: Limits) -> list[Unit]:
    """The whole units of what an interrupted run left; CodecError if that was another video or another call."""
    fp.seek(0)
    units: list[Unit] = []
    try:
        found, whole = container.read(fp, limits)
    except FormatError:
        return []
    if found != header:
        raise CodecError(OTHER)
    with suppress(FormatError):  # it breaks off where the run was interrupted; what came before is in the list
        units.extend(whole)
    return units


@dataclass
class File:
    """An opened .ncf video. `frames`: how many it has; `damage`, if it is a list, is told what is not whole."""

    header: Header
    frames: int
    damage: list[CodecError] | None
    _codec: Any
    _unit: Callable[[int], Unit]  # raises FormatError for one that isn't whole
    _counts: tuple[int, ...]  # frames that begin in each unit

    @property
    def info(self) -> Info:
        """What the video is."""
        h = self.header
        return Info(h.width, h.height, 3, 8, self.frames, h.rate, h.color, h.metadata)

    def pictures(self, first: int = 0, last: int | None = None) -> Iterator[Picture]:
        """Frames `first` to `last`, both included; only the chains that hold them are read and decoded.

        With `damage`, frames that can't be had are left out: pictures keep their times.
        """
        last = self.frames - 1 if last is None else last
        if not 0 <= first <= last < self.frames:
            raise CodecError(f"there are no frames {first}..{last}: it has {self.frames}, numbered from 0")
        starts = [0, *accumulate(self._counts)]
        unit = next(u for u, start in enumerate(starts[1:]) if start > first)
        while unit and not self._starts_chain(unit):
            unit -= 1
        while unit < len(self._counts) and starts[unit] <= last:
            number = starts[unit]
            reached = [unit]
            try:
                for picture in self._codec.decode(self.header, self._chain(reached), number):
                    if number >= first:
                        yield picture
                    number += 1
                    if number > last:
                        return
            except CodecError as error:
                if self.damage is None:
                    raise
                reached[0] = self._next_chain(max(reached[0], unit + 1))
                self.damage.append(_losing(error, f"frames {number} to {starts[reached[0]] - 1} are lost"))
            unit = reached[0]

    def _chain(self, at: list[int]) -> Iterator[Unit]:
        """Units from number `at[0]` on as far as the chain goes; `at[0]` follows."""
        begun = False
        while at[0] < len(self._counts):
            unit = self._unit(at[0])
            if begun and self._codec.starts_chain(self.header, unit):
                return
            begun = True
            at[0] += 1
            yield unit

    def _starts_chain(self, number: int) -> bool:
        try:
            return bool(self._codec.starts_chain(self.header, self._unit(number)))
        except CodecError:
            if self.damage is None:
                raise
            return False

    def _next_chain(self, number: int) -> int:
        while number < len(self._counts) and not self._starts_chain(number):
            number += 1
        return number


def _losing(error: CodecError, what: str) -> CodecError:
    kind = FormatError if isinstance(error, FormatError) else type(error)
    return kind(f"{error} ({what})")


def open_file(fp: IO[bytes], *, device: str = "auto", partial: bool = False, max_pixels: int = MAX_PIXELS) -> File:
    """Open a seekable .ncf video; nothing is decoded yet.

    `partial`: what is whole of a damaged file can be decoded, and `damage` of the result tells of the rest.
    Raises FormatError for what is not a whole .ncf file, LimitError, WeightsMissing.
    """
    limits = Limits(pixels=max_pixels)
    if partial:
        fp.seek(0)
        header, found = container.salvage(fp, limits)
        damage: list[CodecError] = []
        try:
            counts = container.read_index(fp, limits).frames
        except FormatError:  # what is there ends with what is wrong with the rest
            *whole, error = found
            found = whole
            counts = tuple(u.frames for u in whole if isinstance(u, Unit))
            if not whole:
                raise
            if isinstance(error, FormatError):
                damage.append(_losing(error, f"frames {sum(counts)} and later are lost"))

        def unit(number: int) -> Unit:
            one = found[number]
            if isinstance(one, FormatError):
                raise one
            return one

        opened = open_codec(header.codec_name, header, None, device, None)
        return File(header, sum(counts), damage, opened, unit, counts)
    index = container.read_index(fp, limits)
    opened = open_codec(index.header.codec_name, index.header, None, device, None)
    return File(
        index.header, index.frame_count, None, opened,
        lambda number: container.read_unit(fp, index, number, limits), index.frames,
    )  # fmt: skip


def open_codec(codec: str, header: Header | None, info: Info | None, device: str, preset: str | None) -> Any:
    """The codec of this name, to encode a video (`info`) or to decode one (`header`)."""
    if codec not in CODECS:
        raise CodecError(f"no video codec {codec!r} in this version; choose one of {', '.join(CODECS)}")
    module = importlib.import_module(CODECS[codec])
    if codec == "nirvana":
        size = header or info
        assert size is not None
        return module.open_codec(header, size.height, size.width, device, preset or "grid")
    if preset is not None:
        raise CodecError(f"{codec} has no presets; leave --preset out, or use --codec nirvana")
    return module.open_codec(header, device)
