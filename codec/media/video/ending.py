"""For how long the last picture is shown: as a file says it, and said in another."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av

_SAY_IT = ("mov", "matroska")  # of others FFmpeg guesses it by the rate
_NEAR = Fraction(1, 1000)  # seconds by which it may differ from that, which Matroska's clock can't tell anyway
_PARTS = 2**31  # numerators and denominators are below


class Ending:
    """Sees the packets of a stream, and knows how its end is timed."""

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self._kind, self._stream = container.format.name, stream
        self._first: int | None = None
        self._last = self._duration = 0
        self._reordered = self._cut = False

    def add(self, packet: av.Packet) -> None:
        """The next one, in the order of the file."""
        if packet.is_discard:
            self._cut = True
        elif packet.pts is not None:
            if self._first is None or packet.pts >= self._last:
                self._last, self._duration = packet.pts, packet.duration or 0
            else:
                self._reordered = True
            self._first = packet.pts if self._first is None else min(self._first, packet.pts)

    def held(self, rate: Fraction) -> Fraction | None:
        """Seconds for which the last picture is shown; None if that is as long as at this rate, or isn't said."""
        tick = self._stream.time_base
        if self._first is None or not tick or not self._kind.startswith(_SAY_IT):
            return None
        duration = self._duration
        if self._kind.startswith("mov") and self._reordered:
            # Durations there are those of decoding; the length of all is the stream's.
            duration = 0 if self._cut else (self._stream.duration or 0) - (self._last - self._first)
        held = duration * tick
        if held <= 0 or abs(held - 1 / rate) <= max(tick, _NEAR) or max(held.numerator, held.denominator) >= _PARTS:
            return None
        return held


class Timed:
    """Packets on their way into a file in which the last picture is shown as long as it should be.

    In Matroska a packet's duration is its picture's. In mp4 it is the time to the next one's decoding, and the sum of
    all is what is shown: the last packet has what that lacks.
    """

    def __init__(self, mux: Callable[[av.Packet], None], format: str) -> None:
        self._mux, self._format = mux, format
        self._waiting: av.Packet | None = None
        self._first: tuple[int, int] | None = None  # the earliest times of showing and of decoding
        self._end: tuple[int, int] | None = None

    def shown(self, time: int, duration: int) -> None:
        """The last picture's so far, in the packets' ticks; said before its packet is there."""
        self._end = time, max(duration, 1)

    def add(self, packet: av.Packet) -> None:
        """The next packet; that before it goes on."""
        if self._waiting is not None:
            self._mux(self._waiting)
        self._waiting = packet
        if packet.pts is None or packet.dts is None:
            return
        first = self._first or (packet.pts, packet.dts)
        self._first = min(first[0], packet.pts), min(first[1], packet.dts)
        if self._end is not None and packet.pts == self._end[0]:
            packet.duration = self._end[1]

    def finish(self) -> None:
        """No more packets come."""
        last = self._waiting
        if last is None:
            return
        if self._format == "mp4" and self._end and self._first and last.pts is not None and last.dts is not None:
            (time, duration), (shown, decoded) = self._end, self._first
            lacking = time + duration - shown - (last.dts - decoded)
            left = time + duration - last.pts  # a writer takes the end of what is shown from the packets' durations
            last.duration = max(lacking, duration) if last.pts == time else max(min(lacking, left), 1)
        self._mux(last)
        self._waiting = None
