"""Hostile files, made field by field as no writer of ours would: what a few bytes can claim."""

import io
import struct
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from codec.container import Color, Header, Limits, Stream, Unit
from codec.container.fields import varint
from codec.container.header import pack_header
from codec.container.sections import MAGIC, VERSION, section
from codec.container.standard import pack_stream
from codec.weights import FINGERPRINT_BYTES

HUGE = Limits(side=2**32, pixels=2**64, frames=2**32)  # limits under which hostile heads can be written
BIG = ((65535, 4096), (4096, 65535), (16384, 16384), (32768, 8192), (65535, 1), (1, 65535), (65535, 4097))
STEADY = b"\0"  # times of frames
BT601 = Color(6, 6, 6, False)
KEY = b"\1"  # a group of the sine network that starts a chain


class Attack(NamedTuple):
    """A file and the command that is given it, {} for its name; "-" where it comes through standard input."""

    name: str
    data: bytes
    command: tuple[str, ...]
    endless: bytes = b""  # comes after the data again and again, through standard input


def joined(header: Header, sections: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A file of a head and sections as they are given."""
    start = MAGIC + bytes([VERSION]) + section(b"H", pack_header(header, HUGE))
    return start + b"".join(section(tag, payload) for tag, payload in sections)


def file_of(header: Header, units: Sequence[Unit], before: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """A file of these units, `before` them other sections, whose counts and checksums are right."""
    sections = list(before)
    if header.stream is not None:
        sections.append((b"S", pack_stream(header.stream, HUGE)))
    if header.frames == 1 and len(units) == 1:
        fields = struct.pack("<BI", units[0].phase, units[0].checksum)
        return joined(header, [*sections, (b"P", fields + units[0].payload)])
    listed = [varint(len(units)), varint(sum(u.frames for u in units) % 2**64), varint(len(units))]
    for unit in units:
        fields = varint(unit.index) + varint(unit.frames) + struct.pack("<BI", unit.phase, unit.checksum)
        made = [(b"B", unit.packets)] * bool(unit.packets) + [(b"U", fields + unit.payload)]
        sections += made
        listed += [varint(sum(len(section(*one)) for one in made)), varint(unit.frames)]
    end = b"".join(listed) + bytes(4)
    size = len(section(b"Z", end)).to_bytes(4, "little")
    return joined(header, [*sections, (b"Z", end[:-4] + size)])


def sessions(header: Header, units: Sequence[Unit]) -> bytes:
    """A file of as many sessions as units, as if each had been appended."""
    parts, frames = [joined(header, [])], 0
    for number, unit in enumerate(units):
        frames = (frames + unit.frames) % 2**64
        fields = varint(unit.index) + varint(unit.frames) + struct.pack("<BI", unit.phase, unit.checksum)
        made = section(b"U", fields + unit.payload)
        end = b"".join(map(varint, (number + 1, frames, 1, len(made), unit.frames))) + bytes(4)
        size = len(section(b"Z", end)).to_bytes(4, "little")
        parts += [made, section(b"Z", end[:-4] + size)]
    return b"".join(parts)


def sine(width: int = 16, height: int = 16, preset: int = 1, fingerprint: bytes = b"") -> Header:
    """The head of a video of the paper's network."""
    private = bytes([preset])
    return Header(3, 0, width, height, 3, 8, 0, Fraction(25), BT601, fingerprint, private)


def hybrid(width: int = 64, height: int = 48, stream: Stream | None = None) -> Header:
    """The head of a video over a stream."""
    stream = stream or Stream("av1", width, height, "420", Fraction(1, 25))
    private = b"\5\1\x50\1"
    return Header(3, 0, width, height, 3, 8, 0, Fraction(25), BT601, private=private, stream=stream)


def picture(codec: int, width: int, height: int, fingerprint: bytes, private: bytes, channels: int = 3) -> Header:
    """The head of an image."""
    assert len(fingerprint) in (0, FINGERPRINT_BYTES)
    return Header(codec, 0, width, height, channels, fingerprint=fingerprint, private=private)


def as_video(header: Header) -> Header:
    """The same of a video by the image codec."""
    return replace(header, frames=0, rate=Fraction(25), color=BT601)


def sound_file(start: str) -> bytes:
    """A Matroska file of a little sound that says where in it the video starts."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska", options={"fflags": "+bitexact"}) as container:
        container.metadata["VIDEO_START"] = start
        stream = container.add_stream("pcm_s16le", 8000, layout="mono")
        frame = av.AudioFrame("s16", "mono", 800)
        frame.sample_rate, frame.pts = 8000, 0
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def still(width: int, height: int, count: int, frames: int = 1, preset: int = 1, chain: int = 0) -> bytes:
    """A whole video of the paper's network whose groups all show the same; `chain`: how many of these a chain has."""
    from codec.codecs.nirvana import PRESETS as NAMES
    from codec.codecs.nirvana.sine.groups import code_weights
    from codec.codecs.nirvana.sine.latents import Weights
    from codec.codecs.nirvana.sine.presets import PRESETS
    from codec.entropy import Encoder

    shapes = PRESETS[NAMES[preset - 1]].shape.tensors()
    zeros = Weights(
        {name: np.zeros(shape, np.int32) for name, shape in shapes.items()}, np.zeros(len(shapes), np.int32)
    )
    coder = Encoder()
    code_weights(coder, zeros, shapes, None)
    data = coder.finish()
    units = [
        Unit(i, coder.checksum, 0, STEADY + (KEY if not (i % chain if chain else i) else b"\0") + data, frames)
        for i in range(count)
    ]
    return file_of(sine(width, height, preset), units)
