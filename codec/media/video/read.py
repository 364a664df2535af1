"""A video file, opened: what it is, and its pictures one after the other, a few in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from codec.container import Color, pack_last
from codec.errors import MediaError
from codec.media.info import MAX_PIXELS, Info, check_size
from codec.media.video import tags
from codec.media.video.clock import Clock
from codec.media.video.folder import describe, folder_pictures, png_files
from codec.media.video.layout import Layout
from codec.media.video.opening import Version, VideoSource, named, opened, version, video_stream, whole_packets
from codec.media.video.picture import Picture, Turn, color_of, losses, nearest, planes_of, turn_of, turned
from codec.media.video.survey import Survey, survey

if TYPE_CHECKING:
    import av

_RATE = Fraction(25)  # frames a second, where a file doesn't say


@dataclass
class Video:
    """An opened video.

    `info` has the upright size, 3 channels, the depth and chroma of the layout, `frames` 0 (they are known at the end),
    the nominal `rate`, the matrix and range of the planes as `color`, and as metadata {"audio": a Matroska file} if
    there is sound and it is wanted, "tags" (codec/media/video/tags.py), and "last", for how long the last picture is
    shown if that isn't known from the rate. `notes`: what the user must be told, a line each; some come as pictures
    are read.
    `expected`: how many frames the file promises.
    """

    info: Info
    notes: list[str]
    expected: int
    _read: Callable[[], Iterator[Picture]] = field(repr=False)
    version: Version | None = None  # of the file that it is

    def pictures(self) -> Iterator[Picture]:
        """All frames in order, from the first one again with each call. MediaError for a frame of another size, and if
        the file isn't the one any more that was opened."""
        return self._read()


@dataclass(frozen=True)
class _Facts:
    """What the first frame says about all: their stored size, colour, and how they are turned."""

    width: int
    height: int
    color: Color
    layout: Layout
    turn: Turn
    rate: Fraction
    start: Fraction  # the first frame's time in the file
    tick: Fraction  # what the file counts time in
    aspect: Fraction  # of an upright pixel


@dataclass
class _Seen:
    """Packets of a stream that are there in whole, how many of them could not be decoded, and frames that the
    decoder had to mend.
    """

    whole: int = 0
    unreadable: int = 0
    mended: int = 0


def read_video(
    source: VideoSource, *, max_pixels: int = MAX_PIXELS, audio: bool = True, layouts: Sequence[Layout] = (Layout(),),
    strip: bool = False,
) -> Video:  # fmt: skip
    """Open a video: a file that FFmpeg reads, the bytes of one, or a folder of PNGs (25 frames a second, by name).

    Of `layouts`, which always have 8 bits and 4:2:0, pictures get the one that is nearest to the file's. `audio` keeps
    the default stream of sound, packet by packet as it is; `strip` leaves tags out. Raises MediaError for what is no
    video, has no frames or none that can be read; LimitError for frames of more than `max_pixels` pixels, before one is
    decoded; OSError if the file can't be read.
    """
    with named(source):
        if not isinstance(source, bytes) and Path(source).is_dir():
            files = png_files(Path(source))
            info, notes = describe(files, max_pixels)
            return Video(info, notes, len(files), lambda: folder_pictures(files, max_pixels))
        return _file(source, max_pixels, audio, layouts, strip)


def _file(source: VideoSource, max_pixels: int, audio: bool, layouts: Sequence[Layout], strip: bool) -> Video:
    wanted = version(source)
    with opened(source, wanted) as container:
        facts, notes = _facts(container, _prepared(container, max_pixels), layouts)
    with opened(source, wanted) as container:
        found = survey(container, video_stream(container), facts.start, facts.rate, audio)
        said, others = (b"", list[str]()) if strip else tags.found(container.metadata)
    notes += found.notes + others
    width, height = (facts.height, facts.width) if facts.turn.transpose else (facts.width, facts.height)
    values = {"audio": found.sound, "last": pack_last(found.held) if found.held else b"", "tags": said}
    metadata = {name: value for name, value in values.items() if value}
    info = Info(
        width, height, depth=facts.layout.depth, frames=0, rate=facts.rate, color=facts.color, metadata=metadata,
        chroma=facts.layout.chroma, tick=found.tick, aspect=facts.aspect,
    )  # fmt: skip
    return Video(
        info, notes, found.expected, lambda: _pictures(source, wanted, max_pixels, facts, found, notes), wanted
    )


