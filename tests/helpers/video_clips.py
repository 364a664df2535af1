"""Small clips made through PyAV, for the tests of video."""

import io
import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import cast

import av
import numpy as np

from codec.container import Color
from codec.media.video import Picture, Planes
from codec.media.video.layout import frame_of

RATE = Fraction(25)
BT601 = Color(6, 6, 6, False)


def moving(height: int = 48, width: int = 64, count: int = 12) -> list[Planes]:
    """Planes of soft waves that move, with some noise."""
    rng = np.random.default_rng(0)
    frames = []
    for t in range(count):
        planes = []
        for c, (h, w) in enumerate(((height, width), *[(-(-height // 2), -(-width // 2))] * 2)):
            y, x = np.mgrid[0:h, 0:w]
            wave = 128 + 60 * np.sin((x + 2 * t) / (5 + c)) * np.cos((y - t) / (7 + c))
            planes.append((wave + rng.normal(0, 2, (h, w))).clip(16, 235).astype(np.uint8))
        frames.append(cast(Planes, tuple(planes)))
    return frames


def pictures(frames: Sequence[Planes], rate: Fraction = RATE) -> list[Picture]:
    """The frames at a steady rate."""
    return [Picture(planes, i / rate) for i, planes in enumerate(frames)]


def video_file(
    frames: Sequence[Planes | av.VideoFrame],
    format: str = "matroska",
    encoder: str = "ffv1",
    *,
    times: Sequence[Fraction] | None = None,
    rate: Fraction = RATE,
    color: Color = BT601,
    sound: bool = False,
    sound_start: float = 0,
    held: Fraction | None = None,
    metadata: Mapping[str, str] | None = None,
    **options: str,
) -> bytes:
    """The bytes of a file of these frames; `options` of the muxer; `sound`: a second of a tone in AAC with them.

    `held`: seconds for which the last one is shown, of an encoder that gives packets in the order of frames; `metadata`
    of the file.
    """
    buffer = io.BytesIO()
    first = frames[0] if isinstance(frames[0], av.VideoFrame) else frame_of(frames[0], color)
    base = Fraction(1, 90_000) if encoder in ("ffv1", "libx264") else 1 / rate  # others have none so fine
    with av.open(buffer, "w", format=format, options={"fflags": "+bitexact", **options}) as container:
        container.metadata.update(metadata or {})
        stream = cast(av.VideoStream, container.add_stream(encoder, rate))
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, first.format.name
        context = stream.codec_context
        stream.time_base = context.time_base = base
        context.color_range = 2 if color.full_range else 1
        context.color_primaries, context.color_trc, context.colorspace = color[:3]
        voice = cast(av.AudioStream, container.add_stream("aac", rate=8000)) if sound else None
        if voice is not None:
            voice.layout = "mono"
            container.mux(list(_tone(voice, sound_start)))
        made: list[av.Packet] = []
        for i, planes in enumerate(frames):
            frame = planes if isinstance(planes, av.VideoFrame) else frame_of(planes, color)
            frame.pts, frame.time_base = round((times[i] if times else i / rate) / base), base
            made += stream.encode(frame)
        made += stream.encode(None)
        if held is not None:
            made[-1].duration = round(held / made[-1].time_base)
        container.mux(made)
    return buffer.getvalue()


def turned_file(data: bytes, matrix: Sequence[int]) -> bytes:
    """An mp4 of one stream whose display matrix is a, b, c, d."""
    at = data.index(b"tkhd") + 44
    a, b, c, d = (value << 16 for value in matrix)
    return data[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[at + 36 :]


def packets(data: bytes) -> list[tuple[float, bytes]]:
    """The sound in a file: for each packet its time since the first frame (if there are frames) and its bytes."""
    with av.open(io.BytesIO(data)) as container:
        start = 0.0
        if container.streams.video:
            start = next(container.decode(video=0)).time
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        return [(float(p.pts * p.time_base) - start, bytes(p)) for p in container.demux(stream) if p.size]


def _tone(stream: av.AudioStream, start: float) -> list[av.Packet]:
    made = []
    for i in range(8):
        frame = av.AudioFrame.from_ndarray(
            np.sin(np.arange(i * 1024, (i + 1) * 1024) / 3)[None].astype(np.float32), "fltp", "mono"
        )
        frame.sample_rate, frame.time_base = 8000, Fraction(1, 8000)
        frame.pts = i * 1024 + round(start * 8000)
        made += stream.encode(frame)
    return made + stream.encode(None)


def same(a: Planes, b: Planes) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
