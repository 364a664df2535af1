"""The stream of a video file, kept as it is: its packets and what they need, nothing encoded again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from codec import urls
from codec.container import CHROMA, STANDARDS, Stream
from codec.errors import MediaError
from codec.media import MAX_PIXELS, Info
from codec.media.video import Layout, Turn, read_video, turn_of
from codec.media.video.opening import Version, VideoSource, named, opened, video_stream, whole_packets
from codec.standard.packets import Packet

LAYOUTS = tuple(Layout(depth, chroma) for chroma in CHROMA for depth in (8, 10))


@dataclass(frozen=True)
class Kept:
    """An opened file. `info`: of its upright pictures, as `read_video` has it; `notes` for the user."""

    info: Info
    notes: list[str]
    expected: int
    stream: Stream
    source: VideoSource
    version: Version | None
    start: Fraction  # seconds

    def packets(self) -> Iterator[Packet]:
        """All of them; times count from the first picture. MediaError for what can't be kept."""
        with named(self.source), opened(self.source, self.version) as container:
            for packet in whole_packets(container, video_stream(container)):
                if packet.is_discard:
                    raise MediaError(f"an edit list cuts into its stream, which can't be kept; {OTHERWISE}")
                if packet.pts is None:
                    raise MediaError(f"its packets have no times; {OTHERWISE}")
                yield Packet(packet.pts - round(self.start / self.stream.tick), packet.is_keyframe, bytes(packet))


def keep(source: VideoSource, *, max_pixels: int = MAX_PIXELS, audio: bool = True, strip: bool = False) -> Kept:
    """Open a file to keep its stream. MediaError for one that is of another standard, or has samples of a rare kind."""
    if not isinstance(source, bytes) and not urls.is_url(source) and os.path.isdir(source):
        raise MediaError(f"{os.fsdecode(source)} has no stream; {OTHERWISE}")
    video = read_video(source, max_pixels=max_pixels, audio=audio, layouts=LAYOUTS, strip=strip)
    with named(source), opened(source, video.version) as container:
        found = video_stream(container)
        context = found.codec_context
        name = context.codec.canonical_name
        if name not in STANDARDS:
            raise MediaError(f"its stream is {name}, not AV1, H.265 or H.264; {OTHERWISE}")
        frame = next(container.decode(found))
        layout = Layout(video.info.depth, video.info.chroma)
        if frame.pts is None or not found.time_base:
            raise MediaError(f"its packets have no times; {OTHERWISE}")
        if frame.format.name.replace("yuvj", "yuv") != layout.format:
            raise MediaError(f"its stream has samples of a rare kind ({frame.format.name}); {OTHERWISE}")
        turn = turn_of(frame) or Turn()
        stream = Stream(
            name, frame.width, frame.height, layout.chroma, found.time_base,
            turn.transpose + 2 * turn.mirror_x + 4 * turn.mirror_y, found.sample_aspect_ratio or Fraction(1),
            context.extradata or b"",
        )  # fmt: skip
        start = frame.pts * found.time_base
        return Kept(video.info, video.notes, video.expected, stream, source, video.version, start)


OTHERWISE = "leave --keep-stream out"
