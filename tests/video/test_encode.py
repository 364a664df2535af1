"""Videos to files and back: chains, equal frames, random access, odd sizes."""

import io
import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from helpers.coded_videos import (
    GROUPS,
    KEYS,
    SCENES,
    Watched,
    decoded,
    encoded,
    equal,
    index_of,
    planes_error,
    scenes,
    video_of,
)
from helpers.video_clips import BT601, RATE, moving, pictures, video_file

import codec
from codec import container, video
from codec.codecs.options import Target, VideoOptions, VideoProgress
from codec.errors import CodecError, FormatError
from codec.media import Info
from codec.media.distortion import errors, psnr, psnr_611
from codec.media.video import Picture, Video
from codec.standard.export import export


def test_a_chain_starts_at_a_cut(clip: bytes) -> None:
    header, units = container.read(clip)
    assert header.frames == 0 and header.rate == RATE
    found = [(u.frames, bool(u.packets)) for u in units]
    assert found == [(count, n in KEYS) for n, count in enumerate(GROUPS)]


def test_the_encoder_tells_of_every_frame_what_the_file_has(clip: bytes) -> None:
    told: list[VideoProgress] = []
    assert encoded(scenes(), tell=told.append) == clip
    assert [sum(t.frames for t in told if t.stage == stage) for stage in ("base", "fit")] == [sum(SCENES)] * 2
    work = [sum(t.work for t in told if t.stage == stage) for stage in ("base", "fit")]
    assert work == pytest.approx([sum(SCENES)] * 2) and all(0 <= t.work <= max(GROUPS) for t in told)
    fitted = [t for t in told if t.stage == "fit" and t.frames]
    assert len([t for t in told if t.stage == "fit"]) > len(fitted)  # within groups, too
    units = list(container.read(clip)[1])
    spent = sum(8 * (len(u.payload) + len(u.packets)) for u in units) / (32 * 48)
    assert sum(t.bpp * t.frames for t in fitted) == pytest.approx(spent, rel=0.01)
    found = [psnr_611(errors(p.planes, f)) for p, f in zip(decoded(clip), scenes(), strict=True)]
    ends = [0, *itertools.accumulate(GROUPS)]
    means = [sum(found[a:b]) / (b - a) for a, b in itertools.pairwise(ends)]
    assert [t.psnr for t in fitted] == pytest.approx(means, abs=1e-3)


@pytest.mark.parametrize("base", ["svt-av1", "x265", "x264"])
def test_no_plane_is_worse_than_the_base(base: str) -> None:
    frames = moving(64, 96, 20)
    data = encoded(frames, 30, base=base)
    improved, plain = decoded(data), list(video.open_file(io.BytesIO(data), base=True).pictures())
    ours, theirs = (
        np.mean([errors(p.planes, f) for p, f in zip(shown, frames, strict=True)], axis=0)
        for shown in (improved, plain)
    )
    assert np.all(ours <= theirs) and np.any(ours < theirs)


@pytest.mark.parametrize("base", ["svt-av1", "x265", "x264"])
def test_a_file_is_no_larger_than_its_stream_in_mp4_but_for_its_networks(base: str) -> None:
    for frames in (scenes(64, 96), moving(64, 96, 1), moving(64, 96, 60)):
        data = encoded(frames, 40, base=base)
        file, mp4 = video.open_file(io.BytesIO(data)), io.BytesIO()
        export(file.header, file.packets, mp4, "mp4")
        units = list(container.read(data)[1])
        networks = sum(len(u.payload) for u in units)
        assert len(data) - networks <= len(mp4.getvalue()) + 64 + 8 * len(units)


def test_time_bounds_the_fit_and_not_the_base() -> None:
    buffer = io.BytesIO()
    shown = video_of(pictures(scenes(64, 96)))
    video.encode(shown, buffer, options=VideoOptions(Target(quality=50), 1, 0.0, sum(SCENES)))
    assert all(not u.payload for u in container.read(buffer.getvalue())[1])
    assert len(list(video.open_file(buffer).pictures())) == sum(SCENES)


