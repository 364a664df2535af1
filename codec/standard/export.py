"""A stream goes into an mp4 or mkv file, packet by packet as it is, with the sound beside it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain, islice
from typing import IO

from codec.container import Header, unpack_last
from codec.errors import CodecError, FormatError
from codec.media.video import tags
from codec.media.video.ending import Timed
from codec.media.video.mux import Sound
from codec.output import seekable
from codec.standard.packets import Packet, reordering
from codec.standard.template import opened

FORMATS = {".mp4": "mp4", ".mkv": "mkv"}
_MUXERS = {"mp4": "mp4", "mkv": "matroska"}
_FINER = 1000  # parts of a tick at most, and
_MAX_TICKS = 2**31  # ticks a second


def export(header: Header, packets: Callable[[], Iterable[Packet]], fp: IO[bytes], format: str) -> int:
    """Write a file of the stream and return how many packets it has; `format` is a value of FORMATS.

    `packets` gives them all, from the first one again with each call. CodecError for what the format can't hold.
    """
    import av

    stream = header.stream
    if stream is None:
        raise CodecError("there is no standard stream in it to export; decode it instead")
    audio = header.metadata.get("audio")
    sound = Sound(audio, format) if audio else None
    delay, last = reordering(packets()), max((packet.pts for packet in packets()), default=None)
    if last is None:
        raise FormatError("damaged: its stream has no packets; get a whole copy of the file")
    count = 0
    with opened(header) as (_, template), seekable(fp) as file:
        try:
            options = {"fflags": "+bitexact"}  # no version of the muxer and no number drawn at random
            with av.open(file, "w", format=_MUXERS[format], options=options) as target:
                target.metadata.update(tags.written(header.metadata, format))
                made = target.add_stream_from_template(template, opaque=True)
                base, usual, held = _times(header)
                made.time_base = base
                made.codec_context.sample_aspect_ratio = stream.aspect
                made.codec_context.framerate = header.rate
                if sound is not None:
                    sound.add_to(target)
                timed, scale = Timed(target.mux, format), int(stream.tick / base)
                timed.shown(last * scale, held)
                for packet, dts in _timed(iter(packets()), delay):
                    if sound is not None:
                        sound.copy_until(packet.pts * stream.tick)
                    one = av.Packet(packet.data)
                    one.time_base, one.stream, one.is_keyframe = base, made, packet.key
                    one.pts, one.dts, one.duration = packet.pts * scale, dts * scale, usual
                    timed.add(one)
                    count += 1
                timed.finish()
                if sound is not None:
                    sound.copy_until()
        except (av.error.FFmpegError, ValueError) as error:
            # What came before is of a full disk, say, after which the file couldn't be closed.
            for cause in (error, error.__context__):
                if isinstance(cause, OSError | CodecError) and not isinstance(cause, av.error.FFmpegError):
                    raise cause from None
            what = " ".join(str(getattr(error, "strerror", None) or error).split())
            raise CodecError(f"{format} can't hold this stream ({what}); decode it instead") from error
    return count


def _times(header: Header) -> tuple[Fraction, int, int]:
    """What the file counts time in, in seconds: a tick, or a part of it that tells how long the last picture is shown;
    for how many of them a picture is shown at the nominal rate, and for how many the last one is.
    """
    assert header.rate is not None and header.stream is not None
    tick, last = header.stream.tick, header.metadata.get("last")
    usual, held = 1 / header.rate, unpack_last(last) if last else 1 / header.rate
    base = tick / ((held / tick).limit_denominator(_FINER).denominator if last else 1)
    if base.denominator >= _MAX_TICKS:
        base = tick
    return base, max(round(usual / base), 1), max(round(held / base), 1)


def _timed(packets: Iterator[Packet], delay: int) -> Iterator[tuple[Packet, int]]:
    """Each packet, and when it must be decoded: the times of all, in order, `delay` later."""
    opening = list(islice(packets, delay + 2))
    first = sorted(p.pts for p in opening)
    step = first[1] - first[0] if len(first) > 1 else 1
    waiting: list[int] = []
    for number, packet in enumerate(chain(opening, packets)):
        heapq.heappush(waiting, packet.pts)
        yield packet, heapq.heappop(waiting) if number >= delay else first[0] - (delay - number) * step
