"""Videos to files and back: equal frames, random access, resuming, and what is said of damage."""

import contextlib
import io
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alike import nearly
from grid_weights import installed
from video_clips import BT601, RATE, moving, pictures

from codec import container, tiling, video
from codec.container import Header, Unit
from codec.errors import CodecError, FormatError
from codec.media import Info
from codec.media.video import Picture, Planes, Video
from codec.nirvana.codec import Codec, Options, Told
from codec.nirvana.grid import unpack
from codec.nirvana.grid_groups import GridGroups
from codec.nirvana.method import CodedGroup, planes_error, psnr
from codec.nirvana.nets import load
from codec.nirvana.rate import Target
from codec.nirvana.units import parse

SCENES = (11, 17, 6)  # frames
GROUPS = (8, 3, 8, 8, 1, 6)  # frames of each unit of such a video
KEYS = [0, 2, 5]  # units that start a chain


@pytest.fixture(scope="module", autouse=True)
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with installed(tmp_path_factory.mktemp("weights")) as path:
        yield path


def scenes(height: int = 32, width: int = 48, lengths: Sequence[int] = SCENES) -> list[Planes]:
    """Dark and bright ones in turn."""
    frames = moving(height, width, sum(lengths))
    bright = [n % 2 for n, length in enumerate(lengths) for _ in range(length)]
    return [(y // 4 + np.uint8(160 * b), u, v) for (y, u, v), b in zip(frames, bright, strict=True)]


def video_of(shown: Sequence[Picture], metadata: dict[str, bytes] | None = None, rate: Fraction = RATE) -> Video:
    height, width = shown[0].planes[0].shape
    info = Info(width, height, frames=0, rate=rate, color=BT601, metadata=metadata or {})
    return Video(info, [], len(shown), lambda: iter(shown))


def encoded(frames: Sequence[Planes], quality: float = 50, **options: Any) -> bytes:
    buffer = io.BytesIO()
    chosen = Options(Target(quality=quality), 1, frames=len(frames))
    video.encode(video_of(pictures(frames)), buffer, options=chosen, device="cpu", **options)
    return buffer.getvalue()


def decoded(data: bytes, *span: int, partial: bool = False) -> list[Picture]:
    return list(video.open_file(io.BytesIO(data), device="cpu", partial=partial).pictures(*span))


def equal(found: Sequence[Picture], wanted: Sequence[Picture]) -> bool:
    return [p.time for p in found] == [p.time for p in wanted] and all(
        np.array_equal(a, b)
        for one, other in zip(found, wanted, strict=True)
        for a, b in zip(one.planes, other.planes, strict=True)
    )


def index_of(data: bytes) -> container.Index:
    return container.read_index(io.BytesIO(data))


@pytest.fixture(scope="module")
def clip(weights: Path) -> bytes:
    """Three scenes in six units."""
    return encoded(scenes())


@pytest.fixture(scope="module")
def shown(clip: bytes) -> list[Picture]:
    """What it decodes to."""
    return decoded(clip)


class Recording(GridGroups):
    """Keeps what the encoder had of each group: its last frame, and its PSNR."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.kept: list[CodedGroup] = []

    def encode(self, *arguments: Any) -> CodedGroup:
        self.kept.append(super().encode(*arguments))
        return self.kept[-1]


def test_a_file_decodes_to_what_the_encoder_had(weights: Path) -> None:
    frames = scenes(33, 47)
    method = Recording(load(weights, "cpu"), 33, 47)
    info = Info(47, 33, frames=0, rate=RATE)
    opened = Codec(method)
    options = Options(Target(quality=60), 1)
    header = opened.header(info, options)
    buffer, told = io.BytesIO(), list[Told]()
    container.write(buffer, header, opened.encode(header, opened.groups(pictures(frames)), options, told.append))
    header, units = container.read(buffer.getvalue())
    found = list(Codec(GridGroups(load(weights, "cpu"), 33, 47)).decode(header, units))
    assert [p.time for p in found] == [n / RATE for n in range(sum(SCENES))]
    ends = list(itertools.accumulate(GROUPS))
    assert [t.frames for t in told] == ends
    for group, said, end, count in zip(method.kept, told, ends, GROUPS, strict=True):
        had = unpack(group.state.frame, 33, 47)
        assert all(np.array_equal(a, b) for a, b in zip(found[end - 1].planes, had, strict=True))
        span = range(end - count, end)
        error = sum(planes_error(found[n].planes, frames[n]) for n in span) / count
        assert psnr(error) == pytest.approx(said.psnr)


def test_a_chain_starts_at_a_cut(clip: bytes) -> None:
    header, units = container.read(clip)
    assert header.frames == 0 and header.rate == RATE
    parsed = [(u.frames, parse(u, 0, RATE).key) for u in units]
    assert parsed == [(count, n in KEYS) for n, count in enumerate(GROUPS)]


def test_what_is_told_is_what_the_file_has(clip: bytes) -> None:
    told: list[Told] = []
    assert encoded(scenes(), tell=told.append) == clip
    _, units = container.read(clip)
    assert [t.bpp for t in told] == [8 * len(u.payload) / (32 * 48 * u.frames) for u in units]


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
    [(0, 0, {0}), (7, 7, {0}), (7, 8, {0, 1}), (10, 10, {0, 1}), (11, 12, {2}), (20, 26, {2, 3}), (33, 33, {5}),
     (5, 11, {0, 1, 2}), (12, 28, {2, 3, 4, 5})],
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
    assert equal(decoded(damaged(clip, 1), 0, 7), shown[:8])


@pytest.mark.parametrize("span", [(-1, 3), (3, 2), (0, 34), (34, 34)])
def test_frames_that_are_not_there_are_refused(clip: bytes, span: tuple[int, int]) -> None:
    with pytest.raises(CodecError, match=f"no frames {span[0]}..{span[1]}: it has 34, numbered from 0"):
        decoded(clip, *span)


@pytest.mark.parametrize("size", [(47, 63), (33, 17), (1, 1), (2, 31)])
@pytest.mark.parametrize("count", [1, 9])
def test_odd_sizes_and_counts(size: tuple[int, int], count: int) -> None:
    frames = moving(*size, count)
    found = decoded(encoded(frames, 100))
    assert [p.planes[0].shape for p in found] == [size] * count
    assert [p.planes[2].shape for p in found] == [(-(-size[0] // 2), -(-size[1] // 2))] * count
    assert all(psnr(planes_error(p.planes, f)) > 30 for p, f in zip(found, frames, strict=True))


def test_a_video_that_stands_still_costs_almost_nothing() -> None:
    (frame,) = moving(count=1)
    one, many = (len(encoded([frame] * count)) for count in (1, 33))
    assert many - one < 33 * 10


def test_times_and_sound_are_kept() -> None:
    times = [Fraction(0), Fraction(1, 30), Fraction(1, 25), Fraction(1), *(2 + Fraction(n, 24) for n in range(8))]
    uneven = [Picture(planes, t) for planes, t in zip(moving(16, 16, 12), times, strict=True)]
    buffer = io.BytesIO()
    video.encode(
        video_of(uneven, {"audio": b"a tone"}), buffer, options=Options(Target(quality=0), 1), device="cpu"
    )  # fmt: skip
    file = video.open_file(buffer, device="cpu")
    assert [p.time for p in file.pictures()] == times
    assert [p.time for p in file.pictures(8)] == times[8:]
    assert file.info.metadata == {"audio": b"a tone"} and file.info.frames == 12


def test_no_frames_are_no_video() -> None:
    with pytest.raises(FormatError, match="no units"):
        nothing = Video(Info(16, 16, frames=0, rate=RATE), [], 0, lambda: iter(()))
        video.encode(nothing, io.BytesIO(), device="cpu")


def test_a_psnr_is_reached() -> None:
    told: list[Told] = []
    shown = video_of(pictures(moving(count=9)))
    video.encode(shown, io.BytesIO(), options=Options(Target(psnr=30.0), 1), device="cpu", tell=told.append)
    assert all(t.psnr >= 30 for t in told)
    assert told[0].psnr < 31.5  # one frame alone may jump from a copy to better


def test_a_rate_is_met() -> None:
    buffer = io.BytesIO()
    shown = video_of(pictures(moving(32, 48, count=10)))
    video.encode(shown, buffer, options=Options(Target(bpp=0.6), 1), device="cpu")
    assert 0.4 < 8 * len(buffer.getvalue()) / (32 * 48 * 10) < 0.7


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
    assert [t.frames for t in told] == list(itertools.accumulate(GROUPS))[whole:]  # the others are not made again


def test_what_was_done_is_in_the_file_before_more_is_begun(clip: bytes) -> None:
    class Stop(Exception):
        pass

    def tell(told: Told) -> None:
        if told.frames == 27:
            raise Stop

    raw = io.BytesIO()
    with pytest.raises(Stop):
        fp = io.BufferedWriter(raw, 1 << 20)
        video.encode(
            video_of(pictures(scenes())), fp, options=Options(Target(quality=50), 1), device="cpu", tell=tell
        )  # fmt: skip
    there = raw.getvalue()
    assert clip.startswith(there) and len(there) >= index_of(clip).offsets[3]


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
    "frames", [scenes(16, 16), scenes(lengths=(8,)), scenes(lengths=(11,)), scenes(lengths=(9, 17, 6))]
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
    ("units", "lost", "says"),
    [
        ([0], range(11), ["frames 0 to 10 are lost"]),
        ([1], range(8, 11), ["frames 8 to 10 are lost"]),
        ([3], range(19, 28), ["frames 19 to 27 are lost"]),
        ([5], range(28, 34), ["frames 28 to 33 are lost"]),
        ([1, 2], range(8, 28), ["frames 8 to 27 are lost"]),
        ([0, 4], [*range(11), 27], ["frames 0 to 10 are lost", "frames 27 to 27 are lost"]),
    ],
)
def test_of_a_damaged_file_all_other_chains_are_had(
    clip: bytes, shown: list[Picture], units: list[int], lost: Sequence[int], says: list[str]
) -> None:
    data = damaged(clip, *units)
    with pytest.raises(FormatError, match=f"section 'U' at byte {index_of(clip).offsets[units[0]]}"):
        decoded(data)
    file = video.open_file(io.BytesIO(data), device="cpu", partial=True)
    assert file.frames == 34
    assert equal(list(file.pictures()), [p for n, p in enumerate(shown) if n not in lost])
    assert file.damage is not None and len(file.damage) == len(says)
    assert all(text in str(error) for text, error in zip(says, file.damage, strict=True))


def test_symbols_that_differ_cost_their_chain(clip: bytes, shown: list[Picture]) -> None:
    header, units = container.read(clip)
    changed = [u._replace(checksum=u.checksum ^ (u.index == 2)) for u in units]
    buffer = io.BytesIO()
    container.write(buffer, header, changed)
    with pytest.raises(CodecError, match="unit 2: the decoded symbols are not those encoded"):
        decoded(buffer.getvalue())
    file = video.open_file(buffer, device="cpu", partial=True)
    assert equal(list(file.pictures()), shown[:11] + shown[28:])
    assert [str(e).rpartition("(")[2] for e in file.damage or []] == ["frames 11 to 27 are lost)"]


@pytest.mark.parametrize("units", [1, 3, 5])
def test_of_a_truncated_file_what_is_there_is_had(clip: bytes, shown: list[Picture], units: int) -> None:
    data = clip[: index_of(clip).offsets[units] + 7]
    with pytest.raises(FormatError, match="truncated"):
        decoded(data)
    file = video.open_file(io.BytesIO(data), device="cpu", partial=True)
    count = sum(GROUPS[:units])
    assert equal(list(file.pictures()), shown[:count])
    (error,) = file.damage or []
    assert "truncated" in str(error) and str(error).endswith(f"(frames {count} and later are lost)")


def test_nothing_is_had_of_a_file_without_a_whole_unit(clip: bytes) -> None:
    for cut in (3, 20, index_of(clip).offsets[0] + 9):
        with pytest.raises(FormatError):
            video.open_file(io.BytesIO(clip[:cut]), device="cpu", partial=True)


def test_a_chain_without_its_start_is_refused(clip: bytes) -> None:
    header, units = container.read(clip)
    buffer = io.BytesIO()
    container.write(buffer, header, [u._replace(index=u.index - 1) for u in list(units)[1:]])
    with pytest.raises(FormatError, match="unit 0: its chain's first frames are missing"):
        decoded(buffer.getvalue())


@pytest.mark.parametrize("change", [{"revision": 9}, {"channels": 1}, {"depth": 10}])
def test_a_head_that_no_video_has_is_refused(clip: bytes, change: dict[str, int]) -> None:
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
    with pytest.raises(CodecError, match="s2lic has no presets"):
        video.encode(shown, io.BytesIO(), "s2lic", preset="tiny", device="cpu")
    with pytest.raises(CodecError, match="codes a video at one quality"):
        video.encode(shown, io.BytesIO(), "s2lic", options=Options(Target(bpp=1.0)), device="cpu")


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
