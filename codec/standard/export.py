"""A stream goes into an mp4 or mkv file, packet by packet as it is, with the sound beside it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import IO

from codec.container import Header
from codec.errors import CodecError
from codec.media.video.mux import Sound
from codec.output import seekable
from codec.standard.packets import Packet, reordering
from codec.standard.template import opened

FORMATS = {".mp4": "mp4", ".mkv": "mkv"}
_MUXERS = {"mp4": "mp4", "mkv": "matroska"}


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
    delay = reordering(packets())
    count = 0
    with opened(header) as (_, template), seekable(fp) as file:
        try:
            options = {"fflags": "+bitexact"}  # no version of the muxer and no number drawn at random
            with av.open(file, "w", format=_MUXERS[format], options=options) as target:
                made = target.add_stream_from_template(template, opaque=True)
                made.time_base = stream.tick
                made.codec_context.sample_aspect_ratio = stream.aspect
                if sound is not None:
                    sound.add_to(target)
                for packet, dts, duration in _timed(iter(packets()), delay):
                    if sound is not None:
                        sound.copy_until(packet.pts * stream.tick)
                    one = av.Packet(packet.data)
                    one.time_base, one.stream, one.is_keyframe = stream.tick, made, packet.key
                    one.pts, one.dts, one.duration = packet.pts, dts, duration
                    target.mux(one)
                    count += 1
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


def _timed(packets: Iterator[Packet], delay: int) -> Iterator[tuple[Packet, int, int]]:
    """Each packet, when it must be decoded, and for how long it is shown: the times of all, in order, `delay` later."""
    opening = list(islice(packets, delay + 2))
    first = sorted(p.pts for p in opening)
    step = first[1] - first[0] if len(first) > 1 else 1
    waiting: list[int] = []
    for number, packet in enumerate(chain(opening, packets)):
        heapq.heappush(waiting, packet.pts)
        dts = heapq.heappop(waiting) if number >= delay else first[0] - (delay - number) * step
        yield packet, dts, step