def _prepared(container: av.container.InputContainer, max_pixels: int) -> av.VideoStream:
    stream = video_stream(container)
    check_size(stream.codec_context.width, stream.codec_context.height, max_pixels)
    stream.codec_context.options = {"max_pixels": str(max_pixels)}  # frames may be larger than the file says
    stream.thread_type = "AUTO"
    return stream


def _facts(
    container: av.container.InputContainer, stream: av.VideoStream, layouts: Sequence[Layout]
) -> tuple[_Facts, list[str]]:
    """And what can't be kept."""
    frame = next(_decoded(container, stream, _Seen()), None)
    if frame is None:
        raise MediaError("has no frames that can be read; get a whole copy of it, or convert it to mp4 first")
    layout = nearest(frame, layouts)
    notes = losses(frame, layout)
    turn = turn_of(frame)
    if turn is None:
        notes.append(f"it is turned by {frame.rotation} degrees, which is not done: only quarter turns are")
    if "1" in (
        stream.metadata.get("alpha_mode"),
        stream.metadata.get("ALPHA_MODE"),
    ):  # of VP8 and VP9, whose decoders here don't see it
        notes.append("its transparency is left out")
    ratio = stream.sample_aspect_ratio or Fraction(1)
    aspect = 1 / ratio if turn and turn.transpose else ratio
    rate = _rate(stream)
    tick = stream.time_base or 1 / rate
    start = frame.pts * tick if frame.pts is not None else Fraction(0)
    color = color_of(stream.codec_context, frame)
    return _Facts(frame.width, frame.height, color, layout, turn or Turn(), rate, start, tick, aspect), notes


def _rate(stream: av.VideoStream) -> Fraction:
    """The nominal rate of a stream; 25 frames a second where it doesn't say."""
    average, base, tick = stream.average_rate, stream.base_rate, stream.time_base
    # Of bare DV the average is the count of ticks in a second.
    nonsense = average and base and tick and average * tick >= 1 and 0 < base < average
    stated = base if nonsense else average or stream.guessed_rate
    return stated if stated and stated > 0 else _RATE


def _pictures(
    source: VideoSource, wanted: Version | None, max_pixels: int, facts: _Facts, found: Survey, notes: list[str]
) -> Iterator[Picture]:
    count, expected = 0, found.expected
    clock, seen = Clock(facts.rate, facts.start, facts.tick), _Seen()
    with named(source), opened(source, wanted) as container:
        for frame in _decoded(container, _prepared(container, max_pixels), seen):
            if (frame.width, frame.height) != (facts.width, facts.height):
                raise MediaError(
                    f"frame {count} is {frame.width} x {frame.height}, the ones before it "
                    f"{facts.width} x {facts.height}; cut it in two there, or scale it to one size first"
                )
            planes = turned(planes_of(frame, facts.color, facts.layout), facts.turn)
            count += 1
            yield Picture(planes, clock.time(frame), found.held if count == expected else None)
    line = _damage(count, expected, seen)
    if line and line not in notes:
        notes.append(line)


def _damage(count: int, expected: int, seen: _Seen) -> str:
    """What is missing or looks wrong, a line; "" for nothing. Some codecs have packets that hold no frame."""
    if seen.unreadable:
        return f"is damaged: {count} of {max(expected, count + seen.unreadable)} frames can be read"
    if count < expected and seen.whole < expected:
        return f"ends early: {count} of {expected} frames are there"
    return f"is damaged: {seen.mended} of {count} frames may look wrong" if seen.mended else ""


def _decoded(container: av.container.InputContainer, stream: av.VideoStream, seen: _Seen) -> Iterator[av.VideoFrame]:
    """All frames that can be had; what is damaged is passed over."""
    import av

    for packet in whole_packets(container, stream):
        seen.whole += not packet.is_discard
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            seen.unreadable += 1
        else:
            seen.mended += sum(frame.is_corrupt for frame in frames)
            yield from frames
    try:
        frames = stream.codec_context.decode(None)
    except av.error.FFmpegError:  # which the end of the file is, too
        return
    seen.mended += sum(frame.is_corrupt for frame in frames)
    yield from frames