@pytest.mark.parametrize(
    ("first", "last", "units"),
    [(0, 0, {0}), (5, 5, {0}), (5, 6, {0, 1}), (11, 11, {0, 1}), (12, 13, {2}), (17, 22, {2, 3}), (34, 34, {5}),
     (5, 12, {0, 1, 2}), (13, 29, {2, 3, 4, 5})],
)  # fmt: skip
def test_frames_are_had_from_their_chains_alone(
    clip: bytes, shown: list[Picture], first: int, last: int, units: set[int]
) -> None:
    fp = Watched(clip)
    file = video.open_file(fp, device="cpu")
    fp.touched.clear()
    assert equal(list(file.pictures(first, last)), shown[first : last + 1])
    index = index_of(clip)
    read = {n for n, (at, length) in enumerate(zip(index.offsets, index.lengths, strict=True))
            if fp.touched & set(range(at, at + length))}  # fmt: skip
    # To know where a chain ends or begins, the unit there is looked at.
    assert units <= read <= units | {min(units) - 1, max(units) + 1}


@pytest.mark.parametrize("span", [(-1, 3), (3, 2), (0, 35), (35, 35)])
def test_frames_that_are_not_there_are_refused(clip: bytes, span: tuple[int, int]) -> None:
    with pytest.raises(CodecError, match=f"no frames {span[0]}..{span[1]}: it has 35, numbered from 0"):
        decoded(clip, *span)


@pytest.mark.parametrize("size", [(47, 63), (33, 17), (1, 1), (2, 31)])
@pytest.mark.parametrize("count", [1, 9])
def test_odd_sizes_and_counts(size: tuple[int, int], count: int) -> None:
    frames = moving(*size, count)
    found = decoded(encoded(frames, 100))
    assert [p.planes[0].shape for p in found] == [size] * count
    assert [p.planes[2].shape for p in found] == [(-(-size[0] // 2), -(-size[1] // 2))] * count
    assert all(psnr(planes_error(p.planes, f)) > 30 for p, f in zip(found, frames, strict=True))


def test_times_and_sound_are_kept() -> None:
    times = [Fraction(0), Fraction(1, 30), Fraction(1, 25), Fraction(1), *(2 + Fraction(n, 24) for n in range(8))]
    uneven = [Picture(planes, t) for planes, t in zip(moving(16, 16, 12), times, strict=True)]
    buffer = io.BytesIO()
    shown = video_of(uneven, {"audio": b"a tone"}, tick=Fraction(1, 600))
    video.encode(shown, buffer, options=VideoOptions(Target(quality=0), 1), device="cpu")
    file = video.open_file(buffer, device="cpu")
    assert [p.time for p in file.pictures()] == times
    assert [p.time for p in file.pictures(8)] == times[8:]
    assert file.info.metadata == {"audio": b"a tone"} and file.info.frames == 12


def test_no_frames_are_no_video() -> None:
    with pytest.raises(FormatError, match="no units"):
        nothing = Video(Info(16, 16, frames=0, rate=RATE, color=BT601), [], 0, lambda: iter(()))
        video.encode(nothing, io.BytesIO(), device="cpu")


def test_unknown_codecs_and_presets_are_refused() -> None:
    shown = video_of(pictures(moving(count=1)))
    with pytest.raises(CodecError, match="choose one of s2lic, nirvana"):
        video.encode(shown, io.BytesIO(), "h264")
    with pytest.raises(CodecError, match="s2lic has no presets and no base"):
        video.encode(shown, io.BytesIO(), "s2lic", options=VideoOptions(preset="tiny"), device="cpu")
    with pytest.raises(CodecError, match="s2lic looks for no target"):
        video.encode(shown, io.BytesIO(), "s2lic", options=VideoOptions(Target(bpp=1.0)), device="cpu")
    with pytest.raises(CodecError, match="choose one of svt-av1, x265, x264"):
        video.encode(shown, io.BytesIO(), options=VideoOptions(base="vp9"))
    with pytest.raises(CodecError, match="the paper's network has no base"):
        video.encode(shown, io.BytesIO(), options=VideoOptions(preset="tiny", base="x265"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"effort": 0}, "effort 0 is out of range"),
        ({"effort": 9, "codec": "s2lic"}, "s2lic has no effort for videos"),
        ({"verify": True}, "has no verify"),
        ({"tune": "ssim"}, "has no tune"),
        ({"lossless": True}, "no lossless codec"),
        ({"preview": True}, "has no preview"),
        ({"seconds": 3.0}, "for lossless images"),
    ],
)
def test_what_a_video_can_not_be_told_is_an_error(options: dict[str, Any], says: str) -> None:
    with pytest.raises(CodecError, match=says):
        codec.encode(video_file(moving(48, 64, 3)), **options)
