"""One pass over a file's packets, nothing decoded: how many frames it promises, and a copy of its sound."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from codec.media.video.clock import on_rate
from codec.media.video.ending import Ending
from codec.media.video.opening import whole_packets
from codec.media.video.sound import Recorder

if TYPE_CHECKING:
    import av

_STATES_LENGTH = ("mov", "matroska", "flv")  # their heads do; other lengths are guessed from the rest of the file
_SLACK = 0.5  # seconds by which a head may be wrong
_FINEST = Fraction(1, 2**24)  # seconds
_SECOND = 10**6  # of the container's own clock


class Survey(NamedTuple):
    """`expected` frames, more than there are if the file ends early; `sound`: a Matroska file, b"" for none."""

    expected: int
    sound: bytes
    notes: list[str]
    tick: Fraction | None  # of the pictures' times, if they don't come at a steady rate
    held: Fraction | None  # seconds for which the last picture is shown, if not for as long as at the nominal rate


def survey(
    container: av.container.InputContainer, stream: av.VideoStream, start: Fraction, rate: Fraction, audio: bool
) -> Survey:
    """Look through a newly opened file whose first frame is at `start` seconds."""
    from av.stream import Disposition

    voices = [voice for voice in container.streams.audio if audio and voice.codec_context is not None]
    voices.sort(key=lambda voice: not Disposition(voice.disposition) & Disposition.default)  # which players take
    recorder = Recorder(voices[0], start) if voices else None
    packets = shown = position = 0
    steady, end, ending = True, Fraction(0), Ending(container, stream)
    for packet in whole_packets(container):
        if packet.pts is not None:
            end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
        if packet.stream_index == stream.index:
            packets += 1
            ending.add(packet)
            if steady and packet.pts is not None:
                steady = on_rate(packet.pts * packet.time_base - start, rate, packet.time_base) is not None
            shown += not packet.is_discard
            position = (packet.pos or 0) + packet.size
        elif recorder is not None and packet.stream_index == voices[0].index:
            recorder.add(packet)
    expected = shown + max(0, stream.frames - packets)
    name = container.format.name
    if name == "yuv4mpegpipe":
        expected += position < container.size  # a frame that isn't all there
    elif not stream.frames and name.startswith(_STATES_LENGTH) and container.duration:
        begins = 0 if name.startswith("matroska") else container.start_time or 0  # Matroska's duration counts from 0
        stated = Fraction(container.duration + begins, _SECOND)
        if stated - end > _SLACK:
            expected = max(expected, round((stated - start) * rate))
    sound, notes = recorder.finish() if recorder is not None else (b"", [])
    notes += _left_out(container, len(voices))
    tick = None if steady or not stream.time_base else max(stream.time_base, _FINEST)
    return Survey(expected, sound, notes, tick, ending.held(rate) if expected == shown else None)


def _left_out(container: av.container.InputContainer, voices: int) -> list[str]:
    """What else there is in a file with so many streams of sound, for the user."""
    found = [f"{voices - 1} more of sound"] if voices > 1 else []
    found += [f"{len(container.streams.subtitles)} of subtitles"] if container.streams.subtitles else []
    return [f"these streams are left out: {', '.join(found)}"] if found else []
