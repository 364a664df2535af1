"""Videos by the image codec: every picture by itself, as the units of its tiles.

The yardstick for the video codec, and what decodes any frame alone. The first unit of a picture has its time in front
of the tile's payload, as a unit of nirvana has.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from codec.codecs.base import ChainTask, Spared
from codec.codecs.options import ImageOptions, VideoOptions, VideoProgress
from codec.codecs.s2lic import image
from codec.codecs.s2lic.head import check_video
from codec.container import Header, Unit, times
from codec.container.fields import Cursor
from codec.errors import CodecError, FormatError
from codec.media import Info, yuv
from codec.media.distortion import errors, psnr_611
from codec.media.video import Picture


class S2licVideos:
    """S2LIC with one set of weights on one device, for videos of one size."""

    length = 32  # frames that are worked on by one process at a time
    steps = 0

    def __init__(self, codec: image.S2licImages) -> None:
        self.codec = codec

    def header(self, info: Info, options: VideoOptions) -> Header:
        """See VideoCodec. CodecError for options that it doesn't have."""
        assert options.target.quality is not None
        if options.seconds is not None:
            raise CodecError("s2lic fits nothing; leave --time-budget out, or use --codec nirvana")
        still = image.header_of(self.codec, Info(info.width, info.height), options.target.quality)
        return dataclasses.replace(still, frames=0, rate=info.rate, color=info.color, metadata=info.metadata)

    def encode(self, header: Header, task: ChainTask, done: Sequence[Unit]) -> Iterator[Unit]:
        """See VideoCodec."""
        quality, first = task.options.target.quality, task.chain.first
        assert header.rate is not None and quality is not None
        still, tiles = Info(header.width, header.height), image.unit_count(_still(header))
        for number, picture in enumerate(task.pictures()):
            missing = (number + 1) * tiles - len(done)
            if missing <= 0:
                continue
            rgb = yuv.to_rgb(picture.planes, header.color)
            made = list(self.codec.encode(still, iter([rgb]), ImageOptions(quality=quality))[1])
            when = times.pack([picture.time], first + number, header.rate)
            made[0] = made[0]._replace(payload=when + made[0].payload, frames=1)
            # Of a picture that an interruption cut in two, some units are there.
            yield from (u._replace(index=number * tiles + u.index) for u in made[-min(missing, tiles) :])
            found = next(self.decode(header, made, first + number)).planes
            size = 8 * sum(len(u.payload) for u in made) / rgb[..., 0].size
            task.tell(VideoProgress("fit", 1, psnr_611(errors(found, picture.planes)), size))

    def decode(
        self, header: Header, units: Iterable[Unit], first: int = 0, spared: Spared | None = None
    ) -> Iterator[Picture]:
        """The pictures of units, which begin with a picture; `first`: its number in the video."""
        check_video(header)
        assert header.rate is not None
        still = _still(header)
        tiles = image.unit_count(still)
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
            (when,) = times.unpack(cursor, 1, first, header.rate)
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


def open_encoder(options: VideoOptions, device: str) -> S2licVideos:
    """The codec that encodes by default."""
    if options.preset is not None or options.base is not None:
        raise CodecError("s2lic has no presets and no base; leave them out, or use --codec nirvana")
    return S2licVideos(image.open_codec(options.weights, device))


def open_decoder(header: Header, device: str) -> S2licVideos:
    """The codec whose weights a file names."""
    return S2licVideos(image.open_codec(header.fingerprint, device))
