"""The commands of archives: what users see, and what is refused in one line."""

import errno
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.archives import found
from helpers.coded_videos import equal, in_file
from helpers.commands import call, interrupted, names, refused
from helpers.video_clips import moving, video_file

from codec import archive
from codec.errors import CodecError

HOW = ("-e", 1, "--base", "x264", "--time-budget", "0.01s")


@pytest.fixture(scope="session")
def made(source: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An archive of a clip and a copy of it."""
    folder = tmp_path_factory.mktemp("archives")
    (folder / "clip.mkv").write_bytes(source)
    (folder / "copy.mkv").write_bytes(source)
    call("archive", "create", folder / "all.ncf")
    call("archive", "add", folder / "all.ncf", folder / "clip.mkv", folder / "copy.mkv", *HOW)
    assert names(folder) == ["all.ncf", "clip.mkv", "copy.mkv"]
    return (folder / "all.ncf").read_bytes()


@pytest.fixture
def all_(here: Path, made: bytes) -> str:
    Path("all.ncf").write_bytes(made)
    return "all.ncf"


def listed(path: str, *arguments: object) -> list[dict[str, object]]:
    return [json.loads(line) for line in call("archive", "list", path, "--json", *arguments).stdout.splitlines()]


def test_an_archive_is_listed(all_: str, made: bytes) -> None:
    rows = listed(all_)
    assert [(r["name"], r["frames"], r["own"], r["depends"]) for r in rows] == [
        ("clip", 30, 30, []),
        ("copy", 30, 0, ["clip"]),
    ]
    assert sum(int(str(r["bytes"])) for r in rows) == len(made) - 13 and int(str(rows[1]["bytes"])) < 200
    text = call("archive", "list", all_).stdout
    assert (
        "archive of 2 videos, 60 frames" in text
        and text.splitlines()[1].endswith("  needs")
        and text.endswith("  clip\n")
    )
    assert call("info", all_).stdout == text
    told = call("archive", "info", all_, "copy").stdout
    assert "48 x 32, 30 frames, 1.2 s" in told and "audio" in told and "0 to 29: 0 to 29 of clip" in told
    assert "clip" not in call("archive", "info", all_, "clip", "--json").stdout.replace('"clip"', "")
    assert json.loads(call("archive", "stats", all_, "--json").stdout)["own_frames"] == 30
    assert "saved bytes" in call("archive", "stats", all_).stdout


def test_listing_loads_no_library_of_pictures(all_: str) -> None:
    code = f"""
import sys
from codec.cli.main import cli
cli.main(["archive", "list", {all_!r}], standalone_mode=False)
assert not {{"torch", "av", "PIL"}} & set(sys.modules), sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_videos_are_taken_out(all_: str, source: bytes) -> None:
    call("archive", "extract", all_, "clip", "-o", "clip.mkv")
    call("archive", "extract", all_, "copy", "-o", "copy.mkv", "--frames", "10..19", "--no-audio")
    whole, part = in_file("clip.mkv"), in_file("copy.mkv")
    assert equal([p._replace(time=p.time + whole[10].time) for p in part], whole[10:20])
    call("archive", "extract", all_, "-o", "out/")
    assert names("out") == ["clip.mp4", "copy.mp4"]
    call("archive", "extract", all_, "clip", "clip", "-o", "once/")
    assert names("once") == ["clip.mp4"]
    call("archive", "extract", all_, "clip", "--png", "--frames", 3)
    assert len(names("clip")) == 1
    assert "exists already" in refused("archive", "extract", all_, "clip", "-o", "clip.mkv")
    assert "name a video, or a directory" in refused("archive", "extract", all_, code=2)
    assert "there is no session 'dog' in it; it has clip, copy" in refused("archive", "extract", all_, "dog")


def test_a_name_of_a_session_leads_to_no_other_folder(here: Path, source: bytes) -> None:
    Path("clip.mkv").write_bytes(source)
    call("archive", "create", "all.ncf")
    call("archive", "add", "all.ncf", "clip.mkv", *HOW, "--name", "../.a/b")
    call("archive", "add", "all.ncf", "clip.mkv", *HOW, "--name", "Con.1")
    call("archive", "extract", "all.ncf", "-o", "out/")
    assert names("out") == ["_._.a_b.mp4", "_Con.1.mp4"] and names() == ["all.ncf", "clip.mkv", "out"]


def test_what_can_not_be_added_is_refused_and_the_others_go_on(all_: str, source: bytes, photo: Path) -> None:
    before = Path(all_).read_bytes()
    Path("clip.mkv").write_bytes(source)
    Path("other.mkv").write_bytes(source)
    line = refused("archive", "add", all_, "clip.mkv", *HOW)
    assert line == (
        "codec: clip.mkv: there is a session 'clip' in all.ncf; add this one by `codec archive add --name`, or leave "
        "it out by --skip-existing"
    )
    assert "no video, and an archive holds videos" in refused("archive", "add", all_, photo)
    assert Path(all_).read_bytes() == before
    result = call("archive", "add", all_, "clip.mkv", "other.mkv", photo, *HOW, "--json", code=1)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert sorted("error" in row for row in rows) == [False, True, True]
    (row,) = [row for row in rows if "error" not in row]
    assert (row["session"], row["frames"], row["taken"]) == ("other", 30, 30) and row["bytes"] < 200
    assert [r["name"] for r in listed(all_)] == ["clip", "copy", "other"]
    assert "skipped" in call("archive", "add", all_, "clip.mkv", "other.mkv", *HOW, "--skip-existing").stderr
    two = refused("archive", "add", all_, "clip.mkv", "other.mkv", "--name", "x", code=2)
    assert "--name is of one video" in two
    assert "'' is no name of a session" in refused("archive", "add", all_, "clip.mkv", "--name", "")
    assert "is an .ncf file already" in refused("archive", "add", all_, all_)
    assert "two goals" in refused("archive", "add", all_, "clip.mkv", "-q", 3, "--target-psnr", 30, code=2)


def test_other_files_are_no_archives(here: Path, source: bytes, ncf: bytes) -> None:
    Path("clip.ncf").write_bytes(ncf)
    Path("clip.mkv").write_bytes(source)
    for command in (("list",), ("info",), ("stats",), ("verify",), ("repair",), ("extract", "-o", "out/")):
        line = refused("archive", command[0], "clip.ncf", *command[1:])
        assert "it is one image or video, no archive; begin one with `codec archive create`" in line
    assert "no archive" in refused("archive", "add", "clip.ncf", "clip.mkv")
    assert "begin it with `codec archive create no.ncf`" in refused("archive", "add", "no.ncf", "clip.mkv")
    assert "there is such a file already" in refused("archive", "create", "clip.ncf")
    assert "none of codec's" in refused("archive", "create", "clip.mkv", "-f")
    call("archive", "create", "clip.ncf", "-f")
    assert listed("clip.ncf") == []
    for more in (("info",), ("verify",), ("extract", "-o", "out/")):
        assert "there are no videos in it" in call("archive", more[0], "clip.ncf", *more[1:]).stderr
    for command in ("create", "list", "info", "stats", "verify", "repair", "extract"):
        assert "can't come through standard input" in refused("archive", command, "-", code=2)
    assert "can't come through standard input" in refused("archive", "add", "-", "clip.mkv", code=2)


def test_other_commands_say_what_an_archive_is(all_: str) -> None:
    for command in ("decode", "export"):
        assert "it is an archive of videos; list it by `codec archive list`" in refused(command, all_)
    with pytest.raises(CodecError, match=r"all\.ncf: it is an \.ncf file already"):
        call("evaluate", all_, "--codec", "nirvana:q=50")


def test_a_truncated_archive_is_told_and_cut_back(all_: str, made: bytes) -> None:
    last = found(made)[-1]
    for left in (5, len(made) - last.start - 1):
        Path(all_).write_bytes(made[: last.start + left])
        result = call("archive", "list", all_)
        (line,) = result.stderr.splitlines()
        assert f"1 session is whole, and {left} bytes behind them are none" in line
        assert "codec archive repair all.ncf" in line and "archive of 1 videos" in result.stdout
        call("archive", "extract", all_, "clip", "-f", "-o", "clip.mkv")
        call("archive", "verify", all_, code=1)
        assert f"cut off {left} bytes; 1 session" in call("archive", "repair", all_).stdout
        assert Path(all_).read_bytes() == made[: last.start]
        assert "nothing to cut off; 1 session" in call("archive", "repair", all_).stdout
    Path(all_).write_bytes(made[: last.start + 9])
    Path("new.mkv").write_bytes(video_file(moving(32, 48, 5)))
    assert "cut off 9 bytes" in call("archive", "add", all_, "new.mkv", *HOW).stderr
    assert [r["name"] for r in listed(all_)] == ["clip", "new"]


def test_damaged_sessions_are_named(all_: str, made: bytes) -> None:
    assert "clip: 30 frames are as they were added" in call("archive", "verify", all_).stdout
    broken = bytearray(made)
    broken[found(made)[1].end - 20] ^= 1
    Path(all_).write_bytes(broken)
    result = call("archive", "verify", all_, code=1)
    assert result.stdout.splitlines() == ["clip: 30 frames are as they were added"]
    assert result.stderr.startswith("codec: all.ncf: damaged: the entry of session 1 can't be read; ")
    call("archive", "list", all_, code=1)
    broken = bytearray(made)
    broken[found(made)[0].start + 2000] ^= 1
    Path(all_).write_bytes(broken)
    lines = call("archive", "verify", all_, "--json", code=1)
    rows = [json.loads(line) for line in lines.stdout.splitlines()]
    assert [row["whole"] for row in rows] == [False, False]
    assert rows[0]["error"].startswith("session 'clip': damaged")
    line = refused("archive", "extract", all_, "copy", "-o", "copy.mkv")
    assert rows[1]["error"].startswith("session 'copy': session 'clip': damaged") and rows[1]["error"] in line


def test_encode_makes_an_archive_in_one_go(here: Path, source: bytes) -> None:
    for name in ("a.mkv", "b.mkv"):
        Path(name).write_bytes(source)
    call("encode", "--codec", "pfnr", "a.mkv", "b.mkv", "-o", "all.ncf", *HOW)
    assert [(r["name"], r["own"]) for r in listed("all.ncf")] == [("a", 30), ("b", 0)]
    assert "name its file with -o" in refused("encode", "--codec", "pfnr", "a.mkv", code=2)
    assert "there is such a file already" in refused("encode", "--codec", "pfnr", "a.mkv", "-o", "all.ncf")
    call("encode", "--codec", "pfnr", "a.mkv", "-o", "all.ncf", "-f", *HOW)
    assert len(listed("all.ncf")) == 1


def test_an_archive_is_not_replaced_for_what_can_not_be_in_it(all_: str, made: bytes, source: bytes) -> None:
    Path("a.mkv").write_bytes(source)
    for sources, code in (((all_,), 2), (("none.mkv",), 1), (("-",), 2), (("a.mkv", "--dry-run"), 2)):
        refused("encode", "--codec", "pfnr", *sources, "-o", all_, "-f", code=code)
        assert Path(all_).read_bytes() == made


def test_an_archive_stays_until_the_new_one_has_a_session(here: Path, source: bytes, made: bytes) -> None:
    (here / "none.mkv").write_bytes(b"no video")
    (here / "a.mkv").write_bytes(source)
    (here / "all.ncf").write_bytes(made)
    before = names(here)
    refused("encode", "--codec", "pfnr", "none.mkv", "-o", "all.ncf", "-f", *HOW)
    assert Path("all.ncf").read_bytes() == made and names(here) == before
    call("encode", "--codec", "pfnr", "none.mkv", "a.mkv", "-o", "all.ncf", "-f", *HOW, code=1)
    assert [one["name"] for one in listed("all.ncf")] == ["a"] and names(here) == before


def test_two_videos_of_one_name_are_told_before_any_work(all_: str, made: bytes, source: bytes) -> None:
    for folder in ("day1", "day2"):
        Path(folder).mkdir()
        Path(folder, "a.mkv").write_bytes(source)
    line = refused("archive", "add", all_, "-r", "day1", "day2", "--skip-existing", *HOW, code=2)
    assert "day1/a.mkv and day2/a.mkv would both become session 'a'" in line
    assert Path(all_).read_bytes() == made


def test_pictures_of_several_videos_go_into_a_folder_that_is_there(all_: str) -> None:
    Path("out").mkdir()
    call("archive", "extract", all_, "clip", "--png", "--frames", "0..1", "-o", "out")
    call("archive", "extract", all_, "clip", "copy", "--png", "--frames", "0..1", "-o", "out", "--skip-existing")
    assert names(Path("out")) == ["clip", "copy"] and len(names(Path("out/copy"))) == 2


def test_a_stream_is_kept_as_it_is(here: Path) -> None:
    clip = video_file(moving(), "mp4", "libx264")
    Path("clip.mp4").write_bytes(clip)
    call("archive", "create", "all.ncf")
    row = json.loads(call("archive", "add", "all.ncf", "clip.mp4", "--keep-stream", "--json").stdout)
    assert row["frames"] == 12 and row["bytes"] < len(clip)
    assert names() == ["all.ncf", "clip.mp4"]
    call("archive", "extract", "all.ncf", "clip", "-o", "back.mkv")
    assert equal(in_file("back.mkv"), in_file("clip.mp4"))


def test_one_process_at_a_time_adds(all_: str, made: bytes, source: bytes) -> None:
    Path("new.mkv").write_bytes(source)
    with archive.writing(all_):
        for command in (("add", all_, "new.mkv"), ("repair", all_)):
            line = refused("archive", *command)
            assert "another process is writing all.ncf; wait for it" in line
        assert len(listed(all_)) == 2
    assert Path(all_).read_bytes() == made and names() == ["all.ncf", "new.mkv"]


def test_where_an_output_has_no_other_place_none_is_advised(
    all_: str, made: bytes, source: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("new.mkv").write_bytes(source)

    def full(fp: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("codec.archive.add.sync", full)
    line = refused("archive", "add", all_, "new.mkv", *HOW)
    assert line == "codec: all.ncf: no space left on device; free some space"
    assert Path(all_).read_bytes() == made


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_add_goes_on(all_: str, made: bytes, number: int) -> None:
    shown = [(y // 4 + np.uint8(160 * (n // 14 % 2)), u, v) for n, (y, u, v) in enumerate(moving(64, 64, 70))]
    Path("new.mkv").write_bytes(video_file(shown))
    command = ("archive", "add", all_, "new.mkv", "-e", "1")
    done = interrupted(number, ".all.ncf.unfinished*", *command)
    assert done.returncode == (-9 if number == signal.SIGKILL else 130)
    assert number == signal.SIGKILL or b"with --skip-existing --resume goes on from there" in done.stderr
    assert Path(all_).read_bytes() == made
    assert "made with other options" in refused(*command, "-q", 10, "--resume")
    Path("copy.mkv").touch()
    call(*command[:3], "copy.mkv", *command[3:], "--skip-existing", "--resume")
    assert [r["name"] for r in listed(all_)] == ["clip", "copy", "new"] and names() == [
        "all.ncf",
        "copy.mkv",
        "new.mkv",
    ]
    assert Path(all_).read_bytes().startswith(made)
    assert "new: 70 frames" in call("archive", "verify", all_, "new").stdout
