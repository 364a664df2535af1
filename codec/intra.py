"""Videos by the image codec: every picture by itself, as the units of its tiles.

The yardstick for the video codec, and what decodes any frame alone. The first unit of a picture has its time in front
of the tile's payload, as a unit of nirvana has.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence

from codec import s2lic
from codec.container import Header, Unit
from codec.container.fields import Cursor
from codec.errors import CodecError, FormatError
from codec.media import Info, yuv
from codec.media.video import Picture
from codec.nirvana import timing
from codec.nirvana.codec import Options, Told
from codec.nirvana.groups import Group
from codec.nirvana.method import planes_error, psnr
from codec.nirvana.units import OTHER, check_video


class Codec:
    """S2LIC with one set of weights on one device, for videos of one size."""

    def __init__(self, codec: s2lic.Codec) -> None:
        self.codec = codec

    def header(self, info: Info, options: Options) -> Header:
        """Of a video; the number of frames is left open. CodecError for options that it doesn't have."""
        if options.target.quality is None or options.seconds is not None:
            raise CodecError("s2lic codes a video at one quality; give --quality, or use --codec nirvana")
        still = s2lic.header_of(self.codec, Info(info.width, info.height), options.target.quality)
        return dataclasses.replace(still, frames=0, rate=info.rate, color=info.color, metadata=info.metadata)

    def groups(self, pictures: Iterable[Picture]) -> Iterator[Group]:
        """Each picture by itself."""
        return (Group([picture], True) for picture in pictures)

    def encode(
        self,
        header: Header,
        grouped: Iterable[Group],
        options: Options,
        tell: Callable[[Told], None] | None = None,
        done: Sequence[Unit] = (),
        first: int = 0,
    ) -> Iterator[Unit]:
        """Units, picture after picture; see codec.nirvana.codec.Codec."""
        assert header.rate is not None and options.target.quality is not None
        still = Info(header.width, header.height)
        tiles = s2lic.unit_count(_still(header))
        index = 0
        for frame, group in enumerate(grouped, first):
            (picture,) = group.pictures
            if index + tiles <= len(done):
                index += tiles
                continue
            rgb = yuv.to_rgb(picture.planes, header.color)
            _, units = self.codec.encode(still, iter([rgb]), options.target.quality)
            made = list(units)
            when = timing.pack([picture.time], frame, header.rate)
            made[0] = made[0]._replace(payload=when + made[0].payload, frames=1)
            # Of a picture that an interruption cut in two, some units are there.
            yield from (u._replace(index=index + u.index) for u in made[max(len(done) - index, 0) :])
            index += tiles
            if tell:
                found = next(self.decode(header, made, frame)).planes
                size = sum(len(u.payload) for u in made)
                tell(Told(frame + 1, psnr(planes_error(found, picture.planes)), 8 * size / rgb[..., 0].size))
        if index < len(done):
            raise CodecError(OTHER)

    def starts_chain(self, header: Header, unit: Unit) -> bool:
        """Whether decoding can begin with a unit."""
        return unit.frames == 1

    def decode(self, header: Header, units: Iterable[Unit], first: int = 0) -> Iterator[Picture]:
        """The pictures of units, which begin with a picture; `first`: its number in the video."""
        check_video(header)
        assert header.rate is not None
        still = _still(header)
        tiles = s2lic.unit_count(still)
        gathered: list[Unit] = []
        for unit in units:
            if unit.frames != (not gathered):
                raise FormatError(
                    f"damaged: unit {unit.index} is not where its picture is; get a whole copy of the file"
                )
            gathered.append(unit)
            if len(gathered) < tiles:
                continue
            cursor = Cursor(gathered[0].payload, f"unit {gathered[0].index}")
            (when,) = timing.unpack(cursor, 1, first, header.rate)
            gathered[0] = gathered[0]._replace(payload=cursor.rest())
            whole = [u._replace(index=i, frames=0) for i, u in enumerate(gathered)]
            (rgb,) = self.codec.decode(still, whole)
            yield Picture(yuv.from_rgb(rgb, header.color), when)
            gathered, first = [], first + 1
        if gathered:
            raise FormatError("truncated: the last picture is not whole; get a whole copy of the file")


def _still(header: Header) -> Header:
    """The header of one of a video's pictures."""
    return dataclasses.replace(header, frames=1, rate=None, metadata={})


def open_codec(header: Header | None, device: str) -> Codec:
    """The codec that encodes (no header), or the one that decodes a file."""
    return Codec(s2lic.open_codec(None if header is None else header.fingerprint, device))
