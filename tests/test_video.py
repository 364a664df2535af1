"""Videos to files and back: equal frames, random access, resuming, and what is said of damage."""

import contextlib
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from alike import nearly
from video_clips import BT601, RATE, moving, pictures

from codec import container, tiling, video
from codec.container import Header, Unit
from codec.errors import CodecError, FormatError
from codec.media import Info
from codec.media.video import Picture, Planes, Video
from codec.nirvana import hybrid
from codec.nirvana.sine.units import parse
from codec.standard.export import export
from codec.video import Options, Target, Told
from codec.video.measure import errors, psnr, psnr_611, weighted

SCENES = (12, 17, 6)  # frames
GROUPS = (6, 6, 5, 6, 6, 6)  # frames of each unit of such a video
KEYS = [0, 2, 5]  # units that start a chain


@pytest.fixture(scope="module", autouse=True)
def small_groups() -> Iterator[None]:
    """Or a chain would have to be long to have several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hybrid, "GROUP", 8)
        yield


def planes_error(found: Planes, wanted: Planes) -> float:
    return weighted(errors(found, wanted))


def scenes(height: int = 32, width: int = 48, lengths: Sequence[int] = SCENES) -> list[Planes]:
    """Dark and bright ones in turn."""
    frames = moving(height, width, sum(lengths))
    bright = [n % 2 for n, length in enumerate(lengths) for _ in range(length)]
    return [(y // 4 + np.uint8(160 * b), u, v) for (y, u, v), b in zip(frames, bright, strict=True)]


def video_of(shown: Sequence[Picture], metadata: dict[str, bytes] | None = None, tick: Fraction | None = None) -> Video:
    height, width = shown[0].planes[0].shape
    info = Info(width, height, frames=0, rate=RATE, color=BT601, metadata=metadata or {}, tick=tick)
    return Video(info, [], len(shown), lambda: iter(shown))


def encoded(frames: Sequence[Planes], quality: float = 50, **options: Any) -> bytes:
    buffer = io.BytesIO()
    chosen = Options(Target(quality=quality), 1, frames=len(frames))
    video.encode(video_of(pictures(frames)), buffer, options=chosen, device="cpu", **options)
    return buffer.getvalue()


def decoded(data: bytes, *span: int, partial: bool = False) -> list[Picture]:
    return list(video.open_file(io.BytesIO(data), device="cpu", partial=partial).pictures(*span))


def based(data: bytes) -> list[Picture]:
    """The pictures of the standard stream."""
    return list(video.open_file(io.BytesIO(data), device="cpu", base=True).pictures())


def equal(found: Sequence[Picture], wanted: Sequence[Picture]) -> bool:
    return [p.time for p in found] == [p.time for p in wanted] and all(
        np.array_equal(a, b)
        for one, other in zip(found, wanted, strict=True)
        for a, b in zip(one.planes, other.planes, strict=True)
    )


def index_of(data: bytes) -> container.Index:
    return container.read_index(io.BytesIO(data))


@pytest.fixture(scope="module")
def clip(small_groups: None) -> bytes:
    """Three scenes in six units."""
    return encoded(scenes())


@pytest.fixture(scope="module")
def shown(clip: bytes) -> list[Picture]:
    """What it decodes to."""
    return decoded(clip)


def test_a_chain_starts_at_a_cut(clip: bytes) -> None:
    header, units = container.read(clip)
    assert header.frames == 0 and header.rate == RATE
    found = [(u.frames, bool(u.packets)) for u in units]
    assert found == [(count, n in KEYS) for n, count in enumerate(GROUPS)]


def test_the_encoder_tells_of_every_frame_what_the_file_has(clip: bytes) -> None:
    told: list[Told] = []
    assert encoded(scenes(), tell=told.append) == clip
    assert [sum(t.frames for t in told if t.stage == stage) for stage in ("base", "fit")] == [sum(SCENES)] * 2
    fitted = [t for t in told if t.stage == "fit"]
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
    video.encode(shown, buffer, options=Options(Target(quality=50), 1, 0.0, sum(SCENES)))
    assert all(not u.payload for u in container.read(buffer.getvalue())[1])
    assert len(list(video.open_file(buffer).pictures())) == sum(SCENES)


class Watched(io.BytesIO):
    """Remembers where it was read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.touched: set[int] = set()

    def read(self, size: int | None = -1) -> bytes:
        start = self.tell()
        data = super().read(size)
        self.touched.update(range(start, start + len(data)))
        return data


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


