"""The sound beside a video: its packets copied into a Matroska file in memory, as they are.

Times count from the video's first frame. Sound that begins before it would have negative times, which Matroska can't
hold: such a file begins with the sound, and its tag VIDEO_START says where in it the video does.
"""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av

VIDEO_START = "VIDEO_START"  # seconds, a fraction


class Recorder:
    """Copies the packets of one stream."""

    def __init__(self, stream: av.AudioStream, start: Fraction) -> None:
        """`start`: the time of the video's first frame, in seconds by the file's clock."""
        import av

        self._source = stream
        self._start = start
        self._buffer = io.BytesIO()
        # Bit-exact: no version of the muxer and no number drawn at random goes into the file.
        self._target = av.open(self._buffer, "w", format="matroska", options={"fflags": "+bitexact"})
        self._copy: av.AudioStream | None = None
        self._shift = 0
        self._failed = False

    def add(self, packet: av.Packet) -> None:
        """Copy the next packet."""
        import av

        if self._failed or packet.dts is None:
            return
        try:
            if self._copy is None:
                self._copy = self._begin(packet.time_base, min(packet.dts, packet.pts or packet.dts))
            packet.stream = self._copy
            packet.pts = None if packet.pts is None else packet.pts - self._shift
            packet.dts -= self._shift
            self._target.mux(packet)
        except (av.error.FFmpegError, ValueError):
            self._failed = True

    def finish(self) -> tuple[bytes, list[str]]:
        """The file, b"" if there is no packet in it; and what the user must be told."""
        import av

        try:
            self._target.close()
        except av.error.FFmpegError:
            self._failed = True
        if self._failed:
            kind = self._source.codec_context.name
            return b"", [f"its sound ({kind}) can't be copied and is left out; convert the sound to AAC first"]
        return (self._buffer.getvalue() if self._copy is not None else b""), []

    def _begin(self, base: Fraction, first: int) -> av.AudioStream:
        """Open the stream for packets that begin at `first`, in units of `base` seconds."""
        self._shift = round(self._start / base)
        if first < self._shift:
            self._target.metadata[VIDEO_START] = str((self._shift - first) * base)
            self._shift = first
        return self._target.add_stream_from_template(self._source)
