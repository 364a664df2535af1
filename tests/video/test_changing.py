"""A video is read several times: what others write to it meanwhile is an error, never a mixture."""

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.coded_videos import scenes, video_of
from helpers.containers import STREAM
from helpers.video_clips import pictures, video_file

from codec import video
from codec.codecs.base import Chain
from codec.codecs.options import Target, VideoOptions
from codec.errors import MediaError
from codec.media.video import Picture, read_video
from codec.video.chains import Job, Opening, _Process

OPTIONS = VideoOptions(Target(quality=50), 1, frames=35)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mkv"
    path.write_bytes(video_file(scenes()))
    return path


def test_a_file_that_is_replaced_is_refused(clip: Path) -> None:
    opened = read_video(clip)
    os.replace(clip, clip.with_name("before.mkv"))
    clip.write_bytes(video_file(scenes(lengths=(12, 23))))
    with pytest.raises(MediaError, match=r"clip\.mkv: has changed while it was read"):
        video.encode(opened, io.BytesIO(), options=OPTIONS, device="cpu")


def test_a_process_works_on_the_same_file_only(clip: Path) -> None:
    there = read_video(clip).version
    clip.write_bytes(video_file(scenes(lengths=(12, 23))))
    process = _Process(Opening(clip, there, 2**20, "nirvana", OPTIONS, "cpu"))
    with pytest.raises(MediaError, match="has changed while it was read"):
        process((0, Job("trial", STREAM, Chain(0, 35), OPTIONS)), print)


def test_a_file_that_is_written_to_is_refused_where_it_is_read(clip: Path) -> None:
    clip.write_bytes(video_file(scenes(240, 320)))  # more than is read at once
    shown = read_video(clip).pictures()
    next(shown)
    with clip.open("ab") as fp:
        fp.write(b"\0")
    with pytest.raises(MediaError, match=r"clip\.mkv: has changed while it was read"):
        list(shown)


def test_pictures_that_get_fewer_are_an_error() -> None:
    shown = pictures(scenes())
    left = iter([35, 20, 10, 10])

    def read() -> Iterator[Picture]:
        return iter(shown[: next(left)])

    with pytest.raises(MediaError, match="fewer frames than before"):
        video.encode(replace(video_of(shown), _read=read), io.BytesIO(), options=OPTIONS, device="cpu")