def test_frames_before_damage_need_nothing_of_it(clip: bytes, shown: list[Picture]) -> None:
    assert equal(decoded(damaged(clip, 1), 0, 5), shown[:6])


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
    video.encode(shown, buffer, options=Options(Target(quality=0), 1), device="cpu")
    file = video.open_file(buffer, device="cpu")
    assert [p.time for p in file.pictures()] == times
    assert [p.time for p in file.pictures(8)] == times[8:]
    assert file.info.metadata == {"audio": b"a tone"} and file.info.frames == 12


def test_no_frames_are_no_video() -> None:
    with pytest.raises(FormatError, match="no units"):
        nothing = Video(Info(16, 16, frames=0, rate=RATE, color=BT601), [], 0, lambda: iter(()))
        video.encode(nothing, io.BytesIO(), device="cpu")


def reached(target: Target, base: str = "svt-av1") -> tuple[bytes, float]:
    """The file, and its PSNR."""
    buffer, frames = io.BytesIO(), moving(64, 96, 15)
    video.encode(video_of(pictures(frames)), buffer, options=Options(target, 1), base=base)
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
    video.encode(shown, pipe, options=Options(wanted, 1))  # type: ignore[arg-type]
    assert pipe.data == reached(wanted)[0]


def cut_places(data: bytes) -> list[int]:
    """In the head, at the ends of units, within units, in the end section, and nowhere."""
    index = index_of(data)
    rng = np.random.default_rng(0)
    inside = [int(rng.integers(at + 1, at + length)) for at, length in zip(index.offsets, index.lengths, strict=True)]
    return [0, 9, *index.offsets[1::2], *inside[::2], index.offsets[-1] + index.lengths[-1] + 2, len(data)]


@pytest.mark.parametrize("place", range(10))
def test_a_resumed_run_gives_the_bytes_of_one_without_interruption(clip: bytes, place: int) -> None:
    cut = cut_places(clip)[place]
    told: list[Told] = []
    fp = io.BytesIO(clip[:cut])
    shown = video_of(pictures(scenes()))
    options = Options(Target(quality=50), 1)
    video.encode(shown, fp, options=options, device="cpu", resume=True, tell=told.append)
    assert fp.getvalue() == clip
    index = index_of(clip)
    whole = sum(at + length <= cut for at, length in zip(index.offsets, index.lengths, strict=True))
    assert sum(t.frames for t in told if t.stage == "fit") == sum(GROUPS[whole:])  # the others are not made again


