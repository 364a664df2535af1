"""Videos go into an archive: what is there already is pointed to, the rest is encoded, and nothing before changes."""

import io
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from helpers.archived import add, options, shown, verdicts
from helpers.archives import found
from helpers.coded_videos import equal, scenes
from helpers.video_clips import RATE, moving, pictures, video_file

from codec import archive
from codec.archive import match
from codec.codecs.options import Target, VideoOptions
from codec.container import Segment
from codec.errors import CodecError
from codec.media.video import Picture, Planes, read_video
from codec.video import open_file

Made = tuple[bytes, list[archive.Added]]


def test_no_byte_changes_and_all_sessions_decode_as_before(made: Made, path: Path) -> None:
    data, added = made
    assert sum(one.size for one in added) == len(data) - 13
    assert verdicts(path) == dict.fromkeys(("clip", "copy", "part", "half"), "")
    for number, placed in enumerate(found(data)):  # each state before an add is the start of the one after
        path.write_bytes(data[: placed.end])
        assert list(verdicts(path)) == ["clip", "copy", "part", "half"][: number + 1]
        assert [one.entry.digest for one in found(data[: placed.end])] == [a.entry.digest for a in added[: number + 1]]


def test_a_copy_costs_next_to_nothing_and_looks_the_same(made: Made, path: Path) -> None:
    first, copy = made[1][:2]
    assert copy.size < 200 and copy.taken == 36 and copy.entry.digest == first.entry.digest
    assert equal(shown(path, "copy"), shown(path, "clip"))
    with archive.opened(path) as opened:
        assert opened.header(1).metadata == {"audio": b"no sound"}


def test_a_part_that_was_wrapped_again_costs_next_to_nothing(made: Made, path: Path) -> None:
    assert made[1][2].size < 300 and made[1][2].taken == 12
    whole, part = shown(path, "clip"), shown(path, "part")
    wanted = [p._replace(time=p.time - 7 / RATE, held=None) for p in whole[7:19]]
    assert equal(part, wanted)


def test_what_is_new_is_encoded_and_the_rest_is_pointed_to(made: Made, path: Path, clip: list[Planes]) -> None:
    half = made[1][3].entry
    assert [s.count for s in half.segments] == [6, 14, 5] and half.own == 11 and half.depends == (3,)
    assert half.segments[1] == Segment(3, 14, 3, 3 / RATE)
    whole = shown(path, "half")
    assert [p.time for p in whole] == [i / RATE for i in range(25)]
    assert equal([p._replace(time=p.time - 3 / RATE) for p in whole[6:20]], shown(path, "clip", 3, 16))
    for first, last in ((0, 0), (5, 6), (18, 22), (24, 24), (7, 19)):
        assert equal(shown(path, "half", first, last), whole[first : last + 1])
    with pytest.raises(CodecError, match=r"no frames 20\.\.25"):
        shown(path, "half", 20, 25)


def test_a_pointer_names_the_owner_never_a_pointer(made: Made, path: Path, clip: list[Planes]) -> None:
    before = path.read_bytes()
    again = add(path, "again", [*clip[10:20], *moving(32, 48, 6)])
    assert path.read_bytes().startswith(before)
    assert [(s.distance, s.count, s.first) for s in again.entry.segments] == [(4, 10, 10), (1, 6, 0)]
    assert (again.entry.like, again.entry.depends) == (1, (1, 4))
    (path.parent / "second").mkdir()
    second = path.parent / "second" / "all.ncf"
    archive.create(second)
    for name, frames in (("one", clip[:8]), ("other", moving(32, 48, 6)), ("again", clip[:8])):
        entry = add(second, name, frames).entry
    assert (entry.like, entry.depends) == (2, (2,))  # as near as the other, and needed anyway


def test_times_that_are_not_steady_stay(path: Path, clip: list[Planes]) -> None:
    times = [Fraction(i * i, 100) for i in range(20)]
    uneven = [Picture(planes, t) for planes, t in zip(clip[:20], times, strict=True)]
    added = add(path, "uneven", clip[:20], uneven)
    assert added.taken == 20 and [p.time for p in shown(path, "uneven")] == times


