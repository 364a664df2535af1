"""Packets become pictures again: the samples that the standard defines, which are the same on every machine."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from codec.container import Header
from codec.device import threads
from codec.errors import FormatError
from codec.media.video.layout import Layout, Planes, samples
from codec.standard.packets import Packet
from codec.standard.template import opened

if TYPE_CHECKING:
    import av

_ALIGNED = 128  # pixels by which a decoder's buffers may be larger than a picture


def layout_of(header: Header) -> Layout:
    """The layout of the pictures of a header that has a stream."""
    assert header.stream is not None
    return Layout(header.depth, header.stream.chroma)


def decode(header: Header, packets: Iterable[Packet]) -> Iterator[tuple[int, Planes]]:
    """The pictures as they are stored, in the order of their times (in ticks), each with its own.

    `packets` begin with a key frame. FormatError for what can't be decoded and for pictures that are not what the
    header says; as many pictures come as there are packets.
    """
    import av

    stream, layout = header.stream, layout_of(header)
    assert stream is not None
    times: list[int] = []
    count = 0
    with opened(header) as (_, template):
        context = template.codec_context
        context.thread_type, context.thread_count = "AUTO", threads()
        context.options = {"max_pixels": str((stream.width + _ALIGNED) * (stream.height + _ALIGNED))}
        try:
            for packet in packets:
                times.append(packet.pts)
                for frame in context.decode(_packet(packet, stream.tick)):
                    yield _picture(frame, layout, stream.width, stream.height)
                    count += 1
            for frame in context.decode(None):
                yield _picture(frame, layout, stream.width, stream.height)
                count += 1
        except av.error.FFmpegError as error:
            raise FormatError(
                f"its stream can't be decoded ({error.strerror}); get a whole copy of the file"
            ) from error
    if count != len(times):
        raise FormatError(f"its stream has {count} pictures in {len(times)} packets; get a whole copy of the file")


def checksum(pictures: Sequence[Planes], found: int = 0) -> int:
    """CRC-32 of pictures' samples, plane by plane, two bytes each (the low one first) if they have more than 8 bits.

    `found`: that of those before.
    """
    for planes in pictures:
        for plane in planes:
            found = zlib.crc32(plane.astype(plane.dtype.newbyteorder("<"), copy=False).tobytes(), found)
    return found


def _packet(packet: Packet, tick: object) -> av.Packet:
    import av

    # In memory of FFmpeg's own: bytes are given back by the decoder's threads, which wait for the interpreter's lock,
    # while a decoder that is closed holds the lock and waits for its threads.
    made = av.Packet(len(packet.data))
    made.update(packet.data)
    made.pts = packet.pts
    made.time_base = tick  # type: ignore[assignment]
    made.is_keyframe = packet.key
    return made


def _picture(frame: av.VideoFrame, layout: Layout, width: int, height: int) -> tuple[int, Planes]:
    name = frame.format.name.replace("yuvj", "yuv")  # FFmpeg's name for full range
    if (frame.width, frame.height, name) != (width, height, layout.format) or frame.pts is None:
        what = f"{frame.width} x {frame.height} {frame.format.name}"
        raise FormatError(f"its stream holds {what} pictures, not {width} x {height} {layout.format}")
    y, u, v = (samples(frame, i) for i in range(3))
    return frame.pts, (y, u, v)