def test_what_was_done_is_in_the_file_before_more_is_begun(clip: bytes) -> None:
    class Stop(Exception):
        pass

    fitted = 0

    def tell(told: Told) -> None:
        nonlocal fitted
        fitted += told.frames if told.stage == "fit" else 0
        if fitted > 23:
            raise Stop

    raw = io.BytesIO()
    with pytest.raises(Stop):
        fp = io.BufferedWriter(raw, 1 << 20)
        video.encode(
            video_of(pictures(scenes())), fp, options=Options(Target(quality=50), 1), device="cpu", tell=tell
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
    options = Options(Target(quality=50), 1)
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


def damaged(data: bytes, *units: int) -> bytes:
    """With a byte changed in each of these units."""
    found = bytearray(data)
    index = index_of(data)
    for unit in units:
        found[index.offsets[unit] + index.lengths[unit] // 2] ^= 16
    return bytes(found)


@pytest.mark.parametrize(
    ("units", "lost", "bare", "says"),
    [
        ([0], range(12), (), ["frames 0 to 11 are lost"]),
        ([1], (), range(6, 12), ["frames 6 to 11 are as the stream has them"]),
        ([3], (), range(17, 23), ["frames 17 to 22 are as the stream has them"]),
        ([5], range(29, 35), (), ["frames 29 to 34 are lost"]),
        ([1, 2], range(12, 29), range(6, 12), ["frames 6 to 11 are as", "frames 12 to 28 are lost"]),
        ([0, 4], range(12), range(23, 29), ["frames 0 to 11 are lost", "frames 23 to 28 are as the stream has them"]),
    ],
)
def test_of_a_damaged_file_all_other_chains_are_had(
    clip: bytes, shown: list[Picture], units: list[int], lost: Sequence[int], bare: Sequence[int], says: list[str]
) -> None:
    data = damaged(clip, *units)
    with pytest.raises(
        FormatError, match=f"section '{'B' if units[0] in KEYS else 'U'}' at byte {index_of(clip).offsets[units[0]]}"
    ):
        decoded(data)
    file = video.open_file(io.BytesIO(data), device="cpu", partial=True)
    assert file.frames == 35
    base = based(clip)
    wanted = [base[n] if n in bare else p for n, p in enumerate(shown) if n not in lost]
    assert equal(list(file.pictures()), wanted)
    assert file.damage is not None and len(file.damage) == len(says)
    assert all(text in str(error) for text, error in zip(says, file.damage, strict=True))


def networks_file() -> tuple[bytes, list[Planes]]:
    """A chain of three groups, all of which have networks that differ from the stream, and its frames."""
    frames = scenes(64, 96, (24,))
    data = encoded(frames, 30)
    _, units = container.read(data)
    assert [bool(unit.payload) for unit in units] == [True] * 3
    return data, frames


def test_groups_whose_networks_are_damaged_are_as_the_stream_has_them() -> None:
    data, _ = networks_file()
    shown, base = decoded(data), based(data)
    index = index_of(data)
    assert not any(np.array_equal(a.planes[0], b.planes[0]) for a, b in zip(shown, base, strict=True))
    for unit in (0, 1, 2):
        broken = bytearray(data)
        broken[index.offsets[unit] + index.lengths[unit] - 6] ^= 1  # at the end of its section U
        with pytest.raises(FormatError, match="damaged: checksum of section 'U'"):
            decoded(bytes(broken))
        file = video.open_file(io.BytesIO(bytes(broken)), device="cpu", partial=True)
        found = list(file.pictures())
        assert [p.time for p in found] == [p.time for p in shown]
        bare = [n for n in range(24) if not equal(found[n : n + 1], shown[n : n + 1])]
        # From this group on, up to one whose filters don't follow from those before it.
        assert bare[:8] == [*range(8 * unit, 8 * unit + 8)] and equal([found[n] for n in bare], [base[n] for n in bare])
        (error,) = file.damage or []
        assert str(error).endswith(f"(frames {bare[0]} to {bare[-1]} are as the stream has them, without networks)")
        asked = video.open_file(io.BytesIO(bytes(broken)), device="cpu", partial=True, base=True)
        assert equal(list(asked.pictures()), base)


def test_networks_that_are_none_are_told_and_left_out() -> None:
    """Their section is whole, and what it holds is not."""
    data, _ = networks_file()
    header, units = container.read(data)
    buffer = io.BytesIO()
    container.write(buffer, header, [u._replace(payload=u.payload[: 5 if u.index == 1 else None]) for u in units])
    with pytest.raises(CodecError, match="unit 1: "):
        decoded(buffer.getvalue())
    file = video.open_file(buffer, device="cpu", partial=True)
    found, shown, base = list(file.pictures()), decoded(data), based(data)
    assert equal(found[:8], shown[:8]) and equal(found[8:16], base[8:16]) and len(found) == 24
    assert [str(e).startswith("unit 1: ") for e in file.damage or []] == [True]


def test_damaged_sound_costs_no_picture(clip: bytes, shown: list[Picture]) -> None:
    header, units = container.read(clip)
    buffer = io.BytesIO()
    container.write(buffer, replace(header, metadata={"audio": b"sound" * 99, "xmp": b"<x/>"}), units)
    data = bytearray(buffer.getvalue())
    data[data.index(b"soundsound") + 100] ^= 4
    with pytest.raises(FormatError, match="checksum of section 'a'"):
        decoded(bytes(data))
    file = video.open_file(io.BytesIO(bytes(data)), device="cpu", partial=True)
    assert equal(list(file.pictures()), shown) and dict(file.info.metadata) == {"xmp": b"<x/>"}
    assert [str(e).endswith("(audio is left out)") for e in file.damage or []] == [True]


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("unit", [0, 2])
def test_a_damaged_tag_or_length_costs_its_chain_alone(clip: bytes, shown: list[Picture], unit: int, at: int) -> None:
    data = bytearray(clip)
    data[index_of(clip).offsets[unit] + at] ^= 0x80
    file = video.open_file(io.BytesIO(bytes(data)), device="cpu", partial=True)
    lost = range(12) if unit == 0 else range(12, 29)
    assert equal(list(file.pictures()), [p for n, p in enumerate(shown) if n not in lost])
    assert len(file.damage or []) == 1


def test_symbols_that_differ_cost_their_chain(clip: bytes, shown: list[Picture]) -> None:
    header, units = container.read(clip)
    changed = [u._replace(checksum=u.checksum ^ (u.index == 2)) for u in units]
    buffer = io.BytesIO()
    container.write(buffer, header, changed)
    with pytest.raises(CodecError, match="unit 2: this machine's decoder gives other samples"):
        decoded(buffer.getvalue())
    file = video.open_file(buffer, device="cpu", partial=True)
    assert equal(list(file.pictures()), shown[:12] + shown[29:])
    assert [str(e).rpartition("(")[2] for e in file.damage or []] == ["frames 12 to 28 are lost)"]


@pytest.mark.parametrize(("units", "count"), [(1, 12), (3, 29), (5, 29)])
def test_of_a_truncated_file_what_is_there_is_had(clip: bytes, shown: list[Picture], units: int, count: int) -> None:
    """Up to the end of the last chain whose packets are there."""
    data = clip[: index_of(clip).offsets[units] + 7]
    with pytest.raises(FormatError, match="truncated"):
        decoded(data)
    file = video.open_file(io.BytesIO(data), device="cpu", partial=True)
    whole = sum(GROUPS[:units])
    assert equal(list(file.pictures()), shown[:whole] + based(clip)[whole:count])
    error, *bare = file.damage or []
    assert "truncated" in str(error) and str(error).endswith(f"(frames {count} and later are lost)")
    what = f"(frames {whole} to {count - 1} are as the stream has them, without networks)"
    assert [str(e).endswith(what) for e in bare] == [True] * (whole < count)


def test_of_a_file_cut_behind_packets_their_pictures_are_had(clip: bytes, shown: list[Picture]) -> None:
    index = index_of(clip)
    data = clip[: index.offsets[2] + index.lengths[2] - 3]  # in section U of a chain's first unit
    file = video.open_file(io.BytesIO(data), device="cpu", partial=True)
    assert equal(list(file.pictures()), shown[:12] + based(clip)[12:29]) and len(file.damage or []) == 2


def test_nothing_is_had_of_a_file_without_a_whole_unit(clip: bytes) -> None:
    for cut in (3, 20, index_of(clip).offsets[0] + 9):
        with pytest.raises(FormatError):
            video.open_file(io.BytesIO(clip[:cut]), device="cpu", partial=True)


def test_a_chain_without_its_start_is_refused(clip: bytes) -> None:
    header, units = container.read(clip)
    buffer = io.BytesIO()
    container.write(buffer, header, [u._replace(index=u.index - 1) for u in list(units)[1:]])
    with pytest.raises(FormatError, match="unit 0: its stream ends early"):
        decoded(buffer.getvalue())


@pytest.mark.parametrize(
    "change",
    [
        {"revision": 9},
        {"channels": 1},
        {"depth": 12},
        {"private": b""},
        {"private": b"\x01"},
        {"private": b"\x05\x09\0\0"},
        {"width": 4000},
    ],
)
def test_a_head_that_no_video_has_is_refused(clip: bytes, change: dict[str, Any]) -> None:
    header, units = container.read(clip)
    buffer = io.BytesIO()
    values = {name: getattr(header, name) for name in Header.__dataclass_fields__} | change
    container.write(buffer, Header(**values), units)
    with pytest.raises(FormatError):
        decoded(buffer.getvalue())


def test_unknown_codecs_and_presets_are_refused() -> None:
    shown = video_of(pictures(moving(count=1)))
    with pytest.raises(CodecError, match="choose one of nirvana, s2lic"):
        video.encode(shown, io.BytesIO(), "h264")
    with pytest.raises(CodecError, match="s2lic has no presets and no base"):
        video.encode(shown, io.BytesIO(), "s2lic", preset="tiny", device="cpu")
    with pytest.raises(CodecError, match="s2lic looks for no target"):
        video.encode(shown, io.BytesIO(), "s2lic", options=Options(Target(bpp=1.0)), device="cpu")
    with pytest.raises(CodecError, match="choose one of svt-av1, x265, x264"):
        video.encode(shown, io.BytesIO(), base="vp9")
    with pytest.raises(CodecError, match="the paper's network has no base"):
        video.encode(shown, io.BytesIO(), preset="tiny", base="x265")


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
    options = Options(Target(quality=90), 1)
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


@pytest.mark.parametrize(
    ("unit", "says"),
    [
        (Unit(4, 0, 0, b"\0\1", 0), "unit 4 has no frames"),
        (Unit(4, 0, 0, b"\0\2", 1), "unit 4: unknown flags 0x2"),
        (Unit(4, 0, 0, b"", 1), "unit 4"),
        (Unit(4, 0, 0, b"\1\0", 1), "unit 4 has no valid times"),
    ],
)
def test_units_that_no_encoder_writes_are_refused(unit: Unit, says: str) -> None:
    with pytest.raises(FormatError, match=says):
        parse(unit, 0, RATE)
