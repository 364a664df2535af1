"""A PSNR, a rate or a size is reached, or it is said that it can't be had."""

import io
from typing import Any

import pytest
from helpers.coded_videos import (
    decoded,
    video_of,
)
from helpers.video_clips import moving, pictures

from codec import video
from codec.codecs.options import Target, VideoOptions
from codec.errors import CodecError
from codec.media.distortion import errors, psnr_611


def reached(target: Target, base: str = "svt-av1") -> tuple[bytes, float]:
    """The file, and its PSNR."""
    buffer, frames = io.BytesIO(), moving(64, 96, 15)
    video.encode(video_of(pictures(frames)), buffer, options=VideoOptions(target, 1, base=base))
    shown = decoded(buffer.getvalue())
    mean = sum(psnr_611(errors(p.planes, f)) for p, f in zip(shown, frames, strict=True)) / len(frames)
    return buffer.getvalue(), mean


@pytest.mark.parametrize("base", ["svt-av1", "x264"])
def test_a_psnr_is_reached_by_the_whole_clip(base: str) -> None:
    assert 35 <= reached(Target(psnr=35.0), base)[1] < 36


@pytest.mark.parametrize("target", [Target(size=6000), Target(bpp=0.5)])
def test_a_size_is_kept_to(target: Target) -> None:
    size = len(reached(target, "x264")[0])
    allowed = target.size or 64 * 96 * 15 * 0.5 / 8
    assert 0.85 * allowed < size <= allowed


@pytest.mark.parametrize("target", [Target(psnr=99.0), Target(size=100), Target(bpp=0.001)])
def test_a_target_that_can_not_be_had_is_said(target: Target) -> None:
    with pytest.raises(CodecError, match="can't be"):
        reached(target)


def test_a_file_of_a_size_can_go_where_nothing_can_be_taken_back() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += bytes(data)
            return len(data)

    pipe, wanted = Pipe(), Target(size=6000)
    shown = video_of(pictures(moving(64, 96, 15)))
    video.encode(shown, pipe, options=VideoOptions(wanted, 1))  # type: ignore[arg-type]
    assert pipe.data == reached(wanted)[0]


def test_a_run_that_goes_on_keeps_to_its_target_too() -> None:
    """What was done before is of too low a quality here."""
    frames = moving(64, 96, 15)
    fp = io.BytesIO(reached(Target(psnr=30.0))[0])
    video.encode(video_of(pictures(frames)), fp, options=VideoOptions(Target(psnr=35.0), 1), resume=True)
    shown = decoded(fp.getvalue())
    assert sum(psnr_611(errors(p.planes, f)) for p, f in zip(shown, frames, strict=True)) / len(frames) >= 35
