"""The sound of a video goes into another file: packets copied as they are, in step with the pictures."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from codec.errors import CodecError, FormatError
from codec.media.video.sound import VIDEO_START

if TYPE_CHECKING:
    import av

_SECONDS = re.compile(r"\d{1,18}(/\d{1,18})?", re.ASCII)

# What players take there: FFmpeg writes more.
_MP4 = ("aac", "mp3", "mp3float", "opus", "libopus", "flac", "alac", "ac3", "eac3")


class Sound:
    """The stream of sound of a Matroska file as codec/media/video/sound.py makes it."""

    def __init__(self, data: bytes, format: str) -> None:
        """FormatError for bytes that are no such file, CodecError for a sound that `format`, "mp4" or "mkv", can't
        hold.
        """
        import av

        try:
            self._file = av.open(io.BytesIO(data), "r", format="matroska", options={"protocol_whitelist": ""})
            (self._source,) = self._file.streams.audio
            self._start = _start(self._file.metadata.get(VIDEO_START, "0"))
        except (av.error.FFmpegError, ValueError, ZeroDivisionError) as error:
            raise FormatError(_DAMAGED) from error
        context = self._source.codec_context
        if context is None:
            raise FormatError(_DAMAGED)
        if format == "mp4" and context.name not in _MP4:
            raise CodecError(f"mp4 can't hold {context.name} sound; write .mkv, or leave it out with --no-audio")

    def add_to(self, target: av.container.OutputContainer) -> None:
        """Make the stream for it in a file whose other streams are there already."""
        self._target = target
        try:
            self._copy = target.add_stream_from_template(self._source)
        except ValueError as error:  # of a format that it isn't for
            raise FormatError(_DAMAGED) from error
        self._packets = self._timed()
        self._next = next(self._packets, None)

    def copy_until(self, time: Fraction | None = None) -> None:
        """Hand on what begins before `time`, in seconds; all that is left without one."""
        while self._next is not None and (time is None or self._next[0] < time):
            self._target.mux(self._next[1])
            self._next = next(self._packets, None)

    def _timed(self) -> Iterator[tuple[Fraction, av.Packet]]:
        """Packets after their times.

        Matroska rounds these to milliseconds. Packets of a fixed number of samples get times that lie so far apart,
        because players stumble over others in mp4.
        """
        import av

        context = self._source.codec_context
        rate, size = context.sample_rate or 1000, context.frame_size
        last, length = None, Fraction(0)  # of the packet before
        try:
            for packet in self._file.demux(self._source):
                if not packet.size or packet.pts is None:
                    continue
                base = packet.time_base
                time = packet.pts * base - self._start
                if last is not None and size and abs(last + length - time) <= base:
                    time = last + length
                # The last packet of an mp4 is lost if it has no duration, and Matroska says none for some codecs.
                gap = time - last if last is not None else Fraction(0)
                length = Fraction(size, rate) if size else (packet.duration or 0) * base or gap
                last = time
                packet.time_base = Fraction(1, rate)
                packet.pts = packet.dts = round(time * rate)
                packet.duration = round(length * rate)
                packet.stream = self._copy
                yield time, packet
        except (av.error.FFmpegError, OverflowError) as error:  # the latter of times beyond all sense
            raise FormatError(_DAMAGED) from error


def _start(text: str) -> Fraction:
    """Seconds, as Fraction writes them; ValueError for anything else: of an exponent it would make all digits."""
    if not _SECONDS.fullmatch(text):
        raise ValueError(text)
    return Fraction(text)


_DAMAGED = "the sound in it is damaged; get a whole copy of the file, or leave it out with --no-audio"
