"""An interrupted encoding goes on from what is in its file."""

import contextlib
import io

import numpy as np
import pytest
from helpers.coded_videos import (
    GROUPS,
    index_of,
    scenes,
    video_of,
)
from helpers.video_clips import pictures

from codec import container, video
from codec.codecs.options import Target, VideoOptions, VideoProgress
from codec.container import Unit
from codec.errors import CodecError, FormatError
from codec.media.video import Planes


def cut_places(data: bytes) -> list[int]:
    """In the head, at the ends of units, within units, in the end section, and nowhere."""
    index = index_of(data)
    rng = np.random.default_rng(0)
    inside = [int(rng.integers(at + 1, at + length)) for at, length in zip(index.offsets, index.lengths, strict=True)]
    return [0, 9, *index.offsets[1::2], *inside[::2], index.offsets[-1] + index.lengths[-1] + 2, len(data)]


@pytest.mark.parametrize("place", range(10))
def test_a_resumed_run_gives_the_bytes_of_one_without_interruption(clip: bytes, place: int) -> None:
    cut = cut_places(clip)[place]
    told: list[VideoProgress] = []
    fp = io.BytesIO(clip[:cut])
    shown = video_of(pictures(scenes()))
    options = VideoOptions(Target(quality=50), 1)
    video.encode(shown, fp, options=options, device="cpu", resume=True, tell=told.append)
    assert fp.getvalue() == clip
    index = index_of(clip)
    whole = sum(at + length <= cut for at, length in zip(index.offsets, index.lengths, strict=True))
    assert sum(t.frames for t in told if t.stage == "fit") == sum(GROUPS[whole:])  # the others are not made again


def test_what_was_done_is_in_the_file_before_more_is_begun(clip: bytes) -> None:
    class Stop(Exception):
        pass

    fitted = 0

    def tell(told: VideoProgress) -> None:
        nonlocal fitted
        fitted += told.frames if told.stage == "fit" else 0
        if fitted > 23:
            raise Stop

    raw = io.BytesIO()
    with pytest.raises(Stop):
        fp = io.BufferedWriter(raw, 1 << 20)
        video.encode(
            video_of(pictures(scenes())), fp, options=VideoOptions(Target(quality=50), 1), device="cpu", tell=tell
        )  # fmt: skip
    there = raw.getvalue()
    assert clip.startswith(there) and len(there) >= index_of(clip).offsets[4]


def index_of_part(data: bytes) -> int:
    """Bytes of a partial file that are whole units, and the head."""
    _, units = container.read(data)
    whole: list[Unit] = []
    with contextlib.suppress(FormatError):
        whole.extend(units)
    return sum(len(u.payload) for u in whole)


def resume(data: bytes, frames: list[Planes]) -> bytes:
    fp = io.BytesIO(data)
    options = VideoOptions(Target(quality=50), 1)
    try:
        video.encode(video_of(pictures(frames)), fp, options=options, device="cpu", resume=True)
    except CodecError:
        assert data.startswith(fp.getvalue()) and len(fp.getvalue()) >= index_of_part(data)
        raise
    return fp.getvalue()


@pytest.mark.parametrize(
    "frames", [scenes(16, 16), scenes(lengths=(8,)), scenes(lengths=(12,)), scenes(lengths=(14, 17, 6))]
)
def test_what_is_there_of_another_video_is_refused(clip: bytes, frames: list[Planes]) -> None:
    with pytest.raises(CodecError, match="of another video or was made with other options"):
        resume(clip[: index_of(clip).offsets[3] + 5], frames)
