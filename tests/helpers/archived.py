"""Videos added to archives, as quickly as it goes: x264 without networks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codec import archive
from codec.codecs.options import Target, VideoOptions
from codec.media.video import Picture, Planes, read_video
from helpers.coded_videos import video_of
from helpers.video_clips import pictures


def options(quality: float = 50, **more: Any) -> VideoOptions:
    return VideoOptions(Target(quality=quality), 1, seconds=0.0, base="x264", **more)


def add(
    path: Path, name: str, frames: Sequence[Planes] | bytes, shown: Sequence[Picture] | None = None,
    how: VideoOptions | None = None, metadata: dict[str, bytes] | None = None,
) -> archive.Added:  # fmt: skip
    """Add frames at a steady rate, pictures with their times, or a file."""
    opened = read_video(frames) if isinstance(frames, bytes) else video_of(shown or pictures(frames), metadata)
    with archive.writing(path, device="cpu") as writer, open(path.with_name("part"), "w+b") as part:
        return writer.add(name, opened, part, options=how or options(), date=1764460800)


def shown(path: Path, name: str, *span: int) -> list[Picture]:
    """What a session decodes to."""
    with archive.opened(path) as found:
        return list(archive.open_session(found, found.number(name), device="cpu").pictures(*span))


def verdicts(path: Path) -> dict[str, str]:
    """What is wrong with each session, by its name or number."""
    with archive.opened(path) as found:
        return {v.name or str(v.number): str(v.error or "") for v in archive.verify(found, device="cpu")}
