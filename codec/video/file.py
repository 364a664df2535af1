"""Opened .ncf videos: any run of their pictures, a group of frames in memory at a time.

file -> container -> (Header, Units) -> VideoCodec.decode -> pictures -> media.video.write_video
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate
from typing import IO

from codec import container
from codec.codecs import of
from codec.codecs.base import Earlier, Spared, VideoCodec, VideoMedia
from codec.container import Header, Limits, Unit, unpack_last
from codec.errors import CodecError, FormatError, LimitError
from codec.media.info import MAX_PIXELS, Info
from codec.media.video import Picture
from codec.standard.packets import Packet, unpack
from codec.surroundings import each_on_our_own, on_our_own


@dataclass
class File:
    """An opened .ncf video. `frames`: how many it has; `damage`, if it is a list, is told what is not whole."""

    header: Header
    frames: int
    damage: list[CodecError] | None
    _media: VideoMedia
    _codec: VideoCodec
    _unit: Callable[[int], Unit]  # raises FormatError for one that isn't whole
    _counts: tuple[int, ...]  # frames that begin in each unit
    _spared: Spared | None = None
    _firsts: list[int] = field(default_factory=list, repr=False)  # frame of each unit, and the number of all
    _begun: dict[int, int] = field(default_factory=dict, repr=False)  # the unit that the chain of one starts with

    @property
    def info(self) -> Info:
        """What the video is."""
        return info_of(self.header, self.frames)

    def packets(self) -> Iterator[Packet]:
        """Those of the standard stream, as they are."""
        for number in range(len(self._counts)):
            if packed := self._unit(number).packets:
                yield from unpack(packed)

    @each_on_our_own
    def pictures(self, first: int = 0, last: int | None = None) -> Iterator[Picture]:
        """Frames `first` to `last`, both included; only the chains that hold them are read and decoded.

        With `damage`, frames that can't be had are left out: pictures keep their times.
        """
        held = held_of(self.header)
        last = self.frames - 1 if last is None else last
        if not 0 <= first <= last < self.frames:
            raise CodecError(f"there are no frames {first}..{last}: it has {self.frames}, numbered from 0")
        starts, unit = self._starts(), self._chain_of(first)
        while unit < len(self._counts) and starts[unit] <= last:
            number = starts[unit]
            reached = [unit]
            try:
                for picture in self._codec.decode(self.header, self._chain(reached), number, self._spared):
                    if number >= first:
                        yield picture._replace(held=held) if number == self.frames - 1 else picture
                    number += 1
                    if number > last:
                        return
            except CodecError as error:
                if self.damage is None:
                    raise
                reached[0] = self._next_chain(max(reached[0], unit + 1))
                behind = starts[reached[0]]
                self.damage.append(
                    _losing(error, f"frames {number} to {behind - 1} are lost") if number < behind else error
                )
            unit = reached[0]

    def chain_start(self, number: int) -> int:
        """The first frame that is decoded for frame `number`: that of its chain."""
        return self._starts()[self._chain_of(number)]

    def _starts(self) -> list[int]:
        if not self._firsts:
            self._firsts = [0, *accumulate(self._counts)]
        return self._firsts

    def _chain_of(self, number: int) -> int:
        """The unit that the chain of a frame starts with."""
        unit = found = bisect_right(self._starts(), number) - 1
        while found and found not in self._begun and not self._starts_chain(found):
            found -= 1
        first = self._begun.get(found, found)
        self._begun.update(dict.fromkeys(range(found, unit + 1), first))
        return first

    def _chain(self, at: list[int]) -> Iterator[Unit]:
        """Units from number `at[0]` on as far as the chain goes; `at[0]` follows."""
        begun = False
        while at[0] < len(self._counts):
            unit = self._unit(at[0])
            if begun and self._media.starts_chain(self.header, unit):
                return
            begun = True
            at[0] += 1
            yield unit

    def _starts_chain(self, number: int) -> bool:
        try:
            return self._media.starts_chain(self.header, self._unit(number))
        except CodecError:
            if self.damage is None:
                raise
            return False

    def _next_chain(self, number: int) -> int:
        while number < len(self._counts) and not self._starts_chain(number):
            number += 1
        return number


def info_of(header: Header, frames: int) -> Info:
    """What a video with this header is, that has so many frames."""
    h = header
    info = Info(h.width, h.height, 3, h.depth, frames, h.rate, h.color, h.metadata)
    if h.stream is None:
        return info
    aspect = 1 / h.stream.aspect if h.stream.turn & 1 else h.stream.aspect
    return replace(info, chroma=h.stream.chroma, aspect=aspect)


def held_of(header: Header) -> Fraction | None:
    """For how long a video's last picture is shown, if the rate doesn't say it."""
    value = header.metadata.get("last")
    return unpack_last(value) if value else None


def _losing(error: CodecError, what: str) -> CodecError:
    kind = FormatError if isinstance(error, FormatError) else type(error)
    return kind(f"{error} ({what})")


@on_our_own
def open_file(
    fp: IO[bytes],
    *,
    device: str = "auto",
    partial: bool = False,
    max_pixels: int = MAX_PIXELS,
    base: bool = False,
    earlier: Earlier | None = None,
) -> File:
    """Open a seekable .ncf video; nothing is decoded yet.

    `base`: its pictures are those of the standard stream in it, without the networks.
    `partial`: what is whole of a damaged file can be decoded, and `damage` of the result tells of the rest.
    `earlier`: of a session of an archive, those that it may be coded against.
    Raises FormatError for what is not a whole .ncf file, LimitError, WeightsMissing.
    """
    limits = Limits(pixels=max_pixels)
    if partial:
        return _salvaged(fp, limits, device, base, earlier)
    index = container.read_index(fp, limits)
    limits.check_dense(index.header.width, index.header.height, sum(index.lengths), of(index.header).dense)
    opened = _opened(index.header, device, base, earlier)
    check = of(index.header).check
    check(index.header, [Unit(number, 0, 0, b"", frames) for number, frames in enumerate(index.frames)])

    def unit(number: int) -> Unit:
        one = container.read_unit(fp, index, number, limits)
        check(index.header, [one])
        return one

    return File(index.header, index.frame_count, None, *opened, unit, index.frames)


def _salvaged(fp: IO[bytes], limits: Limits, device: str, base: bool, earlier: Earlier | None) -> File:
    """What is whole of a file."""
    fp.seek(0)
    damage: list[CodecError] = []
    header, found = container.salvage(fp, limits, damage)
    whole = [unit for unit in found if isinstance(unit, Unit)]
    size = sum(len(unit.payload) + len(unit.packets) for unit in whole)
    limits.check_dense(header.width, header.height, size, of(header).dense)
    try:  # the index says how many frames a unit has that isn't there; to read it may take as long as all units
        counts = container.read_index(fp, limits, []).frames if len(whole) < len(found) else _frames(whole)
    except (FormatError, LimitError):  # what is there ends with what is wrong with the rest
        *_, error = found
        assert isinstance(error, CodecError)
        units = _completed(whole, error)
        if not units:
            raise
        found, counts = [*units], _frames(units)
        header = replace(header, metadata={k: v for k, v in header.metadata.items() if k != "last"})  # it isn't there
        damage.append(_losing(error, f"frames {sum(counts)} and later are lost"))

    check = of(header).check

    def unit(number: int) -> Unit:
        one = found[number]
        if isinstance(one, CodecError):
            raise one
        check(header, [one])
        return one

    return File(header, sum(counts), damage, *_opened(header, device, base, earlier), unit, counts, _Runs(damage))


def _frames(units: list[Unit]) -> tuple[int, ...]:
    """How many frames begin in each unit."""
    return tuple(unit.frames for unit in units)


def _completed(units: list[Unit], error: CodecError) -> list[Unit]:
    """Units of a file that breaks off, and others for the rest of the frames whose packets are there."""
    last = units.pop() if units and units[-1].damage else None
    left = sum(len(unpack(unit.packets)) for unit in units if unit.packets) - sum(unit.frames for unit in units)
    if left > 0:
        units.append(Unit(len(units), 0, 0, b"", left, damage=error))
    if last is not None and last.packets:
        units.append(last._replace(index=len(units), frames=len(unpack(last.packets))))
    return units


class _Runs:
    """Told of frames that are as the stream has them, since their networks are damaged; makes one line of a run."""

    def __init__(self, damage: list[CodecError]) -> None:
        self._damage = damage
        self._error: CodecError | None = None  # of the last run, its first frame, and the one behind it
        self._first = self._next = 0

    def __call__(self, error: CodecError, first: int, count: int) -> None:
        """Frames `first` to `first` + `count` - 1."""
        if self._error is not None and first == self._next:
            self._damage.pop()
        else:
            self._error, self._first = error, first
        self._next = first + count
        what = f"frames {self._first} to {self._next - 1} are as the stream has them, without networks"
        self._damage.append(_losing(self._error, what))


def _opened(header: Header, device: str, base: bool, earlier: Earlier | None) -> tuple[VideoMedia, VideoCodec]:
    if base and header.stream is None:
        raise CodecError("there is no standard stream in it; leave --base out")
    codec = of(header)
    if codec.videos is not None and header.rate is not None:
        codec.check(header, [])
    if codec.videos is None:
        if header.rate is None:
            raise CodecError("it holds an image, not a video; decode it instead")
        raise FormatError(f"no video codec {codec.name!r} in this version; get a whole copy of the file")
    return codec.videos, codec.videos.decoder(header, device, base, earlier)
