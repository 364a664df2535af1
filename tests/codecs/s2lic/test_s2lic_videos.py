"""Videos by s2lic: every picture stands alone, of several tiles too."""

import io

import pytest
from helpers.alike import nearly
from helpers.coded_videos import (
    Watched,
    damaged,
    decoded,
    encoded,
    equal,
    index_of,
    planes_error,
    video_of,
)
from helpers.video_clips import RATE, moving, pictures

from codec import tiling, video
from codec.codecs.options import Target, VideoOptions
from codec.media.distortion import psnr
from codec.media.video import Planes


def test_pictures_by_s2lic_decode_alone() -> None:
    frames = moving(33, 47, 4)
    data = encoded(frames, 90, codec="s2lic")
    shown = decoded(data)
    assert [p.time for p in shown] == [n / RATE for n in range(4)]
    assert all(psnr(planes_error(p.planes, f)) > 27 for p, f in zip(shown, frames, strict=True))
    fp = Watched(data)
    file = video.open_file(fp, device="cpu")
    fp.touched.clear()
    assert equal(list(file.pictures(2, 2)), shown[2:3])
    index = index_of(data)
    assert min(fp.touched) >= index.offsets[2] and not fp.touched & set(range(index.offsets[3] + 20, len(data)))
    assert goes_on(data, index.offsets[2] + 9, index.offsets[2], frames)
    partial = video.open_file(io.BytesIO(damaged(data, 1)), device="cpu", partial=True)
    assert equal(list(partial.pictures()), [shown[0], *shown[2:]])
    assert [str(e).rpartition("(")[2] for e in partial.damage or []] == ["frames 1 to 1 are lost)"]


def goes_on(data: bytes, cut: int, kept: int, frames: list[Planes]) -> bool:
    """Whether a file cut at a byte is completed: what was whole is kept, what is made anew shows the same pictures."""
    again = resume_intra(data[:cut], frames)
    pairs = zip(decoded(again), decoded(data), strict=True)
    close = all(psnr(planes_error(a.planes, b.planes)) > 40 for a, b in pairs)
    return again[:kept] == data[:kept] and nearly(len(again), len(data)) and close


def resume_intra(data: bytes, frames: list[Planes]) -> bytes:
    fp = io.BytesIO(data)
    options = VideoOptions(Target(quality=90), 1)
    video.encode(video_of(pictures(frames)), fp, "s2lic", options=options, device="cpu", resume=True)
    return fp.getvalue()


def test_pictures_of_several_tiles_are_resumed_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "SINGLE", 64 * 64)  # or pictures of two tiles are too large for a test
    monkeypatch.setattr(tiling, "SIDE", 64)
    frames = moving(48, 128, 3)
    data = encoded(frames, 90, codec="s2lic")
    index = index_of(data)
    assert index.frames == (1, 0, 1, 0, 1, 0)
    for unit in (1, 3, 4):
        assert goes_on(data, index.offsets[unit], index.offsets[unit], frames)
    shown = decoded(data)
    partial = video.open_file(io.BytesIO(damaged(data, 3)), device="cpu", partial=True)
    assert equal(list(partial.pictures()), [shown[0], shown[2]])