def test_frames_whose_times_no_pointer_can_say_are_encoded_again(path: Path, clip: list[Planes]) -> None:
    """Those of two files can be in ticks that have nothing in common."""
    ticks = Fraction(1, 2**31 - 1), Fraction(1, 2**31 - 3)
    for number, tick in enumerate(ticks):
        frames = [(255 - y, u, v) for y, u, v in clip[:5]]
        timed = [picture._replace(time=n * 10**8 * tick) for n, picture in enumerate(pictures(frames), 1)]
        assert add(path, f"timed {number}", frames, timed).entry.own == 5


def test_runs_are_of_four_frames_at_least(path: Path, clip: list[Planes]) -> None:
    new = scenes(lengths=(4, 4, 4))
    frames = [*clip[:3], *[(255 - y, u, v) for y, u, v in new[:5]], *clip[20:24]]
    assert [s.count for s in add(path, "mixed", frames).entry.segments] == [8, 4]


def test_what_is_worse_than_is_asked_for_is_encoded_again(path: Path, clip: list[Planes]) -> None:
    assert add(path, "better", clip[:8], how=options(80)).taken == 0
    assert add(path, "worse", clip[:8], how=options(20)).taken == 8  # the better one
    other = VideoOptions(Target(quality=50), 1, seconds=0.0, base="x265")
    assert add(path, "over another", clip[:8], how=other).taken == 8
    high = replace(options(), target=Target(psnr=60))
    with pytest.raises(CodecError, match="can't be had"):
        add(path, "best", clip[:8], how=high)
    low = replace(options(), target=Target(psnr=25))
    assert add(path, "low", clip[:8], how=low).taken == 8
    small = replace(options(), target=Target(size=1000))
    assert add(path, "small", [*clip[:8], *[(255 - y, v, u) for y, u, v in clip[:8]]], how=small).taken == 8


