"""The encoders of standard streams: their scales, presets and what they take; a run of frames becomes packets.

They get as many threads as leave the bytes alone, so that a stream doesn't depend on a machine's cores.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from codec.container import Color
from codec.errors import CodecError
from codec.media.video.layout import Layout, Planes, frame_of, mark
from codec.standard import priority
from codec.standard.packets import Packet

if TYPE_CHECKING:
    import av

TOP = 250  # frames from one key frame to the next at most
_FASTEST = Fraction(240)  # frames a second that encoders are told of: SVT-AV1 refuses more, and times are apart from it
STEPS = 4  # of a factor: it is stored and searched in quarters
_SVT = ("10", "8", "6", "5", "4", "3", "2", "1", "0")
_X26X = ("superfast", "fast", "medium", "slow", "slow", "slower", "slower", "veryslow", "placebo")


@dataclass(frozen=True)
class Encoder:
    """One of FFmpeg's encoders. `number`: in heads, never reused; `factors`: the rate factor at quality 0 and 100;
    `presets`: for an effort of 1 to 9; `least`: pixels of the smallest side (x265 4.1 crashes on 48 x 32); `even`:
    sides have to be."""

    number: int
    name: str
    standard: str  # a key of codec.container.STANDARDS
    factors: tuple[float, float]
    presets: tuple[str, ...]
    layouts: tuple[Layout, ...]
    least: int
    even: bool

    def factor(self, quality: float) -> float:
        """The rate factor of a quality from 0 to 100, in quarters."""
        low, high = self.factors
        return round((low + (high - low) * quality / 100) * STEPS) / STEPS

    def quality(self, factor: float) -> float:
        """The inverse of `factor`."""
        low, high = self.factors
        return 100 * (low - factor) / (low - high)

    @property
    def steps(self) -> int:
        """How many qualities differ, less one."""
        low, high = self.factors
        return round(STEPS * (low - high))

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the pictures that it can code and that hold those of this size."""
        width, height = max(width, self.least), max(height, self.least)
        return (width + width % 2, height + height % 2) if self.even else (width, height)

    def open(self, stream: Settings, effort: int, factor: float, threads: int) -> av.VideoCodecContext:
        """An encoder, ready for frames. CodecError for what it refuses."""
        import av

        os.environ.setdefault("SVT_LOG", "0")  # else SVT-AV1 tells its settings, and complains where it is stopped
        if self.name not in av.codecs_available:
            raise CodecError(f"this PyAV has no {self.name}: pip install --force-reinstall --only-binary av av")
        context = av.CodecContext.create(self.name, "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = stream.width, stream.height, stream.layout.format
        context.sample_aspect_ratio = stream.aspect
        context.bit_rate = 0  # PyAV's default would cap the rate of SVT-AV1
        context.time_base, context.framerate = stream.tick, min(stream.rate, _FASTEST)
        context.flags |= av.codec.context.Flags.global_header
        context.options = self._options(self.presets[effort - 1], factor, threads)
        mark(context, stream.color)
        try:
            with priority.kept():
                context.open()
        except av.error.FFmpegError as error:
            raise CodecError(f"{self.name} refuses this video ({error.strerror}); choose another --base") from error
        return context

    def _options(self, preset: str, factor: float, threads: int) -> dict[str, str]:
        options = {"preset": preset, "g": str(TOP)}
        if self.standard == "av1":
            return options | {"svtav1-params": f"crf={factor:g}:lp={threads}"}
        if self.standard == "hevc":
            return options | {
                "crf": f"{factor:g}",
                "x265-params": f"log-level=error:info=0:frame-threads=1:pools={threads}",
            }
        return options | {"crf": f"{factor:g}", "threads": "1"}  # x264's bytes depend on their number


@dataclass(frozen=True)
class Settings:
    """What an encoder has to know of a video: the size of what it gets, its samples, colour and time."""

    width: int
    height: int
    layout: Layout
    color: Color
    rate: Fraction
    tick: Fraction
    aspect: Fraction = Fraction(1)


def _layouts(*chroma: str) -> tuple[Layout, ...]:
    return tuple(Layout(depth, kind) for kind in chroma for depth in (8, 10))


ENCODERS = {
    "svt-av1": Encoder(1, "libsvtav1", "av1", (63, 7), _SVT, _layouts("420"), 16, False),
    "x265": Encoder(2, "libx265", "hevc", (39, 8.5), _X26X, _layouts("420", "422", "444"), 64, True),
    "x264": Encoder(3, "libx264", "h264", (39, 8.5), _X26X, _layouts("420", "422", "444"), 2, True),
}  # fmt: skip


def encode(
    encoder: Encoder, settings: Settings, frames: Iterable[tuple[int, Planes]], effort: int, factor: float, threads: int
) -> Iterator[Packet]:
    """The packets of frames (time in ticks, planes), which begin with a key frame and need nothing before it."""
    import av

    context = encoder.open(settings, effort, factor, threads)
    try:
        for pts, planes in frames:
            frame = frame_of(padded(planes, settings), settings.color, settings.layout)
            frame.pts, frame.time_base = pts, settings.tick
            yield from _packets(context.encode_lazy(frame), encoder)
        yield from _packets(context.encode_lazy(None), encoder)
    except av.error.FFmpegError as error:
        raise CodecError(f"{encoder.name} fails on this video ({error.strerror}); choose another --base") from error


def padded(planes: Planes, settings: Settings) -> Planes:
    """Planes of the encoder's size: the last row and column are repeated."""
    height, width = planes[0].shape
    if (height, width) == (settings.height, settings.width):
        return planes
    sides = [(settings.height, settings.width), *[settings.layout.chroma_size(settings.height, settings.width)] * 2]
    y, u, v = (
        np.pad(p, ((0, high - p.shape[0]), (0, wide - p.shape[1])), "edge")
        for p, (high, wide) in zip(planes, sides, strict=True)
    )
    return y, u, v


def _packets(found: Iterable[av.Packet], encoder: Encoder) -> Iterator[Packet]:
    for packet in found:
        assert packet.pts is not None
        data = bytes(packet)
        # What x264 writes about itself isn't worth its bytes.
        yield Packet(packet.pts, packet.is_keyframe, without_notes(data) if encoder.standard == "h264" else data)


def without_notes(data: bytes) -> bytes:
    """H.264 units after their start codes, without those of supplemental information (type 6)."""
    starts = [found.start() for found in re.finditer(b"\0?\0\0\1", data)]
    units = [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]
    return b"".join(unit for unit in units if unit[unit.index(1) + 1] & 31 != 6)
