"""The times of frames: exact fractions that always go up."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av


class Clock:
    """Gives each frame of a stream its time after the first one.

    A variable rate is kept. Matroska and Flash count whole milliseconds: a time that is a multiple of the steady
    rate within what their count can tell is that multiple. A frame without a time, or one that isn't later than the
    frame before it, follows that at the steady rate.
    """

    def __init__(self, rate: Fraction, start: Fraction, tick: Fraction) -> None:
        """`rate` in frames a second; the first frame's time, and the unit in which frames have theirs, in seconds."""
        self._rate, self._start, self._tick = rate, start, tick
        self._last: Fraction | None = None

    def time(self, frame: av.VideoFrame) -> Fraction:
        """Seconds from the first frame to this one, the next."""
        last, found = self._last, self._stated(frame)
        if last is None:
            found = Fraction(0)
        elif found is None or found <= last:
            found = last + 1 / self._rate
        self._last = found
        return found

    def _stated(self, frame: av.VideoFrame) -> Fraction | None:
        if frame.pts is None:
            return None
        time = frame.pts * self._tick - self._start
        steady = on_rate(time, self._rate, self._tick)
        return time if steady is None else steady


def on_rate(time: Fraction, rate: Fraction, tick: Fraction) -> Fraction | None:
    """The multiple of 1 / `rate` that a time is, as far as one counted in ticks can tell; None if it is none."""
    steady = round(time * rate) / rate
    return steady if 2 * abs(steady - time) <= tick else None