def test_a_frame_that_only_seems_equal_is_cut_off(
    path: Path, clip: list[Planes], monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [*[(255 - y, u, v) for y, u, v in clip[9:11]], *clip[10:20], *[(255 - y, u, v) for y, u, v in clip[:1]]]
    hashes = [match.hash_of(planes, 8) for planes in clip[9:21]]
    numbers = iter([0, *hashes, *([0] * 40)])
    monkeypatch.setattr(match, "hash_of", lambda planes, depth: next(numbers))
    added = add(path, "seeming", frames)
    assert [(s.distance, s.count, s.first) for s in added.entry.segments] == [(0, 2, 0), (4, 10, 10), (0, 1, 0)]


def test_the_last_picture_is_shown_as_long_as_it_was(path: Path, clip: list[Planes]) -> None:
    add(path, "held", video_file([*clip[:8], *moving(32, 48, 2)], held=Fraction(2)))
    add(path, "held too", video_file([*moving(32, 48, 2), *clip[:8]], held=Fraction(3)))
    assert [p.held for p in shown(path, "held")] == [None] * 9 + [2]
    assert [p.held for p in shown(path, "held too")] == [None] * 9 + [3]


def test_sound_is_of_its_session(path: Path, clip: list[Planes]) -> None:
    silent, loud = add(path, "silent", clip), add(path, "loud", video_file(clip, sound=True))
    assert silent.taken == loud.taken == 36
    with archive.opened(path) as opened:
        sounds = [len(opened.header(n).metadata.get("audio", b"")) for n in (4, 5)]
    assert sounds[0] == 0 < sounds[1] < loud.size


def test_processes_encode_what_is_new_and_no_more(path: Path, clip: list[Planes]) -> None:
    """Each reads the source by itself, and passes over the frames that are there."""
    new = scenes(lengths=(14, 14))
    frames = [*[(255 - y, u, v) for y, u, v in new[:14]], *clip[5:12], *[(255 - y, v, u) for y, u, v in new[14:]]]
    source = path.with_name("source.mkv")
    source.write_bytes(video_file(frames))
    before, grown = path.read_bytes(), []
    for jobs in (1, 2):
        path.write_bytes(before)
        with archive.writing(path, device="cpu") as writer, open(path.with_name("part"), "w+b") as part:
            opened = read_video(str(source))
            writer.add("new", opened, part, options=options(), jobs=jobs, source=str(source), date=1)
        grown.append(path.read_bytes())
    assert grown[0] == grown[1] and verdicts(path)["new"] == ""
    assert [s.count for s in found(grown[0])[-1].entry.segments] == [14, 7, 14]


def test_a_whole_file_is_added_as_it_is(path: Path, clip: list[Planes]) -> None:
    with archive.opened(path) as opened:
        data = opened.window(0).read()
    with archive.writing(path, device="cpu") as writer:
        added = writer.add_file("kept", io.BytesIO(data))
    assert added.entry.own == 36
    assert equal(shown(path, "kept"), list(open_file(io.BytesIO(data), device="cpu").pictures()))


def test_a_name_is_given_once(path: Path, clip: list[Planes]) -> None:
    before = path.read_bytes()
    with pytest.raises(CodecError, match="there is a session 'copy' in it; give another name"):
        add(path, "copy", clip)
    with pytest.raises(CodecError, match="is no name of a session"):
        add(path, "a\tb", clip)
    assert path.read_bytes() == before


def test_another_writer_is_refused_at_once(path: Path) -> None:
    with archive.writing(path), pytest.raises(CodecError, match="another process is writing"), archive.writing(path):
        pass
    assert os.listdir(path.parent) == ["all.ncf"]


def test_an_append_that_fails_leaves_the_archive_as_it_was(
    path: Path, clip: list[Planes], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def full(fp: io.BufferedWriter) -> None:
        assert path.stat().st_size > len(before) or fp.tell() > len(before)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("codec.archive.add.sync", full)
    with pytest.raises(OSError, match="No space"):
        add(path, "new", clip[:6])
    assert path.read_bytes() == before


def test_a_full_disk_leaves_the_archive_as_it_was(path: Path, clip: list[Planes]) -> None:
    """A limit takes the part of a write that fits, and refuses what follows, as a full disk does."""
    resource = pytest.importorskip("resource")
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            add(path, "copied", clip[:6])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert add(path, "copied", clip[:6]).taken == 6


@pytest.mark.parametrize("left", [1, 30, 400])
def test_what_a_killed_append_left_is_passed_over_and_cut_back_by_the_next(
    path: Path, made: Made, clip: list[Planes], left: int
) -> None:
    data = made[0]
    last = found(data)[-1]
    path.write_bytes(data[: last.start + left])
    with archive.opened(path) as opened:
        assert (len(opened.sessions), opened.unfinished) == (3, left)
    assert shown(path, "part")
    with archive.writing(path, device="cpu") as writer:
        assert writer.cut == left
    assert path.read_bytes() == data[: last.start]
    assert add(path, "half", clip[:5]).taken == 5


def test_a_picture_file_or_video_is_no_archive(path: Path, tmp_path: Path) -> None:
    with archive.opened(path) as opened:
        (tmp_path / "clip.ncf").write_bytes(opened.window(0).read())
    (tmp_path / "text.ncf").write_text("hello")
    for name, what in (("clip.ncf", "no archive"), ("text.ncf", "not an .ncf file")):
        with pytest.raises(CodecError, match=what), archive.writing(tmp_path / name):
            pass
    with pytest.raises(FileExistsError):
        archive.create(tmp_path / "clip.ncf")


def test_pictures_in_the_archive_are_at_steady_times(path: Path, clip: list[Planes]) -> None:
    assert equal(
        [p._replace(planes=q.planes) for p, q in zip(shown(path, "clip"), pictures(clip), strict=True)], pictures(clip)
    )
