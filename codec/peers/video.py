"""x264, x265, SVT-AV1, VP9 and FFV1 through PyAV, for evaluation only: real files in memory, counted like ours.

The container is Matroska, which costs less than MP4 (600 bytes against 960 for ten frames of x264). Encoders run in
one thread, so that a file does not depend on a machine's cores, and the note of their settings that x264 and x265
put into it is left out. FFV1 is lossless.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, cast

import numpy as np

from codec.container import Color
from codec.errors import CodecError
from codec.media.video.layout import Planes, frame_of, mark
from codec.media.video.picture import planes_of
from codec.peers.ffmpeg import BITEXACT, encoder, pyav
from codec.standard import priority

if TYPE_CHECKING:
    import av

_GOP = 250  # frames from one key frame to the next, x264's default, for all


@dataclass(frozen=True)
class VideoCodec:
    """A video encoder of FFmpeg's libraries. `crf`: the lowest and highest, (0, 0) if it is lossless; `speed`: the
    options that set its pace; `bitstream_filter`: what packets pass through last.
    """

    encoder: str
    crf: tuple[int, int]
    speed: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    bitstream_filter: str = ""

    @property
    def key(self) -> str:
        """The key of its specs (codec/evaluate/specs.py)."""
        return "crf" if self.crf[1] else ""

    def description(self, intra: bool = False) -> str:
        """The settings with which it codes planes, for rows."""
        values = " ".join(f"{key}={value}" for key, value in self._options(intra).items())
        return f"{pyav()} {self.encoder} matroska 4:2:0 {values}"

    def require(self) -> None:
        """CodecError if the installed PyAV was built without the encoder."""
        encoder(self.encoder)

    def encode(
        self, frames: Iterable[Planes], color: Color, fps: Fraction, value: float = 0, intra: bool = False
    ) -> bytes:
        """4:2:0 planes of one size, as codec.media.video.Picture has them, of this colour -> the bytes of a file.

        Nothing is converted. `value` is the crf, `intra` allows key frames only. CodecError where there are no frames,
        and for what the encoder refuses.
        """
        made = (frame_of(_even(planes) if self.key else planes, color) for planes in frames)
        return self._file(made, color, fps, value, intra)

    def decode(self, data: bytes, height: int, width: int, color: Color) -> Iterator[Planes]:
        """The bytes of a file of planes of this size and colour -> planes, one frame at a time."""
        import av

        with av.open(io.BytesIO(data), format="matroska") as container:
            for frame in container.decode(video=0):
                y, u, v = planes_of(frame, color)
                yield np.ascontiguousarray(y[:height, :width]), u, v

    def _file(self, frames: Iterator[av.VideoFrame], color: Color, fps: Fraction, value: float, intra: bool) -> bytes:
        import av

        low, high = self.crf
        if self.key and (value != int(value) or not low <= value <= high):
            raise CodecError(f"{self.encoder} takes a whole crf from {low} to {high}, not {value:g}")
        self.require()
        options = self._options(intra) | ({"crf": f"{value:g}"} if self.key else {})
        first = next(frames, None)
        if first is None:
            raise CodecError("there are no frames; give a video that has some")
        buffer = io.BytesIO()
        # SVT-AV1 tells all its settings on stderr, unless this is set before it first runs.
        os.environ.setdefault("SVT_LOG", "0")
        try:
            with av.open(buffer, "w", format="matroska", options=dict([BITEXACT])) as container:
                self._write(container, first, chain([first], frames), color, fps, options)
        except av.error.FFmpegError as error:
            what = f"{first.width} x {first.height} pictures with {options}".translate(_PLAIN)
            raise CodecError(f"{self.encoder} refuses {what}; leave it out for this video") from error
        return buffer.getvalue()

    def _options(self, intra: bool) -> dict[str, str]:
        return {**self.speed, "g": "1" if intra or not self.key else str(_GOP), "threads": "1", **self.options}

    def _write(
        self,
        container: av.container.OutputContainer,
        first: av.VideoFrame,
        frames: Iterable[av.VideoFrame],
        color: Color,
        fps: Fraction,
        options: dict[str, str],
    ) -> None:
        import av

        stream = cast("av.VideoStream", container.add_stream(self.encoder, fps, options))
        stream.height, stream.width, stream.pix_fmt = first.height, first.width, first.format.name
        stream.bit_rate = 0  # PyAV's default would cap the rate of VP9 and SVT-AV1
        mark(stream.codec_context, color)
        with priority.kept():
            container.start_encoding()
        units = av.BitStreamFilterContext(self.bitstream_filter or "null", stream)
        for index, frame in enumerate(frames):
            frame.pts, frame.time_base = index, 1 / fps
            for packet in stream.encode(frame):
                container.mux(units.filter(packet))
        for packet in stream.encode(None):
            container.mux(units.filter(packet))
        container.mux(units.filter(None))


def _even(planes: Planes) -> Planes:
    """Planes of the next even size: an odd picture's last row or column is there twice."""
    y, u, v = planes
    return np.pad(y, ((0, y.shape[0] % 2), (0, y.shape[1] % 2)), "edge"), u, v


_PLAIN = str.maketrans("", "", "{}'")
_MEDIUM = {"preset": "medium"}

VIDEO = {
    "x264": VideoCodec("libx264", (0, 51), _MEDIUM, bitstream_filter="filter_units=remove_types=6"),
    "x265": VideoCodec("libx265", (0, 51), _MEDIUM, {"x265-params": "log-level=error:info=0:pools=1:frame-threads=1"}),
    "svt-av1": VideoCodec("libsvtav1", (1, 63), {"preset": "6"}, {"svtav1-params": "lp=1"}),
    "vp9": VideoCodec("libvpx-vp9", (0, 63), {"cpu-used": "2"}, {"deadline": "good"}),
    "ffv1": VideoCodec("ffv1", (0, 0), options={"level": "3"}),
}
