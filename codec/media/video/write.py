"""Pictures become an mp4, mkv or y4m file or a folder of PNGs, one at a time, with the sound that goes with them.

mp4 is x264 at a quality that adds nothing visible; mkv (FFV1) and y4m hold exactly the planes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain, islice
from math import lcm
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from codec.container import SRGB, Color
from codec.errors import CodecError, MediaError
from codec.media import yuv
from codec.media.info import Info
from codec.media.video import tags
from codec.media.video.ending import Timed
from codec.media.video.layout import Layout, frame_of, mark
from codec.media.video.mux import Sound
from codec.media.video.picture import Picture
from codec.media.write import write
from codec.output import seekable

if TYPE_CHECKING:
    import av

VIDEO_FORMATS = {".mp4": "mp4", ".mkv": "mkv", ".y4m": "y4m"}

_MUXERS = {"mp4": "mp4", "mkv": "matroska"}
_ENCODERS = {
    "mp4": ("libx264", {"crf": "4", "preset": "medium"}),  # 12 would lose more than the networks bring
    "mkv": ("ffv1", {"level": "3", "g": "1"}),
}
_RATE = Fraction(25)  # of what doesn't say
_MKV_TICKS = 1000  # a second; FFmpeg's Matroska writer has no others
_MP4_TICKS = 90_000  # a second, or more to make the times exact
_LATEST = 2**62  # of what counts ticks
_MAX_TICKS = 2**23  # mp4 has 32 bits for the time from one frame to the next: 256 s at least
_WIDE = (9, 10, 11, 12, 22)  # primaries of H.273 whose colours look wrong where they are taken for sRGB's
_HDR = (16, 18)  # and such transfer functions


def write_video(info: Info, pictures: Iterable[Picture], fp: IO[bytes], format: str) -> int:
    """Write all pictures and return how many there were; at most a few are held in memory.

    `format` is a value of VIDEO_FORMATS. mp4 and mkv hold the sound of
    `info.metadata["audio"]`, tags and the pictures' times: mkv to the millisecond, mp4 exactly for a steady rate and to
    6 microseconds for others. y4m holds neither: its pictures follow each other at `info.rate`. An mp4 of an odd width
    or height has colour for every pixel (4:4:4), interpolated, because H.264 has no odd sizes in 4:2:0.

    Raises MediaError if there are no pictures or one is not of `info`'s size, CodecError for a sound that the format
    can't hold and for what FFmpeg refuses.
    """
    pictures = _checked(info, pictures)
    if format == "y4m":
        return _write_y4m(info, pictures, fp)
    with seekable(fp) as file:
        return _write_file(info, pictures, file, format)


def write_folder(info: Info, pictures: Iterable[Picture], folder: Path) -> int:
    """Write each picture as RGB into `folder`, which exists, as frame-000001.png, ...; return how many.

    Wide colours and HDR are tagged; others are taken for sRGB by viewers, as video players show them. Raises MediaError
    as `write_video` does.
    """
    tagged = info.color.primaries in _WIDE or info.color.transfer in _HDR
    color = Color(info.color.primaries, info.color.transfer) if tagged else SRGB
    depth = 8 if info.depth == 8 else 16
    still = Info(info.width, info.height, depth=depth, color=color)
    count = 0
    for count, picture in enumerate(_checked(info, pictures), 1):
        with (folder / f"frame-{count:06}.png").open("wb") as fp:
            write(still, [yuv.to_rgb(picture.planes, info.color, info.depth)], fp)
    return count


def _layout(info: Info) -> Layout:
    return Layout(info.depth, info.chroma)


def _checked(info: Info, pictures: Iterable[Picture]) -> Iterator[Picture]:
    """The same pictures; MediaError for one of another size, and at the end if there was none."""
    if info.color.matrix == 0:
        raise MediaError("colour matrix 0 of H.273 is RGB, and pictures are YCbCr; say which matrix they have")
    sizes = _layout(info).sizes(info.height, info.width)
    count = 0
    for picture in pictures:
        if [plane.shape for plane in picture.planes] != sizes:
            height, width = picture.planes[0].shape
            raise MediaError(f"frame {count} is {width} x {height} in a video of {info.width} x {info.height}")
        yield picture
        count += 1
    if not count:
        raise MediaError("there are no frames to write; give a video that has some")


def _write_y4m(info: Info, pictures: Iterable[Picture], fp: IO[bytes]) -> int:
    rate = info.rate or _RATE
    span, layout = "FULL" if info.color.full_range else "LIMITED", _layout(info)
    aspect = f"{info.aspect.numerator}:{info.aspect.denominator}"
    shape = f"W{info.width} H{info.height} F{rate.numerator}:{rate.denominator} Ip A{aspect}"
    count = 0
    for count, picture in enumerate(pictures, 1):
        if count == 1:
            kind = (
                "420mpeg2" if layout == Layout() else layout.chroma + (f"p{layout.depth}" if layout.depth > 8 else "")
            )
            fp.write(f"YUV4MPEG2 {shape} C{kind} XCOLORRANGE={span}\n".encode())
        fp.write(b"FRAME\n" + b"".join(plane.tobytes() for plane in picture.planes))
    return count


def _write_file(info: Info, pictures: Iterator[Picture], fp: IO[bytes], format: str) -> int:
    import av

    encoder, options = _ENCODERS[format]
    if encoder not in av.codecs_available:
        raise CodecError(f"this PyAV has no {encoder}: pip install --force-reinstall --only-binary av av")
    first = list(islice(pictures, 2))
    audio = info.metadata.get("audio")
    sound = Sound(audio, format) if audio else None
    try:
        # Bit-exact: no version of the muxer and no number drawn at random goes into the file.
        with av.open(fp, "w", format=_MUXERS[format], options={"fflags": "+bitexact"}) as container:
            container.metadata.update(tags.written(info.metadata, format))
            stream = cast("av.VideoStream", container.add_stream(encoder, info.rate or _RATE, options))
            _set_up(stream, info, [picture.time for picture in first], format)
            if sound is not None:
                sound.add_to(container)
            return _encode(container, stream, info, chain(first, pictures), sound, format)
    except av.error.FFmpegError as error:
        before = error.__context__  # of a full disk, say, after which the file couldn't be closed
        if isinstance(before, OSError) and not isinstance(before, av.error.FFmpegError):
            raise before from None
        cause = " ".join(str(error.strerror or error).split())
        raise CodecError(f"{format} can't hold this video ({cause}); write .y4m or a folder instead") from error


def _set_up(stream: av.VideoStream, info: Info, times: list[Fraction], format: str) -> None:
    """Set up a stream for such pictures, the first of which have these times."""
    stream.width, stream.height = info.width, info.height
    stream.codec_context.sample_aspect_ratio = info.aspect
    stream.pix_fmt = _written(info, format).format
    wanted = [*(time.denominator for time in times), (info.rate or _RATE).numerator]
    ticks = _MKV_TICKS if format == "mkv" else _ticks(wanted)
    stream.codec_context.time_base = stream.time_base = Fraction(1, ticks)
    mark(stream.codec_context, info.color)


def _written(info: Info, format: str) -> Layout:
    """The layout in a file: H.264 has no odd sides with less colour."""
    odd = format == "mp4" and (info.width % 2 or info.height % 2)
    return Layout(info.depth, "444") if odd else _layout(info)


def _ticks(wanted: list[int]) -> int:
    """How many ticks a second mp4 counts: a multiple of each of `wanted` in turn that leaves it small enough."""
    ticks = 1
    for count in (*wanted, _MP4_TICKS):
        if lcm(ticks, count) <= _MAX_TICKS:
            ticks = lcm(ticks, count)
    return ticks * -(-_MP4_TICKS // ticks)


def _encode(
    container: av.container.OutputContainer,
    stream: av.VideoStream,
    info: Info,
    pictures: Iterable[Picture],
    sound: Sound | None,
    format: str,
) -> int:
    base = stream.codec_context.time_base
    assert base is not None
    count, last, layout, timed = 0, -1, _written(info, format), Timed(container.mux, format)
    for picture in pictures:
        if sound is not None:
            sound.copy_until(picture.time)
        frame = frame_of(picture.planes, info.color, layout)
        last = max(round(picture.time / base), last + 1)
        if last >= _LATEST:
            raise MediaError(f"frame {count} is shown so late that no file can say it; write .y4m or a folder instead")
        frame.pts, frame.time_base = last, base
        timed.shown(last, round((picture.held or 1 / (info.rate or _RATE)) / base))
        for packet in stream.encode(frame):
            timed.add(packet)
        count += 1
    for packet in stream.encode(None):
        timed.add(packet)
    timed.finish()
    if sound is not None:
        sound.copy_until()
    return count
