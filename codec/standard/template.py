"""A Matroska file without packets that says what a stream is: how FFmpeg's libraries take that from us."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from codec.container import Header
from codec.errors import FormatError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_CODECS = {"av1": "V_AV1", "hevc": "V_MPEGH/ISO/HEVC", "h264": "V_MPEG4/ISO/AVC"}
# What turns pictures upright -> mirrored in x, and then turned to the left, in degrees.
_POSES = ((0, 0), (1, 90), (1, 0), (0, 270), (1, 180), (0, 90), (0, 180), (1, 270))


@contextmanager
def opened(header: Header) -> Iterator[tuple[InputContainer, VideoStream]]:
    """A file whose only stream is like the header's; FormatError if FFmpeg can't make it out."""
    import av

    with ExitStack() as stack:
        try:
            file = av.open(io.BytesIO(matroska(header)), format="matroska", options={"protocol_whitelist": ""})
            container = stack.enter_context(file)
            (stream,) = container.streams.video
        except (av.error.FFmpegError, ValueError) as error:
            raise FormatError(f"its stream can't be opened ({error}); get a whole copy of the file") from error
        if stream.codec_context is None:
            raise FormatError("this PyAV has no decoder for its stream: pip install --only-binary av av")
        yield container, stream


def matroska(header: Header) -> bytes:
    """The file of a header that has a stream."""
    stream, color = header.stream, header.color
    assert stream is not None and header.rate is not None
    video = [
        _number(0xB0, stream.width), _number(0xBA, stream.height),
        _element(0x55B0, [
            _number(0x55B1, color.matrix), _number(0x55B9, 2 if color.full_range else 1),
            _number(0x55BA, color.transfer), _number(0x55BB, color.primaries),
        ]),
    ]  # fmt: skip
    if stream.turn:
        mirrored, degrees = _POSES[stream.turn]
        pose = [_number(0x7671, 0), _float(0x7673, 180.0 * mirrored), _float(0x7675, float(degrees))]
        video.append(_element(0x7670, pose))
    track = [
        _number(0xD7, 1), _number(0x73C5, 1), _number(0x83, 1), _number(0x9C, 0),
        _element(0x86, _CODECS[stream.standard].encode()),
        _number(0x23E383, round(10**9 / header.rate)),
        _element(0xE0, video),
    ]  # fmt: skip
    if stream.extradata:
        track.append(_element(0x63A2, stream.extradata))
    kind = _element(0x1A45DFA3, _element(0x4282, b"matroska") + _number(0x4287, 4) + _number(0x4285, 2))
    body = _element(0x1549A966, _number(0x2AD7B1, 10**6)) + _element(0x1654AE6B, _element(0xAE, track))
    return kind + _element(0x18538067, body + _element(0x1F43B675, _number(0xE7, 0)))


def _element(tag: int, content: bytes | list[bytes]) -> bytes:
    data = content if isinstance(content, bytes) else b"".join(content)
    name = tag.to_bytes((tag.bit_length() + 7) // 8, "big")
    return name + (2**56 | len(data)).to_bytes(8, "big") + data


def _number(tag: int, value: int) -> bytes:
    return _element(tag, value.to_bytes(max((value.bit_length() + 7) // 8, 1), "big"))


def _float(tag: int, value: float) -> bytes:
    return _element(tag, struct.pack(">d", value))
